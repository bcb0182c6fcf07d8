"""A lease in `meta` for work that only one process at a time does on a store."""

import json
from collections.abc import Callable
from datetime import datetime, timedelta

from zettel.storage.store import NoteStore

LEASE_LIFETIME = timedelta(seconds=60)
"""Six times the scheduler's renewal interval."""
LEASE_MAX_AHEAD = timedelta(days=1)
"""How far ahead a lease's end may be: one that ends later was taken before the clock was set back.
More than clocks of machines differ."""
LEASE_KEY = "lease:evolution"
"""Key in `meta` of the lease for evolution."""


class Lease:
    """A process's lease, changed by compare-and-swap.

    Args:
        store: The store.
        holder: A name that no other process has.
        key: Key in `meta`; one for each kind of work.
        is_gone: Whether a holder is known to have died; its lease is then free at once.
    """

    def __init__(
        self,
        store: NoteStore,
        holder: str,
        *,
        key: str = LEASE_KEY,
        is_gone: Callable[[str], bool] = lambda holder: False,
    ) -> None:
        self._store = store
        self._key = key
        self._is_gone = is_gone
        self._holder = holder
        self._held: str | None = None

    async def acquire(self, now: datetime) -> bool:
        """Takes the lease if it is free, expired, this holder's, or its holder has died."""
        current = await self._store.get_meta(self._key)
        if current is not None and current != self._held:
            holder, until = _read(current)
            taken = _holds(until, now) and holder != self._holder
            if taken and not self._is_gone(holder):
                return False
        return await self._swap(current, now)

    async def renew(self, now: datetime) -> bool:
        """Renews the lease; False if it was lost."""
        return self._held is not None and await self._swap(self._held, now)

    async def release(self) -> None:
        """Releases the lease if it is still held."""
        if self._held is not None:
            await self._store.swap_meta(self._key, expected=self._held, value=None)
            self._held = None

    async def _swap(self, current: str | None, now: datetime) -> bool:
        claim = json.dumps({"holder": self._holder, "until": (now + LEASE_LIFETIME).isoformat()})
        if claim != current and not await self._store.swap_meta(
            self._key, expected=current, value=claim
        ):
            self._held = None
            return False
        self._held = claim
        return True


def _holds(until: datetime, now: datetime) -> bool:
    return now < until <= now + LEASE_MAX_AHEAD


async def drop_expired(store: NoteStore, now: datetime) -> bool:
    """Removes an expired lease; whether there was one."""
    return await _drop(store, lambda claim: not _holds(_read(claim)[1], now))


async def drop_gone(store: NoteStore, is_gone: Callable[[str], bool]) -> bool:
    """Removes the lease of a dead holder, or an unreadable one; whether there was one."""

    def is_over(claim: str) -> bool:
        try:
            holder, _ = _read(claim)
        except (ValueError, KeyError, TypeError):
            return True
        return not holder or is_gone(holder)

    return await _drop(store, is_over)


async def _drop(store: NoteStore, is_over: Callable[[str], bool]) -> bool:
    current = await store.get_meta(LEASE_KEY)
    if current is None or not is_over(current):
        return False
    return await store.swap_meta(LEASE_KEY, expected=current, value=None)


def _read(claim: str) -> tuple[str, datetime]:
    """Holder and expiry."""
    said: dict[str, str] = json.loads(claim)
    return said["holder"], datetime.fromisoformat(said["until"])
