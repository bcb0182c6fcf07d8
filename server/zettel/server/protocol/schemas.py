"""Argument models of the four tools and of the read requests; their names are a contract."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from zettel.tools.validation import MAX_CONTENT, MAX_LIMIT

Names = list[str]


class Arguments(BaseModel):
    """Arguments of one call, absent ones None."""

    model_config = ConfigDict(frozen=True, strict=True)


class NewLink(Arguments):
    """A link from the note that is being told."""

    to: str
    relation: str | None = None


class LinkChange(NewLink):
    """A link to add to a stored note, or to take out of it."""

    remove: bool | None = None


class RememberArguments(Arguments):
    """Arguments of `remember`."""

    content: Annotated[
        str,
        Field(
            description="Self-contained, in the words used; names, not pronouns",
            json_schema_extra={"maxLength": MAX_CONTENT},
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
    since: Annotated[str | None, Field(description="Happened or told since then")] = None
    until: str | None = None
    as_of: Annotated[str | None, Field(description="What was true then")] = None
    known_at: Annotated[str | None, Field(description="What memory believed then")] = None
    limit: Annotated[int, Field(json_schema_extra={"maximum": MAX_LIMIT})] = 10
    max_tokens: int = 2000
    detail: Annotated[
        Literal["index", "notes", "full"],
        Field(description="index: one line each; full: history, neighbours, scores"),
    ] = "notes"
    cursor: Annotated[str | None, Field(description="Next page, from omitted")] = None
    namespace: str | None = None


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
    """Looks, and changes nothing: not even how well a note is held."""


class NoteReading(Reading):
    """A note with all that is known of it."""

    note_id: str


class HistoryReading(Reading):
    """A note's revisions."""

    note_id: str


class ProfileReading(Reading):
    """The profile of a namespace; of the caller's own if empty."""

    namespace: str = ""


class StatsReading(Reading):
    """How much is remembered."""


class CompletionReading(Reading):
    """How an argument may go on."""

    name: Literal["subject", "tags", "namespace", "id"]
    begun: str
    namespace: str = ""


class RevsReading(Reading):
    """Which revisions of notes stand now."""

    note_ids: tuple[str, ...]


class VersionReading(Reading):
    """A number that grows with every commit to notes, whoever makes it."""
