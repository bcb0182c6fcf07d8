"""Step `fade`: archives notes that have not been recalled in a long time.

Off by default: it costs recall (benchmarks/RESULTS.md, "Archiving what fades").
`forget(undo=true)` or undoing the run restores the notes; a restored or changed note starts anew.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from math import log

from zettel.storage.ids import told_at
from zettel.storage.notes import Kind, Note, State, Usage
from zettel.storage.store import NoteFilter
from zettel.tools.changes.stages import SCHEDULER
from zettel.tools.evolve.steps.base import Task, revision
from zettel.tools.state.usage import LAYER_DAYS, lasting_days, strength_left

FADE = "fade"
FADE_BATCH_NOTES = 256
"""Notes read and archived at most per commit."""
_FADING = tuple(kind for kind in Kind if kind is not Kind.CORE)


async def fade(task: Task, below: float) -> int:
    """Archives notes with less strength left than `below`, in `(0, 1)` (`usage.strength_left`).

    Returns:
        Number of archived notes.
    """
    store, archived, after = task.memory.store, 0, None
    # Lower bound: half the shortest layer's days, without importance.
    soonest = timedelta(days=-log(below) * min(LAYER_DAYS.values()) / 2)
    where = task.here(NoteFilter(kinds=_FADING, until=task.now - soonest))
    while notes := await store.find(replace(where, after=after), limit=FADE_BATCH_NOTES):
        after = notes[-1]
        usage = await store.usage_of([note.note_id for note in notes])
        changes = [
            revision(
                task,
                replace(note, state=State.ARCHIVED),
                FADE,
                f"{held:.3f} of it is held, less than {below:g}",
            )
            for note in notes
            if (held := _held(note, usage.get(note.note_id), task.now)) < below
        ]
        if changes:
            archived += len((await store.write(changes=changes)).stored)
    return archived


def _held(note: Note, known: Usage | None, now: datetime) -> float:
    since = max(known.recalled_at if known else told_at(note.note_id), told_at(note.note_id))
    if note.changed_by != SCHEDULER:
        since = max(since, note.known_from)
    return strength_left(strength_days=lasting_days(note, known), elapsed=now - since)
