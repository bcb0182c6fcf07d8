"""The state of one process, shared by all its clients: store, model, scheduler, usage counts.

Not in the SDK's lifespan, which is entered once per connection over SSE.
"""

import logging
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Literal

import anyio
from anyio import to_thread
from anyio.abc import TaskGroup

from zettel.server.observability.request_log import Counters
from zettel.server.observability.tracing import span
from zettel.server.protocol.schemas import Arguments
from zettel.server.protocol.subscriptions import ChangeFeed
from zettel.server.runtime.clock import Clock, utc_now
from zettel.server.runtime.factories import (
    Dispatch,
    Factories,
    Scheduler,
    VectorUpkeep,
    open_with_model,
)
from zettel.server.runtime.threads import return_memory_regularly
from zettel.storage.embedding.embedder import Embedder, Reranker
from zettel.storage.errors import (
    LowDiskError,
    ModelUnavailableError,
    StoreUnavailableError,
    ZettelError,
)
from zettel.tools.caller import Caller
from zettel.tools.doctor.heal import heal
from zettel.tools.language.asked_slots import find_asked_slots
from zettel.tools.language.change_cues import find_change_cue
from zettel.tools.language.marks import find_marks
from zettel.tools.language.names import find_names
from zettel.tools.llm.llm import Llm
from zettel.tools.progress import AT_WORK, report_progress
from zettel.tools.ranking.question import read_question
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

MODEL_POLL_S = 2.0
"""Seconds between two looks whether another process has changed the store's vectors."""
CLEANING_RETRY_S = 20.0
"""Seconds until the next attempt to remove old vectors; some files have to be a minute old."""
MODEL_RETRY_S = 300.0
"""Seconds until the next attempt to make them with another model, after a failure."""
TURN_MAX_S = 10.0
"""Seconds that re-embedding waits for calls to end before its next second of work."""
FORMER_CALLS_MAX_S = 60.0
"""Seconds that calls in progress may go on with the former vectors."""

Status = Literal["starting", "ok", "failed"]


@dataclass(slots=True)
class _Attempt:
    """One attempt to open the store; all calls made meanwhile wait for it."""

    done: anyio.Event = field(default_factory=anyio.Event)
    memory: Memory | None = None
    error: ZettelError | None = None
    calls: int = 0
    """In progress on this memory."""
    unused: anyio.Event = field(default_factory=anyio.Event)
    """Set when the last of them has ended."""
    background: anyio.CancelScope = field(default_factory=anyio.CancelScope)
    """Of its scheduler and its usage counts."""
    background_done: anyio.Event = field(default_factory=anyio.Event)


