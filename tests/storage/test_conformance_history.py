"""What every store can tell of the past: earlier revisions, runs, passages, the newest moment."""

from dataclasses import replace
from datetime import datetime

import pytest
from tests.storage.samples import (
    DAY,
    EVERYTHING,
    LATER,
    NOW,
    TICK,
    X,
    Y,
    Z,
    add,
    ids,
    make_note,
    revised,
    unit,
)

from zettel.storage.notes import Link, Note, State
from zettel.storage.store import Change, NewNote, NoteFilter, Store


async def become(
    store: Store, note: Note, content: str, *, true_from: datetime, told: datetime
) -> Note:
    """Let the world change: the note's old words ended when its new ones became true."""
    following = replace(
        note, rev=note.rev + 1, content=content, valid_from=true_from, known_from=told
    )
    written = await store.write(changes=[Change(note=following, ended_at=true_from)])
    assert written.lost == ()
    return written.stored[0]


def at(valid: datetime, *, known: datetime | None = None) -> NoteFilter:
    """The question what was true at a moment."""
    return NoteFilter(valid_at=valid, known_at=known)


async def contents(store: Store, where: NoteFilter) -> list[str]:
    """What the store says was true at `where.valid_at`, in order."""
    shown = replace(
        where, past=await store.rows_true_at(where), states=(State.ACTIVE, State.SUPERSEDED)
    )
    found = await store.find(shown, limit=99)
    assert await store.count(shown) == len(found)
    assert len({note.note_id for note in found}) == len(found)
    return sorted(note.content for note in found)


async def test_what_a_change_of_the_world_ended_is_found_at_its_time(store: Store) -> None:
    lives, other = make_note("lives in Rome"), make_note("likes figs")
    await add(store, lives, other)
    oslo = await become(store, lives, "lives in Oslo", true_from=NOW + 5 * DAY, told=LATER)
    await become(store, oslo, "lives in Bern", true_from=NOW + 9 * DAY, told=LATER + DAY)

    said = {day: await contents(store, at(NOW + day * DAY)) for day in (-1, 0, 4, 5, 8, 9, 99)}

    assert said == {
        -1: [],
        0: ["likes figs", "lives in Rome"],
        4: ["likes figs", "lives in Rome"],
        5: ["likes figs", "lives in Oslo"],
        8: ["likes figs", "lives in Oslo"],
        9: ["likes figs", "lives in Bern"],
        99: ["likes figs", "lives in Bern"],
    }
    before = at(NOW + 4 * DAY, known=LATER - TICK)
    assert await store.rows_true_at(before) == ()
    assert await contents(store, before) == ["likes figs", "lives in Rome"]
    assert await store.rows_true_at(NoteFilter()) == ()


async def test_what_was_corrected_or_derived_is_nobodys_past(store: Store) -> None:
    wrong, plain = make_note("born in May"), make_note("bees")
    await add(store, wrong, plain)
    right = replace(wrong, rev=2, content="born in June", valid_from=LATER, known_from=LATER)
    tagged = replace(plain, rev=2, tags=("bee",), known_from=LATER)
    await store.write(changes=[Change(note=right, corrected=True), Change(note=tagged)])
    later = await become(store, tagged, "wasps", true_from=NOW + 3 * DAY, told=LATER + DAY)
    await store.write(changes=[replace(revised(later, "hornets"), corrected=True)])

    assert await store.rows_true_at(at(NOW)) == (tagged.row_id,)
    assert await contents(store, at(NOW)) == ["bees"]
    assert await contents(store, at(NOW + 4 * DAY)) == ["born in June", "hornets"]


async def test_news_of_an_earlier_time_that_arrives_late_finds_its_place(
    store: Store,
) -> None:
    note = make_note("works at A")
    await add(store, note)
    second = await become(store, note, "works at C", true_from=NOW + 10 * DAY, told=LATER)
    await become(store, second, "works at B", true_from=NOW + 5 * DAY, told=LATER + TICK)

    assert [await contents(store, at(NOW + day * DAY)) for day in (0, 4, 5, 12)] == [
        ["works at A"],
        ["works at A"],
        ["works at B"],
        ["works at B"],
    ]
    assert await contents(store, at(NOW + 12 * DAY, known=LATER)) == ["works at C"]


async def test_a_past_revision_that_had_expired_is_not_brought_back(store: Store) -> None:
    note = replace(make_note("visits"), valid_until=NOW + 2 * DAY)
    await add(store, note)
    await become(
        store, replace(note, valid_until=None), "stays", true_from=NOW + 5 * DAY, told=LATER
    )

    assert await contents(store, at(NOW + DAY)) == ["visits"]
    assert await contents(store, at(NOW + 2 * DAY)) == []


