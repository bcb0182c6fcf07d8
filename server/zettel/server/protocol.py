"""The MCP server object: lists the four tools, reads calls, writes answers; knows no transport."""

import json
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata
from typing import Protocol

from mcp.server import Server, ServerRequestContext
from mcp.server.caching import CacheHint
from mcp.types import (
    CallToolRequestParams,
    CallToolResult,
    ListToolsResult,
    PaginatedRequestParams,
    TextContent,
)

from zettel.server.arguments import read_arguments
from zettel.server.principal import bearer_of
from zettel.server.prompts import get_prompt, list_prompts
from zettel.server.schemas import Arguments
from zettel.server.texts import INSTRUCTIONS
from zettel.server.toolbox import TOOLS, find_tool
from zettel.storage.errors import ZettelError
from zettel.storage.notes import Origin
from zettel.tools.caller import Caller

logger = logging.getLogger(__name__)

TOOLS_TTL_MS = 3_600_000
"""Milliseconds a client may keep the list of tools; it changes with a new version only."""

CLIENT_NAME_LENGTH = 64
"""Characters kept of the name a client gives itself."""


class Engine(Protocol):
    """What carries a call out, in this process or in another."""

    async def call(self, arguments: Arguments, caller: Caller) -> Mapping[str, object]:
        """Carry out one tool call.

        Raises:
            ZettelError: It cannot be done; the text says what to do instead.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """How callers of one server object come in, and what they get when they name nothing."""

    transport: str
    """`stdio`, `http` or `sse`."""
    namespace: str
    session: str = ""
    principal: str = "local"


def version() -> str:
    """The installed version of Zettel."""
    return metadata.version("zettel-mcp")


def create_server(engine: Engine, door: Door) -> Server:
    """Make the server object that every connection through one door shares."""

    async def list_tools(
        _context: ServerRequestContext, _params: PaginatedRequestParams | None
    ) -> ListToolsResult:
        return ListToolsResult(tools=[entry.advertised for entry in TOOLS.values()])

    async def call_tool(
        context: ServerRequestContext, params: CallToolRequestParams
    ) -> CallToolResult:
        started = time.perf_counter()
        result = await _answer(engine, _caller(door, context), params)
        logger.info(
            "tool=%s outcome=%s milliseconds=%.0f",
            params.name if params.name in TOOLS else "unknown",
            "error" if result.is_error else "ok",
            (time.perf_counter() - started) * 1000,
        )
        return result

    return Server(
        "zettel",
        version=version(),
        title="Zettel",
        instructions=INSTRUCTIONS,
        cache_hints={"tools/list": CacheHint(ttl_ms=TOOLS_TTL_MS, scope="public")},
        on_list_tools=list_tools,
        on_call_tool=call_tool,
        on_list_prompts=list_prompts,
        on_get_prompt=get_prompt,
    )


async def _answer(engine: Engine, caller: Caller, params: CallToolRequestParams) -> CallToolResult:
    try:
        tool = find_tool(params.name)
        arguments = read_arguments(
            tool.arguments, params.arguments or {}, owner=tool.advertised.name
        )
        answer = await engine.call(arguments, caller)
    except ZettelError as error:
        return _failed(str(error))
    except Exception:
        # The last line before the client: a bug must cost this call only, and never leak.
        logger.exception("tool=%s failed inside", params.name if params.name in TOOLS else "")
        return _failed(
            f"Zettel failed inside {params.name}; its log says why. What the call was to change may"
            " have been stored. It is safe to make the same call again."
        )
    text = json.dumps(answer, ensure_ascii=False, separators=(",", ":"))
    return CallToolResult(content=[TextContent(text=text)], structured_content=answer)


def _failed(text: str) -> CallToolResult:
    # A name or value from the call may hold what no JSON text can.
    sendable = text.encode("utf-8", "backslashreplace").decode()
    return CallToolResult(content=[TextContent(text=sendable)], is_error=True)


def _caller(door: Door, context: ServerRequestContext) -> Caller:
    params = context.session.client_params
    client = params.client_info.name[:CLIENT_NAME_LENGTH] if params else ""
    bearer = bearer_of(context)
    principal = bearer.name if bearer else door.principal
    return Caller(
        namespace=bearer.default_namespace if bearer else door.namespace,
        session=door.session,
        origin=Origin(client=client, transport=door.transport, principal=principal),
        reach=bearer.reach if bearer else None,
    )
