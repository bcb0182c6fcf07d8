"""Of a store too large for memory, the namespaces in use are kept, each apart from the others."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lancedb import AsyncTable
from tests.storage.samples import DIM, MODEL, NOW, X, Y, Z, add, make_note, revised, unit

from zettel.storage.embedding.hashing import HashEmbedder
from zettel.storage.lance import counts, reads, search
from zettel.storage.lance.cache import resident
from zettel.storage.lance.cache.versions import NamespaceVersions
from zettel.storage.lance.store import LanceStore, open_store
from zettel.storage.notes import Note
from zettel.storage.read_view import outside_views, read_view
from zettel.storage.store import Change, NewNote, NoteFilter
from zettel.tools.caller import Caller
from zettel.tools.state.memory import Memory
from zettel.tools.verbs.recall import recall
from zettel.tools.verbs.remember import remember

ANA, BEN, BOTH = (NoteFilter(namespaces=names) for names in (("ana",), ("ben",), ("ana", "ben")))
ASKED_AT = datetime(2026, 11, 20, tzinfo=UTC)


@pytest.fixture(autouse=True)
def large(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two notes are too many for memory."""
    monkeypatch.setattr(reads, "CACHE_MAX_ROWS", 1)
    monkeypatch.setattr(counts, "CACHE_MAX_ROWS", 1)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncGenerator[LanceStore]:
    """A store with three notes of each of two namespaces."""
    opened = await open_store(str(tmp_path / "store"), model_id=MODEL, dim=DIM)
    for number, vector in enumerate((X, Y, Z)):
        notes = [make_note(f"{name} {number}", namespace=name) for name in ("ana", "ben")]
        await opened.write(new=[NewNote(note=note, vectors=unit(vector)) for note in notes])
    yield opened
    await opened.close()


class Reads:
    """What is read of the table of notes: which function asks for it."""

    def __init__(self, store: LanceStore, patch: pytest.MonkeyPatch) -> None:
        self.made = list[str]()
        read = store.tables.notes.read

        async def counted(fetch: Callable[[AsyncTable], Awaitable[object]]) -> object:
            if "version" not in fetch.__qualname__:
                self.made.append(fetch.__qualname__)
            return await read(fetch)

        patch.setattr(store.tables.notes, "read", counted)

    def taken(self) -> list[str]:
        """What was read since the last time, sorted."""
        made, self.made = sorted(self.made), []
        return made


@pytest.mark.parametrize("in_memory", [True, False])
async def test_a_recall_after_a_write_to_another_namespace_reads_no_more_than_one_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, in_memory: bool
) -> None:
    if not in_memory:
        monkeypatch.setattr(reads, "NAMESPACE_MAX_ROWS", 0)
    embedder = HashEmbedder()
    store = await open_store(str(tmp_path / "store"), model_id=embedder.model_id, dim=embedder.dim)
    memory, asked = Memory(store=store, embedder=embedder), 0

    async def tell(namespace: str, content: str) -> None:
        await remember(memory, Caller(namespace=namespace), now=ASKED_AT, content=content)

    async def ask() -> list[str]:
        nonlocal asked
        asked += 1
        # Later each time: nobody asks twice at the same moment.
        now = ASKED_AT + timedelta(seconds=asked)
        answer = await recall(memory, Caller(namespace="ana"), now=now, query="Where do bees live?")
        return [note["note_id"] for note in answer["notes"]]

    for number in range(4):
        await tell("ana", f"Bees live in hive {number}")
        await tell("ben", f"Ships lie in harbour {number}")
    # An empty store is kept in memory, and what is written to it with it.
    await store.close()
    store = await open_store(str(tmp_path / "store"), model_id=embedder.model_id, dim=embedder.dim)
    memory = Memory(store=store, embedder=embedder)
    for _ in range(3):
        await ask()
    before = await ask()
    counted = Reads(store, monkeypatch)
    assert await ask() == before
    warm = counted.taken()

    for number in range(3):
        await tell("ben", f"A ship sails on day {number}")
        counted.taken()
        assert await ask() == before
        assert counted.taken() == warm

    assert warm
    await store.close()


async def test_the_namespaces_that_are_searched_again_are_in_memory(store: LanceStore) -> None:
    kept = store.tables.resident
    assert kept.outlines(await store.version(), ANA) is None

    for _ in range(2):
        await store.match_vectors(unit(X)[0], ANA, limit=9)

    told = kept.outlines(await store.version(), ANA)
    assert told is not None
    assert [outline.content for outline in told] == ["ana 0", "ana 1", "ana 2"]
    assert kept.outlines(await store.version(), BEN) is None
    assert kept.outlines(await store.version(), NoteFilter()) is None
    await store.upkeep()
    assert kept.outlines(await store.version(), ANA) == told


