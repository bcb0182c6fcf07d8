"""The embedder's contract: text in, unit vectors out."""

from collections.abc import Sequence
from typing import Protocol

from zettel.storage.store import Vectors


class Embedder(Protocol):
    """Turns text into unit vectors; safe to make before the model is loaded."""

    @property
    def model_id(self) -> str:
        """Name and weights' fingerprint: equal ids mean comparable vectors."""
        ...

    @property
    def dim(self) -> int:
        """Length of a vector."""
        ...

    @property
    def ready(self) -> bool:
        """Whether the model is loaded."""
        ...

    async def load(self) -> None:
        """Load the model in a thread; returns when it is ready, at once the second time.

        Raises:
            ModelUnavailableError: It cannot be found, read or trusted.
        """
        ...

    async def embed_query(self, text: str) -> Vectors:
        """One question as float32, shape `(dim,)`, unit length. Loads the model if need be."""
        ...

    async def embed_notes(self, contents: Sequence[str]) -> list[Vectors]:
        """One array `(passages, dim)` a content, float32, rows of unit length.

        A passage has at most 200 tokens; a content has at least one passage.
        """
        ...

    def split(self, content: str) -> list[str]:
        """The passages `embed_notes` would embed: verbatim slices of the content, in order."""
        ...
