"""What changed from one revision to the next, in words an agent can read."""

from collections.abc import Iterable
from datetime import datetime

from zettel.storage.notes import Link, Note, Span
from zettel.tools.answers import Revision
from zettel.tools.times import iso

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
"""What a difference is shown of; the rest follows from these or is said beside them."""


DERIVED = frozenset({"keywords", "entities", "times", "questions", "summary"})
"""What follows from the words and is not told as a change."""
SHORT = 240
"""Characters of a changed text that an answer repeats."""


def shown(value: object) -> object:
    """A field's value as JSON: times in ISO 8601, links and spans by what they say."""
    match value:
        case datetime():
            return iso(value)
        case Link():
            return {"to": value.to, "relation": value.relation}
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
    return {
        name: [shown(getattr(old, name)), shown(getattr(new, name))]
        for name in SHOWN_FIELDS
        if getattr(old, name) != getattr(new, name)
    }


def told_changes(old: Note, new: Note) -> dict[str, list[object]]:
    """`differences` as an answer tells them: what the caller changed, long texts by their start."""
    changes = differences(old, new)
    return {
        name: [_short(value) for value in pair]
        for name, pair in changes.items()
        if name not in DERIVED
    }


def _short(value: object) -> object:
    if isinstance(value, str) and len(value) > SHORT:
        return value[: SHORT - 1] + "…"
    return value


def history(revisions: Iterable[Note]) -> list[Revision]:
    """A note's revisions, oldest first, each with what it changed."""
    told, previous = list[Revision](), None
    for note in revisions:
        entry = Revision(
            rev=note.rev, known_from=iso(note.known_from), by=note.changed_by, change=note.change
        )
        if note.reason:
            entry["reason"] = note.reason
        if previous is not None:
            entry["changed"] = differences(previous, note)
        told.append(entry)
        previous = note
    return told
