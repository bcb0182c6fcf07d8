"""Calls that take their time: progress for who asks, and an end for who gives up; every door."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

import anyio
import pytest
from mcp import Client
from tests.server.doors import ERAS, NAMESPACE, STREAMS_LEFT_OPEN, TRANSPORTS, House, opened
from tests.storage.in_memory.store import DictStore
from tests.tools.conftest import opened_desk

from zettel.server.protocol.schemas import Arguments, RecallArguments
from zettel.server.runtime.dispatch import dispatch
from zettel.storage.embedding.hashing import HashEmbedder
from zettel.tools.caller import Caller
from zettel.tools.progress import report_progress
from zettel.tools.state.memory import Memory

pytestmark = STREAMS_LEFT_OPEN

PATIENCE_S = 30


@dataclass
class Held:
    """A verb that says something and then waits to be let go."""

    begun: anyio.Event = field(default_factory=anyio.Event)
    let_go: anyio.Event = field(default_factory=anyio.Event)
    cancelled: anyio.Event = field(default_factory=anyio.Event)

    async def __call__(
        self, memory: Memory, caller: Caller, arguments: Arguments, *, now: datetime
    ) -> Mapping[str, object]:
        """Carry out a recall."""
        if isinstance(arguments, RecallArguments) and arguments.query == "slow":
            self.begun.set()
            report_progress("half way")
            try:
                await self.let_go.wait()
            except anyio.get_cancelled_exc_class():
                self.cancelled.set()
                raise
        return {"verdict": "found", "now": "2026-11-20", "notes": []}


@pytest.mark.parametrize("mode", ERAS)
@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_a_client_that_asks_is_told_what_is_going_on(transport: str, mode: str) -> None:
    held, told = Held(), list[tuple[float, float | None, str | None]]()

    async def hear(progress: float, total: float | None, message: str | None) -> None:
        told.append((progress, total, message))
        if message == "half way":
            held.let_go.set()

    async with (
        opened(House(dispatch=held)) as doors,
        doors.client(transport, mode) as client,
    ):
        with anyio.fail_after(PATIENCE_S):
            answer = await client.call_tool("recall", {"query": "slow"}, progress_callback=hear)

    assert not answer.is_error
    assert (told[-1][1], told[-1][2]) == (None, "half way")
    assert [progress for progress, *_ in told] == sorted({progress for progress, *_ in told})


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_a_client_hears_that_its_question_waits_for_the_model(transport: str) -> None:
    warm, heard = Memory(store=DictStore(), embedder=HashEmbedder()), list[str | None]()
    async with opened_desk(warm, namespace=NAMESPACE) as desk:
        await desk.told("Ana keeps bees in Lisbon")
    held = HashEmbedder(held=True)
    cold = replace(warm, embedder=held, model_wait_s=PATIENCE_S)

    async def call(
        memory: Memory, caller: Caller, arguments: Arguments, *, now: datetime
    ) -> Mapping[str, object]:
        assert not memory.model_wait_s
        return await dispatch(cold, caller, arguments, now=now)

    async def hear(progress: float, total: float | None, message: str | None) -> None:
        heard.append(message)
        if message == "embedding model is loading":
            held.release()

    async with (
        opened(House(dispatch=call)) as doors,
        doors.client(transport, "auto") as client,
    ):
        with anyio.fail_after(PATIENCE_S):
            answer = await client.call_tool(
                "recall", {"query": "Where does Ana keep bees?"}, progress_callback=hear
            )

    assert "embedding model is loading" in heard
    assert answer.structured_content is not None
    assert answer.structured_content["verdict"] == "found"


@pytest.mark.parametrize("mode", ERAS)
@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_a_call_that_is_given_up_is_ended_and_the_next_is_served(
    transport: str, mode: str
) -> None:
    held = Held()

    async def call(client: Client) -> None:
        await client.call_tool("recall", {"query": "slow"})

    async with (
        opened(House(dispatch=held)) as doors,
        doors.client(transport, mode) as client,
    ):
        with anyio.fail_after(PATIENCE_S):
            async with anyio.create_task_group() as calling:
                calling.start_soon(call, client)
                await held.begun.wait()
                calling.cancel_scope.cancel()
            await held.cancelled.wait()
            answer = await client.call_tool("recall", {"query": "quick"})

    assert not answer.is_error
