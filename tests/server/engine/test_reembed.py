"""`zettel reembed` and a store's engine, as real processes, with two models of equal length."""

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

import anyio
import pytest
from tests.server.engine_homes import Home, home_at
from tests.server.processes import Process, tool_call
from tests.server.small_disks import small_disk
from tests.storage.embedding.small_exports import DIM, as_made, make_model, publish_export

from zettel.storage.embedding.backends import make_embedder
from zettel.storage.embedding.model_files import ModelFiles, find_model
from zettel.storage.lance import reembed
from zettel.storage.lance.store import open_as_it_is, open_store
from zettel.storage.notes import Origin
from zettel.storage.store import NoteFilter
from zettel.tools.caller import Caller
from zettel.tools.state.memory import Memory
from zettel.tools.verbs.remember import remember

pytestmark = pytest.mark.slow

KILLS = 6
SMALL_DISK_MIB = 24
"""Less than new vectors leave free."""
TOLD = ("Ana keeps bees", "Bo keeps bread", "tea ? tea")


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> tuple[ModelFiles, ModelFiles]:
    """Two models of 16 dimensions, each with an export."""
    made = list[ModelFiles]()
    for seed, name in enumerate(("first", "second")):
        folder = make_model(tmp_path_factory.mktemp(name) / name, weights=name.encode())
        made.append(anyio.run(find_model, str(folder)))
        publish_export(made[-1], seed=seed)
    return made[0], made[1]


@pytest.fixture
def home(tmp_path: Path, models: tuple[ModelFiles, ModelFiles]) -> Iterator[Home]:
    """A store whose file names the first model."""
    with home_at(tmp_path / "store") as home:
        home.configure(model=str(models[0].folder), embed_backend="onnx")
        yield home


def call(process: Process, number: int, tool: str, **arguments: object) -> Mapping[str, object]:
    """One call; what it answers."""
    process.say(tool_call(number, tool, namespace="home", **arguments))  # pyright: ignore[reportArgumentType]: JSON
    while (heard := process.hear()).get("id") != number:
        pass
    result = heard["result"]
    assert isinstance(result, dict)
    assert not result.get("isError"), result
    answer = result["structuredContent"]
    assert isinstance(answer, dict)
    return answer


def tell(process: Process, *contents: str) -> None:
    for number, content in enumerate(contents):
        call(process, 1_000 + number, "remember", content=content)


def state(home: Home) -> tuple[str, bool, int, int]:
    """Model of the vectors in use, whether a re-embedding is unfinished, notes, those that wait."""

    async def look() -> tuple[str, bool, int, int]:
        store = await open_as_it_is(str(home.store))
        found = (
            store.tables.model_id,
            await reembed.read_record(store.tables) is not None,
            await store.count(NoteFilter()),
            await store.count(NoteFilter(unembedded=True, derived=None)),
        )
        await store.close()
        return found

    return anyio.run(look)


def await_clean(home: Home) -> None:
    """Until the engine has removed the old vectors: files of a lost race must be a minute old."""
    while state(home)[1]:
        home.run("status")


def test_a_client_is_served_by_the_new_model_though_its_engine_began_with_the_old_one(
    home: Home, models: tuple[ModelFiles, ModelFiles]
) -> None:
    client = home.attach()
    tell(client, *TOLD)
    engine, second = home.engine().pid, models[1]

    done = home.run("reembed", "--model", str(second.folder), "--yes", "--json")

    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert (said["new_model"], said["switched"]) == (second.model_id, True)
    await_clean(home)
    assert home.engine().pid == engine
    assert json.loads(home.run("status", "--json").stdout)["engine"]["model"]["id"] == (
        second.model_id
    )
    assert "degraded" not in call(client, 1, "recall", query="Ana keeps bees")
    tell(client, "Ana keeps tea")
    assert state(home) == (second.model_id, False, 4, 0)
    assert home.run("doctor").returncode == 0
    # The next engine takes the model that the command has named in the store's file.
    home.run("stop")
    assert "degraded" not in call(home.attach(), 1, "recall", query="Ana keeps tea")
    assert state(home)[0] == second.model_id


def test_an_engine_whose_settings_name_another_model_changes_to_it_by_itself(
    home: Home, models: tuple[ModelFiles, ModelFiles]
) -> None:
    tell(home.attach(), *TOLD)
    home.run("stop")
    home.configure(model=str(models[1].folder), embed_backend="onnx")

    client = home.attach()
    # Of a directory the old model is not looked for: words find notes meanwhile.
    call(client, 1, "recall", query="Ana keeps bees")
    number = 1
    while state(home)[0] != models[1].model_id:
        number += 1
        call(client, number, "recall", query="Ana keeps bees")
    await_clean(home)

    assert "degraded" not in call(client, number + 1, "recall", query="Ana keeps bees")
    assert state(home) == (models[1].model_id, False, 3, 0)


