"""Stores to test against."""

from collections.abc import AsyncGenerator
from pathlib import Path
from shutil import copytree
from types import ModuleType

import anyio
import pytest
from tests.cloud_double import KEY, serving_cloud
from tests.object_server import Objects
from tests.storage.in_memory.store import DictStore
from tests.storage.samples import DIM, MODEL

from zettel.storage.lance.store import LanceStore, open_store
from zettel.storage.store import Store


@pytest.fixture(scope="session")
def models() -> ModuleType:
    """Makes tiny models; imported where a test needs one, and not whenever tests are collected."""
    from tests.storage import tiny_models  # noqa: PLC0415  torch takes seconds

    return tiny_models


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty LanceDB store that nobody opens: copying it is quicker than making another."""

    async def make() -> None:
        await (await open_store(str(place), model_id=MODEL, dim=DIM)).close()

    place = tmp_path_factory.mktemp("empty") / "store"
    anyio.run(make)
    return place


@pytest.fixture
async def lance(tmp_path: Path, empty_store: Path) -> AsyncGenerator[LanceStore]:
    """An empty LanceDB store in a directory of its own."""
    place = copytree(empty_store, tmp_path / "store")
    opened = await open_store(str(place), model_id=MODEL, dim=DIM)
    yield opened
    await opened.close()


ON_OBJECTS, IN_THE_CLOUD = "lance, on an object store", "lance, in the cloud"


@pytest.fixture(
    params=[
        "dict",
        "lance",
        "lance, its notes in memory",
        pytest.param(ON_OBJECTS, marks=pytest.mark.slow),
        pytest.param(IN_THE_CLOUD, marks=pytest.mark.slow),
    ]
)
async def store(
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    empty_store: Path,
) -> AsyncGenerator[Store]:
    """An empty store of each kind."""
    opened: Store
    if request.param == "dict":
        opened = DictStore(model_id=MODEL)
    elif request.param == ON_OBJECTS:
        objects: Objects = request.getfixturevalue("objects")
        opened = await open_store(objects.copy_in(empty_store), model_id=MODEL, dim=DIM)
    elif request.param == IN_THE_CLOUD:
        with serving_cloud(copytree(empty_store, tmp_path / "cloud")) as url:
            monkeypatch.setenv("LANCEDB_HOST_OVERRIDE", url)
            monkeypatch.setenv("LANCEDB_API_KEY", KEY)
            opened = await open_store("db://notes", model_id=MODEL, dim=DIM)
            yield opened
            await opened.close()
        return
    else:
        place = copytree(empty_store, tmp_path / "store")
        opened = await open_store(str(place), model_id=MODEL, dim=DIM)
        if request.param != "lance":
            await opened.upkeep()
    yield opened
    await opened.close()
