"""Whole rows: read in two steps, and once as long as nobody commits."""

# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownParameterType=false
# pyright: reportUnknownArgumentType=false
# (pyarrow ships no types)

from collections.abc import AsyncGenerator, Sequence
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest
from tests.storage.samples import DIM, LATER, MODEL, X, Y, add, make_note, revised, unit

from zettel.storage.erasable import Order
from zettel.storage.lance.cache.note_cache import RECENT_MAX_ROWS, CurrentRows
from zettel.storage.lance.open import open_tables
from zettel.storage.lance.predicates import equals
from zettel.storage.lance.reads import current_rows, keep_resident, select_wide
from zettel.storage.lance.rows import NOTE_COLUMNS
from zettel.storage.lance.store import LanceStore
from zettel.storage.lance.table import MAX_ROWS, LanceTable, Tables
from zettel.storage.location import read_place
from zettel.storage.notes import Note
from zettel.storage.read_view import in_one_view, outside_views, read_view
from zettel.storage.revisions import NoteRow
from zettel.storage.store import Change, NewNote, NoteFilter


async def opened(folder: Path) -> Tables:
    return await open_tables(read_place(str(folder / "store")), model_id=MODEL, dim=DIM)


@pytest.fixture
async def tables(tmp_path: Path) -> AsyncGenerator[Tables]:
    """An empty store's tables."""
    made = await opened(tmp_path)
    yield made
    await LanceStore(made).close()


def row(note: Note) -> NoteRow:
    return NoteRow(note=note, vectors=None)


async def test_what_another_process_wrote_since_is_seen(tables: Tables, tmp_path: Path) -> None:
    store, other = LanceStore(tables), LanceStore(await opened(tmp_path))
    note = make_note()
    await add(store, note)
    assert await store.get([note.note_id]) == [note]

    await other.write(changes=[revised(note, "bees sting")])
    (seen,) = await store.get([note.note_id])
    await other.embed([(seen, unit(X))], model=MODEL)
    kept = Change(note=replace(seen, rev=3, tags=("bees",), known_from=LATER))
    written = await store.write(changes=[kept])

    assert seen.content == "bees sting"
    assert written.lost == ()
    assert (await store.passages_of([note.note_id]))[note.note_id].tolist() == [list(X)]
    await other.close()


async def test_a_row_read_once_serves_until_it_changes_or_others_commit(
    tables: Tables, tmp_path: Path
) -> None:
    store, other, note = LanceStore(tables), LanceStore(await opened(tmp_path)), make_note()
    await store.write(new=[NewNote(note=note, vectors=unit(X, Y))])

    async def read() -> NoteRow:
        return (await current_rows(tables, [note.note_id, "nobody"]))[note.note_id]

    first, again = await read(), await read()
    await add(store, make_note("another"))
    after_another = await read()
    await store.write(changes=[revised(note, "bees sting")])
    changed = await read()
    await add(other, make_note("theirs"))
    after_others = await read()

    assert again is after_another is first
    assert (changed.note.rev, changed.note.content) == (2, "bees sting")
    assert after_others is not changed
    assert after_others.note == changed.note
    await other.close()


def test_rows_of_a_version_that_has_passed_are_not_kept() -> None:
    recent, note = CurrentRows(), make_note()
    recent.keep(2, [row(note)])
    recent.keep(1, [row(make_note())])

    assert recent.at(1) == {}
    assert recent.at(2) == {note.note_id: row(note)}

    recent.keep(3, [])

    assert recent.at(2) == recent.at(3) == {}


def test_no_more_rows_are_kept_than_a_change_needs() -> None:
    recent = CurrentRows()
    for _ in range(3 * RECENT_MAX_ROWS):
        recent.keep(1, [row(make_note())])

        assert len(recent.at(1)) <= RECENT_MAX_ROWS


async def test_two_steps_read_what_one_reads(tables: Tables) -> None:
    store, notes = LanceStore(tables), [make_note(f"bee {number}") for number in range(30)]
    for start in range(0, 30, 5):
        await add(store, *notes[start : start + 5])
    await store.write(changes=[revised(note, "stings") for note in notes[::7]])
    await store.upkeep()
    await store.write(changes=[revised(note, "hums") for note in notes[1::7]])
    columns, where, order = [*NOTE_COLUMNS, "vectors"], "content <> 'stings'", ("note_id", "rev")

    wide = await select_wide(tables.notes, columns, where=where, order=order)
    assert wide.num_rows == 35
    assert wide == await tables.notes.select(columns, where=where, order=order)
    wide = await select_wide(
        tables.notes, columns, where=where, order=order, descending=True, limit=9, offset=4
    )
    assert wide.num_rows == 9
    assert wide == await tables.notes.select(
        columns, where=where, order=order, descending=True, limit=9, offset=4
    )
    wide = await select_wide(tables.notes, columns, where="content = 'none'")
    assert wide == await tables.notes.select(columns, where="content = 'none'")


