"""The runtime: what waits for what, and what survives a failure."""

import threading
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

import anyio
import pytest
from anyio import from_thread
from tests.server.engines import Bell, no_export, no_llm, no_other_model, no_vector_upkeep
from tests.storage.in_memory.store import DictStore

from zettel.server.observability.logs import LogLine
from zettel.server.protocol.schemas import Arguments, RecallArguments
from zettel.server.runtime import runtime as runtime_module
from zettel.server.runtime.clock import Clock
from zettel.server.runtime.factories import AwaitIdle, Dispatch, Factories, Scheduler
from zettel.server.runtime.runtime import Runtime
from zettel.storage.embedding.cross_encoder import CrossEncoderReranker
from zettel.storage.embedding.embedder import Embedder, Reranker
from zettel.storage.embedding.hashing import HashEmbedder
from zettel.storage.errors import ModelUnavailableError, StoreUnavailableError
from zettel.storage.store import Store
from zettel.tools.caller import Caller
from zettel.tools.evolve.lease import LEASE_LIFETIME, Lease
from zettel.tools.state.memory import Memory

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
RECALL = RecallArguments()


@dataclass
class Fakes:
    """Parts of which each can be made to fail."""

    embedder: HashEmbedder = field(default_factory=lambda: HashEmbedder(ready=False))
    store: DictStore = field(default_factory=DictStore)
    failures: list[Exception] = field(default_factory=list[Exception])
    bell: Bell = field(default_factory=Bell)
    opened: int = 0
    dispatch: Callable[[Memory], None] = lambda memory: None
    reranker: CrossEncoderReranker | None = None
    export: Callable[[Embedder, AwaitIdle], Awaitable[bool]] = no_export

    def factories(self) -> Factories:
        """As a runtime takes them."""
        return Factories(
            make_embedder=self._embedder,
            make_reranker=self._reranker,
            open_store=self._open,
            import_verbs=self._verbs,
            make_scheduler=self._scheduler,
            export_model=self.export,
            find_embedder=no_other_model,
            make_vector_upkeep=no_vector_upkeep,
            make_llm=no_llm,
        )

    async def _embedder(self) -> Embedder:
        return self.embedder

    async def _reranker(self) -> Reranker | None:
        return self.reranker

    async def _open(self, _embedder: Embedder) -> Store:
        self.opened += 1
        if self.failures:
            raise self.failures.pop(0)
        return self.store

    async def _verbs(self) -> Dispatch:
        async def dispatch(
            memory: Memory, caller: Caller, arguments: Arguments, *, now: datetime
        ) -> Mapping[str, object]:
            self.dispatch(memory)
            return {"now": now, "namespace": caller.namespace, "arguments": arguments}

        return dispatch

    async def _scheduler(self, memory: Memory, clock: Clock) -> Scheduler:
        return self.bell


@asynccontextmanager
async def running(fakes: Fakes) -> AsyncGenerator[Runtime]:
    """A runtime that has begun."""
    runtime = Runtime("nowhere", fakes.factories(), clock=lambda: NOW)
    async with runtime.running():
        yield runtime


async def test_a_call_is_carried_out_with_the_time_and_the_caller() -> None:
    async with running(Fakes()) as runtime:
        answer = await runtime.call(RECALL, Caller(namespace="here"))

    assert answer == {"now": NOW, "namespace": "here", "arguments": RECALL}


async def test_calls_wait_for_the_store_but_not_for_the_model() -> None:
    fakes = Fakes(embedder=HashEmbedder(held=True))
    async with running(fakes) as runtime:
        await runtime.call(RECALL, Caller())

        assert runtime.status == "ok"
        assert not runtime.model_ready
        fakes.embedder.release()
        await runtime.settled()
        assert runtime.model_ready
    assert fakes.bell.rung == ["model"]


