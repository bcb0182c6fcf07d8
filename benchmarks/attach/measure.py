"""The four measurements. What is compared is measured in turn, in one run, on one machine."""

import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import psutil

from benchmarks.attach.spawned import (
    IMPORTS_THE_SDK,
    INITIALIZE,
    INITIALIZED,
    NOTHING_TO_DO,
    WAITS,
    Spawned,
    milliseconds_of_python,
    milliseconds_to_initialize,
    run_zettel,
    spawned,
)
from benchmarks.processes import NOTHING, Memory, client_environment, engines, memory_of
from benchmarks.retrieval.errors import ServerError
from benchmarks.retrieval.score import percentile

MODEL_S = 300.0
"""Seconds the model may take to load; five at once on two cores take more than a minute."""
POLL_S = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """Milliseconds of something repeated, and of what it is compared with, taken in turn."""

    ours: Sequence[float]
    other: Sequence[float]

    @property
    def ours_ms(self) -> float:
        """The median."""
        return percentile(self.ours, 0.5)

    @property
    def other_ms(self) -> float:
        """The median."""
        return percentile(self.other, 0.5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Crowd:
    """What some clients of one store take in memory, model loaded, one recall answered."""

    clients: int
    in_process: bool
    """Each with a server of its own, instead of attached to one engine."""
    engines: int
    engine: Memory
    servers: Memory
    """All processes the clients started, together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """What is measured: a command, and where its stores may be made."""

    command: Path
    folder: Path
    mark: str

    def environment(self, store: str) -> dict[str, str]:
        """What a client hands to a server on this store."""
        return client_environment(self.mark, ZETTEL_STORE=str(self.folder / store))


def warm(site: Site, repeat: int) -> Times:
    """`initialize` through an attachment to a running engine, against `python -c pass`."""
    env = site.environment("warm")
    ours: list[float] = []
    other: list[float] = []
    with spawned(site.command, env=env) as holder:
        _greet(holder)
        # The engine's own imports would be measured otherwise.
        _until_ready(holder)
        for _ in range(repeat):
            other.append(milliseconds_of_python(NOTHING_TO_DO, env))
            ours.append(milliseconds_to_initialize(site.command, env=env))
    run_zettel(site.command, "stop", env=env)
    return Times(ours=ours, other=other)


def cold(site: Site, repeat: int) -> Times:
    """`initialize` with no engine running, against importing the SDK; files are in the cache."""
    env = site.environment("cold")
    ours: list[float] = []
    other: list[float] = []
    milliseconds_of_python(IMPORTS_THE_SDK, env)
    for _ in range(repeat):
        other.append(milliseconds_of_python(IMPORTS_THE_SDK, env))
        ours.append(milliseconds_to_initialize(site.command, env=env))
        run_zettel(site.command, "stop", env=env)
    return Times(ours=ours, other=other)


def attachment_memory(site: Site) -> tuple[Memory, Memory]:
    """Of an attachment that has answered `initialize`, and of a bare interpreter."""
    env = site.environment("memory")
    with ExitStack() as both:
        bare = both.enter_context(spawned(sys.executable, "-c", WAITS, env=env))
        bare.hear()
        attached = both.enter_context(spawned(site.command, env=env))
        _greet(attached)
        found = _memory(attached), _memory(bare)
    run_zettel(site.command, "stop", env=env)
    return found


def crowd(site: Site, clients: int, *, in_process: bool) -> Crowd:
    """Memory of several clients of one store, with the real model."""
    env = site.environment(f"crowd-{clients}-{in_process}")
    options = ("--in-process", "--log-level", "warning") if in_process else ()
    with ExitStack() as running:
        servers = [
            running.enter_context(spawned(site.command, *options, env=env)) for _ in range(clients)
        ]
        for server in servers:
            _greet(server)
        for server in servers:
            _until_ready(server)
        found = engines(site.mark)
        result = Crowd(
            clients=clients,
            in_process=in_process,
            engines=len(found),
            engine=sum(map(memory_of, found), NOTHING),
            servers=sum(map(_memory, servers), NOTHING),
        )
    run_zettel(site.command, "stop", env=env)
    return result


def _memory(process: Spawned) -> Memory:
    return memory_of(psutil.Process(process.pid))


def _greet(server: Spawned) -> None:
    server.say(INITIALIZE)
    server.hear()
    server.say(INITIALIZED)


def _until_ready(server: Spawned) -> None:
    """Wait until a recall is answered with the model's help.

    Raises:
        ServerError: It takes too long.
    """
    server.ask("remember", 2, content="Ana keeps bees on the roof of the library.")
    until = time.monotonic() + MODEL_S
    while "degraded" in server.ask("recall", 3, query="Who keeps bees?"):
        if time.monotonic() > until:
            doing = "Loading the model"
            raise ServerError(doing, f"it was not ready after {MODEL_S:.0f} seconds")
        time.sleep(POLL_S)
