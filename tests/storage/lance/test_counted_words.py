"""When the words of a scope are counted in memory, what is kept of them, and for how long."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from tests.storage.samples import DIM, LATER, MODEL, NOW, add, make_note, revised

from zettel.storage.erasable import Order
from zettel.storage.lance import namespace_search, reads, search
from zettel.storage.lance.cache import text_index
from zettel.storage.lance.store import LanceStore, open_store
from zettel.storage.lance.table import Tables
from zettel.storage.notes import Hit, Note
from zettel.storage.read_view import outside_views, read_view
from zettel.storage.store import NoteFilter

HOME, AWAY = (NoteFilter(namespaces=(name,)) for name in ("home", "away"))


@pytest.fixture
async def store(tmp_path: Path) -> AsyncGenerator[LanceStore]:
    """An empty store, its notes in memory."""
    opened = await open_store(str(tmp_path / "store"), model_id=MODEL, dim=DIM)
    await reads.keep_resident(opened.tables)
    yield opened
    await opened.close()


@pytest.fixture
async def other(store: LanceStore) -> AsyncGenerator[LanceStore]:
    """The same store as another process has it."""
    opened = await open_store(store.place, model_id=MODEL, dim=DIM)
    yield opened
    await opened.close()


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[Sequence[str]]:
    """The namespaces of each search that was not left to LanceDB."""
    searched, match = list[Sequence[str]](), search.match_namespaces

    async def spy(
        tables: Tables, query: str, where: NoteFilter, namespaces: Sequence[str], *, limit: int
    ) -> list[Hit]:
        searched.append(namespaces)
        return await match(tables, query, where, namespaces, limit=limit)

    monkeypatch.setattr(search, "match_namespaces", spy)
    return searched


class Readings:
    """Whose words are read from the table, and what happens after the first time."""

    def __init__(self) -> None:
        self.namespaces = list[str]()
        self.then: Callable[[], Awaitable[object]] | None = None


@pytest.fixture
def readings(monkeypatch: pytest.MonkeyPatch) -> Readings:
    """Watches what is read of namespaces to count their words."""
    watched, read = Readings(), namespace_search._read  # pyright: ignore[reportPrivateUsage]

    async def spy(tables: Tables, namespace: str) -> text_index.NamespaceTerms:
        terms = await read(tables, namespace)
        watched.namespaces.append(namespace)
        if watched.then and len(watched.namespaces) == 1:
            with outside_views():
                await watched.then()
        return terms

    monkeypatch.setattr(namespace_search, "_read", spy)
    return watched


async def found(store: LanceStore, query: str, where: NoteFilter = HOME) -> set[str]:
    return {hit.note_id for hit in await store.match_text(query, where, limit=99)}


async def erase(store: LanceStore, note: Note) -> None:
    order = Order(
        receipt_id="erase-1",
        scope="notes",
        who="test",
        ordered_at=NOW,
        note_ids=(note.note_id,),
        waits=4,
    )
    await store.erase_rows([order], clock=lambda: LATER)


def words_kept(store: LanceStore, namespace: str = "home") -> set[str]:
    known = store.tables.texts.outdated(namespace)
    return {word for segment in known.segments for word in segment.numbers} if known else set()


async def test_a_scope_in_memory_is_searched_there_alone(
    store: LanceStore, counted: list[Sequence[str]]
) -> None:
    bees, wasps = make_note("bees"), make_note("wasps")
    await add(store, bees, wasps, make_note("bees", namespace="away"))

    assert await found(store, "bees") == {bees.note_id}
    assert await found(store, "drones") == set()
    await store.write(changes=[revised(wasps, "bees too")])
    assert await found(store, "bees") == {bees.note_id, wasps.note_id}

    assert counted == [("home",)] * 3
    assert store.tables.texts.outdated("away") is None


async def test_whether_notes_are_in_memory_changes_no_score(
    store: LanceStore, other: LanceStore, counted: list[Sequence[str]]
) -> None:
    note = make_note("bees dance")
    await add(store, note, make_note("bees " * 9, namespace="away"))
    await store.write(changes=[revised(note, "bees sting")])
    in_memory = await store.match_text("bees", HOME, limit=9)
    from_disk = await other.match_text("bees", HOME, limit=9)
    await add(other, make_note("bees at last"))

    assert from_disk == in_memory
    assert await store.match_text("bees", HOME, limit=9) == await other.match_text(
        "bees", HOME, limit=9
    )
    assert counted == [("home",)] * 4


async def test_a_scope_of_many_revisions_is_left_to_lancedb(
    store: LanceStore,
    other: LanceStore,
    counted: list[Sequence[str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for module in (search, namespace_search):
        monkeypatch.setattr(module, "COUNTED_MAX_ROWS", 3)
    notes = [make_note(f"bees {n}") for n in range(3)]
    await add(store, *notes, make_note("bees", namespace="away"))
    for one in (store, other):
        assert len(await found(one, "bees")) == 3
    assert counted == [("home",)] * 2

    await store.write(changes=[revised(notes[0], "bees sting")])
    await store.upkeep()

    for one in (store, other):
        assert len(await found(one, "bees")) == 3
    assert len(counted) == 2


async def test_what_is_read_ahead_is_read_by_no_question(
    store: LanceStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (search, namespace_search):
        monkeypatch.setattr(module, "COUNTED_MAX_NAMES", 2)
    for number, name in enumerate("abc"):
        await add(store, *(make_note(f"bees {n}", namespace=name) for n in range(number + 1)))

    await store.read_ahead()

    version = await store.version()
    assert [name for name in "abc" if store.tables.texts.knows(name, version)] == ["b", "c"]
    await add(store, make_note("bees", namespace="c"))
    monkeypatch.delattr(namespace_search, "_read")
    for name, number in (("b", 2), ("c", 4)):
        assert len(await found(store, "bees", NoteFilter(namespaces=(name,)))) == number


async def test_many_namespaces_are_left_to_lancedb(
    store: LanceStore, counted: list[Sequence[str]]
) -> None:
    names = tuple(f"n{n}" for n in range(search.COUNTED_MAX_NAMES + 1))
    await add(store, *(make_note("bees", namespace=name) for name in names))

    assert len(await found(store, "bees", NoteFilter(namespaces=names))) == len(names)
    assert counted == []
    assert len(await found(store, "bees", NoteFilter(namespaces=names[1:]))) == len(names) - 1
    assert counted == [names[1:]]


async def test_a_namespace_of_too_much_text_is_left_to_lancedb(
    store: LanceStore, counted: list[Sequence[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(namespace_search, "COUNTED_MAX_BYTES", 200)
    monkeypatch.setattr(namespace_search, "CANDIDATE_MAX_ROWS", 2)
    await add(store, make_note("bees"))
    assert len(await found(store, "bees")) == 1
    await add(store, *(make_note(f"bees {n}") for n in range(9)))

    # Grown past the bound by writes, it is counted once more, its newest alone.
    assert len(await found(store, "bees")) == 10
    known = store.tables.texts.outdated("home")
    assert known is not None
    assert not known.whole
    assert known.size <= 200
    counted.clear()
    assert len(await found(store, "bees")) == 10
    assert counted == []


async def test_a_view_of_before_an_erasure_leaves_nothing_of_it_in_memory(
    store: LanceStore,
) -> None:
    note, kept = make_note("the quokka key"), make_note("bees dance")
    await add(store, note, kept)
    with read_view():
        assert await store.count(HOME) == 2
        with outside_views():
            await erase(store, note)
        await store.match_text("quokka bees", HOME, limit=9, counted=("home",))

    assert "quokka" not in words_kept(store)
    assert await found(store, "quokka bees") == {kept.note_id}
    assert "quokka" not in words_kept(store)


async def test_what_is_erased_while_words_are_counted_is_not_kept(
    store: LanceStore, readings: Readings
) -> None:
    note, kept = make_note("the quokka key"), make_note("bees dance")
    await add(store, note, kept)
    readings.then = lambda: erase(store, note)

    await found(store, "quokka")

    assert words_kept(store) == set()
    assert await found(store, "quokka bees") == {kept.note_id}


async def test_words_that_another_process_has_erased_go_with_the_next_question(
    store: LanceStore, other: LanceStore
) -> None:
    note, kept = make_note("the quokka key"), make_note("bees dance")
    await add(store, note, kept)
    await other.match_text("quokka", HOME, limit=9, counted=("home",))
    assert "quokka" in words_kept(other)

    await erase(store, note)
    await other.match_text("bees", HOME, limit=9, counted=("home",))

    assert words_kept(other) == {*words_kept(other)} - {"quokka"}
    assert "bee" in words_kept(other)


async def test_words_that_another_process_has_erased_go_with_the_next_upkeep(
    store: LanceStore, other: LanceStore
) -> None:
    note = make_note("the quokka key")
    await add(store, note, make_note("bees dance"))
    await other.read_ahead()
    assert "quokka" in words_kept(other)

    await erase(store, note)
    assert await other.upkeep()

    assert "quokka" not in words_kept(other)


async def test_a_note_that_changes_while_words_are_counted_stays_in_an_earlier_view(
    store: LanceStore, readings: Readings
) -> None:
    note, other_note = make_note("bees dance"), make_note("bees sting")
    await add(store, note, other_note)
    readings.then = lambda: store.write(changes=[revised(note, "wasps")])

    with read_view():
        for _ in range(2):
            assert await found(store, "bees") == {note.note_id, other_note.note_id}

    assert readings.namespaces == ["home"]


async def test_a_namespace_named_twice_is_searched_once(store: LanceStore) -> None:
    note = make_note("bees dance")
    await add(store, note, make_note("wasps"))

    assert await found(store, "bees", NoteFilter(namespaces=("home", "home"))) == {note.note_id}


async def test_an_index_at_its_bound_is_not_read_again_for_each_note(
    store: LanceStore, readings: Readings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(namespace_search, "COUNTED_MAX_BYTES", 2_000)
    await add(store, *(make_note(f"bees {n}") for n in range(60)))

    for number in range(8):
        await add(store, make_note(f"wasps {number}"))
        await store.match_text("bees", HOME, limit=9, counted=("home",))

    assert readings.namespaces == ["home"]


async def test_what_is_written_while_words_are_counted_is_counted_with_the_next_question(
    store: LanceStore, readings: Readings
) -> None:
    first, second = make_note("bees dance"), make_note("bees sting")
    await add(store, first)
    readings.then = lambda: add(store, second)

    with read_view():
        assert await found(store, "bees") == {first.note_id}

    assert await found(store, "bees") == {first.note_id, second.note_id}
    assert readings.namespaces == ["home"]


async def test_a_view_too_old_to_be_known_leaves_the_newer_index(
    store: LanceStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(text_index, "EARLIER_MAX_COMMITS", 2)
    note = make_note("bees 0")
    await add(store, note)
    await found(store, "bees")
    with read_view():
        assert await store.count(HOME) == 1
        with outside_views():
            for number in range(1, 5):
                await add(store, make_note(f"bees {number}"))
            newest = await store.version()
        hits = await store.match_text("bees", HOME, limit=9, counted=("home",))
        assert [hit.note_id for hit in hits] == [note.note_id]

    assert store.tables.texts.knows("home", newest)


async def test_what_is_kept_of_words_is_bounded(
    store: LanceStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(text_index, "KEPT_MAX_NAMESPACES", 3)
    texts = store.tables.texts
    for name in "abcde":
        await found(store, "bees", NoteFilter(namespaces=(name,)))
    assert [name for name in "abcde" if texts.outdated(name)] == ["c", "d", "e"]

    monkeypatch.setattr(text_index, "UNCOUNTED_MAX_CHARACTERS", 500)
    for _ in range(3):
        await add(store, replace(make_note("bees " * 60), namespace="d"))

    version = await store.version()
    assert [name for name in "cde" if texts.knows(name, version)] == ["c", "e"]
    assert len(await found(store, "bees", NoteFilter(namespaces=("d",)))) == 3
    assert texts.knows("d", version)
