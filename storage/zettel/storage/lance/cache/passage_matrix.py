"""Passages of revisions in one matrix, so that one product compares them all with a vector."""

import numpy as np
from numpy.typing import NDArray

from zettel.storage.lance.cache.columns import with_room
from zettel.storage.store import Vectors


class PassageMatrix:
    """Passages by the place of their revision; places only grow.

    Args:
        passages: float32, `(passages, dim)`, rows of unit length, place by place.
        counts: How many each place has, `(places,)`; 0 of one that waits for its vectors.
    """

    def __init__(self, passages: Vectors, counts: NDArray[np.integer]) -> None:
        self._passages, self._used = passages, len(passages)
        there = np.flatnonzero(counts)
        ends = np.cumsum(counts)[there]
        # Of each place that has passages: the place and its first passage, in arrays of their own
        # since what searches them would copy a column.
        self._places = there.astype(np.int64)
        self._firsts = (ends - counts[there]).astype(np.int64)
        self._count = len(there)

    def __len__(self) -> int:
        return self._used

    def add(self, place: int, vectors: Vectors) -> None:
        """Add the passages of a place beyond all those that have any."""
        end = self._used + len(vectors)
        self._passages = with_room(self._passages, end)
        self._passages[self._used : end] = vectors
        self._places = with_room(self._places, self._count + 1)
        self._firsts = with_room(self._firsts, self._count + 1)
        self._places[self._count], self._firsts[self._count] = place, self._used
        self._used, self._count = end, self._count + 1

    def at(self, place: int) -> Vectors | None:
        """The passages of a place; None if it has none."""
        span = int(np.searchsorted(self._places[: self._count], place))
        if span == self._count or self._places[span] != place:
            return None
        last = span + 1 == self._count
        end = self._used if last else int(self._firsts[span + 1])
        return self._passages[int(self._firsts[span]) : end].copy()

    def cosines(self, vector: NDArray[np.float32]) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """The places that have passages, and the cosine of each one's best to a unit vector."""
        places, firsts = self._places[: self._count], self._firsts[: self._count]
        if not self._count:
            return places, np.empty(0, np.float32)
        # Not `@`: BLAS gives such a product to a second thread, which then spins for 25 ms on the
        # core where the next question's words are looked for (OpenBLAS), and rounds by the row's
        # place. This is as fast on one core, and equal passages have equal cosines.
        return places, np.maximum.reduceat(np.vecdot(self._passages[: self._used], vector), firsts)
