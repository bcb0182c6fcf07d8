"""What every store lets through, in which order: `NoteFilter`, `find`, `outlines`, `facets`."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from tests.storage.samples import (
    DAY,
    EVERYTHING,
    FULL,
    LATER,
    NOW,
    TICK,
    X,
    add,
    ids,
    make_note,
    revised,
    unit,
)

from zettel.storage.notes import EVOLUTION, MAY_SUPERSEDE, Kind, Link, Origin, State, fold_hash
from zettel.storage.store import NewNote, NoteFilter, Store

FILTERS: dict[str, tuple[NoteFilter, str]] = {
    "namespace": (NoteFilter(namespaces=("home", "work")), "abcd"),
    "one namespace": (NoteFilter(namespaces=("work",)), "d"),
    "other namespaces": (NoteFilter(namespaces_not=("home", "strange'")), "d"),
    "namespaces but one": (
        NoteFilter(namespaces=("home", "work"), namespaces_not=("work",)),
        "abc",
    ),
    "fold hash": (NoteFilter(fold_hash=fold_hash("  NOTE\na ")), "a"),
    "subject": (NoteFilter(subject="ANA Ś"), "ab"),
    "words": (NoteFilter(says="OTE B"), "b"),
    "words in two fields": (NoteFilter(says="note a", subject="Ana ś"), "a"),
    "tags": (NoteFilter(tags=("red", "blue")), "abc"),
    "one tag": (NoteFilter(tags=("blue",)), "bc"),
    "left open": (NoteFilter(tags=("needs-review",)), "d"),
    "left open or tagged": (NoteFilter(tags=("needs-review", "red")), "abd"),
    "part of a tag": (NoteFilter(tags=("blu",)), ""),
    "kinds": (NoteFilter(kinds=(Kind.CORE, Kind.WORKING)), "bc"),
    "sessions": (NoteFilter(sessions=("s1", "s2")), "ab"),
    "states": (NoteFilter(states=(State.FORGOTTEN,)), "e"),
    "any state": (NoteFilter(states=()), "abcde"),
    "stage": (NoteFilter(stage_below=1), "abd"),
    "later stage": (NoteFilter(stage_from=1), "c"),
    "unembedded": (NoteFilter(unembedded=True), "bcd"),
    "all at once": (NoteFilter(tags=("blue",), subject="ana ś", stage_below=5), "b"),
    "valid": (NoteFilter(valid_at=NOW + DAY), "abc"),
    "valid at its end": (NoteFilter(valid_at=NOW + 2 * DAY), "bc"),
    "valid before it began": (NoteFilter(valid_at=NOW - TICK), ""),
    "unexpired": (NoteFilter(unexpired_at=NOW + DAY), "abcd"),
    "unexpired at its end": (NoteFilter(unexpired_at=NOW + 2 * DAY), "bcd"),
    "unexpired before it began": (NoteFilter(unexpired_at=NOW - TICK), "abcd"),
    "ended": (NoteFilter(ended_at=NOW + 2 * DAY), "a"),
    "ended before its end": (NoteFilter(ended_at=NOW + 2 * DAY - TICK), ""),
    "composed": (NoteFilter(derived=True), "f"),
    "told or composed": (NoteFilter(derived=None), "abcdf"),
}


@pytest.mark.parametrize(("where", "expected"), FILTERS.values(), ids=FILTERS.keys())
async def test_each_filter_lets_through_what_it_names(
    store: Store, where: NoteFilter, expected: str
) -> None:
    a = replace(
        make_note("note a"), subject="Ana ś", tags=("red",), session="s1",
        valid_until=NOW + 2 * DAY,
    )  # fmt: skip
    b = replace(
        make_note("note b"), subject="aNA Ś", tags=("red", "blue"), session="s2", kind=Kind.CORE
    )
    c = replace(make_note("note c"), tags=("blue",), kind=Kind.WORKING, stage=2)
    guess = Link(to=a.note_id, relation=MAY_SUPERSEDE, made_by="rule", made_at=NOW)
    d = replace(make_note("note d", namespace="work"), valid_from=NOW + 3 * DAY, links=(guess,))
    c = replace(c, links=(replace(guess, valid_until=NOW),))
    e = replace(make_note("note e", namespace="other"), state=State.FORGOTTEN, stage=9)
    await store.write(new=[NewNote(note=a, vectors=unit(X))])
    f = replace(make_note("note f"), tags=("blue",), origin=Origin(transport=EVOLUTION))
    await add(store, b, c, d, e, f)
    names = {note.note_id: note.content[-1] for note in (a, b, c, d, e, f)}

    assert sorted(names[note_id] for note_id in await ids(store, where)) == list(expected)


async def test_since_and_until_match_when_it_happened_or_when_it_was_told(
    store: Store,
) -> None:
    told_now_of_old = replace(make_note("old story"), happened_at=NOW - 9 * DAY)
    planned = replace(make_note("a plan", now=NOW - 5 * DAY), happened_at=NOW + DAY)
    await add(store, told_now_of_old, planned)
    old, plan = told_now_of_old.note_id, planned.note_id

    def between(since: datetime | None, until: datetime | None) -> NoteFilter:
        return NoteFilter(since=since, until=until)

    assert await ids(store, between(NOW - 9 * DAY, NOW - 9 * DAY)) == [old]
    assert await ids(store, between(NOW, NOW)) == [old]
    assert await ids(store, between(NOW - 5 * DAY, NOW - 5 * DAY)) == [plan]
    assert await ids(store, between(NOW + TICK, None)) == [plan, old]
    assert await ids(store, between(NOW + DAY, None)) == [plan]
    assert await ids(store, between(None, NOW - 9 * DAY)) == [old]
    assert await ids(store, between(NOW - 4 * DAY, NOW - DAY)) == []
    assert await ids(store, between(datetime.min.replace(tzinfo=UTC), None)) == [plan, old]
    assert await ids(store, between(None, datetime.max.replace(tzinfo=UTC))) == [plan, old]


async def test_known_at_shows_the_revisions_of_that_time(store: Store) -> None:
    note, other = make_note("first words"), make_note("told later", now=LATER + DAY)
    await add(store, note)
    await store.write(changes=[revised(note, "second words")])
    await add(store, other)

    async def known(at: datetime) -> list[str]:
        found = await store.find(NoteFilter(known_at=at), limit=10)
        assert await store.count(NoteFilter(known_at=at)) == len(found)
        return [row.content for row in found]

    assert await known(NOW - TICK) == []
    assert await known(NOW) == ["first words"]
    assert await known(LATER - TICK) == ["first words"]
    assert await known(LATER) == ["second words"]
    assert await known(LATER + DAY) == ["told later", "second words"]
    hits = await store.match_text("first", NoteFilter(known_at=NOW), limit=5)
    assert [hit.note_id for hit in hits] == [note.note_id]
    assert await store.match_text("first", NoteFilter(), limit=5) == []


async def test_find_is_newest_first_and_pages_neither_overlap_nor_miss(store: Store) -> None:
    hours = (3, 1, 2, 1, 3)
    notes = [
        replace(make_note(str(n)), happened_at=NOW + timedelta(hours=hour))
        for n, hour in enumerate(hours)
    ]
    await add(store, *notes[:2])
    await add(store, *notes[2:])

    pages = [await store.find(NoteFilter(), limit=2, offset=offset) for offset in (0, 2, 4, 6)]

    assert [[note.content for note in page] for page in pages] == [
        ["4", "0"],
        ["2", "3"],
        ["1"],
        [],
    ]
    assert await store.find(NoteFilter(), limit=0) == []
    outlines = await store.outlines(NoteFilter(), limit=4)
    assert [outline.content for outline in outlines] == ["1", "3", "2", "0"]


async def test_an_outline_carries_what_ranking_needs(store: Store) -> None:
    await add(store, FULL)

    (outline,) = await store.outlines(EVERYTHING, limit=9)

    assert outline.principal == FULL.origin.principal
    assert FULL.origin.principal and FULL.source
    for name in set(outline.__slots__) - {"principal"}:
        assert getattr(outline, name) == getattr(FULL, name)


async def test_facets_count_current_notes_of_the_filter(store: Store) -> None:
    note = replace(make_note(), subject="Ana", tags=("a", "b"))
    await add(
        store,
        note,
        replace(make_note(), tags=("b",)),
        replace(make_note(namespace="work"), subject="Ana"),
        replace(make_note(), subject="Bo", state=State.FORGOTTEN),
    )
    await store.write(changes=[revised(note, "again")])

    facets = await store.facets(NoteFilter())

    assert facets.subjects == {"Ana": 2}
    assert facets.tags == {"a": 1, "b": 2}
    assert facets.namespaces == {"home": 2, "work": 1}
    assert (await store.facets(NoteFilter(namespaces=("work",)))).tags == {}
