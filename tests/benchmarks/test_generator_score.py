"""The figures: the truth gets all of them, silence none, and each can be lost."""

from dataclasses import replace
from typing import get_args

import pytest
from benchmarks.generator.generate import generate
from benchmarks.generator.records import Category, Forgetting, Query, Style, Telling
from benchmarks.generator.run import run_plain
from benchmarks.generator.score import (
    LOWER_IS_BETTER,
    Judge,
    exact,
    marked,
    residue,
    right_first,
    score,
    stale,
    taus,
)
from benchmarks.generator.systems import Answer, Outcomes
from benchmarks.generator.truth import Empty, Oracle
from benchmarks.retrieval.score import auroc
from hypothesis import given
from hypothesis import strategies as st

STYLES: tuple[Style, ...] = get_args(Style)
QUERY = Query(
    id="q",
    conversation="c",
    question="?",
    category=Category.UPDATE,
    variant="",
    answer="",
    evidence=("a", "b"),
    asked_at="",
    stale=("old",),
    wrong=("wrong",),
    secrets=("Quoravsil",),
)


@pytest.mark.parametrize("style", STYLES)
async def test_the_truth_gets_every_figure_and_silence_none(style: Style) -> None:
    world = generate(1, "smoke", style)
    owners = {document.id: document.conversation for document in world.documents}

    truth = score(await run_plain(world, Oracle(world.documents)), owners)
    silence = score(await run_plain(world, Empty()), owners)

    assert all(figure.count for figure in truth.values())
    for (category, name), figure in truth.items():
        worst = 0.5 if name == "AUROC" else 0.0
        assert figure.value == (name not in LOWER_IS_BETTER), (category, name)
        assert silence[category, name].value == worst, (category, name)


@pytest.mark.parametrize(
    ("judge", "good", "bad"),
    [
        (stale, ("a", *"ihgfedcbj", "old"), ("a", "old")),
        (exact, ("b", "a"), ("a", "b", "x")),
        (right_first, ("b", "wrong"), ("wrong", "a")),
        (right_first, ("b",), ()),
    ],
)
def test_an_order_of_documents_is_judged(
    judge: Judge, good: tuple[str, ...], bad: tuple[str, ...]
) -> None:
    better, worse = (judge(QUERY, Answer(ranked=ranked)) for ranked in (good, bad))

    assert (better, worse) == ((0, 1) if judge is stale else (1, 0))


def test_a_word_of_what_was_forgotten_counts_wherever_it_stands() -> None:
    assert residue(QUERY, Answer(text='{"history": ["at the quoravsil clinic"]}')) == 1
    assert residue(QUERY, Answer(text='{"history": []}')) == 0


def test_a_contradiction_counts_as_marked_only_between_the_two() -> None:
    assert marked(QUERY, Answer(marked=frozenset({frozenset({"b", "a"})}))) == 1
    assert marked(QUERY, Answer(marked=frozenset({frozenset({"b", "c"})}))) == 0


def test_order_is_judged_by_the_times_of_what_was_found() -> None:
    three = replace(QUERY, evidence=("a", "b", "c"))

    assert taus(three, Answer(order=("a", "x", "b", "c"))) == [1, 1, 1]
    assert sum(taus(three, Answer(order=("c", "b", "a")))) == -3
    assert taus(three, Answer(order=("b", "a"))) == [-1]
    assert taus(three, Answer(order=("a",))) == []


def test_a_note_of_another_namespace_is_a_leak() -> None:
    answers = [(QUERY, Answer(ranked=("a",))), (QUERY, Answer(ranked=("b", "theirs")))]

    figures = score(Outcomes(answers=answers), {"a": "c", "b": "c", "theirs": "d"})

    assert figures[Category.ISOLATION, "leakage"].value == 0.5


def test_candidates_count_for_the_first_five_and_flags_against_them() -> None:
    outcomes, one = Outcomes(), Forgetting(documents=("a",))
    changed, like = Telling(document="n", replaces="old"), Telling(document="n", resembles="like")
    outcomes.tellings.append((changed, ("1", "2", "3", "4", "old")))
    outcomes.tellings.append((changed, ("1", "2", "3", "4", "5", "old")))
    outcomes.tellings.append((like, ("like",)))
    outcomes.tellings.append((like, ()))
    outcomes.forgettings.append((one, ("a",)))
    outcomes.forgettings.append((one, ("a", "b")))

    figures = score(outcomes, {})

    assert figures[Category.CONFLICT, "candidate hit@5"].value == 0.5
    assert figures[Category.CONFLICT, "false flags"].value == 0.5
    assert figures[Category.FORGET, "preview exact"].value == 0.5


scores = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=20)


@given(scores, scores)
def test_turning_the_sides_round_turns_the_auroc_round(
    one: list[float], other: list[float]
) -> None:
    assert auroc(one, other) == pytest.approx(1 - auroc(other, one))
    assert auroc(one, one) == pytest.approx(0.5)
