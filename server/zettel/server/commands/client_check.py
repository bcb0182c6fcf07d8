"""`zettel doctor --client`: starts what a client's configuration says, and calls the tools."""

from collections.abc import Mapping
from dataclasses import dataclass
from time import perf_counter
from typing import cast

import anyio
from mcp import Client
from mcp.client.stdio import StdioServerParameters
from mcp.client.streamable_http import streamable_http_client
from mcp.shared._httpx_utils import create_mcp_http_client
from mcp.types import TextContent

from zettel.server.commands.clients import Entry, McpClient, read_entry
from zettel.server.commands.output import Output, number_of

CHECK_S = 60.0
"""Seconds until a server that does not answer counts as failed; clients give it 60, too (MCP
TypeScript SDK)."""
NEEDED_TOOLS = ("remember", "recall", "update", "forget")


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientCheck:
    """The result of starting a client's entry."""

    client: str
    file: str
    steps: tuple[str, ...]
    """The steps that worked, in order."""
    problem: str = ""
    """Why it went no further, and what to do; empty if all worked."""

    @property
    def is_clean(self) -> bool:
        """Whether the client can use the four tools."""
        return not self.problem


async def check_client(name: str, client: McpClient) -> ClientCheck:
    """Read a client's entry, start or reach the server it names, and call `recall`.

    Raises:
        InvalidArgumentError: The client's file cannot be read.
    """
    entry, steps, began = read_entry(client), list[str](), perf_counter()
    file = str(client.file())
    if entry is None:
        problem = f"{client.title} does not know Zettel. Run: zettel install {name}"
        return ClientCheck(client=name, file=file, steps=(), problem=problem)
    try:
        with anyio.fail_after(CHECK_S):
            await _call(entry, steps)
    except TimeoutError:
        problem = f"no answer within {CHECK_S:.0f} s. Run: zettel doctor"
    except Exception as error:  # of the transport, the process or the protocol
        problem = f"{_reason(error)}. Mend it, or run: zettel install {name}"
    else:
        took = perf_counter() - began
        return ClientCheck(client=name, file=file, steps=(*steps, f"all of it took {took:.1f} s"))
    return ClientCheck(client=name, file=file, steps=tuple(steps), problem=problem)


async def _call(entry: Entry, steps: list[str]) -> None:
    """Connect as the entry says, list the tools, and recall; each step is added once it worked."""
    if url := _text(entry, "url", "serverUrl", "httpUrl"):
        headers = cast("dict[str, str]", entry.get("headers") or {})
        async with create_mcp_http_client(headers=headers) as http:
            await _use(streamable_http_client(url, http_client=http), url, steps)
        return
    if not (command := _text(entry, "command")):
        message = "Zettel's entry names neither a command nor a URL"
        raise ValueError(message)
    arguments = [str(each) for each in cast("list[object]", entry.get("args") or [])]
    env = {k: str(v) for k, v in cast("Mapping[str, object]", entry.get("env") or {}).items()}
    server = StdioServerParameters(command=command, args=arguments, env=env or None)
    await _use(server, " ".join((command, *arguments)), steps)


async def _use(server: object, spelled: str, steps: list[str]) -> None:
    async with Client(server) as client:  # pyright: ignore[reportArgumentType]: one of two kinds
        steps.append(f"connected: {spelled}")
        names = {tool.name for tool in (await client.list_tools()).tools}
        if missing := [tool for tool in NEEDED_TOOLS if tool not in names]:
            message = f"the server lacks the tools {', '.join(missing)}: it is not Zettel"
            raise ValueError(message)
        steps.append(f"tools: {', '.join(NEEDED_TOOLS)}")
        answer = await client.call_tool("recall", {})
        if answer.is_error:
            raise ValueError(" ".join(c.text for c in answer.content if isinstance(c, TextContent)))
        content = cast("Mapping[str, object]", answer.structured_content or {})
        notes = cast("list[object]", content.get("notes", []))
        steps.append(f"recall answered, with {number_of(len(notes), 'note')}")


def _text(entry: Entry, *names: str) -> str:
    return next((str(entry[name]) for name in names if entry.get(name)), "")


def _reason(error: BaseException) -> str:
    """The innermost reason: the SDK wraps errors in groups."""
    while isinstance(error, BaseExceptionGroup):
        error = cast("BaseException", error.exceptions[0])
    return " ".join(f"{error}".split()).removesuffix(".") or type(error).__name__


def check_output(check: ClientCheck) -> Output:
    """The printed result."""
    lines = [f"{check.file}", *(f"  {step}" for step in check.steps)]
    lines.append(f"problem: {check.problem}" if check.problem else "The client can use Zettel.")
    data = {
        "client": check.client,
        "file": check.file,
        "steps": list(check.steps),
        "problem": check.problem,
    }
    return Output(data, "\n".join(lines))
