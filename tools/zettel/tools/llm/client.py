"""Questions to an LLM within a token budget: retries, counts, and validated answers."""

import json
import logging
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TypeVar

import anyio
from pydantic import BaseModel

from zettel.storage.errors import ModelUnavailableError
from zettel.storage.meta import update_meta
from zettel.storage.store import NoteStore
from zettel.tools.llm.llm import Chat, ChatAnswer, ChatQuestion, Llm, LlmLimits, NoAnswerError

MILLION = 1_000_000
_KEY = "llm:spent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Tokens and their price."""

    tokens: int = 0
    money: float = 0.0

    def plus(self, other: "Cost", sign: int = 1) -> "Cost":
        """The sum, or with `sign` -1 the difference, at least 0."""
        tokens = max(0, self.tokens + sign * other.tokens)
        return Cost(tokens=tokens, money=max(0.0, self.money + sign * other.money))


class TokenBudget:
    """Bounds an LLM's cost per run and UTC day, exact through a kill.

    A call's worst case is reserved before it and the rest returned after it; a call whose worst
    case exceeds what is left is not made. The day's sum is stored in `meta`; `now` decides the day.
    """

    def __init__(self, store: NoteStore, limits: LlmLimits, now: datetime) -> None:
        self._store, self._limits = store, limits
        self.now = now
        self._day = f"{now:%Y-%m-%d}"
        self.spent = Cost()
        """In this run, what is taken out for a call in progress included."""

    def cost(self, tokens_in: int, tokens_out: int) -> Cost:
        """Cost of these numbers of tokens."""
        limits = self._limits
        money = (tokens_in * limits.price_in + tokens_out * limits.price_out) / MILLION
        return Cost(tokens=tokens_in + tokens_out, money=money)

    async def take(self, worst: Cost) -> bool:
        """Reserves a call's worst case; False, and nothing reserved, if that is too much."""
        limits, after = self._limits, self.spent.plus(worst)
        if not _within(after, limits.tokens_run, limits.money_run):
            return False
        if not await self._count(worst, 1):
            return False
        self.spent = after
        return True

    async def settle(self, worst: Cost, real: Cost) -> None:
        """Replaces a reservation by the real cost."""
        self.spent = self.spent.plus(worst, -1).plus(real)
        await self._count(worst, -1, real)

    async def _count(self, taken: Cost, sign: int, real: Cost | None = None) -> bool:
        limits = self._limits
        if limits.tokens_day is None and limits.money_day is None:
            return True
        allowed = True

        def counted(raw: str | None) -> str | None:
            nonlocal allowed
            after = _of_day(raw, self._day).plus(taken, sign).plus(real or Cost())
            allowed = sign < 0 or _within(after, limits.tokens_day, limits.money_day)
            return json.dumps({"day": self._day, **asdict(after)}) if allowed else raw

        await update_meta(self._store, _KEY, counted, attempts=None)
        return allowed


async def spent_on(store: NoteStore, now: datetime) -> Cost:
    """The LLM's cost on the UTC day of `now`; zero where no day is bounded."""
    return _of_day(await store.get_meta(_KEY), f"{now:%Y-%m-%d}")


def _of_day(stands: str | None, day: str) -> Cost:
    if stands is None:
        return Cost()
    said = json.loads(stands)
    if said["day"] != day:
        return Cost()
    return Cost(tokens=int(said["tokens"]), money=float(said["money"]))


def _within(spent: Cost, tokens: int | None, money: float | None) -> bool:
    return (tokens is None or spent.tokens <= tokens) and (money is None or spent.money <= money)


MAX_PAUSE_S = 20.0
"""Longest wait a service can ask for: a third of a run's time."""
FRAME_TOKENS = 64
"""Most that a chat template adds to a question; those of Llama 3 and Qwen add some twenty."""
BYTES_PER_TOKEN = 4
"""English text in OpenAI's tokenizers; for services that do not count."""
RETRIED_REASONS = frozenset(("rate_limited", "failing", "unreachable"))
"""Transient reasons; a timeout has used up its time."""

Form = TypeVar("Form", bound=BaseModel)

logger = logging.getLogger(__name__)


