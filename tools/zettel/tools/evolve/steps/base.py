"""Base of every evolution step: its type, one run's constants, and commits."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from zettel.storage.notes import Note, Outline
from zettel.storage.store import Change, NoteFilter, NoteStore
from zettel.tools.changes.stages import SCHEDULER, next_note
from zettel.tools.evolve.writing.writer import RULE, Writer
from zettel.tools.state.memory import Memory

LLM_BATCH_NOTES = 8
"""Notes in one question and one commit; an unusable answer costs no more than these."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Result of one batch of a step."""

    seen: tuple[str, ...] = ()
    """Ids of the notes read; empty when none is left."""
    changed: int = 0
    """Notes with a new revision or new vectors."""
    created: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One run's constants."""

    memory: Memory
    now: datetime
    run_id: str
    writer: Writer = RULE
    """Words the texts that steps write."""
    holders: dict[tuple[str, str], tuple[Outline, ...]] = field(
        default_factory=dict[tuple[str, str], tuple[Outline, ...]]
    )
    """(namespace, name) -> notes with that name, cached for the run."""
    users: dict[str, frozenset[str]] = field(default_factory=dict[str, frozenset[str]])
    """Namespace -> names of the user, cached for the run."""

    def here(self, where: NoteFilter) -> NoteFilter:
        """The filter without namespaces that do not evolve."""
        return replace(where, namespaces_not=self.memory.evolve_off)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of a run."""

    name: str
    waiting: NoteFilter
    """Notes it has not seen yet."""
    work: Callable[[Task, int], Awaitable[Batch]]
    """Processes at most this many of them, in one commit."""
    everywhere: bool = False
    """Includes namespaces that do not evolve: the step changes no note's text."""

    def waiting_in(self, memory: Memory) -> NoteFilter:
        """The memory's notes that wait for the step."""
        if self.everywhere:
            return self.waiting
        return replace(self.waiting, namespaces_not=memory.evolve_off)


def revision(task: Task, note: Note, step: str, reason: str) -> Change:
    """The change that makes `note` the next revision."""
    by, now, run_id = SCHEDULER, task.now, task.run_id
    return Change(note=next_note(note, by=by, now=now, change=step, reason=reason, run_id=run_id))


async def settle(
    task: Task, before: Sequence[Note], after: Sequence[Note], step: str, reason: str
) -> int:
    """Commits a step's result: a revision where something changed, else only the stage.

    Notes that others changed meanwhile are left for the next run.

    Returns:
        Number of new revisions.
    """
    pairs = list(zip(before, after, strict=True))
    same = [new for old, new in pairs if new == replace(old, stage=new.stage)]
    changes = [
        revision(task, new, step, reason)
        for old, new in pairs
        if new != replace(old, stage=new.stage)
    ]
    for stage in sorted({new.stage for new in same}):
        await task.memory.store.mark([new for new in same if new.stage == stage], stage=stage)
    if not changes:
        return 0
    return len((await task.memory.store.write(changes=changes)).stored)


async def content_since(store: NoteStore, note: Note) -> datetime:
    """Start of the current content, as transaction time."""
    since = note.known_from
    for earlier in reversed(await store.revisions(note.note_id)):
        if earlier.content != note.content:
            break
        since = earlier.known_from
    return since
