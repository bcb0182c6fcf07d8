"""Commands' calls on a store that nobody serves."""

from collections.abc import Callable
from typing import TypeVar

from anyio import to_thread

from zettel.server.commands.calls import MemoryCall, calling
from zettel.server.config.settings import Settings

_A = TypeVar("_A")


async def with_calls(settings: Settings, work: Callable[[MemoryCall], _A]) -> _A:
    """What a function returns that makes calls, in a thread as commands have no event loop."""

    def run() -> _A:
        told = list[str]()
        with calling(
            {}, lambda: settings, in_process=True, creates=False, tell=told.append
        ) as call:
            return work(call)

    return await to_thread.run_sync(run)