async def test_a_reranker_that_cannot_be_loaded_is_handed_to_recall_and_ends_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    seen = list[Memory]()
    fakes = Fakes(dispatch=seen.append, reranker=CrossEncoderReranker("/not/there!"))
    async with running(fakes) as runtime:
        await runtime.settled()
        await runtime.call(RECALL, Caller())

        assert (runtime.status, runtime.problem, runtime.model_ready) == ("ok", "", True)
    assert "reranker did not load: The reranker '/not/there!'" in caplog.text
    [memory] = seen
    assert memory.reranker is not None
    assert "ZETTEL_RERANKER" in memory.reranker.problem


async def test_a_failed_opening_is_told_and_tried_again() -> None:
    problem = StoreUnavailableError("nowhere", "is a file", "Point elsewhere.")
    fakes = Fakes(failures=[problem, problem])
    async with running(fakes) as runtime:
        await runtime.settled()
        assert (runtime.status, runtime.problem) == ("failed", str(problem))
        with pytest.raises(StoreUnavailableError, match="is a file"):
            await runtime.call(RECALL, Caller())
        await runtime.call(RECALL, Caller())

        assert (runtime.status, runtime.problem) == ("ok", "")


async def test_a_bug_while_opening_is_told_and_logged_without_its_words(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with running(Fakes(failures=[RuntimeError("inner words")] * 2)) as runtime:
        await runtime.settled()
        with pytest.raises(StoreUnavailableError) as caught:
            await runtime.call(RECALL, Caller())

    logged = "\n".join(LogLine("text").format(record) for record in caplog.records)
    assert "did not open" in logged
    assert "builtins.RuntimeError" in logged
    assert "inner words" not in f"{caught.value}{logged}"


async def test_calls_at_the_same_time_open_the_store_once() -> None:
    fakes = Fakes()
    async with running(fakes) as runtime, anyio.create_task_group() as tasks:
        for _ in range(8):
            tasks.start_soon(runtime.call, RECALL, Caller())

    assert fakes.opened == 1


async def test_a_model_that_fails_leaves_the_store_open() -> None:
    class Broken(HashEmbedder):
        async def load(self) -> None:
            raise ModelUnavailableError("hash", "is broken", "Mend it.")

    async with running(Fakes(embedder=Broken(ready=False))) as runtime:
        await runtime.settled()
        await runtime.call(RECALL, Caller())

        assert runtime.status == "ok"
        assert "is broken" in runtime.problem


async def test_a_model_that_only_an_export_can_run_is_ready_once_it_is_made() -> None:
    class Unexported(HashEmbedder):
        async def load(self) -> None:
            if not self.ready:
                raise ModelUnavailableError("hash", "has no usable export", "Make it.")

    async def export(embedder: Embedder, _await_idle: AwaitIdle) -> bool:
        before.append(runtime.problem)
        await HashEmbedder.load(fakes.embedder)
        exported.set()
        return embedder.ready

    before, exported = list[str](), anyio.Event()
    fakes = Fakes(embedder=Unexported(ready=False), export=export)
    async with running(fakes) as runtime:
        await exported.wait()
        await anyio.wait_all_tasks_blocked()

        assert (runtime.problem, runtime.model_ready) == ("", True)
    assert "has no usable export" in before[0]
    assert fakes.bell.rung == ["model"]


async def test_an_export_that_fails_ends_nothing(caplog: pytest.LogCaptureFixture) -> None:
    async def export(_embedder: Embedder, _await_idle: AwaitIdle) -> bool:
        raise RuntimeError("no room")

    async with running(Fakes(export=export)) as runtime:
        await runtime.settled()
        await anyio.wait_all_tasks_blocked()

        assert "here" in str(await runtime.call(RECALL, Caller(namespace="here")))
    assert "was not exported" in caplog.text


async def test_a_server_is_idle_when_it_was_not_called_for_so_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    really_sleep, waits = anyio.sleep, list[float]()

    async def sleep(seconds: float) -> None:
        if seconds != 7:
            await really_sleep(seconds)
            return
        waits.append(seconds)
        if len(waits) < 3:
            await runtime.call(RECALL, Caller())

    async def export(_embedder: Embedder, await_idle: AwaitIdle) -> bool:
        await await_idle(7)
        idle.set()
        return False

    monkeypatch.setattr(anyio, "sleep", sleep)
    idle = anyio.Event()
    async with running(Fakes(export=export)) as runtime:
        await idle.wait()

    assert len(waits) == 3


async def test_the_tables_of_words_are_read_in_worker_threads_those_of_questions_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    threads, read, done = list[int](), list[str](), anyio.Event()

    def load_of_questions() -> None:
        threads.append(threading.get_ident())
        read.append("questions")

    def load_of_notes() -> None:
        threads.append(threading.get_ident())
        read.append("notes")
        from_thread.run_sync(done.set)

    monkeypatch.setattr(runtime_module, "load_tables_of_questions", load_of_questions)
    monkeypatch.setattr(runtime_module, "load_tables_of_notes", load_of_notes)
    async with running(Fakes()):
        await done.wait()

    assert read == ["questions", "notes"]
    assert threading.get_ident() not in threads


async def test_the_tables_of_notes_wait_for_calls_in_progress(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    read, done, asked = list[str](), anyio.Event(), threading.Event()

    def load() -> None:
        read.append("tables of notes")
        from_thread.run_sync(done.set)

    async def dispatch(*_: object, **__: object) -> Mapping[str, object]:
        asked.set()
        await runtime.settled()
        await anyio.sleep(0.05)
        read.append("answered")
        return {}

    monkeypatch.setattr(runtime_module, "load_tables_of_questions", asked.wait)
    monkeypatch.setattr(runtime_module, "load_tables_of_notes", load)
    async with running(Fakes()) as runtime:
        await runtime.memory()
        monkeypatch.setattr(runtime, "_dispatch", dispatch)
        await runtime.call(RECALL, Caller())
        await done.wait()

    assert read == ["answered", "tables of notes"]


async def test_what_recall_reinforced_is_written_at_the_end() -> None:
    fakes = Fakes()
    fakes.dispatch = lambda memory: memory.usage.add(["n1"], NOW)
    async with running(fakes) as runtime:
        await runtime.call(RECALL, Caller())

    assert (await fakes.store.usage_of(["n1"]))["n1"].recall_count == 1


async def test_a_write_rings_the_scheduler() -> None:
    fakes = Fakes()
    fakes.dispatch = lambda memory: memory.on_write()
    async with running(fakes) as runtime:
        await runtime.call(RECALL, Caller())

    assert "wrote" in fakes.bell.rung


async def test_a_store_is_healed_when_it_opens() -> None:
    fakes = Fakes()
    assert await Lease(fakes.store, "died").acquire(NOW - LEASE_LIFETIME)

    async with running(fakes) as runtime:
        await runtime.call(RECALL, Caller())

    assert [run.kind for run in await fakes.store.runs(limit=9)] == ["heal"]


async def test_a_store_that_cannot_be_healed_opens_all_the_same(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Beyond(DictStore):
        async def heal(self, *, now: datetime) -> Mapping[str, int]:
            message = "a bug"
            raise RuntimeError(message)

    async with running(Fakes(store=Beyond())) as runtime:
        await runtime.call(RECALL, Caller())

        assert (runtime.status, runtime.problem) == ("ok", "")
    assert "was not healed" in caplog.text


async def test_a_store_that_cannot_be_read_ahead_answers_all_the_same(
    caplog: pytest.LogCaptureFixture,
) -> None:
    tried = anyio.Event()

    class Beyond(DictStore):
        async def read_ahead(self) -> None:
            tried.set()
            message = "a bug"
            raise RuntimeError(message)

    async with running(Fakes(store=Beyond())) as runtime:
        await runtime.call(RECALL, Caller())
        await tried.wait()
        await runtime.call(RECALL, Caller())

        assert (runtime.status, runtime.problem) == ("ok", "")
    assert "was not read ahead" in caplog.text
