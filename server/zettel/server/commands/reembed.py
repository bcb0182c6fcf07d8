"""`zettel reembed`: all vectors of a store made with another model, by this process."""

import os
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import anyio
from anyio import to_thread

from zettel.server.commands.config import set_setting
from zettel.server.commands.engine import status
from zettel.server.commands.output import Output, printable
from zettel.server.config.errors import VARIABLE_PREFIX, read_stored
from zettel.server.config.settings import Settings, config_file
from zettel.server.engine.ipc.rendezvous import Rendezvous
from zettel.server.engine.ipc.store_path import one_spelling
from zettel.server.runtime.clock import utc_now
from zettel.server.runtime.factories import HASH_MODEL, expanded, installed_factories
from zettel.server.runtime.leadership import is_gone, lead, new_holder
from zettel.server.runtime.reembed import (
    REEMBEDDING_LEASE_KEY,
    ReembeddingEstimate,
    check_reserve,
    check_space,
    estimate,
)
from zettel.storage.embedding.embedder import Embedder
from zettel.storage.erasable import Purge
from zettel.storage.errors import EngineUnreachableError, LeaseLostError
from zettel.storage.lance import reembed
from zettel.storage.lance.open import read_vectors_in_use
from zettel.storage.lance.store import LanceStore, open_as_it_is, open_store
from zettel.storage.location import read_place
from zettel.storage.progress import ReportProgress
from zettel.tools.evolve.lease import Lease

