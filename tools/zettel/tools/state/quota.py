"""Quotas of namespaces, enforced on every write that adds to one.

Sizes are counted once and then updated; counted again after other processes' commits, and before a
refusal, since an erasure elsewhere is not seen otherwise.
"""

import time
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from zettel.storage.errors import QuotaExceededError
from zettel.storage.notes import Note
from zettel.storage.store import Change, NamespaceSize, NewNote, Store, text_bytes

RECOUNT_COMMITS = 256
"""Commits of any process after which a namespace is counted again."""
RECOUNT_S = 10.0
"""Least seconds between two counts of a full namespace, so that refusals are cheap."""


@dataclass(slots=True)
class _Count:
    notes: int
    text_bytes: int
    version: int
    """The store's version when it was counted."""
    at: float


class Quota:
    """The bounds of every namespace and their counted sizes.

    None is no bound.
    """

    def __init__(
        self,
        *,
        notes: int | None = None,
        text_bytes: int | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._notes = notes
        self._text_bytes = text_bytes
        self._now = now
        self._counts = dict[str, _Count]()

    def forget(self) -> None:
        """Drop all counts, after an erasure."""
        self._counts.clear()

    @asynccontextmanager
    async def taking(
        self, store: Store, new: Sequence[NewNote], changes: Sequence[Change]
    ) -> AsyncGenerator[None]:
        """Reserve room for a write in the body.

        Raises:
            QuotaExceededError: A bound would be exceeded; nothing may be written.
        """
        added = _added([item.note for item in new], [change.note for change in changes])
        for namespace, more in added.items():
            await self._check(store, namespace, more)
        taken = [self._take(namespace, more) for namespace, more in added.items()]
        try:
            yield
        except BaseException:
            # If it was written nevertheless, the next count includes it.
            for count, more in taken:
                count.notes -= more.notes
                count.text_bytes -= more.text_bytes
            raise

    async def _check(self, store: Store, namespace: str, more: NamespaceSize) -> None:
        count = self._counts.get(namespace)
        version = await store.version()
        if count is None or version - count.version >= RECOUNT_COMMITS:
            count = await self._count(store, namespace, version)
        elif self._beyond(count, more) and version != count.version:
            if self._now() - count.at >= RECOUNT_S:
                count = await self._count(store, namespace, version)
        if beyond := self._beyond(count, more):
            raise QuotaExceededError(namespace, *beyond)

    async def _count(self, store: Store, namespace: str, version: int) -> _Count:
        held = await store.size_of(namespace)
        count = _Count(held.notes, held.text_bytes, version, self._now())
        self._counts[namespace] = count
        return count

    def _take(self, namespace: str, more: NamespaceSize) -> tuple[_Count, NamespaceSize]:
        count = self._counts[namespace]
        count.notes += more.notes
        count.text_bytes += more.text_bytes
        return count, more

    def _beyond(self, count: _Count, more: NamespaceSize) -> tuple[int, int, int, str] | None:
        """Size held, size added, bound and unit of the first bound exceeded; else None."""
        bounds = (
            (count.notes, more.notes, self._notes, "notes"),
            (count.text_bytes, more.text_bytes, self._text_bytes, "bytes"),
        )
        for held, added, most, unit in bounds:
            if most is not None and added and held + added > most:
                return held, added, most, unit
        return None


def _added(new: Iterable[Note], changed: Iterable[Note]) -> dict[str, NamespaceSize]:
    """Namespace -> the size that revisions add, without namespaces that get nothing."""
    notes, sizes = Counter[str](), Counter[str]()
    for note in new:
        notes[note.namespace] += not note.derived
        sizes[note.namespace] += text_bytes(note)
    for note in changed:
        sizes[note.namespace] += text_bytes(note)
    return {
        name: NamespaceSize(notes=notes[name], text_bytes=size)
        for name, size in sizes.items()
        if size or notes[name]
    }
