"""The processes that tend the store from outside: evolution runs, and upkeep."""

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import anyio
from anyio.abc import Process

from benchmarks.torture.arena import Arena
from benchmarks.torture.store.deeds import Account

ROOT = Path(__file__).parents[3]
"""Where `benchmarks`, which is not installed, can be imported from."""

PAUSE_S = 3.0
"""Seconds between two runs: starting one keeps a core busy as long, and the calls wait."""


@dataclass(slots=True, kw_only=True)
class Tender:
    """Runs one command on the store again and again."""

    kind: str
    command: Sequence[str]
    arena: Arena
    account: Account
    process: Process | None = None
    killed: bool = False

    @property
    def ready(self) -> bool:
        """Whether its process is running."""
        return self.process is not None and self.process.returncode is None

    def kill(self) -> bool:
        """Kill the process, if it runs (kill -9)."""
        if self.process is None or self.process.returncode is not None:
            return False
        self.killed = True
        self.process.kill()
        return True

    async def live(self, over: anyio.Event) -> None:
        """Run the command until it is over."""
        while not over.is_set():
            self.killed = False
            await self._run_once(over)
            with anyio.move_on_after(PAUSE_S):
                await over.wait()

    async def _run_once(self, over: anyio.Event) -> None:
        launch = self.arena.launch()
        with launch.log.open("a", encoding="utf-8") as log:
            self.process = await anyio.open_process(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                env=launch.environment,
                cwd=ROOT,
            )
        async with self.process as process:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self._end_with, over)
                await self._count(process)
                tasks.cancel_scope.cancel()
            status = await process.wait()
        if status and not self.killed:
            self.account.failed.append(f"{self.kind} ended with {status}; see {launch.log}")

    async def _end_with(self, over: anyio.Event) -> None:
        await over.wait()
        self.kill()

    async def _count(self, process: Process) -> None:
        assert process.stdout is not None
        async for chunk in process.stdout:
            for line in chunk.decode().splitlines():
                name = "busy" if line == "busy" else self.kind
                self.account.tended[name] = self.account.tended.get(name, 0) + 1


def evolver(arena: Arena, account: Account) -> Tender:
    """Evolves the notes from outside, as a person may at any time."""
    command = (*arena.command, "--log-level", "warning", "evolve", "--once")
    return Tender(kind="evolve", command=command, arena=arena, account=account)


def keeper(arena: Arena, account: Account) -> Tender:
    """Compacts, indexes and cleans without a pause."""
    command = (sys.executable, "-m", "benchmarks.torture.store.tend", str(arena.store))
    return Tender(kind="upkeep", command=command, arena=arena, account=account)
