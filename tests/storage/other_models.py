"""Embedders without a model whose vectors cannot be compared with `HashEmbedder`'s."""

from collections.abc import Awaitable, Callable, Sequence

import numpy as np

from zettel.storage.embedding.hashing import HashEmbedder
from zettel.storage.store import Vectors


class ShiftedEmbedder(HashEmbedder):
    """The vectors of `HashEmbedder` with each number in the next place, under another id.

    Args:
        dim: Length of a vector; that of `HashEmbedder` by default.
        name: Of the model.
        before: Awaited before notes are embedded, as other work that is done meanwhile.
    """

    def __init__(
        self,
        dim: int = 64,
        *,
        name: str = "shifted",
        before: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        super().__init__(dim)
        self._name, self._before = name, before

    @property
    def model_id(self) -> str:
        """Another one than of `HashEmbedder`, also for equal lengths."""
        return f"{self._name}@{self.dim}"

    async def embed_query(self, text: str) -> Vectors:
        """One question."""
        return np.roll(await super().embed_query(text), 1)

    async def embed_notes(self, contents: Sequence[str]) -> list[Vectors]:
        """Some notes."""
        if self._before is not None:
            await self._before()
        return [np.roll(made, 1, axis=1) for made in await super().embed_notes(contents)]
