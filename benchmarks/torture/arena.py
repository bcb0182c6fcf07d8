"""One store under torture: its clients, its engine wherever it runs, and what can be seen of it."""

import json
import os
import subprocess
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import anyio
import psutil
from anyio.abc import Process
from pydantic import JsonValue

from benchmarks.processes import MARK, engines, marked
from benchmarks.torture.clients import Caller, Kind, Launch, connected
from benchmarks.torture.errors import CallFailedError, NeverHappenedError

NAMESPACE = "tortured"

CONFIG = """
model = "hash"
log_level = "debug"
settle_seconds = 0.05
ipc = "{ipc}"
"""
"""No model to load, evolution right behind the writes, its steps in the engine's log."""

PRETEND = """
import zettel.server.engine.ipc.version
zettel.server.engine.ipc.version.VERSION = {version!r}
"""
"""Read by every Python that finds it on its path, before anything else."""

VERSIONS_FROM = 1000
"""Pretended versions are above any real one."""

PATIENCE_S = 90.0
"""Seconds anything may take to happen on two busy cores before it counts as never happening."""

POLL_S = 0.005
"""Seconds between two looks at what no event tells of: blows are aimed this precisely."""


COMMAND_WORDS = 4
"""Of a command line, so many may come before the name of Zettel's command: `python -m zettel`."""


class Arena:
    """A store, and everything that runs on it.

    Args:
        command: The `zettel` to run.
        folder: An empty folder for the store and the log.
        mark: What tells the processes of this run.
        ipc: How the engine listens: `unix` or `tcp`.
    """

    def __init__(self, command: Sequence[str], folder: Path, mark: str, ipc: str = "unix") -> None:
        self.command = command
        self.folder = folder
        self.mark = mark
        self.store = folder / "store"
        self.log = folder / "stderr.log"
        self.engine_log = self.store / ".engine" / "engine.log"
        self.versions = 0
        self.store.mkdir()
        (self.store / "config.toml").write_text(CONFIG.format(ipc=ipc), encoding="utf-8")

    def launch(self, **settings: str) -> Launch:
        """How to start a command here, with these variables besides."""
        kept = {n: v for n, v in os.environ.items() if not n.startswith("ZETTEL_")}
        ours = {MARK: self.mark, "ZETTEL_STORE": str(self.store), "ZETTEL_NAMESPACE": NAMESPACE}
        return Launch(
            command=self.command,
            environment=kept | ours | settings,
            cwd=self.folder,
            log=self.log,
        )

    def client(self, kind: Kind, **settings: str) -> AbstractAsyncContextManager[Caller]:
        """A client of this kind, greeted."""
        return connected(kind, self.launch(**settings))

    def newer_version(self) -> dict[str, str]:
        """Variables that make a command, and the engine it starts, newer than any before it."""
        self.versions += 1
        folder = self.folder / f"version-{self.versions}"
        folder.mkdir()
        version = f"{VERSIONS_FROM + self.versions}.0"
        (folder / "sitecustomize.py").write_text(PRETEND.format(version=version), encoding="utf-8")
        return {"PYTHONPATH": str(folder)}

    def engines(self) -> list[psutil.Process]:
        """Every engine that lives: detached ones, and `zettel serve`."""
        serving = [process for process in marked(self.mark) if "serve" in _words(process)]
        return [*engines(self.mark), *serving]

    async def until(self, moment: str, seen: Callable[[], bool]) -> None:
        """Wait for something that can only be looked at.

        Raises:
            NeverHappenedError: It does not come.
        """
        with anyio.move_on_after(PATIENCE_S):
            while not seen():  # noqa: ASYNC110  see POLL_S
                await anyio.sleep(POLL_S)
            return
        raise NeverHappenedError(moment, PATIENCE_S)

    def logged(self) -> int:
        """Length of the engine's log so far, in bytes."""
        return self.engine_log.stat().st_size if self.engine_log.exists() else 0

    def has_logged(self, text: str, *, since: int) -> bool:
        """Whether the engine's log says something behind a certain length."""
        length = self.logged()
        # Shorter than before, it is another file: the log has been rotated.
        start = since if length >= since else 0
        return bool(length) and text.encode() in self.engine_log.read_bytes()[start:]

    async def until_logged(self, text: str, *, since: int) -> None:
        """Wait until the engine's log says something behind a certain length.

        Raises:
            NeverHappenedError: It does not.
        """
        moment = f"{text!r} in the engine's log"
        await self.until(moment, lambda: self.has_logged(text, since=since))

    @asynccontextmanager
    async def serving(self) -> AsyncGenerator[Process]:
        """Run `zettel serve`, announced; it is gone when the block ends.

        Raises:
            CallFailedError: It ended instead.
        """
        launch = self.launch()
        with self.log.open("a", encoding="utf-8") as log:
            process = await anyio.open_process(
                [*self.command, "serve", "--port", "0"],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                env=launch.environment,
                cwd=launch.cwd,
            )
        try:
            await _announced(process)
            yield process
        finally:
            with anyio.CancelScope(shield=True):
                if process.returncode is None:
                    process.kill()
                await process.aclose()

    async def run(self, *words: str) -> str:
        """Run one of Zettel's commands to its end; what it printed.

        Raises:
            CallFailedError: It failed.
        """
        launch = self.launch()
        done = await anyio.run_process(
            [*self.command, *words], check=False, env=launch.environment, cwd=launch.cwd
        )
        if done.returncode:
            problem = f"zettel {' '.join(words)}: {done.stderr.decode()}"
            raise CallFailedError(problem)
        return done.stdout.decode()

    async def notes(self) -> list[dict[str, JsonValue]]:
        """Every note the store holds, read past any engine."""
        listed = await self.run("list", "--json", "--namespace", NAMESPACE)
        return [json.loads(line) for line in listed.splitlines()]


def _words(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()[1:COMMAND_WORDS]
    except psutil.Error:
        return []


async def _announced(process: Process) -> None:
    assert process.stdout is not None
    said = b""
    async for chunk in process.stdout:
        said += chunk
        if b"Ctrl-C" in said:
            return
    problem = f"zettel serve ended instead of serving: {said.decode()}"
    raise CallFailedError(problem)
