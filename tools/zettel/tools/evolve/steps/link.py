"""Step `link`: to what a note answers, confirms or follows from, to notes of a rare name, alike.

Always from the younger note, so that a pair is linked once.

Similarity comes last: links made from it add nothing that a vector search has not found already
(retrieval study); they are there to walk along, not to rank by.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import pairwise

from zettel.storage.notes import (
    ABOUT_SAME,
    ANSWERS,
    OPEN_RELATIONS,
    REVISED_BY,
    SIMILAR,
    Link,
    Note,
    Outline,
    State,
    fold,
    order_key,
)
from zettel.storage.store import NoteFilter, Vectors
from zettel.storage.text.utterance import asks
from zettel.tools.changes.stages import CONSTRUCTED, LINKED
from zettel.tools.evolve.steps.base import Batch, Step, Task, settle
from zettel.tools.language.cues import cue, has_cue

RARE = 12
"""A name that more active notes of the namespace hold connects nothing."""
SAME_KEPT = 3
SIMILAR_KEPT = 3
"""Links of each sort a note gets."""
ALIKE = 0.70
"""Exact cosine of best passages from which two notes are alike: above what candidates are shown
from, so that a link says more than a search would."""
NEAREST = 12
"""Notes looked at by similarity, for each of a note's first passages."""
PASSAGES = 4
IN_SESSIONS = 100_000
"""Notes read of a batch's sessions: all of them."""


UNLINKED = NoteFilter(stage_below=LINKED, stage_from=CONSTRUCTED)


async def _link(task: Task, most: int) -> Batch:
    """Link notes whose words evolution has read; those without vectors wait."""
    store = task.memory.store
    waiting = await store.find(task.here(UNLINKED), limit=most)
    notes = waiting + await _linked_by_rule(task, waiting)
    vectors = await store.passages_of([note.note_id for note in notes]) if notes else {}
    ready = [note for note in notes if note.note_id in vectors]
    if not ready:
        return Batch()
    told = await _told_before(task, ready)
    linked = [
        await _linked(task, note, vectors[note.note_id], told.get(note.note_id)) for note in ready
    ]
    changed = await settle(task, ready, linked, "link", "linked by rule")
    # Only what waited: counting the others too, a run would stop before its end.
    seen = {note.note_id for note in waiting}
    return Batch(seen=tuple(n.note_id for n in ready if n.note_id in seen), changed=changed)


async def _linked_by_rule(task: Task, changed: Sequence[Note]) -> list[Note]:
    """Notes that a rule has linked to one whose words have changed since."""
    again = [note.note_id for note in changed if note.rev > 1]
    known = {note.note_id for note in changed}
    return [
        note
        for note in (await task.memory.store.linking_to(again) if again else [])
        if note.note_id not in known
        and note.state is State.ACTIVE
        and note.stage >= LINKED
        and any(
            link.made_by == "rule" and link.stood(None) and link.to in known for link in note.links
        )
    ]


async def _told_before(task: Task, notes: Sequence[Note]) -> dict[str, Outline]:
    """Note id -> the note right before it in its session."""
    found = dict[str, Outline]()
    for namespace in sorted({note.namespace for note in notes}):
        here = {note.note_id for note in notes if note.namespace == namespace}
        sessions = tuple(sorted({n.session for n in notes if n.note_id in here and n.session}))
        if not sessions:
            continue
        where = NoteFilter(namespaces=(namespace,), sessions=sessions)
        told = await task.memory.store.outlines(where, limit=IN_SESSIONS)
        for session in _by_session(told).values():
            found |= {after.note_id: b for b, after in pairwise(session) if after.note_id in here}
    return found


async def _linked(task: Task, note: Note, vectors: Vectors, before: Outline | None) -> Note:
    # A link of the rule's that the agent has taken out stays out; those of `compare` are its own.
    stated = tuple(
        known
        for known in note.links
        if known.made_by != "rule" or not known.stood(None) or known.relation in OPEN_RELATIONS
    )
    joins = [k for k in stated if k.stood(None) and k.relation not in (*OPEN_RELATIONS, REVISED_BY)]
    taken = {known.to for known in joins} | {note.note_id}
    refused = {(known.to, known.relation) for known in stated if known.made_by == "rule"}
    joined = [*await _about_same(task, note), *await _similar(task, note, vectors)]
    cued = await _cued(task, note, before, joined)
    made = [*_answers(task, note, before), *cued, *joined]
    made = [known for known in made if (known.to, known.relation) not in refused]
    first = {known.to: known for known in reversed(made)}
    rule = [known for known in made if known.to not in taken and first[known.to] is known]
    old = {(k.to, k.relation): k for k in note.links if k.made_by == "rule" and k.stood(None)}
    kept = tuple(unless_same(old.get((known.to, known.relation)), known) for known in rule)
    links = (*stated, *kept)
    # In another order they say the same.
    same = set(links) == set(note.links)
    return replace(note, links=note.links if same else links, stage=max(note.stage, LINKED))


