"""The `notes` table in memory, valid while only this process writes it.

Reads take 1 to 5 ms where LanceDB takes 10 to 40 (20,000 notes).
"""

from collections import OrderedDict, defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from zettel.storage.lance.cache.columns import FactTable, PassageMatrix, RevisionFacts, fact_of
from zettel.storage.lance.cache.earlier import EARLIER_MAX_ROWS, EarlierVersions, RowsAt
from zettel.storage.notes import (
    Hit,
    Note,
    Outline,
    best_first,
    fold_hash,
    make_hits,
    order_key,
    outline_of,
)
from zettel.storage.revisions import NoteRow
from zettel.storage.store import NoteFilter, Vectors, matches

RECENT_MAX_ROWS = 16
"""An `update` reads one note and at times a few related ones."""


class CurrentRows:
    """The current rows read last, valid for one version of the table."""

    def __init__(self) -> None:
        self._version = -1
        self._rows: dict[str, NoteRow] = {}

    def at(self, version: int) -> dict[str, NoteRow]:
        """Note id -> row, of those read at this version."""
        return dict(self._rows) if version == self._version else {}

    def keep(self, version: int, rows: Iterable[NoteRow]) -> None:
        """Keep rows read at this version or right after; an outdated version is ignored."""
        if version < self._version:
            return
        kept = self.at(version)
        self._version = version
        self._rows = kept | {row.note.note_id: row for row in rows}
        if len(self._rows) > RECENT_MAX_ROWS:
            self._rows.clear()

    def advance(self, version: int, note_ids: Iterable[str]) -> None:
        """Follow a commit of this process to some notes; what others committed ends all."""
        if version == self._version + 1:
            self._version = version
            for note_id in note_ids:
                self._rows.pop(note_id, None)


CACHE_MAX_ROWS = 50_000
"""Revisions and passages kept: some 300 MB; a larger store is read from disk."""

CACHE_MAX_OBJECTS = 2_000
"""Rows kept as objects: ten take 2.5 ms to make."""

FOUND_MAX_ROWS = 500
"""Notes that are read for one list: LanceDB reads more in as much time."""

CACHE_MAX_REWRITTEN_ROWS = 5_000
"""Rows written singly, ten times as large as loaded ones, before all are loaded again."""

NO_VERSION = -1
"""The version of a cache that answers for none."""


