"""Factories for a runtime's dependencies; tests inject fakes."""

import logging
import os
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from anyio import to_thread

from zettel.server.config.settings import Settings, config_file
from zettel.server.config.trust import counting_settings
from zettel.server.protocol.schemas import Arguments
from zettel.server.runtime.clock import Clock
from zettel.server.runtime.llm import build_llm
from zettel.storage.embedding.embedder import AbsentEmbedder, Embedder, Reranker
from zettel.storage.errors import ExtraMissingError, OtherModelError, StoreUnavailableError
from zettel.storage.progress import Pause, ReportProgress
from zettel.storage.store import Store
from zettel.tools.caller import Caller
from zettel.tools.llm.llm import Llm
from zettel.tools.state.memory import Memory, Policy
from zettel.tools.state.quota import Quota
from zettel.tools.state.retention_policy import Retention, check_rules
from zettel.tools.trust import TrustRules

if TYPE_CHECKING:
    from zettel.storage.lance.store import LanceStore

HASH_MODEL = "hash"
"""Value of the setting `model` for hashed word vectors, without an embedding model."""

logger = logging.getLogger(__name__)


class Dispatch(Protocol):
    """Carries out one call with the verbs."""

    async def __call__(
        self, memory: Memory, caller: Caller, arguments: Arguments, *, now: datetime
    ) -> Mapping[str, object]:
        """The answer to one call; raises `ZettelError`."""
        ...


class Scheduler(Protocol):
    """Decides when notes are evolved, and runs it."""

    def wrote(self) -> None:
        """A verb has committed something."""
        ...

    def model_ready(self) -> None:
        """The embedding model is loaded."""
        ...

    @property
    def busy(self) -> bool:
        """Whether notes are being evolved, or will be before the next interval."""
        ...

    @property
    def due_in_s(self) -> float:
        """Seconds until the next run."""
        ...

    async def waiting(self) -> int:
        """Number of notes that wait for evolution."""
        ...

    async def run(self) -> None:
        """Evolve the notes until cancelled."""
        ...


AwaitIdle = Callable[[float], Awaitable[None]]
"""Returns when nobody has called for so many seconds."""


