"""Base of every evolution step: its type, and the batch of notes that all steps share."""

from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from zettel.storage.notes import (
    SCHEDULER,
    STEP_SEPARATOR,
    Hit,
    Near,
    Note,
    Outline,
    State,
    order_key,
    outline_of,
)
from zettel.storage.store import (
    Change,
    NewNote,
    NoteFilter,
    NoteReader,
    NoteStore,
    Vectors,
    matches,
)
from zettel.tools.changes.stages import CONSOLIDATED, next_note
from zettel.tools.evolve.writing.writer import RULE, Writer
from zettel.tools.state.memory import Memory

LLM_BATCH_NOTES = 8
"""Notes in one question and one commit; an unusable answer costs no more than these."""
_AND = "; "
"""Between the reasons of one revision."""


class Batch(NoteReader):
    """Some notes as the steps leave them, to be committed at once, and all others of the store.

    Reads see the changes, except for searches by words and vectors: no step changes the content of
    a note that is searched for.

    With `anew`, every step reads the notes as if they were new.
    """

    def __init__(self, store: NoteStore, notes: Iterable[Note] = (), *, anew: bool = False) -> None:
        self._store = store
        self._read = {note.note_id: note for note in notes}
        self._now = {i: replace(n, stage=0) if anew else n for i, n in self._read.items()}
        self._reasons = dict[str, dict[str, str]]()
        """Note id -> step that changed it -> why."""
        self._sources = dict[str, Sequence[Note]]()
        self._vectors = dict[str, Vectors]()
        """Both of composed notes, by id."""

    def waiting(self, where: NoteFilter) -> list[Note]:
        """The notes of the batch that pass a filter, in the order in which they were told."""
        return sorted(self._matching(where), key=lambda note: note.note_id)

    def put(self, before: Note, after: Note, step: str, reason: str) -> None:
        """Leaves a note as `after`, which is a revision unless only its stage differs.

        `before` is the note as it was read here; the bookkeeping of `after` does not count.
        """
        note_id = before.note_id
        if note_id not in self._now:
            self._read[note_id] = before
        after = _booked_as(before, after)
        if after != replace(before, stage=after.stage):
            reasons = self._reasons.setdefault(note_id, {})
            reasons[step] = f"{reasons[step]}{_AND}{reason}" if step in reasons else reason
            after = replace(after, change=step)
        self._now[note_id] = after

    def compose(self, note: Note, sources: Sequence[Note], vectors: Vectors | None) -> None:
        """Adds a composed note, or says what one that was `put` is made of.

        It is not committed if others have changed a source by then.

        `vectors` are of its content; None if that has not changed.
        """
        self._now.setdefault(note.note_id, note)
        self._sources[note.note_id] = sources
        if vectors is not None:
            self._vectors[note.note_id] = vectors

    async def commit(self, *, now: datetime, run_id: str) -> "Committed":
        """Writes what has changed; what others have changed meanwhile waits for the next run."""
        late = await self._late()
        new = [
            NewNote(note=note, vectors=self._vectors[note_id])
            for note_id, note in self._now.items()
            if note_id not in {*self._read, *late}
        ]
        changes, unchanged = list[Change](), dict[int, list[Note]]()
        for note_id, read in self._read.items():
            note = self._now[note_id]
            if late and not note.derived:
                note = replace(note, stage=min(note.stage, CONSOLIDATED - 1))
            if _booked_as(read, note) != replace(read, stage=note.stage):
                changes += [] if note_id in late else [self._revision(note, now, run_id)]
            elif note.stage > read.stage:
                unchanged.setdefault(note.stage, []).append(read)
        stored = (
            (await self._store.write(new=new, changes=changes)).stored if new or changes else ()
        )
        for stage, notes in unchanged.items():
            await self._store.mark(notes, stage=stage)
        revised = [note.note_id for note in stored if note.note_id in self._read]
        return Committed(
            steps=Counter(step for note_id in revised for step in self._reasons[note_id]),
            changed=len(revised),
            created=len(stored) - len(revised),
        )

    def _revision(self, note: Note, now: datetime, run_id: str) -> Change:
        reasons = self._reasons[note.note_id]
        change, reason = STEP_SEPARATOR.join(reasons), _AND.join(reasons.values())
        following = next_note(
            note, by=SCHEDULER, now=now, change=change, reason=reason, run_id=run_id
        )
        return Change(note=following, vectors=self._vectors.get(note.note_id))

    async def _late(self) -> set[str]:
        """Composed notes that others have changed, or a source of them, since they were read."""
        late = set[str]()
        if not self._sources:
            return late
        ids = {note.note_id for sources in self._sources.values() for note in sources}
        stored = await self._store.get(sorted(ids | self._sources.keys()))
        current = {note.note_id: note for note in stored}
        for note_id, sources in self._sources.items():  # gists before the summary of them
            own, read = current.get(note_id), self._read.get(note_id)
            stands = (own and own.rev) == (read and read.rev)
            if not stands or not all(self._stands(note, current, late) for note in sources):
                late.add(note_id)
        return late

    def _stands(self, source: Note, stored: Mapping[str, Note], late: set[str]) -> bool:
        if source.note_id in self._sources:
            return source.note_id not in late
        read, now = self._read.get(source.note_id, source), stored.get(source.note_id)
        said = (read.state, read.trust, read.content)
        return now is not None and (now.state, now.trust, now.content) == said

    async def active(self, notes: Sequence[Note]) -> list[Note]:
        """Those of the notes that nobody has forgotten since: an LLM is shown no others."""
        stored = await self._store.get([note.note_id for note in notes])
        active = {note.note_id for note in stored if note.state is State.ACTIVE}
        return [n for n in notes if n.note_id in active or n.note_id in self._sources]

    @property
    def changed(self) -> list[tuple[Note, Note]]:
        """The notes that steps have changed: as they were read, and as they are now."""
        pairs = ((read, self._now[note_id]) for note_id, read in self._read.items())
        return [(read, now) for read, now in pairs if now is not read]

    def _matching(self, where: NoteFilter) -> list[Note]:
        named = (self._now.get(note_id) for note_id in where.note_ids or self._now)
        return [note for note in named if note is not None and matches(note, where)]

    # Each of these is documented in the contract.

    async def get(self, note_ids: Sequence[str]) -> list[Note]:  # noqa: D102
        others = await self._store.get([i for i in note_ids if i not in self._now])
        found = {note.note_id: note for note in others} | self._now
        return [found[note_id] for note_id in note_ids if note_id in found]

    async def find(self, where: NoteFilter, *, limit: int) -> list[Note]:  # noqa: D102
        others = await self._store.find(where, limit=limit + len(self._now))
        found = [note for note in others if note.note_id not in self._now]
        return sorted((*found, *self._matching(where)), key=order_key, reverse=True)[:limit]

    async def outlines(self, where: NoteFilter, *, limit: int) -> list[Outline]:  # noqa: D102
        others = await self._store.outlines(where, limit=limit + len(self._now))
        found = [outline for outline in others if outline.note_id not in self._now]
        return sorted((*found, *map(outline_of, self._matching(where))), key=order_key)[:limit]

    async def match_text(  # noqa: D102
        self, query: str, where: NoteFilter, *, limit: int, counted: Sequence[str] = ()
    ) -> list[Hit]:
        return await self._store.match_text(query, where, limit=limit, counted=counted)

    async def nearest(  # noqa: D102
        self, vector: NDArray[np.float32], where: NoteFilter, *, limit: int, least: float = -1.0
    ) -> list[Near]:
        found = await self._store.nearest(vector, where, limit=limit, least=least)
        here = ((near, self._now.get(near.outline.note_id)) for near in found)
        return [near for near, note in here if note is None or matches(note, where)]

    async def linking_to(self, note_ids: Sequence[str]) -> list[Note]:  # noqa: D102
        others = await self._store.linking_to(note_ids)
        found, wanted = {note.note_id: note for note in others} | self._now, set(note_ids)
        linking = (n for n in found.values() if not wanted.isdisjoint(k.to for k in n.links))
        return sorted(linking, key=order_key)

    async def revisions(self, note_id: str) -> list[Note]:  # noqa: D102
        return await self._store.revisions(note_id)

    async def passages_of(self, note_ids: Sequence[str]) -> dict[str, Vectors]:  # noqa: D102
        found = await self._store.passages_of(note_ids)
        return found | {i: self._vectors[i] for i in note_ids if i in self._vectors}


