"""Storage of Zettel: note values, the store's contract and its implementations, the embedder."""

from zettel.storage.startup import defer_client_import, set_environment

# Before any module below can import LanceDB.
set_environment()
defer_client_import()
