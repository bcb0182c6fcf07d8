"""The store in memory: for tests that need no LanceDB, and the plainest reading of the protocol."""

# ruff: noqa: D102 - each method is documented in the contract

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from math import log

import numpy as np
from numpy.typing import NDArray
from tests.storage.in_memory.erasure import DictErasing

from zettel.storage.erasure.ledger import admit
from zettel.storage.lance.search import count_pieces, query_pieces
from zettel.storage.notes import (
    SUPERSEDES,
    Facets,
    Hit,
    Near,
    Note,
    Outline,
    Run,
    Usage,
    fold,
    order_key,
    outline_of,
)
from zettel.storage.revisions import (
    check_vectors,
    check_write,
    first_revision,
    next_revision,
    next_vectors,
    without_links,
)
from zettel.storage.search_text import compose_text
from zettel.storage.store import (
    Change,
    NamespaceSize,
    NewNote,
    NoteFilter,
    Recalled,
    Store,
    StoreStats,
    Vectors,
    Written,
    before,
    in_state,
    known,
    links_to,
    matches,
    sample_ids,
    text_bytes,
    within,
)


class DictStore(DictErasing, Store):
    """Notes in dictionaries. Each method does what the `Store` method of its name promises.

    Nothing awaits inside a method, so each is atomic among the tasks of its event loop.

    Args:
        model_id: Model of vectors that do not name theirs.
    """

    def __init__(self, *, model_id: str = "unnamed") -> None:
        super().__init__()
        self._model_id = model_id
        self._runs: list[Run] = []
        self._meta: dict[str, str] = {}
        self._commits = 0
        self._floor = 0
        """The last version that may have changed any namespace."""
        self._changed = dict[str, int]()
        self._counts = dict[str, tuple[Note, Counter[str]]]()
        """Words of each row that was searched: to compose its text is most of a search."""

    @property
    def place(self) -> str:
        """Always `memory`."""
        return "memory"

    async def write(
        self, *, new: Sequence[NewNote] = (), changes: Sequence[Change] = ()
    ) -> Written:
        check_write(new, changes, dim=None)
        admitted = admit(self.ledger, new, changes)
        stored: list[Note] = []
        lost = list(admitted.refused)
        for item in admitted.new:
            stored.append(first_revision(item, model_id=self._model_id))
            self._put(stored[-1], item.vectors)
        for change in admitted.changes:
            old = self._now(change.note.note_id)
            if old is None or old.rev != change.note.rev - 1:
                lost.append(change.note.note_id)
                continue
            closed, following = next_revision(old, change, model_id=self._model_id)
            vectors = self._vectors.get(old.row_id)
            self._rows[closed.row_id] = closed
            self._put(following, next_vectors(vectors, change))
            stored.append(following)
        self._committed(bool(stored), stored)
        return Written(stored=tuple(stored), lost=tuple(lost))

    async def get(self, note_ids: Sequence[str]) -> list[Note]:
        return [note for note_id in note_ids if (note := self._now(note_id)) is not None]

    async def find(self, where: NoteFilter, *, limit: int, offset: int = 0) -> list[Note]:
        found = sorted(self._matching(where), key=order_key, reverse=True)
        return found[offset : offset + max(0, limit)]

    async def count(self, where: NoteFilter) -> int:
        return len(self._matching(where))

    async def match_text(
        self, query: str, where: NoteFilter, *, limit: int, counted: Sequence[str] = ()
    ) -> list[Hit]:
        words = {
            row_id: self._words_of(note)
            for row_id, note in self._rows.items()
            if not counted or note.namespace in counted
        }
        scores, here = bm25(query, words), list(self._matching(where))
        if not any(note.row_id in scores for note in here):
            scores = verbatim(query, here)
        return _best((Hit(n.note_id, scores[n.row_id]) for n in here if n.row_id in scores), limit)

    def _words_of(self, note: Note) -> Counter[str]:
        """How often a row, which is always another object once it is changed, has each word."""
        known = self._counts.get(note.row_id)
        if known is None or known[0] is not note:
            known = (note, Counter(_words(compose_text(note))))
            self._counts[note.row_id] = known
        return known[1]

    async def match_vectors(
        self, vector: NDArray[np.float32], where: NoteFilter, *, limit: int
    ) -> list[Hit]:
        check_vectors(vector[np.newaxis], dim=None)
        embedded = [note for note in self._matching(where) if note.row_id in self._vectors]
        return _best(
            (Hit(n.note_id, float(np.max(self._vectors[n.row_id] @ vector))) for n in embedded),
            limit,
        )

    async def nearest(
        self, vector: NDArray[np.float32], where: NoteFilter, *, limit: int, least: float = -1.0
    ) -> list[Near]:
        hits = await self.match_vectors(vector, where, limit=limit)
        notes = {note.note_id: note for note in self._matching(where)}
        near = (hit for hit in hits if hit.score >= least)
        return [Near(outline_of(notes[hit.note_id]), hit.score) for hit in near]

    async def outlines(self, where: NoteFilter, *, limit: int) -> list[Outline]:
        found = sorted(self._matching(where), key=order_key)
        return [outline_of(note) for note in found[: max(0, limit)]]

    async def sample(self, where: NoteFilter, *, size: int) -> list[Outline]:
        by_id = {note.note_id: outline_of(note) for note in self._matching(where)}
        return [by_id[note_id] for note_id in sample_ids(by_id, size)]

    async def rows_true_at(self, where: NoteFilter) -> tuple[str, ...]:
        revisions = defaultdict[str, list[Note]](list)
        for note in self._rows.values():
            revisions[note.note_id].append(note)
        found = (past_row(of_note, where) for of_note in revisions.values())
        return tuple(sorted(row_id for row_id in found if row_id is not None))

    async def linking_to(
        self,
        note_ids: Sequence[str],
        *,
        known_at: datetime | None = None,
        relations: Collection[str] = (),
    ) -> list[Note]:
        wanted = set(note_ids)
        then = (note for note in self._rows.values() if known(note, known_at))
        found = [note for note in then if links_to(note, wanted, relations)]
        return sorted(found, key=order_key)

    async def superseding(self) -> list[Note]:
        return [
            note
            for note in self._rows.values()
            if note.current and any(k.relation == SUPERSEDES and k.stood(None) for k in note.links)
        ]

    async def facets(self, where: NoteFilter) -> Facets:
        found = self._matching(where)
        return Facets(
            subjects=Counter(note.subject for note in found if note.subject),
            tags=Counter(tag for note in found for tag in note.tags),
            namespaces=Counter(note.namespace for note in found),
        )

    async def revisions(self, note_id: str) -> list[Note]:
        return sorted(
            (note for note in self._rows.values() if note.note_id == note_id), key=lambda n: n.rev
        )

    async def revisions_of_run(self, run_id: str) -> list[Note]:
        made = (note for note in self._rows.values() if run_id and note.run_id == run_id)
        return sorted(made, key=lambda note: (note.note_id, note.rev))

    async def passages_at(self, row_ids: Sequence[str]) -> dict[str, Vectors]:
        return {row: self._vectors[row] for row in row_ids if row in self._vectors}

    async def latest(self, namespaces: Sequence[str] = ()) -> datetime | None:
        rows = self._rows.values()
        told = (n.known_from for n in rows if not namespaces or n.namespace in namespaces)
        return max(told, default=None)

    async def passages_of(self, note_ids: Sequence[str]) -> dict[str, Vectors]:
        rows = {note_id: self._current.get(note_id, "") for note_id in note_ids}
        return {
            note_id: self._vectors[row] for note_id, row in rows.items() if row in self._vectors
        }

    async def version(self, namespaces: Sequence[str] = ()) -> int:
        if not namespaces:
            return self._version
        return max(self._floor, *(self._changed.get(name, 0) for name in namespaces))

    async def embed(self, vectors: Sequence[tuple[Note, Vectors]], *, model: str) -> None:
        for _, array in vectors:
            check_vectors(array, dim=None)
        for note, array in vectors:
            row = self._rows.get(note.row_id)
            if row is not None and row.content == note.content and not row.embed_model:
                self._rows[row.row_id] = replace(row, embed_model=model)
                self._vectors[row.row_id] = array
        self._committed(notes=[note for note, _ in vectors])

    async def mark(self, notes: Sequence[Note], *, stage: int) -> None:
        for note in notes:
            row = self._rows.get(note.row_id)
            if row is not None and row.current and row.stage < stage:
                self._rows[row.row_id] = replace(row, stage=stage)
        self._committed(notes=notes)

    async def usage_of(self, note_ids: Sequence[str]) -> dict[str, Usage]:
        return {note_id: self._usage[note_id] for note_id in note_ids if note_id in self._usage}

    async def reinforce(self, recalled: Sequence[Recalled]) -> None:
        gone = self.ledger.erased(more.note_id for more in recalled)
        for more in (more for more in recalled if more.note_id not in gone):
            self._usage[more.note_id] = _reinforced(self._usage.get(more.note_id), more)

    async def add_run(self, run: Run) -> None:
        self._runs = [other for other in self._runs if other.run_id != run.run_id] + [run]

    async def runs(self, *, limit: int) -> list[Run]:
        newest = sorted(self._runs, key=lambda run: (run.started_at, run.run_id), reverse=True)
        return newest[: max(0, limit)]

    async def get_meta(self, key: str) -> str | None:
        return self._meta.get(key)

    async def swap_meta(self, key: str, *, expected: str | None, value: str | None) -> bool:
        if self._meta.get(key) != expected:
            return False
        if value is None:
            self._meta.pop(key, None)
        else:
            self._meta[key] = value
        return True

    async def meta_keys(self, sort: str) -> list[str]:
        return sorted(key for key in self._meta if key.partition("@")[0] == sort)

    async def heal(self, *, now: datetime) -> Mapping[str, int]:
        """Take out links to notes that are not there; nothing else can be wrong here."""
        changes = [
            change
            for row_id in self._current.values()
            if (change := without_links(self._rows[row_id], self._current.keys(), now)) is not None
        ]
        removed = sum(
            len(self._rows[self._current[c.note.note_id]].links) - len(c.note.links)
            for c in changes
        )
        await self.write(changes=changes)
        return {"dangling_links": removed} if removed else {}

    async def read_ahead(self) -> None:
        pass

    async def upkeep(self) -> bool:
        """Nothing to compact."""
        self._commits = 0
        return True

    async def size_of(self, namespace: str) -> NamespaceSize:
        rows = [note for note in self._rows.values() if note.namespace == namespace]
        told = sum(note.current and not note.derived for note in rows)
        return NamespaceSize(notes=told, text_bytes=sum(map(text_bytes, rows)))

    async def stats(self) -> StoreStats:
        return StoreStats(
            notes=len(self._current),
            revisions=len(self._rows),
            disk_bytes=0,
            commits_since_upkeep=self._commits,
        )

    async def close(self) -> None:
        """Nothing to let go of."""

    def _put(self, note: Note, vectors: Vectors | None) -> None:
        self._rows[note.row_id] = note
        self._current[note.note_id] = note.row_id
        if vectors is not None:
            self._vectors[note.row_id] = vectors

    def _committed(self, times: int = 1, notes: Iterable[Note] | None = None) -> None:
        self._commits += times
        self._version += times
        if notes is None:
            self._floor = self._version
        else:
            self._changed |= dict.fromkeys((note.namespace for note in notes), self._version)

    def _now(self, note_id: str) -> Note | None:
        return self._rows.get(self._current.get(note_id, ""))

    def _matching(self, where: NoteFilter) -> list[Note]:
        return [note for note in self._rows.values() if matches(note, where)]


