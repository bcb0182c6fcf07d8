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
from tests.starting import finish, interpreter, start

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
    """This process's environment, only with these settings; hashes stand in for the model.

    A model that a test names is not exported in the background unless it says so.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ZETTEL_")}
    of_tests = {"ZETTEL_MODEL": "hash", "ZETTEL_EMBED_BACKEND": "torch"}
    return kept | {"ZETTEL_STORE": str(store)} | of_tests | settings


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
def started(
    *arguments: str,
    env: Mapping[str, str],
    cwd: str | Path | None = None,
    quick: bool = False,
    fresh: bool = False,
) -> Generator[Process]:
    """Start a `zettel`; whatever happens, it is gone afterwards.

    Args:
        arguments: Those of `zettel`.
        env: All of its environment.
        cwd: Its working directory; where there is none, the folder its store is in.
        quick: Whether an engine it starts is forked as well.
        fresh: Whether it is to be an interpreter of its own.
    """
    beside = cwd or Path(env["ZETTEL_STORE"]).parent
    popen = start("-m", "zettel", *arguments, env=env, cwd=beside, quick=quick, fresh=fresh)
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


def run_zettel(
    *arguments: str, env: Mapping[str, str], cwd: Path, quick: bool = False, fresh: bool = False
) -> "subprocess.CompletedProcess[str]":
    """Run one command of `zettel` to its end, without input; `quick` forks its engine as well."""
    given = ("-m", "zettel", *arguments)
    return finish(*given, env=env, cwd=cwd, timeout=PATIENCE_S, quick=quick, fresh=fresh)


@dataclass(frozen=True, kw_only=True)
class Served:
    """A running `zettel serve`."""

    process: Process
    url: str
    welcome: str


@contextmanager
def serving(
    store: Path, *arguments: str, fresh: bool = False, **settings: str
) -> Generator[Served]:
    """Run `zettel serve` on a free port until it has announced itself."""
    env = environment(store, **settings)
    with started("serve", "--port", "0", *arguments, env=env, fresh=fresh) as process:
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
    fresh: bool = False
    """Whether each is to be an interpreter of its own."""

    def parameters(self, *arguments: str, **settings: str) -> StdioServerParameters:
        """How an MCP client spawns it, without an engine."""
        return StdioServerParameters(
            command=ZETTEL[0] if self.fresh else interpreter(),
            args=[*ZETTEL[1:], "--in-process", *arguments],
            env=environment(self.store, **settings),
            cwd=self.store.parent,
        )

    def spawn(self, *arguments: str, **settings: str) -> Process:
        """Start one whose pipes are ours, without an engine."""
        env = environment(self.store, **settings)
        process = started("--in-process", *arguments, env=env, fresh=self.fresh)
        return self.running.enter_context(process)

    def serve(self, *arguments: str) -> Served:
        """Serve HTTP and SSE on a free port."""
        return self.running.enter_context(serving(self.store, *arguments, fresh=self.fresh))

    def run(self, *arguments: str, **settings: str) -> "subprocess.CompletedProcess[str]":
        """Run one command to its end, without an engine."""
        env = environment(self.store, **settings)
        given = ("--in-process", *arguments)
        return run_zettel(*given, env=env, cwd=self.store.parent, fresh=self.fresh)