class VectorUpkeep(Protocol):
    """Makes a store's vectors with another model, and sees when another process has done so."""

    async def is_outdated(self, store: Store) -> bool:
        """Whether other vectors are in use than when the store was opened."""
        ...

    async def is_cleaning(self, store: Store) -> bool:
        """Whether vectors that are not in use any more are still in the files."""
        ...

    async def fill(
        self, store: Store, embedder: Embedder, *, tell: ReportProgress, pause: Pause
    ) -> bool:
        """Make new vectors and put them in use; False if another process does so, or did.

        `pause` is awaited before each piece of work.

        Raises:
            ModelUnavailableError: The other model cannot be used.
            LowDiskError: The disk has too little free space for the vectors.
        """
        ...

    async def clean_up(self, store: Store, embedder: Embedder, *, pause: Pause) -> bool:
        """Remove vectors that are not in use; False if it has to be tried again.

        `pause` is awaited before each piece of work.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Factories:
    """How a runtime makes its dependencies."""

    make_embedder: Callable[[], Awaitable[Embedder]]
    make_reranker: Callable[[], Awaitable[Reranker | None]]
    """The reranker, not loaded yet; None if none is set."""
    open_store: Callable[[Embedder], Awaitable[Store]]
    find_embedder: Callable[[OtherModelError], Awaitable[Embedder]]
    """The embedder to open a store with whose vectors are of another model than the settings'."""
    changes_model: bool = False
    """Whether such a store is embedded anew: the settings name a model."""
    make_vector_upkeep: Callable[[], Awaitable[VectorUpkeep | None]]
    import_verbs: Callable[[], Awaitable[Dispatch]]
    make_scheduler: Callable[[Memory, Clock], Awaitable[Scheduler]]
    export_model: Callable[[Embedder, AwaitIdle], Awaitable[bool]]
    """Exports the embedding model while nobody calls; whether it is run otherwise from then on."""
    make_llm: Callable[[], Llm | None]
    """The LLM for evolution; None if none is set."""
    policy: Policy = field(default_factory=Policy)
    """How notes are found, evolved and kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedStore:
    """A store with the embedder of its vectors."""

    store: Store
    embedder: Embedder
    wanted: Embedder | None = None
    """The model that the settings name, if the vectors are of another and are to be made anew."""


async def open_with_model(factories: Factories, embedder: Embedder) -> OpenedStore:
    """Open a store with the embedder of the settings, else with that of its own vectors.

    Raises:
        StoreError: It cannot be opened.
    """
    try:
        return OpenedStore(store=await factories.open_store(embedder), embedder=embedder)
    except OtherModelError as error:
        own = await factories.find_embedder(error)
    wanted = embedder if factories.changes_model else None
    return OpenedStore(store=await factories.open_store(own), embedder=own, wanted=wanted)


def installed_factories(
    settings: Settings,
    *,
    create: bool = True,
    still_there: Callable[[], bool] = lambda: True,
    bulk: bool = False,
) -> Factories:
    """The factories of a real server: LanceDB, the configured models, the four verbs.

    Args:
        settings: Of the store.
        create: Whether to create a missing store.
        still_there: Checked just before opening: a directory that was removed while LanceDB was
            being imported must not be created again.
        bulk: Whether the model is to embed many notes while nobody asks questions.
    """

    async def make_reranker() -> Reranker | None:
        if not settings.reranker:
            return None
        await _load("zettel.storage.embedding.cross_encoder")
        from zettel.storage.embedding.cross_encoder import CrossEncoderReranker  # noqa: PLC0415

        return CrossEncoderReranker(settings.reranker)

    async def open_store(embedder: Embedder) -> Store:
        await _load("zettel.storage.lance.store")
        from zettel.storage.lance.store import open_store  # noqa: PLC0415

        if not still_there():
            problem, remedy = "was removed while it was being opened", "Call again."
            raise StoreUnavailableError(settings.store, problem, remedy)
        return await open_store(
            settings.store,
            model_id=embedder.model_id,
            dim=embedder.dim,
            create=create,
            durable=settings.durability == "power-loss",
            erasures=expanded(settings.erasures),
        )

    async def make_scheduler(memory: Memory, clock: Clock) -> Scheduler:
        await _load("zettel.server.runtime.scheduler")
        from zettel.server.runtime.scheduler import EvolutionScheduler  # noqa: PLC0415

        return EvolutionScheduler(
            memory,
            interval_s=settings.evolve_minutes * 60,
            settle_s=settings.settle_seconds,
            clock=clock,
        )

    async def export_model(embedder: Embedder, await_idle: AwaitIdle) -> bool:
        if settings.model == HASH_MODEL:
            return False
        await _load("zettel.server.runtime.export")
        from zettel.server.runtime.export import export_when_idle  # noqa: PLC0415

        return await export_when_idle(embedder, settings.embed_backend, await_idle)

    model = _ModelName(settings)
    return Factories(
        make_embedder=lambda: _make_embedder(model.read(), settings, bulk=bulk),
        find_embedder=lambda error: _find_embedder(error, settings, bulk=bulk),
        changes_model=_names_model(settings),
        make_vector_upkeep=_make_vector_upkeep,
        make_reranker=make_reranker,
        open_store=open_store,
        import_verbs=_import_verbs,
        make_scheduler=make_scheduler,
        export_model=export_model,
        make_llm=lambda: build_llm(settings),
        policy=_policy(settings),
    )


def _policy(settings: Settings) -> Policy:
    notes, text_bytes = settings.quota_notes, settings.quota_bytes
    return Policy(
        found_from=settings.found_from,
        # Over HTTP the wait is part of a recall's time: some of that is left to answer in.
        model_wait_s=min(settings.model_wait_seconds, settings.recall_seconds * 2 / 3),
        archive_below=settings.archive_below,
        working_notes=settings.working_notes,
        consolidates=settings.consolidate and _can_consolidate(),
        evolve_off=settings.evolve_off,
        llm_off=settings.llm_off,
        trust=TrustRules(frozenset(settings.trusted_principals)),
        retention=Retention(days=check_rules(settings.retain_days)),
        quota=Quota(notes=notes, text_bytes=text_bytes) if notes or text_bytes else None,
        secrets=settings.secrets,
        cache_bytes=settings.cache_mb * 2**20,
    )


def _can_consolidate() -> bool:
    from zettel.tools.evolve.consolidate.library import check_clustering  # noqa: PLC0415  rarely on

    try:
        check_clustering()
    except ExtraMissingError as error:
        logger.error("notes are not consolidated: %s", error)
        return False
    return True


def expanded(path: str) -> Path:
    """A path with `~` expanded; unchanged if the user is unknown."""
    return Path(os.path.expanduser(path))


async def _load(module: str) -> None:
    """Import a module in a thread: it takes up to seconds, and the event loop must go on."""
    await to_thread.run_sync(import_module, module)


class _ModelName:
    """The model of the settings, as long as nobody names another one in the store's file.

    `zettel reembed` does so while a server runs.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        file = self._stored()
        self._follows_file = not _names_model(settings) or file == settings.model

    def read(self) -> str:
        """The name."""
        return (self._stored() if self._follows_file else "") or self._settings.model

    def _stored(self) -> str:
        try:
            return str(counting_settings(config_file(self._settings.store)).get("model", ""))
        except (OSError, ValueError):
            return ""