def verbatim(query: str, notes: Iterable[Note]) -> dict[str, float]:
    """Row id -> how many parts of the query a note holds to the letter, where it holds any."""
    parts = query_pieces(query)
    counts = {note.row_id: count_pieces(compose_text(note), parts) for note in notes}
    return {row_id: count for row_id, count in counts.items() if count}


def _best(hits: Iterable[Hit], limit: int) -> list[Hit]:
    return sorted(hits, key=lambda hit: (-hit.score, hit.note_id))[: max(0, limit)]


K1 = 1.2


B = 0.75
"""BM25's saturation and length weight as LanceDB sets them (Robertson and Zaragoza, 2009)."""


_WORD = re.compile(r"\w+")


def past_row(revisions: Iterable[Note], where: NoteFilter) -> str | None:
    """The row that `Store.rows_true_at` means of one note, if any.

    Args:
        revisions: All revisions of the note, in any order.
        where: The question, with its `valid_at`.
    """
    rows = list(revisions)
    base = next((note for note in rows if known(note, where.known_at)), None)
    instant = where.valid_at
    if base is None or instant is None or not in_state(base, where):
        return None
    if base.valid_from <= instant or not before(instant, base.valid_until):
        return None
    if not within(base, where) or (where.note_ids and base.note_id not in where.note_ids):
        return None
    told = [
        note
        for note in rows
        if note.rev < base.rev
        and note.ended_at is not None
        and not note.corrected
        and note.valid_from <= instant
    ]
    last = max(told, key=lambda note: note.rev, default=None)
    return last.row_id if last is not None and before(instant, last.valid_until) else None


