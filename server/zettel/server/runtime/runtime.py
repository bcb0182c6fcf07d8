"""The state of one process, shared by all its clients: store, model, scheduler, usage counts.

Not in the SDK's lifespan, which is entered once per connection over SSE.
"""

import logging
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Literal

import anyio
from anyio.abc import TaskGroup

from zettel.server.observability.request_log import Counters
from zettel.server.observability.tracing import span
from zettel.server.protocol.schemas import Arguments
from zettel.server.protocol.subscriptions import ChangeFeed
from zettel.server.runtime.clock import Clock, utc_now
from zettel.server.runtime.factories import Dispatch, Factories, Scheduler
from zettel.server.runtime.threads import return_memory_regularly
from zettel.storage.embedding.embedder import Embedder, Reranker
from zettel.storage.errors import ModelUnavailableError, StoreUnavailableError, ZettelError
from zettel.tools.caller import Caller
from zettel.tools.doctor.heal import heal
from zettel.tools.llm.llm import Llm
from zettel.tools.progress import AT_WORK, report_progress
from zettel.tools.state.memory import Memory

logger = logging.getLogger(__name__)

USAGE_INTERVAL_S = 5.0
"""Seconds between two writes of usage counts; a batch is one commit."""


async def flush_regularly(memory: Memory) -> None:
    """Write usage counts regularly until cancelled."""
    while True:
        await anyio.sleep(USAGE_INTERVAL_S)
        await flush(memory)


async def flush(memory: Memory) -> None:
    """Write the usage counts since the last write."""
    if not memory.usage.dirty:
        return
    try:
        await memory.usage.flush(memory.store)
    except Exception:
        # The counts stay in the buffer, and the next flush tries again.
        logger.warning("usage was not written", exc_info=True)


CLOSE_TIMEOUT_S = 5.0
"""Seconds the last writes may take at exit."""

Status = Literal["starting", "ok", "failed"]


@dataclass(slots=True)
class _Attempt:
    """One attempt to open the store; all calls made meanwhile wait for it."""

    done: anyio.Event = field(default_factory=anyio.Event)
    memory: Memory | None = None
    error: ZettelError | None = None


