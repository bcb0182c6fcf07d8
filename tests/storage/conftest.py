"""Stores to test against."""

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
from tests.storage.in_memory.store import DictStore
from tests.storage.samples import DIM, MODEL

from zettel.storage.lance.store import LanceStore, open_store
from zettel.storage.store import Store


@pytest.fixture
async def lance(tmp_path: Path) -> AsyncGenerator[LanceStore]:
    """An empty LanceDB store in a directory of its own."""
    opened = await open_store(str(tmp_path / "store"), model_id=MODEL, dim=DIM)
    yield opened
    await opened.close()


@pytest.fixture(params=["dict", "lance", "lance, its notes in memory"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncGenerator[Store]:
    """An empty store of each kind."""
    opened: Store
    if request.param == "dict":
        opened = DictStore(model_id=MODEL)
    else:
        opened = await open_store(str(tmp_path / "store"), model_id=MODEL, dim=DIM)
        if request.param != "lance":
            await opened.upkeep()
    yield opened
    await opened.close()
