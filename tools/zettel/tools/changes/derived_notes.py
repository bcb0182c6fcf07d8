"""What follows when a note leaves recall: what evolution composed of it leaves with it."""

from collections.abc import Sequence
from dataclasses import replace

from zettel.storage.notes import Note, State
from zettel.storage.store import Change, NoteStore
from zettel.tools.changes.run_changes import UNDO
from zettel.tools.changes.stages import CONSOLIDATED, WITHDRAW

LEVELS = 2
"""A summary is of gists, and these are of notes."""


async def following(store: NoteStore, changes: Sequence[Change]) -> list[Change]:
    """The changes of a commit, and those that follow for what was composed of these notes.

    A note that enters or leaves recall, or becomes another kind, waits for consolidation again.
    What cites one that leaves goes in the same commit, so that no forgotten word is shown until
    the next run; that composes it anew of what is left. An undo only takes back.
    """
    if not changes or any(change.note.change == UNDO for change in changes):
        return list(changes)
    before = {n.note_id: n for n in await store.get([c.note.note_id for c in changes])}
    moved = {
        change.note.note_id: change.note
        for change in changes
        if (old := before.get(change.note.note_id))
        and (old.state, old.kind) != (change.note.state, change.note.kind)
    }
    gone = [note for note in moved.values() if note.state is not State.ACTIVE]
    busy = {change.note.note_id for change in changes}
    composed = [n for n in await _composed_of(store, gone) if n.note_id not in busy]
    return [
        *(_waits_again(change) if change.note.note_id in moved else change for change in changes),
        *(_withdrawn(note, gone) for note in composed),
    ]


def _waits_again(change: Change) -> Change:
    note = change.note
    return replace(change, note=replace(note, stage=min(note.stage, CONSOLIDATED - 1)))


async def _composed_of(store: NoteStore, notes: Sequence[Note]) -> list[Note]:
    found, ids = dict[str, Note](), [note.note_id for note in notes]
    for _ in range(LEVELS):
        citing = await store.linking_to(ids) if ids else []
        new = [note for note in citing if note.derived and note.note_id not in found]
        found |= {note.note_id: note for note in new}
        ids = [note.note_id for note in new]
    return [note for note in found.values() if note.state is not State.FORGOTTEN]


def _withdrawn(note: Note, gone: Sequence[Note]) -> Change:
    """Forgotten with a forgotten note, so that it cannot be read by its id either."""
    forgotten = any(source.state is State.FORGOTTEN for source in gone)
    first = gone[0]
    return Change(
        note=replace(
            note,
            rev=note.rev + 1,
            state=State.FORGOTTEN if forgotten else State.ARCHIVED,
            known_from=first.known_from,
            changed_by=first.changed_by,
            change=WITHDRAW,
            reason=f"composed of {first.note_id}, which has left recall",
            run_id="",
        )
    )
