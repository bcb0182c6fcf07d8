"""One evolution run: steps in order, in batches, within a budget, recorded in `runs`."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import anyio
import anyio.lowlevel

from zettel.storage.notes import Run
from zettel.storage.store import StoreStats
from zettel.tools.changes.stages import SCHEDULER
from zettel.tools.erasure.orders import ERASE, RETENTION, drain, order_erasure, pending_erasures
from zettel.tools.evolve.consolidate.step import CONSOLIDATE_STEP
from zettel.tools.evolve.steps.archive import FADE as FADE
from zettel.tools.evolve.steps.archive import fade
from zettel.tools.evolve.steps.base import Batch, Step, Task
from zettel.tools.evolve.steps.compare import COMPARE_STEP
from zettel.tools.evolve.steps.construct import CONSTRUCT_STEP, EMBED_STEP
from zettel.tools.evolve.steps.link import LINK_STEP, REVISE_STEP
from zettel.tools.evolve.writing.llm_writer import LlmWriter, PrivateNamespaceWriter
from zettel.tools.evolve.writing.writer import RULE, Writer
from zettel.tools.llm.client import TokenBudget
from zettel.tools.llm.llm import keep_health
from zettel.tools.state.memory import Memory
from zettel.tools.state.retention_policy import expired

RUN_BATCH_NOTES = 128
"""Notes per commit: some seconds of work between checks for cancellation and lease."""
UPKEEP_OLD_VERSIONS = 20
"""Expired table versions after which an idle store is cleaned; a run and its upkeep
leave about ten."""
UPKEEP_COMMITS = 50
"""Commits after which the store is compacted; every 50-100 keeps reads under 3 ms."""

EVOLUTION_STEPS = (
    EMBED_STEP,
    CONSTRUCT_STEP,
    LINK_STEP,
    COMPARE_STEP,
    REVISE_STEP,
    CONSOLIDATE_STEP,
)
"""In order; `maintain` follows them."""


def steps_of(memory: Memory) -> tuple[Step, ...]:
    """The enabled steps."""
    return tuple(
        step for step in EVOLUTION_STEPS if memory.consolidates or step is not CONSOLIDATE_STEP
    )


RunProgress = Callable[[str, int, int], None]
"""Step, notes done, notes in all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """Bounds of one run; None is no bound."""

    seconds: float | None = None
    notes: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunReport:
    """Result of a run."""

    run_id: str
    changed: int
    """Notes with a new revision or new vectors."""
    created: int
    steps: dict[str, int] = field(default_factory=dict[str, int])
    """Step -> notes it changed."""
    llm: dict[str, int] = field(default_factory=dict[str, int])
    """Calls, tokens and fallbacks by reason; empty without an LLM."""
    outcome: str = "done"
    evolve_off: tuple[str, ...] = ()
    llm_off: tuple[str, ...] = ()
    """Namespaces that do not evolve, and those whose notes no LLM sees."""


async def queue(memory: Memory) -> dict[str, int]:
    """Notes waiting for each enabled step."""
    return {s.name: await memory.store.count(s.waiting_in(memory)) for s in steps_of(memory)}


async def waiting(memory: Memory) -> int:
    """Notes waiting for evolution or erasure; due upkeep counts as one."""
    notes = max((await queue(memory)).values())
    return notes + _upkeep_due(await memory.admin.stats()) + await pending_erasures(memory.store)


def _upkeep_due(stats: StoreStats) -> bool:
    return stats.commits_since_upkeep >= UPKEEP_COMMITS or stats.old_versions >= UPKEEP_OLD_VERSIONS


async def evolve(
    memory: Memory,
    *,
    now: datetime,
    run_id: str,
    who: str,
    budget: Budget,
    progress: RunProgress = lambda step, done, total: None,
    of: Sequence[Step] | None = None,
) -> RunReport:
    """Runs the steps over waiting notes; the caller holds and renews the lease.

    A cancelled run is recorded as such, and the next one continues. A second run over unchanged
    notes changes nothing. `of` replaces the enabled steps.
    """
    writer, began = _writer(memory, now), anyio.current_time()
    task = Task(memory=memory, now=now, run_id=run_id, writer=writer)
    steps, created, outcome = dict[str, int](), 0, "failed"
    try:
        outcome, created = await _steps(task, of or steps_of(memory), steps, budget, progress)
    except anyio.get_cancelled_exc_class():
        outcome = "cancelled"
        raise
    finally:
        with anyio.CancelScope(shield=True):
            if memory.mind is not None:
                await keep_health(memory.store, memory.mind.health.report)
            run = Run(
                run_id=run_id,
                kind="evolve",
                who=who,
                started_at=now,
                ended_at=now + timedelta(seconds=anyio.current_time() - began),
                counts=steps | dict(writer.counts),
                outcome=outcome,
            )
            memory.on_run(run)
            await memory.admin.add_run(run)
    return RunReport(
        run_id=run_id,
        changed=sum(steps.values()),
        created=created,
        steps=steps,
        llm=dict(writer.counts),
        outcome=outcome,
        evolve_off=memory.evolve_off,
        llm_off=memory.llm_off,
    )


def _writer(memory: Memory, now: datetime) -> Writer:
    if memory.mind is None:
        return RULE
    asking = LlmWriter(memory.mind, TokenBudget(memory.store, memory.mind.limits, now))
    return PrivateNamespaceWriter(asking, memory.llm_off) if memory.llm_off else asking


async def _steps(
    task: Task, of: Sequence[Step], steps: dict[str, int], budget: Budget, progress: RunProgress
) -> tuple[str, int]:
    started, seen, created = anyio.current_time(), 0, 0
    await _erase(task, steps)
    for step in of:
        steps[step.name], done, last = 0, 0, Batch()
        # Notes stored during the run wait for the next one, so that the run ends.
        todo = await task.memory.store.count(step.waiting_in(task.memory))
        while done < todo:
            spent = anyio.current_time() - started
            most = min(
                RUN_BATCH_NOTES,
                todo - done,
                RUN_BATCH_NOTES if budget.notes is None else budget.notes - seen,
            )
            if most <= 0 or (budget.seconds is not None and spent >= budget.seconds):
                return "budget", created
            progress(step.name, done, todo)
            await anyio.lowlevel.checkpoint()
            batch = await step.work(task, most)
            if not batch.seen or batch.seen == last.seen:  # others keep changing these notes
                break
            steps[step.name] += batch.changed
            done, seen, last = done + len(batch.seen), seen + len(batch.seen), batch
            created += batch.created
            if _upkeep_due(await task.memory.admin.stats()):
                await task.memory.admin.upkeep()
    if task.memory.archive_below:
        steps[FADE] = await fade(task, task.memory.archive_below)
    await _maintain(task.memory)
    return "done", created


async def _erase(task: Task, steps: dict[str, int]) -> None:
    """Erases expired and ordered notes first, so that nothing is derived from them."""
    old = await expired(task.memory.store, task.memory.retention, task.now)
    if old:
        ids = [outline.note_id for outline in old]
        await order_erasure(task.memory, ids, scope=RETENTION, who=SCHEDULER, now=task.now)
        steps[RETENTION] = len(ids)
    if done := await drain(task.memory, now=task.now):
        steps[ERASE] = done


async def _maintain(memory: Memory) -> None:
    """Step `maintain`: writes gathered usage, then compacts and cleans if necessary."""
    await memory.usage.flush(memory.store)
    stats = await memory.admin.stats()
    if stats.commits_since_upkeep or stats.old_versions:
        await memory.admin.upkeep()
