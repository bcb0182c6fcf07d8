"""What a note says of others, as far as a caller may see those."""

from collections.abc import Collection, Iterable
from dataclasses import replace

from zettel.storage.erasure.traces import NOTE_ID, ids_in
from zettel.storage.notes import Note
from zettel.storage.store import Change

ELSEWHERE = "another note"
"""Stands in a revision's reason for the id of a note that is not shown."""


def named(notes: Iterable[Note]) -> list[str]:
    """Ids of the other notes that notes speak of."""
    return [
        note_id
        for note in notes
        for note_id in (*(link.to for link in note.links), *ids_in(note.reason))
    ]


def within_sight(note: Note, there: Collection[str]) -> Note:
    """The note without links to others than those that are there, and without their ids."""
    links = tuple(link for link in note.links if link.to in there)
    reason = NOTE_ID.sub(lambda found: found[0] if found[0] in there else ELSEWHERE, note.reason)
    if len(links) == len(note.links) and reason == note.reason:
        return note
    return replace(note, links=links, reason=reason)


def with_hidden(change: Change, standing: Note | None, there: Collection[str]) -> Change:
    """The change with those of the standing links that its author was not shown."""
    links = standing.links if standing else ()
    hidden = tuple(link for link in links if link.to not in there)
    if not hidden:
        return change
    return replace(change, note=replace(change.note, links=(*change.note.links, *hidden)))
