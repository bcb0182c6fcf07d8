"""How often notes are tended."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """The scheduler's two waits."""

    interval_s: float
    """Seconds between rounds while nobody writes."""
    settle_s: float
    """Seconds without a write after which new notes are tended."""
