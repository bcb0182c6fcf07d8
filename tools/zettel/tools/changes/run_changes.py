"""The notes a run changed: before and after."""

from collections.abc import Sequence
from dataclasses import dataclass

from zettel.storage.notes import UNDO, Note
from zettel.storage.store import NoteFilter, NoteStore

QUERY_MAX_NOTES = 500
"""Notes read in one query."""


_UNDOES = "undoes "


def undo_reason(run_id: str) -> str:
    """`Note.reason` of the revisions that undo a run."""
    return f"{_UNDOES}{run_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class TouchedNote:
    """A note that a run changed."""

    before: Note | None
    """The revision before the run's first one; None if the run created the note, or if it is in a
    namespace that the caller does not read."""
    created: bool
    after: Note
    """The run's last revision."""
    steps: tuple[str, ...]
    """What made the run's revisions, in order."""


async def touched_notes(store: NoteStore, run_id: str) -> list[TouchedNote]:
    """The notes that a run changed, by note id; empty for a run that changed none."""
    made = dict[str, list[Note]]()
    for revision in await store.revisions_of_run(run_id):
        made.setdefault(revision.note_id, []).append(revision)
    before = await _before(store, [revisions[0] for revisions in made.values()])
    return [
        TouchedNote(
            before=before.get(note_id),
            created=revisions[0].rev == 1,
            after=revisions[-1],
            steps=tuple(step for revision in revisions for step in revision.steps),
        )
        for note_id, revisions in sorted(made.items())
    ]


async def _before(store: NoteStore, firsts: Sequence[Note]) -> dict[str, Note]:
    """Note id -> the revision before the given one."""
    wanted = {
        first.note_id: f"{first.note_id}@{first.rev - 1}" for first in firsts if first.rev > 1
    }
    ids, found = list(wanted), dict[str, Note]()
    for start in range(0, len(ids), QUERY_MAX_NOTES):
        part = tuple(ids[start : start + QUERY_MAX_NOTES])
        rows = tuple(wanted[note_id] for note_id in part)
        # The filter also returns the current rows.
        where = NoteFilter(note_ids=part, past=rows, states=(), derived=None)
        for note in await store.find(where, limit=2 * len(part)):
            if note.row_id == wanted[note.note_id]:
                found[note.note_id] = note
    return found


async def effective_revisions(store: NoteStore, notes: Sequence[Note]) -> dict[str, Note | None]:
    """The revisions that current notes amount to once undos are resolved.

    Returns:
        Note id -> the given revision, unless an undo made it: then the one it restored, resolved in
        turn. None if an undone run created the note.
    """
    stand: dict[str, Note | None] = {note.note_id: note for note in notes}
    undone = _by_undone_run(notes)
    while undone:
        back = list[Note]()
        for run_id, made in undone.items():
            touched = {entry.after.note_id: entry for entry in await touched_notes(store, run_id)}
            for note in made:
                entry = touched.get(note.note_id)
                if entry is not None and entry.after.rev < note.rev:
                    stand[note.note_id] = entry.before
                    back += [entry.before] if entry.before else []
        undone = _by_undone_run(back)
    return stand


def _by_undone_run(notes: Sequence[Note]) -> dict[str, list[Note]]:
    """Revisions made by undos, by the undone run."""
    found = dict[str, list[Note]]()
    for note in notes:
        if note.change == UNDO and note.reason.startswith(_UNDOES):
            found.setdefault(note.reason.removeprefix(_UNDOES), []).append(note)
    return found
