"""What the last commits replaced, so that earlier versions are read in memory, too."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

_Row = TypeVar("_Row")

EARLIER_MAX_COMMITS = 32
"""Commits that are remembered: a recall takes some 50 ms, in which ten agents commit ten times."""
EARLIER_MAX_ROWS = 500
"""Rows that these replaced, at most; a commit that replaces more ends what is remembered."""


@dataclass(frozen=True, slots=True)
class RowsAt(Generic[_Row]):
    """How the rows of a version differ from the newest ones."""

    size: int
    """Places that there were."""
    replaced: Mapping[int, _Row]
    """Place -> the row that it had and no longer has."""


class EarlierVersions(Generic[_Row]):
    """The versions before the newest, each by what the commits since then replaced."""

    def __init__(self) -> None:
        self._commits = deque[tuple[int, RowsAt[_Row]]]()

    def remember(self, version: int, rows: RowsAt[_Row]) -> None:
        """Keep what the commit after a version replaced of its rows."""
        self._commits.append((version, rows))
        while len(self._commits) > EARLIER_MAX_COMMITS or self._replaced() > EARLIER_MAX_ROWS:
            self._commits.popleft()

    def at(self, version: int) -> RowsAt[_Row] | None:
        """The rows of a version; None if it is not remembered."""
        replaced = dict[int, _Row]()
        for before, rows in reversed(self._commits):
            replaced |= rows.replaced
            if before == version:
                # Some of what was replaced has come since then.
                there = {place: row for place, row in replaced.items() if place < rows.size}
                return RowsAt(rows.size, there)
        return None

    def _replaced(self) -> int:
        return sum(len(rows.replaced) for _, rows in self._commits)
