"""What a view has read is not read again, and answers as a read without it would."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from tests.storage.samples import LATER, NOW, X, Y, make_note, revised, unit

from zettel.storage.lance import counts, reads, search
from zettel.storage.lance.cache import note_cache, resident
from zettel.storage.lance.store import LanceStore
from zettel.storage.lance.table import LanceTable
from zettel.storage.notes import EVOLUTION, Link, Note, Origin
from zettel.storage.read_view import read_view
from zettel.storage.store import NewNote, NoteFilter

HITS = 5
WHERE = NoteFilter(namespaces=("home",), unexpired_at=NOW)


@pytest.fixture(autouse=True)
def on_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep no note in memory."""
    monkeypatch.setattr(note_cache, "CACHE_MAX_ROWS", 0)
    monkeypatch.setattr(reads, "CACHE_MAX_ROWS", 0)
    monkeypatch.setattr(counts, "CACHE_MAX_ROWS", 0)
    monkeypatch.setattr(resident, "NAMESPACE_MAX_ROWS", 0)
    monkeypatch.setattr(search, "NAMESPACE_MAX_ROWS", 0)


async def told(store: LanceStore) -> list[Note]:
    """Notes of two namespaces, one with a link to another and one with a second revision."""
    notes = [
        make_note(content=f"bees {number}", namespace="work" if number == 3 else "home")
        for number in range(2 * HITS)
    ]
    to = notes[0].note_id
    notes[1] = replace(notes[1], links=(Link(to=to, relation="about", made_at=NOW),))
    turns = [unit(X if number % 2 else Y) for number in range(len(notes))]
    entries = zip(notes, turns, strict=True)
    await store.write(new=[NewNote(note=note, vectors=vectors) for note, vectors in entries])
    await store.write(changes=[revised(notes[2], "bees sting")])
    return notes


async def test_hits_in_a_view_have_the_outlines_notes_and_links_that_they_have_without_one(
    lance: LanceStore,
) -> None:
    notes = await told(lance)

    async def answers() -> list[object]:
        hits = await lance.match_text("bees", WHERE, limit=HITS)
        near = await lance.match_vectors(unit(X)[0], WHERE, limit=HITS)
        ids = tuple(dict.fromkeys(hit.note_id for hit in (*hits, *near)))
        more = (*ids, *(note.note_id for note in notes), "missing")
        return [
            hits,
            near,
            await lance.outlines(replace(WHERE, note_ids=ids), limit=99),
            await lance.outlines(replace(WHERE, note_ids=more), limit=3),
            await lance.outlines(replace(WHERE, note_ids=more, tags=("none",)), limit=99),
            await lance.get(ids[::-1]),
            await lance.get(more),
            await lance.linking_to(ids),
            await lance.linking_to(ids[:1], relations=("about",)),
            await lance.linking_to(more),
        ]

    apart = await answers()
    with read_view():
        together = await answers()

    assert together == apart
    assert all(apart[:4])


async def test_what_a_view_read_with_hits_is_not_looked_for_again(
    lance: LanceStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    await told(lance)

    async def looked_for(table: LanceTable, columns: Sequence[str], **given: object) -> None:
        pytest.fail(f"{table.spec.name} was searched for {columns} by {given}")

    with read_view():
        hits = await lance.match_text("bees", WHERE, limit=HITS)
        ids = tuple(hit.note_id for hit in hits)
        await lance.linking_to(ids)
        monkeypatch.setattr(LanceTable, "select", looked_for)

        assert len(await lance.outlines(replace(WHERE, note_ids=ids), limit=99)) == HITS
        assert [note.note_id for note in await lance.get(ids)] == list(ids)
        await lance.linking_to(ids[1:], relations=("about",))


async def test_a_new_view_sees_what_was_written_since(lance: LanceStore) -> None:
    note = make_note(content="bees")
    await lance.write(new=[NewNote(note=note)])
    where = replace(WHERE, note_ids=(note.note_id,))
    with read_view():
        await lance.match_text("bees", WHERE, limit=HITS)
        (before,) = await lance.get([note.note_id])
        await lance.write(changes=[revised(before, "bees sting")])
        within = await lance.outlines(where, limit=9)

    with read_view():
        await lance.match_text("bees", WHERE, limit=HITS)
        after = await lance.outlines(where, limit=9)
        (last,) = await lance.get([note.note_id])

    assert [outline.content for outline in (*within, *after)] == ["bees", "bees sting"]
    assert last.content == "bees sting"


async def test_a_note_that_has_ended_or_was_composed_is_not_found_whether_others_are_so_or_not(
    lance: LanceStore,
) -> None:
    plain, other = make_note("bees dance"), make_note("bees hum", namespace="work")
    ended = replace(make_note("bees dance on"), valid_until=NOW)
    lasting = replace(make_note("bees dance well"), valid_until=LATER)
    composed = replace(
        make_note("bees dance often"), origin=Origin(client="zettel", transport=EVOLUTION)
    )

    async def found(where: NoteFilter) -> tuple[set[str], ...]:
        with read_view():
            text = await lance.match_text("bees", where, limit=9)
            near = await lance.match_vectors(unit(X)[0], where, limit=9)
            told = await lance.outlines(where, limit=9)
        return tuple({one.note_id for one in arm} for arm in (text, near, told))

    async def write(note: Note) -> None:
        await lance.write(new=[NewNote(note=note, vectors=unit(X))])

    both = NoteFilter(unexpired_at=NOW, derived=None)
    passing = {plain.note_id}
    await write(plain)
    await write(other)
    for note in (ended, lasting, composed):
        assert await found(WHERE) == (passing,) * 3
        await write(note)
        passing |= {lasting.note_id} if note is lasting else set()
    assert await found(WHERE) == (passing,) * 3
    assert await found(both) == ({*passing, composed.note_id, other.note_id},) * 3
