"""The calibration of the verdict: its questions, what it gathers and what it fits."""

import pickle
from pathlib import Path

import numpy as np
import pytest
from benchmarks.month.records import Question, read_month
from benchmarks.verdict.__main__ import AGENTS
from benchmarks.verdict.gather import of_month, pickled
from benchmarks.verdict.learn import UNSURE_SHARE, Sample, fit, left_out, measure
from benchmarks.verdict.report import write_report

from zettel.storage.embedding.hashing import HashEmbedder
from zettel.tools.ranking.estimate import WEIGHTS
from zettel.tools.recall import modes

MONTH = """
{"type": "session", "id": "s1", "at": "2026-03-01T09:00:00+00:00"}
{"type": "remember", "ref": "n1", "content": "Ana's birthday is on 14 August", "subject": "Ana"}
{"type": "remember", "ref": "n2", "content": "Yuki is allergic to walnuts", "subject": "Yuki"}
{"type": "session", "id": "s2", "at": "2026-03-02T09:00:00+00:00"}
{"type": "ask", "id": "q1", "question": "When is Ana's birthday?", "gold": ["n1"], "sort": "fact"}
{"type": "ask", "id": "q2", "question": "When is Yuki's birthday?", "gold": [], "sort": "never"}
"""


def test_the_agents_sets_ask_two_hundred_questions_of_which_nobody_told_eighty() -> None:
    lines = [line for path in AGENTS.glob("*.jsonl") for line in read_month(path)]
    asked = [line for line in lines if isinstance(line, Question)]

    assert len(asked) >= 200
    assert sum(not question.gold for question in asked) >= 80


async def test_every_question_is_gathered_with_its_figures_and_whether_it_can_be_answered(
    tmp_path: Path,
) -> None:
    small = tmp_path / "small.jsonl"
    small.write_text(MONTH.strip(), encoding="utf-8")
    before = modes.judge

    judged = await of_month(small, HashEmbedder(), tmp_path)
    sample = measure(judged)

    assert modes.judge is before
    assert [(one.question.text, one.answerable) for one in judged] == [
        ("When is Ana's birthday?", True),
        ("When is Yuki's birthday?", False),
    ]
    assert sample.figures[0, 0] > sample.figures[1, 0]
    assert sample.estimated.all()
    again = measure(pickle.loads(pickled(judged)))
    assert (again.figures == sample.figures).all()


def made(seed: int, useful: int) -> Sample:
    """A set in which one figure tells what can be answered, and the others nothing."""
    rng = np.random.default_rng(seed)
    answerable = rng.random(400) < 0.6
    figures = rng.random((400, len(WEIGHTS)))
    figures[:, useful] += answerable
    return Sample(
        figures=figures,
        estimated=np.ones(400, np.bool_),
        confidence=rng.random(400),
        nothing=np.zeros(400, np.bool_),
        answerable=answerable,
    )


def test_the_figure_that_tells_gets_the_weight() -> None:
    weights = fit([made(seed, useful=1) for seed in range(3)])

    assert int(weights[:-1].argmax()) == 1
    assert weights[1] > 5 * np.delete(weights[:-1], 1).max()


def test_a_set_is_judged_by_weights_that_others_gave() -> None:
    samples = {"odd": made(0, useful=2), **{f"set {n}": made(n, useful=0) for n in (1, 2)}}

    scores = left_out(samples)
    known = {name: scores[name][sample.answerable] for name, sample in samples.items()}
    odd = write_report(samples, scores, fit([samples["odd"]])).splitlines()[2]

    assert np.mean([(score < 0).mean() for score in known.values()]) == pytest.approx(
        UNSURE_SHARE, abs=0.02
    )
    assert (
        float(odd.split("|")[8])
        < 0.7
        < float(write_report(samples, scores, fit([samples["odd"]])).splitlines()[3].split("|")[8])
    )
