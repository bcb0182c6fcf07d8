"""The notes table in memory, as long as nobody but this process writes it.

Every call needs some rows of it beside a model that needs the processor, too, and LanceDB reads
each commit since the last upkeep for them: 10 to 40 ms where this takes 1 to 5 (20,000 notes).
"""

from collections import OrderedDict, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from zettel.storage.filtering import matches
from zettel.storage.lance.cache.columns import FactTable, PassageMatrix, RevisionFacts, fact_of
from zettel.storage.notes import Hit, Note, Outline, fold_hash, order_key, outline_of
from zettel.storage.revisions import NoteRow
from zettel.storage.store import NoteFilter, Vectors

RECENT_MAX_ROWS = 16
"""Rows kept at most: what one `update` reads is one note and at times a few that it concerns."""


class CurrentRows:
    """The current rows that were read last, as long as the table stands as it did then."""

    def __init__(self) -> None:
        self._version = -1
        self._rows: dict[str, NoteRow] = {}

    def at(self, version: int) -> dict[str, NoteRow]:
        """Note id -> row, of those that were read at this version of the table."""
        return dict(self._rows) if version == self._version else {}

    def keep(self, version: int, rows: Iterable[NoteRow]) -> None:
        """Keep rows read while the table had this version, or right after.

        What was read after somebody else's commit is kept for a version that has passed, and so
        is never asked for again.
        """
        if version < self._version:
            return
        kept = self.at(version)
        self._version = version
        self._rows = kept | {row.note.note_id: row for row in rows}
        if len(self._rows) > RECENT_MAX_ROWS:
            self._rows.clear()


CACHE_MAX_ROWS = 50_000
"""Revisions and passages kept: some 300 MB. A store of more is read from its disk."""

CACHE_MAX_OBJECTS = 2_000
"""Rows kept as objects once they were read, of notes that are recalled again and again: ten take
2.5 ms to make."""

CACHE_MAX_REWRITTEN_ROWS = 5_000
"""Rows written one by one from which all are read anew at the next upkeep: those take ten times
the room of others, and a row that is written anew keeps its old place."""

_NOTHING = -1


