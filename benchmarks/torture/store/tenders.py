"""The processes that tend the store from outside: evolution runs, and upkeep."""

import random
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import anyio
from anyio.abc import Process

from benchmarks.torture.arena import Arena
from benchmarks.torture.store.deeds import Account

ROOT = Path(__file__).parents[3]
"""Where `benchmarks`, which is not installed, can be imported from."""

EVOLVER = "evolve"
"""Under this name kills of the process that evolves are counted."""

PAUSE_S = 3.0
"""Seconds between two runs: starting one keeps a core busy as long, and the calls wait."""

UNDONE = 0.4
"""Share of commands that take an evolution run back."""
RECENT = 3
"""One of the last so many."""

SHOWN = 500
"""Characters of what a command said before it failed."""


@dataclass(slots=True, kw_only=True)
class Tender:
    """Runs commands on the store, one after the other."""

    kind: str
    command: Callable[[], Sequence[str]]
    """What to run next."""
    arena: Arena
    account: Account
    process: Process | None = None
    ready: bool = False
    """Whether its process is at work, by what it has said."""
    killed: bool = False

    def kill(self) -> bool:
        """Kill the process, if it runs (kill -9)."""
        if self.process is None or self.process.returncode is not None:
            return False
        self.killed = True
        self.process.kill()
        return True

    async def live(self, over: anyio.Event) -> None:
        """Run commands until it is over."""
        while not over.is_set():
            await self._run_once(over)
            with anyio.move_on_after(PAUSE_S):
                await over.wait()

    async def _run_once(self, over: anyio.Event) -> None:
        launch, self.killed, said = self.arena.launch(), False, ""
        self.process = await anyio.open_process(
            self.command(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=launch.environment,
            cwd=ROOT,
        )
        async with self.process as process:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self._end_with, over)
                said = await self._listen(process)
                tasks.cancel_scope.cancel()
            status = await process.wait()
        self.ready = False
        if status and not self.killed:
            self.account.failed.append(f"{self.kind} ended with {status}: {said[-SHOWN:]}")

    async def _end_with(self, over: anyio.Event) -> None:
        await over.wait()
        self.kill()

    async def _listen(self, process: Process) -> str:
        """Note what it does, until its end; everything it said."""
        assert process.stdout is not None
        said, rest = b"", b""
        async for chunk in process.stdout:
            self.ready = True
            said += chunk
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                self._done(line.decode())
        return said.decode()

    def _done(self, line: str) -> None:
        name = line.partition(":")[0]
        if name.startswith("run-") and name not in self.account.evolved:
            self.account.evolved.append(name)
        self.account.upkeeps += name == "upkeep"


def evolver(arena: Arena, account: Account, chance: random.Random) -> Tender:
    """Evolves the notes from outside, and takes a run back now and then, as a person may."""

    def command() -> Sequence[str]:
        if account.evolved and chance.random() < UNDONE:
            run_id = chance.choice(account.evolved[-RECENT:])
            return (*arena.command, "undo", run_id, "--partial")
        return (*arena.command, "evolve", "--once")

    return Tender(kind=EVOLVER, command=command, arena=arena, account=account)


def keeper(arena: Arena, account: Account) -> Tender:
    """Compacts, indexes and cleans without a pause."""

    def command() -> Sequence[str]:
        return (sys.executable, "-m", "benchmarks.torture.store.tend", str(arena.store))

    return Tender(kind="upkeep", command=command, arena=arena, account=account)