def _names_model(settings: Settings) -> bool:
    """Whether a flag, a variable or the store's file names a model."""
    return "model" in settings.model_fields_set


async def _find_embedder(error: OtherModelError, settings: Settings, *, bulk: bool) -> Embedder:
    """The embedder of a store's vectors, or one that stands for it.

    Raises:
        OtherModelError: Its model is not on this machine, and no other one is named.
    """
    found = await _own_embedder(error.found, settings, bulk=bulk)
    if found is None and not _names_model(settings):
        raise error
    return found or AbsentEmbedder(error.found, error.dim)


async def _own_embedder(model_id: str, settings: Settings, *, bulk: bool) -> Embedder | None:
    if model_id.startswith(f"{HASH_MODEL}@"):
        hashing = await _make_embedder(HASH_MODEL, settings)
        return hashing if hashing.model_id == model_id else None
    await _load("zettel.storage.embedding.backends")
    from zettel.storage.embedding.backends import make_embedder  # noqa: PLC0415
    from zettel.storage.embedding.model_files import find_model_of  # noqa: PLC0415

    named = settings.model if _names_model(settings) else ""
    files = await find_model_of(model_id, named=named)
    device = settings.embed_device
    return files and make_embedder(files, settings.embed_backend, device=device, bulk=bulk)


async def _make_vector_upkeep() -> VectorUpkeep:
    await _load("zettel.server.runtime.reembed")
    from zettel.server.runtime.reembed import LeasedVectorUpkeep  # noqa: PLC0415

    return LeasedVectorUpkeep()


async def _make_embedder(model: str, settings: Settings, *, bulk: bool = False) -> Embedder:
    if model == HASH_MODEL:
        await _load("zettel.storage.embedding.hashing")
        from zettel.storage.embedding.hashing import HashEmbedder  # noqa: PLC0415

        return HashEmbedder()
    await _load("zettel.storage.embedding.backends")
    from zettel.storage.embedding.backends import make_embedder  # noqa: PLC0415
    from zettel.storage.embedding.model_files import find_model  # noqa: PLC0415

    files = await find_model(model)
    return make_embedder(files, settings.embed_backend, device=settings.embed_device, bulk=bulk)


async def _import_verbs() -> Dispatch:
    await _load("zettel.server.runtime.dispatch")
    from zettel.server.runtime.dispatch import dispatch  # noqa: PLC0415

    return dispatch


@asynccontextmanager
async def opened(
    settings: Settings, *, create: bool = False, bulk: bool = False
) -> AsyncGenerator[Memory]:
    """Open a store for one command; its models are not loaded, and there is no LLM.

    With `create`, a missing store is created; with `bulk`, the command embeds many notes.

    Raises:
        StoreError: It cannot be opened.
    """
    factories = installed_factories(settings, create=create, bulk=bulk)
    embedder = await factories.make_embedder()
    reranker = await factories.make_reranker()
    found = await open_with_model(factories, embedder)
    memory = Memory(store=found.store, embedder=found.embedder, reranker=reranker)
    try:
        yield memory.under(factories.policy)
    finally:
        await found.store.close()


@asynccontextmanager
async def opened_as_it_is(settings: Settings) -> AsyncGenerator["LanceStore"]:
    """Open a store for one command that needs no model; other processes may use it.

    Raises:
        StoreError: It does not exist or cannot be opened.
    """
    from zettel.storage.lance.store import open_as_it_is  # noqa: PLC0415

    store = await open_as_it_is(settings.store, erasures=expanded(settings.erasures))
    try:
        yield store
    finally:
        await store.close()