class RowReader(Protocol):
    """Revisions by place, read when they are asked for."""

    def notes(self, places: Sequence[int]) -> list[Note]:
        """Whole."""
        ...

    def outlines(self, places: Sequence[int]) -> list[Outline]:
        """What ranking needs of each."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedRows:
    """Every row of one version of the table; the sequences have one element a row."""

    rows: RowReader
    note_ids: Sequence[str]
    row_ids: Sequence[str]
    fold_hashes: Sequence[str]
    links: Sequence[Sequence[str]]
    """Ids of the notes that each links to."""
    facts: Sequence[RevisionFacts]
    counts: NDArray[np.integer]
    """Passages of each; 0 of one that waits for its vectors."""
    passages: Vectors
    """All of them, row by row."""


class NoteCache:
    """Answers for one version of the table at a time; None is what it cannot tell.

    Args:
        dim: Length of a vector.
    """

    def __init__(self, dim: int) -> None:
        self._dim = dim
        self._missed = (_NOTHING, 0)
        self.drop()

    @property
    def version(self) -> int:
        """Of the table, that this answers for; -1 for none."""
        return self._version

    def drop(self) -> None:
        """Keep nothing, and answer nothing until `keep`."""
        self._version = _NOTHING
        self._rows: RowReader | None = None
        self._written = dict[int, NoteRow]()
        self._read = OrderedDict[int, NoteRow]()
        self._outlined = list[Outline | None]()
        self._facts = FactTable()
        self._passages = PassageMatrix(np.empty((0, self._dim), np.float32), np.empty(0, np.int64))
        # Places by name. A row that was written anew has a new place: `_of_row` tells which.
        self._ids = list[tuple[str, str]]()
        self._of_row = dict[str, int]()
        self._of_note = defaultdict[str, list[int]](list)
        self._to = defaultdict[str, list[int]](list)
        self._hashed = defaultdict[str, list[int]](list)

    def is_missed_again(self, version: int) -> bool:
        """Whether a version is asked for that is not kept, for the second time.

        Not for the third: what could not be kept then need not be tried at each question.
        """
        if version == self._version:
            return False
        missed, times = self._missed
        self._missed = (version, times + 1 if missed == version else 1)
        return self._missed == (version, 2)

    def keep(self, version: int, loaded: LoadedRows) -> None:
        """Start from what a version of the table holds; too much of it is not kept."""
        self.drop()
        if max(len(loaded.row_ids), len(loaded.passages)) > CACHE_MAX_ROWS:
            return
        self._rows = loaded.rows
        self._outlined.extend([None] * len(loaded.row_ids))
        self._facts.extend(loaded.facts)
        self._passages = PassageMatrix(loaded.passages, loaded.counts)
        named = zip(loaded.row_ids, loaded.note_ids, loaded.fold_hashes, loaded.links, strict=True)
        for row_id, note_id, key, links in named:
            self._name(row_id, note_id, key, links)
        self._version = version

    def advance(self, version: int, written: Iterable[NoteRow]) -> None:
        """Follow a commit of this process.

        Args:
            version: What it made of the table; if somebody else has written, too, nothing is kept.
            written: Every row of it.
        """
        if self._version == _NOTHING:
            return
        if (
            version != self._version + 1
            or max(len(self._facts), len(self._passages)) > CACHE_MAX_ROWS
        ):
            self.drop()
            return
        for row in written:
            self._write(row)
        self._version = version

    def advance_unchanged(self, version: int) -> None:
        """Follow commits, whosever, that left every row as it was."""
        self._version = version

    @property
    def worn(self) -> bool:
        """Whether so much was written since all of it was read that it is better read anew."""
        return len(self._written) > CACHE_MAX_REWRITTEN_ROWS

    def rows_of(self, version: int, where: NoteFilter) -> list[NoteRow] | None:
        """The rows of a filter that names notes, in no order."""
        if version != self._version or not where.note_ids:
            return None
        places = (place for i in where.note_ids for place in self._of_note.get(i, ()))
        return [row for row in self._at(places) if matches(row.note, where)]

    def linking_to(
        self, version: int, note_ids: Iterable[str], known_at: datetime | None
    ) -> list[Note] | None:
        """The notes that link to any of these, in session order."""
        if version != self._version:
            return None
        where, asked = NoteFilter(states=(), known_at=known_at, derived=None), set(note_ids)
        places = (place for note_id in asked for place in self._to.get(note_id, ()))
        found = [row.note for row in self._at(places) if matches(row.note, where)]
        return sorted(found, key=order_key)

    def count(self, version: int, where: NoteFilter) -> int | None:
        """How many notes a filter lets through."""
        if version != self._version or not where.fold_hash:
            meant = self._meant(version, where)
            return None if meant is None else int(meant.sum())
        places = self._hashed.get(where.fold_hash, ())
        return sum(matches(row.note, where) for row in self._at(places))

    def latest(self, version: int) -> datetime | None:
        """The newest `known_from`; None also where there is no note."""
        return self._facts.latest() if version == self._version else None

    def outlines(self, version: int, where: NoteFilter) -> list[Outline] | None:
        """The notes of a filter in session order."""
        meant = self._meant(version, where)
        if meant is None:
            return None
        places = np.flatnonzero(meant).tolist()
        unread = [p for p in places if self._outlined[p] is None]
        if self._rows and unread:
            for place, outline in zip(unread, self._rows.outlines(unread), strict=True):
                self._outlined[place] = outline
        found = (self._outlined[place] for place in places)
        return sorted((outline for outline in found if outline), key=order_key)

    def nearest(
        self, version: int, vector: NDArray[np.float32], where: NoteFilter, *, limit: int
    ) -> list[Hit] | None:
        """Notes by the cosine of their best passage to a unit vector `(dim,)`, best first."""
        meant = self._meant(version, where)
        if meant is None:
            return None
        places, scores = self._passages.cosines(vector)
        there = meant[places]
        places, scores = places[there], scores[there]
        if len(scores) > limit:
            # With those as good as the last one: their ids settle which of them it is.
            good = scores >= np.partition(scores, -limit)[-limit]
            places, scores = places[good], scores[good]
        ids = [self._ids[place][1] for place in map(int, places)]
        hits = [Hit(note_id, float(score)) for note_id, score in zip(ids, scores, strict=True)]
        return sorted(hits, key=lambda hit: (-hit.score, hit.note_id))[:limit]

    def _meant(self, version: int, where: NoteFilter) -> NDArray[np.bool_] | None:
        if version != self._version:
            return None
        if not where.note_ids:
            return self._facts.meant(where)
        named = [place for i in where.note_ids for place in self._of_note.get(i, ())]
        meant = self._facts.meant(where, named)
        if meant is None:
            return None
        found = np.zeros(len(self._facts), np.bool_)
        found[named] = meant
        return found

    def _at(self, places: Iterable[int]) -> list[NoteRow]:
        """The rows at these places, each once, but for those that have another place by now."""
        wanted = sorted({p for p in places if self._of_row[self._ids[p][0]] == p})
        unread = [p for p in wanted if p not in self._written and p not in self._read]
        notes = self._rows.notes(unread) if self._rows and unread else []
        for place, note in zip(unread, notes, strict=True):
            self._read[place] = NoteRow(note=note, vectors=self._passages.at(place))
        rows = [self._written.get(place) or self._read[place] for place in wanted]
        for place in wanted:
            if place in self._read:
                self._read.move_to_end(place)
        while len(self._read) > CACHE_MAX_OBJECTS:
            self._read.popitem(last=False)
        return rows

    def _write(self, row: NoteRow) -> None:
        note, place = row.note, self._of_row.get(row.note.row_id)
        if place is not None and _same(self._passages.at(place), row.vectors):
            self._facts.put(place, fact_of(note))
            self._outlined[place] = outline_of(note)
        else:
            if place is not None:
                self._facts.remove(place)
            place = len(self._ids)
            links = {link.to for link in note.links}
            self._name(note.row_id, note.note_id, fold_hash(note.content), links)
            self._facts.extend([fact_of(note)])
            self._outlined.append(outline_of(note))
            if row.vectors is not None:
                self._passages.add(place, row.vectors)
        self._written[place] = row

    def _name(self, row_id: str, note_id: str, key: str, links: Iterable[str]) -> None:
        """Let the row of the next place be found."""
        place = self._of_row[row_id] = len(self._ids)
        self._ids.append((row_id, note_id))
        self._of_note[note_id].append(place)
        self._hashed[key].append(place)
        for target in links:
            self._to[target].append(place)


def _same(one: Vectors | None, other: Vectors | None) -> bool:
    return one is other or (one is not None and other is not None and np.array_equal(one, other))
