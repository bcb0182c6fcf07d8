"""Replays a world: against the real server, and beside it against the baselines."""

import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

from benchmarks.generator.baselines import Bm25, Dense, Listed, embed_documents
from benchmarks.generator.records import Operation, World
from benchmarks.generator.served import Served
from benchmarks.generator.systems import Outcomes, System, replay
from benchmarks.retrieval.evolve import evolve_to_rest
from benchmarks.retrieval.machine import disk_bytes
from benchmarks.retrieval.server import Launch, Transport, connect
from benchmarks.retrieval.tools import Timed, until_loaded
from zettel.storage.embedding.embedder import Embedder

_REPORT_EVERY = 500
"""Operations between two lines of progress."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What came of a world in the server."""

    outcomes: Outcomes
    milliseconds: Mapping[str, Sequence[float]]
    """Of each call by tool, transport included."""
    disk_bytes: int
    """The store's, at the end."""


async def run_server(world: World, *, command: Path, transport: Transport) -> Run:
    """Replay a world on a fresh store; at its restart, evolve to rest and start a new server.

    Args:
        world: What to tell and ask.
        command: Zettel's console script.
        transport: How the client reaches the server.

    Raises:
        ServerError: The server fails, or refuses a call.
    """
    told, asked = halves(world.operations)
    outcomes, done = Outcomes(), 0

    def progress(operation: Operation) -> None:
        nonlocal done
        done += 1
        if done % _REPORT_EVERY == 0:
            _say(f"{operation.op}: {done} of {len(world.operations)}")

    # A server that is slow to go may still write while its directory is removed.
    with tempfile.TemporaryDirectory(
        prefix="zettel-generator-", ignore_cleanup_errors=True
    ) as made:
        home = Path(made)
        launch = Launch(command=command, store=home / "store", log=home / "server.log")
        async with connect(launch, transport) as client:
            system = Served(Timed(client=client, clock=perf_counter))
            await replay(told, system, outcomes, before=progress)
            await evolve_to_rest(launch, progress=_say)
        async with connect(launch, transport) as client:
            system.timed = Timed(client=client, clock=perf_counter)
            await until_loaded(system.timed, namespace=world.documents[0].conversation)
            await replay(asked, system, outcomes, before=progress)
        return Run(
            outcomes=outcomes,
            milliseconds=system.milliseconds,
            disk_bytes=disk_bytes(launch.store),
        )


async def run_baselines(world: World, embedder: Embedder) -> dict[str, Outcomes]:
    """Replay a world against BM25 and a dense ranking, without a server."""
    _say(f"embedding {len(world.documents)} documents for the dense baseline")
    vectors = await embed_documents(world.documents, embedder)
    return {
        "BM25": await run_plain(world, Listed(world.documents, Bm25())),
        "dense": await run_plain(world, Listed(world.documents, Dense(vectors, embedder))),
    }


async def run_plain(world: World, system: System) -> Outcomes:
    """Replay a world against a system that needs no restart."""
    outcomes = Outcomes()
    await replay(world.operations, system, outcomes)
    return outcomes


def halves(operations: Sequence[Operation]) -> tuple[Sequence[Operation], Sequence[Operation]]:
    """What comes before a world's one restart, and what comes after it."""
    at = next(n for n, operation in enumerate(operations) if operation.op == "restart")
    return operations[:at], operations[at + 1 :]


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()
