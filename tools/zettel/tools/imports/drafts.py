"""What a foreign file says of one note, and what of it is left out."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple, cast

from zettel.storage.notes import Kind
from zettel.tools.language.times import read_iso

IMPORT = "import"
"""`Run.kind` of an import, and `Note.change` of a revision that adds links."""
MILLISECONDS_FROM = 100_000_000_000
"""A number of seconds since 1970 from which it means milliseconds: the year 5138."""


class DraftLink(NamedTuple):
    """A link to another draft of the same source."""

    relation: str
    """As the source words it."""
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """One note as its source has it, unchecked."""

    key: str
    """Names it within its format, the same at every reading: the note's id follows from it."""
    content: str
    kind: Kind = Kind.EPISODIC
    subject: str = ""
    context: str = ""
    tags: tuple[str, ...] = ()
    session: str = ""
    source: str = ""
    """Where the source has it from: a file, an address."""
    happened_at: datetime | None = None
    """UTC, timezone-aware; None if the source has no time."""
    valid_until: datetime | None = None
    end_unknown: bool = False
    """Whether the source says nothing of ends, so that none there takes none away here."""
    links: tuple[DraftLink, ...] = ()
    whole: str = ""
    """Key of the first draft of the text that it was cut from, or belongs to; empty for that one.

    A part that the text no longer has is over in the source.
    """
    note_id: str = ""
    """Of the note that an export wrote there, as far as the file tells; empty for others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    """Something of a source that becomes no note."""

    where: str
    """Its file, line or id."""
    reason: str
    key: str = ""
    """Of the draft that it would be, or once was; empty if it has none."""
    over: bool = False
    """Whether the source says that it was deleted or replaced."""
    replaced_by: str = ""
    """Key of what took its place."""


SourcePart = Draft | Skipped

ReadSource = Callable[[Path], Iterator[SourcePart]]
"""Reads a source to its end, without changing it.

It raises `InvalidArgumentError` for a source that cannot be read to its end.
"""


def as_text(value: object) -> str:
    """A text, stripped; empty for anything else."""
    return value.strip() if isinstance(value, str) else ""


def as_mapping(value: object) -> Mapping[str, object]:
    """A JSON object; empty for anything else."""
    return cast("Mapping[str, object]", value) if isinstance(value, dict) else {}


def as_list(value: object) -> list[object]:
    """A JSON array; empty for anything else."""
    return cast("list[object]", value) if isinstance(value, list) else []


def as_texts(value: object) -> tuple[str, ...]:
    """The texts of a JSON array, stripped, or of a list in one text, parted by commas."""
    parts = value.split(",") if isinstance(value, str) else as_list(value)
    return tuple(text for part in parts if (text := as_text(part)))


def as_moment(value: object) -> datetime | None:
    """A time as files have it: ISO 8601, or seconds or milliseconds since 1970; in UTC.

    None for what is none, or lies outside the years 1 to 9999.
    """
    try:
        if isinstance(value, int | float) and not isinstance(value, bool):
            seconds = value / 1_000 if abs(value) >= MILLISECONDS_FROM else value
            return datetime.fromtimestamp(seconds, UTC)
        return read_iso(as_text(value))
    except (ValueError, OverflowError, OSError):
        return None


def said_as(subject: str, relation: str, of: str) -> str:
    """A relation of two names as a sentence: `Ada works_at CERN` as `Ada works at CERN`."""
    return " ".join((subject, relation.replace("_", " "), of))
