"""What the store's own work costs: upkeep, evolving new notes, and recall while that goes on."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from time import perf_counter

import anyio
import psutil

from benchmarks.cost.measure import UPKEEP_ROUNDS, Stage
from benchmarks.retrieval.score import percentile
from zettel.tools.evolve.run import Budget, evolve

MB = 1_000_000
EVOLVED = 100
"""Notes that are told before each run of evolution."""
ASKED = 60
"""Recalls while nothing else happens."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tending:
    """What one store's own work took."""

    upkeep_ms: float
    """After as many commits as the scheduler lets pass."""
    evolve_ms: float
    """All steps over a batch of notes that are new to evolution, the last upkeep included."""
    resident_mb: float
    """Of the whole process: model, server, client and both tables."""
    idle: Sequence[float]
    """Milliseconds of recalls while nothing else happens."""
    busy: Sequence[float]
    """Of recalls while such a batch is evolved."""

    @property
    def slower(self) -> float:
        """The 95th percentile of recall while a run works over that while none does."""
        return percentile(self.busy, 0.95) / percentile(self.idle, 0.95)


async def tending(stage: Stage) -> Tending:
    """Tend what a batch of new notes leaves behind, evolve it; another one while recall is asked.

    Recall is asked at the same moments either way: whenever the last question is answered.
    """
    await stage.tend()
    await _tell(stage, UPKEEP_ROUNDS)
    began = perf_counter()
    await stage.site.memory.admin.upkeep()
    tended = perf_counter()
    await _tell(stage, EVOLVED - UPKEEP_ROUNDS)
    evolving = perf_counter()
    await _evolve(stage)
    evolved = perf_counter()
    idle = await _asked(stage, times=ASKED)
    await _tell(stage, EVOLVED)
    return Tending(
        upkeep_ms=(tended - began) * 1000,
        evolve_ms=(evolved - evolving) * 1000,
        resident_mb=psutil.Process().memory_info().rss / MB,
        idle=idle,
        busy=await _asked_meanwhile(stage),
    )


async def _evolve(stage: Stage) -> None:
    await evolve(
        stage.site.memory, now=datetime.now(UTC), run_id="cost", who="cost", budget=Budget()
    )


async def _asked(stage: Stage, *, times: int) -> list[float]:
    return [await _ask(stage) for _ in range(times)]


async def _asked_meanwhile(stage: Stage) -> list[float]:
    """Milliseconds of every recall that was asked while a run worked."""
    took, done = list[float](), anyio.Event()

    async def work() -> None:
        await _evolve(stage)
        done.set()

    async with anyio.create_task_group() as group:
        group.start_soon(work)
        while not done.is_set():
            took.append(await _ask(stage))
    return took


async def _ask(stage: Stage) -> float:
    took, _ = await stage.site.timed("recall", query=stage.words.telling().content)
    return took


async def _tell(stage: Stage, notes: int) -> None:
    for _ in range(notes):
        told = stage.words.telling()
        await stage.site.timed("remember", content=told.content, subject=told.subject)
