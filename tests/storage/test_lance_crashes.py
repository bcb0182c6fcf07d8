"""Processes killed while they make a store, locks they leave, readers beside a busy upkeep."""

import json
import os
import subprocess
import sys
from pathlib import Path
from random import Random
from time import sleep

import anyio
import pytest
from tests.storage import store_worker
from tests.storage.samples import DIM, MODEL, NOW, X, add, make_note, revised, unit
from tests.storage.test_lance_processes import ROOT, Worker, start, workers

from zettel.storage.lance_store import LanceStore, open_store
from zettel.storage.notes import Note
from zettel.storage.places import ENGINE_FOLDER, LOCK_FILE
from zettel.storage.store import NewNote, NoteFilter

KILLS = 12
STORES = 40
"""More than a process can make before its kill comes."""

LONGEST_S = 0.15
"""A store is made in some 100 ms."""


def kill_in_the_making(worker: Worker, dice: Random) -> str:
    """Kill a process some moment after it began its second store or a later one; which it was."""
    assert worker.stdout is not None
    begun = [json.loads(worker.stdout.readline())[0] for _ in range(dice.randint(2, 4))]
    # The moment of the kill is what the test is about: it waits for nothing.
    sleep(dice.random() * LONGEST_S)
    worker.kill()
    rest = worker.communicate()[0].splitlines(keepends=True)
    begun += [json.loads(line)[0] for line in rest if line.endswith("\n")]
    return begun[-1]


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
    assert await store.heal(now=NOW) == {}
    assert await store.upkeep()
    await store.close()


def make_stores(place: Path) -> Worker:
    """A process that makes stores below a directory, one after the other."""
    place.mkdir()
    return subprocess.Popen(
        [sys.executable, "-m", store_worker.__name__, str(place), "make", str(STORES)],
        cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, encoding="utf-8",
    )  # fmt: skip


async def test_a_store_whose_maker_was_killed_is_made_whole_by_the_next(tmp_path: Path) -> None:
    dice = Random(4)
    for first in range(0, KILLS, 4):
        places = [tmp_path / str(number) for number in range(first, first + 4)]
        makers = [make_stores(place) for place in places]
        try:
            names = [kill_in_the_making(maker, dice) for maker in makers]
        finally:
            for maker in makers:
                maker.kill()
                maker.wait()
        for place, name in zip(places, names, strict=True):
            await check_whole(place / name)


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
        assert await store.past(known) == ()
        assert await store.count(known) == len(notes)
        assert len(await store.revisions(notes[0].note_id)) == revisions

    async with anyio.create_task_group() as tasks:
        for job in (read, search, look_back):
            tasks.start_soon(job)
