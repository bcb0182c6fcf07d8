"""A fair queue of calls."""

from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import anyio

from zettel.server.protocol.limit_errors import LeavingError, TooManyCallsError

QUEUE_WAIT_S = 5.0
"""Longest wait of a call in the queue; clients wait 60 s for an answer."""


@dataclass(eq=False, slots=True)
class _Waiter:
    principal: str
    bounded: bool
    woken: anyio.Event = field(default_factory=anyio.Event)
    granted: bool = False


class FairQueue:
    """Limits the calls carried out at once; a free place goes to the principal with the fewest.

    Args:
        max_calls: At once.
        max_each: Of one principal at once; as many may wait.
        wait_s: Longest wait for a place.
    """

    def __init__(self, max_calls: int, max_each: int, *, wait_s: float = QUEUE_WAIT_S) -> None:
        self._max_calls = max_calls
        self._max_each = max_each
        self._wait_s = wait_s
        self._running = Counter[str]()
        self._waiting = dict[_Waiter, None]()
        self._leaving = False

    @property
    def waiting(self) -> int:
        """Number of calls that wait for a place."""
        return len(self._waiting)

    def leave(self) -> None:
        """Refuse all waiting and new calls, since the server is to end."""
        self._leaving = True
        for waiter in tuple(self._waiting):
            waiter.woken.set()

    @asynccontextmanager
    async def place(self, principal: str, *, bounded: bool) -> AsyncGenerator[None]:
        """Hold a place while the body runs.

        `max_each` holds for it if it is `bounded`.

        Raises:
            TooManyCallsError: No place became free in time.
            LeavingError: The server is to end.
        """
        await self._take(principal, bounded)
        try:
            yield
        finally:
            self._give_back(principal)

    async def _take(self, principal: str, bounded: bool) -> None:
        if self._leaving:
            raise LeavingError
        if self._has_place(principal, bounded):
            self._running[principal] += 1
            return
        queued = sum(waiter.principal == principal for waiter in self._waiting)
        if queued >= (self._max_each if bounded else self._max_calls):
            raise TooManyCallsError(self._wait_s)
        waiter = _Waiter(principal, bounded)
        self._waiting[waiter] = None
        try:
            with anyio.move_on_after(self._wait_s):
                await waiter.woken.wait()
        except BaseException:
            if waiter.granted:  # cancelled at the moment it got its place
                self._give_back(principal)
            raise
        finally:
            self._waiting.pop(waiter, None)
        if not waiter.granted:
            raise LeavingError if self._leaving else TooManyCallsError(self._wait_s)

    def _has_place(self, principal: str, bounded: bool) -> bool:
        free = self._running.total() < self._max_calls
        return free and not (bounded and self._running[principal] >= self._max_each)

    def _give_back(self, principal: str) -> None:
        """Free a place, and grant free places to waiters, the principal with the fewest first."""
        self._running[principal] -= 1
        if not self._running[principal]:
            del self._running[principal]
        while ready := [w for w in self._waiting if self._has_place(w.principal, w.bounded)]:
            if self._leaving:
                return
            following = min(ready, key=lambda waiter: self._running[waiter.principal])
            del self._waiting[following]
            self._running[following.principal] += 1
            following.granted = True
            following.woken.set()
