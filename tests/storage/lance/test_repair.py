"""Healing: whatever a crash or a foreign hand left, the store is whole again and says so."""

# Raw LanceDB is typed in part only.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportMissingTypeStubs=false, reportUnknownArgumentType=false

import os
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import lancedb
import pytest
from lancedb import AsyncTable
from tests.storage.samples import (
    DAY,
    DIM,
    EVERYTHING,
    LATER,
    MODEL,
    NOW,
    X,
    add,
    make_note,
    revised,
    unit,
)

from zettel.storage.errors import StoreUnavailableError
from zettel.storage.lance.rows import to_table
from zettel.storage.lance.schema import notes_table
from zettel.storage.lance.store import LanceStore, open_store
from zettel.storage.location import hold, read_place
from zettel.storage.notes import Note
from zettel.storage.revisions import NoteRow
from zettel.storage.store import NewNote, NoteFilter


@asynccontextmanager
async def raw_notes(store: LanceStore) -> AsyncGenerator[AsyncTable]:
    """The table of notes without any of our precautions."""
    with await lancedb.connect_async(store.place) as database:
        with await database.open_table("notes") as table:
            yield table


async def put(store: LanceStore, *notes: Note) -> None:
    """Write rows as they are, whatever stands there."""
    rows = [NoteRow(note=note, vectors=unit(X) if note.embed_model else None) for note in notes]
    async with raw_notes(store) as table:
        await table.add(to_table(rows, schema=notes_table(DIM).schema, dim=DIM))


async def check_whole(store: LanceStore, notes: Sequence[Note]) -> None:
    """Each note's history is without gap or ghost, and healing has nothing left to do."""
    for note in notes:
        rows = await store.revisions(note.note_id)
        assert [row.rev for row in rows] == list(range(1, len(rows) + 1))
        assert [row.current for row in rows] == [False] * (len(rows) - 1) + [True]
        assert [row.known_to for row in rows] == [*(row.known_from for row in rows[1:]), None]
    assert await store.heal(now=LATER) == {}
    for note in notes:
        (now,) = await store.get([note.note_id])
        assert not (await store.write(changes=[revised(now, "on", now=LATER + DAY)])).lost


async def test_a_sound_store_is_left_alone(lance: LanceStore) -> None:
    assert await lance.heal(now=NOW) == {}
    note = make_note()
    await add(lance, note)
    await lance.write(changes=[revised(note, "wasps")])
    before = await lance.stats()

    assert await lance.heal(now=NOW) == {}

    assert await lance.stats() == before


async def test_of_a_row_that_is_there_several_times_one_stays(lance: LanceStore) -> None:
    note, other = make_note("bees"), make_note("wasps")
    await lance.write(new=[NewNote(note=note, vectors=unit(X)), NewNote(note=other)])
    await put(lance, *await lance.get([note.note_id, other.note_id]))
    await put(lance, replace(note, content="an echo"))
    assert await lance.count(EVERYTHING) == 5

    assert await lance.heal(now=NOW) == {"doubled_rows": 3}

    assert sorted(n.content for n in await lance.find(EVERYTHING, limit=9)) == ["bees", "wasps"]
    assert len(await lance.match_text("bees echo", EVERYTHING, limit=9)) == 1
    assert len(await lance.match_vectors(unit(X)[0], EVERYTHING, limit=9)) == 1
    await check_whole(lance, [note, other])


async def test_of_two_current_rows_the_highest_stays(lance: LanceStore) -> None:
    note = replace(make_note("bees"), embed_model=MODEL)
    second = replace(note, rev=2, content="wasps", known_from=LATER)
    third = replace(note, rev=3, content="ants", known_from=LATER + DAY)
    await put(lance, third, note, second)

    assert await lance.heal(now=NOW) == {"two_current": 1}

    (now,) = await lance.get([note.note_id])
    assert now == third
    assert len(await lance.passages_at([note.row_id, second.row_id, third.row_id])) == 3
    await check_whole(lance, [note])


async def test_a_note_without_a_current_row_gets_its_highest_back(lance: LanceStore) -> None:
    notes = [make_note("bees"), make_note("wasps")]
    await add(lance, *notes)
    await lance.write(changes=[replace(revised(notes[0], "ants"), ended_at=LATER)])
    async with raw_notes(lance) as table:
        closed = {"current": False, "known_to": LATER + DAY, "ended_at": LATER, "corrected": True}
        await table.update(closed, where="current")

    assert await lance.heal(now=NOW) == {"no_current": 2}

    now = await lance.get([note.note_id for note in notes])
    assert [(n.content, n.known_to, n.ended_at, n.corrected) for n in now] == [
        ("ants", None, None, False),
        ("wasps", None, None, False),
    ]
    first, _ = await lance.revisions(notes[0].note_id)
    assert first.ended_at == LATER
    await check_whole(lance, notes)


