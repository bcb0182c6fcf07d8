"""From answers to figures: pure, each a mean over questions, in `[0, 1]` but for tau."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from benchmarks.generator.records import Category, Query
from benchmarks.generator.systems import Answer, Outcomes
from benchmarks.retrieval.score import auroc

Judge = Callable[[Query, Answer], float]
Sample = tuple[Query, Answer]

SHALLOW, MIDDLE, DEEP = 5, 10, 20
"""Depths of the figures: what fits a glance, a page, a long page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One figure of one category."""

    value: float
    """In `[0, 1]`; tau in `[-1, 1]`."""
    count: int
    """Questions, tellings or pairs it is a mean of."""


def recall_at(depth: int) -> Judge:
    """Share of the evidence among the first; all of it counts."""

    def judge(query: Query, answer: Answer) -> float:
        return len(set(query.evidence) & set(answer.ranked[:depth])) / len(query.evidence)

    return judge


def all_at(depth: int) -> Judge:
    """Whether all evidence is among the first."""
    share = recall_at(depth)
    return lambda query, answer: float(share(query, answer) == 1)


def current(query: Query, answer: Answer) -> float:
    """Whether of all that was told of the slot what holds now comes first, among the first 10."""
    told = {*query.evidence, *query.stale}
    first = next((document for document in answer.ranked[:MIDDLE] if document in told), "")
    return float(first in query.evidence)


def stale(query: Query, answer: Answer) -> float:
    """Whether anything that was true once is among the first 10."""
    return float(bool(set(query.stale) & set(answer.ranked[:MIDDLE])))


def exact(query: Query, answer: Answer) -> float:
    """Whether exactly the evidence came."""
    return float(set(query.evidence) == set(answer.ranked))


def marked(query: Query, answer: Answer) -> float:
    """Whether the answer says of the evidence that it does not go together."""
    return float(frozenset(query.evidence) in answer.marked)


def right_first(query: Query, answer: Answer) -> float:
    """Whether the evidence is among the first 10 and before all that was rejected."""
    top = answer.ranked[:MIDDLE]
    ranks = [top.index(document) for document in query.evidence if document in top]
    wrongs = [top.index(document) for document in query.wrong if document in top]
    return float(bool(ranks) and min(ranks) < min(wrongs, default=MIDDLE))


def residue(query: Query, answer: Answer) -> float:
    """Whether a word of what was forgotten is anywhere in the answer."""
    text = answer.text.lower()
    return float(any(secret.lower() in text for secret in query.secrets))


def taus(query: Query, answer: Answer) -> list[float]:
    """For each pair of the evidence that was found, whether the answer's times order it.

    Returns:
        1 or -1 each; their mean over all questions is Kendall's tau of what was found.
    """
    place = {document: at for at, document in enumerate(answer.order)}
    found = [document for document in query.evidence if document in place]
    return [1.0 if place[a] < place[b] else -1.0 for a, b in combinations(found, 2)]


JUDGES: Mapping[Category, Mapping[str, Judge]] = {
    Category.SINGLE_HOP: {"R@1": recall_at(1), "R@5": recall_at(5), "R@10": recall_at(10)},
    Category.MULTI_HOP: {"all@10": all_at(MIDDLE), "R@10": recall_at(MIDDLE)},
    Category.LIST: {"R@20": recall_at(DEEP), "all@20": all_at(DEEP)},
    Category.UPDATE: {"current@1": current, "R@1": recall_at(1), "stale@10": stale},
    Category.CONFLICT: {"both@10": all_at(MIDDLE), "marked": marked},
    Category.POINT_IN_TIME: {"R@1": recall_at(1), "R@10": recall_at(MIDDLE), "stale@10": stale},
    Category.TEMPORAL: {"R@5": recall_at(SHALLOW), "R@10": recall_at(MIDDLE)},
    Category.ORDER: {"all@10": all_at(MIDDLE)},
    Category.FORGET: {"residue": residue},
    Category.INTERFERENCE: {"right first": right_first},
    Category.ISOLATION: {"R@1": recall_at(1)},
}
"""What is asked of each category's questions; those without words, and category 9, are apart."""

