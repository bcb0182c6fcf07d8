"""Decides when notes evolve: after writes settle, on an interval, when the model is ready."""

import logging
from math import inf

import anyio

from zettel.server.observability.tracing import span
from zettel.server.runtime.clock import Clock
from zettel.server.runtime.leadership import is_gone, lead, new_holder, new_run_id
from zettel.tools.evolve.lease import Lease
from zettel.tools.evolve.run import UPKEEP_COMMITS, Budget, RunReport, evolve, waiting
from zettel.tools.state.memory import Memory

logger = logging.getLogger(__name__)

SCHEDULER_NAME = "scheduler"

RUN_BUDGET = Budget(seconds=60.0, notes=500)
"""Of one run; what it leaves is taken up by the next, at once."""

LEASE_RETRY_S = 15.0
"""Seconds until the next try when another process is at it."""

UPKEEP_RETRY_S = 2.0
"""Seconds until upkeep is tried again that gave way to an erasure or to another process."""

BACK_OFF_S = (15.0, 60.0, 300.0, 1800.0)
"""Seconds until the next try after so many failures in a row."""


class EvolutionScheduler:
    """Decides when the notes of one store are evolved, and has it done, one run at a time.

    Args:
        memory: What is tended.
        interval_s: Seconds between rounds while there are no writes.
        settle_s: Seconds without a write after which new notes are evolved.
        clock: What time it is, for the runs' records and the lease.
    """

    def __init__(self, memory: Memory, *, interval_s: float, settle_s: float, clock: Clock) -> None:
        self._memory = memory
        self._interval_s = interval_s
        self._settle_s = settle_s
        self._clock = clock
        self._holder = new_holder()
        self._wake = anyio.Event()
        self._writes = 0
        self._evolved_writes = 0
        self._compacted_writes = 0
        self._compact_from = 0.0
        self._settled_at = 0.0
        self._not_before = 0.0
        self._asked = False
        self._working = False
        self._next_round = 0.0

    def wrote(self) -> None:
        """A verb has committed something: wait until it is quiet, then tend it."""
        self._writes += 1
        self._settled_at = anyio.current_time() + self._settle_s
        self._wake.set()

    def model_ready(self) -> None:
        """What waited for the model can be embedded now."""
        self._asked = True
        self._wake.set()

    @property
    def busy(self) -> bool:
        """Whether notes are being tended, or will be before the next round.

        What was put off, after a failure or for another process, is for whoever comes then.
        """
        if anyio.current_time() < self._not_before:
            return False
        return self._working or self._asked or self._writes != self._evolved_writes

    @property
    def due_in_s(self) -> float:
        """Seconds until notes are looked at again."""
        return max(self._due_at(), self._not_before, anyio.current_time()) - anyio.current_time()

    async def waiting(self) -> int:
        """How many notes wait for evolution."""
        return await waiting(self._memory)

    async def run(self) -> None:
        """Tend the notes until cancelled; an error is logged and tried again later."""
        failures = 0
        self._next_round = anyio.current_time() + self._interval_s
        while True:
            upkeep_only = await self._wait_until_due()
            self._working = True
            try:
                await (self._upkeep() if upkeep_only else self._run_evolution())
                failures = 0
            except Exception:
                # Tending is never worth a server's life.
                logger.exception("tending the notes failed, %d in a row", failures + 1)
                self._put_off(BACK_OFF_S[min(failures, len(BACK_OFF_S) - 1)])
                self._asked = self._asked or not upkeep_only
                failures += 1
            self._working = False

    async def _wait_until_due(self) -> bool:
        """Wait for the next work; True when it is only compaction, which cannot wait for quiet."""
        while True:
            now = anyio.current_time()
            if now >= self._not_before:
                if now >= self._due_at():
                    return False
                if now >= self._compact_at():
                    return True
            self._wake = anyio.Event()
            until = max(min(self._due_at(), self._compact_at()), self._not_before)
            with anyio.move_on_after(until - now):
                await self._wake.wait()

    def _due_at(self) -> float:
        if self._asked:
            return 0.0
        if self._writes != self._evolved_writes:
            return min(self._settled_at, self._next_round)
        return self._next_round

    def _compact_at(self) -> float:
        enough = self._writes - self._compacted_writes >= UPKEEP_COMMITS
        return self._compact_from if enough else inf

    def _put_off(self, seconds: float) -> None:
        self._not_before = anyio.current_time() + seconds

    async def _upkeep(self) -> None:
        writes = self._writes
        if await self._memory.store.upkeep():
            self._compacted_writes = writes
        else:
            self._compact_from = anyio.current_time() + UPKEEP_RETRY_S

    async def _run_evolution(self) -> None:
        self._next_round = anyio.current_time() + self._interval_s
        self._asked = False
        writes = self._writes
        if not await waiting(self._memory):
            self._evolved_writes = writes
            return
        lease = Lease(self._memory.store, self._holder, is_gone=is_gone)
        if not await lease.acquire(self._clock()):
            self._asked = True
            self._put_off(LEASE_RETRY_S)
            return
        report = await lead(lease, self._clock, self._evolve)
        if report is None:
            self._asked = True
            return
        self._evolved_writes = self._compacted_writes = writes
        # What the budget left over is taken up at once.
        self._asked = self._asked or report.outcome == "budget"
        logger.info(
            "run=%s outcome=%s changed=%d created=%d",
            report.run_id,
            report.outcome,
            report.changed,
            report.created,
        )

    async def _evolve(self) -> RunReport:
        now = self._clock()
        with span("evolution run") as told:
            report = await evolve(
                self._memory,
                now=now,
                run_id=new_run_id(now),
                who=SCHEDULER_NAME,
                budget=RUN_BUDGET,
                progress=_log_progress,
            )
            told.set_attribute("zettel.outcome", report.outcome)
            return report


def _log_progress(step: str, done: int, total: int) -> None:
    logger.debug("step=%s done=%d total=%d", step, done, total)
