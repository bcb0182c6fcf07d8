"""Real `zettel` processes, driven through their pipes."""

import json
import os
import subprocess
import sys
from collections.abc import Generator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from mcp import StdioServerParameters
from pydantic import JsonValue

ZETTEL = (sys.executable, "-m", "zettel")
PATIENCE_S = 60
"""Seconds a process may take to start or to leave: two busy cores import slowly."""

INITIALIZE: dict[str, JsonValue] = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-11-25",
        "capabilities": {},
        "clientInfo": {"name": "pipes", "version": "1"},
    },
}
INITIALIZED: dict[str, JsonValue] = {"jsonrpc": "2.0", "method": "notifications/initialized"}


def tool_call(request_id: int | str, name: str, **arguments: JsonValue) -> dict[str, JsonValue]:
    """A `tools/call` request of the handshake era."""
    params: dict[str, JsonValue] = {"name": name, "arguments": arguments}
    return {"jsonrpc": "2.0", "id": request_id, "method": "tools/call", "params": params}


def environment(store: Path, **settings: str) -> dict[str, str]:
    """This process's environment, only with these settings; hashes stand in for the model."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ZETTEL_")}
    return kept | {"ZETTEL_STORE": str(store), "ZETTEL_MODEL": "hash"} | settings


@dataclass(frozen=True, kw_only=True)
class Process:
    """A `zettel` whose pipes are ours."""

    popen: subprocess.Popen[bytes]

    @property
    def stdin(self) -> IO[bytes]:
        """Where messages go."""
        assert self.popen.stdin is not None
        return self.popen.stdin

    def say(self, *messages: Mapping[str, JsonValue] | bytes) -> None:
        """Write messages, one a line."""
        for message in messages:
            raw = message if isinstance(message, bytes) else json.dumps(message).encode()
            self.stdin.write(raw + b"\n")
        self.stdin.flush()

    def hear(self) -> dict[str, JsonValue]:
        """Read the next message."""
        message: dict[str, JsonValue] = json.loads(self.read_line())
        return message

    def read_line(self) -> str:
        """Read the next line."""
        assert self.popen.stdout is not None
        line = self.popen.stdout.readline()
        assert line, "the process closed its output"
        return line.decode()

    def end(self) -> int:
        """Wait until it has left by itself; its exit status."""
        return self.popen.wait(PATIENCE_S)


def shake_hands(process: Process) -> None:
    """Initialize a connection of the handshake era."""
    process.say(INITIALIZE)
    assert "result" in process.hear()
    process.say(INITIALIZED)


@contextmanager
def started(*arguments: str, env: Mapping[str, str]) -> Generator[Process]:
    """Start a `zettel`; whatever happens, it is gone afterwards."""
    popen = subprocess.Popen(
        [*ZETTEL, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=dict(env),
        cwd=Path(env["ZETTEL_STORE"]).parent,
    )
    try:
        yield Process(popen=popen)
    finally:
        popen.kill()
        popen.wait()
        for pipe in (popen.stdin, popen.stdout, popen.stderr):
            # What was not written any more goes nowhere.
            with suppress(OSError):
                if pipe is not None:
                    pipe.close()


@dataclass(frozen=True, kw_only=True)
class Served:
    """A running `zettel serve`."""

    process: Process
    url: str
    welcome: str


@contextmanager
def serving(store: Path, *arguments: str, **settings: str) -> Generator[Served]:
    """Run `zettel serve` on a free port until it has announced itself."""
    env = environment(store, **settings)
    with started("serve", "--port", "0", *arguments, env=env) as process:
        lines = [process.read_line()]
        while "Ctrl-C" not in lines[-1]:
            lines.append(process.read_line())
        health = next(line for line in lines if "/health" in line)
        url = health.split()[-1].removesuffix("/health")
        yield Served(process=process, url=url, welcome="".join(lines))


@dataclass(frozen=True, kw_only=True)
class Launcher:
    """Starts `zettel` on one store, in every way it can be started."""

    store: Path
    running: ExitStack

    def parameters(self, *arguments: str, **settings: str) -> StdioServerParameters:
        """How an MCP client spawns it, without an engine."""
        return StdioServerParameters(
            command=ZETTEL[0],
            args=[*ZETTEL[1:], "--in-process", *arguments],
            env=environment(self.store, **settings),
            cwd=self.store.parent,
        )

    def spawn(self, *arguments: str, **settings: str) -> Process:
        """Start one whose pipes are ours, without an engine."""
        env = environment(self.store, **settings)
        return self.running.enter_context(started("--in-process", *arguments, env=env))

    def serve(self, *arguments: str) -> Served:
        """Serve HTTP and SSE on a free port."""
        return self.running.enter_context(serving(self.store, *arguments))

    def run(self, *arguments: str, **settings: str) -> "subprocess.CompletedProcess[str]":
        """Run one command to its end."""
        return subprocess.run(
            [*ZETTEL, *arguments],
            env=environment(self.store, **settings),
            cwd=self.store.parent,
            text=True,
            capture_output=True,
            timeout=PATIENCE_S,
            check=False,
            stdin=subprocess.DEVNULL,
        )
