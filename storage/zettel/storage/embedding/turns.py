"""Whose turn it is at a model: questions first, then the one who has waited longest."""

from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

import anyio

_WORKS_FOR = ContextVar("works_for", default="")


@contextmanager
def working_for(principal: str) -> Generator[None]:
    """Count the body's turns as the principal's."""
    token = _WORKS_FOR.set(principal)
    try:
        yield
    finally:
        _WORKS_FOR.reset(token)


def works_for() -> str:
    """On whose behalf this task works; empty for the server itself."""
    return _WORKS_FOR.get()


@dataclass(eq=False, slots=True)
class _Waiter:
    urgent: bool
    principal: str
    woken: anyio.Event = field(default_factory=anyio.Event)
    granted: bool = False


class Turns:
    """One place, given to urgent work first, and among principals in turns.

    Of the waiting principals the one whose last turn is longest ago is next; of one principal the
    work that came first.
    """

    def __init__(self) -> None:
        self._busy = False
        self._waiting = dict[_Waiter, None]()
        self._served = dict[str, int]()
        """Waiting principal -> number of its last turn."""
        self._turns = 0

    @asynccontextmanager
    async def turn(self, *, urgent: bool) -> AsyncGenerator[None]:
        """Hold the place while the body runs."""
        waiter = _Waiter(urgent, _WORKS_FOR.get())
        if self._busy:
            self._waiting[waiter] = None
            try:
                await waiter.woken.wait()
            except BaseException:
                self._waiting.pop(waiter, None)
                if waiter.granted:  # cancelled at the moment it got its turn
                    self._next()
                raise
        self._busy = True
        self._turns += 1
        self._served[waiter.principal] = self._turns
        try:
            yield
        finally:
            self._next()

    def _next(self) -> None:
        self._busy = bool(self._waiting)
        if not self._waiting:
            self._served.clear()
            return
        following = min(self._waiting, key=self._place)
        del self._waiting[following]
        following.granted = True
        following.woken.set()

    def _place(self, waiter: _Waiter) -> tuple[bool, int]:
        return (not waiter.urgent, self._served.get(waiter.principal, 0))
