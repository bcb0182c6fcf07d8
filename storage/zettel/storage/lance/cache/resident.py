"""The notes in memory: all of a store, or of a large one those of the namespaces in use."""

from collections import OrderedDict, defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import datetime
from itertools import chain
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from zettel.storage.lance.cache.note_cache import NO_VERSION, LoadedRows, NoteCache
from zettel.storage.notes import Hit, Note, Outline, best_first, order_key
from zettel.storage.revisions import NoteRow
from zettel.storage.store import NoteFilter

NAMESPACE_MAX_ROWS = 5_000
"""Revisions, and passages, of a namespace of a large store that is kept in memory."""
NAMESPACES_MAX_ROWS = 20_000
"""Of all these namespaces together, some 120 MB; the one used longest ago is dropped."""

_T = TypeVar("_T")


class ResidentNotes:
    """Answers reads for one version of the table and the last before it; None if it cannot."""

    def __init__(self, dim: int) -> None:
        self._dim = dim
        self._whole = NoteCache(dim)
        self._parts = OrderedDict[str, NoteCache]()
        """Namespace -> its notes, all of one version; empty while the whole table is there."""
        self._missed = dict[str, tuple[int, int]]()
        """Namespace -> the last version by others, and how often it was not there since."""
        self._latest: tuple[int, datetime] | None = None
        """A version of the table, and the newest `known_from` in it."""

    @property
    def version(self) -> int:
        """The newest version it answers for; -1 for none."""
        return next((part.version for part in self._parts.values()), self._whole.version)

    def answers(self, version: int) -> bool:
        """Whether it answers for a version."""
        return all(cache.answers(version) for cache in self._parts.values() or (self._whole,))

    @property
    def is_whole(self) -> bool:
        """Whether every note of that version is there."""
        return self._whole.version != NO_VERSION

    @property
    def worn(self) -> bool:
        """Whether so many rows were rewritten that loading all of them again pays."""
        return self._whole.worn

    def drop(self) -> None:
        """Discard everything; answer nothing until something is kept again."""
        self._whole.drop()
        self._parts.clear()
        self._latest = None

    def is_missed_again(self, version: int, others: int) -> bool:
        """Whether what is not there is requested for exactly the second time.

        With each version that others wrote, counting begins anew.
        """
        return not self.answers(version) and self._whole.is_missed_again(version, others)

    def missed_again(self, namespace: str, others: int) -> bool:
        """Whether a namespace that is not there is looked for exactly the second time.

        With each version that others wrote, counting begins anew.
        """
        if self.is_whole or namespace in self._parts:
            return False
        missed, times = self._missed.get(namespace, (others, 0))
        self._missed[namespace] = (others, times + 1 if missed == others else 1)
        return self._missed[namespace] == (others, 2)

    def keep(self, version: int, loaded: LoadedRows) -> None:
        """Load a version of the table, unless it is too large."""
        self.drop()
        self._whole.keep(version, loaded)

    def keep_namespace(self, version: int, namespace: str, loaded: LoadedRows) -> None:
        """Load all revisions of a namespace; others go if they are too many together."""
        if version != self.version:
            self.drop()
        self._missed.pop(namespace, None)
        part = NoteCache(self._dim)
        part.keep(version, loaded)
        self._parts[namespace] = part
        total = sum(part.size for part in self._parts.values())
        while total > NAMESPACES_MAX_ROWS and len(self._parts) > 1:
            total -= self._parts.popitem(last=False)[1].size

    def advance(self, version: int, written: Iterable[NoteRow]) -> None:
        """Follow a commit of this process.

        The cache is dropped if others have written too.
        """
        written = list(written)
        self._follow_latest(version, (row.note.known_from for row in written))
        if not self._parts:
            self._whole.advance(version, written)
            return
        rows = defaultdict[str, list[NoteRow]](list)
        for row in written:
            rows[row.note.namespace].append(row)
        for name, part in tuple(self._parts.items()):
            part.advance(version, rows[name])
            if part.version != version or part.size > NAMESPACE_MAX_ROWS or part.worn:
                del self._parts[name]

    def advance_unchanged(self, version: int) -> None:
        """Follow commits that left every row unchanged."""
        if self._latest and self._latest[0] == self.version:
            self._latest = (version, self._latest[1])
        for cache in self._parts.values() or (self._whole,):
            cache.advance_unchanged(version)

    def knows(self, version: int, note_ids: Iterable[str]) -> bool:
        """Whether every one of these notes is there."""
        if not self.answers(version):
            return False
        return self.is_whole or all(self._part_of(note_id, version) for note_id in note_ids)

    def rows_of(self, version: int, where: NoteFilter) -> list[NoteRow] | None:
        """The rows of a filter that names notes, in no order."""
        if not where.note_ids or not self.knows(version, where.note_ids):
            return None
        return self.rows_there(version, where)

    def rows_there(self, version: int, where: NoteFilter) -> list[NoteRow]:
        """Those of the rows of a filter that names notes that are there, in no order."""
        found = (c.rows_of(version, where) for c in self._parts.values() or (self._whole,))
        return [row for rows in found for row in rows or ()]

    def revisions(self, version: int, note_id: str) -> list[Note] | None:
        """All revisions of a note, oldest first; None if they are not all there."""
        if self.is_whole:
            return self._whole.revisions(version, note_id)
        part = self._part_of(note_id, version)
        return part.revisions(version, note_id) if part else None

    def namespaces(self, version: int) -> Sequence[str]:
        """Those that any revision is in; none unless the whole table is there."""
        return self._whole.namespaces if self.is_whole and self.answers(version) else ()

    def rows_in(self, version: int, namespaces: Sequence[str]) -> int | None:
        """Revisions in these namespaces, about; None unless the whole table is there."""
        there = self.is_whole and self.answers(version)
        return self._whole.rows_in(namespaces) if there else None

    def find(
        self, version: int, where: NoteFilter, *, limit: int, offset: int
    ) -> list[Note] | None:
        """The newest notes of a filter, unless too many are asked for."""
        found = self._answers(
            version,
            where.namespaces,
            lambda c: c.find(version, where, limit=offset + max(0, limit), offset=0),
            note_ids=where.note_ids,
        )
        if found is None:
            return None
        notes = sorted(chain.from_iterable(found), key=order_key, reverse=True)
        return notes[offset : offset + max(0, limit)]

    def linking_to(
        self,
        version: int,
        note_ids: Iterable[str],
        known_at: datetime | None,
        relations: Collection[str] = (),
    ) -> list[Note] | None:
        """The notes that link to any of these by any of these relations, in session order.

        All relations where none is given.
        """
        return self._whole.linking_to(version, note_ids, known_at, relations)

    def count(self, version: int, where: NoteFilter) -> int | None:
        """Number of notes that pass a filter."""
        found = self._answers(version, where.namespaces, lambda c: c.count(version, where))
        return None if found is None else sum(found)

    def holds_namespace(self, version: int, namespace: str) -> bool:
        """Whether a namespace of a large store is there."""
        return namespace in self._parts and self._parts[namespace].answers(version)

    def holds(self, version: int, namespaces: Sequence[str]) -> bool:
        """Whether all notes of these namespaces are there, or without any named of the store."""
        if not self.answers(version):
            return False
        return self.is_whole or bool(namespaces and self._parts.keys() >= {*namespaces})

    def keep_latest(self, version: int, moment: datetime) -> None:
        """Keep the newest `known_from` of a version."""
        self._latest = (version, moment)

    def latest(self, version: int, namespaces: Sequence[str]) -> datetime | None:
        """The newest `known_from` in these namespaces, or in all; None also without notes."""
        if not namespaces and self._latest and self._latest[0] == version:
            return self._latest[1]
        found = self._answers(version, namespaces, lambda c: (c.latest(version, namespaces),))
        return max((moment for (moment,) in found or () if moment), default=None)

    def outlines(self, version: int, where: NoteFilter) -> list[Outline] | None:
        """The notes of a filter in session order."""
        found = self._answers(
            version,
            where.namespaces,
            lambda c: c.outlines(version, where),
            note_ids=where.note_ids,
        )
        if found is None or len(found) == 1:
            return found[0] if found else None
        return sorted(chain.from_iterable(found), key=order_key)

    def passing(
        self, version: int, where: NoteFilter, row_ids: Iterable[str]
    ) -> dict[str, str] | None:
        """Row id -> note id, of those of the rows that pass a filter."""
        rows = list(row_ids)
        found = self._answers(version, where.namespaces, lambda c: c.passing(version, where, rows))
        return None if found is None else dict(chain.from_iterable(f.items() for f in found))

    def nearest(
        self, version: int, vector: NDArray[np.float32], where: NoteFilter, *, limit: int
    ) -> list[Hit] | None:
        """Notes by the cosine of their best passage to a unit vector `(dim,)`, best first."""
        found = self._answers(
            version, where.namespaces, lambda c: c.nearest(version, vector, where, limit=limit)
        )
        if found is None or len(found) == 1:
            return found[0] if found else None
        return best_first(list(chain.from_iterable(found)))[:limit]

    def _follow_latest(self, version: int, moments: Iterable[datetime]) -> None:
        if self._latest is not None:
            before, moment = self._latest
            here = before == version - 1
            self._latest = (version, max((moment, *moments))) if here else None

    def _part_of(self, note_id: str, version: int) -> NoteCache | None:
        return next((p for p in self._parts.values() if p.holds(note_id, version)), None)

    def _answers(
        self,
        version: int,
        namespaces: Sequence[str],
        read: Callable[[NoteCache], _T | None],
        *,
        note_ids: Sequence[str] = (),
    ) -> list[_T] | None:
        """What the whole table, or each namespace that is asked about, answers.

        Returns:
            None unless all are there and do answer.
        """
        if not self.answers(version):
            return None
        caches = [self._whole]
        if self._parts:
            there = namespaces and self._parts.keys() >= {*namespaces}
            if not there and not (note_ids and self.knows(version, note_ids)):
                return None
            # Notes that are there are in one of them, whatever namespaces they may be in.
            names = dict.fromkeys(namespaces) if there else tuple(self._parts)
            caches = [self._parts[name] for name in names]
            for name in names if there else ():
                self._parts.move_to_end(name)
        found = [read(cache) for cache in caches]
        answers = [answer for answer in found if answer is not None]
        return answers if len(answers) == len(found) else None
