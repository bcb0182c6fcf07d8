"""The commands compared: started, spoken to, ended."""

import json
import subprocess
import sys
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from pydantic import JsonValue

from benchmarks.retrieval.errors import ServerError

Message = dict[str, JsonValue]

NOTHING_TO_DO = "pass"
"""What the bare interpreter runs, for time."""

WAITS = "import os; os.write(1, b'up\\n'); os.read(0, 1)"
"""What the bare interpreter runs, for memory: it lives until its input ends."""

IMPORTS_THE_SDK = "from mcp.server import MCPServer"
"""What a server of the SDK cannot do without before it answers."""

LEAVE_S = 60.0
"""Seconds a process may take to leave: a busy machine unloads slowly."""

INITIALIZE: Message = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-11-25",
        "capabilities": {},
        "clientInfo": {"name": "bench-attach", "version": "1"},
    },
}
INITIALIZED: Message = {"jsonrpc": "2.0", "method": "notifications/initialized"}


class Spawned:
    """A process whose pipes are ours."""

    def __init__(self, popen: "subprocess.Popen[bytes]") -> None:
        self.popen = popen

    @property
    def pid(self) -> int:
        """Of the process."""
        return self.popen.pid

    def say(self, *messages: Message) -> None:
        """Write messages, one a line."""
        pipe = _pipe(self.popen.stdin)
        pipe.write(b"".join(json.dumps(message).encode() + b"\n" for message in messages))
        pipe.flush()

    def hear(self) -> bytes:
        """Read the next line.

        Raises:
            ServerError: The process has closed its output.
        """
        line = _pipe(self.popen.stdout).readline()
        if not line:
            doing = f"Waiting for an answer of {self.popen.args!r}"
            raise ServerError(doing, "it closed its output; its standard error says why")
        return line

    def ask(self, name: str, request_id: int, **arguments: JsonValue) -> Message:
        """Call one tool; what the answer says.

        Raises:
            ServerError: The call failed.
        """
        params: Message = {"name": name, "arguments": arguments}
        self.say({"jsonrpc": "2.0", "id": request_id, "method": "tools/call", "params": params})
        answer: Message = json.loads(self.hear())
        result = answer.get("result")
        content = result.get("structuredContent") if isinstance(result, dict) else None
        if not isinstance(content, dict):
            doing = f"Calling {name}"
            raise ServerError(doing, f"the answer was {json.dumps(answer)[:500]}")
        return content


def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
    assert pipe is not None
    return pipe


@contextmanager
def spawned(*command: str | Path, env: Mapping[str, str]) -> Generator[Spawned]:
    """Run a command with its pipes to us; it ends as its client leaves."""
    popen = subprocess.Popen(
        [str(word) for word in command],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=dict(env),
    )
    with popen:
        try:
            yield Spawned(popen)
            _pipe(popen.stdin).close()
            popen.wait(LEAVE_S)
        finally:
            popen.kill()


def milliseconds_to_initialize(command: Path, *options: str, env: Mapping[str, str]) -> float:
    """From the start of a server's process to its answer to `initialize`."""
    began = time.perf_counter()
    with spawned(command, *options, env=env) as server:
        server.say(INITIALIZE)
        server.hear()
        return (time.perf_counter() - began) * 1000


def milliseconds_of_python(code: str, env: Mapping[str, str]) -> float:
    """From the start of an interpreter to its end."""
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], env=dict(env), check=True)
    return (time.perf_counter() - began) * 1000


def run_zettel(command: Path, *words: str, env: Mapping[str, str]) -> str:
    """Run one of Zettel's commands to its end; what it printed.

    Raises:
        ServerError: It failed.
    """
    done = subprocess.run(
        [command, *words],
        env=dict(env),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=LEAVE_S,
        check=False,
    )
    if done.returncode:
        doing = f"Running zettel {' '.join(words)}"
        raise ServerError(doing, f"it ended with {done.returncode}: {done.stderr.strip()}")
    return done.stdout
