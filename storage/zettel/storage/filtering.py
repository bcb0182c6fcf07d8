"""The meaning of a `NoteFilter`, applied to notes in memory."""

from collections.abc import Sequence
from datetime import datetime

from zettel.storage.ids import largest_id, smallest_id
from zettel.storage.notes import NEEDS_REVIEW, Note, fold_hash, order_key
from zettel.storage.store import NoteFilter


def matches(note: Note, where: NoteFilter) -> bool:
    """Whether a revision passes a filter."""
    meant = note.row_id in where.past or (
        known(note, where.known_at) and in_state(note, where) and _valid(note, where)
    )
    return meant and _told(note, where) and _described(note, where)


def known(note: Note, at: datetime | None) -> bool:
    """Whether a revision was the current one at a moment; None means now."""
    if at is None:
        return note.current
    return note.known_from <= at and before(at, note.known_to)


def _told(note: Note, where: NoteFilter) -> bool:
    if where.after is not None and order_key(note) >= order_key(where.after):
        return False
    happened = told = True
    if where.since is not None:
        happened = note.happened_at >= where.since
        told = note.note_id >= smallest_id(where.since)
    if where.until is not None:
        happened = happened and note.happened_at <= where.until
        told = told and note.note_id <= largest_id(where.until)
    return happened or told


def _described(note: Note, where: NoteFilter) -> bool:
    return (
        listed(note, where)
        and (not where.fold_hash or fold_hash(note.content) == where.fold_hash)
        and (not where.subject or note.subject.lower() == where.subject.lower())
        and (not where.tags or _is_tagged(note, where.tags))
        and (not where.kinds or note.kind in where.kinds)
        and (not where.sessions or note.session in where.sessions)
        and (where.stage_below is None or note.stage < where.stage_below)
        and (where.stage_from is None or note.stage >= where.stage_from)
        and (not where.unembedded or not note.embed_model)
        and where.derived in (None, note.derived)
    )


def listed(note: Note, where: NoteFilter) -> bool:
    """Whether the filter lists the note by its namespace and id."""
    return (
        (not where.namespaces or note.namespace in where.namespaces)
        and note.namespace not in where.namespaces_not
        and (not where.note_ids or note.note_id in where.note_ids)
    )


def in_state(note: Note, where: NoteFilter) -> bool:
    """Whether the note is in one of the filter's states; no states mean any."""
    return not where.states or note.state in where.states


def _valid(note: Note, where: NoteFilter) -> bool:
    if where.unexpired_at is not None and not before(where.unexpired_at, note.valid_until):
        return False
    if where.valid_at is None:
        return True
    return note.valid_from <= where.valid_at and before(where.valid_at, note.valid_until)


def before(instant: datetime, end: datetime | None) -> bool:
    """Whether the instant lies before the end; None is no end."""
    return end is None or instant < end


def _is_tagged(note: Note, tags: Sequence[str]) -> bool:
    return not set(note.tags).isdisjoint(tags) or (NEEDS_REVIEW in tags and note.open)
