"""Small concurrency helpers: two tasks at once, a lock per key, shielded writes, long reading."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Hashable
from contextlib import asynccontextmanager, contextmanager
from typing import TypeVar, TypeVarTuple, Unpack

import anyio
import anyio.lowlevel
from anyio import from_thread, to_thread
from anyio.lowlevel import RunVar

from zettel.storage.embedding.turns import works_for
from zettel.storage.errors import ZettelError

_A = TypeVar("_A")
_B = TypeVar("_B")
_Args = TypeVarTuple("_Args")


@contextmanager
def first_error() -> Generator[None]:
    """Let an error of a task group in the body leave it as itself, not within a group.

    Python before 3.11.4 wraps in a group whatever an `except*` block raises.

    Raises:
        ZettelError: The first of those that the body raised.
    """
    errors = list[Exception]()
    try:
        yield
    except* ZettelError as failed:
        errors += failed.exceptions
    if errors:
        raise errors[0] from None


async def gather2(
    first: Callable[[], Awaitable[_A]], second: Callable[[], Awaitable[_B]]
) -> tuple[_A, _B]:
    """Await two independent calls concurrently.

    Raises:
        ZettelError: One call raised it; the other one was cancelled.
    """
    done, beside = list[_A](), list[_B]()

    async def do_second() -> None:
        beside.append(await second())

    with first_error():
        async with anyio.create_task_group() as group:
            group.start_soon(do_second)
            done.append(await first())
    # If the first was shielded, as a commit is, only the second has seen a cancellation.
    await anyio.lowlevel.checkpoint_if_cancelled()
    return done[0], beside[0]


class KeyedLock:
    """A lock per key, created on demand and dropped when unused."""

    def __init__(self) -> None:
        self._locks: dict[Hashable, tuple[anyio.Lock, int]] = {}

    @asynccontextmanager
    async def hold(self, key: Hashable) -> AsyncGenerator[None]:
        """Hold the key's lock for the body; other keys are independent."""
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
    """Complete the body even if the caller is cancelled.

    A verb may commit in several parts; cancelled between them, it would leave a change half done.
    """
    with anyio.CancelScope(shield=True):
        yield


_READING = RunVar[KeyedLock]("reading")
"""Of this event loop, by principal."""


async def read_in_thread(read: Callable[[Unpack[_Args]], _A], *args: *_Args) -> _A:
    """Call a function that computes in a thread; of each principal one at a time.

    Threads that compute share the interpreter: eight of one tenant would leave another's an eighth.
    """
    try:
        locks = _READING.get()
    except LookupError:
        locks = KeyedLock()
        _READING.set(locks)
    async with locks.hold(works_for()):
        return await to_thread.run_sync(read, *args)


SHORT_CHARACTERS = 1_000
"""Characters that are read on the event loop: some 10 ms if each is a ligature of eighteen letters,
else 2. A thread costs 0.2 ms, and 7 ms while others compute; a recall had seventeen of them."""


async def read_texts(characters: int, read: Callable[[], _A]) -> _A:
    """Call a function that reads so many characters: short texts at once, long ones in a thread."""
    return read() if characters <= SHORT_CHARACTERS else await read_in_thread(read)


def check_cancelled() -> None:
    """End work in a thread that nobody waits for any more."""
    try:
        from_thread.check_cancelled()
    except RuntimeError:
        # On the event loop, as short texts are read.
        return
