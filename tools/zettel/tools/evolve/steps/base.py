"""Base of every evolution step: its name, the notes that wait for it, one batch of work."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from zettel.storage.notes import Note
from zettel.storage.store import Change, NoteFilter, NoteStore
from zettel.tools.changes.stages import SCHEDULER
from zettel.tools.evolve.writing.writer import RULE, Writer
from zettel.tools.state.memory import Memory

LLM_BATCH_NOTES = 8
"""Notes in one question and one commit: an answer that is no good costs no more of them theirs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """How one batch of a step went."""

    seen: tuple[str, ...] = ()
    """Ids of the notes looked at; none means that nothing waits for this step any more."""
    changed: int = 0
    """Notes that have a new revision or got their vectors."""
    created: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One run's constants."""

    memory: Memory
    now: datetime
    run_id: str
    writer: Writer = RULE
    """Who words what the steps write."""
    holders: dict[tuple[str, str], tuple[str, ...]] = field(
        default_factory=dict[tuple[str, str], tuple[str, ...]]
    )
    """(namespace, name) -> the notes that hold it, as this run has found them."""

    def here(self, where: NoteFilter) -> NoteFilter:
        """Without the namespaces whose notes are to stay as they were told."""
        return replace(where, namespaces_not=self.memory.evolve_off)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of a run."""

    name: str
    waiting: NoteFilter
    """The notes it has not seen yet."""
    work: Callable[[Task, int], Awaitable[Batch]]
    """Work off at most so many of them, in one commit."""
    everywhere: bool = False
    """Also in namespaces that do not evolve: what makes notes found, and changes none."""

    def waiting_in(self, memory: Memory) -> NoteFilter:
        """The notes of a memory it has not seen yet and is to see."""
        if self.everywhere:
            return self.waiting
        return replace(self.waiting, namespaces_not=memory.evolve_off)


def revision(task: Task, note: Note, step: str, reason: str) -> Change:
    """The change that brings a note to what `note` says, made by a step."""
    return Change(
        note=replace(
            note,
            rev=note.rev + 1,
            known_from=task.now,
            changed_by=SCHEDULER,
            change=step,
            reason=reason,
            run_id=task.run_id,
        )
    )


async def settle(
    task: Task, before: Sequence[Note], after: Sequence[Note], step: str, reason: str
) -> int:
    """Commit what a step made of its notes: revisions where something changed, a mark elsewhere.

    Notes that somebody else changed meanwhile are left for the next run.

    Returns:
        How many notes have a new revision.
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
    """When the words were told that stand; revisions that leave them alone do not count."""
    since = note.known_from
    for earlier in reversed(await store.revisions(note.note_id)):
        if earlier.content != note.content:
            break
        since = earlier.known_from
    return since
