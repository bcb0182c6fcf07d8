"""Decides when notes evolve: after writes settle, on an interval, when the model is ready."""

import logging
from math import inf

import anyio

from zettel.server.observability.tracing import span
from zettel.server.runtime.clock import Clock
from zettel.server.runtime.leadership import is_gone, lead, new_holder, new_run_id
from zettel.storage.notes import SCHEDULER
from zettel.tools.erasure.orders import ordered_erasures
from zettel.tools.evolve.lease import Lease
from zettel.tools.evolve.run import UPKEEP_COMMITS, Budget, RunReport, deferred, evolve, waiting
from zettel.tools.state.memory import Memory

logger = logging.getLogger(__name__)

RUN_BUDGET = Budget(seconds=60.0, notes=500)
"""Of one run; the next run continues at once."""

LEASE_RETRY_S = 15.0
"""Seconds until the next attempt while another process holds the lease."""

UPKEEP_RETRY_S = 2.0
"""Seconds until the next attempt at upkeep that an erasure or another process prevented."""

BACK_OFF_S = (15.0, 60.0, 300.0, 1800.0)
"""Seconds until the next attempt after 1, 2, 3 and more failures in a row.

Also at an erasure that could not be finished, for the same reason each time: another process was at
the files, or one was killed amid a write and its files count as unfinished for a minute."""


def _back_off(failures: int) -> float:
    return BACK_OFF_S[min(failures, len(BACK_OFF_S)) - 1]


class _Unfinished:
    """The erasures that could not be finished, and when they are tried again.

    Each attempt rewrites files of the store, so one that will fail again is not cheap.
    """

    def __init__(self) -> None:
        self.not_before = -inf
        self._orders = frozenset[str]()
        self._why = ""
        self._failures = 0

    def waits(self, orders: frozenset[str]) -> bool:
        """Whether all of these were tried, and it is not yet time to try them again."""
        return orders <= self._orders and anyio.current_time() < self.not_before

    def tried(self, orders: frozenset[str], why: str) -> None:
        """An attempt at these has ended; `why` is empty if it finished them."""
        self._failures = self._failures + 1 if why == self._why else 1
        self._orders, self._why = orders, why
        self.not_before = anyio.current_time() + _back_off(self._failures) if why else -inf


class EvolutionScheduler:
    """Decides when the notes of one store are evolved, and runs it, one run at a time.

    A round comes after `settle_s` seconds without a write, and without writes every `interval_s`.
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
        self._requested = False
        self._working = False
        self._next_round = 0.0
        self._unfinished = _Unfinished()

    def wrote(self) -> None:
        """A verb has committed something: evolve it `settle_s` after the last write."""
        self._writes += 1
        self._settled_at = anyio.current_time() + self._settle_s
        self._wake.set()

    def model_ready(self) -> None:
        """The embedding model is loaded: embed the notes that wait for it."""
        self._requested = True
        self._wake.set()

    @property
    def busy(self) -> bool:
        """Whether notes are being evolved, or will be before the next interval.

        False while work is put off after a failure or for another process.
        """
        if anyio.current_time() < self._not_before:
            return False
        return self._working or self._requested or self._writes != self._evolved_writes

    @property
    def due_in_s(self) -> float:
        """Seconds until the next run."""
        return max(self._due_at(), self._not_before, anyio.current_time()) - anyio.current_time()

    async def waiting(self) -> int:
        """Number of notes that wait for evolution."""
        return await waiting(self._memory)

    async def run(self) -> None:
        """Evolve the notes until cancelled; errors are logged and tried again later."""
        failures = 0
        self._next_round = anyio.current_time() + self._interval_s
        while True:
            upkeep_only = await self._wait_until_due()
            self._working = True
            try:
                await (self._upkeep() if upkeep_only else self._run_evolution())
                failures = 0
            except Exception:
                # A failed evolution must not end the server.
                logger.exception("evolution failed, %d in a row", failures + 1)
                failures += 1
                self._put_off(_back_off(failures))
                self._requested = self._requested or not upkeep_only
            self._working = False

    async def _wait_until_due(self) -> bool:
        """Wait for the next work; True if only upkeep is due, which does not wait for quiet."""
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
        if self._requested:
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
        if await self._memory.admin.upkeep():
            self._compacted_writes = writes
        else:
            self._compact_from = anyio.current_time() + UPKEEP_RETRY_S

    async def _run_evolution(self) -> None:
        self._next_round = anyio.current_time() + self._interval_s
        self._requested = False
        writes = self._writes
        orders = await ordered_erasures(self._memory.store)
        waits = self._unfinished.waits(orders)
        if waits:
            self._next_round = min(self._next_round, self._unfinished.not_before)
        due = await waiting(self._memory) - (len(orders) if waits else 0)
        if not (due > 0 or await deferred(self._memory)):
            self._evolved_writes = writes
            return
        lease = Lease(self._memory.store, self._holder, is_gone=is_gone)
        if not await lease.acquire(self._clock()):
            self._requested = True
            self._put_off(LEASE_RETRY_S)
            return
        report = await lead(lease, self._clock, lambda: self._evolve(erases=not waits))
        if report is None:
            self._requested = True
            return
        self._evolved_writes = self._compacted_writes = writes
        if report.unerased or not waits:
            self._unfinished.tried(orders, report.unerased)
            if report.unerased:
                self._next_round = min(self._next_round, self._unfinished.not_before)
        # Continue at once if the budget was used up.
        self._requested = self._requested or report.outcome == "budget"
        logger.info(
            "run=%s outcome=%s changed=%d created=%d",
            report.run_id,
            report.outcome,
            report.changed,
            report.created,
        )

    async def _evolve(self, *, erases: bool) -> RunReport:
        now = self._clock()
        with span("evolution run") as active_span:
            report = await evolve(
                self._memory,
                now=now,
                run_id=new_run_id(now),
                who=SCHEDULER,
                budget=RUN_BUDGET,
                progress=_log_progress,
                erases=erases,
            )
            active_span.set_attribute("zettel.outcome", report.outcome)
            return report


def _log_progress(step: str, done: int, total: int) -> None:
    logger.debug("step=%s done=%d total=%d", step, done, total)
