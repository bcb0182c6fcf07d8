"""Upkeep: everything stays, the files do not."""

import os
from datetime import timedelta
from pathlib import Path

import anyio
import numpy as np
import pytest
from lancedb import AsyncTable
from tests.storage.samples import DIM, MODEL, add, make_note, recalled, revised

from zettel.storage.embedding.embedder import unit_rows
from zettel.storage.lance import maintenance, vector_index
from zettel.storage.lance.store import LanceStore, open_store
from zettel.storage.location import hold, read_place
from zettel.storage.store import NewNote, NoteFilter

CONFLICT = "lance error: Retryable commit conflict for version 7"


@pytest.mark.slow
async def test_two_hundred_notes_outlive_upkeep_in_few_files(
    lance: LanceStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(maintenance, "KEEP_VERSIONS", timedelta(milliseconds=1))
    notes = [make_note(f"bee number {number}") for number in range(200)]
    for note in notes:
        await add(lance, note)
    before = await lance.stats()

    assert await lance.upkeep()

    after = await lance.stats()
    assert (before.notes, after.notes, after.revisions) == (200, 200, 200)
    assert before.commits_since_upkeep >= 200
    assert after.commits_since_upkeep == 0
    assert 0 < after.disk_bytes < before.disk_bytes / 4
    assert await lance.find(NoteFilter(), limit=999) == notes[::-1]
    assert len(await lance.match_text("bee", NoteFilter(), limit=999)) == 200


async def test_upkeep_with_nothing_to_do_commits_nothing(lance: LanceStore) -> None:
    await add(lance, make_note())
    await lance.upkeep()
    before = await lance.stats()

    assert await lance.upkeep()

    assert await lance.stats() == before


@pytest.mark.slow
async def test_another_handle_reads_and_writes_during_upkeep(lance: LanceStore) -> None:
    other = await open_store(lance.place, model_id=MODEL, dim=DIM)
    note = make_note("0")
    await add(lance, note)

    async def tend() -> None:
        for _ in range(4):
            # It may leave a table alone to which the other writes without a pause.
            await lance.upkeep()

    async def live(store: LanceStore, name: str) -> None:
        for number in range(12):
            await add(store, make_note(f"{name} {number}"))
            (now,) = await store.get([note.note_id])
            await store.write(changes=[revised(now, str(number))])
            await store.reinforce([recalled(name)])
            assert await store.match_text(name, NoteFilter(), limit=99)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(tend)
        tasks.start_soon(live, lance, "drone")
        tasks.start_soon(live, other, "worker")

    assert await lance.upkeep()
    for store in (lance, other):
        assert await store.count(NoteFilter()) == 25
        assert len(await store.match_text("drone worker", NoteFilter(), limit=99)) == 24
        rows = await store.revisions(note.note_id)
        assert [row.rev for row in rows] == list(range(1, len(rows) + 1))
        assert sum(row.current for row in rows) == 1
        used = await store.usage_of(["drone", "worker"])
        assert [usage.recall_count for usage in used.values()] == [12, 12]
    await other.close()


async def test_a_handle_reads_on_while_the_versions_it_knew_are_dropped(
    lance: LanceStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(maintenance, "KEEP_VERSIONS", timedelta(milliseconds=1))
    other = await open_store(lance.place, model_id=MODEL, dim=DIM)
    for number in range(5):
        await add(lance, make_note(f"bee {number}"))
        assert await other.count(NoteFilter()) == number + 1
        await lance.upkeep()
        assert len(await other.find(NoteFilter(), limit=99)) == number + 1
        assert len(await other.match_text("bee", NoteFilter(), limit=99)) == number + 1
    await other.close()


async def test_upkeep_steps_back_while_another_is_at_it(lance: LanceStore) -> None:
    await add(lance, make_note())

    async with hold(read_place(lance.place), wait_s=0):
        assert not await lance.upkeep()

    assert (await lance.stats()).commits_since_upkeep > 0
    assert await lance.upkeep()


async def test_upkeep_removes_old_leftovers_of_killed_writes_and_nothing_else(
    lance: LanceStore,
) -> None:
    await add(lance, make_note())
    table = Path(lance.place, "notes.lance")
    old = [table / "data" / ".tmpOld", table / "_versions" / "7.manifest#1"]
    young = [table / "data" / ".tmpYoung", table / "_versions" / "8.manifest#1"]
    for path in (*old, *young):
        path.write_bytes(b"left")
    for path in old:
        os.utime(path, (0, 0))

    assert await lance.upkeep()

    assert [path.exists() for path in (*old, *young)] == [False, False, True, True]
    assert await lance.count(NoteFilter()) == 1


async def test_versions_past_their_time_are_dropped_from_a_store_nobody_writes_to(
    lance: LanceStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(30):
        await add(lance, make_note(f"bee {number}"))
    assert await lance.upkeep()
    assert (await lance.stats()).old_versions == 0

    monkeypatch.setattr(maintenance, "KEEP_VERSIONS", timedelta(milliseconds=1))
    before = await lance.stats()
    await lance.upkeep()

    after = await lance.stats()
    assert before.commits_since_upkeep == 0
    assert before.old_versions >= 30
    assert (after.notes, after.disk_bytes < before.disk_bytes) == (30, True)
    assert after.old_versions < 10


async def test_of_a_large_table_writers_wait_only_if_they_were_first_once(
    lance: LanceStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(maintenance, "QUANTISED_MIN_ROWS", 1)
    plain, waited, notes = maintenance._optimise, list[bool](), lance.tables.notes  # pyright: ignore[reportPrivateUsage]
    await add(lance, make_note("before"))

    async def written_meanwhile(handle: AsyncTable) -> None:
        if handle.name == "notes":
            waited.append(notes.busy)
            if not notes.busy:
                with anyio.fail_after(30):
                    await add(lance, make_note("meanwhile"))
                raise RuntimeError(CONFLICT)
        await plain(handle)

    monkeypatch.setattr(maintenance, "_optimise", written_meanwhile)
    assert await lance.upkeep()

    assert waited == [False, True]
    assert await lance.count(NoteFilter()) == 2
    assert (await lance.stats()).commits_since_upkeep == 0


def entries_of(lance: LanceStore, folder: str) -> int:
    return len(os.listdir(Path(lance.place, "notes.lance", folder)))


async def test_a_store_that_is_written_for_long_keeps_few_fragments_indices_and_versions(
    lance: LanceStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(maintenance, "KEEP_VERSIONS", timedelta(milliseconds=1))
    for name in ("VECTOR_INDEX_MIN_ROWS", "QUANTISED_MIN_ROWS"):
        monkeypatch.setattr(vector_index, name, 20)
    monkeypatch.setattr(vector_index, "VECTOR_INDEX_MAX_PARTS", 4)
    monkeypatch.setattr(maintenance, "QUANTISED_MIN_ROWS", 20)
    random, sizes, folders = np.random.default_rng(1), list[int](), list[int]()
    for round_ in range(12):
        for number in range(10):
            vectors = unit_rows(random.standard_normal((1, DIM)))
            note = make_note(f"bee {round_} {number}")
            await lance.write(new=[NewNote(note=note, vectors=vectors)])
        assert await lance.upkeep()
        stats = await lance.stats()
        sizes.append(stats.disk_bytes)
        folders.append(entries_of(lance, "_indices"))
        assert stats.old_versions < 10
        # Of 10 files a round; a version may be too young to be dropped in its own.
        assert entries_of(lance, "data") < 30

    # As many at the end as once the index over the vectors is there, of notes four times as many.
    assert max(folders) <= folders[2] + 2 * vector_index.VECTOR_INDEX_MAX_PARTS
    assert sizes[-1] < 4 * sizes[2]
