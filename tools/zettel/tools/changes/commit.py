"""Plan, commit, and plan again when somebody else was first."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence

from zettel.storage.errors import ChangedMeanwhileError
from zettel.storage.notes import Note
from zettel.storage.store import Change, NewNote, Written
from zettel.tools.changes.derived_notes import following
from zettel.tools.changes.stages import WITHDRAW
from zettel.tools.state.memory import Memory

ATTEMPTS = 16
"""Tries before giving up; three processes on one hot note needed at most four (measured)."""

FOLLOWS = frozenset({"revive", "fold", WITHDRAW, "unlearn"})
"""`Note.change` of revisions that follow from what was done to another note."""

Plan = Callable[[Mapping[str, Note]], Awaitable[Sequence[Change]]]
"""From the notes as they stand now to the next revisions; called again after a lost race."""


async def commit(
    memory: Memory, note_ids: Iterable[str], plan: Plan, *, new: Sequence[NewNote] = ()
) -> list[Note]:
    """Add `new` and change notes by `plan` in one commit.

    Returns:
        The stored revisions; empty when there was nothing to change.

    Raises:
        QuotaExceededError: A namespace would hold too much; nothing of it is stored.
        ChangedMeanwhileError: Others kept winning; what was new is stored then, and making the
            same call again finishes the rest.
    """
    ids, stored, pending = list(note_ids), list[Note](), tuple(new)
    for _ in range(ATTEMPTS):
        notes = {note.note_id: note for note in await memory.store.get(ids)} if ids else {}
        changes = _permitted(memory, await following(memory.store, await plan(notes)))
        if not changes and not pending:
            return stored
        written = await _write(memory, pending, changes)
        stored += written.stored
        memory.on_write()
        if not written.lost:
            return stored
        done = {note.note_id for note in written.stored}
        ids, pending = [note_id for note_id in ids if note_id not in done], ()
    raise ChangedMeanwhileError(ids)


async def _write(memory: Memory, new: Sequence[NewNote], changes: Sequence[Change]) -> Written:
    if memory.quota is None:
        return await memory.store.write(new=new, changes=changes)
    # First, or the refusal would tell what a namespace of others holds.
    memory.check_writes([*(item.note for item in new), *(change.note for change in changes)])
    async with memory.quota.taking(memory.admin, new, changes):
        return await memory.store.write(new=new, changes=changes)
    raise AssertionError  # the quota lets errors out


def _permitted(memory: Memory, changes: Sequence[Change]) -> list[Change]:
    """Without what would merely follow in namespaces that the caller only reads.

    What the caller asks for there is refused by the store.
    """
    writes = memory.reach.writes if memory.reach else None
    return [
        change
        for change in changes
        if writes is None or change.note.namespace in writes or change.note.change not in FOLLOWS
    ]
