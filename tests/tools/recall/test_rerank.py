"""The reranker's part in recall: it orders the best, and recall does without it."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.tools.conftest import Desk, ids, notes, opened_desk, pick

from zettel.storage.errors import ModelUnavailableError
from zettel.tools.ranking.exact_match import RERANKED, with_signal
from zettel.tools.ranking.fusion import Ranked


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
    return [await desk.told(f"bees visit garden {n}", subject="Ana") for n in range(count)]


async def test_the_reranker_orders_the_best_notes_and_its_part_is_shown(desk: Desk) -> None:
    noted = await told(desk, 12)
    likes = Likes(word="garden 4")
    async with opened_desk(replace(desk.memory, reranker=likes)) as reranking:
        answer = await reranking("recall", query="bees garden", detail="full")

    assert ids(answer)[0] == noted[4] != (await desk.found(query="bees garden"))[0]
    assert pick(answer, "notes", 0, "signals", "reranker") == 1.0
    assert "reads like an answer" in str(pick(answer, "notes", 0, "why"))
    assert "degraded" not in answer
    assert likes.read[0].startswith("2026-11-20 Ana: bees visit garden")


async def test_only_the_first_notes_are_read_and_the_rest_stays_behind_them(desk: Desk) -> None:
    await told(desk, RERANKED + 5)
    before = await desk.found(query="bees garden", limit=100)
    likes = Likes(word="nothing of it")
    async with opened_desk(replace(desk.memory, reranker=likes)) as reranking:
        after = await reranking.found(query="bees garden", limit=100)

    assert len(likes.read) == RERANKED
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
        answer = await reranking("recall", query="bees garden")

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

    after = with_signal(ranked, "more", values, weight)

    assert {r.note_id for r in after} == {r.note_id for r in ranked}
    assert [r.score for r in after] == sorted((r.score for r in after), reverse=True)
    assert all(r.score == pytest.approx(sum(r.shares.values())) for r in after)
    assert with_signal(ranked, "more", {}, weight) == tuple(ranked)