async def test_a_namespace_in_memory_is_told_as_it_was_before_a_write(store: LanceStore) -> None:
    kept = store.tables.resident
    for _ in range(2):
        await store.match_vectors(unit(X)[0], ANA, limit=9)
    version = await store.version()
    (note,) = await store.find(replace(ANA, says="ana 1"), limit=1)

    await store.write(changes=[revised(note, "ana anew")], new=[NewNote(note=make_note("more"))])

    told = kept.outlines(version, ANA)
    assert told is not None
    assert [outline.content for outline in told] == ["ana 0", "ana 1", "ana 2"]
    assert kept.knows(version, [note.note_id])
    assert kept.outlines(version, BEN) is None
    assert kept.answers(version)
    await store.match_vectors(unit(X)[0], BEN, limit=9)
    await store.match_vectors(unit(X)[0], BEN, limit=9)
    # What is loaded later has no earlier version.
    assert kept.outlines(version, BOTH) is None


@pytest.mark.parametrize(("left", "entered"), [("ana", "ben"), ("ben", "ana")])
async def test_a_note_that_moves_is_found_where_it_is_and_was(
    store: LanceStore, left: str, entered: str
) -> None:
    for _ in range(2):
        await store.match_vectors(unit(X)[0], ANA, limit=9)
    (note,) = await store.find(NoteFilter(namespaces=(left,), says=f"{left} 0"), limit=1)

    with read_view():
        assert await store.get([note.note_id]) == [note]
        moved = replace(note, namespace=entered, rev=2, known_from=NOW + timedelta(days=1))
        with outside_views():
            await store.write(changes=[Change(note=moved)])

        assert await store.get([note.note_id]) == [note]
        assert await store.find(NoteFilter(note_ids=(note.note_id,)), limit=1) == [note]

    (found,) = await store.get([note.note_id])
    assert (found.namespace, found.rev) == (entered, 2)
    named = NoteFilter(note_ids=(note.note_id,), known_at=NOW + timedelta(hours=1))
    assert [one.namespace for one in await store.find(named, limit=1)] == [left]


async def test_what_another_process_commits_is_seen_at_once(store: LanceStore) -> None:
    for _ in range(2):
        await store.match_vectors(unit(X)[0], ANA, limit=9)
    other = await open_store(store.place, model_id=MODEL, dim=DIM)
    before = await store.version(["ana"])

    await add(other, make_note("theirs", namespace="ana"))

    assert await store.version(["ana"]) > before
    assert await store.count(ANA) == 4
    await add(store, make_note("ours", namespace="ben"))
    assert await store.count(ANA) == 4
    await other.close()


async def test_the_namespace_used_longest_ago_goes_when_they_are_too_many(
    store: LanceStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resident, "NAMESPACES_MAX_ROWS", 4)
    for where in (ANA, ANA, BEN, BEN):
        await store.match_vectors(unit(X)[0], where, limit=9)
    kept, version = store.tables.resident, await store.version()

    assert kept.count(version, ANA) is None
    assert kept.count(version, BEN) == 3