def test_a_store_from_before_vectors_were_centred_is_brought_over_and_searched_meanwhile(
    home: Home, models: tuple[ModelFiles, ModelFiles]
) -> None:
    before = as_made(models[0])

    async def tell_before() -> None:
        store = await open_store(str(home.store), model_id=before.model_id, dim=DIM)
        memory = Memory(store=store, embedder=make_embedder(before, "onnx"))
        ana = Caller(origin=Origin(), namespace="home")
        for content in TOLD:
            await remember(memory, ana, now=datetime.now(UTC), content=content)
        await store.close()

    anyio.run(tell_before)

    client, number = home.attach(), 1
    assert "degraded" not in call(client, number, "recall", query="Ana keeps bees")
    while state(home)[0] != models[0].model_id:
        number += 1
        assert "degraded" not in call(client, number, "recall", query="Ana keeps bees")
    await_clean(home)

    assert "degraded" not in call(client, number + 1, "recall", query="Ana keeps bees")
    assert state(home) == (models[0].model_id, False, 3, 0)


def test_a_killed_command_leaves_a_store_that_serves_and_goes_on_when_it_is_run_again(
    home: Home, models: tuple[ModelFiles, ModelFiles]
) -> None:
    first, second = models
    client = home.attach()
    tell(client, *(f"{TOLD[number % 3]} {number}" for number in range(40)))
    with_model = ("reembed", "--model", str(second.folder), "--yes")
    command = home.spawn(*with_model)
    assert command.popen.stderr is not None
    while b"embedding: " not in command.popen.stderr.readline():
        pass
    command.popen.kill()
    command.end()

    assert "degraded" not in call(client, 1, "recall", query="Ana keeps bees")
    assert state(home)[:3] == (first.model_id, True, 40)
    left = json.loads(home.run(*with_model[:3], "--dry-run", "--json").stdout)
    assert (left["notes"], left["unfinished"]) == (40, True)

    again = home.run(*with_model, "--json")

    assert again.returncode == 0, again.stderr
    await_clean(home)
    assert state(home) == (second.model_id, False, 40, 0)
    assert "degraded" not in call(client, 2, "recall", query="Ana keeps bees")
    assert home.run("doctor").returncode == 0


def test_a_killed_engine_s_work_is_finished_by_the_next(
    home: Home, models: tuple[ModelFiles, ModelFiles]
) -> None:
    tell(home.attach(), *TOLD)
    home.run("stop")
    home.configure(model=str(models[1].folder), embed_backend="onnx")
    client, number = home.attach(), 0

    # Whenever it is killed, the client's next call starts another one: the last is left to finish.
    while state(home)[0] != models[1].model_id or number < KILLS:
        number += 1
        if number <= KILLS:
            home.engine().kill()
        call(client, number, "remember", content=f"Bo keeps tea {number}")
    await_clean(home)

    kept = call(client, number + 1, "recall", query="Bo keeps tea", limit=20)["notes"]
    assert isinstance(kept, list)
    assert state(home)[2] == len(TOLD) + number


def test_nothing_is_changed_without_the_word_and_the_cost_is_told(
    home: Home, models: tuple[ModelFiles, ModelFiles]
) -> None:
    first, second = models
    tell(home.attach(), *TOLD)
    before = (home.store / "config.toml").read_text()

    asked = home.run("reembed", "--model", str(second.folder))
    dry = home.run("reembed", "--model", str(second.folder), "--dry-run")
    same = home.run("reembed")

    assert asked.returncode == 4
    assert "3 notes in" in asked.stderr
    assert "pass --yes" in asked.stderr
    assert (dry.returncode, "Nothing was done" in dry.stdout) == (0, True)
    assert f"are of {first.model_id} already" in same.stdout
    assert (home.store / "config.toml").read_text() == before
    assert state(home)[:2] == (first.model_id, False)


def test_a_disk_that_the_new_vectors_would_fill_is_left_as_it_is(
    tmp_path: Path, models: tuple[ModelFiles, ModelFiles]
) -> None:
    first, second = models
    with small_disk(tmp_path, SMALL_DISK_MIB), home_at(tmp_path / "store") as home:
        home.configure(model=str(first.folder), embed_backend="onnx")
        tell(home.attach(), *TOLD)
        before = (home.store / "config.toml").read_text()

        refused = home.run("reembed", "--model", str(second.folder), "--yes")
        dry = home.run("reembed", "--model", str(second.folder), "--dry-run", "--json")

        assert refused.returncode == 3
        assert "of free disk, and new vectors need" in refused.stderr
        told = json.loads(dry.stdout)
        assert told["bytes_needed"] > SMALL_DISK_MIB * 2**20 > told["bytes_free"]
        assert (home.store / "config.toml").read_text() == before
        assert state(home)[:2] == (first.model_id, False)