HEADLINES: Mapping[Category, str] = {
    Category.SINGLE_HOP: "R@5",
    Category.MULTI_HOP: "all@10",
    Category.LIST: "all@20",
    Category.UPDATE: "current@1",
    Category.CONFLICT: "both@10",
    Category.POINT_IN_TIME: "R@1",
    Category.TEMPORAL: "R@5",
    Category.ORDER: "tau",
    Category.ABSTENTION: "AUROC",
    Category.INTERFERENCE: "right first",
    Category.ISOLATION: "R@1",
}
"""The one figure that says most of a category; forgetting has none that more skill makes better."""
REACHABLE: Mapping[Category, str] = {
    **HEADLINES,
    Category.MULTI_HOP: "R@10",
    Category.POINT_IN_TIME: "R@10",
}
"""The figure that the baselines are held against: by nature a list finds several steps together, or
the value of a certain time first, by luck only."""
LOWER_IS_BETTER = frozenset({"stale@10", "residue", "false flags", "leakage"})


def score(outcomes: Outcomes, owners: Mapping[str, str]) -> dict[tuple[Category, str], Figure]:
    """All figures of a run.

    Args:
        outcomes: What came of the operations.
        owners: Document -> the namespace it was told in.
    """
    figures = dict[tuple[Category, str], Figure]()
    for category, judges in JUDGES.items():
        asked = [s for s in outcomes.answers if s[0].category is category and s[0].question]
        if category is Category.FORGET:
            asked = [sample for sample in outcomes.answers if sample[0].secrets]
        for name, judge in judges.items():
            figures[category, name] = mean([judge(*sample) for sample in asked])
    figures |= _apart(outcomes.answers)
    figures |= _of_writing(outcomes)
    figures[Category.ABSTENTION, "AUROC"] = certainty(outcomes.answers)
    leaks = [
        float(any(owners[document] != query.conversation for document in answer.ranked))
        for query, answer in outcomes.answers
    ]
    figures[Category.ISOLATION, "leakage"] = mean(leaks)
    return dict(sorted(figures.items(), key=lambda item: int(item[0][0].split()[0])))


def certainty(answers: Sequence[Sample], *, variant: str = "") -> Figure:
    """AUROC of the confidence: one-slot questions (category 1) against what nobody can answer.

    Args:
        answers: To any questions.
        variant: Of the unanswerable ones; empty takes all.
    """
    known = [a.confidence for q, a in answers if q.category is Category.SINGLE_HOP]
    unknown = [
        a.confidence
        for q, a in answers
        if q.category is Category.ABSTENTION and variant in ("", q.variant)
    ]
    return Figure(value=auroc(known, unknown), count=len(known) + len(unknown))


def mean(values: Sequence[float]) -> Figure:
    """The mean; 0 of none."""
    count = len(values)
    return Figure(value=math.fsum(values) / count if count else 0.0, count=count)


def _apart(answers: Sequence[Sample]) -> dict[tuple[Category, str], Figure]:
    windows = [exact(*sample) for sample in answers if sample[0].variant == "window filter"]
    told = [answer.text for query, answer in answers if query.variant == "history"]
    asked = [query for query, _ in answers if query.variant == "history"]
    kept = [
        float(all(value in text for value in query.answer.split("; ")))
        for query, text in zip(asked, told, strict=True)
    ]
    pairs = [t for q, a in answers if q.category is Category.ORDER for t in taus(q, a)]
    return {
        (Category.ORDER, "tau"): mean(pairs),
        (Category.UPDATE, "history kept"): mean(kept),
        (Category.TEMPORAL, "window exact"): mean(windows),
    }


def _of_writing(outcomes: Outcomes) -> dict[tuple[Category, str], Figure]:
    hits = [float(t.replaces in near[:SHALLOW]) for t, near in outcomes.tellings if t.replaces]
    flags = [float(t.resembles in near[:SHALLOW]) for t, near in outcomes.tellings if t.resembles]
    meant = [float(set(f.documents) == set(found)) for f, found in outcomes.forgettings]
    return {
        (Category.CONFLICT, "candidate hit@5"): mean(hits),
        (Category.CONFLICT, "false flags"): mean(flags),
        (Category.FORGET, "preview exact"): mean(meant),
    }