def bm25(query: str, words: Mapping[str, Counter[str]]) -> dict[str, float]:
    """Score notes by the words they share with a query, unstemmed, without stop words.

    Args:
        query: Any text.
        words: Those of the notes to score, by any key; word frequencies are theirs.

    Returns:
        The keys of notes that share a word, with a score above 0.
    """
    average = sum(counts.total() for counts in words.values()) / max(1, len(words))
    scores: dict[str, float] = {}
    for word in _words(query):
        holders = {key: counts for key, counts in words.items() if word in counts}
        rarity = log(1 + (len(words) - len(holders) + 0.5) / (len(holders) + 0.5))
        for key, counts in holders.items():
            length = 1 - B + B * counts.total() / average
            gain = counts[word] * (K1 + 1) / (counts[word] + K1 * length)
            scores[key] = scores.get(key, 0.0) + rarity * gain
    return scores


def _words(text: str) -> Sequence[str]:
    return _WORD.findall(fold(text))


def _reinforced(known: Usage | None, more: Recalled) -> Usage:
    """The usage of a note after further recalls."""
    if known is None:
        return Usage(
            note_id=more.note_id,
            strength=more.initial + more.gain,
            recalled_at=more.at,
            recall_count=more.recalls,
        )
    return Usage(
        note_id=more.note_id,
        strength=known.strength + more.gain,
        recalled_at=max(known.recalled_at, more.at),
        recall_count=known.recall_count + more.recalls,
    )
