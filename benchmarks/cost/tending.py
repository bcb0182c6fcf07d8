"""What the store's own work costs: upkeep after commits, and evolving a batch of new notes."""

from dataclasses import dataclass
from datetime import UTC, datetime
from time import perf_counter

import psutil

from benchmarks.cost.measure import UPKEEP_ROUNDS, Stage
from zettel.tools.evolve.run import BATCH, Budget, evolve

MB = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Tending:
    """What one store's own work took."""

    upkeep_ms: float
    """After as many commits as the scheduler lets pass."""
    evolve_ms: float
    """All steps over a batch of notes that are new to evolution, the last upkeep included."""
    resident_mb: float
    """Of the whole process: model, server, client and both tables."""


async def tending(stage: Stage) -> Tending:
    """Tell a batch of notes, tend what the first of them leave behind, and evolve them all."""
    await stage.tend()
    await _tell(stage, UPKEEP_ROUNDS)
    began = perf_counter()
    await stage.site.memory.store.upkeep()
    tended = perf_counter()
    await _tell(stage, BATCH - UPKEEP_ROUNDS)
    evolving = perf_counter()
    await evolve(
        stage.site.memory, now=datetime.now(UTC), run_id="cost", who="cost", budget=Budget()
    )
    return Tending(
        upkeep_ms=(tended - began) * 1000,
        evolve_ms=(perf_counter() - evolving) * 1000,
        resident_mb=psutil.Process().memory_info().rss / MB,
    )


async def _tell(stage: Stage, notes: int) -> None:
    for _ in range(notes):
        told = stage.words.telling()
        await stage.site.timed("remember", content=told.content, subject=told.subject)
