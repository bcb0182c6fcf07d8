"""Recall in a scope whose notes are too many to be read: of candidates, with the same ranking."""

from collections.abc import AsyncGenerator, Sequence
from copy import deepcopy
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.storage.in_memory.store import DictStore
from tests.tools.conftest import START, Desk, notes, opened_desk, pick

from zettel.storage.embedding.hashing import HashEmbedder
from zettel.storage.lance.cache import note_cache
from zettel.storage.lance.store import open_store
from zettel.storage.notes import Outline
from zettel.storage.store import NoteFilter
from zettel.tools.ranking import columns
from zettel.tools.recall import search as search_module
from zettel.tools.recall.search import SESSION_HITS, search
from zettel.tools.state import caches
from zettel.tools.state.caches import CorpusCache
from zettel.tools.state.memory import Memory

FILLERS = 150
"""Notes beside those a test is about: more than the bound it sets."""


@pytest.fixture
def small_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make every scope of a test a large one, of whose notes few are sampled."""
    monkeypatch.setattr(caches, "CORPUS_MAX_NOTES", 20)
    monkeypatch.setattr(caches, "SAMPLE_NOTES", 64)


async def fill(desk: Desk) -> None:
    """Tell of other things, as people who talk with each other."""
    for number in range(FILLERS):
        bed = f"bed {number // 2}"
        text = f"Any roses in {bed}?" if number % 2 else f"The gardener of {bed} grows roses"
        await desk.told(text, session=f"garden-{number // 6}")


@pytest.fixture(scope="module")
async def told_of_roses() -> DictStore:
    """A store that is filled, to be copied."""
    store = DictStore()
    async with opened_desk(Memory(store=store, embedder=HashEmbedder())) as desk:
        await fill(desk)
    return store


@pytest.fixture
async def garden(told_of_roses: DictStore) -> AsyncGenerator[Desk]:
    """A desk that is filled, some minutes later."""
    memory = Memory(store=deepcopy(told_of_roses), embedder=HashEmbedder())
    async with opened_desk(memory) as opened:
        opened.later(seconds=FILLERS)
        yield opened


words = st.sampled_from("bees visit the rose garden in Rome with Ana and a violin".split())
told = st.lists(
    st.tuples(
        st.lists(words, min_size=1, max_size=9).map(" ".join),
        st.sampled_from(["", "Ana", "Ben"]),
        st.sampled_from(["", "s1", "s2", "s3"]),
    ),
    min_size=1,
    # Of more notes than each arm's best, a session may be found that is not read whole.
    max_size=SESSION_HITS,
    unique=True,
)


@given(
    told,
    st.lists(words, min_size=1, max_size=5).map(" ".join),
    st.sampled_from([0, 20_000, 2**26]),
    st.booleans(),
)
@settings(max_examples=25, deadline=None)
async def test_candidates_of_a_scope_rank_as_all_of_its_notes_whatever_is_kept_of_them(
    said: list[tuple[str, str, str]], question: str, cache_bytes: int, ahead: bool
) -> None:
    memory = Memory(store=DictStore(), embedder=HashEmbedder())
    async with opened_desk(memory) as desk:
        for text, subject, session in said:
            await desk("remember", content=text, subject=subject, session=session)
    where = NoteFilter(namespaces=("proj",), unexpired_at=desk.now)

    async def ranked(corpora: CorpusCache) -> list[tuple[str, object]]:
        asked = replace(memory, corpora=corpora)
        found = await search(asked, question, where, now=desk.now, depth=100)
        return [(one.note_id, pytest.approx(one.score)) for one in found.ranked]

    as_whole = await ranked(CorpusCache())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(caches, "CORPUS_MAX_NOTES", 0)
        patch.setattr(search_module, "AHEAD_MIN_NOTES", 0 if ahead else 50_000)
        kept = CorpusCache.within(cache_bytes)
        for _ in range(3):
            assert await ranked(kept) == as_whole


@pytest.mark.usefixtures("small_bound")
@pytest.mark.parametrize(
    "query",
    [
        *("What is still open?", "List all decisions", "What changed this week?", "What is new?"),
        *("Who am I?", "What do you know about me?", "Tell me everything about Ana", "the", "?"),
        *("What comes next?", "What did we do before the move?", "How many of us are there?"),
        *(
            "What happened on 12 March?",
            "Was steht noch aus?",
            "¿Qué cambió ayer?",
            "何が変わった？",
        ),
    ],
)
async def test_a_question_of_any_sort_is_answered_where_no_note_may_answer_it(
    garden: Desk, query: str
) -> None:
    for filters in ({}, {"subject": "Ana"}, {"tags": ["none"]}, {"as_of": "1999-01-01"}):
        answer = await garden("recall", query=query, **filters)

        assert answer["verdict"] in ("found", "uncertain", "nothing_relevant")


@pytest.mark.usefixtures("small_bound")
async def test_a_note_among_many_comes_first_with_its_neighbours(garden: Desk) -> None:
    asked = await garden.told("Where did you leave the violin?", subject="Ana", session="talk")
    answer = await garden.told("In Lisbon, with my aunt", subject="Ben", session="talk")

    found = await garden.found(query="Where is the violin?", limit=2)

    assert found == [asked, answer]


@pytest.mark.usefixtures("small_bound")
async def test_a_question_in_two_steps_is_answered_among_many_notes(desk: Desk) -> None:
    await desk.told("Ana's manager is Priya Raman", subject="Ana")
    await fill(desk)
    birthday = await desk.told("Priya Raman was born on 4 May 1980", subject="Priya")
    for day in range(1, 13):
        await desk.told(f"Otto {day} was born on {day} June 1980, Ana said", subject=f"Otto {day}")

    # Twelve others were born some day, and Ana speaks of each.
    found = await desk.found(query="When was Ana's manager born?", limit=6)

    assert birthday in found


@pytest.mark.usefixtures("small_bound")
async def test_what_many_notes_do_not_tell_is_not_found(garden: Desk) -> None:

    answer = await garden("recall", query="Which submarine did Otto sell?")

    assert answer["verdict"] == "nothing_relevant"


@pytest.mark.usefixtures("small_bound")
async def test_all_of_a_day_and_all_of_a_person_are_found_among_many_notes(desk: Desk) -> None:
    day = START - timedelta(days=40)
    then = [
        await desk.told(text, happened_at=(day + timedelta(hours=n)).isoformat())
        for n, text in enumerate(["Went to the dentist", "Bought a kettle", "Rang mother"])
    ]
    about = [await desk.told(text, subject="Miriam") for text in ("Likes tea", "Moved to Ulm")]
    await fill(desk)

    on_the_day = await desk.found(query=f"What happened on {day:%d %B %Y}?", limit=20)
    of_miriam = await desk.found(query="Tell me everything about Miriam", limit=20)

    assert set(then) <= set(on_the_day)
    assert set(about) <= set(of_miriam)


@pytest.mark.usefixtures("small_bound")
async def test_the_profile_is_there_for_every_question_among_many_notes(desk: Desk) -> None:
    core = await desk.told("The user is Ana Brandt, a beekeeper", kind="core")
    await fill(desk)

    answer = await desk("recall", query="Who am I?", limit=3)

    assert pick(answer, "notes", 0, "note_id") == core


@pytest.mark.usefixtures("small_bound")
async def test_a_note_told_after_the_statistics_were_made_is_found_and_a_forgotten_one_not(
    garden: Desk,
) -> None:
    await garden.found(query="roses")
    kept = await garden.told("The violin is in Lisbon")
    gone = await garden.told("The violin was in Rome")
    assert set(await garden.found(query="violin", limit=2)) == {kept, gone}

    await garden("forget", note_ids=[gone])

    assert (await garden.found(query="violin", limit=2))[0] == kept
    assert gone not in await garden.found(query="violin", limit=100)


@pytest.mark.usefixtures("small_bound")
async def test_candidates_are_read_once_and_statistics_made_once_for_all_questions(
    garden: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    await garden.found(query="roses")
    sampled, read = list[int](), list[str]()
    sample, take = DictStore.sample, columns.read_notes

    async def counted(store: DictStore, where: NoteFilter, *, size: int) -> list[Outline]:
        sampled.append(size)
        return await sample(store, where, size=size)

    def noted(outlines: Sequence[Outline]) -> list[columns.NoteRead]:
        read.extend(outline.note_id for outline in outlines)
        return take(outlines)

    monkeypatch.setattr(DictStore, "sample", counted)
    monkeypatch.setattr(columns, "read_notes", noted)
    new = await garden.told("The violin is in Lisbon")
    del read[:]

    for _ in range(3):
        assert new in await garden.found(query="Who grows roses beside the violin?")

    assert read.count(new) == 1
    assert len(read) == len(set(read))
    assert sampled == []


@pytest.mark.usefixtures("small_bound")
async def test_an_erased_note_leaves_nothing_in_what_is_kept_of_notes(garden: Desk) -> None:
    gone = await garden.told("The submarine is in Lisbon")
    assert (await garden.found(query="submarine", limit=1)) == [gone]

    preview = await garden("forget", note_ids=[gone], erase=True)
    await garden("forget", confirm=preview["confirm"])

    kept = garden.memory.corpora.columns
    assert gone not in kept.note_ids
    assert "subma" not in kept.words


@pytest.mark.slow
async def test_the_order_is_the_same_with_the_notes_in_memory_and_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(caches, "CORPUS_MAX_NOTES", 20)
    questions = ("Who grows roses?", "the gardener of bed 71", "violin", "What did Ana say?")

    embedder = HashEmbedder()

    async def answered(most_rows: int) -> list[list[tuple[object, object]]]:
        monkeypatch.setattr(note_cache, "CACHE_MAX_ROWS", most_rows)
        store = await open_store(str(tmp_path), model_id=embedder.model_id, dim=embedder.dim)
        try:
            async with opened_desk(Memory(store=store, embedder=embedder)) as desk:
                if not await store.count(NoteFilter()):
                    await fill(desk)
                    await desk.told("The violin is in Lisbon", subject="Ana")
                desk.now = START + timedelta(days=1)
                found = [await desk("recall", query=asked, detail="full") for asked in questions]
        finally:
            await store.close()
        return [[(one["note_id"], one["score"]) for one in notes(answer)] for answer in found]

    in_memory = await answered(50_000)
    from_disk = await answered(0)

    assert from_disk == in_memory
    assert all(in_memory)


@pytest.mark.usefixtures("small_bound")
@pytest.mark.parametrize("name", ["Will", "Mia"])
async def test_somebody_called_like_a_small_word_is_found_among_many_notes(
    tmp_path: Path, name: str
) -> None:
    embedder = HashEmbedder()
    store = await open_store(str(tmp_path), model_id=embedder.model_id, dim=embedder.dim)
    try:
        async with opened_desk(Memory(store=store, embedder=embedder)) as desk:
            for bed in range(caches.CORPUS_MAX_NOTES + 1):
                await desk.told(f"The gardener of bed {bed} grows roses")
            told = await desk.told(f"Lunch with {name} was fine")

            assert await desk.found(subject=name) == [told]
    finally:
        await store.close()


async def test_a_list_by_a_tag_is_found_among_many_notes_whatever_their_words(
    garden: Desk, small_bound: None
) -> None:
    told = ("A disk ran full at four", "The nightly load stood still", "Yen went in ten minutes")
    listed = {await garden.told(content, tags=["incident"]) for content in told}
    garden.later(days=3)

    answer = await garden("recall", query="List all incidents")

    assert {str(note["note_id"]) for note in notes(answer)[:3]} == listed
