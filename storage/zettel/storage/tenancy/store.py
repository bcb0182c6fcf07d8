"""The gate between tenants: a store as far as one caller may see and change it.

Whatever a verb asks passes here, so no verb has to think of it. A note in another namespace is not
there: no id, count, link, reason or score comes of it, and a note that is there says nothing of it.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from zettel.storage.access import Access
from zettel.storage.erasable import Erasure, Order, Purge, Receipt
from zettel.storage.errors import NamespaceRefusedError
from zettel.storage.notes import Facets, Hit, Near, Note, Outline, Run, Usage
from zettel.storage.store import (
    Change,
    NamespaceSize,
    NewNote,
    NoteFilter,
    NoteStore,
    Recalled,
    StoreStats,
    Vectors,
    Written,
)
from zettel.storage.tenancy.visibility import named, with_hidden, within_sight

_NOTHING = Facets(subjects={}, tags={}, namespaces={})


class ScopedStore:
    """A store within a caller's reach; each method does there what `NoteStore` says.

    What tends a store as a whole does nothing here. Values in `meta` are this reach's own: a token
    that another one was given is unknown.

    Args:
        store: The whole of it.
        reach: What may be seen and changed.
    """

    def __init__(self, store: NoteStore, reach: Access) -> None:
        self._store = store
        self._reach = reach

    @property
    def place(self) -> str:
        """For messages."""
        return self._store.place

    async def write(
        self, *, new: Sequence[NewNote] = (), changes: Sequence[Change] = ()
    ) -> Written:
        """Write to what may be written, all of it or nothing.

        Links that were not shown stay as they are.

        Raises:
            NamespaceRefusedError: A note is elsewhere, or where only reading is allowed.
        """
        standing = {n.note_id: n for n in await self._store.get([c.note.note_id for c in changes])}
        touched = [*(item.note for item in new), *(c.note for c in changes), *standing.values()]
        for note in touched:
            if note.namespace not in self._reach.writes:
                raise NamespaceRefusedError(note.namespace, self._reach.writes)
        there = await self._there(named(standing.values()))
        whole = [with_hidden(c, standing.get(c.note.note_id), there) for c in changes]
        written = await self._store.write(new=new, changes=whole)
        return replace(written, stored=tuple(await self._shown(written.stored)))

    async def get(self, note_ids: Sequence[str]) -> list[Note]:
        """Current revisions by id; one elsewhere is not even read, or the time would tell of it."""
        ids = tuple(dict.fromkeys(note_ids))
        if not ids:
            return []
        where = NoteFilter(note_ids=ids, states=(), derived=None)
        found = {note.note_id: note for note in await self.find(where, limit=len(ids))}
        return [found[note_id] for note_id in note_ids if note_id in found]

    async def find(self, where: NoteFilter, *, limit: int, offset: int = 0) -> list[Note]:
        """Matching notes, newest first."""
        if (within := self._within(where)) is None:
            return []
        return await self._shown(await self._store.find(within, limit=limit, offset=offset))

    async def count(self, where: NoteFilter) -> int:
        """How many notes match."""
        within = self._within(where)
        return 0 if within is None else await self._store.count(within)

    async def match_text(self, query: str, where: NoteFilter, *, limit: int) -> list[Hit]:
        """Notes by the words they share with the query."""
        within = self._within(where)
        return [] if within is None else await self._store.match_text(query, within, limit=limit)

    async def match_vectors(
        self, vector: NDArray[np.float32], where: NoteFilter, *, limit: int
    ) -> list[Hit]:
        """Notes by cosine of their best passage."""
        within = self._within(where)
        return (
            [] if within is None else await self._store.match_vectors(vector, within, limit=limit)
        )

    async def nearest(
        self, vector: NDArray[np.float32], where: NoteFilter, *, limit: int, least: float = -1.0
    ) -> list[Near]:
        """The few notes nearest to a vector."""
        if (within := self._within(where)) is None:
            return []
        return await self._store.nearest(vector, within, limit=limit, least=least)

    async def outlines(self, where: NoteFilter, *, limit: int) -> list[Outline]:
        """What ranking needs, in session order."""
        within = self._within(where)
        return [] if within is None else await self._store.outlines(within, limit=limit)

    async def rows_true_at(self, where: NoteFilter) -> tuple[str, ...]:
        """Row ids of closed revisions that were true at `where.valid_at`."""
        within = self._within(where)
        return () if within is None else await self._store.rows_true_at(within)

    async def linking_to(
        self, note_ids: Sequence[str], *, known_at: datetime | None = None
    ) -> list[Note]:
        """Notes with a link to one of these, now or as known then."""
        targets = sorted(await self._there(note_ids))
        if not targets:
            return []
        return await self._shown(await self._store.linking_to(targets, known_at=known_at))

    async def facets(self, where: NoteFilter) -> Facets:
        """Counts by subject, tag and namespace."""
        within = self._within(where)
        return _NOTHING if within is None else await self._store.facets(within)

    async def revisions(self, note_id: str) -> list[Note]:
        """All revisions, oldest first."""
        return await self._shown(await self._store.revisions(note_id))

    async def revisions_of_run(self, run_id: str) -> list[Note]:
        """All revisions that a run made here."""
        return await self._shown(await self._store.revisions_of_run(run_id))

    async def passages_at(self, row_ids: Sequence[str]) -> dict[str, Vectors]:
        """Vectors of revisions."""
        there = await self._there(row.partition("@")[0] for row in row_ids)
        rows = [row for row in row_ids if row.partition("@")[0] in there]
        return await self._store.passages_at(rows)

    async def version(self) -> int:
        """Grows with every commit of anybody."""
        return await self._store.version()

    async def latest(self) -> datetime | None:
        """The newest `known_from` of anybody's."""
        return await self._store.latest()

    async def passages_of(self, note_ids: Sequence[str]) -> dict[str, Vectors]:
        """Vectors of current notes."""
        return await self._store.passages_of(sorted(await self._there(note_ids)))

    async def embed(self, vectors: Sequence[tuple[Note, Vectors]], *, model: str) -> None:
        """Fill in vectors where writing is allowed."""
        mine = [(note, array) for note, array in vectors if note.namespace in self._reach.writes]
        await self._store.embed(mine, model=model)

    async def mark(self, notes: Sequence[Note], *, stage: int) -> None:
        """Note that evolution has seen notes, where writing is allowed."""
        mine = [note for note in notes if note.namespace in self._reach.writes]
        await self._store.mark(mine, stage=stage)

    async def usage_of(self, note_ids: Sequence[str]) -> dict[str, Usage]:
        """Usage of those notes that have any."""
        return await self._store.usage_of(sorted(await self._there(note_ids)))

    async def reinforce(self, recalled: Sequence[Recalled]) -> None:
        """Add to what stands."""
        there = await self._there(more.note_id for more in recalled)
        await self._store.reinforce([more for more in recalled if more.note_id in there])

    async def add_run(self, run: Run) -> None:
        """Record a finished run."""
        await self._store.add_run(run)

    async def runs(self, *, limit: int) -> list[Run]:
        """None: runs count everybody's notes."""
        return []

    async def get_meta(self, key: str) -> str | None:
        """A value of this reach's own."""
        return await self._store.get_meta(self._own(key))

    async def swap_meta(self, key: str, *, expected: str | None, value: str | None) -> bool:
        """Compare and set a value of this reach's own."""
        return await self._store.swap_meta(self._own(key), expected=expected, value=value)

    async def heal(self, *, now: datetime) -> Mapping[str, int]:
        """Nothing: the whole store is not this caller's to mend."""
        return {}

    async def upkeep(self) -> bool:
        """Nothing: the whole store is not this caller's to tend."""
        return False

    async def erase_rows(
        self, orders: Sequence[Order], *, clock: Callable[[], datetime]
    ) -> list[Receipt]:
        """Erase notes that may be written.

        Raises:
            NamespaceRefusedError: One of them is elsewhere, or where only reading is allowed.
        """
        for note in await self._store.get([i for order in orders for i in order.note_ids]):
            if note.namespace not in self._reach.writes:
                raise NamespaceRefusedError(note.namespace, self._reach.writes)
        return await self._store.erase_rows(orders, clock=clock)

    async def purge(self, note_ids: Sequence[str], *, meta: bool = False) -> Purge:
        """Nothing: the files are not this caller's to clean."""
        return Purge(done=False, why="only the store's owner cleans its files")

    async def meta_keys(self, sort: str) -> list[str]:
        """This reach's own value of a sort, if there is one."""
        return [sort] if await self.get_meta(sort) is not None else []

    async def put_receipt(self, receipt: Receipt) -> None:
        """Nothing: whoever finishes an erasure writes its receipt."""

    async def receipts(self) -> list[Receipt]:
        """None: receipts count everybody's notes."""
        return []

    async def erased(self, note_ids: Sequence[str]) -> dict[str, Erasure]:
        """None: a receipt does not say whose a note was, so a tenant's own is just not found."""
        return {}

    async def relapsed(self) -> tuple[str, ...]:
        """None: the whole store is not this caller's to mend."""
        return ()

    async def size_of(self, namespace: str) -> NamespaceSize:
        """What a namespace within reach holds."""
        return (
            await self._store.size_of(namespace)
            if namespace in self._reach.reads
            else NamespaceSize()
        )

    async def stats(self) -> StoreStats:
        """The notes within reach; revisions and sizes would tell of others and are 0."""
        notes = await self.count(NoteFilter(states=(), derived=None))
        return StoreStats(notes=notes, revisions=0, disk_bytes=0, commits_since_upkeep=0)

    async def close(self) -> None:
        """Nothing: the store goes on for others."""

    def _own(self, key: str) -> str:
        return f"{key}@{self._reach.key}"

    def _within(self, where: NoteFilter) -> NoteFilter | None:
        """The part of a filter within reach; None if there is none: empty would mean all."""
        asked = where.namespaces or sorted(self._reach.reads)
        names = tuple(name for name in asked if name in self._reach.reads)
        return replace(where, namespaces=names) if names else None

    async def _there(self, note_ids: Iterable[str]) -> frozenset[str]:
        """Those of the notes that may be seen."""
        ids = tuple(dict.fromkeys(note_ids))
        if not ids:
            return frozenset()
        where = NoteFilter(note_ids=ids, states=(), derived=None)
        return frozenset(o.note_id for o in await self.outlines(where, limit=len(ids)))

    async def _shown(self, notes: Sequence[Note]) -> list[Note]:
        """The notes that may be seen, with what they say of others that may be."""
        mine = [note for note in notes if note.namespace in self._reach.reads]
        there = await self._there(named(mine))
        return [within_sight(note, there) for note in mine]
