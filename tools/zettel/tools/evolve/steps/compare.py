"""Step `compare`: which notes may supersede or contradict one another, linked for all to see.

A rule's guess changes nobody's state and hides nothing: what to make of it is the agent's to say,
or that of the run's writer where it is sure (`rulings.py`).
The link starts from the younger note. It goes when somebody has settled the pair, and does not
come back when the agent has taken it out.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from zettel.storage.notes import (
    CONTRADICTS,
    OPEN_RELATIONS,
    SUPERSEDES,
    Link,
    Note,
    Outline,
    State,
    order_key,
)
from zettel.storage.store import NoteFilter
from zettel.tools.changes.conflicts import Conflict, tellers, tells_otherwise
from zettel.tools.changes.stages import COMPARED, LINKED
from zettel.tools.evolve.steps.base import AT_ONCE, Batch, Step, Task, settle, told_since
from zettel.tools.evolve.steps.link import made_link, unless_same
from zettel.tools.evolve.steps.verdicts import carry_out, is_open, is_ruled, ruled
from zettel.tools.language.facts import statements

KEPT = 3
"""Links of this step a note gets: to the surest, then the latest."""
NEIGHBOURS = 64
"""Linked notes that one is compared with."""

UNCOMPARED = NoteFilter(stage_below=COMPARED, stage_from=LINKED, states=())
"""Notes that were linked, and notes whose state has changed: what leads to them is looked at."""

Rivals = dict[str, tuple[Outline, Conflict]]
"""Note id -> the note, and why one of the two may not be true."""


async def _compare(task: Task, most: int) -> Batch:
    store = task.memory.store
    most = min(most, AT_ONCE) if task.writer.asks else most
    waiting = await store.find(task.here(UNCOMPARED), limit=most)
    changed, closed = await _compare_notes(task, waiting)
    while closed:  # what leads to them is looked at again in the same run
        more, closed = await _compare_notes(task, await store.get(sorted(closed)))
        changed += more
    return Batch(seen=tuple(note.note_id for note in waiting), changed=changed)


async def _compare_notes(task: Task, waiting: Sequence[Note]) -> tuple[int, frozenset[str]]:
    """How many notes were changed, and the ids of those that a verdict has closed."""
    if not waiting:
        return 0, frozenset()
    seen = tuple(note.note_id for note in waiting)
    notes = {note.note_id: note for note in waiting}
    notes |= {note.note_id: note for note in await _leading_to(task, seen)}
    found = {i: await _rivals(task, note) for i, note in notes.items()}
    # A younger note, compared long ago, is where the link to one told since belongs.
    younger = {
        other.note_id
        for i, rivals in found.items()
        for other, _ in rivals.values()
        if other.note_id not in notes and order_key(other) > order_key(notes[i])
    }
    for note in await task.memory.store.get(sorted(younger)):
        if note.stage >= LINKED:
            notes[note.note_id] = note
            found[note.note_id] = await _rivals(task, note)
    fresh = {i: await _without_stale(task, note) for i, note in notes.items()}
    stale = {(i, k.to) for i, note in notes.items() for k in note.links if k not in fresh[i].links}
    settled = await _settled(task, list(notes)) - stale
    pairs = [(note, _compared(task, fresh[i], found[i], settled)) for i, note in notes.items()]
    rulings = {old.note_id: one for old, new in pairs if (one := await ruled(task, old, new))}
    rest = [(old, new) for old, new in pairs if old.note_id not in rulings]
    before, after = [old for old, _ in rest], [new for _, new in rest]
    changed = await settle(task, before, after, "compare", "compared by rule")
    # Last: cut off before this, a run asks again about what it has not carried out.
    more, closed = await carry_out(task, list(rulings.values()))
    return changed + more, closed


async def _leading_to(task: Task, note_ids: Sequence[str]) -> list[Note]:
    """Active notes with a link of this step's to one of these."""
    return [
        note
        for note in await task.memory.store.linking_to(note_ids)
        if note.note_id not in note_ids
        and note.state is State.ACTIVE
        and note.stage >= LINKED
        and any(link.to in note_ids for link in note.links if is_open(link) or is_ruled(link))
    ]


