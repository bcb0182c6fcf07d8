"""An LLM and what it may cost: what a store's evolution is given when a person names a model."""

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol, TypeAlias

from zettel.storage.errors import StoreError
from zettel.storage.meta import update_meta
from zettel.storage.store import NoteStore

BREAK_AFTER = 3
"""Questions without an answer, in a row, after which the LLM is left alone."""
BREAK_S = 60.0
"""Seconds it is left alone for."""
ANSWERED, OVER_BUDGET = "answered", "budget"
"""Outcomes of a question besides the reasons of `NoAnswerError`: it was answered, or not put."""
_KEY = "llm:health"


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthReport:
    """What is told of an LLM; moments are those of runs."""

    last: str = ""
    """Outcome of the last question: `ANSWERED`, `OVER_BUDGET`, an error's kind, or empty."""
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
            last=OVER_BUDGET, error=told.error, error_at=told.error_at, answered_at=told.answered_at
        )


async def keep_health(store: NoteStore, told: HealthReport) -> None:
    """Write down how the last question went, unless nothing was asked."""
    if not told.last:
        return

    def merged(raw: str | None) -> str:
        before = _read(raw)
        return json.dumps(
            {
                "last": told.last,
                "error": told.error or before.error,
                "error_at": _iso(told.error_at or before.error_at),
                "answered_at": _iso(told.answered_at or before.answered_at),
            }
        )

    await update_meta(store, _KEY, merged, attempts=None)


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


JsonSchema: TypeAlias = Mapping[str, object]
"""A JSON schema (draft 2020-12), as a JSON object."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatQuestion:
    """One question, with the form its answer is to have."""

    rules: str
    """What the model is to do: ours alone, never a note's words."""
    data: str
    """What it is to do it with: notes, inside delimiters."""
    name: str
    """Of the schema; letters and `_`."""
    schema: JsonSchema
    most: int
    """Tokens the answer may have, 1 and up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatAnswer:
    """What the model said, unchecked."""

    text: str
    declined: bool = False
    """It refused, or a filter of the service did."""
    tokens_in: int | None = None
    tokens_out: int | None = None
    """As the service counted them; None if it does not say."""


class Chat(Protocol):
    """A model that answers one question at a time; safe to make before it can be reached."""

    async def ask(self, question: ChatQuestion) -> ChatAnswer:
        """Ask once, without trying again.

        Raises:
            NoAnswerError: There was none; it says whether tokens may have been spent.
        """
        ...


class NoAnswerError(StoreError):
    """An LLM was asked and did not answer.

    Args:
        reason: One word, for counting: `timeout`, `unreachable`, `rate_limited`, `failing`,
            `rejected`, `too_large` or `unreadable`.
        spent: Whether the service may have counted tokens all the same.
        retry_after_s: Seconds the service asks to wait; None if it does not say.
        status: HTTP status; None if there was no response.
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
"""Seconds before the second and the third try; a service that names a time is given that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LlmLimits:
    """What the LLM may use up; None is no bound."""

    tokens_run: int | None = None
    tokens_day: int | None = None
    money_run: float | None = None
    money_day: float | None = None
    """In the currency of the prices; a day is a UTC one."""
    price_in: float = 0.0
    price_out: float = 0.0
    """Of a million tokens read and written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Llm:
    """How a run comes by its LLM."""

    open_chat: Callable[[], Awaitable[Chat]]
    """Called when a run has its first question."""
    limits: LlmLimits = field(default_factory=LlmLimits)
    retry_pauses_s: tuple[float, ...] = RETRY_PAUSES_S
    health: Health = field(default_factory=Health)
    """How it has answered in this process."""
