"""What a note has taken over from notes that were merged into it, as its revisions tell."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from zettel.storage.notes import Kind, Note

MERGE_CHANGE = "merge"
"""`Note.change` of the revision by which a note takes over what another one has besides, and of
the one by which it loses that again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenOver:
    """What one note has of another that was merged into it."""

    text: str
    """Behind its own content."""
    tags: frozenset[str]
    subject: tuple[str, str]
    """Before and with the merge."""
    kind: tuple[Kind, Kind]
    """Before and with the merge."""


def merge_reason(note_id: str) -> str:
    """`Note.reason` of the revision that takes over what this note has."""
    return f"the same as {note_id}"


def parted_reason(note_id: str) -> str:
    """`Note.reason` of the revision that loses it again."""
    return f"no longer {merge_reason(note_id)}"


def taken_over(before: Note, merged: Note) -> TakenOver:
    """What a revision has taken over, by the one before it."""
    return TakenOver(
        text=merged.content.removeprefix(before.content),
        tags=frozenset(merged.tags) - frozenset(before.tags),
        subject=(before.subject, merged.subject),
        kind=(before.kind, merged.kind),
    )


def find_taken_over(revisions: Sequence[Note], note_id: str) -> TakenOver | None:
    """What a note, by its revisions, oldest first, has of the one with this id; None if nothing."""
    found = None
    for place, note in enumerate(revisions):
        if note.change == MERGE_CHANGE and note.reason == merge_reason(note_id) and place:
            found = taken_over(revisions[place - 1], note)
        elif note.change == MERGE_CHANGE and note.reason == parted_reason(note_id):
            found = None
    return found


def without_taken(note: Note, taken: TakenOver) -> Note:
    """The note without what it has taken over; what was changed since stays as it is."""
    return replace(
        note,
        content=note.content.replace(taken.text, "", 1) if taken.text else note.content,
        tags=tuple(tag for tag in note.tags if tag not in taken.tags),
        subject=taken.subject[0] if note.subject == taken.subject[1] else note.subject,
        kind=taken.kind[0] if note.kind is taken.kind[1] else note.kind,
    )
