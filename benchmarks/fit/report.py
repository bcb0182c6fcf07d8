"""What tables of weights are worth, in Markdown."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from benchmarks.fit.learn import Weights
from benchmarks.fit.matrix import Problem
from benchmarks.retrieval.score import MEASURES, score_ranking
from zettel.tools.ranking.weights import FITTED, TALK

SHOWN = ("recall@5", "recall@10", "nDCG@10")

SCALE = "meaning"
"""The signal whose weight stays: only their proportions make an order."""

Score = Mapping[str, float]
"""Measure -> mean over questions, in `[0, 1]`."""


def measure(problems: Sequence[Problem], weights: Callable[[Problem], Weights]) -> list[Score]:
    """Each question's scores under the weights that are meant for it."""
    scores = list[Score]()
    for problem in problems:
        order = np.argsort(-(problem.values @ weights(problem)), kind="stable")
        evidence = {str(row) for row in np.flatnonzero(problem.wanted)}
        evidence |= {f"missed {i}" for i in range(problem.evidence - len(evidence))}
        scores.append(score_ranking([str(row) for row in order], evidence))
    return scores


def mean(scores: Sequence[Score]) -> Score:
    """Average over questions."""
    return {name: sum(score[name] for score in scores) / len(scores) for name in MEASURES}


def row(label: str, score: Score, than: Score | None = None) -> str:
    """A row of a table: the shown measures in per cent, or differences to others in points."""
    if than is None:
        cells = [f"{100 * score[name]:.1f}" for name in SHOWN]
    else:
        cells = [f"{100 * (score[name] - than[name]):+.1f}" for name in SHOWN]
    return f"| {label} | {' | '.join(cells)} |"


def head(label: str) -> str:
    """The first two lines of a table."""
    return f"| {label} | {' | '.join(SHOWN)} |\n| --- |{' ---: |' * len(SHOWN)}"


def write_report(
    data: str,
    problems: Sequence[Problem],
    fitted: Weights | None,
    left_out: Mapping[str, Mapping[str, Weights]],
) -> str:
    """All tables.

    Args:
        data: Name of the data set.
        problems: Its questions.
        fitted: Weights fitted on all of it, in the order of `FITTED`; None if none were.
        left_out: Signal done without, empty for none -> conversation -> weights fitted on all the
            others.
    """
    present = np.array([TALK[name] for name in FITTED])
    standing = measure(problems, lambda _: present)
    lines = [f"## {data}: the present table", "", *by_category(problems, standing), ""]
    if fitted is None:
        return "\n".join(lines)
    scaled = fitted * TALK[SCALE] / fitted[FITTED.index(SCALE)]
    everything = measure(problems, lambda p: left_out[""][p.conversation])
    lines += ["## Fitted on all other conversations", "", *by_category(problems, everything), ""]
    lines += [f"## Fitted on all of it, scaled to the present weight of `{SCALE}`", ""]
    lines += [f'        "{n}": {weight:.2f},' for n, weight in zip(FITTED, scaled, strict=True)]
    lines += ["", "## Fitted on all other conversations without a signal", "", head("without")]
    for name in FITTED:
        scores = measure(problems, lambda p, name=name: left_out[name][p.conversation])
        lines.append(row(f"`{name}`", mean(scores), than=mean(everything)))
    return "\n".join([*lines, ""])


def by_category(problems: Sequence[Problem], scores: Sequence[Score]) -> list[str]:
    """A table with a row for each category and one for all."""
    lines = [head("category")]
    for category in sorted({problem.category for problem in problems}):
        chosen = [s for p, s in zip(problems, scores, strict=True) if p.category == category]
        lines.append(row(category, mean(chosen)))
    return [*lines, row("**all**", mean(scores))]
