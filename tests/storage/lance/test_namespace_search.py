"""Full-text scores in which only some namespaces count, against LanceDB's own."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from shutil import copytree
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.storage.samples import DIM, EVERYTHING, LATER, MODEL, NOW, add, make_note, revised

from zettel.storage.erasable import Order
from zettel.storage.lance import namespace_search
from zettel.storage.lance.cache import text_index
from zettel.storage.lance.cache.text_index import NamespaceTerms
from zettel.storage.lance.reads import keep_resident
from zettel.storage.lance.store import LanceStore, open_store
from zettel.storage.notes import Kind, Note
from zettel.storage.store import NoteFilter

HOME = ("home",)
WORDS = (
    "bees",
    "bee",
    "the",
    "humming",
    "Ölbaum",
    "queen's",
    "foo_bar",
    "学习",
    "东京的",
    "nectar",
)
QUERY = " ".join(WORDS)


@asynccontextmanager
async def opened(empty_store: Path) -> AsyncGenerator[LanceStore]:
    """A new LanceDB store."""
    with TemporaryDirectory() as folder:
        store = await open_store(
            str(copytree(empty_store, Path(folder) / "store")), model_id=MODEL, dim=DIM
        )
        try:
            yield store
        finally:
            await store.close()


async def scores(store: LanceStore, query: str, where: NoteFilter) -> dict[str, float]:
    """Note id -> score with the frequencies of `home` alone."""
    hits = await store.match_text(query, where, limit=1_000, counted=HOME)
    assert hits == sorted(hits, key=lambda hit: (-hit.score, hit.note_id))
    return {hit.note_id: hit.score for hit in hits}


async def lances(store: LanceStore, query: str, where: NoteFilter) -> dict[str, float]:
    """The same without naming it: LanceDB's scores count the whole table."""
    return {h.note_id: h.score for h in await store.match_text(query, where, limit=1_000)}


texts = st.lists(
    st.lists(st.sampled_from(WORDS), min_size=1, max_size=9).map(" ".join), min_size=1, max_size=9
)


