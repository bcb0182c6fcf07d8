"""The tables of a measurement, as Markdown."""

from collections.abc import Mapping

from benchmarks.evolution.broad import Broad
from benchmarks.evolution.days import Days
from benchmarks.evolution.gists import HELD, Answers, Measured


def write_report(name: str, measured: Measured) -> str:
    """What composed notes cover, and what was folded.

    Args:
        name: Of the data set.
        measured: Everything.
    """
    return "\n".join(
        [
            f"# Gists and concepts on {name}",
            "",
            "| answers with | evidence cited per 1,000 tokens | evidence held (words"
            f" >= {HELD:.0%}) per 1,000 tokens | tokens a question |",
            "|---|---|---|---|---|",
            _density("notes", measured.narrow),
            _density("gists and concepts", measured.composed),
            "",
            f"Composed: {', '.join(f'{count} {sort}' for sort, count in measured.made.items())}.",
            f"Folded: {measured.folding.folded} of {measured.folding.told_twice} notes told twice;"
            f" evidence lost: {measured.folding.lost} of {measured.folding.evidence}.",
            "",
        ]
    )


def write_days(days: Days) -> str:
    """How many answers that are one day the evidence carries."""
    return (
        f"Answers that are one day: {days.asked}; carried by a time that the evidence speaks of:"
        f" {days.resolved}; by the day it was told alone: {days.told_then}.\n"
    )


def write_broad(found: Mapping[str, Broad]) -> str:
    """What notes and composed notes bring for each sort of broad question.

    Args:
        found: Sort -> both ways of asking.
    """
    lines = [
        "# Broad questions",
        "",
        "| question for | asked | answers with | evidence cited per 1,000 tokens | evidence held"
        f" (words >= {HELD:.0%}) per 1,000 tokens | evidence quoted per 1,000 tokens"
        " | tokens a question |",
        "|---|---|---|---|---|---|---|",
    ]
    for sort, both in found.items():
        count = len(both.notes.recall[sort])
        for name, answers in (("notes", both.notes), ("gists and concepts", both.composed)):
            lines.append(f"| {sort} | {count} {_density(name, answers)}")
    return "\n".join([*lines, ""])


def _density(name: str, answers: Answers) -> str:
    questions = sum(map(len, answers.recall.values()))
    return (
        f"| {name} | {answers.per_thousand(answers.cited):.2f}"
        f" | {answers.per_thousand(answers.held):.2f}"
        f" | {answers.per_thousand(answers.quoted):.2f} | {answers.tokens / questions:.0f} |"
    )
