"""Argument models of the four tools and of the read requests, and how they are read.

Field names are a contract with agents. Reading is lenient in form and strict in meaning: clients
send JSON text where a list or number is due, one string for a list of one, and null for absent
values. Text is never decoded: a note may be JSON.
"""

import json
import shlex
from collections.abc import Callable, Mapping, Sequence
from types import UnionType
from typing import Annotated, Literal, TypeVar, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from zettel.storage.errors import InvalidArgumentError, UnknownNameError
from zettel.tools.validation import MAX_DOCUMENT, MAX_LIMIT, MAX_LIST, check_length, unknown_name

Names = list[str]


class Arguments(BaseModel):
    """Arguments of one call; absent ones are None."""

    model_config = ConfigDict(frozen=True, strict=True)


class NewLink(Arguments):
    """A link from the note that is being stored."""

    to: str
    relation: str | None = None


class LinkChange(NewLink):
    """A link to add to a stored note or to remove from it."""

    remove: bool | None = None


class RememberArguments(Arguments):
    """Arguments of `remember`."""

    content: Annotated[
        str,
        Field(
            description="Self-contained, in the words used; names, not pronouns; dates, not Friday",
            json_schema_extra={"maxLength": MAX_DOCUMENT},
        ),
    ]
    context: Annotated[str | None, Field(description="One sentence: why or where it came up")] = (
        None
    )
    subject: Annotated[str | None, Field(description="Who or what it is about, or who said it")] = (
        None
    )
    tags: Names | None = None
    kind: Annotated[
        Literal["working", "episodic", "semantic", "procedural", "core"],
        Field(
            description="core: profile, always shown; procedural: how-to, lesson;"
            " working: this task only"
        ),
    ] = "episodic"
    happened_at: Annotated[
        str | None, Field(description="When it happened or became true; default now")
    ] = None
    valid_until: str | None = None
    session: str | None = None
    source: Annotated[str | None, Field(description="URI it was read from")] = None
    links: Annotated[
        list[NewLink] | None,
        Field(
            description="relation: supersedes (replaces that note), supports, contradicts, causes,"
            " part_of or your own"
        ),
    ] = None
    namespace: Annotated[
        str | None, Field(description="Default: this project. user: holds in every project")
    ] = None


class RecallArguments(Arguments):
    """Arguments of `recall`."""

    query: Annotated[str | None, Field(description="A question in plain words, with names")] = None
    note_ids: Annotated[Names | None, Field(description="Read these instead")] = None
    subject: str | None = None
    tags: Names | None = None
    kind: str | None = None
    session: str | None = None
    since: Annotated[str | None, Field(description="Happened or told since")] = None
    until: str | None = None
    as_of: Annotated[str | None, Field(description="What was true then")] = None
    known_at: Annotated[str | None, Field(description="What memory believed then")] = None
    limit: Annotated[int | None, Field(json_schema_extra={"maximum": MAX_LIMIT})] = None
    max_tokens: int = 2000
    detail: Annotated[
        Literal["index", "notes", "full"],
        Field(description="index: one line each; full: history, neighbours, scores"),
    ] = "notes"
    cursor: Annotated[str | None, Field(description="From omitted")] = None
    namespace: Annotated[str | None, Field(description="*: all")] = None


class UpdateArguments(Arguments):
    """Arguments of `update`."""

    note_id: str
    content: str | None = None
    context: str | None = None
    subject: str | None = None
    tags: Names | None = None
    kind: str | None = None
    happened_at: str | None = None
    valid_until: str | None = None
    links: Annotated[list[LinkChange] | None, Field(description="Added; remove takes one out")] = (
        None
    )
    correction: bool = False
    restore_rev: int | None = None
    expected_rev: int | None = None
    reason: str | None = None


class ForgetArguments(Arguments):
    """Arguments of `forget`."""

    note_ids: Names | None = None
    query: str | None = None
    subject: str | None = None
    tags: Names | None = None
    session: str | None = None
    until: str | None = None
    erase: bool = False
    undo: bool = False
    confirm: str | None = None
    namespace: str | None = None


class Reading(Arguments):
    """A read request; it changes nothing, not even usage counts."""


class NoteReading(Reading):
    """A note with its details."""

    note_id: str


class HistoryReading(Reading):
    """A note's revisions."""

    note_id: str


class ProfileReading(Reading):
    """The profile of a namespace; empty for the caller's default."""

    namespace: str = ""


class StatsReading(Reading):
    """Counts of notes."""


class CompletionReading(Reading):
    """Completion of a partly written argument."""

    name: Literal["subject", "tags", "namespace", "id"]
    begun: str
    namespace: str = ""


