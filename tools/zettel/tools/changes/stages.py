"""Stages of evolution and bookkeeping of revisions, shared by writes and evolution."""

from dataclasses import replace
from datetime import datetime

from zettel.storage.notes import Note, State

DOUBT = "doubt"
"""`Note.change` of revisions that take a note's trust: with a later one its text is marked."""

CONSTRUCTED, LINKED, COMPARED, REVISED, CONSOLIDATED = 1, 2, 3, 4, 5
"""Values of `Note.stage`: the last step that has read a revision."""


def stage_after(state: State) -> int:
    """The stage of a note whose state has changed.

    An active note passes every step again; for others only the links that lead to them are
    reviewed.
    """
    return 0 if state is State.ACTIVE else LINKED


def next_note(
    note: Note, *, by: str, now: datetime, change: str, reason: str = "", run_id: str = ""
) -> Note:
    """The note with the bookkeeping of its next revision."""
    return replace(
        note,
        rev=note.rev + 1,
        known_from=now,
        changed_by=by,
        change=change,
        reason=reason,
        run_id=run_id,
    )