async def test_a_namespace_that_grows_too_large_leaves_memory(
    store: LanceStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(2):
        await store.match_vectors(unit(X)[0], ANA, limit=9)
    monkeypatch.setattr(resident, "NAMESPACE_MAX_ROWS", 3)
    monkeypatch.setattr(reads, "NAMESPACE_MAX_ROWS", 3)

    await add(store, make_note("one too many", namespace="ana"))

    for _ in range(3):
        await store.match_vectors(unit(X)[0], ANA, limit=9)
        assert store.tables.resident.count(await store.version(), ANA) is None
    assert await store.count(ANA) == 4


@pytest.mark.parametrize("largest", [5, 2])
async def test_in_a_small_namespace_of_a_large_store_words_weigh_as_if_it_were_alone(
    store: LanceStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, largest: int
) -> None:
    monkeypatch.setattr(counts, "CACHE_MAX_ROWS", 1)
    monkeypatch.setattr(search, "NAMESPACE_MAX_ROWS", largest)
    alone = await open_store(str(tmp_path / "alone"), model_id=MODEL, dim=DIM)
    await alone.write(new=[NewNote(note=note) for note in await store.find(ANA, limit=9)])
    await add(store, *(make_note("ana and her aunt", namespace="ben") for _ in range(5)))
    await store.upkeep()

    scores = await store.match_text("ana", ANA, limit=9)

    expected = await alone.match_text("ana", ANA, limit=9)
    if largest > len(expected):
        assert [hit.note_id for hit in scores] == [hit.note_id for hit in expected]
        assert [hit.score for hit in scores] == pytest.approx([hit.score for hit in expected])
    else:
        assert [hit.score for hit in scores] != pytest.approx([hit.score for hit in expected])
    await alone.close()


async def test_the_version_of_a_namespace_moves_with_its_own_writes_alone(
    store: LanceStore,
) -> None:
    ana, ben = await store.version(["ana"]), await store.version(["ben"])
    note = make_note("new", namespace="ben")

    await add(store, note)
    await store.mark([note], stage=2)
    await store.embed([(note, unit(X))], model=MODEL)
    await store.write(changes=[revised(note, "changed")])
    await store.upkeep()

    assert await store.version(["ana"]) == ana
    assert await store.version(["ben"]) > ben
    assert await store.version(["ana", "ben"]) == await store.version(["ben"])
    assert await store.version(["nobody's"]) <= ana


@given(st.lists(st.tuples(st.integers(1, 3), st.sampled_from(["ana", "ben", "", "="]))))
def test_no_change_of_a_namespace_is_passed_over(steps: list[tuple[int, str]]) -> None:
    versions, newest, last = NamespaceVersions(), 0, {"ana": 0, "ben": 0}
    versions.changed(0)
    for skipped, name in steps:
        newest += skipped  # what is skipped was committed by others
        if name == "=":
            newest += 1 - skipped
            versions.rearranged(newest)
            continue
        if skipped > 1 or not name:
            last = dict.fromkeys(last, newest)
        if name:
            last[name] = newest
            versions.wrote(newest, [name])
        else:
            versions.changed(newest)

    for name, changed in last.items():
        assert versions.of([name]) >= changed
    assert versions.of(["ana", "ben"]) == max(last.values())


deeds = st.lists(
    st.tuples(
        st.sampled_from(["add", "change", "mark", "embed", "search", "upkeep"]),
        st.sampled_from(["ana", "ben"]),
        st.integers(0, 5),
    ),
    max_size=14,
)


@pytest.mark.slow
@settings(max_examples=25, deadline=None)
@given(deeds)
async def test_answers_are_the_same_from_memory_and_from_the_table(
    steps: list[tuple[str, str, int]],
) -> None:
    with TemporaryDirectory() as folder:
        store = await open_store(folder, model_id=MODEL, dim=DIM)
        kept = {name: list[Note]() for name in ("ana", "ben")}
        await _prepare(store, kept)
        for deed, name, number in steps:
            await _do(store, kept[name], deed, name, number)
        fresh = await open_store(folder, model_id=MODEL, dim=DIM)
        try:
            for where in (ANA, BEN, BOTH):
                assert await _answers(store, where) == await _answers(fresh, where)
        finally:
            await store.close()
            await fresh.close()


async def _prepare(store: LanceStore, kept: dict[str, list[Note]]) -> None:
    for name, notes in kept.items():
        notes.append(make_note(f"{name} first", namespace=name))
        await store.write(new=[NewNote(note=notes[0], vectors=unit(X))])
        for _ in range(2):
            await store.match_vectors(unit(X)[0], NoteFilter(namespaces=(name,)), limit=9)
    await store.latest()


async def _do(store: LanceStore, notes: list[Note], deed: str, name: str, number: int) -> None:
    note = notes[number % len(notes)]
    if deed == "add":
        now = NOW + timedelta(minutes=len(notes))
        notes.append(make_note(f"{name} {number}", namespace=name, now=now))
        await add(store, notes[-1])
    elif deed == "change":
        change = revised(note, f"{note.content}!", now=note.known_from + timedelta(hours=1))
        written = await store.write(changes=[replace(change, vectors=unit((X, Y, Z)[number % 3]))])
        notes[notes.index(note)] = written.stored[0]
    elif deed == "mark":
        await store.mark([note], stage=number)
    elif deed == "embed":
        await store.embed([(note, unit((X, Y, Z)[number % 3]))], model=MODEL)
    elif deed == "search":
        await store.latest()
        await store.match_vectors(unit(X)[0], NoteFilter(namespaces=(name,)), limit=9)
    else:
        await store.upkeep()


async def _answers(store: LanceStore, where: NoteFilter) -> list[object]:
    outlines = await store.outlines(where, limit=99)
    ids = [outline.note_id for outline in outlines]
    near = await store.match_vectors(unit(Y)[0], where, limit=9)
    return [
        outlines,
        sorted((hit.note_id, round(hit.score, 4)) for hit in near),
        await store.count(where),
        await store.latest(where.namespaces),
        await store.latest(),
        await store.outlines(NoteFilter(note_ids=tuple(ids)), limit=99),
        await store.get(ids),
        await store.find(replace(where, note_ids=tuple(ids)), limit=99),
    ]
