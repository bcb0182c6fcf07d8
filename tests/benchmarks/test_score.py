"""The measures, on small rankings worked out by hand and on any ranking."""

import math

import pytest
from benchmarks.retrieval.data import Question
from benchmarks.retrieval.score import (
    ALL,
    MEASURES,
    percentile,
    score_by_category,
    score_ranking,
)
from hypothesis import given
from hypothesis import strategies as st

ids = st.sampled_from([f"d{number}" for number in range(30)])
rankings = st.lists(ids, max_size=60)
evidences = st.sets(ids, min_size=1)


def question(question_id: str, category: str, *evidence: str, answerable: bool = True) -> Question:
    return Question(
        question_id=question_id,
        conversation="c",
        text="?",
        category=category,
        evidence=evidence,
        answerable=answerable,
    )


def test_one_of_two_evidences_at_rank_two_scores_as_worked_out_by_hand() -> None:
    scores = score_ranking(["x", "a", "y"], ["a", "b"])

    ideal = 1 + 1 / math.log2(3)
    assert scores["recall@1"] == 0
    assert scores["recall@5"] == 0.5
    assert scores["hit@5"] == 1
    assert scores["nDCG@10"] == pytest.approx((1 / math.log2(3)) / ideal)
    assert scores["MRR"] == 0.5


def test_evidence_beyond_the_tenth_place_gains_nothing_but_counts_for_recall_at_twenty() -> None:
    scores = score_ranking([*(f"x{n}" for n in range(10)), "a"], ["a"])

    assert scores["nDCG@10"] == 0
    assert scores["recall@10"] == 0
    assert scores["recall@20"] == 1
    assert scores["MRR"] == pytest.approx(1 / 11)


def test_a_document_ranked_twice_takes_one_place_only() -> None:
    assert score_ranking(["x", "x", "x", "x", "x", "a"], ["a"])["MRR"] == 0.5


@given(rankings, evidences)
def test_every_measure_lies_between_zero_and_one(ranked: list[str], evidence: set[str]) -> None:
    assert all(0 <= value <= 1 + 1e-12 for value in score_ranking(ranked, evidence).values())


@given(rankings, evidences)
def test_recall_never_falls_with_depth(ranked: list[str], evidence: set[str]) -> None:
    scores = score_ranking(ranked, evidence)

    assert scores["recall@1"] <= scores["recall@5"] <= scores["recall@10"] <= scores["recall@20"]


@given(st.sets(ids, min_size=1, max_size=10))
def test_an_oracle_reaches_everything_that_fits_the_depth(evidence: set[str]) -> None:
    scores = score_ranking(sorted(evidence), evidence)

    assert scores["recall@10"] == scores["hit@5"] == scores["MRR"] == 1
    assert scores["nDCG@10"] == pytest.approx(1)


@given(evidences)
def test_an_empty_ranking_scores_zero(evidence: set[str]) -> None:
    assert set(score_ranking([], evidence).values()) == {0}


@given(rankings, evidences)
def test_swapping_evidence_up_never_lowers_a_measure(ranked: list[str], evidence: set[str]) -> None:
    ranked = list(dict.fromkeys(ranked))
    better = sorted(ranked, key=lambda found: found not in evidence)

    before, after = score_ranking(ranked, evidence), score_ranking(better, evidence)
    assert all(after[name] >= before[name] - 1e-12 for name in MEASURES)


def test_questions_without_an_answer_or_evidence_are_in_no_average() -> None:
    asked = [
        question("1", "easy", "a"),
        question("2", "easy", "b"),
        question("3", "hard", "c"),
        question("4", "trap", "a", answerable=False),
        question("5", "vague"),
    ]

    rows = score_by_category(asked, {"1": ["a"], "3": ["c"], "4": ["a"], "5": ["a"]})

    assert list(rows) == ["easy", "hard", ALL]
    assert rows["easy"].scores["recall@1"] == 0.5
    assert rows[ALL].questions == 3
    assert rows[ALL].scores["recall@1"] == pytest.approx(2 / 3)


def test_no_counting_question_makes_no_row() -> None:
    assert score_by_category([question("1", "vague")], {}) == {}


@given(st.lists(st.floats(0, 1e6), min_size=1), st.floats(0.01, 1))
def test_a_percentile_is_a_value_that_its_share_does_not_exceed(
    values: list[float], share: float
) -> None:
    found = percentile(values, share)

    assert found in values
    assert sum(value <= found for value in values) >= share * len(values) - 1e-9


def test_the_median_of_three_is_the_middle_one() -> None:
    assert percentile([9.0, 1.0, 5.0], 0.5) == 5.0
