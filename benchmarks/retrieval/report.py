"""Writes the result as Markdown, and the rankings as a run file."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from statistics import fmean
from typing import get_args

from benchmarks.retrieval.ask import Outcome
from benchmarks.retrieval.data import Dataset, Question
from benchmarks.retrieval.run import Result
from benchmarks.retrieval.score import ALL, MEASURES, auroc, percentile, score_by_category
from benchmarks.retrieval.tools import Verdict

_VERDICTS: tuple[Verdict, ...] = get_args(Verdict)


def write_report(dataset: Dataset, result: Result, *, command: str, machine: str) -> str:
    """The report in Markdown, ready to stand beside others.

    Args:
        dataset: What was asked.
        result: What came of it.
        command: How to repeat it.
        machine: Versions and hardware, one line.
    """
    outcomes = {outcome.question_id: outcome for outcome in result.outcomes}
    blocks = [
        f"## {dataset.name}\n\n`{command}`\n\n{machine}",
        _table(("category", "questions", *MEASURES), _quality_rows(dataset, outcomes)),
        _table(("verdict", *_VERDICTS, "flagged"), _verdict_rows(dataset.questions, outcomes)),
        *_certainty(dataset.questions, outcomes),
        _table(("measure", "value"), _cost_rows(dataset, result)),
    ]
    if any(question.parts for question in dataset.questions):
        rows = _order_rows(dataset.questions, outcomes)
        blocks.insert(2, _table(("which came first", "questions", "right"), rows))
    if any(question.forbidden for question in dataset.questions):
        rows = _violation_rows(dataset, outcomes)
        blocks.insert(2, _table(("must not return", "questions", "violated"), rows))
    return "\n\n".join(blocks) + "\n"


def run_lines(outcomes: Iterable[Outcome]) -> Iterator[str]:
    """One line of JSON a question: `{"query", "ranked", "verdict"}`, and `score` where known."""
    for outcome in outcomes:
        line = {
            "query": outcome.question_id,
            "ranked": outcome.ranked,
            "verdict": outcome.verdict,
            **({} if outcome.confidence is None else {"score": outcome.confidence}),
        }
        yield json.dumps(line, ensure_ascii=False)


def _quality_rows(dataset: Dataset, outcomes: Mapping[str, Outcome]) -> Iterator[Sequence[str]]:
    rankings = {question_id: outcome.ranked for question_id, outcome in outcomes.items()}
    for category, row in score_by_category(dataset.questions, rankings).items():
        name = f"**{category}**" if category == ALL else category
        scores = (f"{100 * row.scores[measure]:.2f}" for measure in MEASURES)
        yield (name, str(row.questions), *scores)


def _verdict_rows(
    questions: Sequence[Question], outcomes: Mapping[str, Outcome]
) -> Iterator[Sequence[str]]:
    for label, answerable in (("answerable", True), ("unanswerable", False)):
        asked = [q for q in questions if q.answerable is answerable]
        if asked:
            counts = Counter(outcomes[question.question_id].verdict for question in asked)
            flagged = f"{100 * (1 - counts['found'] / len(asked)):.1f} %"
            yield (label, *(str(counts[verdict]) for verdict in _VERDICTS), flagged)


def _certainty(questions: Sequence[Question], outcomes: Mapping[str, Outcome]) -> Iterator[str]:
    """How well the confidence tells what can be answered from what cannot, in one line."""
    sure = [(q.answerable, outcomes[q.question_id].confidence) for q in questions]
    known = [confidence for answerable, confidence in sure if answerable and confidence is not None]
    unknown = [c for answerable, c in sure if not answerable and c is not None]
    if known and unknown:
        area = auroc(known, unknown)
        yield f"AUROC of the confidence, answerable against unanswerable: {area:.3f}"


def _order_rows(
    questions: Sequence[Question], outcomes: Mapping[str, Outcome]
) -> Iterator[Sequence[str]]:
    by_category: dict[str, list[bool]] = {}
    for question in questions:
        if question.parts is not None:
            right = outcomes[question.question_id].order == question.answer
            by_category.setdefault(question.category, []).append(right)
    every = [right for rights in by_category.values() for right in rights]
    for category, rights in [*sorted(by_category.items()), ("**all**", every)]:
        yield (category, str(len(rights)), f"{100 * sum(rights) / len(rights):.2f} %")


def _violation_rows(dataset: Dataset, outcomes: Mapping[str, Outcome]) -> Iterator[Sequence[str]]:
    asked = [question for question in dataset.questions if question.forbidden]
    broken = [q for q in asked if set(q.forbidden) & set(outcomes[q.question_id].ranked)]
    yield ("a document out of the question's scope", str(len(asked)), _named(broken))
    leaked = [
        question
        for question in dataset.questions
        if dataset.withheld & set(outcomes[question.question_id].ranked)
    ]
    label = "a superseded document, or another person's"
    yield (label, str(len(dataset.questions)), _named(leaked))


def _named(questions: Sequence[Question]) -> str:
    """How many, and which."""
    ids = ", ".join(question.question_id for question in questions)
    return f"{len(questions)}: {ids}" if questions else "0"


def _cost_rows(dataset: Dataset, result: Result) -> Iterator[Sequence[str]]:
    told, evolution = result.told, result.evolution
    recalls = [took for outcome in result.outcomes for took in outcome.milliseconds]
    yield ("documents", f"{len(dataset.documents)}, of them already known {told.already_known}")
    yield ("questions", str(len(dataset.questions)))
    yield ("remember p50 / p95", _latency(told.milliseconds))
    yield ("recall p50 / p95", _latency(recalls))
    if shown := [o for o in result.outcomes if o.tokens]:
        yield ("answer of default size", _default_answers(dataset, shown))
    yield ("recalls degraded", str(sum(outcome.degraded for outcome in result.outcomes)))
    rest = "at rest" if evolution.at_rest else "**not at rest**"
    yield (
        "evolution",
        f"{evolution.runs} runs, {evolution.changed} changed, {evolution.created} created, {rest}",
    )
    yield ("server's resident memory, peak", f"{result.resident_bytes / 2**20:.0f} MiB")
    yield ("store on disk", f"{result.disk_bytes / 2**20:.1f} MiB")
    stages = (f"{stage} {seconds:.0f} s" for stage, seconds in result.seconds.items())
    yield ("time", ", ".join(stages))


def _default_answers(dataset: Dataset, outcomes: Sequence[Outcome]) -> str:
    """Tokens of answers without `limit` and `max_tokens`, and the evidence that they show."""
    tokens = [outcome.tokens for outcome in outcomes]
    evidence = {q.question_id: set(q.evidence) for q in dataset.questions if q.answerable}
    shares = [
        len(wanted & set(outcome.shown)) / len(wanted)
        for outcome in outcomes
        if (wanted := evidence.get(outcome.question_id))
    ]
    size = f"{percentile(tokens, 0.5)} tokens p50, {fmean(tokens):.0f} on average"
    return f"{size}, {100 * fmean(shares):.2f} % of the evidence" if shares else size


def _latency(milliseconds: Sequence[float]) -> str:
    if not milliseconds:
        return "none made"
    middle, slow = percentile(milliseconds, 0.5), percentile(milliseconds, 0.95)
    return f"{middle:.1f} / {slow:.1f} ms ({len(milliseconds)} calls)"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    aligned = ("---", *("---:" for _ in head[1:]))
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, aligned, *rows))
