"""A server whose settings name another model than its store's vectors are of."""

import logging
import shutil
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import anyio
import pytest
from tests.storage.other_models import ShiftedEmbedder
from tests.storage.samples import add, make_note

from zettel.server.commands import reembed as commands
from zettel.server.config.settings import Settings
from zettel.server.protocol.schemas import RecallArguments, RememberArguments
from zettel.server.runtime import reembed as reembed_module
from zettel.server.runtime import runtime as runtime_module
from zettel.server.runtime.clock import utc_now
from zettel.server.runtime.factories import installed_factories, opened
from zettel.server.runtime.reembed import RESERVE_BYTES, estimate
from zettel.server.runtime.runtime import Runtime
from zettel.storage.embedding.embedder import Embedder
from zettel.storage.embedding.hashing import HashEmbedder
from zettel.storage.errors import (
    InvalidArgumentError,
    LowDiskError,
    ModelUnavailableError,
    OtherModelError,
    StoreUnavailableError,
)
from zettel.storage.lance import reembed
from zettel.storage.lance.store import LanceStore, open_as_it_is, open_store
from zettel.storage.progress import no_progress
from zettel.storage.store import NoteFilter, Vectors
from zettel.tools.caller import Caller
from zettel.tools.evolve.lease import LEASE_LIFETIME, Lease