class FingerprintsReading(Reading):
    """Texts that differ after a change of notes, with `links` of what is shown of others too."""

    note_ids: tuple[str, ...]
    links: bool


class VersionReading(Reading):
    """The store's version, which grows with every commit to notes."""


class WholeNoteReading(Reading):
    """A note with its links, its origin and every revision."""

    note_id: str


class AroundReading(Reading):
    """A read request in a namespace, or in all of them (`*`)."""

    namespace: str = ""


class SearchReading(AroundReading):
    """What recall answers, with the scores behind it."""

    query: str = ""
    subject: str = ""
    tag: str = ""
    tags: Names | None = None
    kind: str = ""
    session: str = ""
    since: str = ""
    until: str = ""
    as_of: str = ""
    known_at: str = ""
    limit: int = 0
    max_tokens: int | None = None
    detail: Literal["index", "notes", "full"] = "notes"


class ListReading(AroundReading):
    """A page of one namespace's notes as they are stored."""

    kind: str = ""
    tags: Names | None = None
    subject: str = ""
    session: str = ""
    state: str = ""
    since: str = ""
    until: str = ""
    after: str = ""
    limit: int | None = None


class StoredNoteReading(Reading):
    """A note as it is stored, in any state."""

    note_id: str


class TypedIdsReading(Reading):
    """The note ids that a person means."""

    typed: Names


class ShortIdsReading(Reading):
    """Note ids as they are shown to a person."""

    note_ids: Names


class TimelineReading(AroundReading):
    """A page of notes by when they happened."""

    subject: str = ""
    session: str = ""
    until: str = ""
    after: str = ""


class ReviewReading(AroundReading):
    """A page of the pairs of notes to settle."""

    offset: int = 0


class GraphReading(AroundReading):
    """The graph around something."""

    around: Literal["note", "subject", "session", "query"]
    name: str
    step: int = -1


class NamespacesReading(Reading):
    """The namespaces with their sizes."""


class RunsReading(Reading):
    """A page of runs."""

    offset: int = 0


class RunReading(Reading):
    """A run and what it changed."""

    run_id: str


class UndoArguments(Arguments):
    """Arguments of undoing a run, which is no tool."""

    run_id: str
    partial: bool = False
    """Leave notes that were changed since, instead of refusing."""


ArgumentsT = TypeVar("ArgumentsT", bound=Arguments)

ARGUMENT_SHOWN_CHARS = 80
"""Characters of a rejected value or name that an error repeats."""


def read_arguments(
    model: type[ArgumentsT], given: Mapping[str, JsonValue], *, owner: str, within: str = ""
) -> ArgumentsT:
    """Read a client's JSON object into a model.

    Args:
        model: Of a tool's arguments, or of a link.
        given: As parsed from JSON; null means absent.
        owner: For messages: `recall`, `a link`.
        within: Path of the object inside the arguments, for messages; empty at the top.

    Raises:
        UnknownNameError: An argument is unknown; the message names the nearest.
        InvalidArgumentError: A value has the wrong type, or a required one is missing.
    """
    fields = model.model_fields
    clean: dict[str, object] = {}
    for name, value in given.items():
        if name not in fields:
            if (owner, name) == ("update", "namespace"):
                raise UnknownNameError("argument", name, fields, _how_to_move(given))
            raise unknown_name("argument", name, fields, f"{owner} takes {', '.join(fields)}.")
        annotation = fields[name].annotation
        path = f"{within}{name}"
        read = None if value is None else _reader(annotation)(path, value, annotation)
        if read is not None:
            clean[name] = read
    for name, field in fields.items():
        if field.is_required() and name not in clean:
            path = f"{within}{name}"
            raise InvalidArgumentError(
                path, "it is missing", f"Pass it: {owner} cannot do without."
            )
    return model.model_validate(clean)


def _how_to_move(given: Mapping[str, JsonValue]) -> str:
    """What moves the note whose namespace somebody wanted to update."""
    words = (str(given.get(name) or "")[:ARGUMENT_SHOWN_CHARS] for name in ("note_id", "namespace"))
    note_id, namespace = (shlex.quote(word) for word in words)
    return (
        "update leaves a note in its namespace; it is moved on the command line, history included."
        f" Run it, or ask the user to: zettel move {note_id} --to {namespace}."
    )


Reader = Callable[[str, JsonValue, object], object]


def _reader(annotation: object) -> Reader:
    """The function that reads a value of a field with this annotation."""
    kind = _plain(annotation)
    if get_origin(kind) is list:
        return _read_names if get_args(kind)[0] is str else _read_links
    if kind is bool:
        return _read_flag
    return _read_number if kind is int else _read_text


