"""A tenant's view of a store: notes of other namespaces are neither found nor mentioned."""

# ruff: noqa: D102 - each method is documented in the contract

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from zettel.storage.access import Access
from zettel.storage.erasure.traces import NOTE_ID, ids_in
from zettel.storage.errors import NamespaceRefusedError
from zettel.storage.notes import Facets, Hit, Near, Note, Outline, Usage
from zettel.storage.store import (
    Change,
    NewNote,
    NoteFilter,
    NoteStore,
    Recalled,
    Store,
    Vectors,
    Written,
)

HIDDEN_NOTE = "another note"
"""Replaces the id of a note that is not shown in a revision's reason."""

_NO_FACETS = Facets(subjects={}, tags={}, namespaces={})


class ScopedStore(NoteStore):
    """A store limited to a caller's namespaces.

    A note in another namespace does not exist here: no id, count, link, reason or score reveals
    it. Values in `meta` belong to this access alone, so another caller's token is unknown.
    """

    def __init__(self, whole: Store, reach: Access) -> None:
        self.whole = whole
        self._reach = reach

    @property
    def place(self) -> str:
        return self.whole.place

    async def write(
        self, *, new: Sequence[NewNote] = (), changes: Sequence[Change] = ()
    ) -> Written:
        """Write to writable namespaces, all of it or nothing; links that were hidden stay.

        Raises:
            NamespaceRefusedError: A note is in a namespace that may not be written.
        """
        standing = {n.note_id: n for n in await self.whole.get([c.note.note_id for c in changes])}
        touched = [*(item.note for item in new), *(c.note for c in changes), *standing.values()]
        for note in touched:
            if note.namespace not in self._reach.writes:
                raise NamespaceRefusedError(note.namespace, self._reach.writes)
        there = await self._there(mentioned_ids(standing.values()))
        merged = [with_hidden(c, standing.get(c.note.note_id), there) for c in changes]
        written = await self.whole.write(new=new, changes=merged)
        return replace(written, stored=tuple(await self._shown(written.stored)))

    async def get(self, note_ids: Sequence[str]) -> list[Note]:
        # Not `whole.get`: the time it takes would reveal notes of other namespaces.
        ids = tuple(dict.fromkeys(note_ids))
        if not ids:
            return []
        where = NoteFilter(note_ids=ids, states=(), derived=None)
        found = {note.note_id: note for note in await self.find(where, limit=len(ids))}
        return [found[note_id] for note_id in note_ids if note_id in found]

    async def find(self, where: NoteFilter, *, limit: int, offset: int = 0) -> list[Note]:
        if (within := self._within(where)) is None:
            return []
        return await self._shown(await self.whole.find(within, limit=limit, offset=offset))

    async def count(self, where: NoteFilter) -> int:
        within = self._within(where)
        return 0 if within is None else await self.whole.count(within)

    async def match_text(
        self, query: str, where: NoteFilter, *, limit: int, counted: Sequence[str] = ()
    ) -> list[Hit]:
        if (within := self._within(where)) is None:
            return []
        # Frequencies of the whole store would tell whether a note elsewhere holds a word.
        reads = tuple(sorted(self._reach.reads))
        own = tuple(name for name in counted if name in self._reach.reads) or reads
        return await self.whole.match_text(query, within, limit=limit, counted=own)

    async def match_vectors(
        self, vector: NDArray[np.float32], where: NoteFilter, *, limit: int
    ) -> list[Hit]:
        within = self._within(where)
        return [] if within is None else await self.whole.match_vectors(vector, within, limit=limit)

    async def nearest(
        self, vector: NDArray[np.float32], where: NoteFilter, *, limit: int, least: float = -1.0
    ) -> list[Near]:
        if (within := self._within(where)) is None:
            return []
        return await self.whole.nearest(vector, within, limit=limit, least=least)

    async def outlines(self, where: NoteFilter, *, limit: int) -> list[Outline]:
        within = self._within(where)
        return [] if within is None else await self.whole.outlines(within, limit=limit)

    async def sample(self, where: NoteFilter, *, size: int) -> list[Outline]:
        within = self._within(where)
        return [] if within is None else await self.whole.sample(within, size=size)

    async def rows_true_at(self, where: NoteFilter) -> tuple[str, ...]:
        if (within := self._within(where)) is None:
            return ()
        rows = await self.whole.rows_true_at(within)
        if not rows:
            return ()
        # A note that moved was somewhere else then, where this caller may not read.
        ids = tuple(row.partition("@")[0] for row in rows)
        then = await self.whole.outlines(replace(within, note_ids=ids, past=rows), limit=len(rows))
        there = {outline.note_id for outline in then if outline.namespace in self._reach.reads}
        return tuple(row for row in rows if row.partition("@")[0] in there)

    async def linking_to(
        self,
        note_ids: Sequence[str],
        *,
        known_at: datetime | None = None,
        relations: Collection[str] = (),
    ) -> list[Note]:
        targets = sorted(await self._there(note_ids))
        if not targets:
            return []
        found = await self.whole.linking_to(targets, known_at=known_at, relations=relations)
        return await self._shown(found)

    async def facets(self, where: NoteFilter) -> Facets:
        within = self._within(where)
        return _NO_FACETS if within is None else await self.whole.facets(within)

    async def revisions(self, note_id: str) -> list[Note]:
        return await self._shown(await self.whole.revisions(note_id))

    async def revisions_of_run(self, run_id: str) -> list[Note]:
        return await self._shown(await self.whole.revisions_of_run(run_id))

    async def passages_at(self, row_ids: Sequence[str]) -> dict[str, Vectors]:
        there = await self._there(row.partition("@")[0] for row in row_ids)
        rows = [row for row in row_ids if row.partition("@")[0] in there]
        return await self.whole.passages_at(rows)

    async def version(self, namespaces: Sequence[str] = ()) -> int:
        return await self.whole.version(namespaces)

    async def latest(self, namespaces: Sequence[str] = ()) -> datetime | None:
        reads = tuple(sorted(self._reach.reads))
        return await self.whole.latest([n for n in namespaces if n in reads] or reads)

    async def passages_of(self, note_ids: Sequence[str]) -> dict[str, Vectors]:
        return await self.whole.passages_of(sorted(await self._there(note_ids)))

    async def embed(self, vectors: Sequence[tuple[Note, Vectors]], *, model: str) -> None:
        mine = [(note, array) for note, array in vectors if note.namespace in self._reach.writes]
        await self.whole.embed(mine, model=model)

    async def mark(self, notes: Sequence[Note], *, stage: int) -> None:
        mine = [note for note in notes if note.namespace in self._reach.writes]
        await self.whole.mark(mine, stage=stage)

    async def usage_of(self, note_ids: Sequence[str]) -> dict[str, Usage]:
        return await self.whole.usage_of(sorted(await self._there(note_ids)))

    async def reinforce(self, recalled: Sequence[Recalled]) -> None:
        notes = await self.get([more.note_id for more in recalled])
        mine = {note.note_id for note in notes if note.namespace in self._reach.writes}
        await self.whole.reinforce([more for more in recalled if more.note_id in mine])

    async def get_meta(self, key: str) -> str | None:
        return await self.whole.get_meta(self._own(key))

    async def swap_meta(self, key: str, *, expected: str | None, value: str | None) -> bool:
        return await self.whole.swap_meta(self._own(key), expected=expected, value=value)

    def _own(self, key: str) -> str:
        return f"{key}@{self._reach.key}"

    def _within(self, where: NoteFilter) -> NoteFilter | None:
        """The filter limited to readable namespaces; None if there is none, as empty means all."""
        asked = where.namespaces or sorted(self._reach.reads)
        names = tuple(name for name in asked if name in self._reach.reads)
        return replace(where, namespaces=names) if names else None

    async def _there(self, note_ids: Iterable[str]) -> frozenset[str]:
        """Those of the notes that may be read."""
        ids = tuple(dict.fromkeys(note_ids))
        if not ids:
            return frozenset()
        where = NoteFilter(note_ids=ids, states=(), derived=None)
        return frozenset(o.note_id for o in await self.outlines(where, limit=len(ids)))

    async def _shown(self, notes: Sequence[Note]) -> list[Note]:
        """The notes that may be read, without mentions of others."""
        mine = [note for note in notes if note.namespace in self._reach.reads]
        there = await self._there(mentioned_ids(mine))
        return [without_hidden(note, there) for note in mine]


def mentioned_ids(notes: Iterable[Note]) -> list[str]:
    """Ids of other notes that links and reasons mention."""
    return [
        note_id
        for note in notes
        for note_id in (*(link.to for link in note.links), *ids_in(note.reason))
    ]


def without_hidden(note: Note, there: Collection[str]) -> Note:
    """The note without links to notes outside `there`, and without their ids."""
    links = tuple(link for link in note.links if link.to in there)
    reason = NOTE_ID.sub(lambda found: found[0] if found[0] in there else HIDDEN_NOTE, note.reason)
    if len(links) == len(note.links) and reason == note.reason:
        return note
    return replace(note, links=links, reason=reason)


def with_hidden(change: Change, standing: Note | None, there: Collection[str]) -> Change:
    """The change with those links of the current revision that its author was not shown."""
    links = standing.links if standing else ()
    hidden = tuple(link for link in links if link.to not in there)
    if not hidden:
        return change
    return replace(change, note=replace(change.note, links=(*change.note.links, *hidden)))
