"""Ends a process after a drain: on signals, on a parent's death, on events."""

import os
import signal
import sys
from collections.abc import Awaitable, Callable, Coroutine
from typing import TypeVar

import anyio

_T = TypeVar("_T")

PARENT_POLL_S = 2.0
"""Seconds between two checks of the parent, for orphans whose stdin stays open."""

EOF_DRAIN_S = 30.0
"""Seconds open calls may take after the client closed its writing end."""

SIGNAL_DRAIN_S = 1.5
"""Seconds open calls may take after a signal: clients kill 2 s later (SDK, client/stdio.py)."""


class Shutdown:
    """A request to end the process, and the time it leaves to open calls.

    Args:
        patience_s: Seconds open calls may take after the request.
    """

    def __init__(self, patience_s: float = SIGNAL_DRAIN_S) -> None:
        self._patience_s = patience_s
        self.requested = anyio.Event()
        """Set at the request; no further message is read."""
        self.evicted = False
        """Whether nobody requested it: clients cannot find this process any more."""

    def request(self) -> None:
        """Request the shutdown."""
        self.requested.set()

    async def drain(self, settled: Callable[[], Awaitable[None]]) -> None:
        """Wait for `settled`, at most `EOF_DRAIN_S`, or `patience_s` after the request."""
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
    """Request shutdown at SIGTERM or SIGINT."""
    if sys.platform == "win32":
        # Event loops on Windows have no signal handlers; there, closing stdin ends the process.
        return
    with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
        async for _ in signals:
            shutdown.request()


async def unless_stopped(work: Callable[[], Awaitable[_T]]) -> _T | None:
    """Do work that SIGTERM and SIGINT cancel; a second signal ends the process at once.

    Returns:
        What the work returned; None if it was cancelled.
    """
    return await unless_cancelled(_cancel_on_signal, work)


async def unless_cancelled(
    watch: Callable[[anyio.CancelScope], Coroutine[None, None, None]],
    work: Callable[[], Awaitable[_T]],
) -> _T | None:
    """Do work while `watch` runs, which may cancel it by its scope.

    Returns:
        What the work returned; None if it was cancelled.
    """
    result: _T | None = None
    failure: Exception | None = None
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(watch, tasks.cancel_scope)
        try:
            result = await work()
        except Exception as error:
            # Raised here, it would be wrapped in an exception group.
            failure = error
        tasks.cancel_scope.cancel()
    if failure is not None:
        raise failure
    return result


async def _cancel_on_signal(work: anyio.CancelScope) -> None:
    if sys.platform == "win32":
        # As above; Ctrl-C is then what Python makes of it.
        return
    # A shell has the jobs in its background ignore SIGINT.
    heard = [n for n in (signal.SIGTERM, signal.SIGINT) if signal.getsignal(n) != signal.SIG_IGN]
    with anyio.open_signal_receiver(*heard) as signals:
        async for _ in signals:
            break
    work.cancel()


async def shut_down_when_orphaned(shutdown: Shutdown) -> None:
    """Request shutdown when the parent process has died."""
    parent = os.getppid()
    while os.getppid() == parent:  # noqa: ASYNC110  no event tells of a parent's death
        await anyio.sleep(PARENT_POLL_S)
    shutdown.request()


async def shut_down_on(event: anyio.Event, shutdown: Shutdown) -> None:
    """Request shutdown when the event is set."""
    await event.wait()
    shutdown.request()
