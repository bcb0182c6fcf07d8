"""The index over the vectors: exact, and there when it is worth it."""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.storage.samples import DIM, LATER, MODEL, X, add, make_note, unit

from zettel.storage.embedding.embedder import unit_rows
from zettel.storage.lance import maintenance
from zettel.storage.lance.maintenance import VECTOR_INDEX_MIN_ROWS, vector_index_name
from zettel.storage.lance.open import open_tables
from zettel.storage.lance.store import LanceStore
from zettel.storage.lance.table import Tables
from zettel.storage.location import read_place
from zettel.storage.notes import State
from zettel.storage.store import Change, NewNote, NoteFilter, Vectors


@pytest.fixture
async def tables(tmp_path: Path) -> AsyncGenerator[Tables]:
    """An empty store's tables."""
    opened = await open_tables(read_place(str(tmp_path / "store")), model_id=MODEL, dim=DIM)
    yield opened
    await LanceStore(opened).close()


def some_vectors(random: np.random.Generator, *, passages: int = 1) -> Vectors:
    return unit_rows(random.standard_normal((passages, DIM)))


def embedded(vectors: Sequence[Vectors]) -> list[NewNote]:
    return [NewNote(note=make_note(f"bee {i}"), vectors=v) for i, v in enumerate(vectors)]


async def parts(tables: Tables) -> int | None:
    """How many parts the index has; None if there is none."""
    stats = await tables.notes.read(
        lambda handle: handle.index_stats(vector_index_name(tables.notes.spec))
    )
    return None if stats is None else stats.num_indices


async def test_the_index_finds_exactly_the_nearest_notes_whatever_came_since(
    tables: Tables,
) -> None:
    store, random = LanceStore(tables), np.random.default_rng(1)
    entries = embedded(
        [some_vectors(random, passages=1 + i % 6) for i in range(VECTOR_INDEX_MIN_ROWS)]
    )
    await store.write(new=entries)
    await store.upkeep()
    assert await parts(tables) == 1
    turned = [replace(entry.note, rev=2, known_from=LATER) for entry in entries[:60]]
    changes = [Change(note=note, vectors=some_vectors(random)) for note in turned[:30]]
    changes += [Change(note=replace(note, state=State.FORGOTTEN)) for note in turned[30:]]
    await store.write(changes=changes)
    for vectors in (some_vectors(random, passages=3) for _ in range(5)):
        await store.write(new=embedded([vectors]))
    await add(store, make_note("waits for its vectors"))

    for query in some_vectors(random, passages=40):
        near = await store.nearest(query, NoteFilter(namespaces=("home",)), limit=12)
        exact = await store.match_vectors(query, NoteFilter(namespaces=("home",)), limit=12)

        assert [n.outline.note_id for n in near] == [hit.note_id for hit in exact]
        assert [n.score for n in near] == pytest.approx([hit.score for hit in exact], abs=1e-5)


async def test_notes_of_many_passages_hide_no_other_note(tables: Tables) -> None:
    store, random = LanceStore(tables), np.random.default_rng(2)
    long = [unit_rows(unit(X) + random.normal(0, 0.01, (40, DIM))) for _ in range(11)]
    short = unit_rows(unit(X) + np.array([[0, 0.1, 0, 0]]))
    far = [some_vectors(random) * np.array([[0, 1, 1, 1]]) for _ in range(VECTOR_INDEX_MIN_ROWS)]
    stored = await store.write(new=embedded([*long, short, *map(unit_rows, far)]))
    await store.upkeep()
    assert await parts(tables) == 1

    near = await store.nearest(unit(X)[0], NoteFilter(), limit=12)

    assert {n.outline.note_id for n in near} == {note.note_id for note in stored.stored[:12]}


async def test_the_index_comes_when_it_is_worth_it_and_goes_with_the_last_vectors(
    tables: Tables,
) -> None:
    store, random = LanceStore(tables), np.random.default_rng(3)
    await store.write(
        new=embedded([some_vectors(random) for _ in range(VECTOR_INDEX_MIN_ROWS - 1)])
    )
    assert await store.upkeep()
    assert await parts(tables) is None
    await store.write(new=embedded([some_vectors(random)]))
    assert await store.upkeep()
    assert await parts(tables) == 1

    async with tables.notes.writing():
        await tables.notes.commit(lambda handle: handle.delete("true"))
    await add(store, make_note("waits for its vectors"))

    assert await store.upkeep()
    assert await parts(tables) is None


async def test_an_index_of_many_parts_is_made_anew(
    tables: Tables, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(maintenance, "VECTOR_INDEX_MIN_ROWS", 10)
    monkeypatch.setattr(maintenance, "VECTOR_INDEX_MAX_PARTS", 2)
    store, random = LanceStore(tables), np.random.default_rng(4)
    await store.write(new=embedded([some_vectors(random) for _ in range(10)]))
    seen = list[int | None]()
    for _ in range(4):
        assert await store.upkeep()
        seen.append(await parts(tables))
        await store.write(new=embedded([some_vectors(random)]))

    assert seen == [1, 2, 3, 1]
