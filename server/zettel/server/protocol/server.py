"""The MCP server object: tools, resources, prompts, subscriptions, progress; no transport.

The four tools are advertised with compact schemas.
"""

import json
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from importlib import metadata
from typing import Protocol, TypeVar

import anyio
from mcp.server import Server, ServerRequestContext
from mcp.server.caching import CacheableMethod, CacheHint
from mcp.shared.exceptions import MCPError
from mcp.types import (
    INTERNAL_ERROR,
    CallToolRequestParams,
    CallToolResult,
    ListToolsResult,
    PaginatedRequestParams,
    TextContent,
    Tool,
    ToolAnnotations,
)
from pydantic import BaseModel, JsonValue, TypeAdapter

from zettel.server.observability.request_log import Counters, RequestLog, note_failure
from zettel.server.protocol import texts
from zettel.server.protocol.json_text import json_safe
from zettel.server.protocol.principal import bearer_of, client_namespace
from zettel.server.protocol.prompts import get_prompt, list_prompts
from zettel.server.protocol.resources import complete, list_resources, list_templates, read_resource
from zettel.server.protocol.schemas import (
    Arguments,
    ForgetArguments,
    Reading,
    RecallArguments,
    RememberArguments,
    UpdateArguments,
    read_arguments,
)
from zettel.server.protocol.subscriptions import ChangeFeed, Subscriptions
from zettel.server.protocol.texts import INSTRUCTIONS
from zettel.storage.errors import ZettelError
from zettel.storage.notes import Origin
from zettel.tools.answers import ForgetAnswer, RecallAnswer, RememberAnswer, UpdateAnswer
from zettel.tools.caller import LOCAL, Caller
from zettel.tools.namespace_names import Project
from zettel.tools.printable import printable
from zettel.tools.progress import AT_WORK, reporting_to
from zettel.tools.render import count_tokens
from zettel.tools.validation import MIN_TOKENS, unknown_name

DROPPED = frozenset(
    {
        "$defs",
        "exclusiveMinimum",
        "format",
        "minItems",
        "minLength",
        "minimum",
        "title",
    }
)
"""Keys without use to an agent; some clients reject `format` and bounds."""

JsonObject = dict[str, JsonValue]


def compact_schema(model: type[BaseModel]) -> JsonObject:
    """The advertised input schema of a tool.

    Returns:
        `type`, `properties` and `required`, without titles, null branches, references, formats
        and lower bounds.
    """
    full: JsonObject = model.model_json_schema()
    definitions = full.get("$defs")
    small = _compact(full, definitions if isinstance(definitions, dict) else {})
    small.pop("description", None)
    return small


def _compact(node: Mapping[str, JsonValue], definitions: Mapping[str, JsonValue]) -> JsonObject:
    node = _without_null(node)
    reference = node.get("$ref")
    if isinstance(reference, str):
        target = definitions[reference.rsplit("/", 1)[-1]]
        assert isinstance(target, dict)
        kept = {key: value for key, value in target.items() if key != "description"}
        return _compact(kept | {k: v for k, v in node.items() if k != "$ref"}, definitions)
    small: JsonObject = {}
    for key, value in node.items():
        if key in DROPPED or (key == "default" and value in (None, False)):
            continue
        if key == "properties" and isinstance(value, dict):
            small[key] = {
                name: _compact(inner, definitions)
                for name, inner in value.items()
                if isinstance(inner, dict)
            }
        elif key == "items" and isinstance(value, dict):
            small[key] = _compact(value, definitions)
        else:
            small[key] = value
    return small


