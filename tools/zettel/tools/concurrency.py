"""Small concurrency helpers: two tasks at once, a lock per key, shielded writes."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import asynccontextmanager, contextmanager
from typing import TypeVar

import anyio
import anyio.lowlevel

from zettel.storage.errors import ZettelError

A = TypeVar("A")
B = TypeVar("B")


async def gather2(
    first: Callable[[], Awaitable[A]], second: Callable[[], Awaitable[B]]
) -> tuple[A, B]:
    """Do two things at once that do not need each other.

    Raises:
        ZettelError: One of them did, in its own words; the other one was cancelled.
    """
    done, beside = list[A](), list[B]()

    async def do_second() -> None:
        beside.append(await second())

    try:
        async with anyio.create_task_group() as group:
            group.start_soon(do_second)
            done.append(await first())
    except* ZettelError as failed:
        raise failed.exceptions[0] from None
    # Cancelled while the first was shielded, as a commit is, only the second has noticed.
    await anyio.lowlevel.checkpoint_if_cancelled()
    return done[0], beside[0]


class KeyedLock:
    """Locks made on demand and dropped when nobody waits."""

    def __init__(self) -> None:
        self._locks: dict[str, tuple[anyio.Lock, int]] = {}

    @asynccontextmanager
    async def hold(self, key: str) -> AsyncGenerator[None]:
        """Hold the key's lock for the body; other keys go on."""
        lock, waiting = self._locks.get(key, (anyio.Lock(), 0))
        self._locks[key] = (lock, waiting + 1)
        try:
            async with lock:
                yield
        finally:
            lock, waiting = self._locks[key]
            if waiting == 1:
                del self._locks[key]
            else:
                self._locks[key] = (lock, waiting - 1)


@contextmanager
def shielded() -> Generator[None]:
    """Let what begins inside come to its end, even if its caller is cancelled.

    A commit stores a part where others have changed the rest, and a verb looks once more at notes
    that it concerns: cut short between the two, it would leave its change half done.
    """
    with anyio.CancelScope(shield=True):
        yield
