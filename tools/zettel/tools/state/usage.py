"""Strengthening of recalled notes: Ebbinghaus' curve as in MemoryBank, written in batches."""

import math
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

import anyio

from zettel.storage.notes import Kind, Note, Usage
from zettel.storage.store import NoteStore, Recalled

INITIAL_STRENGTH_DAYS = 1.0
"""S of a note never recalled (MemoryBank, arXiv 2305.10250, section 2.2: S starts at 1)."""

STRENGTH_PER_RECALL_DAYS = 1.0
"""Added to S by one recall (same source: S grows by 1, elapsed time starts again at 0)."""


LAYER_DAYS: Mapping[Kind, float] = {
    Kind.WORKING: 14.0,
    Kind.EPISODIC: 90.0,
    Kind.SEMANTIC: 365.0,
    Kind.PROCEDURAL: 365.0,
    Kind.CONCEPT: 365.0,
    Kind.CORE: math.inf,
}
"""Days by which S is multiplied, by kind: the stability of FinMem's three layers of memory (arXiv
2311.13743, section 3.1: 14, 90 and 365 days), which follow TradingGPT's. `core` never fades."""


def lasting_days(note: Note, known: Usage | None) -> float:
    """The S of a note's retention in days; infinite for `core`.

    Its layer's days times MemoryBank's S, times 0.5 to 1.5 by importance.
    """
    strength = known.strength if known else INITIAL_STRENGTH_DAYS
    return LAYER_DAYS[note.kind] * strength * (0.5 + note.importance)


def strength_left(*, strength_days: float, elapsed: timedelta) -> float:
    """The retention: `exp(-elapsed / strength)` (Ebbinghaus 1885; MemoryBank).

    Args:
        strength_days: S, days, above 0; may be infinite.
        elapsed: Since the last recall or, without one, storage; negative counts as 0.

    Returns:
        In `(0, 1]`, no unit.
    """
    days = max(elapsed / timedelta(days=1), 0.0)
    return math.exp(-days / strength_days)


class UsageBuffer:
    """Recalls not yet written, so that answers need not wait for the write."""

    def __init__(self) -> None:
        self._pending: dict[str, tuple[int, datetime]] = {}
        self._flushing = anyio.Lock()

    @property
    def dirty(self) -> bool:
        """Whether a flush would write anything."""
        return bool(self._pending)

    def add(self, note_ids: Iterable[str], at: datetime) -> None:
        """Count one recall for each note."""
        for note_id in note_ids:
            count, _ = self._pending.get(note_id, (0, at))
            self._pending[note_id] = (count + 1, at)

    def drop(self, note_ids: Iterable[str]) -> None:
        """Forget the recalls of these notes."""
        for note_id in note_ids:
            self._pending.pop(note_id, None)

    async def flush(self, store: NoteStore) -> int:
        """Write all recalls in one commit; after a failure they are kept for the next flush.

        Returns:
            The number of notes reinforced.
        """
        async with self._flushing:  # a later flush must include what an earlier one failed to write
            pending, self._pending = self._pending, {}
            if not pending:
                return 0
            try:
                await store.reinforce(
                    [_recalled(note_id, *recalls) for note_id, recalls in pending.items()]
                )
            except BaseException:
                for note_id, (count, at) in pending.items():
                    more, later = self._pending.get(note_id, (0, at))
                    self._pending[note_id] = (count + more, max(at, later))
                raise
            return len(pending)


def _recalled(note_id: str, recalls: int, at: datetime) -> Recalled:
    return Recalled(
        note_id=note_id,
        recalls=recalls,
        at=at,
        gain=STRENGTH_PER_RECALL_DAYS * recalls,
        initial=INITIAL_STRENGTH_DAYS,
    )