def _without_null(node: Mapping[str, JsonValue]) -> Mapping[str, JsonValue]:
    branches = node.get("anyOf")
    if not isinstance(branches, Sequence) or isinstance(branches, str):
        return node
    kept = [b for b in branches if isinstance(b, dict) and b.get("type") != "null"]
    if len(kept) != 1:
        return node
    return kept[0] | {key: value for key, value in node.items() if key != "anyOf"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolEntry:
    """One tool: its advertised form and the model of its arguments."""

    advertised: Tool
    arguments: type[Arguments]


def _tool(
    name: str,
    description: str,
    arguments: type[Arguments],
    answer: type[object],
    *,
    read_only: bool = False,
    destructive: bool = False,
) -> ToolEntry:
    advertised = Tool(
        name=name,
        description=description,
        input_schema=compact_schema(arguments),
        output_schema=TypeAdapter(answer).json_schema(),
        annotations=ToolAnnotations(
            read_only_hint=read_only,
            destructive_hint=destructive,
            idempotent_hint=True,
            open_world_hint=False,
        ),
    )
    return ToolEntry(advertised=advertised, arguments=arguments)


TOOLS: dict[str, ToolEntry] = {
    entry.advertised.name: entry
    for entry in (
        _tool("remember", texts.REMEMBER, RememberArguments, RememberAnswer),
        _tool("recall", texts.RECALL, RecallArguments, RecallAnswer, read_only=True),
        _tool("update", texts.UPDATE, UpdateArguments, UpdateAnswer),
        _tool("forget", texts.FORGET, ForgetArguments, ForgetAnswer, destructive=True),
    )
}
"""By name, in the listed order: the most used first."""


def find_tool(name: str) -> ToolEntry:
    """The tool of this name.

    Raises:
        UnknownNameError: There is none; the message names the nearest.
    """
    if name in TOOLS:
        return TOOLS[name]
    raise unknown_name("tool", name, TOOLS, f"The tools are {', '.join(TOOLS)}.")


logger = logging.getLogger(__name__)

PROGRESS_INTERVAL_S = 2.0
"""Seconds between two progress notifications; clients time out after 60 s of silence by default
(MCP TypeScript SDK)."""

Answer = TypeVar("Answer")


async def with_progress(
    context: ServerRequestContext, work: Callable[[], Awaitable[Answer]]
) -> Answer:
    """Carry out work; meanwhile send progress notifications if the client requested them.

    Args:
        context: Of the request; progress is sent if it has a `progressToken`.
        work: Reports its state with `zettel.tools.progress.report_progress`.
    """
    if not (context.meta and "progress_token" in context.meta):
        return await work()
    latest = _LatestProgress()
    async with anyio.create_task_group() as reporting:
        reporting.start_soon(_report_progress, context, latest)
        try:
            with reporting_to(latest.set):
                return await work()
        finally:
            reporting.cancel_scope.cancel()
    raise AssertionError  # not reachable: the task group returns or raises


class _LatestProgress:
    """The latest progress text of a call."""

    def __init__(self) -> None:
        self.text = AT_WORK
        self.changed = anyio.Event()

    def set(self, text: str) -> None:
        self.text = text
        self.changed.set()


async def _report_progress(context: ServerRequestContext, latest: _LatestProgress) -> None:
    began = last = anyio.current_time()
    while True:
        with anyio.move_on_after(PROGRESS_INTERVAL_S):
            await latest.changed.wait()
        latest.changed = anyio.Event()
        # Progress must increase, also within one tick of the clock.
        last = max(anyio.current_time(), last + 0.001)
        await context.session.report_progress(round(last - began, 3), None, latest.text)


LISTS_TTL_MS = 3_600_000
"""Milliseconds a client may cache a list; lists change only with a new version."""

CACHEABLE_METHODS: tuple[CacheableMethod, ...] = (
    "tools/list",
    "prompts/list",
    "resources/list",
    "resources/templates/list",
    "server/discover",
)
"""Methods with the same answer for all callers."""

CLIENT_NAME_MAX_CHARS = 64
"""Kept characters of a client's name."""


class Engine(Protocol):
    """Carries out calls."""

    async def call(self, arguments: Arguments, caller: Caller) -> Mapping[str, object]:
        """Carry out one tool call or reading.

        Raises:
            ZettelError: It cannot be done; the text names the next step.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientDefaults:
    """Transport of one server object's callers, and the defaults of their calls."""

    transport: str
    """`stdio`, `http` or `sse`."""
    namespace: str
    project: Project | None = None
    """Decides on the namespace in its place."""
    session: str = ""
    notice: str = ""
    """Told with the first answer of a tool; empty for none."""
    principal: str = LOCAL
    counters: Counters = field(default_factory=Counters)
    """Counts requests."""


def version() -> str:
    """The installed version of Zettel."""
    return metadata.version("zettel-mcp")


def create_server(
    engine: Engine, defaults: ClientDefaults, feed: ChangeFeed | None = None
) -> Server:
    """Make the MCP server object that all connections with the same defaults share.

    Without a feed there are no subscriptions.
    """
    serving = _Serving(engine, defaults, [defaults.notice] if defaults.notice else [])
    changes = feed and Subscriptions(
        feed, partial(_caller, defaults), ends_streams=defaults.transport != "stdio"
    )
    server = Server(
        "zettel",
        version=version(),
        title="Zettel",
        instructions=INSTRUCTIONS,
        cache_hints=dict.fromkeys(
            CACHEABLE_METHODS, CacheHint(ttl_ms=LISTS_TTL_MS, scope="public")
        ),
        on_list_tools=list_tools,
        on_call_tool=serving.call_tool,
        on_list_resources=list_resources,
        on_list_resource_templates=list_templates,
        on_read_resource=partial(read_resource, serving.read),
        on_subscribe_resource=changes.subscribe if changes else None,
        on_unsubscribe_resource=changes.unsubscribe if changes else None,
        on_subscriptions_listen=changes.listen if changes else None,
        on_list_prompts=list_prompts,
        on_get_prompt=get_prompt,
        on_completion=partial(complete, serving.read),
    )
    who = partial(_origin, defaults)
    server.middleware[:] = [
        RequestLog(defaults.transport, frozenset(TOOLS), defaults.counters, who),
        *([changes.follow_reach] if changes else []),
    ]
    return server


async def list_tools(
    _context: ServerRequestContext, _params: PaginatedRequestParams | None
) -> ListToolsResult:
    """The four tools."""
    return ListToolsResult(tools=[entry.advertised for entry in TOOLS.values()])


@dataclass(frozen=True, slots=True)
class _Serving:
    """Handlers that pass calls and readings to the engine."""

    engine: Engine
    defaults: ClientDefaults
    notices: list[str]
    """Not told yet."""

    async def call_tool(
        self, context: ServerRequestContext, params: CallToolRequestParams
    ) -> CallToolResult:
        caller = _caller(self.defaults, context)
        answer = partial(_answer, self.engine, caller, params, self.notices)
        return await with_progress(context, answer)

    async def read(self, context: ServerRequestContext, reading: Reading) -> Mapping[str, object]:
        try:
            return await self.engine.call(reading, _caller(self.defaults, context))
        except ZettelError as error:
            note_failure(error)
            raise
        except Exception:
            # As for a tool call: a bug fails this request only.
            logger.exception("reading=%s failed inside", type(reading).__name__)
            message = "Zettel failed inside; its log says why. It is safe to ask again."
            raise MCPError(code=INTERNAL_ERROR, message=message) from None


async def _answer(
    engine: Engine, caller: Caller, params: CallToolRequestParams, notices: list[str]
) -> CallToolResult:
    try:
        tool = find_tool(params.name)
        arguments = read_arguments(
            tool.arguments, params.arguments or {}, owner=tool.advertised.name
        )
        told = notices[:1]
        if told and (arguments_with_room := _with_room(arguments, told[0])):
            answer = await engine.call(arguments_with_room, caller)
            own = (answer["notice"],) if "notice" in answer else ()
            answer = {**answer, "notice": " ".join(map(str, (*told, *own)))}
            notices.clear()
        else:
            answer = await engine.call(arguments, caller)
    except ZettelError as error:
        note_failure(error)
        return _failed(str(error))
    except Exception as error:
        # A bug must fail this call only, and its text may hold notes.
        note_failure(error)
        logger.exception("tool=%s failed inside", params.name if params.name in TOOLS else "")
        return _failed(
            f"Zettel failed inside {params.name}; its log says why. What the call was to change may"
            " have been stored. It is safe to make the same call again."
        )
    text = json.dumps(answer, ensure_ascii=False, separators=(",", ":"))
    return CallToolResult(content=[TextContent(text=text)], structured_content=answer)


def _with_room(arguments: Arguments, notice: str) -> Arguments | None:
    """The arguments with a budget that leaves room for a notice; None if there is none."""
    if not isinstance(arguments, RecallArguments):
        return arguments
    left = arguments.max_tokens - count_tokens({"notice": notice})
    if arguments.cursor or left < MIN_TOKENS:
        return None
    return arguments.model_copy(update={"max_tokens": left})


def _failed(text: str) -> CallToolResult:
    # A name or value from the call may hold half a surrogate pair.
    return CallToolResult(content=[TextContent(text=json_safe(text))], is_error=True)


def _origin(defaults: ClientDefaults, context: ServerRequestContext) -> Origin:
    params = context.session.client_params
    client = printable(params.client_info.name[:CLIENT_NAME_MAX_CHARS]) if params else ""
    bearer = bearer_of(context)
    principal = bearer.name if bearer else defaults.principal
    return Origin(client=client, transport=defaults.transport, principal=principal)


def _caller(defaults: ClientDefaults, context: ServerRequestContext) -> Caller:
    bearer = bearer_of(context)
    return Caller(
        namespace=client_namespace(context)
        or (bearer.default_namespace if bearer else defaults.namespace),
        project=None if bearer else defaults.project,
        session=defaults.session,
        origin=_origin(defaults, context),
        reach=bearer.reach if bearer else None,
    )
