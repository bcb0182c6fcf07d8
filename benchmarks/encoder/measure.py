"""Encoders timed by processes of their own, and servers watched from their start."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import anyio
import psutil

from benchmarks.attach.spawned import INITIALIZE, INITIALIZED, Spawned, spawned
from benchmarks.cost.fill import NAMESPACE, make_filling
from benchmarks.cost.words import Words
from benchmarks.retrieval.errors import ServerError
from benchmarks.retrieval.server import find_command
from zettel.storage.embedding.model_files import find_model
from zettel.storage.embedding.sentence_transformer import SentenceEmbedder
from zettel.storage.lance.store import open_store

LIBRARIES = ("onnx", "torch")
THREADS = ("1", "")
"""Values of OMP_NUM_THREADS; empty for what each library is given by default."""
POLL_S = 0.02
"""Seconds between two recalls of a server whose model is being loaded."""

Times = Mapping[str, Mapping[str, Sequence[float]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """One server, from its start."""

    first_s: float
    """Seconds from the start of the process to its first recall with meaning."""
    resident: int
    """Bytes after the recalls."""
    proportional: int
    """The same, pages that other processes have too divided among them; 0 where unknown."""
    recall_ms: Sequence[float]


def encoder_times(threads: str, repeat: int) -> Times:
    """Milliseconds by text and library, both in one process.

    Raises:
        ServerError: The process failed.
    """
    env = {name: value for name, value in os.environ.items() if name != "OMP_NUM_THREADS"}
    command = [sys.executable, "-m", "benchmarks.encoder.times", str(repeat)]
    given = env | ({"OMP_NUM_THREADS": threads} if threads else {})
    done = subprocess.run(command, env=given, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ServerError("Timing the encoders", done.stderr[-2000:])
    taken: Times = json.loads(done.stdout)
    return taken


def floor_s() -> float:
    """Seconds that an interpreter takes to import what no server with an export does without."""
    began = perf_counter()
    subprocess.run([sys.executable, "-c", "import lancedb, onnxruntime"], check=True)
    return perf_counter() - began


async def fill(store: Path, notes: int, *, seed: int) -> None:
    """Make a store of invented notes."""
    embedder = SentenceEmbedder(await find_model())
    opened = await open_store(str(store), model_id=embedder.model_id, dim=embedder.dim)
    try:
        for batch in (await make_filling(embedder, notes, seed=seed)).batches():
            await opened.write(new=batch)
        await opened.upkeep()
    finally:
        await opened.close()


def serve(store: Path, library: str, *, recalls: int, seed: int) -> Served:
    """Start a server, wait for its model, and ask it.

    Raises:
        ServerError: A call failed.
    """
    settings = {"ZETTEL_STORE": str(store), "ZETTEL_EMBED_BACKEND": library}
    env = {**os.environ, **settings, "ZETTEL_LOG_LEVEL": "error", "ZETTEL_NAMESPACE": NAMESPACE}
    words, recall_ms = Words(seed), list[float]()
    began = perf_counter()
    with spawned(find_command(), "--in-process", env=env) as server:
        server.say(INITIALIZE)
        server.hear()
        server.say(INITIALIZED)
        while "degraded" in _ask(server, words):
            time.sleep(POLL_S)
        first_s = perf_counter() - began
        for _ in range(recalls):
            asked = perf_counter()
            _ask(server, words)
            recall_ms.append((perf_counter() - asked) * 1000)
        process = psutil.Process(server.pid)
        proportional = 0
        with suppress(AttributeError, psutil.Error):
            proportional = process.memory_full_info().pss
        resident = process.memory_info().rss
    return Served(
        first_s=first_s, resident=resident, proportional=proportional, recall_ms=recall_ms
    )


def _ask(server: Spawned, words: Words) -> Mapping[str, object]:
    return server.ask("recall", 2, query=words.telling().content)


def fill_now(store: Path, notes: int, *, seed: int) -> None:
    """`fill`, outside an event loop."""

    async def run() -> None:
        await fill(store, notes, seed=seed)

    anyio.run(run)
