"""A filled store behind a real `zettel serve`, asked over HTTP by a real client."""

import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter, sleep

import anyio
import psutil
from mcp import Client

from benchmarks.cost.fill import NAMESPACE, make_filling
from benchmarks.cost.site import serving
from benchmarks.cost.words import Words
from benchmarks.retrieval.errors import ServerError
from zettel.storage.lance.files import disk_bytes

ZETTEL = (sys.executable, "-m", "zettel")
ASKED = 200
TOLD = 100
REST_S = 20.0
"""Seconds without a call over which the server's idle share of a core is taken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """What a server took at one size; bytes and seconds."""

    notes: int
    ready_s: float
    resident: int
    """Once the model is loaded, before the first call."""
    resident_asked: int
    """After `ASKED` recalls, `TOLD` notes and their evolution."""
    peak: int
    idle: float
    """Share of one core while nobody calls."""
    recall_s: float
    remember_s: float
    """CPU seconds of one call; of `remember` with what evolution then makes of the note."""
    disk: int
    backup: int
    backup_s: float
    restore_s: float


async def measure(notes: int, folder: Path, *, seed: int) -> Sizes:
    """Fill a store and look at it from outside.

    Args:
        notes: How many.
        folder: Empty.
        seed: Of the notes.

    Raises:
        ServerError: A call or a command failed.
    """
    store = folder / "store"
    async with serving(store, model="all-MiniLM-L6-v2") as site:
        for batch in (await make_filling(site.memory.embedder, notes, seed=seed)).batches():
            await site.memory.store.write(new=batch)
        await site.memory.admin.upkeep()
    with _served(store) as (server, url, ready_s):
        resident = server.memory_info().rss
        words = Words(seed + 1)
        async with Client(f"{url}/mcp") as client:
            recall_s = await _cpu_of(server, client, "recall", "query", words, ASKED)
            remember_s = await _cpu_of(server, client, "remember", "content", words, TOLD)
        before = _cpu(server)
        await anyio.sleep(REST_S)
        idle = (_cpu(server) - before) / REST_S
        resident_asked, peak = server.memory_info().rss, _peak(server)
    disk = await anyio.to_thread.run_sync(disk_bytes, store)
    backup_s = _timed("backup", str(folder / "all.zettel"), "--store", str(store))
    restored = str(folder / "restored")
    restore_s = _timed("restore", str(folder / "all.zettel"), "--store", restored)
    written = await anyio.Path(folder / "all.zettel").stat()
    return Sizes(
        notes=notes,
        ready_s=ready_s,
        resident=resident,
        resident_asked=resident_asked,
        peak=peak,
        idle=idle,
        recall_s=recall_s,
        remember_s=remember_s,
        disk=disk,
        backup=written.st_size,
        backup_s=backup_s,
        restore_s=restore_s,
    )


@contextmanager
def _served(store: Path) -> Generator[tuple[psutil.Process, str, float]]:
    """A server, its URL, and the seconds until it was ready."""
    began = perf_counter()
    command = [*ZETTEL, "serve", "--port", "0", "--store", str(store), "--log-level", "warning"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url = ""
        for line in process.stdout:
            url = line.split()[-1].removesuffix("/health") if "/health" in line else url
            if "Ctrl-C" in line:
                break
        try:
            yield psutil.Process(process.pid), url, perf_counter() - began
        finally:
            process.terminate()


async def _cpu_of(
    server: psutil.Process, client: Client, tool: str, argument: str, words: Words, times: int
) -> float:
    """CPU seconds of a call, and of what follows from it until the server is at rest."""
    before = _cpu(server)
    for _ in range(times):
        arguments = {argument: words.telling().content, "namespace": NAMESPACE}
        result = await client.call_tool(tool, arguments)
        if result.is_error:
            raise ServerError(tool, str(result.content))
    await anyio.to_thread.run_sync(_await_rest, server)
    return (_cpu(server) - before) / times


def _await_rest(server: psutil.Process) -> None:
    """Wait until the server has done next to nothing for three seconds, evolution included."""
    while True:
        before = _cpu(server)
        sleep(3)
        if _cpu(server) - before < 0.05:
            return


def _cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.user + times.system


def _peak(process: psutil.Process) -> int:
    """The most that was ever resident; 0 where the system does not tell."""
    status = Path(f"/proc/{process.pid}/status")
    lines = status.read_text(encoding="ascii").splitlines() if status.exists() else []
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM")), 0)


def _timed(*arguments: str) -> float:
    began = perf_counter()
    done = subprocess.run([*ZETTEL, *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise ServerError(arguments[0], done.stderr)
    return perf_counter() - began
