"""A ranking kept for later pages, in a tenth of the memory."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isnan

import numpy as np
from numpy.typing import NDArray

from zettel.tools.ranking.fusion import Ranked


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Packed:
    """Notes with their scores and shares.

    As they are ranked, 200 notes with 15 shares each take 216 KB, and so 26 KB.
    """

    note_ids: tuple[str, ...]
    names: tuple[str, ...]
    """Of all signals that have a share in any note."""
    numbers: NDArray[np.float64]
    """Notes x (score, then every signal's share; NaN where it has none)."""

    @classmethod
    def of(cls, ranking: Sequence[Ranked]) -> "Packed":
        """Pack a ranking."""
        names = tuple(dict.fromkeys(name for ranked in ranking for name in ranked.shares))
        numbers = np.full((len(ranking), 1 + len(names)), np.nan)
        for row, ranked in zip(numbers, ranking, strict=True):
            row[:] = [ranked.score, *(ranked.shares.get(name, np.nan) for name in names)]
        note_ids = tuple(ranked.note_id for ranked in ranking)
        return cls(note_ids=note_ids, names=names, numbers=numbers)

    def unpacked(self) -> tuple[Ranked, ...]:
        """The ranking as it was."""
        rows = zip(self.note_ids, self.numbers.tolist(), strict=True)
        return tuple(
            Ranked(note_id, score, self._shares(shares)) for note_id, (score, *shares) in rows
        )

    def _shares(self, numbers: Sequence[float]) -> dict[str, float]:
        named = zip(self.names, numbers, strict=True)
        return {name: share for name, share in named if not isnan(share)}
