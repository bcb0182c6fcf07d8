"""The writer that asks an LLM: tries, breaks off, and keeps to its budget to the token."""

from collections.abc import Callable
from dataclasses import dataclass, field

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.storage.in_memory.store import DictStore
from tests.tools.conftest import START

from zettel.storage.errors import ModelUnavailableError
from zettel.storage.notes import Note
from zettel.tools.evolve.writing.llm_writer import LlmWriter, description
from zettel.tools.llm.client import FRAME_TOKENS, Cost, TokenBudget
from zettel.tools.llm.llm import (
    BREAK_AFTER,
    BREAK_S,
    ChatAnswer,
    ChatQuestion,
    Llm,
    LlmLimits,
    NoAnswerError,
)

NOTE = Note(
    note_id="N1",
    namespace="proj",
    content="I burnt the soup",
    happened_at=START,
    valid_from=START,
    known_from=START,
)
GOOD = '{"notes": [{"id": "N1", "context": "", "keywords": ["soup"], "tags": [], "questions": []}]}'
DEAREST = len("{0.rules}{0.data}{0.schema}".format(description([NOTE])).encode()) + FRAME_TOKENS
MOST = description([NOTE]).most


@dataclass
class FakeChat:
    """Says one thing after the other, the last one for ever."""

    script: list[ChatAnswer | Exception]
    asked: int = field(default=0)

    async def ask(self, question: ChatQuestion) -> ChatAnswer:
        """Say the next thing."""
        self.asked += 1
        said = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        if isinstance(said, Exception):
            raise said
        return said


def writer(
    chat: FakeChat,
    limits: LlmLimits | None = None,
    *,
    pauses: tuple[float, ...] = (),
    clock: Callable[[], float] = lambda: 0.0,
    store: DictStore | None = None,
) -> LlmWriter:
    """A writer of one run that asks this chat."""

    async def open_chat() -> FakeChat:
        return chat

    bounds = limits or LlmLimits()
    mind = Llm(open_chat=open_chat, limits=bounds, retry_pauses_s=pauses)
    return LlmWriter(mind, TokenBudget(store or DictStore(), bounds, START), clock=clock)


def broken(reason: str = "failing", *, spent: bool = False, wait: float | None = None) -> Exception:
    """No answer."""
    return NoAnswerError(reason, spent=spent, retry_after_s=wait)


async def test_what_may_be_gone_a_moment_later_is_tried_again() -> None:
    chat = FakeChat([broken("rate_limited"), broken("failing", wait=0.0), ChatAnswer(text=GOOD)])

    drafts = await (asking := writer(chat, pauses=(0.0, 0.0))).describe([NOTE])

    assert drafts["N1"].keywords == ("soup",)
    assert asking.counts["llm_calls"] == 3


@pytest.mark.parametrize("fault", [broken("timeout", spent=True), broken("rejected")])
async def test_what_will_be_no_better_is_not_tried_again(fault: Exception) -> None:
    chat = FakeChat([fault])

    await writer(chat, pauses=(0.0, 0.0)).describe([NOTE])

    assert chat.asked == 1


async def test_a_service_that_asks_to_wait_long_is_not_waited_for() -> None:
    chat = FakeChat([broken("rate_limited", wait=3600.0)])

    assert await (asking := writer(chat, pauses=(0.0,))).describe([NOTE]) == {}
    assert (chat.asked, asking.counts["llm_fallback_rate_limited"]) == (1, 1)


async def test_after_failures_in_a_row_it_is_left_alone_for_a_while() -> None:
    chat, now = FakeChat([broken()] * BREAK_AFTER + [ChatAnswer(text=GOOD)]), [0.0]
    asking = writer(chat, clock=lambda: now[0])
    for _ in range(BREAK_AFTER + 2):
        assert await asking.describe([NOTE]) == {}
    assert (chat.asked, asking.counts["llm_fallback_paused"]) == (BREAK_AFTER, 2)

    now[0] = BREAK_S

    assert await asking.describe([NOTE])
    assert asking.counts["llm_fallback_failing"] == BREAK_AFTER


async def test_a_client_that_cannot_be_loaded_is_a_fallback() -> None:
    async def open_chat() -> FakeChat:
        raise ModelUnavailableError("m", "is broken", "Mend it.", what="LLM")

    asking = LlmWriter(Llm(open_chat=open_chat), TokenBudget(DictStore(), LlmLimits(), START))

    assert await asking.describe([NOTE]) == {}
    assert asking.counts == {"llm_fallback_unavailable": 1}


@pytest.mark.parametrize(("short", "calls"), [(0, 1), (1, 0)])
@pytest.mark.parametrize("bound", ["tokens_run", "tokens_day", "money_run", "money_day"])
async def test_a_call_whose_worst_case_is_one_token_too_many_is_not_made(
    bound: str, short: int, calls: int
) -> None:
    chat = FakeChat([ChatAnswer(text=GOOD, tokens_in=DEAREST, tokens_out=MOST)])
    limits = {bound: DEAREST + MOST - short} | {"price_in": 1e6, "price_out": 1e6}
    asking = writer(chat, LlmLimits(**limits))  # pyright: ignore[reportArgumentType]: whole numbers

    await asking.describe([NOTE])
    await asking.describe([NOTE])

    assert chat.asked == calls
    assert asking.counts.get("llm_fallback_budget") == 2 - calls


async def test_what_a_service_does_not_count_is_estimated_and_a_timeout_may_cost_all() -> None:
    uncounted = writer(FakeChat([ChatAnswer(text=GOOD)]))
    await uncounted.describe([NOTE])
    cut_off = writer(FakeChat([broken("timeout", spent=True)]))
    await cut_off.describe([NOTE])

    asked = DEAREST - FRAME_TOKENS
    assert uncounted.counts["llm_tokens"] == -(-asked // 4) + -(-len(GOOD) // 4)
    assert cut_off.counts["llm_tokens"] == DEAREST + MOST


async def test_a_run_that_is_cancelled_in_a_call_has_paid_for_it() -> None:
    store, limits = DictStore(), LlmLimits(tokens_day=DEAREST + MOST)
    began = anyio.Event()

    class Endless(FakeChat):
        async def ask(self, question: ChatQuestion) -> ChatAnswer:
            began.set()
            await anyio.sleep_forever()
            raise AssertionError

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(writer(Endless([]), limits, store=store).describe, [NOTE])
        await began.wait()
        tasks.cancel_scope.cancel()
    after = writer(FakeChat([ChatAnswer(text=GOOD)]), limits, store=store)

    assert await after.describe([NOTE]) == {}
    assert after.counts == {"llm_fallback_budget": 1}


@settings(max_examples=40, deadline=None)
@given(
    st.integers(0, 500),
    st.integers(0, 500),
    st.lists(st.tuples(st.integers(0, 300), st.floats(0, 1)), max_size=12),
)
async def test_no_sequence_of_calls_within_their_worst_case_passes_a_bound(
    per_run: int, per_day: int, calls: list[tuple[int, float]]
) -> None:
    store, total = DictStore(), 0
    limits = LlmLimits(tokens_run=per_run, tokens_day=per_day)
    runs = [TokenBudget(store, limits, START), TokenBudget(store, limits, START)]
    for number, (worst, share) in enumerate(calls):
        purse = runs[number % 2]
        if await purse.take(Cost(tokens=worst)):
            real = int(worst * share)
            await purse.settle(Cost(tokens=worst), Cost(tokens=real))
            total += real

    assert all(purse.spent.tokens <= per_run for purse in runs)
    assert total <= per_day
    assert total == sum(purse.spent.tokens for purse in runs)
