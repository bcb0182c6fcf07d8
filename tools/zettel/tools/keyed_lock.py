"""One lock per key, for checks and writes of the same note that must not interleave."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import anyio


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
