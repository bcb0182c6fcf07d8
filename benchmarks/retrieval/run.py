"""The whole run: a fresh store, a server, every document, evolution to rest, every question."""

import sys
import tempfile
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

from benchmarks.retrieval.ask import Outcome
from benchmarks.retrieval.data import Dataset, namespaces
from benchmarks.retrieval.drive import Told, ask, tell
from benchmarks.retrieval.errors import DataError
from benchmarks.retrieval.evolve import Evolution, evolve_to_rest
from benchmarks.retrieval.machine import disk_bytes, resident_bytes
from benchmarks.retrieval.server import Launch, Transport, connect
from benchmarks.retrieval.tools import Clock, Timed

_REPORT_EVERY = 200
"""Calls between two lines of progress, and two looks at the server's memory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """Everything a run yields."""

    told: Told
    evolution: Evolution
    outcomes: tuple[Outcome, ...]
    resident_bytes: int
    """The server's, the highest seen during the run and at its end."""
    disk_bytes: int
    """The store's, at the end."""
    seconds: Mapping[str, float]
    """How long each stage took, in the order they came."""


class Watch:
    """Tells of progress on stderr, and notes the server's highest resident memory."""

    def __init__(self, store: Path) -> None:
        self.peak = 0
        self._store = store

    def step(self, doing: str, done: int, total: int) -> None:
        """Take note of one more call; look and tell now and then."""
        if done % _REPORT_EVERY == 0 or done == total:
            self.look()
            self.say(f"{doing}: {done} of {total}")

    def look(self) -> None:
        """Look at the server's memory."""
        self.peak = max(self.peak, resident_bytes(self._store))

    def say(self, line: str) -> None:
        """Tell of progress."""
        sys.stderr.write(f"{line}\n")
        sys.stderr.flush()


async def run(
    dataset: Dataset,
    *,
    command: Path,
    transport: Transport,
    keep_store: Path | None = None,
    clock: Clock = perf_counter,
) -> Result:
    """Run the benchmark.

    Args:
        dataset: What to remember and ask.
        command: Zettel's console script.
        transport: How the client reaches the server.
        keep_store: Where to make the store and leave it with the server's log; None makes it in a
            temporary directory that goes when the run ends.
        clock: Seconds.

    Raises:
        ServerError: The server fails.
        DataError: `keep_store` is there already and is not empty.
    """
    names = namespaces(
        [*(d.place for d in dataset.documents), *(q.conversation for q in dataset.questions)]
    )
    with store_home(keep_store) as home:
        launch = Launch(command=command, store=home / "store", log=home / "server.log")
        watch = Watch(launch.store)
        started = clock()
        async with connect(launch, transport) as client:
            timed = Timed(client=client, clock=clock)
            connected = clock()
            told = await tell(timed, dataset, names, progress=watch.step)
            remembered = clock()
            evolution = await evolve_to_rest(launch, progress=watch.say)
            evolved = clock()
            outcomes = await ask(timed, dataset, names, told, progress=watch.step)
            watch.look()
            recalled = clock()
        return Result(
            told=told,
            evolution=evolution,
            outcomes=tuple(outcomes),
            resident_bytes=watch.peak,
            disk_bytes=disk_bytes(launch.store),
            seconds={
                "connecting": connected - started,
                "remembering": remembered - connected,
                "evolving": evolved - remembered,
                "recalling": recalled - evolved,
            },
        )


@contextmanager
def store_home(keep: Path | None) -> Generator[Path]:
    """Where to make the store; a temporary directory goes when the run ends.

    Raises:
        DataError: `keep` is there already and is not empty.
    """
    if keep is None:
        # A server that is slow to go may still write while its directory is removed.
        with tempfile.TemporaryDirectory(
            prefix="zettel-benchmark-", ignore_cleanup_errors=True
        ) as made:
            yield Path(made).resolve()
        return
    if keep.exists() and any(keep.iterdir()):
        raise DataError(keep, "is not empty", "Give --keep-store a new directory.")
    keep.mkdir(parents=True, exist_ok=True)
    yield keep.resolve()
