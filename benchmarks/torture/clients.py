"""Four clients: the SDK's and bare pipes, each in both eras of the protocol."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol, TextIO, get_args

from mcp import Client, MCPError, StdioServerParameters
from mcp.client.stdio import stdio_client
from pydantic import JsonValue

from benchmarks.torture.errors import CallFailedError, RefusedError, SendAgainError
from benchmarks.torture.pipes import Pipes, open_pipes

Kind = Literal["pipes-legacy", "pipes-modern", "sdk-legacy", "sdk-modern"]
KINDS: tuple[Kind, ...] = get_args(Kind)

MODERN = "2026-07-28"
META: dict[str, JsonValue] = {
    "io.modelcontextprotocol/protocolVersion": MODERN,
    "io.modelcontextprotocol/clientInfo": {"name": "torture", "version": "1"},
    "io.modelcontextprotocol/clientCapabilities": {},
}
"""What every request of the modern era brings along."""

HANDSHAKE: dict[str, JsonValue] = {
    "protocolVersion": "2025-11-25",
    "capabilities": {},
    "clientInfo": {"name": "torture", "version": "1"},
}

AGAIN = "again"
"""Word of the error of a call that was lost twice; any other error is a failure."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """How to start the command, on which store, as whom."""

    command: Sequence[str]
    environment: Mapping[str, str]
    cwd: Path
    log: Path
    """Where every process started writes its standard error."""


class Caller(Protocol):
    """A client of either make and era."""

    @property
    def unexpected(self) -> int:
        """Answers to what was never asked, or was answered before; the SDK hides them: 0."""
        ...

    async def call(self, name: str, **arguments: JsonValue) -> Mapping[str, JsonValue]:
        """Call one tool; its structured answer.

        Raises:
            SendAgainError: It may have been stored and is to be sent again.
            RefusedError: The tool answered with an error.
            CallFailedError: Anything else.
        """
        ...


@asynccontextmanager
async def connected(kind: Kind, launch: Launch) -> AsyncGenerator[Caller]:
    """Start a client of this kind with a server of its own; it has been greeted.

    Raises:
        CallFailedError: The server did not greet it.
    """
    make, era = kind.split("-")
    with launch.log.open("a", encoding="utf-8") as log:
        if make == "sdk":
            async with _sdk(launch, log, "auto" if era == "modern" else "legacy") as client:
                yield client
        else:
            async with open_pipes(
                launch.command, env=launch.environment, cwd=launch.cwd, log=log
            ) as pipes:
                client = PipeClient(pipes, modern=era == "modern")
                await client.greet()
                yield client


class PipeClient:
    """Bare pipes and nothing between: what is answered twice shows."""

    def __init__(self, pipes: Pipes, *, modern: bool) -> None:
        self._pipes = pipes
        self._modern = modern

    @property
    def unexpected(self) -> int:
        """Answers to what was never asked, or was answered before."""
        return self._pipes.unexpected

    async def greet(self) -> None:
        """Shake hands, or ask what the server can do.

        Raises:
            CallFailedError: The server refused.
        """
        if self._modern:
            await self._ask("server/discover", {})
            return
        await self._ask("initialize", HANDSHAKE)
        await self._pipes.say({"jsonrpc": "2.0", "method": "notifications/initialized"})

    async def call(self, name: str, **arguments: JsonValue) -> Mapping[str, JsonValue]:
        """Call one tool; its structured answer."""
        result = await self._ask("tools/call", {"name": name, "arguments": arguments})
        content = result.get("structuredContent")
        if result.get("isError") or not isinstance(content, dict):
            raise RefusedError(str(result))
        return content

    async def _ask(self, method: str, params: Mapping[str, JsonValue]) -> Mapping[str, JsonValue]:
        given = {**params, "_meta": META} if self._modern else dict(params)
        answer = await self._pipes.ask(method, given)
        result = answer.get("result")
        if not isinstance(result, dict):
            raise _failure(str(answer.get("error")))
        return result


class SdkClient:
    """The client applications are built with."""

    unexpected = 0

    def __init__(self, client: Client) -> None:
        self._client = client

    async def call(self, name: str, **arguments: JsonValue) -> Mapping[str, JsonValue]:
        """Call one tool; its structured answer."""
        try:
            result = await self._client.call_tool(name, arguments)
        except MCPError as error:
            raise _failure(str(error)) from error
        content: Mapping[str, JsonValue] | None = result.structured_content
        if result.is_error or content is None:
            raise RefusedError(str(result.content))
        return content


def _failure(problem: str) -> SendAgainError | CallFailedError:
    return SendAgainError(problem) if AGAIN in problem else CallFailedError(problem)


@asynccontextmanager
async def _sdk(
    launch: Launch, log: TextIO, mode: Literal["auto", "legacy"]
) -> AsyncGenerator[SdkClient]:
    parameters = StdioServerParameters(
        command=launch.command[0],
        args=list(launch.command[1:]),
        env=dict(launch.environment),
        cwd=launch.cwd,
    )
    async with Client(stdio_client(parameters, errlog=log), mode=mode) as client:
        yield SdkClient(client)
