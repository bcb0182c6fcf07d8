"""`zettel reembed`: all vectors of a store made with another model, by this process."""

import os
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeVar

import anyio
from anyio import to_thread

from zettel.server.commands.config import set_setting
from zettel.server.commands.engine import status
from zettel.server.commands.output import Output, printable
from zettel.server.config.errors import VARIABLE_PREFIX, read_stored
from zettel.server.config.settings import Settings, config_file
from zettel.server.engine.ipc.rendezvous import Rendezvous
from zettel.server.engine.ipc.store_path import one_spelling
from zettel.server.runtime.factories import HASH_MODEL, installed_factories, opened_as_it_is
from zettel.server.runtime.leadership import alone
from zettel.server.runtime.reembed import (
    REEMBEDDING_LEASE_KEY,
    ReembeddingEstimate,
    check_reserve,
    check_space,
    estimate,
)
from zettel.storage.embedding.embedder import Embedder
from zettel.storage.erasable import Purge
from zettel.storage.errors import EngineUnreachableError
from zettel.storage.lance import reembed
from zettel.storage.lance.open import read_vectors_in_use
from zettel.storage.lance.store import LanceStore
from zettel.storage.location import read_place
from zettel.storage.progress import ReportProgress

_T = TypeVar("_T")

REEMBED_WORD = "reembed"
"""Typed to begin."""
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
        tables = self._store.tables
        in_use = (await read_vectors_in_use(tables.meta)).model_id == self._embedder.model_id
        setting = ""
        if not in_use:
            await check_space(tables, await reembed.cost(tables, self._embedder))
            setting = await to_thread.run_sync(self._set_model)

        async def has_space() -> None:
            await check_reserve(tables)

        async def fill() -> bool:
            await reembed.give_up_unless(tables, self._embedder)
            return await reembed.fill(tables, self._embedder, tell=tell, pause=has_space)

        switched = await self._alone(self._store, fill, tell, waits)
        tell("waiting for the engine", 0, 0)
        await self._followed()
        try:
            purge = await self._clean_up(tell, waits)
        finally:
            if in_use:
                # What was begun is taken back first: a full disk may have no room for the file.
                with anyio.CancelScope(shield=True):
                    setting = await to_thread.run_sync(self._set_model)
        return ReembedReport(switched=switched, purge=purge, setting=setting)

    async def _clean_up(self, tell: ReportProgress, waits: Callable[[], None]) -> Purge:
        embedder = self._embedder
        store = await installed_factories(self._settings, create=False).open_store(embedder)
        assert isinstance(store, LanceStore)

        async def work() -> Purge:
            purge = Purge(done=False)
            for left in reversed(range(CLEANING_TRIES)):
                purge = await reembed.clean_up(store.tables, embedder, tell=tell, pause=_no_pause)
                if purge.done or not left:
                    break
                await anyio.sleep(CLEANING_PAUSE_S)
            return purge

        try:
            return await self._alone(store, work, tell, waits)
        finally:
            await store.close()

    async def _alone(
        self,
        store: LanceStore,
        work: Callable[[], Awaitable[_T]],
        tell: ReportProgress,
        waits: Callable[[], None],
    ) -> _T:
        """Work under the lease; until it is free show how far the other process has come."""

        async def report() -> None:
            cost = await reembed.cost(self._store.tables, self._embedder)
            tell("embedding, by another process", cost.revisions - cost.waiting, cost.revisions)

        return await alone(store, WORK, work, waits, key=REEMBEDDING_LEASE_KEY, report=report)

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


@asynccontextmanager
async def reembedding(settings: Settings) -> AsyncGenerator[StoreReembedding]:
    """Open a store to make its vectors with the model of the settings.

    Raises:
        ModelUnavailableError: The model is missing.
        StoreError: There is no store, or it cannot be opened.
    """
    embedder = await installed_factories(settings, create=False, bulk=True).make_embedder()
    async with opened_as_it_is(settings) as store:
        yield StoreReembedding(settings, store, embedder)


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
