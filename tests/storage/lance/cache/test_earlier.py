"""A reader that began before a write goes on in memory and reads what was there then."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from random import Random

import pytest
from lancedb import AsyncTable
from tests.storage.samples import (
    EVERYTHING,
    LATER,
    MODEL,
    NOW,
    X,
    Y,
    Z,
    add,
    make_note,
    revised,
    unit,
)

from zettel.storage.erasable import Order
from zettel.storage.ids import new_id
from zettel.storage.lance import reads
from zettel.storage.lance.cache import earlier, note_cache
from zettel.storage.lance.cache.text_index import Frequencies
from zettel.storage.lance.store import LanceStore
from zettel.storage.lance.table import LanceTable, Tables
from zettel.storage.notes import Link, Note, State
from zettel.storage.read_view import outside_views, read_view
from zettel.storage.store import Change, NewNote, NoteFilter

VECTORS = [unit(X), unit(Y), unit(Z), unit(X, Y)]
FILTERS = [
    NoteFilter(),
    EVERYTHING,
    NoteFilter(sessions=("one",)),
    NoteFilter(namespaces=("away",), states=()),
    NoteFilter(known_at=NOW + timedelta(minutes=4), states=(), derived=None),
    NoteFilter(until=NOW + timedelta(days=2)),
]


class Writer:
    """Writes something else each time: new notes, changed, embedded, marked and forgotten ones."""

    def __init__(self, store: LanceStore, random: Random) -> None:
        self.store, self.random, self.written = store, random, 0

    async def write(self) -> None:
        """Commit once more, or nothing where it finds nothing to do."""
        self.written += 1
        there = await self.store.find(EVERYTHING, limit=50)
        kinds = [self._tell, self._change, self._embed, self._mark]
        await (self.random.choice(kinds) if there else self._tell)(there)

    async def _tell(self, there: list[Note]) -> None:
        random, at = self.random, NOW + timedelta(minutes=self.written)
        told = [
            replace(
                make_note(f"bee {self.written}", now=at, namespace=random.choice(("home", "away"))),
                happened_at=at + timedelta(days=random.randrange(4)),
                session=random.choice(("", "one", "two")),
                links=tuple(Link(to=n.note_id, relation="similar", made_at=at) for n in there[:2]),
            )
            for _ in range(random.randint(1, 3))
        ]
        vectors = [random.choice([None, *VECTORS]) for _ in told]
        pairs = zip(told, vectors, strict=True)
        await self.store.write(new=[NewNote(note=n, vectors=v) for n, v in pairs])

    async def _change(self, there: list[Note]) -> None:
        random, at = self.random, NOW + timedelta(minutes=self.written)
        changed = random.sample(there, min(2, len(there)))
        states = (State.ACTIVE, State.FORGOTTEN)
        await self.store.write(
            changes=[
                Change(
                    note=replace(
                        note,
                        rev=note.rev + 1,
                        content=f"wasp {self.written}",
                        state=random.choice(states),
                        session=random.choice(("one", "two")),
                        known_from=at,
                    ),
                    vectors=random.choice([None, *VECTORS]),
                )
                for note in changed
            ]
        )

    async def _embed(self, there: list[Note]) -> None:
        waiting = [(note, unit(Z)) for note in there if not note.embed_model]
        await self.store.embed(waiting, model=MODEL)

    async def _mark(self, there: list[Note]) -> None:
        await self.store.mark(there[:2], stage=self.written)


def told(tables: Tables, version: int, note_ids: list[str]) -> list[object]:
    """All that the notes in memory say of a version."""
    memory, answers = tables.resident, list[object]()
    named = NoteFilter(note_ids=tuple(note_ids), states=(), derived=None)
    for where in FILTERS:
        answers += [memory.find(version, where, limit=4, offset=offset) for offset in (0, 2)]
        answers.append(memory.outlines(version, where))
        answers.append(memory.count(version, where))
        answers.append(memory.nearest(version, unit(Y)[0], where, limit=5))
        answers.append(memory.passing(version, where, [f"{i}@1" for i in note_ids]))
    rows = memory.rows_of(version, named)
    assert rows is not None
    pairs = [(r.note, None if r.vectors is None else r.vectors.tolist()) for r in rows]
    answers.append(sorted(pairs, key=lambda pair: pair[0].row_id))
    answers.append(memory.linking_to(version, note_ids, None))
    answers.append(memory.linking_to(version, note_ids, LATER))
    return answers


@pytest.mark.parametrize("loaded", [False, True])
@pytest.mark.parametrize("seed", range(6))
async def test_every_version_is_answered_as_it_was_when_it_was_the_newest(
    tables: Tables, seed: int, loaded: bool
) -> None:
    store = LanceStore(tables)
    writer = Writer(store, Random(seed))
    if loaded:
        for _ in range(6):
            await writer.write()
        tables.resident.drop()
        await reads.keep_resident(tables)
    then = dict[int, tuple[list[str], list[object]]]()
    await writer.write()
    for _ in range(24):
        version = await tables.notes.version()
        ids = [note.note_id for note in await store.find(EVERYTHING, limit=50)]
        then[version] = (ids, told(tables, version, ids))
        await writer.write()

    assert len(then) >= 8
    for version, (ids, answers) in then.items():
        for before, now in zip(answers, told(tables, version, ids), strict=True):
            assert now == before


def scored(tables: Tables, namespace: str, version: int) -> dict[str, float]:
    """Row id -> score of the words of a namespace at a version."""
    known = tables.texts.at(namespace, version)
    assert known is not None
    terms, pending = known
    return Frequencies([terms.with_rows(pending)]).score("bee wasp 7").best(99)


@pytest.mark.parametrize("seed", range(6))
async def test_words_are_scored_as_they_were_when_each_version_was_the_newest(
    tables: Tables, seed: int
) -> None:
    store, random = LanceStore(tables), Random(seed)
    writer, then = Writer(store, random), dict[int, dict[str, float]]()
    await add(store, make_note("bee 7"))
    await store.match_text("bee", NoteFilter(), limit=9, counted=("home",))
    for _ in range(24):
        await writer.write()
        version = await tables.notes.version()
        then[version] = scored(tables, "home", version)
        earlier_one = random.choice(list(then))
        assert scored(tables, "home", earlier_one) == then[earlier_one]
        if random.randrange(3) == 0:
            await store.match_text("bee", NoteFilter(), limit=9, counted=("home",))

    tables.texts.clear()
    await store.match_text("bee", NoteFilter(), limit=9, counted=("home",))
    newest = await tables.notes.version()
    assert scored(tables, "home", newest) == pytest.approx(then[newest])


async def test_a_view_that_others_write_beside_reads_nothing_from_the_disk(
    tables: Tables, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, first = LanceStore(tables), make_note("first")
    await store.write(new=[NewNote(note=first, vectors=unit(X))])
    read, read_from_disk = LanceTable.read, list[str]()

    async def counted(
        table: LanceTable, fetch: Callable[[AsyncTable], Awaitable[object]]
    ) -> object:
        read_from_disk.append(fetch.__qualname__)
        return await read(table, fetch)

    with read_view():
        assert await store.count(EVERYTHING) == 1
        with outside_views():
            await store.write(new=[NewNote(note=make_note("second"), vectors=unit(X))])
            changed = replace(first, rev=2, content="changed", known_from=LATER)
            await store.write(changes=[Change(note=changed)])
        monkeypatch.setattr(LanceTable, "read", counted)

        assert [note.content for note in await store.find(EVERYTHING, limit=9)] == ["first"]
        (near,) = await store.nearest(unit(X)[0], EVERYTHING, limit=9)
        assert near.outline.content == "first"
        assert await store.count(EVERYTHING) == 1

    assert read_from_disk == []
    assert await store.count(EVERYTHING) == 2


async def test_versions_are_remembered_up_to_a_number_of_commits(
    tables: Tables, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(earlier, "EARLIER_MAX_COMMITS", 3)
    store, versions = LanceStore(tables), list[int]()
    for number in range(5):
        await add(store, make_note(f"bee {number}"))
        versions.append(await store.version())

    counts = [tables.resident.count(version, EVERYTHING) for version in versions]

    assert counts == [None, 2, 3, 4, 5]


async def test_a_commit_that_replaces_too_many_rows_ends_what_is_remembered(
    tables: Tables, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (earlier, note_cache):
        monkeypatch.setattr(module, "EARLIER_MAX_ROWS", 2)
    store, notes = LanceStore(tables), [make_note(f"bee {number}") for number in range(3)]
    await add(store, *notes)
    version = await store.version()
    await add(store, make_note("wasp"))
    assert tables.resident.answers(version)

    await store.write(changes=[revised(note, "wasp") for note in notes])

    assert not tables.resident.answers(version)
    assert tables.resident.answers(await store.version())


@pytest.mark.parametrize("number", [1, 2, 3])
async def test_the_oldest_version_goes_when_too_many_rows_were_replaced_since(
    tables: Tables, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    for module in (earlier, note_cache):
        monkeypatch.setattr(module, "EARLIER_MAX_ROWS", 2)
    store, note = LanceStore(tables), make_note("bee")
    await add(store, note)
    version = await store.version()
    for _ in range(number):
        await store.write(changes=[revised((await store.get([note.note_id]))[0], "wasp")])

    assert tables.resident.answers(version) is (number <= 2)


async def test_the_newest_moment_of_an_earlier_version_is_not_told(tables: Tables) -> None:
    store = LanceStore(tables)
    await add(store, make_note("bee"))
    version = await store.version()
    await add(store, make_note("wasp", now=LATER))

    assert tables.resident.latest(version, ("home",)) is None
    assert tables.resident.latest(await store.version(), ("home",)) == LATER


async def test_nothing_of_an_erased_note_is_remembered(tables: Tables) -> None:
    store, note = LanceStore(tables), make_note("secret")
    await add(store, note)
    version = await store.version()
    await store.write(changes=[revised(note, "other words")])
    assert tables.resident.answers(version)

    order = Order(
        receipt_id=new_id(LATER),
        note_ids=(note.note_id,),
        scope="notes",
        who="test",
        ordered_at=LATER,
        waits=0,
    )
    await store.erase_rows([order], clock=lambda: LATER)

    assert not tables.resident.answers(version)


async def test_what_maintenance_moves_leaves_earlier_versions_as_they_were(tables: Tables) -> None:
    store, note = LanceStore(tables), make_note("bee")
    await add(store, note)
    version = await store.version()
    await add(store, make_note("wasp"))
    newest = await store.version()

    assert await store.upkeep()
    await store.count(EVERYTHING)

    assert tables.resident.count(version, EVERYTHING) == 1
    assert tables.resident.count(newest, EVERYTHING) == 2
    assert newest < await store.version()
    assert tables.resident.count(await store.version(), EVERYTHING) == 2
