"""Writes the figures of a run as Markdown."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from benchmarks.generator.records import Category, World
from benchmarks.generator.run import Run
from benchmarks.generator.score import (
    HEADLINES,
    JUDGES,
    LOWER_IS_BETTER,
    REACHABLE,
    Figure,
    Sample,
    certainty,
    mean,
    score,
    taus,
)
from benchmarks.generator.systems import Outcomes
from benchmarks.retrieval.score import percentile

SERVED = "zettel"
"""The column of the server."""
_VERDICTS = ("found", "uncertain", "nothing_relevant")
_TOO_HARD = 0.2
"""A category in which both baselines stay below this tells nothing, like one that they solve."""

Columns = Mapping[str, Outcomes]
"""Name of a system -> what came of it."""


def write_report(world: World, columns: Columns, run: Run | None, *, head: str) -> str:
    """The report in Markdown, ready to stand beside others.

    Args:
        world: What was told and asked.
        columns: The systems in the order they are shown.
        run: The server's, for verdicts and costs; None where it was not run.
        head: How to repeat it, and on what it ran.
    """
    blocks = [
        f"## {world.name}\n\n{head}\n\n{_describe(world)}",
        _table(("category", "figure", "of", *columns), _figure_rows(world, columns)),
        _table(("category", "variant", "figure", "of", *columns), _variant_rows(columns)),
    ]
    if run is not None:
        blocks.append(_table(("asked", *_VERDICTS, "flagged"), _verdict_rows(run.outcomes.answers)))
        blocks.append(_table(("measure", "value"), _cost_rows(run)))
    if complaints := list(guard(world, columns)):
        blocks.append("\n".join(f"- **guard**: {line}" for line in complaints))
    return "\n\n".join(blocks) + "\n"


def run_lines(outcomes: Outcomes) -> Iterator[str]:
    """One line of JSON a question: what was asked, what came, how sure it was said to be."""
    for query, answer in outcomes.answers:
        line = {
            "query": query.id,
            "category": query.category,
            "variant": query.variant,
            "question": query.question,
            "evidence": query.evidence,
            "ranked": answer.ranked,
            "verdict": answer.verdict,
            "confidence": answer.confidence,
        }
        yield json.dumps(line, ensure_ascii=False)


def guard(world: World, columns: Columns) -> Iterator[str]:
    """Which categories are solved, or far too hard, for both baselines."""
    baselines = {name: _figures(world, columns[name]) for name in columns if name != SERVED}
    for category, name in REACHABLE.items():
        values = [figures[category, name].value for figures in baselines.values()]
        if values and min(values) == 1:
            yield f"{category} is solved by every baseline ({name} 100)"
        if values and max(values) < _TOO_HARD:
            yield f"{category} is below 20 for every baseline ({name} {100 * max(values):.0f})"


def _describe(world: World) -> str:
    counts = Counter(operation.op for operation in world.operations)
    told = ", ".join(f"{count} {op}" for op, count in sorted(counts.items()))
    return f"{len({d.conversation for d in world.documents})} namespaces; {told}"


def _figures(world: World, outcomes: Outcomes) -> Mapping[tuple[Category, str], Figure]:
    return score(outcomes, {document.id: document.conversation for document in world.documents})


def _figure_rows(world: World, columns: Columns) -> Iterator[Sequence[str]]:
    tables = [_figures(world, outcomes) for outcomes in columns.values()]
    for (category, name), figure in tables[0].items():
        label = f"{name} (0 is best)" if name in LOWER_IS_BETTER else name
        values = (_percent(table[category, name]) for table in tables)
        yield (category, label, str(figure.count), *values)


def _variant_rows(columns: Columns) -> Iterator[Sequence[str]]:
    """The headline of each category that has variants, for each of them."""
    first, *_ = columns.values()
    variants = dict.fromkeys(
        (query.category, query.variant)
        for query, _ in first.answers
        if query.category in HEADLINES and (query.question or query.secrets)
    )
    kinds = Counter(category for category, _ in variants)
    for category, variant in sorted(variants, key=lambda key: (int(key[0].split()[0]), key[1])):
        if kinds[category] > 1:
            figures = [_of_variant(o.answers, category, variant) for o in columns.values()]
            values = map(_percent, figures)
            yield (category, variant, HEADLINES[category], str(figures[0].count), *values)


def _of_variant(answers: Sequence[Sample], category: Category, variant: str) -> Figure:
    if category is Category.ABSTENTION:
        return certainty(answers, variant=variant)
    asked = [(q, a) for q, a in answers if (q.category, q.variant) == (category, variant)]
    if category is Category.ORDER:
        return mean([agreed for sample in asked for agreed in taus(*sample)])
    judge = JUDGES[category][HEADLINES[category]]
    return mean([judge(*sample) for sample in asked])


def _verdict_rows(answers: Sequence[Sample]) -> Iterator[Sequence[str]]:
    """Counts, and the share that is not `found`: right of what has no answer, wrong of the rest."""
    asked = [sample for sample in answers if sample[0].question]
    groups: dict[str, list[Sample]] = {
        "answerable, all": [s for s in asked if s[0].answerable],
        "answerable, one-slot": [s for s in asked if s[0].category is Category.SINGLE_HOP],
        "unanswerable, all": [s for s in asked if s[0].category is Category.ABSTENTION],
    }
    for sample in groups["unanswerable, all"]:
        groups.setdefault(f"unanswerable, {sample[0].variant}", []).append(sample)
    for label, samples in groups.items():
        counts = Counter(answer.verdict for _, answer in samples)
        flagged = mean([float(answer.verdict != "found") for _, answer in samples])
        yield (label, *(str(counts[verdict]) for verdict in _VERDICTS), _percent(flagged))


def _cost_rows(run: Run) -> Iterator[Sequence[str]]:
    for tool, times in run.milliseconds.items():
        middle, slow = percentile(times, 0.5), percentile(times, 0.95)
        yield (f"{tool} p50 / p95", f"{middle:.1f} / {slow:.1f} ms ({len(times)} calls)")
    yield ("recalls degraded", str(sum(answer.degraded for _, answer in run.outcomes.answers)))
    yield ("store on disk", f"{run.disk_bytes / 2**20:.1f} MiB")


def _percent(figure: Figure) -> str:
    return f"{100 * figure.value:.1f}" if figure.count else "-"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    aligned = ("---", *("---:" for _ in head[1:]))
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, aligned, *rows))
