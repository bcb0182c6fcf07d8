"""How recall strengthens a note: Ebbinghaus' curve as MemoryBank uses it, written in batches."""

import math
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

import anyio

from zettel.storage.notes import Kind, Note, Usage
from zettel.storage.store import NoteStore, Recalled

INITIAL_STRENGTH_DAYS = 1.0
"""S of a note never recalled (MemoryBank, arXiv 2305.10250, section 2.2: S starts at 1)."""

STRENGTH_PER_RECALL_DAYS = 1.0
"""What one recall adds to S (same source: S grows by 1, elapsed time starts again at 0)."""


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
    """How long a note lasts: the S of its retention, in days; infinite for `core`.

    Its layer's days times MemoryBank's S, more for what is important: a half to one and a half
    times as long.
    """
    strength = known.strength if known else INITIAL_STRENGTH_DAYS
    return LAYER_DAYS[note.kind] * strength * (0.5 + note.importance)


def strength_left(*, strength_days: float, elapsed: timedelta) -> float:
    """Share of a memory still held: `exp(-elapsed / strength)` (Ebbinghaus 1885; MemoryBank).

    Args:
        strength_days: S, days, above 0; infinite for what never fades.
        elapsed: Since it was last recalled, or told; a negative time counts as none.

    Returns:
        In `(0, 1]`, no unit.
    """
    days = max(elapsed / timedelta(days=1), 0.0)
    return math.exp(-days / strength_days)


class UsageBuffer:
    """Recalls not yet written: they must never slow an answer down."""

    def __init__(self) -> None:
        self._pending: dict[str, tuple[int, datetime]] = {}
        self._flushing = anyio.Lock()

    @property
    def dirty(self) -> bool:
        """Whether a flush would write anything."""
        return bool(self._pending)

    def add(self, note_ids: Iterable[str], at: datetime) -> None:
        """Count one recall for each of these notes."""
        for note_id in note_ids:
            count, _ = self._pending.get(note_id, (0, at))
            self._pending[note_id] = (count + 1, at)

    def drop(self, note_ids: Iterable[str]) -> None:
        """Count nothing more for these notes."""
        for note_id in note_ids:
            self._pending.pop(note_id, None)

    async def flush(self, store: NoteStore) -> int:
        """Write what has gathered in one commit; what cannot be written is kept for the next flush.

        Returns:
            How many notes were reinforced.
        """
        async with self._flushing:  # the last one must see what one before it could not write
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
