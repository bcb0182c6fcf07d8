"""Step `link`: notes that share a rare name, then notes that are alike; from the younger note only.

Similarity comes last: links made from it add nothing that a vector search has not found already
(retrieval study); they are there to walk along, not to rank by.
"""

from dataclasses import replace

from zettel.storage.notes import ABOUT_SAME, SIMILAR, Link, Note, fold
from zettel.storage.store import NoteFilter, Vectors
from zettel.tools.evolve.step import CONSTRUCTED, LINKED, Batch, Step, Task, settle

RARE = 12
"""A name that more active notes of the namespace hold connects nothing."""
SAME_KEPT = 3
SIMILAR_KEPT = 3
"""Links of each sort a note gets."""
ALIKE = 0.70
"""Exact cosine of best passages from which two notes are alike: above what candidates are shown
from, so that a link says more than a search would."""
NEAREST = 12
"""Notes looked at by similarity."""


UNLINKED = NoteFilter(stage_below=LINKED)


async def _link(task: Task, most: int) -> Batch:
    """Link notes whose words evolution has read; those without vectors wait."""
    store = task.memory.store
    waiting = [n for n in await store.find(UNLINKED, limit=most) if n.stage >= CONSTRUCTED]
    vectors = await store.passages_of([note.note_id for note in waiting]) if waiting else {}
    ready = [note for note in waiting if note.note_id in vectors]
    if not ready:
        return Batch()
    linked = [await _linked(task, note, vectors[note.note_id]) for note in ready]
    changed = await settle(task, ready, linked, "link", "linked by rule")
    return Batch(seen=tuple(note.note_id for note in ready), changed=changed)


async def _linked(task: Task, note: Note, vectors: Vectors) -> Note:
    stated = tuple(known for known in note.links if known.made_by != "rule")
    taken = {known.to for known in stated}
    same = await _about_same(task, note)
    alike = await _similar(task, note, vectors)
    made = [k for k in (*same, *alike) if k.to not in taken]
    unique = {k.to: k for k in reversed(made)}
    rule = [k for k in made if unique[k.to] is k]
    old = {(k.to, k.relation): k for k in note.links if k.made_by == "rule"}
    kept = tuple(_unless_same(old.get((k.to, k.relation)), k) for k in rule)
    return replace(note, links=(*stated, *kept), stage=LINKED)


def _unless_same(old: Link | None, new: Link) -> Link:
    """Keep the link that is there already when the rule finds the same again."""
    if old and replace(new, made_at=old.made_at, valid_from=old.valid_from) == old:
        return old
    return new


async def _about_same(task: Task, note: Note) -> list[Link]:
    """Links to the latest earlier notes that share a name few notes hold."""
    found = dict[str, Link]()
    for name in (*note.entities, *([note.subject] if note.subject else [])):
        key = (note.namespace, fold(name))
        others = [] if key in task.common else await _naming(task, note.namespace, name)
        if len(others) > RARE:
            task.common.add(key)
            continue
        earlier = [other for other in others if other.note_id < note.note_id]
        for other in sorted(earlier, key=lambda o: o.note_id, reverse=True):
            found.setdefault(
                other.note_id,
                Link(
                    to=other.note_id,
                    relation=ABOUT_SAME,
                    weight=round(1 / len(others), 3),
                    reason=f"both name {name}",
                    made_by="rule",
                    made_at=task.now,
                    valid_from=note.valid_from,
                ),
            )
    return sorted(found.values(), key=lambda k: (-k.weight, k.to))[:SAME_KEPT]


async def _naming(task: Task, namespace: str, name: str) -> list[Note]:
    """Active notes that hold this name or are about it; one more than `RARE` at most."""
    store, where = task.memory.store, NoteFilter(namespaces=(namespace,))
    hits = await store.match_text(name, where, limit=4 * RARE)
    folded = fold(name)
    named = [
        note
        for note in await store.get([hit.note_id for hit in hits])
        if folded == fold(note.subject) or folded in {fold(entity) for entity in note.entities}
    ]
    return named[: RARE + 1]


async def _similar(task: Task, note: Note, vectors: Vectors) -> list[Link]:
    """Links to the most alike earlier notes."""
    best, where = dict[str, float](), NoteFilter(namespaces=(note.namespace,))
    for vector in vectors[:4]:
        for hit in await task.memory.store.match_vectors(vector, where, limit=NEAREST):
            best[hit.note_id] = max(best.get(hit.note_id, 0.0), hit.score)
    near = sorted(
        (i for i, cosine in best.items() if cosine >= ALIKE and i < note.note_id),
        key=lambda i: (-best[i], i),
    )
    return [
        Link(
            to=note_id,
            relation=SIMILAR,
            weight=round(min(best[note_id], 1.0), 3),
            reason=f"similarity {best[note_id]:.2f}",
            made_by="rule",
            made_at=task.now,
            valid_from=note.valid_from,
        )
        for note_id in near[:SIMILAR_KEPT]
    ]


LINK = Step(name="link", waiting=UNLINKED, work=_link)
