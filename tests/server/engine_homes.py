"""Stores whose engine is a real, detached process, and all that runs on them."""

import json
import secrets
import subprocess
from collections.abc import Generator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Timer

import psutil
from benchmarks.processes import MARK, engines, has_ended, kill_all
from pydantic import JsonValue
from tests.server.processes import (
    INITIALIZE,
    INITIALIZED,
    PATIENCE_S,
    Process,
    environment,
    run_zettel,
    started,
    tool_call,
)
from tests.starting import starters

from zettel.server.config.trust import confirm

CONFIG: dict[str, JsonValue] = {"model": "hash", "idle_minutes": 5, "settle_seconds": 0}
"""What an engine under test is set to, where the client that starts it sets nothing else."""

TEST_S = 240
"""Seconds a test may take before everything it started is killed."""


@dataclass(frozen=True, kw_only=True)
class Home:
    """One store, its clients and its engine."""

    store: Path
    running: ExitStack
    ipc: str = ""
    fresh: bool = False
    """Whether each process, the engine included, is to be an interpreter of its own."""
    mark: str = field(default_factory=lambda: secrets.token_hex(8))

    @property
    def private(self) -> Path:
        """The folder of socket, locks and `engine.json`."""
        return self.store / ".engine"

    def configure(self, **settings: JsonValue) -> None:
        """Write the store's config.toml, over what a test engine is set to anyway."""
        self.store.mkdir(mode=0o700, parents=True, exist_ok=True)
        lines = [f"{name} = {json.dumps(value)}" for name, value in (CONFIG | settings).items()]
        (self.store / "config.toml").write_text("\n".join(lines), encoding="utf-8")
        confirm(self.store / "config.toml")

    def environment(self, **settings: str) -> dict[str, str]:
        """What a client of this store hands to its server."""
        env = environment(self.store) | {MARK: self.mark}
        # The store's config.toml says these.
        del env["ZETTEL_MODEL"], env["ZETTEL_EMBED_BACKEND"]
        return env | ({"ZETTEL_IPC": self.ipc} if self.ipc else {}) | settings

    def spawn(self, *arguments: str, cwd: str | Path | None = None, **settings: str) -> Process:
        """Start a client's server; it is gone when the test is over."""
        env = self.environment(**settings)
        process = started(
            *arguments, env=env, cwd=cwd or self.store.parent, quick=True, fresh=self.fresh
        )
        return self.running.enter_context(process)

    def attach(self, *arguments: str, cwd: str | Path | None = None, **settings: str) -> Process:
        """Start one and shake hands: from here on there is an engine."""
        process = self.spawn(*arguments, cwd=cwd, **settings)
        greet(process)
        return process

    def run(self, *arguments: str, **settings: str) -> "subprocess.CompletedProcess[str]":
        """Run one command to its end."""
        env = self.environment(**settings)
        beside = self.store.parent
        return run_zettel(*arguments, env=env, cwd=beside, quick=True, fresh=self.fresh)

    def engines(self) -> list[psutil.Process]:
        """Every detached engine of this home that lives."""
        return engines(self.mark, starters=starters())

    def engine(self) -> psutil.Process:
        """The one engine there is."""
        (only,) = self.engines()
        return only


@contextmanager
def home_at(store: Path, *, ipc: str = "", fresh: bool = False) -> Generator[Home]:
    """A configured home; nothing started on it outlives the block, its engine least of all."""
    with ExitStack() as stack:
        home = Home(store=store, running=stack, ipc=ipc, fresh=fresh)
        # What hangs is killed, so that whoever waits for it reads an end of file and fails.
        watchdog = Timer(TEST_S, kill_all, [home.mark])
        watchdog.daemon = True
        watchdog.start()
        stack.callback(watchdog.cancel)
        stack.callback(kill_all, home.mark)
        home.configure()
        yield home


def greet(process: Process) -> None:
    """Initialize a connection of the handshake era."""
    process.say(INITIALIZE)
    answer = process.hear()
    assert "result" in answer, answer
    process.say(INITIALIZED)


def lists_tools(process: Process) -> bool:
    """Whether the four tools are listed: what an engine can do before it has opened its store."""
    process.say({"jsonrpc": "2.0", "id": "list", "method": "tools/list"})
    answer = process.hear()
    return answer["id"] == "list" and json.dumps(answer).count('"inputSchema"') == 4


def ask(
    process: Process, request_id: int, name: str, **arguments: JsonValue
) -> dict[str, JsonValue]:
    """Call one tool; its structured answer."""
    process.say(tool_call(request_id, name, **arguments))
    return structured(process.hear())


def structured(answer: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    """What an answer says, when the call went well."""
    result = answer.get("result")
    assert isinstance(result, dict), answer
    assert not result.get("isError"), answer
    content = result["structuredContent"]
    assert isinstance(content, dict), answer
    return content


def gone(process: psutil.Process) -> bool:
    """Whether a process ends, without anybody's help, within our patience."""
    return has_ended(process, PATIENCE_S)
