"""Starts the real server on a store, connects a real client to it, and stops it."""

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Literal, TextIO

import anyio
import anyio.to_thread
import httpx2
from anyio.abc import Process
from mcp import Client, MCPError, StdioServerParameters
from mcp.client import Transport as ClientTransport
from mcp.client.sse import sse_client
from mcp.client.stdio import stdio_client

from benchmarks.retrieval.errors import BenchmarkError, ServerError
from benchmarks.retrieval.machine import STORE_VARIABLE

Transport = Literal["stdio", "attach", "http", "sse"]
"""`stdio` is a server of the client's own, `attach` one that hands on to the store's engine."""

_HOST = "127.0.0.1"
_START_SECONDS = 120.0
"""A cold start imports LanceDB and the embedding library: up to half a minute on two busy cores."""
_STOP_SECONDS = 30.0
_CALL_SECONDS = 300.0
"""Longest wait for one answer; a server that needs longer has failed."""
_POLL_SECONDS = 0.1
_LOST = (MCPError, OSError, httpx2.TransportError)
"""What the SDK's client ends with when the server does not connect or goes away."""
_LOG_TAIL = 2_000
"""Characters of the log that an error shows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """How to run Zettel's command on one store."""

    command: Path
    store: Path
    log: Path
    """Where every process started writes its stderr."""

    @property
    def environment(self) -> dict[str, str]:
        """This process's environment with the store set."""
        return {**os.environ, STORE_VARIABLE: str(self.store)}

    def open_log(self) -> TextIO:
        """The log, for appending."""
        return self.log.open("a", encoding="utf-8")

    def log_tail(self) -> str:
        """The end of the log, empty if nothing was logged."""
        if not self.log.exists():
            return ""
        return self.log.read_text(encoding="utf-8", errors="replace")[-_LOG_TAIL:].strip()


def find_command() -> Path:
    """The `zettel` that is installed beside this Python.

    Raises:
        ServerError: There is none.
    """
    place = Path(sys.executable).parent
    found = shutil.which("zettel", path=str(place))
    if found is None:
        doing, problem = "Finding the command zettel", f"it is not in {place}; run make install"
        raise ServerError(doing, problem)
    return Path(found)


@asynccontextmanager
async def connect(launch: Launch, transport: Transport) -> AsyncGenerator[Client]:
    """A client connected to a server of its own, which stops when the block ends.

    Raises:
        ServerError: The server does not come up, or goes away.
    """
    doing = f"Talking to zettel over {transport}"
    failure: BenchmarkError | None = None
    try:
        with launch.open_log() as log:
            async with _reach(launch, transport, log) as server:
                async with Client(server, read_timeout_seconds=_CALL_SECONDS) as client:
                    # Raised within, the SDK's task groups would wrap an error of the block.
                    try:
                        yield client
                    except BenchmarkError as error:
                        failure = error
                    except MCPError as error:
                        failure = ServerError(doing, str(error), launch.log_tail())
    except (*_LOST, ExceptionGroup) as error:
        if isinstance(error, ExceptionGroup) and error.split(_LOST)[1] is not None:
            raise
        raise ServerError(doing, "the connection failed", launch.log_tail()) from error
    if failure is not None:
        raise failure


@asynccontextmanager
async def _reach(
    launch: Launch, transport: Transport, log: TextIO
) -> AsyncGenerator[ClientTransport | str]:
    """What the client has to connect to."""
    if transport in ("stdio", "attach"):
        # The SDK hands a child six variables only; the settings have to be named.
        settings = _settings(launch.environment)
        # A server of this client's own ends with it and takes these settings.
        args = ["--in-process"] if transport == "stdio" else []
        parameters = StdioServerParameters(command=str(launch.command), args=args, env=settings)
        try:
            yield stdio_client(parameters, errlog=log)
        finally:
            if transport == "attach":
                await _stop_engine(launch, log)
        return
    async with _serve(launch, log) as address:
        yield f"{address}/mcp" if transport == "http" else sse_client(f"{address}/sse")


async def _stop_engine(launch: Launch, log: TextIO) -> None:
    """An engine outlives its clients; the store is about to go."""
    command = [str(launch.command), "stop"]
    with anyio.move_on_after(_STOP_SECONDS, shield=True):
        await anyio.run_process(command, check=False, stderr=log, env=launch.environment)


def _settings(environment: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in environment.items() if name.startswith("ZETTEL_")}


@asynccontextmanager
async def _serve(launch: Launch, log: TextIO) -> AsyncGenerator[str]:
    port = _free_port()
    process = await anyio.open_process(
        [str(launch.command), "serve", "--port", str(port)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=log,
        env=launch.environment,
    )
    try:
        await _until_healthy(process, port, launch)
        yield f"http://{_HOST}:{port}"
    finally:
        with anyio.CancelScope(shield=True):
            await _stop(process)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((_HOST, 0))
        port: int = probe.getsockname()[1]
        return port


async def _until_healthy(process: Process, port: int, launch: Launch) -> None:
    doing = "Starting zettel serve"
    with anyio.move_on_after(_START_SECONDS):
        while process.returncode is None:
            if await anyio.to_thread.run_sync(_is_healthy, port):
                return
            await anyio.sleep(_POLL_SECONDS)
        raise ServerError(doing, f"it ended with code {process.returncode}", launch.log_tail())
    problem = f"/health did not answer 200 within {_START_SECONDS:.0f} seconds"
    raise ServerError(doing, problem, launch.log_tail())


def _is_healthy(port: int) -> bool:
    # http.client rather than urllib: a proxy set in the environment must not be asked.
    connection = HTTPConnection(_HOST, port, timeout=2)
    try:
        connection.request("GET", "/health")
        return connection.getresponse().status == HTTPStatus.OK
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


async def _stop(process: Process) -> None:
    if process.returncode is None:
        process.terminate()
    with anyio.move_on_after(_STOP_SECONDS):
        await process.wait()
    if process.returncode is None:
        process.kill()
    await process.aclose()