HOME = Caller(namespace="home")
WAITING = NoteFilter(unembedded=True, states=(), derived=None)
TOLD = ("Ana keeps bees behind the house", "Bo moved to Lisbon in spring", "Tea is at five")


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Looks at once whether anything is to be done."""
    monkeypatch.setattr(runtime_module, "CLEANING_RETRY_S", 0.1)
    monkeypatch.setattr(runtime_module, "CLOSE_TIMEOUT_S", 0.1)


def settings(place: Path, **given: object) -> Settings:
    """Settings without evolution.

    On a busy machine it would revise a note before they are counted, or be beaten while it writes:
    that leaves a file that the old vectors may be in, and the cleaning waits a minute for it.
    """
    values = {
        "store": str(place),
        "erasures": str(place.parent / "erasures"),
        "evolve_off": HOME.namespace,
    } | given
    return Settings.model_validate(values)


@asynccontextmanager
async def running(
    place: Path, embedder: Embedder | None = None, **given: object
) -> AsyncGenerator[Runtime]:
    """A server on the store, with this model in the place of the one that the settings name."""
    parts = installed_factories(settings(place, **{"model": "hash", **given}))

    async def make() -> Embedder:
        assert embedder is not None
        return embedder

    if embedder is not None:
        parts = replace(parts, make_embedder=make)
    runtime = Runtime(str(place), parts)
    async with runtime.running():
        yield runtime


async def recall(runtime: Runtime, query: str) -> Mapping[str, object]:
    return await runtime.call(RecallArguments(query=query), HOME)


async def tell(runtime: Runtime, *contents: str) -> None:
    for content in contents:
        await runtime.call(RememberArguments(content=content), HOME)


async def until_used(runtime: Runtime, embedder: Embedder) -> LanceStore:
    """Wait until notes are searched by this model, and the old vectors are gone."""
    while True:
        if runtime.model_id == embedder.model_id and runtime.status == "ok":
            store = (await runtime.memory()).admin
            assert isinstance(store, LanceStore)
            if await reembed.read_record(store.tables) is None:
                return store
        await anyio.sleep(0.01)


async def test_the_notes_are_embedded_anew_by_themselves_while_the_old_model_answers(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with running(tmp_path / "s") as runtime:
        await tell(runtime, *TOLD)
    gate, came = anyio.Event(), anyio.Event()

    async def wait() -> None:
        came.set()
        await gate.wait()

    new = ShiftedEmbedder(before=wait)
    with caplog.at_level(logging.WARNING):
        async with running(tmp_path / "s", new) as runtime:
            await came.wait()
            answer = await recall(runtime, "who keeps bees?")
            assert "degraded" not in answer
            assert runtime.model_id == "hash@64"
            assert runtime.busy
            await tell(runtime, "told meanwhile")
            gate.set()

            store = await until_used(runtime, new)
            answer = await recall(runtime, "who keeps bees?")
            assert "degraded" not in answer
            assert answer["verdict"] == "found"
            await tell(runtime, "told afterwards")
            assert await store.count(WAITING) == 0
            assert await store.count(NoteFilter()) == len(TOLD) + 2
            assert store.tables.vector_set == 2

    assert "3 notes in 3 revisions; about 3 passages" in caplog.text
    async with running(tmp_path / "s", new) as runtime:
        assert (await recall(runtime, "told afterwards"))["verdict"] == "found"


async def test_without_the_old_model_words_find_notes_until_the_new_one_has_made_vectors(
    tmp_path: Path,
) -> None:
    async with running(tmp_path / "s", ShiftedEmbedder(name="gone")) as runtime:
        await tell(runtime, *TOLD)
    gate, came = anyio.Event(), anyio.Event()

    async def wait() -> None:
        came.set()
        await gate.wait()

    new = ShiftedEmbedder(before=wait)
    async with running(tmp_path / "s", new) as runtime:
        await came.wait()
        answer = await recall(runtime, "who keeps bees?")
        assert "another embedding model is making" in str(answer["degraded"])
        assert not runtime.model_ready
        gate.set()

        await until_used(runtime, new)
        answer = await recall(runtime, "who keeps bees?")
        assert "degraded" not in answer
        assert runtime.problem == ""


async def test_a_server_that_no_model_is_named_for_takes_that_of_the_store(tmp_path: Path) -> None:
    async with running(tmp_path / "s") as runtime:
        await tell(runtime, *TOLD)

    parts = replace(
        installed_factories(settings(tmp_path / "s")), make_embedder=_maker(ShiftedEmbedder())
    )
    runtime = Runtime("s", parts)
    async with runtime.running():
        assert "degraded" not in await recall(runtime, "who keeps bees?")
        assert runtime.model_id == "hash@64"
        assert await _record_of(runtime) is None

    store = await open_as_it_is(str(tmp_path / "s"))
    assert store.tables.model_id == "hash@64"
    await store.close()


def _maker(embedder: Embedder) -> Callable[[], Awaitable[Embedder]]:
    async def make() -> Embedder:
        return embedder

    return make


async def _record_of(runtime: Runtime) -> reembed.Reembedding | None:
    store = (await runtime.memory()).admin
    assert isinstance(store, LanceStore)
    return await reembed.read_record(store.tables)


async def test_a_store_of_a_model_that_is_not_there_is_refused_if_no_other_one_is_named(
    tmp_path: Path,
) -> None:
    gone = ShiftedEmbedder(name="gone")
    await (await open_store(str(tmp_path / "s"), model_id=gone.model_id, dim=gone.dim)).close()

    with pytest.raises(OtherModelError, match="zettel reembed"):
        async with opened(settings(tmp_path / "s")):
            pass


async def test_a_store_whose_vectors_a_newer_version_made_asks_for_that_version(
    tmp_path: Path,
) -> None:
    model = (await installed_factories(settings(tmp_path / "s")).make_embedder()).model_id
    newer = f"{model.partition('+words')[0]}+words9999"
    await (await open_store(str(tmp_path / "s"), model_id=newer, dim=384)).close()

    with pytest.raises(OtherModelError, match="upgrade zettel-mcp"):
        async with opened(settings(tmp_path / "s")):
            pass


async def test_a_server_follows_a_process_that_embedded_its_store_anew(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    place, new = tmp_path / "s", ShiftedEmbedder()
    embedders: list[Embedder] = [HashEmbedder()]
    parts = installed_factories(settings(place, model="hash"))

    async def make() -> Embedder:
        return embedders[-1]

    runtime = Runtime(str(place), replace(parts, make_embedder=make))
    async with runtime.running():
        await tell(runtime, *TOLD)
        await runtime.settled()

        # As `zettel reembed` does, which names the model in the store's file.
        embedders.append(new)
        other = await open_as_it_is(str(place))
        assert await reembed.fill(other.tables, new, tell=no_progress, pause=_rest)
        await other.close()

        store = await until_used(runtime, new)
        answer = await recall(runtime, "who keeps bees?")
        assert (answer["verdict"], "degraded" in answer) == ("found", False)
        await tell(runtime, "told afterwards")
        assert await store.count(WAITING) == 0
        assert await store.count(NoteFilter()) == len(TOLD) + 1
        assert runtime.scheduler is not None


async def test_a_call_that_began_before_the_switch_ends_with_the_model_it_began_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runtime_module, "TURN_MAX_S", 0.01)
    place, new, held = tmp_path / "s", ShiftedEmbedder(), HeldEmbedder()
    async with running(place) as runtime:
        await tell(runtime, *TOLD)
    embedders: list[Embedder] = [held]
    parts = installed_factories(settings(place, model="hash"))

    async def make() -> Embedder:
        return embedders[-1]

    runtime = Runtime(str(place), replace(parts, make_embedder=make))
    async with runtime.running(), anyio.create_task_group() as tasks:
        await runtime.settled()
        answers = list[Mapping[str, object]]()

        async def ask() -> None:
            answers.append(await recall(runtime, TOLD[0]))

        tasks.start_soon(ask)
        await held.asked.wait()
        embedders.append(new)
        other = await open_as_it_is(str(place))
        assert await reembed.fill(other.tables, new, tell=no_progress, pause=_rest)
        await other.close()
        await _until(lambda: runtime.model_id == new.model_id)
        # The old vectors wait for the call.
        assert await _record_of(runtime) is not None
        held.go_on.set()

        await until_used(runtime, new)
        assert [answer["verdict"] for answer in answers] == ["found"]


async def test_a_call_without_end_does_not_hold_it_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runtime_module, "TURN_MAX_S", 0.01)
    monkeypatch.setattr(reembed, "EMBEDDED_TOGETHER", 1)
    held = HeldEmbedder()
    async with running(tmp_path / "s") as runtime:
        await tell(runtime, *TOLD)
    # The first note is embedded while the question waits: the others come after that.
    monkeypatch.setattr(HashEmbedder, "embed_query", held.embed_query)
    new = ShiftedEmbedder(before=held.asked.wait)
    async with running(tmp_path / "s", new) as runtime, anyio.create_task_group() as tasks:
        tasks.start_soon(recall, runtime, TOLD[0])
        await held.asked.wait()
        with anyio.fail_after(60):
            await _until(lambda: runtime.model_id == new.model_id)
        assert not held.go_on.is_set()
        monkeypatch.undo()
        held.go_on.set()


class HeldEmbedder(HashEmbedder):
    """Holds a question up."""

    def __init__(self) -> None:
        super().__init__()
        self.asked, self.go_on = anyio.Event(), anyio.Event()

    async def embed_query(self, text: str) -> Vectors:
        """One question, when it may."""
        self.asked.set()
        await self.go_on.wait()
        return await super().embed_query(text)


async def test_while_another_process_is_at_it_a_server_leaves_it_to_that(tmp_path: Path) -> None:
    place, new = tmp_path / "s", ShiftedEmbedder()
    async with running(place) as runtime:
        await tell(runtime, *TOLD)
    other = await open_as_it_is(str(place))
    lease = Lease(other, "another", key="lease:reembedding")
    assert await lease.acquire(utc_now() + LEASE_LIFETIME)

    async with running(place, new) as runtime:
        await runtime.settled()
        with anyio.move_on_after(0.5):
            await until_used(runtime, new)
        assert runtime.model_id == "hash@64"
        await lease.release()
        await until_used(runtime, new)
    await other.close()


async def test_a_model_that_cannot_be_loaded_leaves_the_store_as_it_is(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with running(tmp_path / "s") as runtime:
        await tell(runtime, *TOLD)

    class Broken(ShiftedEmbedder):
        async def load(self) -> None:
            raise ModelUnavailableError("shifted", "is broken", "Mend it.")

    async with running(tmp_path / "s", Broken()) as runtime:
        await runtime.settled()
        await _until(lambda: "not made anew" in caplog.text)
        assert "degraded" not in await recall(runtime, "who keeps bees?")
        assert await _record_of(runtime) is None


class FreeDisk:
    """A disk whose free space is set."""

    def __init__(self, free: int) -> None:
        self.free, self.looks = free, 0

    def look(self, _directory: Path) -> int:
        """Its free bytes."""
        self.looks += 1
        return self.free


async def test_a_server_waits_for_room_on_the_disk_and_then_makes_the_vectors(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(tmp_path / "s") as runtime:
        await tell(runtime, *TOLD)
    disk, new = FreeDisk(RESERVE_BYTES), ShiftedEmbedder()
    monkeypatch.setattr(reembed_module, "free_bytes", disk.look)
    monkeypatch.setattr(runtime_module, "MODEL_RETRY_S", 0.01)

    async with running(tmp_path / "s", new) as runtime:
        await runtime.settled()
        await _until(lambda: disk.looks > 1)
        assert "degraded" not in await recall(runtime, "who keeps bees?")
        assert await _record_of(runtime) is None
        assert "new vectors need" in caplog.text
        assert "Traceback" not in caplog.text
        disk.free *= 2

        await until_used(runtime, new)


async def test_what_others_take_of_the_disk_meanwhile_ends_it_at_the_reserve_and_it_is_taken_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashing, new, disk = HashEmbedder(), ShiftedEmbedder(), FreeDisk(2 * RESERVE_BYTES)
    monkeypatch.setattr(reembed_module, "free_bytes", disk.look)
    monkeypatch.setattr(commands, "set_setting", _store_nothing)
    store = await open_store(str(tmp_path / "s"), model_id=hashing.model_id, dim=hashing.dim)
    await add(store, *(make_note(words) for words in TOLD))

    def tell_work(step: str, _done: int, _total: int) -> None:
        if step == "embedding":
            disk.free = RESERVE_BYTES - 1

    work = commands.StoreReembedding(settings(tmp_path / "s"), store, new)
    with pytest.raises(LowDiskError):
        await work.run(tell_work, _wait_for_nobody)
    assert await reembed.read_record(store.tables) is not None

    def fail(*_arguments: object) -> None:
        raise InvalidArgumentError("model", "config.toml cannot be written", "Make room.")

    monkeypatch.setattr(commands, "set_setting", fail)
    back = commands.StoreReembedding(settings(tmp_path / "s", model="hash"), store, hashing)
    with pytest.raises(InvalidArgumentError):
        await back.run(no_progress, _wait_for_nobody)
    left = await reembed.read_record(store.tables)
    assert left is None or left.model_id == hashing.model_id
    await store.close()


async def test_what_is_taken_back_is_no_longer_in_the_settings_though_it_could_not_be_cleaned_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashing, stored = HashEmbedder(), list[str]()
    store = await open_store(str(tmp_path / "s"), model_id=hashing.model_id, dim=hashing.dim)
    await add(store, *(make_note(words) for words in TOLD))

    async def fail(*_arguments: object, **_options: object) -> None:
        raise StoreUnavailableError(store.place, "is on a full disk", "Make room.")

    monkeypatch.setattr(reembed, "clean_up", fail)

    def set_setting(_settings: Settings, _name: str, value: str) -> None:
        stored.append(value)

    monkeypatch.setattr(commands, "set_setting", set_setting)
    back = commands.StoreReembedding(settings(tmp_path / "s", model="hash"), store, hashing)
    with pytest.raises(StoreUnavailableError):
        await back.run(no_progress, _wait_for_nobody)
    assert stored == ["hash"]
    await store.close()


def test_a_file_system_that_reports_no_sizes_is_taken_for_one_with_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def look(_directory: Path) -> SimpleNamespace:
        return SimpleNamespace(total=0, free=0)

    monkeypatch.setattr(shutil, "disk_usage", look)

    assert reembed_module.free_bytes(tmp_path) > RESERVE_BYTES


def _store_nothing(*_arguments: object) -> None:
    """The setting is not what is tested."""


def _wait_for_nobody() -> None:
    """The lease is free."""


async def test_the_time_it_takes_is_extrapolated_from_a_sample_by_length(tmp_path: Path) -> None:
    hashing = HashEmbedder()
    store = await open_store(str(tmp_path / "s"), model_id=hashing.model_id, dim=hashing.dim)
    await add(store, *(make_note(f"{words} {n}") for n in range(70) for words in TOLD))
    moments = iter([100.0, 102.0])

    found = await estimate(store.tables, ShiftedEmbedder(), clock=lambda: next(moments))

    assert found.cost.revisions == 210
    assert found.seconds == pytest.approx(2.0 * found.cost.revisions / reembed.SAMPLE_ROWS, rel=0.2)
    assert found.passages == found.cost.revisions
    await store.close()


async def _until(is_so: Callable[[], bool]) -> None:
    while not is_so():  # noqa: ASYNC110  what it waits for has no event
        await anyio.sleep(0.01)


async def _rest() -> None:
    """Nobody waits."""
