"""How an LLM has answered lately: what a person is told of it, and when it is left alone.

It outlives the runs of a process; what a person is told stands in the store's `meta` as well, for
an engine that was started since. Kinds of outcome only, never a text.
"""

import json
from dataclasses import dataclass, field
from datetime import datetime

from zettel.storage.store import NoteStore

BREAK_AFTER = 3
"""Questions without an answer, in a row, after which the LLM is left alone."""
BREAK_S = 60.0
"""Seconds it is left alone for."""
ANSWERED, SPENT = "answered", "budget"
"""Outcomes of a question besides the reasons of `NoAnswerError`: it was answered, or not put."""
_KEY = "llm:health"


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthReport:
    """What is told of an LLM; moments are those of runs."""

    last: str = ""
    """How the last question went: `ANSWERED`, `SPENT` or an error's kind; empty before any."""
    error: str = ""
    """Kind of the last error."""
    error_at: datetime | None = None
    answered_at: datetime | None = None
    """When it last answered."""


@dataclass(slots=True)
class Health:
    """An LLM's breaker and what is told of it."""

    told: HealthReport = field(default_factory=HealthReport)
    _failures: int = 0
    _silent_until: float = 0.0

    def pause_s(self, clock_s: float) -> float:
        """Seconds it is still to be left alone for, at a moment of a clock that only advances."""
        return max(0.0, self._silent_until - clock_s)

    def answered(self, now: datetime) -> None:
        """It gave an answer."""
        self._failures = 0
        self.told = HealthReport(
            last=ANSWERED, error=self.told.error, error_at=self.told.error_at, answered_at=now
        )

    def failed(self, error: str, now: datetime, clock_s: float) -> None:
        """It gave none."""
        self._failures += 1
        if self._failures >= BREAK_AFTER:
            self._failures, self._silent_until = 0, clock_s + BREAK_S
        self.told = HealthReport(
            last=error, error=error, error_at=now, answered_at=self.told.answered_at
        )

    def spent(self) -> None:
        """The budget allows no such question."""
        told = self.told
        self.told = HealthReport(
            last=SPENT, error=told.error, error_at=told.error_at, answered_at=told.answered_at
        )


async def keep_health(store: NoteStore, told: HealthReport) -> None:
    """Write down how the last question went, unless nothing was asked."""
    if not told.last:
        return
    stands = await store.get_meta(_KEY)
    before = _read(stands)
    value = json.dumps(
        {
            "last": told.last,
            "error": told.error or before.error,
            "error_at": _iso(told.error_at or before.error_at),
            "answered_at": _iso(told.answered_at or before.answered_at),
        }
    )
    if value != stands:
        # Of two runs that end at once, either may be the last.
        await store.swap_meta(_KEY, expected=stands, value=value)


async def read_health(store: NoteStore) -> HealthReport:
    """What was written down last, by whichever process."""
    return _read(await store.get_meta(_KEY))


def _read(raw: str | None) -> HealthReport:
    said: dict[str, str] = json.loads(raw) if raw else {}
    return HealthReport(
        last=said.get("last", ""),
        error=said.get("error", ""),
        error_at=_moment(said.get("error_at", "")),
        answered_at=_moment(said.get("answered_at", "")),
    )


def _iso(moment: datetime | None) -> str:
    return moment.isoformat() if moment else ""


def _moment(text: str) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
