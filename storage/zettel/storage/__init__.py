"""What Zettel keeps: note values, the store's contract and its implementations, the embedder."""

from zettel.storage.startup import leave_out_client, settle_environment

# Before any module below can import LanceDB.
settle_environment()
leave_out_client()
