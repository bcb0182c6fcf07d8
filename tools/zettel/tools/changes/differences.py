"""Differences between revisions, as shown to agents."""

from collections.abc import Iterable
from datetime import datetime

from zettel.storage.notes import Link, Note, Span
from zettel.tools.answers import Revision
from zettel.tools.language.times import exactly, iso
from zettel.tools.render import shorten
from zettel.tools.validation import tidy_relation

SHOWN_FIELDS = (
    "content",
    "context",
    "subject",
    "tags",
    "kind",
    "session",
    "source",
    "happened_at",
    "valid_until",
    "links",
    "keywords",
    "entities",
    "times",
    "questions",
    "summary",
    "state",
)
"""Fields whose differences are shown; the others follow from these or are shown beside them."""


UNREPORTED_FIELDS = frozenset({"keywords", "entities", "times", "questions", "summary"})
"""Derived fields, left out of an answer's `changed`."""
REPORTED_MAX_CHARACTERS = 240
"""Longest text in an answer's `changed`."""


def shown(value: object) -> object:
    """A field's value as JSON: times in ISO 8601, links by target and relation, spans by phrase."""
    match value:
        case datetime():
            return iso(value)
        case Link():
            shown_link = {"to": value.to, "relation": tidy_relation(value.relation)}
            return shown_link | ({"until": iso(value.valid_until)} if value.valid_until else {})
        case Span():
            return value.phrase
        case tuple():
            items: tuple[object, ...] = value  # pyright: ignore[reportUnknownVariableType]: any items
            return [shown(item) for item in items]
        case None:
            return None
        case _:
            return str(value)


def differences(old: Note, new: Note) -> dict[str, list[object]]:
    """Field name -> `[old, new]` for every shown field that differs."""
    pairs = ((name, getattr(old, name), getattr(new, name)) for name in SHOWN_FIELDS)
    return {name: _pair(before, after) for name, before, after in pairs if before != after}


def _pair(before: object, after: object) -> list[object]:
    pair = [shown(before), shown(after)]
    if pair[0] == pair[1] and isinstance(before, datetime) and isinstance(after, datetime):
        return [exactly(before), exactly(after)]
    return pair


def reported_changes(old: Note, new: Note) -> dict[str, list[object]]:
    """`differences` without derived fields, long texts cut."""
    changes = differences(old, new)
    return {
        name: [shorten(v, REPORTED_MAX_CHARACTERS) if isinstance(v, str) else v for v in pair]
        for name, pair in changes.items()
        if name not in UNREPORTED_FIELDS
    }


def history(revisions: Iterable[Note], *, known_at: datetime | None = None) -> list[Revision]:
    """A note's revisions, oldest first, each with what it changed.

    Leaves out revisions later than `known_at`.
    """
    entries, previous = list[Revision](), None
    for note in revisions:
        if known_at and note.known_from > known_at:
            break
        entry = Revision(
            rev=note.rev,
            known_from=exactly(note.known_from),
            by=note.changed_by,
            change=note.change,
        )
        if note.reason:
            entry["reason"] = note.reason
        if note.run_id:
            entry["run"] = note.run_id
        if note.known_to and (known_at is None or note.known_to <= known_at):
            if note.ended_at:
                entry["ended_at"] = iso(note.ended_at)
            if note.corrected:
                entry["corrected"] = True
        if previous is not None:
            entry["changed"] = differences(previous, note)
        entries.append(entry)
        previous = note
    return entries
