"""What Zettel keeps: note values, the store's contract and its implementations, the embedder."""

from zettel.storage.environment import settle_environment
from zettel.storage.lean_import import leave_out_client

# Before any module below can import LanceDB.
settle_environment()
leave_out_client()
