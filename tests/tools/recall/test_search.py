"""The reranker's part in recall, and the newest value of a fact before former ones."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter
from tests.tools.conftest import Desk, ids, lettered, notes, opened_desk, pick

from zettel.storage.errors import ModelUnavailableError
from zettel.tools.ranking.ranked import Ranked, add_signal
from zettel.tools.recall.search import RERANK_MAX_NOTES


@dataclass
class Likes:
    """A reranker that likes one word."""

    word: str
    ready: bool = True
    problem: str = ""
    broken: bool = False
    read: list[str] = field(default_factory=list[str])

    async def load(self) -> None:
        """It is loaded already."""

    async def score(self, query: str, texts: Sequence[str]) -> list[float]:
        """1 for texts with the word."""
        if self.broken:
            raise ModelUnavailableError(query, "is broken", "Mend it.", what="reranker")
        self.read += texts
        return [float(self.word in text) for text in texts]


async def told(desk: Desk, count: int) -> list[str]:
    return [
        await desk.told(f"garden {lettered(n)}: bees visit", subject="Ana") for n in range(count)
    ]


async def test_the_reranker_orders_the_best_notes_and_its_part_is_shown(desk: Desk) -> None:
    noted = await told(desk, 12)
    likes = Likes(word="garden ae")
    async with opened_desk(replace(desk.memory, reranker=likes)) as reranking:
        answer = await reranking("recall", query="bees garden", detail="full")

    assert ids(answer)[0] == noted[4] != (await desk.found(query="bees garden"))[0]
    assert pick(answer, "notes", 0, "signals", "reranker") == 1.0
    assert "reads like an answer" in str(pick(answer, "notes", 0, "why"))
    assert "degraded" not in answer
    assert likes.read[0].startswith("2026-11-20 Ana: garden")


async def test_only_the_first_notes_are_read_and_the_rest_stays_behind_them(desk: Desk) -> None:
    await told(desk, RERANK_MAX_NOTES + 5)
    before = await desk.found(query="bees garden", limit=100)
    likes = Likes(word="nothing of it")
    async with opened_desk(replace(desk.memory, reranker=likes)) as reranking:
        after = await reranking.found(query="bees garden", limit=100)

    assert len(likes.read) == RERANK_MAX_NOTES
    assert after == before


async def test_a_long_note_is_read_by_its_best_passages(desk: Desk) -> None:
    await desk.told("Nothing of note. " * 200 + "The vault code is 7731. " + "Idle talk. " * 200)
    likes = Likes(word="7731")
    async with opened_desk(replace(desk.memory, reranker=likes)) as reranking:
        await reranking("recall", query="vault code")

    assert "7731" in likes.read[0]
    assert len(likes.read[0]) < 1300


@pytest.mark.parametrize(
    ("likes", "said"),
    [
        (Likes(word="x", ready=False), "reranker is loading"),
        (Likes(word="x", ready=False, problem="it is not there"), "it is not there"),
        (Likes(word="x", broken=True), "is broken"),
    ],
)
async def test_recall_does_without_a_reranker_and_says_so(
    desk: Desk, likes: Likes, said: str
) -> None:
    await told(desk, 3)
    before = await desk.found(query="bees garden")
    async with opened_desk(replace(desk.memory, reranker=likes)) as reranking:
        answer = await reranking("recall", query="bees garden", detail="full")

    assert said in str(answer["degraded"])
    assert ids(answer) == before
    assert all(note["why"] for note in notes(answer))


shares = st.dictionaries(
    st.sampled_from("abc"), st.floats(min_value=0, max_value=2, allow_nan=False), min_size=1
)


@given(
    given_shares=st.lists(shares, max_size=8),
    values=st.dictionaries(st.integers(0, 9).map(str), st.floats(min_value=0, max_value=1)),
    weight=st.floats(min_value=0.1, max_value=2),
)
def test_a_further_signal_keeps_every_note_and_the_sum_of_its_parts(
    given_shares: list[dict[str, float]], values: dict[str, float], weight: float
) -> None:
    ranked = [Ranked(str(n), sum(s.values()), s) for n, s in enumerate(given_shares)]
    ranked.sort(key=lambda r: r.score, reverse=True)

    after = add_signal(ranked, "more", values, weight)

    assert {r.note_id for r in after} == {r.note_id for r in ranked}
    assert [r.score for r in after] == sorted((r.score for r in after), reverse=True)
    assert all(r.score == pytest.approx(sum(r.shares.values())) for r in after)
    assert add_signal(ranked, "more", {}, weight) == tuple(ranked)


CONTRADICTS = "contradicts"
OBJECTS = TypeAdapter(list[dict[str, object]])


async def told_four_that_do_not_stand(desk: Desk, friend: str) -> dict[str, str]:
    """One note in each state that recall must not show; all linked with a friend that stands."""
    link = [{"to": friend, "relation": "supports"}]
    gone = {
        name: await desk.told(
            f"the harbour office is {name}",
            tags=["port"],
            session="s",
            subject="Ana",
            links=link,
            valid_until="2026-11-21" if name == "expired" else None,
        )
        for name in ("superseded", "expired", "archived", "forgotten")
    }
    await desk(
        "update", note_id=friend, links=[{"to": gone["superseded"], "relation": "supersedes"}]
    )
    [part] = await desk.memory.store.get([gone["archived"]])
    work = await desk.told("working on the harbour", kind="working")
    await desk("update", note_id=part.note_id, kind="working")
    await desk("update", note_id=part.note_id, links=[{"to": work, "relation": "part_of"}])
    await desk("update", note_id=work, kind="episodic", content="The harbour is done")
    await desk("forget", note_ids=[gone["forgotten"]])
    desk.later(days=3)
    return gone


@pytest.mark.slow
@pytest.mark.parametrize("detail", ["index", "notes"])
async def test_what_does_not_stand_comes_in_no_mode_of_recall(any_desk: Desk, detail: str) -> None:
    friend = await any_desk.told(
        "the harbour office is open", tags=["port"], session="s", subject="Ana"
    )
    gone = await told_four_that_do_not_stand(any_desk, friend)
    for number in range(4):
        await any_desk.told(f"harbour office news {number}", tags=["port"])

    for question in (
        {"query": "harbour office"},
        # What a superseded note alone tells is found: tests/tools/recall/test_superseded.py.
        {"query": "harbour expired archived forgotten"},
        {"query": "harbour office", "tags": ["port"]},
        {"tags": ["port"]},
        {"subject": "Ana"},
        {"session": "s"},
        {},
    ):
        answer = await any_desk("recall", **question, detail=detail, limit=2)
        seen = [answer]
        while "omitted" in answer:
            answer = await any_desk("recall", cursor=pick(answer, "omitted", "cursor"), limit=2)
            seen.append(answer)
        for text in map(str, seen):
            assert not [name for name, note_id in gone.items() if note_id in text]
        assert not question or friend in str(seen)


async def test_what_does_not_stand_is_no_candidate(any_desk: Desk) -> None:
    friend = await any_desk.told("the harbour office is open", subject="Ana")
    gone = await told_four_that_do_not_stand(any_desk, friend)

    answer = await any_desk("remember", content="the harbour office is shut", subject="Ana")

    offered = {found["note_id"] for found in OBJECTS.validate_python(answer["candidates"])}
    assert friend in offered
    assert not offered & set(gone.values())


async def test_full_detail_says_of_a_linked_note_why_it_does_not_stand(desk: Desk) -> None:
    old = await desk.told("Office in Ulm")
    over = await desk.told("Sale on", valid_until="2026-11-21")
    links = [{"to": old, "relation": "supersedes"}, {"to": over, "relation": "about"}]
    new = await desk.told("Office in Bonn", links=links)
    desk.later(days=3)

    [note] = notes(await desk("recall", note_ids=[new], detail="full"))

    states = {line["note_id"]: line["state"] for line in OBJECTS.validate_python(note["links"])}
    assert states == {old: "superseded", over: "expired"}


async def test_a_page_never_shows_what_expired_since_the_one_before(desk: Desk) -> None:
    for number in range(4):
        await desk.told(f"bees {number}", valid_until="2026-11-21")
    page = await desk("recall", query="bees", limit=2)
    desk.later(days=3)

    assert ids(await desk("recall", cursor=pick(page, "omitted", "cursor"))) == []


async def test_a_page_whose_notes_were_forgotten_says_that_more_follow_and_the_last_one_not(
    desk: Desk,
) -> None:
    for number in range(6):
        await desk("remember", content=f"kite {number} flew")
    page = await desk("recall", since="2000", limit=2)
    second = await desk("recall", cursor=pick(page, "omitted", "cursor"))
    last = await desk("recall", cursor=pick(second, "omitted", "cursor"))
    await desk("forget", note_ids=ids(second))

    empty = await desk("recall", cursor=pick(page, "omitted", "cursor"))

    assert (empty["notes"], empty["verdict"]) == ([], "uncertain")
    assert "go on with the cursor" in str(empty["reason"])
    assert ids(await desk("recall", cursor=pick(empty, "omitted", "cursor"))) == ids(last)
    await desk("forget", note_ids=ids(last))
    over = await desk("recall", cursor=pick(empty, "omitted", "cursor"))
    assert (over["verdict"], over["reason"]) == ("nothing_relevant", "There are no further notes.")
    assert "omitted" not in over


async def test_the_newest_value_of_an_updated_fact_comes_first_and_the_old_one_not_at_all(
    any_desk: Desk,
) -> None:
    note_id = await any_desk.told("Ana lives in Lyon", subject="Ana")
    await any_desk.told("Ana likes Lyon", subject="Ana")
    for city in ("Paris", "Rome"):
        await any_desk("update", note_id=note_id, content=f"Ana lives in {city}")

    answer = await any_desk("recall", query="Which city does Ana live in?")

    assert ids(answer)[0] == note_id
    assert notes(answer)[0]["content"] == "Ana lives in Rome"
    assert "lives in Lyon" not in str(answer)
    assert "Paris" not in str(answer)


async def told_a_contradiction(desk: Desk, fillers: int) -> tuple[str, str]:
    """A note, many that rank between, and one of other words that contradicts the first."""
    claim = await desk.told("The vault code is 7731, says the manual")
    for number in range(fillers):
        await desk.told(f"{lettered(number)} asked for the vault code")
    doubt = await desk.told("Zoe measured 9920", links=[{"to": claim, "relation": CONTRADICTS}])
    return claim, doubt


@pytest.mark.slow
@pytest.mark.parametrize("detail", ["index", "notes", "full"])
async def test_contradicting_notes_come_together_and_marked(any_desk: Desk, detail: str) -> None:
    claim, doubt = await told_a_contradiction(any_desk, fillers=12)

    answer = await any_desk("recall", query="vault code manual", limit=5, detail=detail)

    assert ids(answer)[:2] == [claim, doubt]
    assert len(ids(answer)) == 5
    first, second = notes(answer)[:2]
    assert (first["contradicts"], second["contradicts"]) == ([doubt], [claim])
    assert not any("contradicts" in note for note in notes(answer)[2:])


async def test_a_contradiction_is_found_from_either_end(desk: Desk) -> None:
    claim, doubt = await told_a_contradiction(desk, fillers=12)

    assert (await desk.found(query="Zoe measured", limit=2)) == [doubt, claim]


async def test_no_note_is_missed_where_a_contradiction_takes_a_place(desk: Desk) -> None:
    claim, doubt = await told_a_contradiction(desk, fillers=9)
    everything = set(await desk.found(query="vault code manual", limit=100))

    page = await desk("recall", query="vault code manual", limit=3)
    seen = ids(page)
    while "omitted" in page:
        page = await desk("recall", cursor=pick(page, "omitted", "cursor"), limit=3)
        seen += ids(page)

    assert set(seen) == everything >= {claim, doubt}
    assert len(seen) <= len(everything) + 1


async def test_a_contradiction_that_the_filters_leave_out_is_only_named(desk: Desk) -> None:
    claim = await desk.told("The code is 7731", tags=["vault"])
    doubt = await desk.told("It is 9920", links=[{"to": claim, "relation": CONTRADICTS}])

    [note] = notes(await desk("recall", tags=["vault"]))

    assert (note["note_id"], note["contradicts"]) == (claim, [doubt])


async def test_what_no_longer_stands_contradicts_nothing(desk: Desk) -> None:
    claim, doubt = await told_a_contradiction(desk, fillers=1)
    before = desk.now + timedelta(milliseconds=1)
    desk.later(days=1)
    await desk("forget", note_ids=[doubt])

    [note] = notes(await desk("recall", query="manual", limit=1))
    assert "contradicts" not in note
    then = await desk("recall", query="manual", limit=2, known_at=before.isoformat())
    assert ids(then) == [claim, doubt]


async def test_a_contradiction_taken_back_is_none(desk: Desk) -> None:
    claim, doubt = await told_a_contradiction(desk, fillers=1)
    await desk("update", note_id=doubt, links=[{"to": claim, "remove": True}])

    assert "contradicts" not in str(await desk("recall", query="vault code manual"))
