"""What Zettel keeps: note values, the store's contract and its implementations, the embedder."""

from zettel.storage.lean_import import leave_out_client

# Before any module below can import LanceDB.
leave_out_client()