async def test_the_state_known_at_the_moment_decides_and_the_other_conditions_hold(
    store: Store,
) -> None:
    note = replace(make_note("lives in Rome"), tags=("home",), subject="Ana")
    await add(store, note)
    moved = await become(store, note, "lives in Oslo", true_from=NOW + 5 * DAY, told=LATER)
    forgotten = replace(moved, rev=3, state=State.FORGOTTEN, tags=(), known_from=LATER + DAY)
    await store.write(changes=[Change(note=forgotten)])
    then = at(NOW + DAY, known=LATER)

    assert await store.rows_true_at(at(NOW + DAY)) == ()
    assert await store.rows_true_at(replace(at(NOW + DAY), states=())) == (note.row_id,)
    assert await store.rows_true_at(then) == (note.row_id,)
    assert await store.rows_true_at(replace(then, namespaces=("work",))) == ()
    assert await store.rows_true_at(replace(then, note_ids=("x",))) == ()
    assert await store.rows_true_at(replace(then, note_ids=(note.note_id,), tags=("x",))) == (
        note.row_id,
    )
    shown = replace(then, past=(note.row_id,))
    assert await ids(store, replace(shown, tags=("home",), subject="ana")) == [note.note_id]
    for missed in (
        replace(shown, tags=("x",)),
        replace(shown, subject="Bo"),
        replace(shown, note_ids=("x",)),
        replace(shown, since=NOW + 9 * DAY),
        replace(shown, unembedded=True, stage_from=1),
    ):
        assert await ids(store, missed) == []
    assert await store.outlines(shown, limit=9)
    assert (await store.facets(shown)).tags == {"home": 1}


async def test_what_a_note_was_before_it_moved_is_found_where_it_is_now(store: Store) -> None:
    note = make_note("lives in Rome", namespace="bees")
    await store.write(new=[NewNote(note=note, vectors=unit(X))])
    oslo = await become(store, note, "lives in Oslo", true_from=NOW + 5 * DAY, told=LATER)
    moved = replace(oslo, rev=3, namespace="hives", known_from=LATER + DAY)
    await store.write(changes=[Change(note=moved)])
    hives, bees = (replace(at(NOW + DAY), namespaces=(name,)) for name in ("hives", "bees"))

    assert await contents(store, hives) == ["lives in Rome"]
    assert await contents(store, replace(hives, known_at=LATER)) == []
    assert await contents(store, bees) == []
    assert await contents(store, replace(bees, known_at=LATER)) == ["lives in Rome"]
    seen = replace(hives, past=await store.rows_true_at(hives))
    assert [hit.note_id for hit in await store.match_text("rome", seen, limit=9)] == [note.note_id]
    assert [h.note_id for h in await store.match_vectors(unit(X)[0], seen, limit=9)] == [
        note.note_id
    ]


async def test_every_arm_finds_a_past_revision(store: Store) -> None:
    note = make_note("purple heron")
    await store.write(new=[NewNote(note=note, vectors=unit(X))])
    following = replace(note, rev=2, content="grey goose", valid_from=LATER, known_from=LATER)
    await store.write(changes=[Change(note=following, vectors=unit(Y), ended_at=LATER)])
    where = at(NOW)
    where = replace(where, past=await store.rows_true_at(where))

    assert [hit.note_id for hit in await store.match_text("heron", where, limit=9)] == [
        note.note_id
    ]
    assert await store.match_text("goose", where, limit=9) == []
    (hit,) = await store.match_vectors(unit(X)[0], where, limit=9)
    assert hit.score == pytest.approx(1.0)


@pytest.mark.slow
async def test_a_look_back_copes_with_thousands_of_past_revisions(store: Store) -> None:
    notes = [make_note(f"note {number}") for number in range(2000)]
    await add(store, *notes)
    await store.write(
        changes=[
            Change(
                note=replace(note, rev=2, content="new", valid_from=LATER, known_from=LATER),
                ended_at=LATER,
            )
            for note in notes
        ]
    )

    where = at(NOW)
    past = await store.rows_true_at(where)

    assert past == tuple(sorted(note.row_id for note in notes))
    assert await store.count(replace(where, past=past)) == 2000
    assert await store.count(replace(where, past=past[:7])) == 7


