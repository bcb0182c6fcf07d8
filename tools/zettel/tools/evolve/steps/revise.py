"""Step `revise`, with an LLM only: a new note and its nearest ones, read together.

One question a note (A-MEM's second prompt, arXiv 2502.12110, sections 3.2 and 3.3): which of the
notes shown it is to be linked with and how, and which of them read differently in its light.
Neighbours are those that rules linked and the nearest by vector, whatever rules made of them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from zettel.storage.ids import told_at
from zettel.storage.notes import (
    CONTRADICTS,
    OPEN_RELATIONS,
    REVISED_BY,
    SUPERSEDES,
    Link,
    Note,
    State,
)
from zettel.storage.store import NoteFilter, Vectors
from zettel.storage.text.passages import whole_passages
from zettel.tools.changes.links import kin
from zettel.tools.changes.stages import COMPARED, LINKED, REVISED
from zettel.tools.changes.telling_order import telling_key
from zettel.tools.evolve.steps.base import Step, Task, content_since
from zettel.tools.evolve.steps.compare import may_judge, pass_verdicts
from zettel.tools.evolve.steps.link import LINK_MAX_PASSAGES, alike_notes
from zettel.tools.evolve.writing.writer import (
    Description,
    PairVerdict,
    ProposedLink,
    with_draft,
)
from zettel.tools.note_marks import is_suspect

REVISE_MAX_NEIGHBOURS = 5
"""Neighbours a note may revise: A-MEM's k."""
NOTE_MAX_REVISERS = 16
"""Notes that may have revised one, so that its row stays bounded."""
NEAREST_MAX_NOTES = 5
"""Nearest notes shown besides, of which rules may have found none: A-MEM's k."""
NEAREST_READ_NOTES = 24
"""Nearest notes read per passage: as many as `compare` reads."""
NEAREST_MIN_COSINE = 0.25
"""Least cosine of best passages of a note that is shown; what is farther shares no thing with it.
Set by hand, below the 0.40 of `conflicts.CHANGE_MIN_COSINE`, from which on rules look for changes:
it saves the question about a note that stands alone."""
PROPOSED_MAX_LINKS = 3
"""Links that one answer may add, as of each sort of rule links."""
PROPOSED_WEIGHT = 0.9
"""Weight of an LLM's link, between a stated relation's 1 and a likeness; it orders links alone."""

UNREVISED = NoteFilter(stage_below=REVISED, stage_from=COMPARED)
"""Notes whose neighbours have not been read in their light."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Neighbours:
    """The notes that are shown with a new one."""

    shown: list[Note]
    related: frozenset[str]
    """Ids of those that are linked with it or much like it."""
    since: datetime
    """When the new note's content was told."""


async def _revise(task: Task, waiting: Sequence[Note]) -> None:
    for note_id in (note.note_id for note in waiting):
        # Read again: another of these notes may have revised or superseded it.
        [note] = await task.batch.get([note_id])
        if task.writer.asks and note.state is State.ACTIVE and not is_suspect(note):
            await _read_neighbours(task, note)
            [note] = await task.batch.get([note_id])
        done = replace(note, stage=max(note.stage, REVISED))
        task.batch.put(note, done, REVISE_STEP.name, "")


async def _read_neighbours(task: Task, note: Note) -> None:
    near = await _neighbours(task, note)
    shown = await task.batch.active(near.shown)
    if not shown or not await task.batch.active([note]):
        return
    said = await task.writer.revise(note, shown)
    verdicts = await _allowed(task, note, shown, said.verdicts)
    links = _proposed(task, note, [n for n in shown if n.note_id not in verdicts], said.links, near)
    joined = near.related | {link.to for link in links}
    for other in shown:
        # What is not joined with the note is no neighbour, however near it lies.
        draft = said.drafts.get(other.note_id) if other.note_id in joined else None
        if draft is not None and len(_revisers(other)) < NOTE_MAX_REVISERS:
            revised = _revised(task, note, other, draft)
            task.batch.put(other, revised, REVISE_STEP.name, f"in the light of {note.note_id}")
    linked = replace(note, links=(*note.links, *links))
    if links:
        named = ", ".join(f"{link.relation} {link.to}" for link in links)
        task.batch.put(note, linked, REVISE_STEP.name, f"linked by the LLM: {named}")
    if verdicts:
        await pass_verdicts(task, linked, verdicts, weight=PROPOSED_WEIGHT)


def _proposed(
    task: Task,
    note: Note,
    shown: Sequence[Note],
    proposed: Mapping[str, ProposedLink],
    near: _Neighbours,
) -> list[Link]:
    """The links that may be made of an answer: to earlier notes without any link to this one."""
    return [
        Link(
            to=other.note_id,
            relation=proposed[other.note_id].relation,
            weight=PROPOSED_WEIGHT,
            reason=proposed[other.note_id].reason,
            made_by="llm",
            made_at=task.now,
            valid_from=note.valid_from,
        )
        for other in shown
        if other.note_id in proposed
        and _was_told_before(other, note, near.since)
        and not _links_between(note, other)
    ][:PROPOSED_MAX_LINKS]


