"""The server under the hammer: one real process, its memory and its log."""

import json
import os
import re
import subprocess
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import anyio
import psutil
from anyio.abc import Process

from benchmarks.processes import MARK
from benchmarks.torture.errors import CallFailedError

LEAVE_S = 60.0
"""Seconds it may take to leave after SIGTERM: it drains, then closes the store."""
SAMPLE_S = 0.5
RUN_S = 60.0
"""Seconds that the first run of evolution may take."""

ORDERED = ("pending_erasures", "erased_again")
"""What `zettel doctor` calls erasures that were ordered and not finished; whether one that was
acknowledged is there again is looked at in the store itself."""
AMID = "unindexed_rows"
"""What it also finds where one was at it: rows are moved first, and indexed then."""

CONFIG = """
model = "hash"
log_level = "info"
settle_seconds = 1
"""
"""No model to load; evolution runs behind the writes all the time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A store in an empty folder, and how to run Zettel on it.

    Args:
        command: The `zettel` to run.
        folder: For the store and the log.
        mark: What tells the processes of this run.
    """

    command: Sequence[str]
    folder: Path
    mark: str

    @property
    def store(self) -> Path:
        """Where the notes are."""
        return self.folder / "store"

    @property
    def log(self) -> Path:
        """Where the server's standard error goes."""
        return self.folder / "stderr.log"

    @property
    def environment(self) -> dict[str, str]:
        """This process's, with the store set and nothing else of Zettel's."""
        kept = {n: v for n, v in os.environ.items() if not n.startswith("ZETTEL_")}
        # Tenants who ask as fast as they can are what is measured, not how they are slowed down.
        bounds = {"ZETTEL_RATE_PER_MINUTE": "0"}
        return kept | bounds | {MARK: self.mark, "ZETTEL_STORE": str(self.store)}

    def prepare(self) -> None:
        """Write down how the server is to run."""
        self.store.mkdir(mode=0o700)
        config = self.store / "config.toml"
        config.touch(mode=0o600)
        config.write_text(CONFIG, encoding="utf-8")

    @asynccontextmanager
    async def serving(self) -> AsyncGenerator["Serving"]:
        """Run `zettel serve` until it has announced itself; it is gone when the block ends.

        Raises:
            CallFailedError: It ended instead.
        """
        with self.log.open("a", encoding="utf-8") as log:
            process = await anyio.open_process(
                [*self.command, "serve", "--port", "0"],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                env=self.environment,
                cwd=self.folder,
            )
        try:
            yield Serving(process=process, url=await _announced(process))
        finally:
            with anyio.CancelScope(shield=True):
                if process.returncode is None:
                    process.kill()
                await process.aclose()

    async def evolved(self) -> None:
        """Wait until the server has evolved notes.

        Raises:
            TimeoutError: It has not.
        """
        with anyio.fail_after(RUN_S):
            # A log of another process can only be looked into.
            while b" run=run-" not in await anyio.Path(self.log).read_bytes():  # noqa: ASYNC110
                await anyio.sleep(SAMPLE_S)

    async def doctor(self) -> list[str]:
        """What `zettel doctor` finds damaged, but for erasures the next engine finishes."""
        done = await anyio.run_process(
            [*self.command, "doctor", "--json"],
            check=False,
            env=self.environment,
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
        )
        if not done.stdout:
            return [done.stderr.decode()]
        found = {finding["name"]: finding for finding in json.loads(done.stdout)["findings"]}
        unfinished = {*ORDERED, AMID} if ORDERED[0] in found else set(ORDERED)
        damage = [f for name, f in found.items() if f["damage"] and name not in unfinished]
        return [json.dumps(finding) for finding in damage]


@dataclass(slots=True, kw_only=True)
class Serving:
    """A running server."""

    process: Process
    url: str
    resident: list[tuple[float, int]] = field(default_factory=list[tuple[float, int]])
    """Seconds since the first look -> bytes."""

    async def watch(self) -> None:
        """Look at its memory until cancelled, or until it is gone."""
        server, began = psutil.Process(self.process.pid), anyio.current_time()
        while True:
            try:
                resident = server.memory_info().rss
            except psutil.Error:
                return
            if not resident:  # a zombie's
                return
            self.resident.append((anyio.current_time() - began, resident))
            await anyio.sleep(SAMPLE_S)

    async def leave(self) -> bool:
        """Ask it to leave; whether it did so in good order and time."""
        self.process.terminate()
        with anyio.move_on_after(LEAVE_S):
            return await self.process.wait() == 0
        return False


async def _announced(process: Process) -> str:
    assert process.stdout is not None
    said = b""
    async for chunk in process.stdout:
        said += chunk
        if b"Ctrl-C" in said:
            found = re.search(r"(http://\S+)/health", said.decode())
            assert found
            return found[1]
    problem = f"zettel serve ended instead of serving: {said.decode()}"
    raise CallFailedError(problem)