class Overtaken(LanceTable):
    """A table that somebody else changes between the two steps."""

    other: LanceStore
    change: Change

    async def select(
        self,
        columns: Sequence[str],
        *,
        where: str = "",
        order: Sequence[str] = (),
        descending: bool = False,
        limit: int = MAX_ROWS,
        offset: int = 0,
        addressed: bool = False,
    ) -> pa.Table:
        """Read, and be overtaken."""
        read = await super().select(
            columns, where=where, order=order, descending=descending, addressed=addressed
        )
        if addressed:
            await self.other.write(changes=[self.change])
        return read


async def test_a_row_changed_between_the_two_steps_is_read_as_it_is_now(
    tables: Tables, tmp_path: Path
) -> None:
    note = make_note()
    await add(LanceStore(tables), note)
    handle = await tables.database.open_table("notes")
    table = Overtaken(
        handle,
        reopen=lambda: tables.database.open_table("notes"),
        spec=tables.notes.spec,
        place=tables.place,
    )
    table.other, table.change = LanceStore(await opened(tmp_path)), revised(note, "bees sting")

    read = await select_wide(
        table, ["content"], where=f"current AND {equals('note_id', note.note_id)}"
    )

    assert read.column("content").to_pylist() == ["bees sting"]
    await table.other.close()


@pytest.mark.parametrize("own", [True, False], ids=["own commits", "those of others"])
async def test_a_view_sees_one_version_whoever_commits(
    tables: Tables, tmp_path: Path, *, own: bool
) -> None:
    store = LanceStore(tables)
    writer = store if own else LanceStore(await opened(tmp_path))
    await add(store, make_note())
    await store.upkeep()

    with read_view():
        before = await store.count(NoteFilter())
        await add(writer, make_note("another"))
        within = await store.count(NoteFilter())
        kept = await store.outlines(NoteFilter(), limit=10)
        found = await store.match_text("another", NoteFilter(), limit=10)
        await writer.upkeep()
        tended = await store.find(NoteFilter(), limit=10)
    after = await store.count(NoteFilter())

    assert (before, within, len(kept), len(found), len(tended), after) == (1, 1, 1, 0, 1, 2)
    if not own:
        await writer.close()


async def test_named_values_are_read_as_they_are_also_in_a_view(tables: Tables) -> None:
    store = LanceStore(tables)

    with read_view():
        before = await store.get_meta("lease")
        assert await store.swap_meta("lease", expected=None, value="mine")
        after = await store.get_meta("lease")

    assert (before, after) == (None, "mine")


async def test_an_answer_whose_version_an_erasure_drops_is_made_again(tables: Tables) -> None:
    store, seen = LanceStore(tables), list[int]()
    kept, gone = make_note("kept"), make_note("gone")
    await add(store, kept, gone)
    order = Order(
        receipt_id="r1",
        note_ids=(gone.note_id,),
        scope="ids",
        who="me",
        ordered_at=LATER,
        waits=0,
    )

    @in_one_view
    async def read() -> list[Note]:
        seen.append(await store.count(NoteFilter()))
        if len(seen) == 1:
            with outside_views():
                await store.erase_rows([order], clock=lambda: LATER)
                await store.purge([gone.note_id])
        return await store.find(NoteFilter(), limit=10)

    assert [note.note_id for note in await read()] == [kept.note_id]
    assert seen == [2, 1]


async def test_views_of_many_versions_leave_one_handle(tables: Tables) -> None:
    store = LanceStore(tables)

    for number in range(3):
        await add(store, make_note(str(number)))
        with read_view():
            assert await store.count(NoteFilter(subject="nobody")) == 0

    assert await tables.notes.version() in tables.notes.snapshots
    assert len(tables.notes.snapshots) == 1


async def test_notes_that_changed_amid_a_view_are_not_kept_as_of_its_version(
    tables: Tables, tmp_path: Path
) -> None:
    store, other = LanceStore(tables), LanceStore(await opened(tmp_path))
    await add(store, make_note())
    await store.upkeep()

    with read_view():
        seen = await store.version()
        await add(other, make_note("another"))
        tables.resident.drop()
        await keep_resident(tables)

    assert tables.resident.version != seen
    assert len(await store.outlines(NoteFilter(), limit=10)) == 2
    await other.close()


async def test_no_outlines_are_asked_for_where_nothing_is_in_memory(tables: Tables) -> None:
    store = LanceStore(tables)
    await add(store, make_note())
    tables.resident.drop()

    with read_view():
        assert await store.outlines(NoteFilter(), limit=0) == []
        assert len(await store.outlines(NoteFilter(), limit=1)) == 1
