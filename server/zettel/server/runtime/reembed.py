"""Makes a store's vectors with another model: what it costs, and the work under a lease."""

import logging
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

from anyio import to_thread

from zettel.server.runtime.clock import Clock, utc_now
from zettel.server.runtime.factories import VectorUpkeep
from zettel.server.runtime.leadership import is_gone, lead, new_holder
from zettel.storage.embedding.embedder import Embedder
from zettel.storage.errors import LowDiskError
from zettel.storage.lance import reembed
from zettel.storage.lance.files import disk_bytes
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

RESERVE_BYTES = 32 * 2**20
"""Disk that new vectors leave free: for what is remembered meanwhile, and for the way back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DiskSpace:
    """The disk that new vectors need, and that there is."""

    needed: int
    """Bytes, the reserve included; 0 if none are made."""
    free: int
    """Bytes."""

    @property
    def suffices(self) -> bool:
        """Whether there is enough."""
        return self.free >= self.needed


async def measure_space(tables: Tables, cost: ReembeddingCost) -> DiskSpace | None:
    """The disk that the vectors of a store need; None if it is no directory.

    All of them take as much as the store at most (measured: a quarter).
    """
    directory = tables.place.directory
    if directory is None:
        return None
    size, free = await to_thread.run_sync(lambda: (disk_bytes(directory), free_bytes(directory)))
    share = cost.waiting / max(1, cost.revisions)
    return DiskSpace(needed=round(size * share) + RESERVE_BYTES if cost.waiting else 0, free=free)


def free_bytes(directory: Path) -> int:
    """Free bytes of a directory's disk; without bound where the file system does not say."""
    usage = shutil.disk_usage(directory)
    return usage.free if usage.total else sys.maxsize


async def check_space(tables: Tables, cost: ReembeddingCost) -> None:
    """Refuse to begin on a disk that the new vectors would fill.

    Raises:
        LowDiskError: They would.
    """
    space = await measure_space(tables, cost)
    if space and not space.suffices:
        raise LowDiskError(tables.place.uri, needed=space.needed, free=space.free)


async def check_reserve(tables: Tables) -> None:
    """Stop where others have taken the space meanwhile.

    Raises:
        LowDiskError: The reserve is all that is left.
    """
    directory = tables.place.directory
    if directory is None:
        return
    free = await to_thread.run_sync(free_bytes, directory)
    if free < RESERVE_BYTES:
        raise LowDiskError(tables.place.uri, needed=RESERVE_BYTES, free=free)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReembeddingEstimate:
    """The estimated cost of a re-embedding on this machine."""

    cost: ReembeddingCost
    passages: int
    """Estimated from the sample."""
    seconds: float
    """Of embedding alone, estimated from the sample."""
    space: DiskSpace | None = None
    """None if the store is no directory."""

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
    space = await measure_space(tables, cost)
    await embedder.load()
    if not cost.waiting or not sample:
        return ReembeddingEstimate(cost=cost, passages=0, seconds=0.0, space=space)
    await embedder.embed_notes(sample[:WARM_UP_TEXTS])
    began = clock()
    made = await embedder.embed_notes(sample)
    share = cost.characters / max(1, sum(map(len, sample)))
    return ReembeddingEstimate(
        cost=cost,
        passages=max(cost.waiting, round(share * sum(map(len, made)))),
        seconds=share * (clock() - began),
        space=space,
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

        async def next_turn() -> None:
            await pause()
            await check_reserve(tables)

        async def work() -> bool:
            # Before the model is loaded: on a full disk this is tried again and again.
            await check_space(tables, await reembed.cost(tables, embedder))
            found = await estimate(tables, embedder)
            logger.warning(
                "the store's vectors are of %s and are made anew with %s, as the settings name it,"
                " between calls: %s; zettel reembed does it without waiting for calls",
                found.cost.old_model,
                found.cost.new_model,
                found.said(),
            )
            return await reembed.fill(tables, embedder, tell=tell, pause=next_turn)

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
