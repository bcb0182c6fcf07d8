"""Counts of rows: kept while they hold, and true after whatever was written."""

from collections.abc import AsyncGenerator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from tests.storage.samples import DIM, MODEL, NOW, add, make_note, revised

from zettel.storage.lance import counts
from zettel.storage.lance.cache import note_cache, resident
from zettel.storage.lance.counts import rows_of_namespaces, without_idle
from zettel.storage.lance.open import open_tables
from zettel.storage.lance.store import LanceStore
from zettel.storage.lance.table import LanceTable, Tables
from zettel.storage.location import read_place
from zettel.storage.notes import EVOLUTION, Note, Origin
from zettel.storage.read_view import read_view
from zettel.storage.store import NoteFilter

WHERE = NoteFilter(namespaces=("home",), unexpired_at=NOW)


@pytest.fixture(autouse=True)
def on_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep no note in memory."""
    monkeypatch.setattr(note_cache, "CACHE_MAX_ROWS", 0)
    monkeypatch.setattr(counts, "CACHE_MAX_ROWS", 0)
    monkeypatch.setattr(resident, "NAMESPACE_MAX_ROWS", 0)


@pytest.fixture
async def tables(tmp_path: Path) -> AsyncGenerator[Tables]:
    """An empty store's tables."""
    opened = await open_tables(read_place(str(tmp_path / "store")), model_id=MODEL, dim=DIM)
    yield opened
    await LanceStore(opened).close()


@pytest.fixture
async def others(tables: Tables) -> AsyncGenerator[LanceStore]:
    """Another process's store of the same notes."""
    opened = LanceStore(await open_tables(tables.place, model_id=MODEL, dim=DIM))
    yield opened
    await opened.close()


def ending(note: Note) -> Note:
    return replace(note, valid_until=NOW + timedelta(days=1))


def composed(note: Note) -> Note:
    return replace(note, origin=Origin(transport=EVOLUTION))


async def needed(tables: Tables) -> tuple[int, NoteFilter]:
    """Revisions at home, and what a search there has to ask for."""
    with read_view():
        rows = await rows_of_namespaces(tables, ["home"])
        return rows, await without_idle(tables, WHERE)


async def test_what_a_process_adds_itself_is_not_counted_again(
    tables: Tables, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = LanceStore(tables)
    await add(store, make_note())
    await needed(tables)

    async def counted_again(table: LanceTable, where: str = "") -> int:
        pytest.fail(f"{table.spec.name} was counted by {where!r}")

    monkeypatch.setattr(LanceTable, "count", counted_again)
    await add(store, make_note(), make_note(namespace="work"))

    assert await needed(tables) == (2, replace(WHERE, derived=None, unexpired_at=None))

    await add(store, ending(make_note()))

    assert await needed(tables) == (3, replace(WHERE, derived=None))

    await add(store, composed(make_note()))

    assert await needed(tables) == (4, WHERE)


async def test_what_another_process_adds_or_a_change_leaves_is_counted(
    tables: Tables, others: LanceStore
) -> None:
    store, note = LanceStore(tables), make_note()
    await add(store, note)
    await needed(tables)
    await add(others, ending(make_note()))

    assert await needed(tables) == (2, replace(WHERE, derived=None))

    await store.write(changes=[revised(note, "bees sting")])

    assert (await needed(tables))[0] == 3
