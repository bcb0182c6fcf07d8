"""A test embedder without a model: texts that share words get similar vectors."""

# ruff: noqa: D102 - each method is documented in the contract

from collections.abc import Iterator, Sequence
from functools import lru_cache
from hashlib import shake_128

import anyio
import numpy as np
import regex
from numpy.typing import NDArray

from zettel.storage.embedding.embedder import Embedder, unit_rows
from zettel.storage.notes import fold
from zettel.storage.store import Vectors
from zettel.storage.text.passages import TextSpan, split_passages

_WORD = regex.compile(r"\w+|[^\w\s]")
_LETTERS = 3
_LETTERS_WEIGHT = 0.3
"""Weight of three letters against 1 of a whole word."""
KNOWN_FEATURES = 8_192
"""Words and three letters whose vectors are kept: the texts of a test share most of theirs."""


class HashEmbedder(Embedder):
    """Adds one pseudo-random vector per word and per three letters, the same on every machine.

    Args:
        dim: Length of a vector, 2 and up.
        ready: False to be unready until `load` or a first embedding.
        held: True to block those until `release`, as a slow model would.
    """

    def __init__(self, dim: int = 64, *, ready: bool = True, held: bool = False) -> None:
        self._dim = dim
        self._ready = ready and not held
        self._released = anyio.Event()
        if not held:
            self._released.set()

    @property
    def model_id(self) -> str:
        return f"hash@{self._dim}"

    @property
    def dim(self) -> int:
        return self._dim

    @property
    def ready(self) -> bool:
        return self._ready

    def release(self) -> None:
        """Let a held embedder finish loading."""
        self._released.set()

    async def load(self) -> None:
        await self._released.wait()
        self._ready = True

    async def embed_query(self, text: str) -> Vectors:
        await self.load()
        return unit_rows(self._sum(text)[np.newaxis])[0]

    async def embed_notes(self, contents: Sequence[str]) -> list[Vectors]:
        await self.load()
        split = [self.split(content) for content in contents]
        return [unit_rows(np.stack([self._sum(p) for p in passages])) for passages in split]

    def split(self, content: str) -> list[str]:
        """The passages that `embed_notes` embeds: verbatim slices of the content, in order."""
        return split_passages(content, _word_spans)

    def _sum(self, text: str) -> NDArray[np.float64]:
        total = np.zeros(self._dim)
        for feature, weight in _features(text):
            total += _part(feature, weight, self._dim)
        return total


@lru_cache(maxsize=KNOWN_FEATURES)
def _part(feature: str, weight: float, dim: int) -> NDArray[np.float64]:
    noise = np.frombuffer(shake_128(feature.encode()).digest(dim), dtype=np.int8)
    return (weight * (noise + 0.5)).astype(np.float64)


def _word_spans(text: str) -> list[TextSpan]:
    return [match.span() for match in _WORD.finditer(text)]


def _features(text: str) -> Iterator[tuple[str, float]]:
    for word in _WORD.findall(fold(text)):
        yield word, 1.0
        for at in range(len(word) - _LETTERS + 1):
            yield f"#{word[at : at + _LETTERS]}", _LETTERS_WEIGHT