def _answers(task: Task, note: Note, question: Outline | None) -> list[Link]:
    if question is None or not asks(question.content) or asks(note.content):
        return []
    return [made_link(task, note, question.note_id, ANSWERS, 1.0, "follows the question")]


async def _cued(
    task: Task, note: Note, before: Outline | None, joined: Sequence[Link]
) -> list[Link]:
    """Links to what the note says is why, or confirms: right before it, or told of the same."""
    if not has_cue(note.content):
        return []
    others = {before.note_id: before} if before else dict[str, Outline]()
    ids = tuple(sorted({link.to for link in joined} - others.keys()))
    where = NoteFilter(namespaces=(note.namespace,), note_ids=ids)
    found = await task.memory.store.outlines(where, limit=len(ids)) if ids else []
    others |= {other.note_id: other for other in found}
    read = {
        i: cue(note.content, other.content, follows=before is not None and i == before.note_id)
        for i, other in sorted(others.items())
    }
    return [made_link(task, note, i, c.relation, c.weight, c.reason) for i, c in read.items() if c]


def made_link(task: Task, note: Note, to: str, relation: str, weight: float, reason: str) -> Link:
    """A rule's link, as old as the note it starts from; weight in `[0, 1]`."""
    return Link(
        to=to,
        relation=relation,
        weight=round(weight, 3),
        reason=reason,
        made_by="rule",
        made_at=task.now,
        valid_from=note.valid_from,
    )


def unless_same(old: Link | None, new: Link) -> Link:
    """Keep the link that is there already when the rule finds the same again."""
    if old and replace(new, made_at=old.made_at, valid_from=old.valid_from) == old:
        return old
    return new


async def _about_same(task: Task, note: Note) -> list[Link]:
    """Links to the latest earlier notes that share a name few notes hold."""
    found = dict[str, Link]()
    for name in {fold(name): name for name in (*note.entities, note.subject) if name}.values():
        holders = await _naming(task, note.namespace, name)
        if len(holders) > RARE:
            continue
        for other in sorted(i for i in holders if i < note.note_id)[::-1]:
            weight, reason = 1 / len(holders), f"both name {name}"
            found.setdefault(other, made_link(task, note, other, ABOUT_SAME, weight, reason))
    return sorted(found.values(), key=lambda known: (-known.weight, known.to))[:SAME_KEPT]


async def _naming(task: Task, namespace: str, name: str) -> tuple[str, ...]:
    """Ids of active notes that hold this name or are about it; one more than `RARE` at most."""
    store, where = task.memory.store, NoteFilter(namespaces=(namespace,))
    key = (namespace, fold(name))
    if key not in task.holders:
        hits = await store.match_text(name, where, limit=4 * RARE)
        ids = tuple(hit.note_id for hit in hits)
        near = await store.outlines(replace(where, note_ids=ids), limit=len(ids)) if ids else []
        says = re.compile(rf"(?<!\w){re.escape(key[1])}(?!\w)")
        named = (o for o in near if key[1] == fold(o.subject) or says.search(fold(o.content)))
        task.holders[key] = tuple(outline.note_id for outline in named)[: RARE + 1]
    return task.holders[key]


async def _similar(task: Task, note: Note, vectors: Vectors) -> list[Link]:
    """Links to the most alike earlier notes."""
    best, where = dict[str, float](), NoteFilter(namespaces=(note.namespace,))
    for vector in vectors[:PASSAGES]:
        for near in await task.memory.store.nearest(vector, where, limit=NEAREST, least=ALIKE):
            other = near.outline.note_id
            best[other] = max(best.get(other, 0.0), near.score)
    alike = sorted(
        (i for i, cosine in best.items() if cosine >= ALIKE and i < note.note_id),
        key=lambda i: (-best[i], i),
    )
    return [
        made_link(task, note, i, SIMILAR, min(best[i], 1.0), f"similarity {best[i]:.2f}")
        for i in alike[:SIMILAR_KEPT]
    ]


LINK = Step(name="link", waiting=UNLINKED, work=_link)


def _by_session(outlines: Iterable[Outline]) -> dict[tuple[str, str], list[Outline]]:
    """(namespace, session) -> its notes in order; notes without a session have no neighbours."""
    grouped = dict[tuple[str, str], list[Outline]]()
    for outline in sorted(outlines, key=order_key):
        if outline.session:
            grouped.setdefault((outline.namespace, outline.session), []).append(outline)
    return grouped
