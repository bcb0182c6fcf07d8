"""What one process owns, however many clients it serves: store, model, scheduler, usage.

Nothing here is a connection's: over SSE the SDK enters a server's lifespan once for each.
"""

import logging
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Literal

import anyio
from anyio.abc import TaskGroup

from zettel.server.observability.counters import Counters, NoCounters
from zettel.server.observability.tracing import span
from zettel.server.protocol.change_feed import ChangeFeed
from zettel.server.protocol.schemas import Arguments
from zettel.server.runtime.clock import Clock, utc_now
from zettel.server.runtime.factories import Dispatch, EvolutionScheduler, Factories
from zettel.server.runtime.usage_flush import flush, flush_regularly
from zettel.storage.embedding.embedder import Embedder, Reranker
from zettel.storage.errors import ModelUnavailableError, StoreUnavailableError, ZettelError
from zettel.tools.caller import Caller
from zettel.tools.doctor.heal import heal
from zettel.tools.llm.llm import Llm
from zettel.tools.progress import AT_WORK, say
from zettel.tools.state.memory import Memory

logger = logging.getLogger(__name__)

CLOSE_S = 5.0
"""Seconds the last writes may take before the process leaves anyway."""

Status = Literal["starting", "ok", "failed"]


@dataclass(slots=True)
class _Attempt:
    """One try at opening the store; everybody who calls meanwhile waits for the same one."""

    done: anyio.Event = field(default_factory=anyio.Event)
    memory: Memory | None = None
    error: ZettelError | None = None


