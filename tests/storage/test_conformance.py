"""What every store keeps of its writes: each sentence of `Store.write` and its kin."""

from collections import Counter
from dataclasses import replace

import anyio
import anyio.lowlevel
import numpy as np
import pytest
from tests.storage.samples import (
    DAY,
    EVERYTHING,
    FULL,
    LATER,
    MODEL,
    NOW,
    TICK,
    X,
    add,
    ids,
    make_note,
    revised,
    unit,
)

from zettel.storage.errors import InvalidArgumentError
from zettel.storage.notes import Note
from zettel.storage.store import Change, NewNote, NoteFilter, Store, Vectors


@pytest.mark.parametrize("note", [FULL, make_note("plain")], ids=["full", "plain"])
async def test_a_note_comes_back_with_every_field_as_it_was_told(store: Store, note: Note) -> None:
    written = await store.write(new=[NewNote(note=note)])

    assert written.stored == (note,)
    assert written.lost == ()
    assert await store.get([note.note_id]) == [note]
    assert await store.find(EVERYTHING, limit=1) == [note]
    assert await store.revisions(note.note_id) == [note]


async def test_get_answers_in_the_order_asked_and_leaves_unknown_ids_out(store: Store) -> None:
    notes = [make_note(str(n)) for n in range(3)]
    await add(store, *notes)

    found = await store.get([notes[2].note_id, "unknown", notes[0].note_id])

    assert found == [notes[2], notes[0]]
    assert await store.get([]) == []


async def test_a_write_of_nothing_stores_nothing(store: Store) -> None:
    written = await store.write()

    assert (written.stored, written.lost) == ((), ())
    assert await store.count(EVERYTHING) == 0


async def test_a_revision_takes_the_place_of_the_one_it_was_planned_on(store: Store) -> None:
    note = make_note("old words")
    await add(store, note)

    change = replace(revised(note, "new words"), ended_at=LATER, corrected=True)
    written = await store.write(changes=[change])

    first, second = await store.revisions(note.note_id)
    assert written.stored == (second,)
    assert second == replace(note, rev=2, content="new words", known_from=LATER)
    assert first == replace(note, current=False, known_to=LATER, ended_at=LATER, corrected=True)
    assert await store.get([note.note_id]) == [second]
    assert await ids(store, NoteFilter()) == [note.note_id]


async def test_a_revision_known_no_later_than_the_last_one_is_moved_a_microsecond_after_it(
    store: Store,
) -> None:
    note = make_note()
    await add(store, note)

    written = await store.write(changes=[revised(note, "again", now=NOW - DAY)])

    assert written.stored[0].known_from == NOW + TICK


async def test_of_two_changes_planned_on_one_revision_the_second_is_lost(store: Store) -> None:
    note = make_note()
    await add(store, note)
    await store.write(changes=[revised(note, "first")])

    written = await store.write(changes=[revised(note, "second")])

    assert (written.stored, written.lost) == ((), (note.note_id,))
    assert [n.content for n in await store.revisions(note.note_id)] == [note.content, "first"]


@pytest.mark.parametrize("rev", [3, 7])
async def test_a_change_that_skips_a_revision_is_lost(store: Store, rev: int) -> None:
    note = make_note()
    await add(store, note)

    written = await store.write(changes=[Change(note=replace(note, rev=rev))])

    assert written.lost == (note.note_id,)
    assert await store.revisions(note.note_id) == [note]


async def test_a_change_of_an_unknown_note_is_lost(store: Store) -> None:
    written = await store.write(changes=[revised(make_note(), "words")])

    assert len(written.lost) == 1
    assert await store.count(EVERYTHING) == 0


async def test_one_commit_adds_notes_and_makes_the_changes_that_can_be_made(
    store: Store,
) -> None:
    kept, taken, new = make_note("kept"), make_note("taken"), make_note("new")
    await add(store, kept, taken)
    await store.write(changes=[revised(taken, "by another")])

    written = await store.write(
        new=[NewNote(note=new)], changes=[revised(taken, "too late"), revised(kept, "changed")]
    )

    assert [(n.note_id, n.rev) for n in written.stored] == [(new.note_id, 1), (kept.note_id, 2)]
    assert written.lost == (taken.note_id,)
    found = await store.get([kept.note_id, taken.note_id, new.note_id])
    assert [note.content for note in found] == ["changed", "by another", "new"]


