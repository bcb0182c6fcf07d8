"""Progress of a call that takes its time, for a client that asks for it."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

import anyio
from mcp.server import ServerRequestContext

from zettel.tools.progress import AT_WORK, reporting_to

BEAT_S = 2.0
"""Seconds between two notifications while a call says nothing new; clients that give up on silence
do so after a minute (MCP TypeScript SDK's default), and start anew with each."""

Answer = TypeVar("Answer")


async def with_progress(
    context: ServerRequestContext, work: Callable[[], Awaitable[Answer]]
) -> Answer:
    """Carry work out; meanwhile tell the client, if it asked, what is going on and for how long.

    Args:
        context: Of the request; its `progressToken` says whether progress is wanted.
        work: Says what it is at with `telling.say`.
    """
    if not (context.meta and "progress_token" in context.meta):
        return await work()
    said = _Said()
    async with anyio.create_task_group() as beating:
        beating.start_soon(_beat, context, said)
        try:
            with reporting_to(said.hear):
                return await work()
        finally:
            beating.cancel_scope.cancel()
    raise AssertionError  # a task group lets nothing but returns and errors out


class _Said:
    """What the work has said last."""

    def __init__(self) -> None:
        self.words = AT_WORK
        self.news = anyio.Event()

    def hear(self, words: str) -> None:
        self.words = words
        self.news.set()


async def _beat(context: ServerRequestContext, said: _Said) -> None:
    began = last = anyio.current_time()
    while True:
        with anyio.move_on_after(BEAT_S):
            await said.news.wait()
        said.news = anyio.Event()
        # Of two that fall on one tick of the clock, the later must be the greater.
        last = max(anyio.current_time(), last + 0.001)
        await context.session.report_progress(round(last - began, 3), None, said.words)