REEMBED_WORD = "reembed"
"""Typed to begin."""
REEMBEDDING_POLL_S = 1.0
"""Seconds between two attempts to take the lease while another process holds it."""
FOLLOW_POLL_S = 0.5
FOLLOW_MAX_S = 90.0
"""Seconds in which the engine has to go on with the new vectors, its model being loaded first."""
CLEANING_TRIES = 4
CLEANING_PAUSE_S = 4.0
"""Seconds until the next attempt to clean the files: another process may be tending them. What
takes longer is left to the next server."""
WORK = "embedding the notes anew"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReembedPreview:
    """The preview of a re-embedding."""

    store: str
    estimate: ReembeddingEstimate
    unfinished: bool
    """Whether an earlier one has to be finished, or given up."""

    @property
    def is_same_model(self) -> bool:
        """Whether the vectors in use are of this model already."""
        return self.estimate.cost.old_model == self.estimate.cost.new_model

    @property
    def has_work(self) -> bool:
        """Whether anything is to be done."""
        return self.unfinished or not self.is_same_model

    def said(self) -> str:
        """The preview as text."""
        cost = self.estimate.cost
        if not self.has_work:
            return f"The vectors of {self.store} are of {cost.new_model} already."
        if self.is_same_model:
            return (
                f"The vectors of {self.store} are of {cost.new_model}; what is left in it of"
                " vectors of another model is removed."
            )
        space = self.estimate.space
        room = ""
        if space and not space.suffices:
            room = (
                f" That needs {space.needed:,} bytes of free disk, and {space.free:,} are free:"
                " make room first."
            )
        return (
            f"The vectors of {self.store} are of {cost.old_model}, and would be of"
            f" {cost.new_model}: {self.estimate.said()}. Meanwhile the store serves with the old"
            " ones and takes up to twice its size; the work can be interrupted, and goes on when"
            f" this is run again.{room}"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ReembedReport:
    """The result."""

    switched: bool
    """Whether the new vectors came into use by this process."""
    purge: Purge
    """Whether the old ones are in no file."""
    setting: str = ""
    """How the setting `model` was changed, as text."""


class StoreReembedding:
    """One store and the model that its vectors are to be of."""

    def __init__(self, settings: Settings, store: LanceStore, embedder: Embedder) -> None:
        self._settings, self._store, self._embedder = settings, store, embedder

    async def preview(self, tell: ReportProgress) -> ReembedPreview:
        """Measure what it costs; changes nothing.

        Raises:
            ModelUnavailableError: The model cannot be used.
            StoreUnavailableError: The store cannot be read.
        """
        tell("measuring", 0, 0)
        found = await estimate(self._store.tables, self._embedder)
        record = await reembed.read_record(self._store.tables)
        return ReembedPreview(
            store=self._store.place, estimate=found, unfinished=record is not None
        )

    async def run(self, tell: ReportProgress, waits: Callable[[], None]) -> ReembedReport:
        """Do all that is left of it.

        `waits` is called once if another process holds the lease.

        Raises:
            LeaseLostError: Another process took it over meanwhile.
            LowDiskError: The disk has too little free space for the vectors.
            ModelUnavailableError: The model cannot be used.
            StoreUnavailableError: The store failed; what was made is kept.
        """
        tables, lease = self._store.tables, self._lease()
        in_use = (await read_vectors_in_use(tables.meta)).model_id == self._embedder.model_id
        setting = ""
        if not in_use:
            await check_space(tables, await reembed.cost(tables, self._embedder))
            setting = await to_thread.run_sync(self._set_model)
        await self._acquire(lease, tell, waits)

        async def has_space() -> None:
            await check_reserve(tables)

        async def fill() -> tuple[bool]:
            await reembed.give_up_unless(tables, self._embedder)
            return (await reembed.fill(tables, self._embedder, tell=tell, pause=has_space),)

        done = await lead(lease, utc_now, fill)
        if done is None:
            raise LeaseLostError(WORK)
        tell("waiting for the engine", 0, 0)
        await self._followed()
        purge = await self._clean_up(tell, waits)
        if in_use:
            # What was begun is taken back first: a full disk may have no room for the file.
            setting = await to_thread.run_sync(self._set_model)
        return ReembedReport(switched=done[0], purge=purge, setting=setting)

    async def _clean_up(self, tell: ReportProgress, waits: Callable[[], None]) -> Purge:
        embedder, settings = self._embedder, self._settings
        store = await _opened(settings, embedder)
        try:
            lease = Lease(store, new_holder(), key=REEMBEDDING_LEASE_KEY, is_gone=is_gone)
            await self._acquire(lease, tell, waits)

            async def work() -> Purge:
                purge = Purge(done=False)
                for left in reversed(range(CLEANING_TRIES)):
                    purge = await reembed.clean_up(
                        store.tables, embedder, tell=tell, pause=_no_pause
                    )
                    if purge.done or not left:
                        break
                    await anyio.sleep(CLEANING_PAUSE_S)
                return purge

            done = await lead(lease, utc_now, work)
        finally:
            await store.close()
        if done is None:
            raise LeaseLostError(WORK)
        return done

    def _lease(self) -> Lease:
        return Lease(self._store, new_holder(), key=REEMBEDDING_LEASE_KEY, is_gone=is_gone)

    async def _acquire(self, lease: Lease, tell: ReportProgress, waits: Callable[[], None]) -> None:
        """Take the lease; until then show how far the other process has come."""
        if await lease.acquire(utc_now()):
            return
        waits()
        # The other work is in another process: no event announces its end.
        while not await lease.acquire(utc_now()):
            cost = await reembed.cost(self._store.tables, self._embedder)
            tell("embedding, by another process", cost.revisions - cost.waiting, cost.revisions)
            await anyio.sleep(REEMBEDDING_POLL_S)

    def _set_model(self) -> str:
        """Name the model in the store's file, so that whoever opens the store takes it."""
        wanted = _lasting(self._settings.model)
        variable = f"{VARIABLE_PREFIX}MODEL"
        named = os.environ.get(variable)
        advice = ""
        if named and _lasting(named) != wanted:
            advice = (
                f"{variable} names {named} here: a server that starts with it makes the vectors"
                f" anew with that. Set it to {wanted} where servers are started."
            )
        if read_place(self._settings.store).directory is None:
            return advice or f"Set {variable} to {wanted} where servers are started."
        if read_stored(config_file(self._settings.store)).get("model") != wanted:
            set_setting(self._settings, "model", wanted)
        return advice

    async def _followed(self) -> None:
        """Wait for the store's engine, if one runs, to go on with the new vectors."""
        place = Rendezvous(one_spelling(self._settings.store))
        with anyio.move_on_after(FOLLOW_MAX_S):
            # The engine is another process: no event tells of it.
            while await to_thread.run_sync(_is_behind, place, self._embedder.model_id):  # noqa: ASYNC110
                await anyio.sleep(FOLLOW_POLL_S)


def _is_behind(place: Rendezvous, model_id: str) -> bool:
    """Whether an engine runs that has opened the store with other vectors."""
    try:
        engine = status(place)["engine"]
    except EngineUnreachableError:
        return False
    model = engine.get("model") if isinstance(engine, dict) else None
    used = model.get("id") if isinstance(model, dict) else None
    return used not in (None, model_id)


def _lasting(model: str) -> str:
    """A model's name that does not depend on the working directory."""
    if model == HASH_MODEL:
        return model
    path = Path(model).expanduser()
    return str(path.resolve()) if path.is_dir() else model


async def _no_pause() -> None:
    """No calls have to be waited for."""


async def _opened(settings: Settings, embedder: Embedder) -> LanceStore:
    return await open_store(
        settings.store,
        model_id=embedder.model_id,
        dim=embedder.dim,
        create=False,
        durable=settings.durability == "power-loss",
        erasures=expanded(settings.erasures),
    )


@asynccontextmanager
async def reembedding(settings: Settings) -> AsyncGenerator[StoreReembedding]:
    """Open a store to make its vectors with the model of the settings.

    Raises:
        ModelUnavailableError: The model is missing.
        StoreError: There is no store, or it cannot be opened.
    """
    embedder = await installed_factories(settings, create=False, bulk=True).make_embedder()
    store = await open_as_it_is(settings.store, erasures=expanded(settings.erasures))
    try:
        yield StoreReembedding(settings, store, embedder)
    finally:
        await store.close()


def preview_output(found: ReembedPreview) -> Output:
    """The printed preview of what is not done now."""
    said = found.said()
    return Output(_data(found), f"{said} Nothing was done." if found.has_work else said)


def _data(found: ReembedPreview) -> dict[str, object]:
    space = found.estimate.space
    return {
        "store": found.store,
        **asdict(found.estimate.cost),
        "bytes_needed": space.needed if space else None,
        "bytes_free": space.free if space else None,
        "passages": found.estimate.passages,
        "seconds": round(found.estimate.seconds, 1),
        "unfinished": found.unfinished,
    }


def reembed_output(found: ReembedPreview, done: ReembedReport) -> Output:
    """The printed result."""
    cost, purge = found.estimate.cost, done.purge
    model = f"The vectors of {found.store} are of {cost.new_model} now"
    old = "the old ones are in no file"
    if not purge.done:
        old = f"the old ones are still in its files ({purge.why}); its next server removes them"
    lines = (f"{model}; {old}.", *([done.setting] if done.setting else []))
    data = _data(found) | {
        "switched": done.switched,
        "old_vectors_gone": purge.done,
        "verified": list(purge.verified),
    }
    return Output(data, "\n".join(map(printable, lines)))
