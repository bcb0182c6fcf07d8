"""MCP resources as JSON (note, history, profile, counts) and completion of arguments.

Notes are not listed one by one: a client finds them with `recall` and reads them by template.
Access is the same as for `recall`.
"""

import json
import re
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Literal

from mcp.server import ServerRequestContext
from mcp.types import (
    Annotations,
    CompleteRequestParams,
    CompleteResult,
    Completion,
    ListResourcesResult,
    ListResourceTemplatesResult,
    PaginatedRequestParams,
    PromptReference,
    ReadResourceRequestParams,
    ReadResourceResult,
    Resource,
    ResourceTemplate,
    TextResourceContents,
)

from zettel.server.protocol.errors import as_mcp_error, unknown_uri
from zettel.server.protocol.prompts import find_prompt
from zettel.server.protocol.schemas import (
    CompletionReading,
    HistoryReading,
    NoteReading,
    ProfileReading,
    Reading,
    StatsReading,
)
from zettel.storage.errors import UnknownNameError, ZettelError
from zettel.tools.validation import NAMESPACE

Read = Callable[[ServerRequestContext, Reading], Awaitable[Mapping[str, object]]]
"""Carries out a reading with the access of the request's caller."""

MIME_TYPE = "application/json"

NOTE_URI = "memory://note/{id}"
HISTORY_URI = "memory://note/{id}/history"
PROFILE_URI = "memory://profile"
NAMESPACE_PROFILE_URI = "memory://profile/{namespace}"
STATS_URI = "memory://stats"

_NOTE = re.compile(r"memory://note/(?P<id>[0-9A-Za-z]{26})(?P<history>/history)?")
_PROFILE = re.compile(rf"memory://profile(?:/(?P<namespace>{NAMESPACE.pattern}))?")

_FOR_ALL = Annotations(audience=["user", "assistant"])
_resource = partial(Resource, mime_type=MIME_TYPE, annotations=_FOR_ALL)
_template = partial(ResourceTemplate, mime_type=MIME_TYPE, annotations=_FOR_ALL)

RESOURCES = (
    _resource(
        uri=PROFILE_URI,
        name="profile",
        title="Profile",
        description="What always holds, of the user and of this project: notes of kind core.",
    ),
    _resource(
        uri=STATS_URI,
        name="stats",
        title="Counts",
        description="How many notes there are, by namespace and kind; commonest subjects and tags.",
    ),
)

TEMPLATES = (
    _template(
        uri_template=NOTE_URI,
        name="note",
        title="Note",
        description="One note with its links, provenance and what was derived of it.",
    ),
    _template(
        uri_template=HISTORY_URI,
        name="history",
        title="History of a note",
        description="Every revision of a note: when, by whom, why, and what it changed.",
    ),
    _template(
        uri_template=NAMESPACE_PROFILE_URI,
        name="profile-of-namespace",
        title="Profile of a namespace",
        description="What always holds in another namespace.",
    ),
)


def parse_uri(uri: str) -> Reading | None:
    """The reading for a URI; None if no resource has this form."""
    plain = uri.removesuffix("/")
    if found := _NOTE.fullmatch(plain):
        kind = HistoryReading if found["history"] else NoteReading
        return kind(note_id=found["id"].upper())
    if found := _PROFILE.fullmatch(plain):
        return ProfileReading(namespace=found["namespace"] or "")
    return StatsReading() if plain == STATS_URI else None


async def list_resources(
    _context: ServerRequestContext, _params: PaginatedRequestParams | None
) -> ListResourcesResult:
    """The fixed resources, the same for all callers."""
    return ListResourcesResult(resources=list(RESOURCES))


async def list_templates(
    _context: ServerRequestContext, _params: PaginatedRequestParams | None
) -> ListResourceTemplatesResult:
    """The templates of all other resources."""
    return ListResourceTemplatesResult(resource_templates=list(TEMPLATES))


async def read_resource(
    read: Read, context: ServerRequestContext, params: ReadResourceRequestParams
) -> ReadResourceResult:
    """One resource as JSON, not cacheable.

    Raises:
        MCPError: The caller can see no such resource, or the store cannot be read.
    """
    reading = parse_uri(params.uri)
    if reading is None:
        raise unknown_uri(
            params.uri, f"Read {PROFILE_URI}, {STATS_URI}, {NOTE_URI} or {HISTORY_URI}."
        )
    try:
        shown = await read(context, reading)
    except ZettelError as error:
        raise as_mcp_error(error, uri=params.uri) from None
    text = json.dumps(shown, ensure_ascii=False, separators=(",", ":"))
    contents = TextResourceContents(uri=params.uri, mime_type=MIME_TYPE, text=text)
    return ReadResourceResult(contents=[contents], ttl_ms=0, cache_scope="private")


_VARIABLES: Mapping[str, str] = {
    NOTE_URI: "id",
    HISTORY_URI: "id",
    NAMESPACE_PROFILE_URI: "namespace",
}


async def complete(
    read: Read, context: ServerRequestContext, params: CompleteRequestParams
) -> CompleteResult:
    """Values for a partly written argument, best first, at most 100.

    Raises:
        MCPError: Unknown prompt, template or argument, or the store cannot be read.
    """
    try:
        name = _name(params)
        given = (params.context.arguments if params.context else None) or {}
        namespace = "" if name == "namespace" else given.get("namespace", "")
        begun = params.argument.value
        reading = CompletionReading(name=name, begun=begun, namespace=namespace)
        found = await read(context, reading)
    except ZettelError as error:
        raise as_mcp_error(error) from None
    completion = Completion.model_validate(found)
    completion.has_more = (completion.total or 0) > len(completion.values)
    return CompleteResult(completion=completion)


def _name(params: CompleteRequestParams) -> Literal["subject", "tags", "namespace", "id"]:
    """The kind of name that is completed.

    Raises:
        UnknownNameError: The prompt or template has no such argument.
        MCPError: There is no such template.
    """
    argument = params.argument.name
    if isinstance(params.ref, PromptReference):
        known = [a.name for a in find_prompt(params.ref.name).prompt.arguments or []]
    elif params.ref.uri in _VARIABLES:
        known = [_VARIABLES[params.ref.uri]]
    else:
        raise unknown_uri(params.ref.uri, f"The templates are {', '.join(_VARIABLES)}.")
    match argument:
        case "subject" | "tags" | "namespace" | "id" if argument in known:
            return argument
        case _:
            raise UnknownNameError("argument", argument[:80], known, f"It has {', '.join(known)}.")


assert set(_VARIABLES) == {template.uri_template for template in TEMPLATES}
