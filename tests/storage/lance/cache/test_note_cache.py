"""The notes in memory: they follow this process, and are not trusted after any other."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.storage.samples import (
    DIM,
    EVERYTHING,
    LATER,
    MODEL,
    NOW,
    X,
    Y,
    add,
    make_note,
    revised,
    unit,
)

from zettel.storage.embedding.embedder import unit_rows
from zettel.storage.lance import reads
from zettel.storage.lance.cache import note_cache
from zettel.storage.lance.cache.columns import FactTable, PassageMatrix, fact_of
from zettel.storage.lance.store import LanceStore, open_store
from zettel.storage.lance.table import Tables
from zettel.storage.notes import Kind, State, order_key
from zettel.storage.store import Change, NewNote, NoteFilter, Vectors


async def in_memory(tables: Tables) -> bool:
    return tables.resident.version == await tables.notes.version()


async def test_they_follow_every_commit_of_this_process(tables: Tables) -> None:
    store, note = LanceStore(tables), make_note()
    await add(store, note)
    assert await in_memory(tables)
    await store.embed([(note, unit(X))], model=MODEL)
    assert await in_memory(tables)
    await store.mark([note], stage=2)
    assert await in_memory(tables)
    await store.write(changes=[revised(note, "other words")], new=[NewNote(note=make_note("more"))])
    assert await in_memory(tables)
    await store.write(changes=[revised(note, "lost to the first")])
    assert await in_memory(tables)


async def test_a_mark_is_seen_in_memory_too(tables: Tables) -> None:
    store, note = LanceStore(tables), make_note()
    await add(store, note)

    await store.mark([note], stage=2)

    assert [found.stage for found in await store.get([note.note_id])] == [2]
    assert await store.count(NoteFilter(stage_below=2)) == 0


async def test_after_another_process_has_written_they_are_read_from_the_table_again(
    tables: Tables,
) -> None:
    store, note = LanceStore(tables), make_note("bees dance")
    await store.write(new=[NewNote(note=note, vectors=unit(X))])
    other = await open_store(tables.place.uri, model_id=MODEL, dim=DIM)
    await other.write(changes=[replace(revised(note, "bees sleep"), vectors=unit(Y))])

    assert [found.content for found in await store.get([note.note_id])] == ["bees sleep"]
    (near,) = await store.nearest(unit(Y)[0], NoteFilter(), limit=3)
    assert near.score == pytest.approx(1.0)
    assert near.outline.content == "bees sleep"
    assert not await in_memory(tables)

    await add(store, make_note("drones idle"))
    assert not await in_memory(tables)
    await store.upkeep()
    assert await in_memory(tables)
    await other.close()


async def test_the_second_question_after_another_process_has_written_reads_them_anew(
    tables: Tables,
) -> None:
    store, note = LanceStore(tables), make_note("bees dance")
    await store.write(new=[NewNote(note=note, vectors=unit(X))])
    other = await open_store(tables.place.uri, model_id=MODEL, dim=DIM)

    async def ask() -> bool:
        (hit,) = await store.match_vectors(unit(X)[0], NoteFilter(), limit=3)
        assert hit.note_id == note.note_id
        return await in_memory(tables)

    for number in range(3):
        await add(other, make_note(f"drone {number}"))
        assert not await ask()
    async with tables.notes.writing():  # whoever asks may be the one who writes
        assert not await ask()
    assert await ask()
    assert await store.latest() == note.known_from
    await other.close()


async def test_the_second_question_reads_them_whatever_this_process_wrote_in_between(
    tables: Tables,
) -> None:
    store = LanceStore(tables)
    other = await open_store(tables.place.uri, model_id=MODEL, dim=DIM)
    await add(other, make_note("theirs"))
    await other.close()
    tables.resident.drop()

    async def tell() -> bool:
        await store.nearest(unit(X)[0], NoteFilter(), limit=3)
        await add(store, make_note())
        return await in_memory(tables)

    assert [await tell() for _ in range(3)] == [False, True, True]
    tables.resident.drop()
    assert [await tell() for _ in range(3)] == [False, True, True]


async def test_too_many_notes_are_counted_once_until_others_write(
    tables: Tables, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(note_cache, "CACHE_MAX_ROWS", 1)
    store, loaded = LanceStore(tables), list[int]()
    other = await open_store(tables.place.uri, model_id=MODEL, dim=DIM)
    await add(other, make_note(), make_note())
    keep = tables.resident.keep

    def kept(version: int, rows: note_cache.LoadedRows) -> None:
        loaded.append(version)
        keep(version, rows)

    monkeypatch.setattr(tables.resident, "keep", kept)
    for _ in range(5):
        await store.nearest(unit(X)[0], NoteFilter(), limit=3)
        await add(store, make_note())
    assert len(loaded) == 1

    await add(other, make_note("theirs"))
    for _ in range(5):
        await store.nearest(unit(X)[0], NoteFilter(), limit=3)
        await add(store, make_note())
    assert len(loaded) == 2
    await other.close()


async def test_rows_read_long_ago_are_read_again(
    tables: Tables, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(note_cache, "CACHE_MAX_OBJECTS", 2)
    store, notes = LanceStore(tables), [make_note(f"bee {number}") for number in range(5)]
    await add(store, *notes)
    tables.resident.drop()
    await reads.keep_resident(tables)

    for note in (*notes, *reversed(notes)):
        (found,) = await store.get([note.note_id])
        assert found == note
    assert [n.note_id for n in await store.get([n.note_id for n in notes])] == [
        n.note_id for n in notes
    ]


async def test_a_commit_between_two_of_ours_is_not_passed_over(tables: Tables) -> None:
    store, note = LanceStore(tables), make_note("bees dance")
    await add(store, note)
    other = await open_store(tables.place.uri, model_id=MODEL, dim=DIM)
    await add(other, make_note("theirs"))
    await add(store, make_note("ours"))

    found = await store.outlines(NoteFilter(), limit=9)

    assert sorted(outline.content for outline in found) == ["bees dance", "ours", "theirs"]
    await other.close()


@pytest.mark.parametrize("tended_by_other", [False, True])
async def test_they_outlast_an_upkeep(
    tables: Tables, monkeypatch: pytest.MonkeyPatch, tended_by_other: bool
) -> None:
    store, notes = LanceStore(tables), [make_note(f"bee {number}") for number in range(4)]
    await store.write(new=[NewNote(note=note, vectors=unit(X)) for note in notes])
    for note in notes:
        await store.write(changes=[revised(note, f"{note.content} dances")])
    other, before = (
        await open_store(tables.place.uri, model_id=MODEL, dim=DIM),
        await store.version(),
    )

    # Whatever is read anew is lost with it.
    monkeypatch.setattr(tables.resident, "keep", tables.resident.drop)
    assert await (other if tended_by_other else store).upkeep()
    assert await store.version() > before
    found = await store.find(NoteFilter(), limit=9)

    assert sorted(n.content for n in found) == [f"bee {number} dances" for number in range(4)]
    assert await in_memory(tables)
    await other.close()


async def test_once_much_was_written_an_upkeep_reads_them_anew(
    tables: Tables, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(note_cache, "CACHE_MAX_REWRITTEN_ROWS", 3)
    store = LanceStore(tables)
    for number in range(4):
        await add(store, make_note(f"bee {number}"))
    assert tables.resident.worn

    await store.upkeep()

    assert not tables.resident.worn
    assert await in_memory(tables)


@pytest.mark.parametrize("bound", ["CACHE_MAX_ROWS", "CACHE_MAX_BYTES"])
async def test_too_many_notes_are_left_on_the_disk(
    tables: Tables, monkeypatch: pytest.MonkeyPatch, bound: str
) -> None:
    monkeypatch.setattr(reads, bound, 1)
    store = LanceStore(tables)
    await add(store, make_note("one"), make_note("two"))
    tables.resident.drop()
    await store.upkeep()

    assert not await in_memory(tables)
    assert len(await store.find(NoteFilter(), limit=9)) == 2


async def test_they_are_dropped_when_they_have_become_too_many(
    tables: Tables, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(note_cache, "CACHE_MAX_ROWS", 2)
    store = LanceStore(tables)
    for number in range(4):
        await add(store, make_note(f"bee {number}"))

    assert not await in_memory(tables)
    assert len(await store.outlines(NoteFilter(), limit=9)) == 4


async def test_a_revision_that_gets_other_vectors_is_found_by_these_alone(tables: Tables) -> None:
    store, note = LanceStore(tables), make_note()
    await store.write(new=[NewNote(note=note, vectors=unit(X))])

    again = replace(note, rev=2, known_from=LATER)
    await store.write(changes=[Change(note=again, vectors=unit(Y))])

    (hit,) = await store.match_vectors(unit(X)[0], NoteFilter(), limit=9)
    assert hit.score == pytest.approx(0.0)
    passages = await store.passages_of([note.note_id])
    assert passages[note.note_id].tolist() == unit(Y).tolist()


@settings(deadline=None)
@given(st.lists(st.integers(0, 3), max_size=12), st.integers(0, 6))
def test_the_matrix_knows_the_passages_of_each_place_whenever_they_came(
    counts: list[int], loaded: int
) -> None:
    random = np.random.default_rng(len(counts))
    each = [unit_rows(random.standard_normal((count, DIM))) for count in counts]
    first = each[:loaded]
    matrix = PassageMatrix(
        np.concatenate([np.empty((0, DIM), np.float32), *first]),
        np.array([len(vectors) for vectors in first], np.int64),
    )
    for place, vectors in enumerate(each[loaded:], start=len(first)):
        if len(vectors):
            matrix.add(place, vectors)

    query = unit_rows(random.standard_normal((1, DIM)))[0]
    places, cosines = matrix.cosines(query)

    there = {place: vectors for place, vectors in enumerate(each) if len(vectors)}
    assert places.tolist() == list(there)
    assert cosines == pytest.approx([float((v @ query).max()) for v in there.values()], abs=1e-6)
    assert [_listed(matrix.at(place)) for place in range(len(each))] == [
        _listed(there.get(place)) for place in range(len(each))
    ]


@pytest.mark.parametrize("copies", [3, 7, 1001])
def test_equal_passages_are_equally_near_wherever_they_stand(copies: int) -> None:
    passage, query = unit_rows(np.random.default_rng(0).standard_normal((2, 384)))
    matrix = PassageMatrix(np.repeat(passage[np.newaxis], copies, 0), np.ones(copies, np.int64))

    _, cosines = matrix.cosines(query)

    assert len(set(cosines.tolist())) == 1


def _listed(vectors: Vectors | None) -> list[list[float]] | None:
    return None if vectors is None else vectors.tolist()


def test_a_filter_that_asks_for_more_than_the_facts_is_not_answered() -> None:
    facts = FactTable()
    facts.extend([fact_of(make_note()), fact_of(replace(make_note(), state=State.FORGOTTEN))])

    known = facts.meant(EVERYTHING)

    assert known is not None
    assert known.tolist() == [True, True]
    assert facts.meant(replace(EVERYTHING, says="bees")) is None
    assert facts.meant(replace(EVERYTHING, past=("row",))) is None


SOME = [
    NoteFilter(sessions=("one",)),
    NoteFilter(sessions=("one", "two", "none"), namespaces=("home",)),
    NoteFilter(kinds=(Kind.CORE, Kind.WORKING)),
    NoteFilter(kinds=(Kind.CORE,), sessions=("two",), states=()),
    NoteFilter(sessions=("one",), known_at=NOW),
    NoteFilter(kinds=(Kind.CORE,), known_at=LATER),
    NoteFilter(namespaces=("home", "away")),
    NoteFilter(namespaces=("away",), subject="ÄGYPTEN"),
    NoteFilter(subject="Garden"),
    NoteFilter(since=NOW + timedelta(days=3)),
    NoteFilter(until=NOW + timedelta(days=3)),
    NoteFilter(since=NOW + timedelta(days=2), until=NOW + timedelta(days=4), subject="greece"),
    NoteFilter(since=NOW - timedelta(days=2), kinds=(Kind.CORE,)),
    NoteFilter(until=NOW - timedelta(days=2)),
]


@pytest.mark.parametrize("loaded", [False, True])
async def test_a_filter_is_answered_in_memory_as_from_the_table(
    tables: Tables, loaded: bool
) -> None:
    store, kinds = LanceStore(tables), list(Kind)
    notes = [
        replace(
            make_note(
                f"bee {number}",
                now=NOW - timedelta(days=number % 7),
                namespace="away" if number % 5 else "home",
            ),
            session=("", "one", "two")[number % 3],
            subject=("garden", "Ägypten", "Greece", "")[number % 4],
            kind=kinds[number % len(kinds)],
            happened_at=NOW + timedelta(days=number % 12 - 6),
        )
        for number in range(24)
    ]
    await add(store, *notes)
    moved = (replace(revised(note, "elsewhere").note, session="two") for note in notes[:6])
    await store.write(changes=[Change(note=replace(n, kind=Kind.CORE)) for n in moved])
    if loaded:
        tables.resident.drop()
        await reads.keep_resident(tables)
    version = await tables.notes.version()

    async def answers(where: NoteFilter) -> tuple[object, ...]:
        found = [await store.find(where, limit=5, offset=offset) for offset in (0, 3)]
        return found, await store.outlines(where, limit=30), await store.count(where)

    assert all(tables.resident.outlines(version, where) is not None for where in SOME)
    here = [await answers(where) for where in SOME]
    tables.resident.drop()

    assert [await answers(where) for where in SOME] == here
    assert all(count for _, _, count in here)


async def test_the_newest_of_many_notes_are_found_in_the_table(
    tables: Tables, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(note_cache, "FOUND_MAX_ROWS", 2)
    store, notes = LanceStore(tables), [make_note(f"bee {number}") for number in range(3)]
    await add(store, *notes)
    version = await tables.notes.version()

    found = await store.find(NoteFilter(), limit=1)

    assert found == [max(notes, key=order_key)]
    assert tables.resident.find(version, NoteFilter(), limit=1, offset=0) is None