def _plain(annotation: object) -> object:
    """The type of a field without `None`."""
    if isinstance(annotation, UnionType):
        return next(part for part in get_args(annotation) if part is not type(None))
    return annotation


def _read_text(path: str, value: JsonValue, annotation: object) -> object:
    text = _valid_text(path, value)
    kind = _plain(annotation)
    if get_origin(kind) is Literal:
        choices: Sequence[str] = get_args(kind)
        text = text.strip().casefold()
        if text not in choices:
            raise unknown_name(path, text, choices, f"Pass one of {', '.join(choices)}.")
    return text


def _read_number(path: str, value: JsonValue, _annotation: object) -> object:
    number = _decoded(value)
    if isinstance(number, float) and number.is_integer():
        number = int(number)
    if number is None or (isinstance(number, int) and not isinstance(number, bool)):
        return number
    raise _wrong(path, value, "a whole number", f'Pass a JSON number, as in "{path}": 10.')


def _read_flag(path: str, value: JsonValue, _annotation: object) -> object:
    flag = _decoded(value.casefold() if isinstance(value, str) else value)
    if flag is None or isinstance(flag, bool):
        return flag
    raise _wrong(path, value, "true or false", f'Pass "{path}": true, or leave it out.')


def _read_names(path: str, value: JsonValue, _annotation: object) -> object:
    items = _as_list(value, of=str)
    if items is None:
        return None
    if not isinstance(items, list):
        raise _wrong(path, value, "a list of strings", f'Pass "{path}": ["one", "two"].')
    check_length(path, items)
    return [_valid_text(f"{path}[{index}]", item) for index, item in enumerate(items)]


def _read_links(path: str, value: JsonValue, annotation: object) -> object:
    model = get_args(_plain(annotation))[0]
    assert issubclass(model, Arguments)
    items = _as_list(value, of=dict)
    if items is None:
        return None
    example = f'Pass "{path}": [{{"to": "<note id>", "relation": "supports"}}].'
    if not isinstance(items, list):
        raise _wrong(path, value, "a list of objects", example)
    check_length(path, items)
    links: list[Arguments] = []
    for index, item in enumerate(items):
        link, place = _decoded(item), f"{path}[{index}]"
        if not isinstance(link, dict):
            raise _wrong(place, item, "an object", example)
        links.append(read_arguments(model, link, owner="a link", within=f"{place}."))
    return links


def _as_list(value: JsonValue, *, of: type[str] | type[dict[str, JsonValue]]) -> JsonValue:
    """A list, given as such, as JSON text, as its only item, or as names with commas between."""
    decoded = _decoded(value)
    if decoded is None or isinstance(decoded, list):
        return decoded
    if decoded == "":
        return []
    if isinstance(decoded, of):
        return _split(decoded) if isinstance(decoded, str) else [decoded]
    # The text `123` or `true` as a tag is not JSON.
    return _split(value) if of is str and isinstance(value, str) else decoded


def _split(text: str) -> JsonValue:
    """The names of a list in one text: "a, b"; of too many one too many, which is refused."""
    return [name for part in text.split(",", MAX_LIST) if (name := part.strip())]


JSON_TEXT_MAX_CHARACTERS = 131_072
"""Characters of a text that may be JSON: the longest lists of names and links have some 100,000."""


def _decoded(value: JsonValue) -> JsonValue:
    if not isinstance(value, str) or len(value) > JSON_TEXT_MAX_CHARACTERS:
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return value


def _valid_text(path: str, value: JsonValue) -> str:
    if not isinstance(value, str):
        raise _wrong(path, value, "text", "Pass a JSON string.")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise InvalidArgumentError(
            path, "it holds half a surrogate pair", "Send valid Unicode text."
        ) from None
    return value


def _wrong(path: str, value: JsonValue, expected: str, remedy: str) -> InvalidArgumentError:
    shown = _beginning(value)
    shown = shown if len(shown) <= ARGUMENT_SHOWN_CHARS else f"{shown[:ARGUMENT_SHOWN_CHARS]}..."
    return InvalidArgumentError(path, f"{shown} is not {expected}", remedy)


def _beginning(value: JsonValue) -> str:
    """The value as JSON; of a long one the beginning."""
    if isinstance(value, str):
        return json.dumps(value[: ARGUMENT_SHOWN_CHARS + 1])
    shown = ""
    for part in json.JSONEncoder().iterencode(value):
        shown += part
        if len(shown) > ARGUMENT_SHOWN_CHARS:
            break
    return shown
