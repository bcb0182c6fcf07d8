"""Step `revise`: a new note revises its neighbours' context, tags and keywords.

A-MEM's memory evolution (arXiv 2502.12110, section 3.3), of the neighbours that are meant and by
their ids. By rule nothing is revised; see `RuleWriter`.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from zettel.storage.notes import REVISED_BY, Link, Note, State
from zettel.storage.store import Change, NoteFilter
from zettel.tools.changes.stages import COMPARED, LINKED, REVISED, SCHEDULER
from zettel.tools.changes.unlearn import unlearn
from zettel.tools.evolve.steps.base import Batch, Step, Task, revision, told_since
from zettel.tools.evolve.steps.link import ALIKE, NEAREST, PASSAGES
from zettel.tools.evolve.writing.writer import Description, with_draft

NEIGHBOURS = 5
"""Neighbours a note may revise: A-MEM's k."""
REVISIONS = 16
"""Notes that may have revised one: a note that everything touches becomes no clearer by one more,
and its row must not grow without end."""
AT_ONCE = 8
"""Notes a batch when each is a question to an LLM, so that a run's time can be held."""

UNREVISED = NoteFilter(stage_below=REVISED, stage_from=COMPARED)
"""Notes whose neighbours have not been looked at in their light."""


async def _revise(task: Task, most: int) -> Batch:
    store = task.memory.store
    if not task.writer.asks:
        waiting = await store.find(task.here(UNREVISED), limit=most)
        await store.mark(waiting, stage=REVISED)
        return Batch(seen=tuple(note.note_id for note in waiting))
    waiting = await store.find(task.here(UNREVISED), limit=min(most, AT_ONCE))
    changed = 0
    for note_id in sorted(note.note_id for note in waiting):  # as they were told
        # As it stands now: another one of these may have revised it, or an agent changed it.
        for note in await store.get([note_id]):
            if note.state is State.ACTIVE and note.stage >= LINKED:
                changed += await _revise_neighbours(task, note)
                await store.mark([note], stage=REVISED)
    return Batch(seen=tuple(note.note_id for note in waiting), changed=changed)


async def _revise_neighbours(task: Task, note: Note) -> int:
    """Commit what the note makes of its neighbours; how many it has revised."""
    neighbours = await _neighbours(task, note)
    if not neighbours:
        return 0
    drafts = await task.writer.revise(note, neighbours)
    changes = [
        change
        for neighbour in neighbours
        if (change := _revised(task, note, neighbour, drafts)) is not None
    ]
    if not changes:
        return 0
    stored = (await task.memory.store.write(changes=changes)).stored
    now = await task.memory.store.get([note.note_id])
    if (
        now and now[0].state is State.FORGOTTEN
    ):  # while the answer was on its way: then it taught nobody
        await unlearn(task.memory, [note.note_id], by=SCHEDULER, now=task.now)
    return len(stored)


def _revised(
    task: Task, note: Note, neighbour: Note, drafts: Mapping[str, Description]
) -> Change | None:
    """The neighbour's next revision, with the vectors it has: they are made of content alone."""
    draft = drafts.get(neighbour.note_id)
    drafted = with_draft(neighbour, draft) if draft else neighbour
    if drafted == neighbour:
        return None
    cause = Link(
        to=note.note_id,
        relation=REVISED_BY,
        reason="revised in its light",
        made_by="llm",
        made_at=task.now,
        valid_from=note.valid_from,
    )
    others = tuple(k for k in drafted.links if (k.to, k.relation) != (cause.to, cause.relation))
    linked = replace(drafted, links=(*others, cause))
    return revision(task, linked, "revise", f"in the light of {note.note_id}")


async def _neighbours(task: Task, note: Note) -> list[Note]:
    """The notes it is linked with, weightiest link first, then those alike, most alike first."""
    store = task.memory.store
    weights = {link.to: link.weight for link in note.links if link.stood(None)}
    for other in await store.linking_to([note.note_id]):
        for link in other.links:
            if link.to == note.note_id and link.stood(None):
                weights[other.note_id] = max(weights.get(other.note_id, 0.0), link.weight)
    linked = sorted(weights, key=lambda i: (-weights[i], i))
    alike = await _alike(task, note)
    ids = dict.fromkeys((*linked, *sorted(alike, key=lambda i: (-alike[i], i))))
    told_at = await told_since(store, note)
    known = await store.get([i for i in ids if i != note.note_id])
    return [
        other
        for other in known
        if other.state is State.ACTIVE
        and other.namespace == note.namespace
        and not other.derived  # what is composed is composed anew
        and other.stage >= LINKED
        and _revisable(other, note.note_id, told_at)
    ][:NEIGHBOURS]


def _revisable(other: Note, by: str, told_at: datetime) -> bool:
    """Whether a note may still be revised: by one and the same only once, and not for ever."""
    causes = [k for k in other.links if k.relation == REVISED_BY and k.made_by == "llm"]
    done = any(link.to == by and link.made_at >= told_at for link in causes)
    return not done and len(causes) < REVISIONS


async def _alike(task: Task, note: Note) -> dict[str, float]:
    """Note id -> exact cosine of best passages, of the notes that are as alike as links demand."""
    store, where = task.memory.store, NoteFilter(namespaces=(note.namespace,))
    vectors = (await store.passages_of([note.note_id])).get(note.note_id, ())
    best = dict[str, float]()
    for vector in vectors[:PASSAGES]:
        for near in await store.nearest(vector, where, limit=NEAREST, least=ALIKE):
            other = near.outline.note_id
            best[other] = max(best.get(other, 0.0), near.score)
    return best


REVISE = Step(name="revise", waiting=UNREVISED, work=_revise)
"""By rule it only marks; with an LLM it is one question a note."""
