"""Who may work at once: so many in all, so many of each, and the others wait their turn.

A turn that is free goes to whoever has the fewest, so that one who asks much keeps nobody else
waiting for longer than one call takes.
"""

from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import anyio

from zettel.server.protocol.limit_errors import LeavingError, TooManyCallsError

WAIT_S = 5.0
"""Seconds a call may wait for its turn: short against the 60 that clients wait for an answer."""


@dataclass(eq=False, slots=True)
class _Waiter:
    who: str
    bounded: bool
    called: anyio.Event = field(default_factory=anyio.Event)
    granted: bool = False


class FairQueue:
    """The turns of one server.

    Args:
        most: At once.
        most_each: Of one principal at once; as many may wait.
        wait_s: Seconds to wait for one.
    """

    def __init__(self, most: int, most_each: int, *, wait_s: float = WAIT_S) -> None:
        self._most = most
        self._most_each = most_each
        self._wait_s = wait_s
        self._running = Counter[str]()
        self._waiting = dict[_Waiter, None]()
        self._leaving = False

    def leave(self) -> None:
        """Give no more turns, and send away who waits: the server is to end."""
        self._leaving = True
        for waiter in tuple(self._waiting):
            waiter.called.set()

    @asynccontextmanager
    async def turn(self, who: str, *, bounded: bool) -> AsyncGenerator[None]:
        """Work once it is one's turn.

        Args:
            who: Whose turn.
            bounded: Whether the bound on each holds.

        Raises:
            TooManyCallsError: It did not come in time.
            LeavingError: The server is to end.
        """
        await self._take(who, bounded)
        try:
            yield
        finally:
            self._give_back(who)

    async def _take(self, who: str, bounded: bool) -> None:
        if self._leaving:
            raise LeavingError
        if self._may(who, bounded):
            self._running[who] += 1
            return
        queued = sum(waiter.who == who for waiter in self._waiting)
        if queued >= (self._most_each if bounded else self._most):
            raise TooManyCallsError(self._wait_s)
        waiter = _Waiter(who, bounded)
        self._waiting[waiter] = None
        try:
            with anyio.move_on_after(self._wait_s):
                await waiter.called.wait()
        except BaseException:
            if waiter.granted:  # cancelled in the moment it was called
                self._give_back(who)
            raise
        finally:
            self._waiting.pop(waiter, None)
        if not waiter.granted:
            raise LeavingError if self._leaving else TooManyCallsError(self._wait_s)

    def _may(self, who: str, bounded: bool) -> bool:
        free = self._running.total() < self._most
        return free and not (bounded and self._running[who] >= self._most_each)

    def _give_back(self, who: str) -> None:
        """End a turn, and give what is free to those who wait: who has the fewest comes first."""
        self._running[who] -= 1
        if not self._running[who]:
            del self._running[who]
        while ready := [w for w in self._waiting if self._may(w.who, w.bounded)]:
            if self._leaving:
                return
            following = min(ready, key=lambda waiter: self._running[waiter.who])
            del self._waiting[following]
            self._running[following.who] += 1
            following.granted = True
            following.called.set()
