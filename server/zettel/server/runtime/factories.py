"""Factories for a runtime's dependencies; tests inject fakes."""

import os
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Protocol

from anyio import to_thread

from zettel.server.config.settings import Settings
from zettel.server.protocol.schemas import Arguments
from zettel.server.runtime.clock import Clock
from zettel.server.runtime.llm import mind_of
from zettel.server.runtime.scheduler import Pace
from zettel.storage.embedding.embedder import Embedder, Reranker
from zettel.storage.errors import StoreUnavailableError
from zettel.storage.store import Store
from zettel.tools.caller import Caller
from zettel.tools.llm.llm import Llm
from zettel.tools.state.memory import Memory
from zettel.tools.state.quota import Quota
from zettel.tools.state.retention_policy import Retention, check_rules
from zettel.tools.validation import FOUND_FROM

HASH_MODEL = "hash"
"""Value of the setting `model` for vectors without a model: words count, meaning does not."""


class Dispatch(Protocol):
    """Carries out one call with the verbs."""

    async def __call__(
        self, memory: Memory, caller: Caller, arguments: Arguments, *, now: datetime
    ) -> Mapping[str, object]:
        """Answer one call, or raise a `ZettelError`."""
        ...


class EvolutionScheduler(Protocol):
    """Decides when notes are evolved, and has it done."""

    def wrote(self) -> None:
        """A verb has committed something."""
        ...

    def model_ready(self) -> None:
        """What waited for the model can be embedded now."""
        ...

    @property
    def busy(self) -> bool:
        """Whether notes are being tended, or soon will be."""
        ...

    @property
    def due_in_s(self) -> float:
        """Seconds until notes are looked at again."""
        ...

    async def waiting(self) -> int:
        """How many notes wait."""
        ...

    async def run(self) -> None:
        """Tend the notes until cancelled."""
        ...


async def no_reranker() -> Reranker | None:
    """Leave the order to the signals."""
    return None


def no_mind() -> Llm | None:
    """Leave evolution to its rules."""
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Factories:
    """How a runtime comes by what it owns; tests pass other ways."""

    make_embedder: Callable[[], Awaitable[Embedder]]
    make_reranker: Callable[[], Awaitable[Reranker | None]] = no_reranker
    """Made at once, loaded later; None if none is set."""
    open_store: Callable[[Embedder], Awaitable[Store]]
    import_verbs: Callable[[], Awaitable[Dispatch]]
    make_scheduler: Callable[[Memory, Clock], Awaitable[EvolutionScheduler]]
    make_mind: Callable[[], Llm | None] = no_mind
    """What evolution may ask; None if no LLM is set."""
    found_from: float = FOUND_FROM
    """Confidence from which recall's verdict is `found`."""
    archive_below: float = 0.0
    """Share still held below which evolution archives a note; 0 archives nothing."""
    consolidates: bool = False
    """Whether evolution composes gists, concepts and a profile."""
    evolve_off: tuple[str, ...] = ()
    llm_off: tuple[str, ...] = ()
    """Namespaces whose notes stay as they were told, and those whose notes no LLM is shown."""
    quota: Quota | None = None
    """How much a namespace may hold; None for any amount."""
    retention: Retention = field(default_factory=Retention)
    """How long notes are kept before evolution erases them."""