async def test_links_are_found_as_they_were_known(store: Store) -> None:
    goal, note = make_note("goal"), make_note("start")
    await add(store, goal, note)
    link = Link(to=goal.note_id, relation="similar", made_at=LATER)
    linked = replace(note, rev=2, links=(link,), known_from=LATER)
    ended = replace(
        linked, rev=3, links=(replace(link, valid_until=LATER + DAY),), known_from=LATER + DAY
    )
    without = replace(ended, rev=4, links=(), known_from=LATER + 2 * DAY)
    for revision in (linked, ended, without):
        await store.write(changes=[Change(note=revision)])

    async def linking(known: datetime | None) -> list[int]:
        found = await store.linking_to([goal.note_id, "x"], known_at=known)
        return [each.rev for each in found]

    assert await linking(None) == []
    assert [await linking(LATER + day * DAY) for day in (-1, 0, 1, 2)] == [[], [2], [3], []]
    assert await store.linking_to([], known_at=LATER) == []


async def test_the_revisions_of_a_run_are_found_wherever_they_are(store: Store) -> None:
    first, second = make_note("a"), make_note("b")
    made = replace(make_note("c"), run_id="it's run 1")
    await add(store, second, first, made)
    by_run = [
        Change(note=replace(note, rev=2, run_id="it's run 1", tags=("x",), known_from=LATER))
        for note in (second, first)
    ]
    await store.write(changes=by_run)
    await store.write(
        changes=[Change(note=replace(first, rev=3, run_id="run 2", known_from=LATER + DAY))]
    )

    found = await store.revisions_of_run("it's run 1")

    expected = [(first.note_id, 2), (second.note_id, 2), (made.note_id, 1)]
    assert [(note.note_id, note.rev) for note in found] == sorted(expected)
    assert {note.current for note in found if note.note_id == first.note_id} == {False}
    assert [note.rev for note in await store.revisions_of_run("run 2")] == [3]
    assert await store.revisions_of_run("run 3") == []
    assert await store.revisions_of_run("") == []


async def test_the_passages_of_any_revision_can_be_had(store: Store) -> None:
    note, waiting = make_note("a"), make_note("b")
    await store.write(new=[NewNote(note=note, vectors=unit(X)), NewNote(note=waiting)])
    await store.write(
        changes=[replace(revised(note, "c"), vectors=unit(Y, Z)), revised(waiting, "d")]
    )

    rows = [f"{note.note_id}@{rev}" for rev in (1, 2, 3)] + [waiting.row_id, "x"]
    found = await store.passages_at(rows)

    assert {row: vectors.tolist() for row, vectors in found.items()} == {
        rows[0]: unit(X).tolist(),
        rows[1]: unit(Y, Z).tolist(),
    }
    assert await store.passages_at([]) == {}


async def test_after_a_clock_was_set_back_time_goes_on_in_order(store: Store) -> None:
    assert await store.latest() is None
    note = make_note("0", now=LATER)
    await add(store, note)
    for number in range(1, 4):
        (now,) = await store.get([note.note_id])
        await store.write(changes=[revised(now, str(number), now=NOW - number * DAY)])
    await add(store, make_note("told by the late clock", now=NOW))

    rows = await store.revisions(note.note_id)
    assert [row.known_from for row in rows] == [LATER + n * TICK for n in range(4)]
    assert [row.known_to for row in rows] == [LATER + n * TICK for n in (1, 2, 3)] + [None]
    assert await store.latest() == LATER + 3 * TICK
    assert await store.count(replace(EVERYTHING, known_at=NOW)) == 1
    assert await store.count(replace(EVERYTHING, known_at=await store.latest())) == 2


async def test_links_to_notes_that_are_not_there_are_taken_out(store: Store) -> None:
    kept, forgotten = make_note("kept"), replace(make_note("gone"), state=State.FORGOTTEN)
    links = [
        Link(to=to, relation="similar", made_at=NOW)
        for to in (kept.note_id, "nowhere", forgotten.note_id, "elsewhere")
    ]
    damaged = replace(make_note("damaged"), links=tuple(links), run_id="run", changed_by="agent")
    await store.write(
        new=[
            NewNote(note=kept),
            NewNote(note=forgotten),
            NewNote(note=damaged, vectors=unit(X)),
        ]
    )

    assert await store.heal(now=LATER) == {"dangling_links": 2}

    (healed,) = await store.get([damaged.note_id])
    assert healed.links == (links[0], links[2])
    assert (healed.rev, healed.change, healed.changed_by) == (2, "heal", "zettel")
    assert (healed.run_id, healed.known_from) == ("", LATER)
    assert (await store.passages_of([damaged.note_id]))[damaged.note_id].tolist() == [list(X)]
    assert await store.heal(now=LATER) == {}
    assert [row.rev for row in await store.revisions(damaged.note_id)] == [1, 2]
