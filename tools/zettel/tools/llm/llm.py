"""The contract of a chat model, its limits, and its health.

Health outlives the runs of a process; its report is stored in `meta` too, for later processes. It
contains kinds of outcome, never text.
"""

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Protocol, TypeAlias

from zettel.storage.errors import StoreError
from zettel.storage.meta import update_meta
from zettel.storage.store import NoteStore

BREAK_AFTER = 3
"""Consecutive questions without an answer that open the breaker."""
BREAK_S = 60.0
"""Seconds the breaker stays open."""
ANSWERED, OVER_BUDGET = "answered", "budget"
"""Outcomes besides the reasons of `NoAnswerError`; the second: not asked, over budget."""
_KEY = "llm:health"


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthReport:
    """An LLM's last outcomes; times are those of runs."""

    last: str = ""
    """Outcome of the last question: `ANSWERED`, `OVER_BUDGET`, an error's kind, or empty."""
    error: str = ""
    """Kind of the last error."""
    error_at: datetime | None = None
    answered_at: datetime | None = None
    """Time of the last answer."""


@dataclass(slots=True)
class Health:
    """An LLM's circuit breaker and report."""

    report: HealthReport = field(default_factory=HealthReport)
    _failures: int = 0
    _silent_until: float = 0.0

    def pause_s(self, clock_s: float) -> float:
        """Seconds until the breaker closes, at a monotonic time."""
        return max(0.0, self._silent_until - clock_s)

    def answered(self, now: datetime) -> None:
        """Records an answer."""
        self._failures = 0
        self.report = replace(self.report, last=ANSWERED, answered_at=now)

    def failed(self, error: str, now: datetime, clock_s: float) -> None:
        """Records a failure."""
        self._failures += 1
        if self._failures >= BREAK_AFTER:
            self._failures, self._silent_until = 0, clock_s + BREAK_S
        self.report = replace(self.report, last=error, error=error, error_at=now)

    def spent(self) -> None:
        """Records a question that the budget did not allow."""
        self.report = replace(self.report, last=OVER_BUDGET)


async def keep_health(store: NoteStore, report: HealthReport) -> None:
    """Stores the report, unless nothing was asked."""
    if not report.last:
        return

    def merged(raw: str | None) -> str:
        before = _read(raw)
        return json.dumps(
            {
                "last": report.last,
                "error": report.error or before.error,
                "error_at": _iso(report.error_at or before.error_at),
                "answered_at": _iso(report.answered_at or before.answered_at),
            }
        )

    await update_meta(store, _KEY, merged, attempts=None)


async def read_health(store: NoteStore) -> HealthReport:
    """The report stored last, by any process."""
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


JsonSchema: TypeAlias = Mapping[str, object]
"""A JSON schema (draft 2020-12), as a JSON object."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatQuestion:
    """One question, with the schema of its answer."""

    rules: str
    """Instructions; contains no note's words."""
    data: str
    """Notes, inside delimiters."""
    name: str
    """Name of the schema; letters and `_`."""
    schema: JsonSchema
    most: int
    """Most tokens of the answer, 1 and up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatAnswer:
    """A model's answer, unchecked."""

    text: str
    declined: bool = False
    """Refused by the model or a filter of the service."""
    tokens_in: int | None = None
    tokens_out: int | None = None
    """As counted by the service; None if it does not say."""


class Chat(Protocol):
    """A model that answers one question at a time; can be created while it is unreachable."""

    async def ask(self, question: ChatQuestion) -> ChatAnswer:
        """Asks once, without retries.

        Raises:
            NoAnswerError: No answer; says whether tokens may have been spent.
        """
        ...


class NoAnswerError(StoreError):
    """An LLM did not answer.

    Args:
        reason: `timeout`, `unreachable`, `rate_limited`, `failing`, `rejected`, `too_large` or
            `unreadable`; counted.
        spent: Whether the service may have counted tokens.
        retry_after_s: Seconds the service asks to wait; None if it does not say.
        status: HTTP status; None without a response.
    """

    def __init__(
        self,
        reason: str,
        *,
        spent: bool,
        retry_after_s: float | None = None,
        status: int | None = None,
    ) -> None:
        self.reason, self.spent, self.status = reason, spent, status
        self.retry_after_s = retry_after_s
        shown = f" (status {status})" if status is not None else ""
        super().__init__(
            f"The LLM gave no answer: {reason}{shown}. Check ZETTEL_LLM_BASE_URL,"
            " ZETTEL_LLM_MODEL and ZETTEL_LLM_KEY; until then notes evolve by rule."
        )


RETRY_PAUSES_S = (1.0, 4.0)
"""Seconds before the second and third try; a longer `Retry-After` takes precedence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LlmLimits:
    """Bounds of an LLM's use; None is no bound."""

    tokens_run: int | None = None
    tokens_day: int | None = None
    money_run: float | None = None
    money_day: float | None = None
    """In the currency of the prices; a day is a UTC day."""
    price_in: float = 0.0
    price_out: float = 0.0
    """Per million tokens read and written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Llm:
    """A run's access to its LLM."""

    open_chat: Callable[[], Awaitable[Chat]]
    """Called for a run's first question."""
    limits: LlmLimits = field(default_factory=LlmLimits)
    retry_pauses_s: tuple[float, ...] = RETRY_PAUSES_S
    health: Health = field(default_factory=Health)
    """Its outcomes in this process."""
