"""Committing drafts: what stands already is revised, what is new is made, the rest is taken out."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import count

from zettel.storage.ids import derived_id, new_id
from zettel.storage.notes import Note, State
from zettel.storage.store import NewNote, NoteFilter
from zettel.tools.evolve.consolidate.draft import (
    CONSOLIDATE,
    DerivedDraft,
    cited,
    composed,
    is_ours,
    recomposed,
)
from zettel.tools.evolve.consolidate.wording import still_told, worded
from zettel.tools.evolve.steps.base import Task, revision

FEW = 100
"""Notes of a sort there is one of in a namespace that are looked through: it and forgotten ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CommittedDrafts:
    """What a commit of drafts did."""

    changed: int = 0
    created: int = 0
    lost: bool = False
    """Somebody changed one of the notes meanwhile, or one that they are of."""

    def plus(self, other: "CommittedDrafts") -> "CommittedDrafts":
        """Both together."""
        return CommittedDrafts(
            changed=self.changed + other.changed,
            created=self.created + other.created,
            lost=self.lost or other.lost,
        )


async def keep(
    task: Task, drafts: Sequence[DerivedDraft], outdated: Sequence[Note] = ()
) -> CommittedDrafts:
    """Let the drafts stand, in one commit.

    Args:
        task: The run.
        drafts: What is to stand.
        outdated: Composed notes that may have lost what they were of; those that no draft is
            about are taken out of recall.
    """
    new, revised, seen = list[Note](), list[tuple[Note, Note, str]](), set[str]()
    standing = [(draft, *await _standing(task, draft)) for draft in drafts]
    said = [(await worded(task, draft, old), note_id, old) for draft, note_id, old in standing]
    still = await still_told(task, [d for d, _, _ in said]) if task.writer.asks else drafts
    late = len(still) < len(drafts)
    for draft, note_id, old in said:
        seen.add(note_id)
        if late and draft not in still:
            continue
        if old is None:
            new.append(composed(task, draft, note_id))
        elif is_ours(old) and (fresh := recomposed(task, draft, old)) != old:
            revised.append((old, fresh, draft.reason))
    for old in outdated:
        if old.note_id not in seen and old.state is State.ACTIVE and is_ours(old):
            gone = replace(old, state=await _left_for(task, old))
            revised.append((old, gone, "nothing is left of what it was of"))
    return (await _committed(task, new, revised)).plus(CommittedDrafts(lost=late))


async def _standing(task: Task, draft: DerivedDraft) -> tuple[str, Note | None]:
    """The note a draft is about, or the id of the one to make.

    What evolution or an undo has forgotten is not brought back, since earlier revisions of it hold
    what was forgotten: another note takes its place, as with an erased one, whose id is spent. What
    an agent has forgotten stays so.
    """
    store = task.memory.store
    if draft.key:
        for generation in count():
            note_id = derived_id(draft.key, f"{draft.namespace}\n{draft.sort}\n{generation}")
            found = await store.get([note_id])
            if (found and not _is_replaced(found[0])) or not (
                found or await task.memory.admin.erased([note_id])
            ):
                return note_id, found[0] if found else None
    where = NoteFilter(namespaces=(draft.namespace,), kinds=(draft.kind,), states=(), derived=True)
    there = [n for n in await _of_sort(task, where, draft.sort) if not _is_replaced(n)]
    return (there[0].note_id, there[0]) if there else (new_id(task.now), None)


async def _of_sort(task: Task, where: NoteFilter, sort: str) -> list[Note]:
    found = await task.memory.store.find(replace(where, tags=(sort,)), limit=FEW)
    return [note for note in found if note.origin.principal == sort]


def _is_replaced(note: Note) -> bool:
    return note.state is State.FORGOTTEN and note.change != "forget"


async def _left_for(task: Task, note: Note) -> State:
    """Archived; forgotten if one of its sources is."""
    sources = await task.memory.store.get(sorted(cited(note)))
    forgotten = any(source.state is State.FORGOTTEN for source in sources)
    return State.FORGOTTEN if forgotten else State.ARCHIVED


async def _committed(
    task: Task, new: Sequence[Note], revised: Sequence[tuple[Note, Note, str]]
) -> CommittedDrafts:
    if not new and not revised:
        return CommittedDrafts()
    reworded = [fresh for old, fresh, _ in revised if fresh.content != old.content]
    texts = [note.content for note in (*new, *reworded)]
    embedded = await task.memory.embedder.embed_notes(texts) if texts else []
    vectors = dict(zip((n.note_id for n in (*new, *reworded)), embedded, strict=True))
    model = task.memory.embedder.model_id
    changes = [
        replace(
            revision(task, replace(fresh, embed_model=model), CONSOLIDATE, reason),
            vectors=vectors.get(fresh.note_id),
        )
        if fresh.note_id in vectors
        else revision(task, fresh, CONSOLIDATE, reason)
        for _, fresh, reason in revised
    ]
    made = [
        NewNote(note=replace(note, embed_model=model), vectors=vectors[note.note_id])
        for note in new
    ]
    written = await task.memory.store.write(new=made, changes=changes)
    created = sum(note.rev == 1 for note in written.stored)
    changed = len(written.stored) - created
    return CommittedDrafts(changed=changed, created=created, lost=bool(written.lost))