async def _without_stale(task: Task, note: Note) -> Note:
    """The note without verdicts on words that others have changed since; superseding stays."""
    store, kept = task.memory.store, list[Link]()
    ruled_of = {link.to for link in note.links if is_ruled(link)}
    others = await store.get(sorted(ruled_of)) if ruled_of else []
    told = {other.note_id: await told_since(store, other) for other in others}
    for link in note.links:
        held = link.relation == SUPERSEDES and link.stood(None)
        since = max(link.made_at, link.valid_until or link.made_at)
        if held or not is_ruled(link) or told.get(link.to, since) <= since:
            kept.append(link)
    return replace(note, links=tuple(kept))


async def _rivals(task: Task, note: Note) -> Rivals:
    """The notes that may not be true beside this one: of its linked ones, and by what it states."""
    if note.state is not State.ACTIVE or (note.valid_until and note.valid_until <= task.now):
        return {}
    store, told = task.memory.store, statements(note)
    where = NoteFilter(namespaces=(note.namespace,), unexpired_at=task.now)
    linked = {link.to for link in note.links if link.stood(None)}
    linked |= {other.note_id for other in await store.linking_to([note.note_id])}
    beside = replace(where, note_ids=tuple(sorted(linked)[-NEIGHBOURS:]))
    others = await store.outlines(beside, limit=NEIGHBOURS) if linked else []
    others += await tellers(store, told, where)
    return {
        other.note_id: (other, rival)
        for other in others
        if other.note_id != note.note_id and (rival := tells_otherwise(note, told, other))
    }


async def _settled(task: Task, note_ids: Sequence[str]) -> frozenset[tuple[str, str]]:
    """Pairs, from where a link starts to where it leads, of which somebody said what holds."""
    store = task.memory.store
    notes = [*await store.get(note_ids), *await store.linking_to(note_ids)]
    return frozenset(
        (note.note_id, link.to)
        for note in notes
        for link in note.links
        if link.made_by != "rule"
        and link.relation in (SUPERSEDES, CONTRADICTS)
        and link.stood(None)
        and note.state is not State.FORGOTTEN
    )


def _compared(
    task: Task,
    note: Note,
    rivals: Mapping[str, tuple[Outline, Conflict]],
    settled: frozenset[tuple[str, str]],
) -> Note:
    if note.state is not State.ACTIVE:  # nothing of it shows; back again it is compared anew
        return replace(note, stage=max(note.stage, COMPARED))
    stated = [link for link in note.links if link.made_by != "rule" or not link.stood(None)]
    refused = {
        k.to for k in stated if not k.stood(None) and (k.relation in OPEN_RELATIONS or is_ruled(k))
    }
    older = [
        (other, rival)
        for other, rival in rivals.values()
        if order_key(other) < order_key(note)
        and other.note_id not in refused
        and not settled & {(note.note_id, other.note_id), (other.note_id, note.note_id)}
    ]
    older.sort(key=lambda pair: (pair[1].weight, order_key(pair[0])), reverse=True)
    old = {(link.to, link.relation): link for link in note.links if is_open(link)}
    made = [
        made_link(task, note, other.note_id, rival.relation, rival.weight, rival.reason)
        for other, rival in older[:KEPT]
    ]
    kept = [unless_same(old.get((link.to, link.relation)), link) for link in made]
    rest = [link for link in note.links if link not in stated and not is_open(link)]
    links = (*stated, *kept, *rest)
    # In another order they say the same.
    same = set(links) == set(note.links)
    return replace(note, links=note.links if same else links, stage=max(note.stage, COMPARED))


COMPARE = Step(name="compare", waiting=UNCOMPARED, work=_compare)