async def test_everything_wrong_at_once_is_put_right_at_once(lance: LanceStore) -> None:
    fine, doubled, two, none = (make_note(text) for text in ("fine", "doubled", "two", "none"))
    await add(lance, fine, doubled, two)
    await put(
        lance,
        doubled,
        replace(two, rev=2, known_from=LATER),
        replace(none, current=False, known_to=LATER),
    )

    found = await lance.heal(now=NOW)

    assert found == {"doubled_rows": 1, "two_current": 1, "no_current": 1}
    assert await lance.get([fine.note_id]) == [fine]
    await check_whole(lance, [fine, doubled, two, none])


async def test_healing_waits_for_its_turn_while_another_tends_the_store(
    lance: LanceStore,
) -> None:
    note = make_note()
    await put(lance, note, note)

    async with hold(read_place(lance.place), wait_s=0):
        assert await lance.heal(now=NOW) == {}
        assert await lance.count(EVERYTHING) == 2

    assert await lance.heal(now=NOW) == {"doubled_rows": 1}


@pytest.mark.parametrize("rest", [b"", b"LA", b"\0" * 4096, None])
async def test_damaged_newest_versions_are_stepped_over(
    lance: LanceStore, rest: bytes | None
) -> None:
    await tell_and_close(lance, 4)
    versions = newest_first(lance)
    for manifest in versions[:2]:
        manifest.write_bytes(manifest.read_bytes()[:-7] if rest is None else rest)
    for hint in versions[0].parent.glob("*.json"):
        hint.write_bytes(b"")

    again = await open_store(lance.place, model_id=MODEL, dim=DIM)

    assert await contents(again) == ["0", "1"]
    assert await again.heal(now=NOW) == {"empty_manifests": 2}
    assert await again.heal(now=NOW) == {}
    await add(again, make_note("new"))
    assert await contents(again) == ["0", "1", "new"]
    await again.close()


async def test_the_last_manifest_of_a_table_is_never_removed(lance: LanceStore) -> None:
    await tell_and_close(lance, 1)
    for manifest in newest_first(lance):
        manifest.write_bytes(b"")

    with pytest.raises(StoreUnavailableError):
        await open_store(lance.place, model_id=MODEL, dim=DIM)

    assert newest_first(lance)


async def test_empty_data_files_take_the_store_back_to_what_can_be_read(
    lance: LanceStore,
) -> None:
    await tell_and_close(lance, 5)
    data = sorted(files(lance, "data"), key=lambda path: path.stat().st_mtime_ns)
    for path in data[3:]:
        path.write_bytes(b"")

    again = await open_store(lance.place, model_id=MODEL, dim=DIM)

    assert await contents(again) == ["0", "1", "2"]
    assert await again.heal(now=NOW) == {"unreadable_versions": 2}
    await add(again, make_note("new"))
    assert await again.upkeep()
    assert await contents(again) == ["0", "1", "2", "new"]
    await again.close()
    once_more = await open_store(lance.place, model_id=MODEL, dim=DIM)
    assert await once_more.heal(now=NOW) == {}
    assert await contents(once_more) == ["0", "1", "2", "new"]
    await once_more.close()


async def test_empty_index_files_are_built_anew(lance: LanceStore) -> None:
    await add(lance, *(make_note(f"bee {number}") for number in range(9)))
    assert await lance.upkeep()
    await lance.close()
    index_files = files(lance, "_indices")
    for path in index_files:
        path.write_bytes(b"")

    again = await open_store(lance.place, model_id=MODEL, dim=DIM)

    assert len(await again.match_text("bee", NoteFilter(), limit=99)) == 9
    assert await again.count(NoteFilter(namespaces=("home",), tags=("x",))) == 0
    assert await again.heal(now=NOW) == {"empty_index_files": len(index_files)}
    assert await again.upkeep()
    await again.close()


async def test_leftovers_of_killed_writes_are_counted(lance: LanceStore) -> None:
    await add(lance, make_note())
    table = Path(lance.place, "notes.lance")
    old = [table / "data" / ".tmpOld", table / "_versions" / "7.manifest#1"]
    young = table / "data" / ".tmpYoung"
    for path in (*old, young):
        path.write_bytes(b"left")
    for path in old:
        os.utime(path, (0, 0))

    assert await lance.heal(now=NOW) == {"leftovers": 2}

    assert [path.exists() for path in (*old, young)] == [False, False, True]


async def tell_and_close(store: LanceStore, count: int) -> None:
    """Tell notes named by their number, one commit each."""
    for number in range(count):
        await add(store, make_note(str(number)))
    await store.close()


def files(store: LanceStore, folder: str) -> list[Path]:
    """All files of a folder of the notes."""
    return [p for p in Path(store.place, "notes.lance", folder).rglob("*") if p.is_file()]


def newest_first(store: LanceStore) -> list[Path]:
    """The manifests of the notes: they are named downwards from the largest number."""
    return sorted(Path(store.place, "notes.lance", "_versions").glob("*.manifest"))


async def contents(store: LanceStore) -> list[str]:
    """What the notes say."""
    return sorted(note.content for note in await store.find(NoteFilter(), limit=99))
