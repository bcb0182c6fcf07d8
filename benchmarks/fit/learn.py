"""Weights by a regularised listwise logistic regression, and what they are worth held out."""

# scipy ships no types.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from benchmarks.fit.matrix import Problem

RIDGE = 1e-3
"""Weight of the squared weights in the loss. A tenth and ten times as much lose up to 0.7 points
of recall@5 held out."""
STEPS = 80
"""Of L-BFGS; it comes to rest before."""

Weights = NDArray[np.float64]
"""Shape `(signals,)`."""


def fit(problems: Sequence[Problem], *, without: int | None = None) -> Weights:
    """Find the weights under which evidence stands above what is none.

    Each piece of evidence competes with all candidates of its question that are none (softmax);
    a question counts once, however much evidence it has. Convex, and without any chance in it.

    Args:
        problems: Those without evidence among their candidates teach nothing.
        without: Column of a signal to do without: its weight is 0.
    """
    taught = [p for p in problems if p.wanted.any() and not p.wanted.all()]
    signals = taught[0].values.shape[1]

    def loss(weights: Weights) -> tuple[float, Weights]:
        total, slope = RIDGE * float(weights @ weights), 2 * RIDGE * weights
        for problem in taught:
            part, slant = _loss(problem, weights)
            total += part / len(taught)
            slope = slope + slant / len(taught)
        return total, slope

    bounds = [(0.0, 0.0) if column == without else (None, None) for column in range(signals)]
    found = minimize(
        loss,
        np.zeros(signals),
        jac=True,
        method="L-BFGS-B",
        bounds=bounds,
        options={"maxiter": STEPS},
    )
    return np.asarray(found.x, np.float64)


def _loss(problem: Problem, weights: Weights) -> tuple[float, Weights]:
    """Mean loss of a question's evidence, and its slope."""
    scores = problem.values @ weights
    raised = np.exp(scores - scores.max())
    good, bad = raised[problem.wanted], np.where(problem.wanted, 0.0, raised)
    against = bad.sum()
    missed = against / (good + against)
    slant = bad * float((1.0 / (good + against)).sum())
    slant[problem.wanted] = -missed
    return float(-np.log1p(-missed).mean()), problem.values.T @ slant / len(good)


def held_out(problems: Sequence[Problem], *, without: int | None = None) -> dict[str, Weights]:
    """For each conversation the weights fitted on all the others.

    Args:
        problems: Of at least two conversations.
        without: Column of a signal to do without.
    """
    names = dict.fromkeys(problem.conversation for problem in problems)
    return {
        name: fit([p for p in problems if p.conversation != name], without=without)
        for name in names
    }
