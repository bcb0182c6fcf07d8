"""Makes a store's vectors with another model: what it costs, and the work under a lease."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter

from zettel.server.runtime.clock import Clock, utc_now
from zettel.server.runtime.factories import VectorUpkeep
from zettel.server.runtime.leadership import is_gone, lead, new_holder
from zettel.storage.embedding.embedder import Embedder
from zettel.storage.lance import reembed
from zettel.storage.lance.reembed import ReembeddingCost
from zettel.storage.lance.store import LanceStore
from zettel.storage.lance.table import Tables
from zettel.storage.progress import Pause, ReportProgress, no_progress
from zettel.storage.store import Store
from zettel.tools.evolve.lease import Lease

logger = logging.getLogger(__name__)

REEMBEDDING_LEASE_KEY = "lease:reembedding"
"""Key in `meta`: one process at a time makes vectors anew, beside evolution."""
WARM_UP_TEXTS = 4
"""Texts embedded before the clock starts: the first ones take longer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReembeddingEstimate:
    """The estimated cost of a re-embedding on this machine."""

    cost: ReembeddingCost
    passages: int
    """Estimated from the sample."""
    seconds: float
    """Of embedding alone, estimated from the sample."""

    def said(self) -> str:
        """One line for a person."""
        cost = self.cost
        before = cost.revisions - cost.waiting
        left = f", {before:,} of them embedded already" if before else ""
        return (
            f"{cost.notes:,} notes in {cost.revisions:,} revisions{left}; about"
            f" {self.passages:,} passages and {_duration(self.seconds)} are left on this machine"
        )


def _duration(seconds: float) -> str:
    minutes = round(seconds / 60)
    if minutes >= 90:
        return f"{minutes // 60} h {minutes % 60} min"
    return f"{minutes} min" if minutes >= 2 else f"{max(1, round(seconds))} s"


async def estimate(
    tables: Tables, embedder: Embedder, *, clock: Callable[[], float] = perf_counter
) -> ReembeddingEstimate:
    """Embed some of the notes and extrapolate by their lengths; stores nothing.

    Raises:
        ModelUnavailableError: The model cannot be used.
    """
    cost, sample = await reembed.cost(tables, embedder), await reembed.sample(tables)
    await embedder.load()
    if not cost.waiting or not sample:
        return ReembeddingEstimate(cost=cost, passages=0, seconds=0.0)
    await embedder.embed_notes(sample[:WARM_UP_TEXTS])
    began = clock()
    made = await embedder.embed_notes(sample)
    share = cost.characters / max(1, sum(map(len, sample)))
    return ReembeddingEstimate(
        cost=cost,
        passages=max(cost.waiting, round(share * sum(map(len, made)))),
        seconds=share * (clock() - began),
    )


class LeasedVectorUpkeep(VectorUpkeep):
    """The work on a LanceDB store, under a lease of its own."""

    def __init__(self, *, now: Clock = utc_now) -> None:
        self._now = now

    async def is_outdated(self, store: Store) -> bool:  # noqa: D102  documented in the contract
        return await reembed.is_outdated(_tables(store))

    async def is_cleaning(self, store: Store) -> bool:  # noqa: D102
        record = await reembed.read_record(_tables(store))
        return record is not None and record.switched

    async def fill(  # noqa: D102
        self, store: Store, embedder: Embedder, *, tell: ReportProgress, pause: Pause
    ) -> bool:
        tables, lease = _tables(store), self._lease(store)
        if not await lease.acquire(self._now()):
            return False

        async def work() -> bool:
            found = await estimate(tables, embedder)
            logger.warning(
                "the store's vectors are of %s and are made anew with %s, as the settings name it,"
                " between calls: %s; zettel reembed does it without waiting for calls",
                found.cost.old_model,
                found.cost.new_model,
                found.said(),
            )
            return await reembed.fill(tables, embedder, tell=tell, pause=pause)

        return bool(await lead(lease, self._now, work))

    async def clean_up(  # noqa: D102
        self, store: Store, embedder: Embedder, *, pause: Pause
    ) -> bool:
        lease = self._lease(store)
        if not await lease.acquire(self._now()):
            return False

        async def work() -> bool:
            purged = await reembed.clean_up(_tables(store), embedder, tell=no_progress, pause=pause)
            if purged.done:
                logger.info("the old vectors are in no file: %s", "; ".join(purged.verified))
            else:
                logger.info("the old vectors are not removed yet: %s", purged.why)
            return purged.done

        return bool(await lead(lease, self._now, work))

    def _lease(self, store: Store) -> Lease:
        return Lease(store, new_holder(), key=REEMBEDDING_LEASE_KEY, is_gone=is_gone)


def _tables(store: Store) -> Tables:
    assert isinstance(store, LanceStore)
    return store.tables
