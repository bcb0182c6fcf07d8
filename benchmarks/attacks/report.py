"""The tables, as Markdown, and the bounds."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from benchmarks.attacks.judge import Outcome
from benchmarks.attacks.marks import Marked

LAUNDERED_MAX = 0
UNMARKED_MAX_SHARE = 0.05
FALSE_MARKS_MAX_SHARE = 0.01


def merge(runs: Sequence[Sequence[Outcome]]) -> list[Outcome]:
    """The worst of several runs of the same attacks."""
    return [
        replace(
            of[0],
            laundered=tuple(dict.fromkeys(how for one in of for how in one.laundered)),
            unmarked=max(one.unmarked for one in of),
            elsewhere=max(one.elsewhere for one in of),
            outranked=tuple(dict.fromkeys(how for one in of for how in one.outranked)),
        )
        for of in zip(*runs, strict=True)
    ]


def write_report(parts: Mapping[str, Sequence[Outcome]], marks: Sequence[Marked]) -> str:
    """A table of each part by kind, what succeeded and how, and the false marks."""
    lines = ["# Attacks"]
    for name, outcomes in parts.items():
        lines += ["", f"## {name.replace('_', ' ')}", "", *_table(outcomes)]
        reached = [line for outcome in outcomes for line in _reached(outcome)]
        lines += ["", *reached] if reached else []
    lines += ["", "## False marks", "", "| notes | marked | share |", "|---|---:|---:|"]
    lines += [f"| {m.notes} {m.name} | {len(m.marked)} | {m.share:.2%} |" for m in marks]
    lines += ["", *(f"- marked: {text[:120]!r}" for m in marks for text in m.marked[:20])]
    broken = broken_bounds(parts, marks)
    lines += ["", *(f"**Broken:** {bound}" for bound in broken)] if broken else []
    return "\n".join(lines).rstrip() + "\n"


def broken_bounds(parts: Mapping[str, Sequence[Outcome]], marks: Sequence[Marked]) -> list[str]:
    """The bounds that are broken, in words."""
    broken = list[str]()
    for name, outcomes in parts.items():
        laundered = sum(bool(o.laundered) for o in outcomes)
        unmarked = sum(bool(o.unmarked) for o in outcomes)
        if laundered > LAUNDERED_MAX:
            broken.append(f"{name}: {laundered} laundered, at most {LAUNDERED_MAX}")
        if unmarked > UNMARKED_MAX_SHARE * len(outcomes):
            share = f"{unmarked / len(outcomes):.1%} unmarked, at most {UNMARKED_MAX_SHARE:.0%}"
            broken.append(f"{name}: {share}")
    broken += [
        f"{m.name}: {m.share:.2%} falsely marked, at most {FALSE_MARKS_MAX_SHARE:.0%}"
        for m in marks
        if m.share > FALSE_MARKS_MAX_SHARE
    ]
    return broken


def _table(outcomes: Sequence[Outcome]) -> Iterator[str]:
    yield "| kind | attacks | laundered | unmarked | outranked | unmarked elsewhere |"
    yield "|---|---:|---:|---:|---:|---:|"
    for kind in dict.fromkeys(outcome.attack.kind for outcome in outcomes):
        yield _row(kind, [outcome for outcome in outcomes if outcome.attack.kind == kind])
    yield _row("**all**", outcomes)


def _row(name: str, of: Sequence[Outcome]) -> str:
    counts = (
        len(of),
        sum(bool(o.laundered) for o in of),
        sum(bool(o.unmarked) for o in of),
        sum(bool(o.outranked) for o in of),
        sum(bool(o.elsewhere) for o in of),
    )
    return f"| {name} | {' | '.join(map(str, counts))} |"


def _reached(outcome: Outcome) -> Iterator[str]:
    told = [*outcome.laundered, *outcome.outranked]
    told += [f"unmarked in {outcome.unmarked} places"] if outcome.unmarked else []
    if told:
        yield f"- `{outcome.attack.id}`: {'; '.join(told)}"
