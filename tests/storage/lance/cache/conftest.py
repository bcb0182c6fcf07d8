"""A store whose notes are in memory."""

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
from tests.storage.samples import DIM, MODEL

from zettel.storage.lance import reads
from zettel.storage.lance.open import open_tables
from zettel.storage.lance.store import LanceStore
from zettel.storage.lance.table import Tables
from zettel.storage.location import read_place


@pytest.fixture
async def tables(tmp_path: Path) -> AsyncGenerator[Tables]:
    """An empty store's tables, its notes in memory."""
    opened = await open_tables(read_place(str(tmp_path / "store")), model_id=MODEL, dim=DIM)
    await reads.keep_resident(opened)
    yield opened
    await LanceStore(opened).close()
