"""Processes killed while they make a store, locks they leave, readers beside a busy upkeep."""

import os
from pathlib import Path
from random import Random

import anyio
import pytest
from tests.storage.lance.test_processes import start, workers
from tests.storage.samples import DIM, MODEL, NOW, X, add, make_note, revised, unit

from zettel.storage.lance.store import LanceStore, open_store
from zettel.storage.location import ENGINE_FOLDER, LOCK_FILE
from zettel.storage.notes import Note
from zettel.storage.store import NewNote, NoteFilter

MAKERS = 4
STORES = 3
"""Made by each at the same time: a process that imports lancedb takes long to start."""

LONGEST_S = 0.3
"""Three stores are made in some 300 ms on a quiet machine."""


async def check_whole(place: Path) -> None:
    """A store opens and does everything, all of its indices included."""
    store = await open_store(str(place), model_id=MODEL, dim=DIM)
    note = make_note("queen")
    await store.write(new=[NewNote(note=note, vectors=unit(X))])
    assert not (await store.write(changes=[revised(note, "king")])).lost
    assert len(await store.match_text("king", NoteFilter(), limit=9)) == 1
    assert len(await store.match_vectors(unit(X)[0], NoteFilter(), limit=9)) == 1
    assert await store.get_meta("schema_version") == "1"
    assert await store.swap_meta("k", expected=None, value="v")
    # An index is written in place, so the kill may have left one empty.
    assert (await store.heal(now=NOW)).keys() <= {"empty_index_files"}
    assert await store.upkeep()
    await store.close()


@pytest.mark.slow
async def test_a_store_whose_maker_was_killed_is_made_whole_by_the_next(tmp_path: Path) -> None:
    dice = Random(4)
    for number in range(MAKERS):
        place = tmp_path / str(number)
        with workers(place, ("make", STORES)) as (maker,):
            start([maker])
            # The moment of the kill is what the test is about: it waits for nothing.
            await anyio.sleep(dice.random() * LONGEST_S)
            maker.kill()
        for store in range(STORES):
            await check_whole(place / str(store))


@pytest.mark.parametrize("table", ["notes", "meta"])
async def test_a_table_that_was_begun_but_has_no_version_is_made(
    tmp_path: Path, table: str
) -> None:
    for folder in ("_versions", "_transactions", "data"):
        (tmp_path / f"{table}.lance" / folder).mkdir(parents=True)
    (tmp_path / f"{table}.lance" / "_transactions" / "0-x.txn").write_bytes(b"begun")
    (tmp_path / f"{table}.lance" / "_versions" / "1.manifest#1").write_bytes(b"begun")

    await check_whole(tmp_path)


async def test_a_lock_file_that_nobody_holds_keeps_nobody_out(tmp_path: Path) -> None:
    lock = tmp_path / ENGINE_FOLDER / LOCK_FILE
    lock.parent.mkdir()
    lock.write_text("12345 some other program\n", encoding="utf-8")
    os.utime(lock, (0, 0))

    await check_whole(tmp_path)


@pytest.mark.slow
async def test_readers_never_fail_while_another_process_tends_the_store(
    lance: LanceStore,
) -> None:
    notes = [make_note(f"bee {number}") for number in range(20)]
    await add(lance, *notes)
    linked = notes[0].note_id

    with workers(Path(lance.place), ("tend",)) as (tender,):
        start([tender])
        for number in range(40):
            (now,) = await lance.get([linked])
            assert not (await lance.write(changes=[revised(now, f"bee again {number}")])).lost
            await check_reads(lance, notes, revisions=number + 2)
        tender.kill()
        turns = tender.communicate()[0].split()

    assert turns.count("[true]") >= 1
    assert await lance.heal(now=NOW) == {}


async def check_reads(store: LanceStore, notes: list[Note], *, revisions: int) -> None:
    """Every kind of read answers in full."""

    async def read() -> None:
        assert await store.count(NoteFilter()) == len(notes)

    async def search() -> None:
        found = await store.match_text("bee", NoteFilter(), limit=99)
        assert len(found) == len(notes)

    async def look_back() -> None:
        known = NoteFilter(known_at=NOW, valid_at=NOW)
        assert await store.rows_true_at(known) == ()
        assert await store.count(known) == len(notes)
        assert len(await store.revisions(notes[0].note_id)) == revisions

    async with anyio.create_task_group() as tasks:
        for job in (read, search, look_back):
            tasks.start_soon(job)
