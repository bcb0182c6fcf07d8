"""WHEN notes are tended."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import ClassVar

import anyio
import anyio.lowlevel
import pytest
from tests.storage.in_memory.store import DictStore

from zettel.server.runtime.scheduler import BACK_OFF_S, LEASE_RETRY_S, EvolutionScheduler
from zettel.storage.embedding.hashing import HashEmbedder
from zettel.storage.erasable import Purge
from zettel.storage.lance.snapshot import snapshot
from zettel.storage.lance.store import open_store
from zettel.storage.progress import ReportProgress
from zettel.storage.store import NoteFilter, Store
from zettel.tools.caller import Caller
from zettel.tools.erasure.orders import order_erasure, pending_erasures
from zettel.tools.evolve.lease import Lease
from zettel.tools.evolve.run import Budget, RunReport, evolve, waiting
from zettel.tools.llm.llm import ChatAnswer, ChatQuestion, Llm
from zettel.tools.llm.unanswered import keep_unanswered, read_unanswered
from zettel.tools.state.memory import Memory
from zettel.tools.verbs.remember import remember

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    """Let other tasks work until something holds."""
    with anyio.fail_after(20):
        while not await condition():
            await anyio.lowlevel.checkpoint()


async def until_quiet(scheduler: EvolutionScheduler) -> None:
    """Let a scheduler work until it waits for its next round."""

    async def quiet() -> bool:
        return not scheduler.busy

    await until(quiet)


@asynccontextmanager
async def tended(
    memory: Memory, *, interval_s: float = 3600, settle_s: float = 0
) -> AsyncGenerator[EvolutionScheduler]:
    """A scheduler at work."""
    scheduler = EvolutionScheduler(
        memory, interval_s=interval_s, settle_s=settle_s, clock=lambda: NOW
    )
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(scheduler.run)
        yield scheduler
        tasks.cancel_scope.cancel()


@pytest.fixture
def memory() -> Memory:
    """An empty memory."""
    return Memory(store=DictStore(), embedder=HashEmbedder())


async def tell(memory: Memory, content: str = "Ana keeps bees") -> None:
    """Remember something."""
    await remember(memory, Caller(), now=NOW, content=content)


async def test_after_a_write_settles_the_note_is_evolved_and_the_run_recorded(
    memory: Memory,
) -> None:
    async with tended(memory) as scheduler:
        await tell(memory)
        scheduler.wrote()
        await until(lambda: _recorded(memory))

    (run,) = await memory.admin.runs(limit=10)
    assert (run.who, run.outcome) == ("scheduler", "done")
    assert await waiting(memory) == 0


async def test_nothing_due_leaves_no_run(memory: Memory) -> None:
    async with tended(memory) as scheduler:
        scheduler.model_ready()
        for _ in range(50):
            await anyio.lowlevel.checkpoint()

    assert await memory.admin.runs(limit=10) == []


async def test_when_the_model_arrives_waiting_notes_are_embedded() -> None:
    embedder = HashEmbedder(held=True)
    memory = Memory(store=DictStore(), embedder=embedder)
    await tell(memory)
    assert await memory.store.count(NoteFilter(unembedded=True)) == 1
    async with tended(memory) as scheduler:
        embedder.release()
        await embedder.load()
        scheduler.model_ready()
        await until(lambda: _recorded(memory))

    assert await memory.store.count(NoteFilter(unembedded=True)) == 0


async def test_the_interval_finds_what_another_process_wrote(memory: Memory) -> None:
    await tell(memory)
    async with tended(memory, interval_s=0.01):
        await until(lambda: _recorded(memory))

    assert await waiting(memory) == 0


async def test_while_another_process_leads_nothing_is_done(memory: Memory) -> None:
    other = Lease(memory.store, "other")
    assert await other.acquire(NOW + timedelta(hours=1))
    async with tended(memory) as scheduler:
        await tell(memory)
        scheduler.wrote()
        for _ in range(50):
            await anyio.lowlevel.checkpoint()

    assert await memory.admin.runs(limit=10) == []
    await other.release()


async def test_work_requested_while_another_process_leads_is_tried_again_before_the_next_round(
    memory: Memory,
) -> None:
    assert await Lease(memory.store, "other").acquire(NOW + timedelta(hours=1))
    # Nothing was written here: it is for the model that the notes are looked at.
    await tell(memory)
    async with tended(memory) as scheduler:
        scheduler.model_ready()

        async def put_off() -> bool:
            return scheduler.due_in_s > 0

        await until(put_off)

        assert scheduler.due_in_s <= LEASE_RETRY_S


@pytest.mark.parametrize("last", [False, True], ids=["its rows", "its orders"])
async def test_an_erasure_that_could_not_be_finished_is_tried_again_before_the_next_round(
    *, last: bool
) -> None:
    class Held(DictStore):
        async def purge(self, note_ids: Sequence[str], *, meta: bool = False) -> Purge:
            return Purge(done=meta is not last, why="another process is at the files")

    memory = Memory(store=Held(), embedder=HashEmbedder())
    await tell(memory)
    [note] = await memory.store.find(NoteFilter(), limit=1)
    await order_erasure(memory, [note.note_id], scope="notes", who="ana", now=NOW)
    async with tended(memory) as scheduler:
        scheduler.model_ready()

        async def put_off() -> bool:
            return scheduler.due_in_s > 0 and not scheduler.busy

        await until(put_off)

        assert scheduler.due_in_s <= BACK_OFF_S[0]
    assert await pending_erasures(memory.store) == 1


class HeldFiles(DictStore):
    """A store whose files cannot be cleaned."""

    def __init__(self, why: str = "another process is at the files") -> None:
        super().__init__()
        self.why = why
        self.tries = 0

    async def purge(self, note_ids: Sequence[str], *, meta: bool = False) -> Purge:
        """Count the try, which changes nothing."""
        del note_ids, meta
        self.tries += 1
        return Purge(done=False, why=self.why)


@asynccontextmanager
async def tended_and_told(store: Store) -> AsyncGenerator[tuple[Memory, EvolutionScheduler]]:
    """A scheduler that hears of every write of its memory, as an engine's does."""
    heard = list[EvolutionScheduler]()

    def wrote() -> None:
        for scheduler in heard:
            scheduler.wrote()

    memory = Memory(store=store, embedder=HashEmbedder(), on_write=wrote)
    async with tended(memory) as scheduler:
        heard.append(scheduler)
        yield memory, scheduler