class Runtime:
    """The engine of one store.

    Args:
        place: Directory or URI of the store, for messages.
        factories: For store, models, verbs and scheduler.
        clock: Returns the time.
        counters: Counts calls and runs.
    """

    def __init__(
        self,
        place: str,
        factories: Factories,
        *,
        clock: Clock = utc_now,
        counters: Counters | None = None,
    ) -> None:
        self.place = place
        self.counters = counters or Counters()
        self.leaving = False
        """Whether the process is shutting down."""
        self._factories = factories
        self._clock = clock
        self._tasks: TaskGroup | None = None
        self._attempt: _Attempt | None = None
        self._embedder: Embedder | None = None
        self._reranker: Reranker | None = None
        self._dispatch: Dispatch | None = None
        self._scheduler: Scheduler | None = None
        self._loading_done = anyio.Event()
        self._model_problem = ""
        self.llm_problem = ""
        """Why the configured LLM cannot be used; empty if it can."""
        self.feed = ChangeFeed(self.call)
        """Notifies subscribers of changes."""
        self._calls = self._open_calls = 0
        self._idle = anyio.Event()
        self._idle.set()

    @property
    def status(self) -> Status:
        """`ok` once the store is open, `failed` if the last attempt failed."""
        if self._attempt is None or not self._attempt.done.is_set():
            return "starting"
        return "ok" if self._attempt.memory else "failed"

    @property
    def model_ready(self) -> bool:
        """Whether the embedding model is loaded."""
        return self._embedder is not None and self._embedder.ready

    @property
    def busy(self) -> bool:
        """Whether a call is in progress, or notes are evolved now or soon."""
        evolving = self._scheduler is not None and self._scheduler.busy
        return bool(self._open_calls) or evolving or not self._loading_done.is_set()

    @property
    def scheduler(self) -> Scheduler | None:
        """None until the store is open."""
        return self._scheduler

    @property
    def problem(self) -> str:
        """Why the store or the model cannot be used; empty when they can."""
        if self._attempt and self._attempt.error:
            return str(self._attempt.error)
        return self._model_problem

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """Open the store and load the models in the background; close at the end."""
        async with anyio.create_task_group() as tasks:
            self._tasks = tasks
            tasks.start_soon(self._start)
            tasks.start_soon(self.feed.run)
            tasks.start_soon(return_memory_regularly)
            try:
                yield
            finally:
                # The scheduler stops first, then the usage counts are written.
                tasks.cancel_scope.cancel()
        with anyio.move_on_after(CLOSE_TIMEOUT_S, shield=True):
            await self._close()

    async def settled(self) -> None:
        """Wait until store and models are ready or have failed."""
        await self._loading_done.wait()

    async def calls_finished(self) -> None:
        """Wait until no call is in progress."""
        await self._idle.wait()

    async def memory(self) -> Memory:
        """The open store; after a failure the opening is tried again.

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
        """Carry out one tool call or reading.

        Raises:
            ZettelError: It cannot be done; the text names the next step.
        """
        self._calls += 1
        self._open_calls += 1
        self._idle = anyio.Event() if self._idle.is_set() else self._idle
        try:
            if self.status == "starting":
                report_progress("opening the store")
            memory = await self.memory()
            report_progress(AT_WORK)
            assert self._dispatch is not None
            with span(type(arguments).__name__):
                return await self._dispatch(memory, caller, arguments, now=self._clock())
        finally:
            self._open_calls -= 1
            if not self._open_calls:
                self._idle.set()

    def _current_attempt(self) -> _Attempt:
        """The running or successful attempt; a new one after a failure."""
        if self._attempt is None or self._attempt.error is not None:
            assert self._tasks is not None
            self._attempt = _Attempt()
            self._tasks.start_soon(self._open, self._attempt)
        return self._attempt

    async def _start(self) -> None:
        try:
            await self._current_attempt().done.wait()
            # After the store: imports do not run in parallel, and calls wait for the store only.
            await self._load_model()
            await self._load_reranker()
        finally:
            self._loading_done.set()
        await self._export_model()

    async def _open(self, attempt: _Attempt) -> None:
        try:
            attempt.memory = await self._opened()
        except ZettelError as error:
            logger.error("store=%r did not open: %s", self.place, error)
            attempt.error = error
        except Exception:
            # A missing library or a bug: every call gets this error, and the server goes on.
            logger.exception("store=%r did not open", self.place)
            attempt.error = StoreUnavailableError(
                self.place, "could not be opened", "See the server's log for the reason."
            )
        finally:
            attempt.done.set()

    async def _opened(self) -> Memory:
        if self._embedder is None:
            self._embedder = await self._factories.make_embedder()
        if self._dispatch is None:
            self._dispatch = await self._factories.import_verbs()
        if self._reranker is None:
            self._reranker = await self._factories.make_reranker()
        store = await self._factories.open_store(self._embedder)
        memory = Memory(
            store=store,
            embedder=self._embedder,
            reranker=self._reranker,
            mind=self._llm(),
            on_write=self._wrote,
            on_run=self.counters.ran,
        ).under(self._factories.policy)
        await self._heal(memory)
        self._scheduler = await self._factories.make_scheduler(memory, self._clock)
        assert self._tasks is not None
        self._tasks.start_soon(self._scheduler.run)
        self._tasks.start_soon(flush_regularly, memory)
        if self.model_ready:
            self._scheduler.model_ready()
        if self._loading_done.is_set() and not self.model_ready:
            # The previous attempt had failed.
            self._tasks.start_soon(self._load_model)
            self._tasks.start_soon(self._load_reranker)
        logger.info("store=%r is open", self.place)
        return memory

    def _llm(self) -> Llm | None:
        try:
            return self._factories.make_llm()
        except ZettelError as error:
            # Without it, evolution works by its rules.
            logger.error("the LLM is not used: %s", error)
            self.llm_problem = str(error)
            return None

    async def _heal(self, memory: Memory) -> None:
        try:
            await heal(memory, now=self._clock())
        except Exception:
            # A store that cannot be healed can still be read.
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
            # Recall still finds notes by words; a failing library must not end the server.
            logger.exception("embedding model did not load")
            self._model_problem = f"The embedding model failed to load: {error}"
            return
        self._model_problem = ""
        logger.info("embedding model %s is ready", self._embedder.model_id)
        if self._scheduler is not None:
            self._scheduler.model_ready()

    async def _export_model(self) -> None:
        if self._embedder is None:
            return
        try:
            exported = await self._factories.export_model(self._embedder, self._await_idle)
        except Exception:
            # It goes on as it is; a failing library must not end the server.
            logger.exception("the embedding model was not exported")
            return
        if exported and self._model_problem:
            await self._load_model()

    async def _await_idle(self, seconds: float) -> None:
        """Return when no call has come in for so long, and nothing is in progress."""
        seen = -1
        while self.busy or seen != self._calls:
            seen = self._calls
            await anyio.sleep(seconds)

    async def _load_reranker(self) -> None:
        """Load the reranker if one is set; recall works without it and says so."""
        if self._reranker is None:
            return
        try:
            await self._reranker.load()
        except ModelUnavailableError as error:
            logger.error("reranker did not load: %s", error)
        except Exception:
            # A failing library must not end the server.
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
