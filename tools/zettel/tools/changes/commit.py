"""Optimistic commits: plan, write, and plan again after a lost race."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from zettel.storage.errors import ChangedMeanwhileError
from zettel.storage.notes import FOLLOWING_CHANGES, MOVE, UNDO, WITHDRAW, Note, State
from zettel.storage.store import Change, NewNote, NoteReader, Written
from zettel.tools.changes.stages import CONSOLIDATED, next_note
from zettel.tools.state.memory import Memory

DERIVATION_LEVELS = 2
"""A summary is made of gists, and these of notes."""


async def with_following(store: NoteReader, changes: Sequence[Change]) -> list[Change]:
    """Adds to a commit's changes those that follow for notes composed of the changed ones.

    A note that enters or leaves recall, becomes another kind or loses trust waits for consolidation
    again. Composed notes that cite a note leaving recall or its namespace, or losing trust, leave
    recall in the same commit, so that none of its words is shown until the next run composes them
    anew. An undo adds nothing.
    """
    if not changes or any(change.note.change == UNDO for change in changes):
        return list(changes)
    before = {n.note_id: n for n in await store.get([c.note.note_id for c in changes])}
    moved = {
        change.note.note_id: change.note
        for change in changes
        if (old := before.get(change.note.note_id))
        and (
            change.note.change == MOVE
            or (old.state, old.kind, old.trust)
            != (change.note.state, change.note.kind, change.note.trust)
        )
    }
    gone = [
        note
        for note in moved.values()
        if note.state is not State.ACTIVE
        or note.trust < before[note.note_id].trust
        or note.change == MOVE
    ]
    busy = {change.note.note_id for change in changes}
    composed = [n for n in await _composed_of(store, gone) if n.note_id not in busy]
    return [
        *(_waits_again(change) if change.note.note_id in moved else change for change in changes),
        *(_withdrawn(note, gone) for note in composed),
    ]


def _waits_again(change: Change) -> Change:
    note = change.note
    return replace(change, note=replace(note, stage=min(note.stage, CONSOLIDATED - 1)))


async def _composed_of(store: NoteReader, notes: Sequence[Note]) -> list[Note]:
    found, ids = dict[str, Note](), [note.note_id for note in notes]
    for _ in range(DERIVATION_LEVELS):
        citing = await store.linking_to(ids) if ids else []
        new = [note for note in citing if note.derived and note.note_id not in found]
        found |= {note.note_id: note for note in new}
        ids = [note.note_id for note in new]
    return [note for note in found.values() if note.state is not State.FORGOTTEN]


def _withdrawn(note: Note, gone: Sequence[Note]) -> Change:
    """The composed note, archived, or forgotten if a source was, so that no id shows it."""
    forgotten = any(source.state is State.FORGOTTEN for source in gone)
    first = gone[0]
    note = replace(note, state=State.FORGOTTEN if forgotten else State.ARCHIVED)
    left = "has lost trust" if first.state is State.ACTIVE else "has left recall"
    left = "is in another namespace" if first.change == MOVE else left
    reason = f"composed of {first.note_id}, which {left}"
    by, now = first.changed_by, first.known_from
    return Change(note=next_note(note, by=by, now=now, change=WITHDRAW, reason=reason))


COMMIT_ATTEMPTS = 16
"""Three processes on one hot note needed at most four (measured)."""

Plan = Callable[[Mapping[str, Note]], Awaitable[Sequence[Change]]]
"""From the current notes to their next revisions; called again after a lost race."""


async def commit(
    memory: Memory, note_ids: Iterable[str], plan: Plan, *, new: Sequence[NewNote] = ()
) -> Written:
    """Adds `new` and changes notes by `plan` in one commit.

    Returns:
        What is stored, of all attempts; nothing when there was nothing to change.

    Raises:
        QuotaExceededError: A namespace would exceed its quota; nothing is stored.
        ChangedMeanwhileError: Others kept winning; `new` is stored by then, and the same call
            made again finishes the rest.
    """
    ids, done, pending = list(note_ids), Written(stored=(), lost=()), tuple(new)
    for _ in range(COMMIT_ATTEMPTS):
        notes = {note.note_id: note for note in await memory.store.get(ids)} if ids else {}
        changes = _permitted(memory, await with_following(memory.store, await plan(notes)))
        if not changes and not pending:
            return done
        written = await _write(memory, pending, changes)
        memory.on_write()
        stored = (*done.stored, *written.stored)
        done = Written(stored=stored, lost=(), shared=done.shared or written.shared)
        if not written.lost:
            return done
        kept = {note.note_id for note in written.stored}
        ids, pending = [note_id for note_id in ids if note_id not in kept], ()
    raise ChangedMeanwhileError(ids)


async def _write(memory: Memory, new: Sequence[NewNote], changes: Sequence[Change]) -> Written:
    if run_id := memory.run_id:
        new = [replace(item, note=replace(item.note, run_id=run_id)) for item in new]
        changes = [replace(each, note=replace(each.note, run_id=run_id)) for each in changes]
    if memory.quota is None:
        return await memory.store.write(new=new, changes=changes)
    # Before the quota, whose refusal shows the size of a namespace.
    memory.check_writes([*(item.note for item in new), *(change.note for change in changes)])
    async with memory.quota.taking(memory.admin, new, changes):
        return await memory.store.write(new=new, changes=changes)
    raise AssertionError  # for pyright: the quota does not suppress errors


def _permitted(memory: Memory, changes: Sequence[Change]) -> list[Change]:
    """Drops following changes in namespaces that the caller only reads.

    The store refuses the changes that the caller asked for there.
    """
    writes = memory.reach.writes if memory.reach else None
    return [
        change
        for change in changes
        if writes is None
        or change.note.namespace in writes
        or change.note.change not in FOLLOWING_CHANGES
    ]
