"""The weights of the verdict's figures by logistic regression, each set left out in turn."""

# scipy ships no types.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false

from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from benchmarks.verdict.gather import Judged
from zettel.tools.ranking.confidence import judge, weigh
from zettel.tools.ranking.estimate import ABSENT

RIDGE = 3e-4
"""Weight of the squared weights, of figures scaled by their deviation, in the loss. Ten times as
much loses half a point of AUROC."""
UNSURE_SHARE = 0.08
"""Share of the answerable, over the sets, that may come without `found`: sets the offset."""

Values = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sample:
    """A set of questions as figures."""

    figures: Values
    """Shape `(questions, figures)`."""
    estimated: Flags
    """Whether the verdict is made of the figures: not in a talk, and without an exact term."""
    confidence: Values
    """Of the judge as it is."""
    nothing: Flags
    """Whether its verdict is `nothing_relevant`."""
    answerable: Flags


def measure(judged: Sequence[Judged]) -> Sample:
    """Reduce the questions of a set to figures."""
    figures, verdicts = list[tuple[float, ...]](), list[tuple[float, bool]]()
    for one in judged:
        asked = one.question, one.ranking, one.meaning, one.ranked
        own_names = one.more["own_names"]
        # Filters may leave no note, of which there is nothing to weigh.
        seen = weigh(*asked, own_names=own_names).figures if one.ranked else ABSENT
        sure = judge(*asked, **one.more)
        figures.append(astuple(seen))
        verdicts.append((sure.confidence, sure.verdict == "nothing_relevant"))
    return Sample(
        figures=np.array(figures),
        estimated=np.array(
            [
                not one.ranking.corpus.conversation
                and bool(one.ranked)
                and "exact" not in one.ranked[0].shares
                for one in judged
            ],
            np.bool_,
        ),
        confidence=np.array([confidence for confidence, _ in verdicts]),
        nothing=np.array([nothing for _, nothing in verdicts], np.bool_),
        answerable=np.array([one.answerable for one in judged], np.bool_),
    )


def fit(samples: Sequence[Sample]) -> Values:
    """Weights and offset, shape `(figures + 1,)`; each set, and in it both classes, count the same.

    No weight is negative: each figure speaks for an answer.
    """
    values = np.vstack([s.figures[s.estimated] for s in samples])
    known = np.concatenate([s.answerable[s.estimated] for s in samples])
    counts = np.concatenate([_counts(s.answerable[s.estimated]) for s in samples])
    counts /= counts.sum()
    sides = np.where(known, 1.0, -1.0)
    spread = np.sqrt(counts @ (values - counts @ values) ** 2) + 1e-9

    def loss(weights: Values) -> tuple[float, Values]:
        scaled = weights[:-1] * spread
        surely = sides * (values @ weights[:-1] + weights[-1])
        slope = -counts * sides / (1 + np.exp(surely))
        total = float(counts @ np.logaddexp(0, -surely) + RIDGE * scaled @ scaled)
        return total, np.append(values.T @ slope + 2 * RIDGE * scaled * spread, slope.sum())

    size = values.shape[1]
    bounds = [(0.0, None)] * size + [(None, None)]
    found = minimize(loss, np.zeros(size + 1), jac=True, method="L-BFGS-B", bounds=bounds)
    return np.asarray(found.x, np.float64)


def _counts(known: Flags) -> Values:
    return np.where(known, 1 / max(known.sum(), 1), 1 / max((~known).sum(), 1))


def offset(samples: Sequence[Sample], scores: Sequence[Values]) -> float:
    """What to add to scores so that `UNSURE_SHARE` of the answerable lies below 0, set by set."""
    estimated = [
        score[sample.estimated & sample.answerable]
        for sample, score in zip(samples, scores, strict=True)
    ]
    steps = np.sort(np.concatenate(estimated))
    shares = [float(np.mean([(score < step).mean() for score in estimated])) for step in steps]
    return -float(steps[int(np.abs(np.array(shares) - UNSURE_SHARE).argmin())])


def left_out(samples: Mapping[str, Sample]) -> dict[str, Values]:
    """Each set's scores under weights that are fitted on all others; found from 0 on.

    A set without estimated questions keeps the logit of its confidence.
    """
    able = {name: s for name, s in samples.items() if _fits(s)}
    scores = dict[str, Values]()
    for name, sample in able.items():
        weights = fit([other for known, other in able.items() if known != name])
        scores[name] = sample.figures @ weights[:-1]
    shift = offset(list(able.values()), list(scores.values()))
    return {name: _whole(s, scores[name] + shift) for name, s in able.items()}


def _fits(sample: Sample) -> bool:
    known = sample.answerable[sample.estimated]
    return bool(known.any() and not known.all())


def _whole(sample: Sample, scores: Values) -> Values:
    """The scores, and the judge's own where it does not estimate."""
    sure = np.clip(sample.confidence, 1e-6, 1 - 1e-6)
    return np.where(sample.estimated, scores, np.log(sure / (1 - sure)))


def fitted(samples: Mapping[str, Sample]) -> Values:
    """Weights fitted on all sets, with the offset that `UNSURE_SHARE` asks for."""
    able = [s for s in samples.values() if _fits(s)]
    weights = fit(able)
    weights[-1] = offset(able, [s.figures @ weights[:-1] for s in able])
    return weights