def _booked_as(read: Note, note: Note) -> Note:
    """The note with the bookkeeping of a revision."""
    return replace(
        note,
        rev=read.rev,
        known_from=read.known_from,
        changed_by=read.changed_by,
        change=read.change,
        reason=read.reason,
        run_id=read.run_id,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Committed:
    """Result of a batch's commit."""

    steps: Counter[str]
    """Step -> notes it changed."""
    changed: int
    """New revisions."""
    created: int
    """New notes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One batch, with the constants of its run."""

    memory: Memory
    now: datetime
    run_id: str
    writer: Writer = RULE
    """Words the texts that steps write."""
    batch: Batch
    holders: dict[tuple[str, str], tuple[Outline, ...]] = field(
        default_factory=dict[tuple[str, str], tuple[Outline, ...]]
    )
    """(namespace, name) -> notes with that name, cached."""
    things: dict[tuple[str, str], tuple[Outline, ...] | None] = field(
        default_factory=dict[tuple[str, str], tuple[Outline, ...] | None]
    )
    """(namespace, keyword) -> notes with it, None if these are many, cached."""
    users: dict[str, frozenset[str]] = field(default_factory=dict[str, frozenset[str]])
    """Namespace -> names of the user, cached."""
    talks: dict[str, bool] = field(default_factory=dict[str, bool])
    """Namespace -> whether people talk there, cached."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step: a function of one batch, which changes nothing else."""

    name: str
    waiting: NoteFilter
    """Notes it has not seen yet."""
    work: Callable[[Task, Sequence[Note]], Awaitable[None]]
    """Puts into the batch what becomes of these notes of it, at least one."""


async def is_talk(task: Task, namespace: str) -> bool:
    """Whether people talk with each other in a namespace."""
    if namespace not in task.talks:
        where, memory = NoteFilter(namespaces=(namespace,)), task.memory
        corpus = await memory.corpora.read(memory.store, where, task.now)
        task.talks[namespace] = corpus.conversation
    return task.talks[namespace]


async def content_since(store: NoteReader, note: Note) -> datetime:
    """Start of the current content, as transaction time."""
    since = note.known_from
    for earlier in reversed(await store.revisions(note.note_id)):
        if earlier.content != note.content:
            break
        since = earlier.known_from
    return since