@settings(
    max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(own=texts, query=st.lists(st.sampled_from(WORDS), min_size=1, max_size=6).map(" ".join))
async def test_scores_of_the_only_namespace_are_lancedbs(
    empty_store: Path, own: list[str], query: str
) -> None:
    async with opened(empty_store) as store:
        await add(store, *(make_note(text) for text in own))

        assert await scores(store, query, NoteFilter()) == pytest.approx(
            await lances(store, query, NoteFilter()), rel=1e-5
        )


@pytest.mark.slow
@settings(
    max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(foreign=texts, at=st.integers(0, 2))
async def test_notes_of_another_namespace_change_no_score(
    empty_store: Path, foreign: list[str], at: int
) -> None:
    own = [make_note("bees humming"), make_note("the queen's nectar 学习")]
    others = [make_note(text, namespace="away") for text in foreign]
    async with opened(empty_store) as alone:
        await add(alone, *own)
        expected = await scores(alone, QUERY, NoteFilter())
    async with opened(empty_store) as store:
        for note in (*own[:at], *others, *own[at:]):
            await scores(store, QUERY, NoteFilter())
            await add(store, note)

        assert await scores(store, QUERY, NoteFilter(namespaces=HOME)) == expected
        # Nor for a caller who may read them, who names the namespace; without it LanceDB searches.
        assert await lances(store, QUERY, NoteFilter(namespaces=HOME)) == expected
        named = NoteFilter(note_ids=tuple(note.note_id for note in own))
        assert await lances(store, QUERY, named) != expected


@pytest.mark.slow
async def test_scores_follow_every_change_whoever_makes_it(
    lance: LanceStore, empty_store: Path
) -> None:
    notes = [make_note(f"bees {'nectar ' * (n % 3)} number {n}") for n in range(40)]
    other = await open_store(lance.place, model_id=MODEL, dim=DIM)
    try:
        for number, note in enumerate(notes):
            await add(other if number % 7 == 3 else lance, note)
            if number % 5 == 0:
                change = revised(note, f"drones and nectar {number}")
                await (other if number % 2 else lance).write(changes=[change])
            found = await scores(lance, "nectar drones bees", NoteFilter())
            assert set(found) == {n.note_id for n in notes[: number + 1]}
        await lance.upkeep()
        # Only then LanceDB too counts each revision once.
        assert await scores(lance, "nectar drones bees", NoteFilter()) == pytest.approx(
            await lances(lance, "nectar drones bees", NoteFilter()), rel=1e-5
        )
    finally:
        await other.close()


async def test_filters_and_past_revisions_are_searched_with_the_same_frequencies(
    lance: LanceStore,
) -> None:
    note, other = make_note("bees and nectar"), make_note("bees at work")
    await add(lance, note, replace(other, subject="Zoltan"))
    await lance.write(changes=[revised(note, "drones at rest", now=LATER)])
    await lance.upkeep()

    for where in (
        NoteFilter(subject="zoltan"),
        NoteFilter(known_at=NOW + timedelta(minutes=1)),
        NoteFilter(note_ids=(note.note_id,)),
        NoteFilter(namespaces=("away",)),
        EVERYTHING,
    ):
        assert await scores(lance, "bees drones", where) == pytest.approx(
            await lances(lance, "bees drones", where), rel=1e-5
        )


@pytest.mark.parametrize("asked_by_id", [2_000, 0])
async def test_the_best_of_few_wanted_notes_are_found_behind_all_that_a_filter_leaves_out(
    lance: LanceStore, monkeypatch: pytest.MonkeyPatch, asked_by_id: int
) -> None:
    monkeypatch.setattr(namespace_search, "PASSING_MAX_ROWS", asked_by_id)
    left_out = [make_note("bees " * n) for n in range(1, 60)]
    behind = [f"bees and {'nectar ' * (n + 20)}" for n in range(8)]
    wanted = [replace(make_note(text), kind=Kind.PROCEDURAL) for text in ("bees " * 60, *behind)]
    await add(lance, *left_out, *wanted)
    where = NoteFilter(kinds=(Kind.PROCEDURAL,))

    from_table = await lance.match_text("bees", where, limit=2, counted=HOME)
    await keep_resident(lance.tables)
    everything = await lance.match_text("bees", where, limit=99, counted=HOME)
    best = await lance.match_text("bees", where, limit=2, counted=HOME)

    assert {hit.note_id for hit in everything} == {note.note_id for note in wanted}
    assert best == from_table == everything[:2]


async def test_a_namespace_too_large_to_be_indexed_is_scored_by_its_newest_notes(
    lance: LanceStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    notes = [
        make_note(f"bees {'nectar' * (n % 2)} {n}", now=NOW + timedelta(seconds=n))
        for n in range(9)
    ]
    await add(lance, *notes)
    size = len(namespace_texts(notes[0]))
    monkeypatch.setattr(namespace_search, "COUNTED_MAX_BYTES", 4 * size + size // 2)
    expected = await scores(lance, "bees nectar", NoteFilter(namespaces=HOME))
    assert len(expected) == len(notes)

    foreign = [make_note("nectar " * 20, namespace="away") for _ in range(50)]
    await add(lance, *foreign)

    assert await scores(lance, "bees nectar", NoteFilter(namespaces=HOME)) == expected
    kept = lance.tables.texts.outdated("home")
    assert kept is not None
    assert not kept.whole
    assert 0 < len(kept.sizes) < len(notes)


def namespace_texts(note: Note) -> str:
    """What is indexed of a note, about."""
    return f"Thursday 1 January 2026\n{note.content}"


async def test_what_is_kept_of_namespaces_is_bounded(
    lance: LanceStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(text_index, "FREQUENCIES_MAX_BYTES", 200)
    for name in ("a", "b", "c", "d"):
        await add(lance, *(make_note(f"bees {n}", namespace=name) for n in range(3)))
        assert len(await lance.match_text("bees", NoteFilter(), limit=99, counted=(name,)))

    kept = [name for name in "abcd" if lance.tables.texts.outdated(name)]

    assert kept
    assert kept == list("abcd")[-len(kept) :]
    assert len(kept) < 4


def test_an_index_grown_by_writes_is_as_one_made_at_once() -> None:
    rows = {f"{n}@1": " ".join(WORDS[n % 7 :: n % 3 + 1]) for n in range(60)}
    grown = NamespaceTerms(sizes={})
    for row_id, text in rows.items():
        grown = grown.with_rows({row_id: "to be replaced " * 9}).with_rows({row_id: text})
    grown = grown.with_rows({"gone@1": QUERY}).without(["gone@1"])
    at_once = NamespaceTerms(sizes={}).with_rows(rows)

    for query in WORDS:
        assert text_index.Frequencies([grown]).score(query).best(60) == text_index.Frequencies(
            [at_once]
        ).score(query).best(60)
    assert len(grown.segments) < 8


async def test_nothing_is_kept_in_memory_of_the_words_of_an_erased_note(lance: LanceStore) -> None:
    note, other = make_note("the quokka key"), make_note("bees dance")
    await add(lance, note, other)
    assert len(await scores(lance, "quokka", NoteFilter())) == 1

    order = Order(
        receipt_id="erase-1",
        scope="notes",
        who="test",
        ordered_at=NOW,
        note_ids=(note.note_id,),
        waits=4,
    )
    await lance.erase_rows([order], clock=lambda: LATER)

    assert lance.tables.texts.outdated("home") is None
    assert await scores(lance, "quokka", NoteFilter()) == {}
    assert len(await scores(lance, "bees", NoteFilter())) == 1
