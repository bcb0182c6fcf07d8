"""What every evolution step is: a name, what waits for it, and one batch of work.

To add one: write a module with such a `Step`, give it the next `stage` number if every note must
pass it, and put it into `run.STEPS`.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from zettel.storage.notes import Note, State
from zettel.storage.store import Change, NoteFilter
from zettel.tools.evolve.writer import RULE, Writer
from zettel.tools.memory import Memory

CONSTRUCTED = 1
LINKED = 2
COMPARED = 3
REVISED = 4
CONSOLIDATED = 5
"""Values of `Note.stage`: the last step that has seen a revision's words."""
SCHEDULER = "scheduler"
"""Who evolution's revisions are by."""


def stage_after(state: State) -> int:
    """The stage of a note whose state has just changed, for evolution to look at it again.

    One that has come back passes every step; of one that is away, only what leads to it is seen to.
    """
    return 0 if state is State.ACTIVE else LINKED


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