class Runtime:
    """The engine of one store.

    Args:
        place: Directory or URI of the store, for messages.
        parts: How store, model, verbs and scheduler are come by.
        clock: What time it is.
        tally: Where calls and runs are counted.
    """

    def __init__(
        self, place: str, parts: Factories, *, clock: Clock = utc_now, tally: Counters | None = None
    ) -> None:
        self.place = place
        self.tally = tally or NoCounters()
        self.leaving = False
        """Whether the process was asked to end."""
        self._parts = parts
        self._clock = clock
        self._tasks: TaskGroup | None = None
        self._attempt: _Attempt | None = None
        self._embedder: Embedder | None = None
        self._reranker: Reranker | None = None
        self._perform: Dispatch | None = None
        self._scheduler: EvolutionScheduler | None = None
        self._loading_done = anyio.Event()
        self._model_problem = ""
        self.llm_problem = ""
        """Why the LLM that is set is not used: evolution goes by its rules."""
        self.feed = ChangeFeed(self.call)
        """Tells who subscribed to changes."""
        self._open_calls = 0
        self._idle = anyio.Event()
        self._idle.set()

    @property
    def status(self) -> Status:
        """`ok` once the store is open, `failed` while the last try at it failed."""
        if self._attempt is None or not self._attempt.done.is_set():
            return "starting"
        return "ok" if self._attempt.memory else "failed"

    @property
    def model_ready(self) -> bool:
        """Whether the embedding model is loaded."""
        return self._embedder is not None and self._embedder.ready

    @property
    def busy(self) -> bool:
        """Whether a call is being carried out, or notes wait to be tended soon."""
        tending = self._scheduler is not None and self._scheduler.busy
        return bool(self._open_calls) or tending or not self._loading_done.is_set()

    @property
    def tending(self) -> EvolutionScheduler | None:
        """Who evolves the notes; None until the store is open."""
        return self._scheduler

    @property
    def problem(self) -> str:
        """Why the store or the model cannot be used; empty when they can."""
        if self._attempt and self._attempt.error:
            return str(self._attempt.error)
        return self._model_problem

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """Open the store and load the model in the background; drain and close at the end."""
        async with anyio.create_task_group() as tasks:
            self._tasks = tasks
            tasks.start_soon(self._start)
            tasks.start_soon(self.feed.run)
            try:
                yield
            finally:
                # First the scheduler stops between two steps, then what gathered is written.
                tasks.cancel_scope.cancel()
        with anyio.move_on_after(CLOSE_S, shield=True):
            await self._close()

    async def settled(self) -> None:
        """Wait until store and model are ready or have failed."""
        await self._loading_done.wait()

    async def calls_finished(self) -> None:
        """Wait until no call is being carried out."""
        await self._idle.wait()

    async def memory(self) -> Memory:
        """The open store and what goes with it; a failed opening is tried again.

        Raises:
            ZettelError: It cannot be opened.
        """
        attempt = self._current_attempt()
        await attempt.done.wait()
        if attempt.memory is None:
            raise attempt.error or StoreUnavailableError(
                self.place, "was closed while it was being opened", "Start Zettel again."
            )
        return attempt.memory

    async def call(self, arguments: Arguments, caller: Caller) -> Mapping[str, object]:
        """Carry out one tool call.

        Raises:
            ZettelError: It cannot be done; the text says what to do instead.
        """
        self._open_calls += 1
        self._idle = anyio.Event() if self._idle.is_set() else self._idle
        try:
            if self.status == "starting":
                say("opening the store")
            memory = await self.memory()
            say(AT_WORK)
            assert self._perform is not None
            with span(type(arguments).__name__):
                return await self._perform(memory, caller, arguments, now=self._clock())
        finally:
            self._open_calls -= 1
            if not self._open_calls:
                self._idle.set()

    def _current_attempt(self) -> _Attempt:
        """The attempt that runs or has succeeded; after a failure, a new one."""
        if self._attempt is None or self._attempt.error is not None:
            assert self._tasks is not None
            self._attempt = _Attempt()
            self._tasks.start_soon(self._open, self._attempt)
        return self._attempt

    async def _start(self) -> None:
        try:
            await self._current_attempt().done.wait()
            # After the store, not beside it: both are imports, which take turns anyway, and calls
            # wait for the store only.
            await self._load_model()
            await self._load_reranker()
        finally:
            self._loading_done.set()

    async def _open(self, attempt: _Attempt) -> None:
        try:
            attempt.memory = await self._opened()
        except ZettelError as error:
            logger.error("store=%r did not open: %s", self.place, error)
            attempt.error = error
        except Exception:
            # A missing library or a bug: every call is told, and the server lives on.
            logger.exception("store=%r did not open", self.place)
            attempt.error = StoreUnavailableError(
                self.place, "could not be opened", "See the server's log for the reason."
            )
        finally:
            attempt.done.set()

    async def _opened(self) -> Memory:
        if self._embedder is None:
            self._embedder = await self._parts.make_embedder()
        if self._perform is None:
            self._perform = await self._parts.import_verbs()
        if self._reranker is None:
            self._reranker = await self._parts.make_reranker()
        store = await self._parts.open_store(self._embedder)
        memory = Memory(
            store=store,
            embedder=self._embedder,
            reranker=self._reranker,
            mind=self._mind(),
            on_write=self._wrote,
            on_run=self.tally.ran,
            found_from=self._parts.found_from,
            archive_below=self._parts.archive_below,
            consolidates=self._parts.consolidates,
            evolve_off=self._parts.evolve_off,
            llm_off=self._parts.llm_off,
            retention=self._parts.retention,
            quota=self._parts.quota,
        )
        await self._heal(memory)
        self._scheduler = await self._parts.make_scheduler(memory, self._clock)
        assert self._tasks is not None
        self._tasks.start_soon(self._scheduler.run)
        self._tasks.start_soon(flush_regularly, memory)
        if self.model_ready:
            self._scheduler.model_ready()
        if self._loading_done.is_set() and not self.model_ready:
            # The opening before this one had failed.
            self._tasks.start_soon(self._load_model)
            self._tasks.start_soon(self._load_reranker)
        logger.info("store=%r is open", self.place)
        return memory

    def _mind(self) -> Llm | None:
        try:
            return self._parts.make_mind()
        except ZettelError as error:
            # Notes are kept and found without it, and evolve by rule.
            logger.error("the LLM is not used: %s", error)
            self.llm_problem = str(error)
            return None

    async def _heal(self, memory: Memory) -> None:
        try:
            await heal(memory, now=self._clock())
        except Exception:
            # A store that cannot be mended can still be read, and is not shut for it.
            logger.exception("store=%r was not healed", self.place)

    async def _load_model(self) -> None:
        if self._embedder is None:
            return
        try:
            await self._embedder.load()
        except ModelUnavailableError as error:
            logger.error("embedding model did not load: %s", error)
            self._model_problem = str(error)
            return
        except Exception as error:
            # Words still find notes, and a library that fails must not end the server.
            logger.exception("embedding model did not load")
            self._model_problem = f"The embedding model failed to load: {error}"
            return
        self._model_problem = ""
        logger.info("embedding model %s is ready", self._embedder.model_id)
        if self._scheduler is not None:
            self._scheduler.model_ready()

    async def _load_reranker(self) -> None:
        """Load it if one is set; recall does without, and says so, until then or for good."""
        if self._reranker is None:
            return
        try:
            await self._reranker.load()
        except ModelUnavailableError as error:
            logger.error("reranker did not load: %s", error)
        except Exception:
            # As above: a library that fails here must not end the server.
            logger.exception("reranker did not load")
        else:
            logger.info("reranker is ready")

    def _wrote(self) -> None:
        self.feed.wake()
        if self._scheduler is not None:
            self._scheduler.wrote()

    async def _close(self) -> None:
        memory = self._attempt.memory if self._attempt else None
        if memory is None:
            return
        await flush(memory)
        await memory.admin.close()