class Runtime:
    """The engine of one store."""

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
        self._wanted: Embedder | None = None
        self.embedding_anew: tuple[int, int] | None = None
        """Revisions that have vectors of another model, and all, while these are made."""
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
    def model_id(self) -> str:
        """The model of the vectors in use, with its fingerprint; empty until it is known."""
        return self._embedder.model_id if self._embedder is not None else ""

    @property
    def busy(self) -> bool:
        """Whether a call is in progress, or notes are evolved or embedded anew now or soon."""
        working = self.embedding_anew is not None
        working = working or (self._scheduler is not None and self._scheduler.busy)
        return bool(self._open_calls) or working or not self._loading_done.is_set()

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
            tasks.start_soon(self._keep_vectors)
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
        _, memory = await self._ready()
        return memory

    async def _ready(self) -> tuple[_Attempt, Memory]:
        attempt = self._current_attempt()
        await attempt.done.wait()
        if attempt.memory is None:
            raise attempt.error or StoreUnavailableError(
                self.place, "was closed while it was being opened", "Start Zettel again."
            )
        return attempt, attempt.memory

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
            attempt, memory = await self._ready()
            report_progress(AT_WORK)
            assert self._dispatch is not None
            attempt.calls += 1
            try:
                with span(type(arguments).__name__):
                    return await self._dispatch(memory, caller, arguments, now=self._clock())
            finally:
                attempt.calls -= 1
                if not attempt.calls:
                    attempt.unused.set()
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
            async with anyio.create_task_group() as tasks:
                # The model is read outside Python, which compiles patterns meanwhile.
                tasks.start_soon(to_thread.run_sync, load_tables_of_questions)
                await self._load_model()
            await self._load_reranker()
        finally:
            self._loading_done.set()
        await self._next_turn()
        await to_thread.run_sync(load_tables_of_notes)
        await self._export_model()

    async def _open(self, attempt: _Attempt) -> None:
        try:
            attempt.memory = await self._opened(attempt)
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

    async def _opened(self, attempt: _Attempt) -> Memory:
        if self._embedder is None:
            self._embedder = await self._factories.make_embedder()
        if self._dispatch is None:
            self._dispatch = await self._factories.import_verbs()
        if self._reranker is None:
            self._reranker = await self._factories.make_reranker()
        opened = await open_with_model(self._factories, self._wanted or self._embedder)
        self._embedder, self._wanted = opened.embedder, opened.wanted
        memory = Memory(
            store=opened.store,
            embedder=opened.embedder,
            reranker=self._reranker,
            mind=self._llm(),
            on_write=self._wrote,
            on_run=self.counters.ran,
        ).under(self._factories.policy)
        await self._heal(memory)
        await self._start_background(attempt, memory)
        assert self._tasks is not None
        if self._loading_done.is_set() and not self.model_ready:
            # The previous attempt had failed.
            self._tasks.start_soon(self._load_model)
            self._tasks.start_soon(self._load_reranker)
        logger.info("store=%r is open", self.place)
        return memory

    async def _start_background(self, attempt: _Attempt, memory: Memory) -> None:
        """Start what works on a memory beside its calls."""
        scheduler = await self._factories.make_scheduler(memory, self._clock)
        assert self._tasks is not None
        self._scheduler = scheduler

        async def work() -> None:
            with attempt.background:
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(scheduler.run)
                    tasks.start_soon(flush_regularly, memory)
                    tasks.start_soon(self._read_ahead, memory)
            attempt.background_done.set()

        self._tasks.start_soon(work)
        if self.model_ready:
            scheduler.model_ready()

    async def _keep_vectors(self) -> None:
        """Make the store's vectors with the model that is set, and follow who has done so."""
        await self.settled()
        upkeep = await self._factories.make_vector_upkeep()
        while upkeep is not None:
            pause_s = MODEL_RETRY_S
            try:
                pause_s = await self._look_at_vectors(upkeep)
            except (ModelUnavailableError, LowDiskError) as error:
                logger.error("the vectors were not made anew: %s", error)
            except Exception:
                # The vectors in use go on being used.
                logger.exception("the vectors were not made anew")
            self.embedding_anew = None
            await anyio.sleep(pause_s)

    async def _look_at_vectors(self, upkeep: VectorUpkeep) -> float:
        """Do what is due; returns seconds until the next look."""
        attempt = self._attempt
        if attempt is None or attempt.memory is None:
            return MODEL_POLL_S
        memory = attempt.memory
        if await upkeep.is_outdated(memory.admin):
            await self._follow(attempt, memory)
        elif self._wanted is not None:
            self.embedding_anew = (0, 0)
            made = await upkeep.fill(
                memory.admin, self._wanted, tell=self._told, pause=self._next_turn
            )
            if made:
                await self._follow(attempt, memory)
        elif await upkeep.is_cleaning(memory.admin):
            self.embedding_anew = (0, 0)
            done = await upkeep.clean_up(memory.admin, memory.embedder, pause=self._next_turn)
            return MODEL_POLL_S if done else CLEANING_RETRY_S
        return MODEL_POLL_S

    async def _next_turn(self) -> None:
        """Wait until no call is in progress, but not for ever: some clients never stop calling."""
        with anyio.move_on_after(TURN_MAX_S):
            await self.calls_finished()

    def _told(self, _step: str, done: int, total: int) -> None:
        self.embedding_anew = (done, total)

    async def _follow(self, former: _Attempt, before: Memory) -> None:
        """Go on with the vectors that are in use now; calls in progress end with the former."""
        asked = self._wanted or await self._factories.make_embedder()
        opened = await open_with_model(self._factories, asked)
        if opened.embedder is not asked:
            logger.error(
                "the store's vectors are of %s now, but the settings name %s: name the former"
                " there, or the next start makes them anew",
                opened.embedder.model_id,
                asked.model_id,
            )
        try:
            await opened.embedder.load()
            self._model_problem = ""
        except ModelUnavailableError as error:
            logger.error("embedding model did not load: %s", error)
            self._model_problem = str(error)
        memory = replace(before, store=opened.store, embedder=opened.embedder)
        former.background.cancel()
        self._embedder, self._wanted = opened.embedder, None
        attempt = _Attempt(memory=memory)
        attempt.done.set()
        await self._start_background(attempt, memory)
        self._attempt = attempt
        logger.info("store=%r is searched by %s", self.place, opened.embedder.model_id)
        assert self._tasks is not None
        self._tasks.start_soon(self._export_model)
        with anyio.move_on_after(FORMER_CALLS_MAX_S):
            while former.calls:
                former.unused = anyio.Event()
                await former.unused.wait()
        self._tasks.start_soon(self._close_former, former, before)

    async def _close_former(self, former: _Attempt, memory: Memory) -> None:
        # A run of evolution that was cancelled is still being recorded.
        await former.background_done.wait()
        # Reports and checks of tokens read the store outside of calls, for milliseconds.
        await anyio.sleep(CLOSE_TIMEOUT_S)
        await memory.admin.close()

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

    async def _read_ahead(self, memory: Memory) -> None:
        try:
            await memory.admin.read_ahead()
        except Exception:
            # Questions read for themselves, and tell what is wrong.
            logger.exception("store=%r was not read ahead", self.place)

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


_TEXT = "Ana moved to Lyon on 3 May."


def load_tables_of_questions() -> None:
    """Read and compile the tables by which questions are read, once for the process; in a thread.

    The first question would else do it on the event loop, in 0.1 to 0.3 s.
    """
    read_question(_TEXT, (), datetime.now(UTC))
    find_asked_slots(_TEXT)
    find_names(_TEXT)


def load_tables_of_notes() -> None:
    """The same for the tables by which notes are read."""
    find_marks(_TEXT)
    find_change_cue(_TEXT)