class RowReader(Protocol):
    """Revisions by position, read on request."""

    def notes(self, places: Sequence[int]) -> list[Note]:
        """Whole notes."""
        ...

    def outlines(self, places: Sequence[int]) -> list[Outline]:
        """Their outlines."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedRows:
    """Every row of one version of the table; the sequences have one element per row."""

    rows: RowReader
    note_ids: Sequence[str]
    row_ids: Sequence[str]
    fold_hashes: Sequence[str]
    sessions: Sequence[str]
    links: Sequence[Sequence[tuple[str, str]]]
    """The notes that each links to: id and relation."""
    facts: Sequence[RevisionFacts]
    counts: NDArray[np.integer]
    """Passages of each; 0 while it waits for vectors."""
    passages: Vectors
    """All of them, row by row."""


class NoteCache:
    """Answers reads for one version of the table and the last before it; None if it cannot."""

    def __init__(self, dim: int) -> None:
        self._dim = dim
        self._missed = (NO_VERSION, 0)
        self._version = NO_VERSION
        self.drop()

    @property
    def version(self) -> int:
        """The newest version it answers for; -1 for none."""
        return self._version

    @property
    def namespaces(self) -> Sequence[str]:
        """Those that any revision is in."""
        return self._facts.namespaces

    def rows_in(self, namespaces: Sequence[str]) -> int:
        """Revisions in these namespaces, as of the newest version."""
        return self._facts.rows_in(namespaces)

    def answers(self, version: int) -> bool:
        """Whether it answers for a version."""
        return self._rows_at(version) is not None

    @property
    def size(self) -> int:
        """Revisions, or passages if they are more."""
        return max(len(self._facts), len(self._passages))

    def holds(self, note_id: str, version: int) -> bool:
        """Whether a note is there with all of its revisions: it may have moved in or out."""
        there, places = self._rows_at(version), self._of_note.get(note_id, ())
        rows = self._at(places, there) if there and places else ()
        return any(row.note.current and row.note.rev == len(rows) for row in rows)

    def drop(self) -> None:
        """Discard everything; answer nothing until `keep`."""
        if self._version != NO_VERSION:
            self._missed = (NO_VERSION, 0)
        self._version = NO_VERSION
        self._earlier = EarlierVersions[NoteRow]()
        self._rows: RowReader | None = None
        self._written = dict[int, NoteRow]()
        self._read = OrderedDict[int, NoteRow]()
        self._outlined = list[Outline | None]()
        self._facts = FactTable()
        self._passages = PassageMatrix(np.empty((0, self._dim), np.float32), np.empty(0, np.int64))
        # Positions by name. A rewritten row has a new position, found in `_of_row`.
        self._ids = list[tuple[str, str]]()
        self._of_row = dict[str, int]()
        self._of_note = defaultdict[str, list[int]](list)
        self._of_session = defaultdict[str, list[int]](list)
        self._to = defaultdict[str, list[tuple[int, str]]](list)
        self._hashed = defaultdict[str, list[int]](list)

    def is_missed_again(self, version: int, others: int) -> bool:
        """Whether what is not kept is requested for exactly the second time.

        With each version that others wrote, counting begins anew.
        """
        if self.answers(version):
            return False
        missed, times = self._missed
        self._missed = (others, times + 1 if missed == others else 1)
        return self._missed == (others, 2)

    def keep(self, version: int, loaded: LoadedRows) -> None:
        """Load a version of the table, unless it is too large."""
        self.drop()
        if max(len(loaded.row_ids), len(loaded.passages)) > CACHE_MAX_ROWS:
            return
        self._rows = loaded.rows
        self._outlined.extend([None] * len(loaded.row_ids))
        self._facts.extend(loaded.facts)
        self._passages = PassageMatrix(loaded.passages, loaded.counts)
        named = zip(
            loaded.row_ids,
            loaded.note_ids,
            loaded.fold_hashes,
            loaded.sessions,
            loaded.links,
            strict=True,
        )
        for row_id, note_id, key, session, links in named:
            self._name(row_id, note_id, key, session, links)
        self._version = version

    def advance(self, version: int, written: Iterable[NoteRow]) -> None:
        """Follow a commit of this process.

        The cache is dropped if others have written too.
        """
        if self._version == NO_VERSION:
            return
        if version != self._version + 1 or self.size > CACHE_MAX_ROWS:
            self.drop()
            return
        written = list(written)
        self._remember(written)
        for row in written:
            self._write(row)
        self._version = version

    def advance_unchanged(self, version: int) -> None:
        """Follow commits that left every row unchanged."""
        self._remember(())
        self._version = version

    @property
    def worn(self) -> bool:
        """Whether so many rows were rewritten that loading all of them again pays."""
        return len(self._written) > CACHE_MAX_REWRITTEN_ROWS

    def find(
        self, version: int, where: NoteFilter, *, limit: int, offset: int
    ) -> list[Note] | None:
        """The newest notes of a filter, unless too many are asked for."""
        rows, there = self.rows_of(version, where), self._rows_at(version)
        if rows is None or there is None:
            meant = self._meant(there, where)
            if there is None or meant is None:
                return None
            places = self._facts.newest(np.flatnonzero(meant), offset + max(0, limit))
            if len(places) > FOUND_MAX_ROWS:
                return None
            rows = self._at(places.tolist(), there)
        notes = sorted((row.note for row in rows), key=order_key, reverse=True)
        return notes[offset : offset + max(0, limit)]

    def rows_of(self, version: int, where: NoteFilter) -> list[NoteRow] | None:
        """The rows of a filter that names notes, in no order."""
        there = self._rows_at(version)
        if there is None or not where.note_ids:
            return None
        places = (place for i in where.note_ids for place in self._of_note.get(i, ()))
        return [row for row in self._at(places, there) if matches(row.note, where)]

    def revisions(self, version: int, note_id: str) -> list[Note] | None:
        """Those of a note that are there, oldest first."""
        if (there := self._rows_at(version)) is None:
            return None
        rows = self._at(self._of_note.get(note_id, ()), there)
        return sorted((row.note for row in rows), key=lambda note: note.rev)

    def linking_to(
        self,
        version: int,
        note_ids: Iterable[str],
        known_at: datetime | None,
        relations: Collection[str] = (),
    ) -> list[Note] | None:
        """The notes that link to any of these, in session order.

        `known_at` is the moment of the linking revisions, None for now; without relations all
        count.
        """
        there = self._rows_at(version)
        if there is None:
            return None
        where, asked = NoteFilter(states=(), known_at=known_at, derived=None), set(note_ids)
        links = (link for note_id in asked for link in self._to.get(note_id, ()))
        places = (place for place, relation in links if not relations or relation in relations)
        found = [row.note for row in self._at(places, there) if matches(row.note, where)]
        return sorted(found, key=order_key)

    def count(self, version: int, where: NoteFilter) -> int | None:
        """Number of notes that pass a filter."""
        there = self._rows_at(version)
        if there is None or not where.fold_hash:
            meant = self._meant(there, where)
            return None if meant is None else int(meant.sum())
        places, rest = self._hashed.get(where.fold_hash, ()), replace(where, fold_hash="")
        return sum(matches(row.note, rest) for row in self._at(places, there))

    def latest(self, version: int, namespaces: Sequence[str]) -> datetime | None:
        """The newest `known_from` in these namespaces, or in all; None also without notes.

        Of the newest version alone.
        """
        return self._facts.latest(namespaces) if version == self._version else None

    def outlines(self, version: int, where: NoteFilter) -> list[Outline] | None:
        """The notes of a filter in session order."""
        meant = self._meant(self._rows_at(version), where)
        if meant is None:
            return None
        places = np.flatnonzero(meant).tolist()
        unread = [p for p in places if self._outlined[p] is None]
        if self._rows and unread:
            for place, outline in zip(unread, self._rows.outlines(unread), strict=True):
                self._outlined[place] = outline
        found = (self._outlined[place] for place in places)
        return sorted((outline for outline in found if outline), key=order_key)

    def passing(
        self, version: int, where: NoteFilter, row_ids: Iterable[str]
    ) -> dict[str, str] | None:
        """Row id -> note id, of those of the rows that pass a filter."""
        there = self._rows_at(version)
        meant = self._meant(there, where)
        if there is None or meant is None:
            return None
        before = {row.note.row_id: place for place, row in there.replaced.items()}
        places = (before.get(row_id, self._of_row.get(row_id)) for row_id in row_ids)
        return dict(self._ids[place] for place in places if place is not None and meant[place])

    def nearest(
        self, version: int, vector: NDArray[np.float32], where: NoteFilter, *, limit: int
    ) -> list[Hit] | None:
        """Notes by the cosine of their best passage to a unit vector `(dim,)`, best first."""
        meant = self._meant(self._rows_at(version), where)
        if meant is None:
            return None
        places, scores = self._passages.cosines(vector)
        there = meant[places]
        places, scores = places[there], scores[there]
        if len(scores) > limit:
            # With ties of the last one, which are ordered by id.
            good = scores >= np.partition(scores, -limit)[-limit]
            places, scores = places[good], scores[good]
        ids: list[str] = [self._ids[place][1] for place in places.tolist()]
        return best_first(make_hits(ids, scores.tolist()))[:limit]

    def _rows_at(self, version: int) -> RowsAt[NoteRow] | None:
        """The rows of a version; None if it is not known."""
        if version == self._version != NO_VERSION:
            return RowsAt(len(self._ids), dict[int, NoteRow]())
        return self._earlier.at(version)

    def _meant(self, there: RowsAt[NoteRow] | None, where: NoteFilter) -> NDArray[np.bool_] | None:
        """Which places of the rows of a version pass a filter; None if it cannot tell."""
        if there is None or (where.note_ids and where.sessions):
            return None
        found = self._facts.meant(where) if not (where.note_ids or where.sessions) else None
        if where.note_ids or where.sessions:
            by_name = [(self._of_note, i) for i in where.note_ids]
            by_name += [(self._of_session, session) for session in where.sessions]
            named = [place for places, name in by_name for place in places.get(name, ())]
            meant = self._facts.meant(where, named)
            if meant is not None:
                found = np.zeros(len(self._facts), np.bool_)
                found[named] = meant
        if found is not None:
            found[there.size :] = False
            for place, row in there.replaced.items():
                found[place] = matches(row.note, where)
        return found

    def _at(self, places: Iterable[int], there: RowsAt[NoteRow]) -> list[NoteRow]:
        """The rows of a version at these places, each once, without replaced ones."""
        size, before = there.size, there.replaced
        asked = {place for place in places if place < size}
        wanted = sorted(p for p in asked if p in before or self._of_row[self._ids[p][0]] == p)
        newest = [place for place in wanted if place not in before]
        unread = [p for p in newest if p not in self._written and p not in self._read]
        notes = self._rows.notes(unread) if self._rows and unread else []
        for place, note in zip(unread, notes, strict=True):
            self._read[place] = NoteRow(note=note, vectors=self._passages.at(place))
        now = {place: self._written.get(place) or self._read[place] for place in newest}
        for place in newest:
            if place in self._read:
                self._read.move_to_end(place)
        while len(self._read) > CACHE_MAX_OBJECTS:
            self._read.popitem(last=False)
        return [before[place] if place in before else now[place] for place in wanted]

    def _remember(self, written: Sequence[NoteRow]) -> None:
        """Keep the rows that a commit replaces, or nothing earlier if they are too many."""
        places = [self._of_row.get(row.note.row_id) for row in written]
        replaced = [place for place in places if place is not None]
        if len(replaced) > EARLIER_MAX_ROWS:
            self._earlier = EarlierVersions[NoteRow]()
            return
        newest = RowsAt(len(self._ids), dict[int, NoteRow]())
        rows = zip(sorted(replaced), self._at(replaced, newest), strict=True)
        self._earlier.remember(self._version, RowsAt(len(self._ids), dict(rows)))

    def _write(self, row: NoteRow) -> None:
        note, place = row.note, self._of_row.get(row.note.row_id)
        if place is not None and _same(self._passages.at(place), row.vectors):
            self._facts.put(place, fact_of(note))
            self._outlined[place] = outline_of(note)
        else:
            if place is not None:
                self._facts.remove(place)
            place = len(self._ids)
            links = {(link.to, link.relation) for link in note.links}
            key = fold_hash(note.content)
            self._name(note.row_id, note.note_id, key, note.session, links)
            self._facts.extend([fact_of(note)])
            self._outlined.append(outline_of(note))
            if row.vectors is not None:
                self._passages.add(place, row.vectors)
        self._written[place] = row

    def _name(
        self, row_id: str, note_id: str, key: str, session: str, links: Iterable[tuple[str, str]]
    ) -> None:
        """Index the next row by its names and links."""
        place = self._of_row[row_id] = len(self._ids)
        self._ids.append((row_id, note_id))
        self._of_note[note_id].append(place)
        self._hashed[key].append(place)
        self._of_session[session].append(place)
        for target, relation in links:
            self._to[target].append((place, relation))


def _same(one: Vectors | None, other: Vectors | None) -> bool:
    return one is other or (one is not None and other is not None and np.array_equal(one, other))
