"""What ends a process in good order: signals, and the death of whoever started it."""

import os
import signal
import sys
from collections.abc import Awaitable, Callable

import anyio

PARENT_POLL_S = 2.0
"""Seconds between two looks at the parent: an orphan whose stdin another process keeps open."""

EOF_DRAIN_S = 30.0
"""Seconds open calls may take after the client closed its end: it may still read the answers."""

SIGNAL_DRAIN_S = 1.5
"""Seconds open calls may take after a signal: clients kill 2 s later (SDK, client/stdio.py)."""


class Shutdown:
    """The wish to end, and how much time it leaves to calls that are still open.

    Args:
        patience_s: Seconds open calls may take once it was asked for.
    """

    def __init__(self, patience_s: float = SIGNAL_DRAIN_S) -> None:
        self._patience_s = patience_s
        self.requested = anyio.Event()
        """Set when no further message is to be read."""

    def request(self) -> None:
        """End soon."""
        self.requested.set()

    async def drain(self, settled: Callable[[], Awaitable[None]]) -> None:
        """Wait until `settled` returns, but not for ever, and not for long once asked to end."""
        with anyio.move_on_after(EOF_DRAIN_S):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self._give_up, tasks.cancel_scope)
                await settled()
                tasks.cancel_scope.cancel()

    async def _give_up(self, waiting: anyio.CancelScope) -> None:
        await self.requested.wait()
        await anyio.sleep(self._patience_s)
        waiting.cancel()


async def shut_down_on_signal(shutdown: Shutdown) -> None:
    """Ask at SIGTERM or SIGINT."""
    if sys.platform == "win32":
        # No loop of Windows can wait for signals; there, closing stdin ends the process.
        return
    with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
        async for _ in signals:
            shutdown.request()


async def shut_down_when_orphaned(shutdown: Shutdown) -> None:
    """Ask when the process that started this one is gone."""
    parent = os.getppid()
    while os.getppid() == parent:  # noqa: ASYNC110  no event tells of a parent's death
        await anyio.sleep(PARENT_POLL_S)
    shutdown.request()


async def shut_down_on(event: anyio.Event, shutdown: Shutdown) -> None:
    """Ask when the event is set."""
    await event.wait()
    shutdown.request()