class LlmClient:
    """Asks an LLM in one run; failures are counted, not raised. `clock` is in monotonic seconds."""

    def __init__(
        self, llm: Llm, budget: TokenBudget, *, clock: Callable[[], float] = anyio.current_time
    ) -> None:
        self._llm, self._budget, self._clock = llm, budget, clock
        self._chat: Chat | None = None
        self._counts = Counter[str]()
        self._unanswered = dict[str, bool]()
        self.answered = 0
        """Questions with an answer in the form asked for."""

    @property
    def unanswered(self) -> Mapping[str, bool]:
        """Ids of the notes about which it gave no answer -> whether that may have cost tokens."""
        return self._unanswered

    @property
    def counts(self) -> Mapping[str, int]:
        """Calls, tokens and fallbacks of this run."""
        spent = {"llm_tokens": self._budget.spent.tokens} if self._counts["llm_calls"] else {}
        return dict(sorted((self._counts | Counter(spent)).items()))

    def count(self, name: str, times: int = 1) -> None:
        """Adds to a counter of the run's record."""
        if times:
            self._counts[f"llm_{name}"] += int(times)

    def count_fallback(self, reason: str, times: int = 1) -> None:
        """Counts what is left to the rule."""
        self.count(f"fallback_{reason}", times)

    async def ask(
        self, question: ChatQuestion, form: type[Form], things: int, *, of: Iterable[str] = ()
    ) -> Form | None:
        """The validated answer; None where the rule applies instead, which is counted.

        `things` is the number of notes or pairs it is about, `of` the ids of the notes that are
        `unanswered` if it gives no answer at all.
        """
        health = self._llm.health
        if health.pause_s(self._clock()):
            self.count_fallback("paused", things)
            self._unanswered |= dict.fromkeys(of, False)
            return None
        try:
            answer = await self._answer(question)
        except (NoAnswerError, ModelUnavailableError) as error:
            reason = error.reason if isinstance(error, NoAnswerError) else "unavailable"
            logger.warning("the LLM gave no answer, reason=%s; the rule stands in", reason)
            self.count_fallback(reason, things)
            health.failed(reason, self._budget.now, self._clock())
            spent = isinstance(error, NoAnswerError) and error.spent
            self._unanswered |= dict.fromkeys(of, spent)
            return None
        if answer is None:
            self.count_fallback("budget", things)
            health.spent()
            self._unanswered |= dict.fromkeys(of, False)
            return None
        health.answered(self._budget.now)
        if answer.declined:
            self.count_fallback("declined", things)
            return None
        read = _read(answer.text, form)
        self.answered += read is not None
        self.count_fallback("invalid", things if read is None else 0)
        return read

    async def _answer(self, question: ChatQuestion) -> ChatAnswer | None:
        """Asks, with retries after transient failures; None if over budget.

        Raises:
            NoAnswerError: No answer.
            ModelUnavailableError: The client library cannot be used.
        """
        if self._chat is None:
            self._chat = await self._llm.open_chat()
        pauses = list(self._llm.retry_pauses_s)
        while True:
            try:
                return await self._call(self._chat, question)
            except NoAnswerError as error:
                wait = error.retry_after_s or 0.0
                if error.reason not in RETRIED_REASONS or not pauses or wait > MAX_PAUSE_S:
                    raise
                await anyio.sleep(max(wait, pauses.pop(0)))

    async def _call(self, chat: Chat, question: ChatQuestion) -> ChatAnswer | None:
        asked = len(f"{question.rules}{question.data}{question.schema}".encode())
        # Upper bound: one token per byte.
        worst = self._budget.cost(asked + FRAME_TOKENS, question.most)
        if not await self._budget.take(worst):
            return None
        self.count("calls")
        real = worst  # a cancelled call may have cost all of it
        try:
            answer = await chat.ask(question)
            real = self._real(answer, asked)
        except NoAnswerError as error:
            real = worst if error.spent else Cost()
            raise
        finally:
            with anyio.CancelScope(shield=True):
                await self._budget.settle(worst, real)
        return answer

    def _real(self, answer: ChatAnswer, asked: int) -> Cost:
        """A call's cost: as counted by the service, else estimated from bytes."""
        said = answer.text.encode(errors="replace")
        counted = (answer.tokens_in, answer.tokens_out)
        estimated = (-(-asked // BYTES_PER_TOKEN), -(-len(said) // BYTES_PER_TOKEN))
        read, written = (
            guess if count is None or count < 0 else count
            for count, guess in zip(counted, estimated, strict=True)
        )
        return self._budget.cost(read, written)


def _read(text: str, form: type[Form]) -> Form | None:
    """The JSON object of an answer, ignoring fences and text around it."""
    try:
        return form.model_validate_json(text[text.find("{") : text.rfind("}") + 1])
    except ValueError:  # a ValidationError, or an unpaired surrogate
        return None