def installed_parts(
    settings: Settings, *, create: bool = True, still_there: Callable[[], bool] = lambda: True
) -> Factories:
    """The parts a real server uses: LanceDB, the configured model, the four verbs.

    Args:
        settings: Which store and model, and how notes are tended.
        create: Whether to make the store where there is none.
        still_there: Whether the store is to be opened; a directory that is removed while LanceDB
            is being imported must not be made anew.
    """

    async def make_reranker() -> Reranker | None:
        if not settings.reranker:
            return None
        return await to_thread.run_sync(_reranker, settings.reranker)

    async def open_store(embedder: Embedder) -> Store:
        opener = await to_thread.run_sync(_store_opener)
        if not still_there():
            problem, remedy = "was removed while it was being opened", "Call again."
            raise StoreUnavailableError(settings.store, problem, remedy)
        return await opener(
            settings.store,
            model_id=embedder.model_id,
            dim=embedder.dim,
            create=create,
            durable=settings.durability == "power-loss",
            erasures=expanded(settings.erasures),
        )

    async def make_scheduler(memory: Memory, clock: Clock) -> EvolutionScheduler:
        return await to_thread.run_sync(_scheduler, memory, clock, settings)

    return Factories(
        make_embedder=lambda: _embedder_of(settings.model),
        make_reranker=make_reranker,
        open_store=open_store,
        import_verbs=_import_verbs,
        make_scheduler=make_scheduler,
        make_mind=lambda: mind_of(settings),
        found_from=settings.found_from,
        archive_below=settings.archive_below,
        consolidates=settings.consolidate,
        evolve_off=settings.evolve_off,
        llm_off=settings.llm_off,
        quota=_quota(settings),
        retention=Retention(days=check_rules(settings.retain_days)),
    )


def _quota(settings: Settings) -> Quota | None:
    notes, text_bytes = settings.quota_notes, settings.quota_bytes
    return Quota(notes=notes, text_bytes=text_bytes) if notes or text_bytes else None


def expanded(path: str) -> Path:
    """A path without `~`; one that means nobody stands for itself."""
    return Path(os.path.expanduser(path))


async def _embedder_of(model: str) -> Embedder:
    if model == HASH_MODEL:
        return await to_thread.run_sync(_hash_embedder)
    maker = await to_thread.run_sync(_sentence_embedder_maker)
    return await maker(model)


async def _import_verbs() -> Dispatch:
    return await to_thread.run_sync(_verbs)


class _Opener(Protocol):
    async def __call__(
        self,
        place: str,
        *,
        model_id: str,
        dim: int,
        create: bool,
        durable: bool,
        erasures: Path,
    ) -> Store: ...


# The imports below are late for the reason at the top of this file.


def _hash_embedder() -> Embedder:
    from zettel.storage.embedding.hashing import HashEmbedder  # noqa: PLC0415

    return HashEmbedder()


def _sentence_embedder_maker() -> Callable[[str], Awaitable[Embedder]]:
    from zettel.storage.embedding.model_files import find_model  # noqa: PLC0415
    from zettel.storage.embedding.sentence_transformer import SentenceEmbedder  # noqa: PLC0415

    async def make(model: str) -> Embedder:
        return SentenceEmbedder(await find_model(model))

    return make


def _reranker(model: str) -> Reranker:
    from zettel.storage.embedding.cross_encoder import CrossEncoderReranker  # noqa: PLC0415

    return CrossEncoderReranker(model)


def _store_opener() -> _Opener:
    from zettel.storage.lance.store import open_store  # noqa: PLC0415

    return open_store


def _verbs() -> Dispatch:
    from zettel.server.runtime.dispatch import perform  # noqa: PLC0415

    return perform


def _scheduler(memory: Memory, clock: Clock, settings: Settings) -> EvolutionScheduler:
    from zettel.server.runtime.scheduler import Scheduler  # noqa: PLC0415

    pace = Pace(interval_s=settings.evolve_minutes * 60, settle_s=settings.settle_seconds)
    return Scheduler(memory, pace=pace, clock=clock)


@asynccontextmanager
async def opened(settings: Settings, *, create: bool = False) -> AsyncGenerator[Memory]:
    """Open a store; its models are found, not loaded, and no LLM is asked.

    Args:
        settings: Which.
        create: Whether to make it where there is none.

    Raises:
        StoreError: It cannot be opened.
    """
    parts = installed_parts(settings, create=create)
    embedder = await parts.make_embedder()
    reranker = await parts.make_reranker()
    store = await parts.open_store(embedder)
    try:
        yield Memory(
            store=store,
            embedder=embedder,
            reranker=reranker,
            found_from=parts.found_from,
            archive_below=parts.archive_below,
            consolidates=parts.consolidates,
            evolve_off=parts.evolve_off,
            llm_off=parts.llm_off,
            retention=parts.retention,
        )
    finally:
        await store.close()
