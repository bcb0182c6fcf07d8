"""Retrieval measures over rankings of document ids: pure, each in `[0, 1]`.

Every evidence counts: a question with two has recall@k of a half when one is among the first k.
A document counts once, where it first stands. Questions that are unanswerable or have no evidence
are no part of any average; a question without a ranking counts as an empty one.
"""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from benchmarks.retrieval.data import Question

RECALL_DEPTHS = (1, 5, 10, 20)
_HIT_DEPTH = 5
_GAIN_DEPTH = 10

MEASURES = (*(f"recall@{k}" for k in RECALL_DEPTHS), "hit@5", "nDCG@10", "MRR")
"""Names of the measures, in the order they are shown."""
ALL = "all answerable"
"""The row of every question that counts; for LoCoMo its categories 1 to 4."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """Averages over the questions of one category."""

    questions: int
    scores: Mapping[str, float]
    """By name of measure, in `[0, 1]`."""


def score_ranking(ranked: Sequence[str], evidence: Collection[str]) -> dict[str, float]:
    """Measure one ranking.

    Args:
        ranked: Document ids, best first.
        evidence: Ids of the documents that answer; at least one.

    Returns:
        Each of `MEASURES`: share of the evidence among the first k, whether any is among the
        first 5, nDCG of the first 10 with gains of 0 and 1 (Järvelin and Kekäläinen 2002), and
        the reciprocal rank of the first.
    """
    wanted = set(evidence)
    ranks = [rank for rank, found in enumerate(dict.fromkeys(ranked)) if found in wanted]
    gained = sum(_discount(rank) for rank in ranks if rank < _GAIN_DEPTH)
    ideal = sum(_discount(rank) for rank in range(min(_GAIN_DEPTH, len(wanted))))
    values = [sum(rank < depth for rank in ranks) / len(wanted) for depth in RECALL_DEPTHS]
    values.append(1.0 if ranks and ranks[0] < _HIT_DEPTH else 0.0)
    values.append(gained / ideal)
    values.append(1 / (ranks[0] + 1) if ranks else 0.0)
    return dict(zip(MEASURES, values, strict=True))


def score_by_category(
    questions: Sequence[Question], rankings: Mapping[str, Sequence[str]]
) -> dict[str, Row]:
    """Average over each category, in alphabetical order, and last over `ALL`.

    Args:
        questions: The questions asked.
        rankings: Document ids, best first, by question id.

    Returns:
        A row by category; a category none of whose questions counts is left out, and with no
        counting question at all so is `ALL`.
    """
    scores: dict[str, list[dict[str, float]]] = {}
    for question in questions:
        if question.answerable and question.evidence:
            score = score_ranking(rankings.get(question.question_id, ()), question.evidence)
            scores.setdefault(question.category, []).append(score)
    rows = {category: _average(scores[category]) for category in sorted(scores)}
    if scores:
        rows[ALL] = _average([score for category in scores.values() for score in category])
    return rows


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least a share of the values does not exceed (nearest rank).

    Args:
        values: Any unit; at least one.
        share: In `(0, 1]`.
    """
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def _discount(rank: int) -> float:
    return 1 / math.log2(rank + 2)


def _average(scores: Sequence[Mapping[str, float]]) -> Row:
    count = len(scores)
    # math.fsum is exact before its one rounding, so an average of ones is one.
    means = {name: math.fsum(score[name] for score in scores) / count for name in MEASURES}
    return Row(questions=count, scores=means)


def auroc(positives: Collection[float], negatives: Collection[float]) -> float:
    """How often a positive is above a negative, ties counting half; 0.5 where either lacks."""
    if not positives or not negatives:
        return 0.5
    wins = sum((p > n) + (p == n) / 2 for p in positives for n in negatives)
    return wins / (len(positives) * len(negatives))