async def _order(memory: Memory, scheduler: EvolutionScheduler, content: str) -> None:
    await tell(memory, content)
    await until_quiet(scheduler)
    [note] = await memory.store.find(NoteFilter(), limit=1)
    await order_erasure(memory, [note.note_id], scope="notes", who="ana", now=NOW)


async def _until_tried(store: HeldFiles, times: int, scheduler: EvolutionScheduler) -> None:
    async def done() -> bool:
        return store.tries >= times and not scheduler.busy

    await until(done)
    for _ in range(200):
        await anyio.lowlevel.checkpoint()
    assert not scheduler.busy
    assert store.tries == times


async def test_an_erasure_held_for_the_same_reason_is_tried_again_after_longer_and_longer_pauses(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("zettel.server.runtime.scheduler.BACK_OFF_S", (0.0, 0.0, 900.0))
    async with tended_and_told(HeldFiles()) as (memory, scheduler):
        store = memory.store
        assert isinstance(store, HeldFiles)
        await _order(memory, scheduler, "Ana keeps bees")
        await _until_tried(store, 3, scheduler)
        assert scheduler.due_in_s > 800

        await tell(memory, "Ben keeps hens")  # is evolved meanwhile, without another try
        await _until_tried(store, 3, scheduler)
        assert await waiting(memory) == 1  # the erasure
        assert scheduler.due_in_s > 800
        evolved = len(await memory.admin.runs(limit=99))
        scheduler.model_ready()
        await _until_tried(store, 3, scheduler)
        assert len(await memory.admin.runs(limit=99)) == evolved  # nothing to do is no run

        await _order(memory, scheduler, "Cleo keeps cats")  # what is ordered anew is tried at once
        await _until_tried(store, 4, scheduler)
        assert scheduler.due_in_s > 800


async def test_an_erasure_held_for_another_reason_is_tried_again_soon(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("zettel.server.runtime.scheduler.BACK_OFF_S", (60.0, 900.0))
    async with tended_and_told(HeldFiles()) as (memory, scheduler):
        store = memory.store
        assert isinstance(store, HeldFiles)
        await _order(memory, scheduler, "Ana keeps bees")
        await _until_tried(store, 1, scheduler)
        await _order(memory, scheduler, "Ben keeps hens")
        await _until_tried(store, 2, scheduler)
        assert scheduler.due_in_s > 800

        store.why = "a dry run holds a copy of the store's files"
        await _order(memory, scheduler, "Cleo keeps cats")
        await _until_tried(store, 3, scheduler)

        assert scheduler.due_in_s <= 60


async def test_what_a_dry_run_kept_on_the_disk_is_erased_with_what_is_ordered_after_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("zettel.server.runtime.scheduler.BACK_OFF_S", (0.0, 900.0))
    embedder = HashEmbedder()
    store = await open_store(str(tmp_path), model_id=embedder.model_id, dim=embedder.dim)
    async with tended_and_told(store) as (memory, scheduler):

        async def put_off() -> bool:
            return scheduler.due_in_s > 800 and not scheduler.busy

        async with snapshot(str(tmp_path), now=datetime.now(UTC)):
            await _order(memory, scheduler, "Ana keeps bees")
            await until(put_off)
            tries = len(await store.runs(limit=99))
            await anyio.sleep(0.5)
            assert len(await store.runs(limit=99)) == tries
            assert await pending_erasures(store) == 1
        await _order(memory, scheduler, "Ben keeps hens")

        async def done() -> bool:
            return not await pending_erasures(store)

        await until(done)
    assert all(receipt.physical_at for receipt in await store.receipts())
    await store.close()


async def test_notes_left_over_by_one_runs_budget_are_evolved_by_the_next_at_once(
    memory: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("zettel.server.runtime.scheduler.RUN_BUDGET", Budget(notes=1))
    for content in ("Ana keeps bees", "Ben keeps hens", "Cleo keeps cats"):
        await tell(memory, content)
    async with tended(memory) as scheduler:
        scheduler.wrote()
        await until_quiet(scheduler)

    assert await waiting(memory) == 0
    runs = await memory.admin.runs(limit=99)
    assert [run.outcome for run in sorted(runs, key=lambda run: run.outcome == "done")] == [
        *["budget"] * (len(runs) - 1), "done",
    ]  # fmt: skip
    assert len(runs) > 1


async def test_notes_written_during_a_run_are_evolved_before_the_next_round(
    memory: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = ["Ben keeps hens"]

    async def interrupted(
        memory: Memory,
        *,
        now: datetime,
        run_id: str,
        who: str,
        budget: Budget,
        progress: ReportProgress,
        erases: bool,
    ) -> RunReport:
        report = await evolve(
            memory,
            now=now,
            run_id=run_id,
            who=who,
            budget=budget,
            progress=progress,
            erases=erases,
        )
        if written:
            await tell(memory, written.pop())
            scheduler.wrote()
        return report

    monkeypatch.setattr("zettel.server.runtime.scheduler.evolve", interrupted)
    async with tended(memory) as scheduler:
        await tell(memory)
        scheduler.wrote()
        await until_quiet(scheduler)

    assert written == []
    assert await waiting(memory) == 0


async def test_an_error_is_logged_and_the_scheduler_lives_on(
    memory: Memory, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("zettel.server.runtime.scheduler.BACK_OFF_S", (0.0,))
    broken = [RuntimeError("once")]

    class Fragile(DictStore):
        async def count(self, where: NoteFilter) -> int:
            if broken and where.stage_below is not None:
                raise broken.pop()
            return await super().count(where)

    fragile = Memory(store=Fragile(), embedder=memory.embedder)
    async with tended(fragile) as scheduler:
        await tell(fragile)
        scheduler.wrote()
        await until(lambda: _recorded(fragile))

    assert "evolution failed, 1 in a row" in caplog.text


async def test_after_each_failure_in_a_row_it_waits_longer_for_the_next_try(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("zettel.server.runtime.scheduler.BACK_OFF_S", (0.0, 0.0, 900.0))
    tries = list[NoteFilter]()

    class Broken(DictStore):
        async def count(self, where: NoteFilter) -> int:
            tries.append(where)
            await anyio.lowlevel.checkpoint()
            message = "for good"
            raise RuntimeError(message)

    async with tended(Memory(store=Broken(), embedder=HashEmbedder())) as scheduler:
        scheduler.model_ready()

        async def failed_thrice() -> bool:
            return len(tries) >= 3

        await until(failed_thrice)
        for _ in range(50):
            await anyio.lowlevel.checkpoint()

        assert scheduler.due_in_s > 800
        # An engine that is to leave does not wait for work that was put off.
        assert not scheduler.busy
    assert len(tries) == 3


async def test_many_writes_are_compacted_before_it_is_quiet() -> None:
    class Counting(DictStore):
        upkeeps = 0

        async def upkeep(self) -> bool:
            Counting.upkeeps += 1
            return await super().upkeep()

    async def compacted() -> bool:
        return Counting.upkeeps > 0

    memory = Memory(store=Counting(), embedder=HashEmbedder())
    async with tended(memory, settle_s=3600) as scheduler:
        for _ in range(50):
            scheduler.wrote()
        await until(compacted)

    assert await memory.admin.runs(limit=10) == []


async def test_upkeep_that_had_to_give_way_is_tried_again_without_another_write(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("zettel.server.runtime.scheduler.UPKEEP_RETRY_S", 0.0)

    class Held(DictStore):
        answers: ClassVar[list[bool]] = []

        async def upkeep(self) -> bool:
            await anyio.lowlevel.checkpoint()
            Held.answers.append(len(Held.answers) == 2)
            return Held.answers[-1]

    async def compacted() -> bool:
        return True in Held.answers

    memory = Memory(store=Held(), embedder=HashEmbedder())
    async with tended(memory, settle_s=3600) as scheduler:
        for _ in range(50):
            scheduler.wrote()
        await until(compacted)
        for _ in range(50):
            await anyio.lowlevel.checkpoint()

    assert Held.answers == [False, False, True]


async def _recorded(memory: Memory) -> bool:
    return bool(await memory.admin.runs(limit=1))


class Worded:
    """A chat that has nothing to say of any note."""

    async def ask(self, question: ChatQuestion) -> ChatAnswer:
        """An empty answer."""
        return ChatAnswer(text='{"notes": []}')


async def test_notes_without_an_answer_are_asked_about_in_the_next_round(memory: Memory) -> None:
    async def open_chat() -> Worded:
        return Worded()

    asking = replace(memory, mind=Llm(open_chat=open_chat))
    told = await remember(asking, Caller(), now=NOW, content="soup")
    await evolve(memory, now=NOW, run_id="r", who="t", budget=Budget())
    await keep_unanswered(memory.store, {str(told["note_id"]): False}, ())
    assert await waiting(asking) == 0

    async def answered() -> bool:
        return not await read_unanswered(memory.store)

    async with tended(asking, interval_s=0):
        await until(answered)