async def test_many_revisions_make_a_history_without_gaps_and_with_one_current_row(
    store: Store,
) -> None:
    note = make_note()
    await add(store, note)
    for number in range(5):
        (now,) = await store.get([note.note_id])
        await store.write(changes=[revised(now, f"words {number}")])

    rows = await store.revisions(note.note_id)

    assert [row.rev for row in rows] == [1, 2, 3, 4, 5, 6]
    assert [row.current for row in rows] == [False] * 5 + [True]
    assert [row.known_to for row in rows[:-1]] == [row.known_from for row in rows[1:]]


async def test_concurrent_changes_of_one_note_each_win_once(store: Store) -> None:
    note = make_note("0")
    await add(store, note)

    async def increment() -> None:
        while True:
            (now,) = await store.get([note.note_id])
            change = revised(now, str(int(now.content) + 1))
            if not (await store.write(changes=[change])).lost:
                return

    with anyio.fail_after(60):
        async with anyio.create_task_group() as tasks:
            for _ in range(6):
                tasks.start_soon(increment)

    assert [row.content for row in await store.revisions(note.note_id)] == list("0123456")


async def test_a_write_that_began_is_finished_though_its_caller_is_cancelled(
    store: Store,
) -> None:
    async def tell(number: int) -> None:
        await add(store, *(make_note(str(number)) for _ in range(3)))

    for number in range(1, 12):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(tell, number)
            # The first of these lets the write begin.
            for _ in range(number):
                await anyio.lowlevel.checkpoint()
            tasks.cancel_scope.cancel()

    counts = Counter(note.content for note in await store.find(NoteFilter(), limit=100))
    assert counts == {str(number): 3 for number in range(1, 12)}


async def test_a_note_with_unusable_vectors_is_refused_whole(store: Store) -> None:
    unusable: list[Vectors] = [
        unit((float("nan"), 0.0, 0.0, 0.0)),
        unit((float("inf"), 0.0, 0.0, 0.0)),
        unit(X, (0.0, 0.0, 0.0, 0.0)),
        unit((0.9, 0.0, 0.0, 0.0)),
        np.empty((0, 4), np.float32),
        unit(X)[0],
        unit(X).astype("float64"),
    ]
    note = make_note()
    await add(store, note)
    for vectors in unusable:
        with pytest.raises(InvalidArgumentError):
            await store.write(new=[NewNote(note=make_note(), vectors=vectors)])
        with pytest.raises(InvalidArgumentError):
            await store.write(changes=[replace(revised(note, "new"), vectors=vectors)])
        with pytest.raises(InvalidArgumentError):
            await store.embed([(note, vectors)], model=MODEL)
    assert await store.find(EVERYTHING, limit=100) == [note]


async def test_a_write_that_could_not_be_kept_as_promised_is_refused(store: Store) -> None:
    note = make_note()
    await add(store, note)
    with pytest.raises(InvalidArgumentError):
        await store.write(new=[NewNote(note=replace(make_note(), rev=2))])
    with pytest.raises(InvalidArgumentError):
        await store.write(changes=[Change(note=note)])
    with pytest.raises(InvalidArgumentError):
        await store.write(changes=[revised(note, "a"), revised(note, "b")])
    with pytest.raises(InvalidArgumentError):
        await store.write(new=[NewNote(note=replace(make_note(), derived_by={"trust": "rule"}))])
    assert await store.find(EVERYTHING, limit=100) == [note]


async def test_a_mark_of_evolution_makes_no_revision_and_skips_rows_closed_since(
    store: Store,
) -> None:
    note, closed, other = make_note(), make_note("moved on"), make_note()
    await store.write(new=[NewNote(note=note, vectors=unit(X))])
    await add(store, closed, other)
    await store.write(changes=[revised(closed, "newer words")])

    await store.mark([note, closed, make_note()], stage=2)
    await store.mark([], stage=3)
    await store.mark([note], stage=1)

    assert [row.stage for row in await store.revisions(note.note_id)] == [2]
    assert [row.stage for row in await store.revisions(closed.note_id)] == [0, 0]
    assert await store.get([other.note_id]) == [other]
    assert (await store.passages_of([note.note_id]))[note.note_id].tolist() == [list(X)]
    assert await store.count(EVERYTHING) == 3