async def _allowed(
    task: Task, note: Note, shown: Sequence[Note], verdicts: Mapping[str, PairVerdict]
) -> dict[str, PairVerdict]:
    """The verdicts that may be passed: on earlier notes that nobody has compared with this one."""
    related = await kin(task.batch, note) if verdicts else frozenset[str]()
    return {
        other.note_id: verdicts[other.note_id]
        for other in shown
        if other.note_id in verdicts
        and other.note_id not in related
        and telling_key(other) < telling_key(note)
        and (other.valid_until is None or other.valid_until > task.now)
        and may_judge(task, note, other)
        and not any(link.relation in _COMPARING for link in _links_between(note, other))
    }


_COMPARING = (*OPEN_RELATIONS, SUPERSEDES, CONTRADICTS)
"""Relations of pairs that `compare` or an agent has looked at."""


def _links_between(note: Note, other: Note) -> list[Link]:
    """The links from one to the other, either way; ended ones, too: somebody took them out."""
    both = ((note, other.note_id), (other, note.note_id))
    return [k for one, to in both for k in one.links if k.to == to and k.relation != REVISED_BY]


def _was_told_before(other: Note, note: Note, since: datetime) -> bool:
    return other.note_id < note.note_id or told_at(other.note_id) < since


def _revised(task: Task, note: Note, neighbour: Note, draft: Description) -> Note:
    """The neighbour with a draft of it; its vectors stay, being made of content alone."""
    drafted = with_draft(neighbour, draft)
    if drafted == neighbour:
        return neighbour
    cause = Link(
        to=note.note_id,
        relation=REVISED_BY,
        reason="revised in its light",
        made_by="llm",
        made_at=task.now,
        valid_from=note.valid_from,
    )
    others = tuple(k for k in drafted.links if (k.to, k.relation) != (cause.to, cause.relation))
    return replace(drafted, links=(*others, cause))


async def _neighbours(task: Task, note: Note) -> _Neighbours:
    """Linked notes, weightiest link first, much alike ones, and the nearest."""
    store = task.batch
    weights = {link.to: link.weight for link in note.links if link.stood(None)}
    for other in await store.linking_to([note.note_id]):
        for link in other.links:
            if link.to == note.note_id and link.stood(None):
                weights[other.note_id] = max(weights.get(other.note_id, 0.0), link.weight)
    linked = sorted(weights, key=lambda i: (-weights[i], i))
    stored = await store.passages_of([note.note_id])
    vectors = whole_passages(note.content, stored.get(note.note_id))
    alike = await alike_notes(task, note, vectors)
    related = dict.fromkeys((*linked, *sorted(alike, key=lambda i: (-alike[i], i))))
    nearest = await _nearest(task, note, vectors)
    since = await content_since(store, note)
    ids = dict.fromkeys((*related, *nearest))
    found = await store.get([i for i in ids if i != note.note_id])
    known = {n.note_id: n for n in found if _may_be_shown(task, note, n, since)}
    open_to = [i for i in related if i in known and len(_revisers(known[i])) < NOTE_MAX_REVISERS]
    near = [i for i in nearest if i in known and _was_told_before(known[i], note, since)]
    shown = dict.fromkeys((*open_to[:REVISE_MAX_NEIGHBOURS], *near[:NEAREST_MAX_NOTES]))
    return _Neighbours(shown=[known[i] for i in shown], related=frozenset(related), since=since)


async def _nearest(task: Task, note: Note, vectors: Vectors) -> list[str]:
    """Ids of the nearest notes of the namespace, nearest first."""
    best, where = dict[str, float](), NoteFilter(namespaces=(note.namespace,))
    for vector in vectors[:LINK_MAX_PASSAGES]:
        for near in await task.batch.nearest(
            vector, where, limit=NEAREST_READ_NOTES, least=NEAREST_MIN_COSINE
        ):
            other = near.outline.note_id
            best[other] = max(best.get(other, 0.0), near.score)
    return sorted(best, key=lambda i: (-best[i], i))


def _may_be_shown(task: Task, note: Note, other: Note, since: datetime) -> bool:
    return (
        other.state is State.ACTIVE
        and other.namespace == note.namespace
        and not other.derived  # `consolidate` composes it anew
        and other.stage >= LINKED
        and task.memory.trust.are_peers(note, other)
        and not any(k.to == note.note_id and k.made_at >= since for k in _revisers(other))
        and not is_suspect(other)
    )


def _revisers(other: Note) -> list[Link]:
    """The links that name the notes by which an LLM has revised this one."""
    return [k for k in other.links if k.relation == REVISED_BY and k.made_by == "llm"]


REVISE_STEP = Step(name="revise", waiting=UNREVISED, work=_revise)
"""By rule it only marks; with an LLM it is one question per note."""
