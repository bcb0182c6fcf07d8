"""Writes what a hammering came to as Markdown."""

from collections.abc import Iterator, Sequence
from itertools import groupby

from benchmarks.retrieval.score import auroc, percentile
from benchmarks.soak.ears import NOTIFIED
from benchmarks.soak.hammer import LANES, Plan
from benchmarks.soak.intruder import ELSEWHERE, NEVER
from benchmarks.soak.judge import Judgement
from benchmarks.torture.report import SHOWN, table

LOOKS = 10
"""Moments of the run at which its memory is shown."""


def write_judgement(judgement: Judgement, plan: Plan, *, command: str, machine: str) -> str:
    """The report in Markdown, ready to stand beside others.

    Args:
        judgement: What it came to.
        plan: How it was done.
        command: How to repeat it, seed included.
        machine: Versions and hardware, one line.
    """
    blocks = [
        f"# Two tenants at one server\n\n`{command}`\n\n{machine}",
        f"One `zettel serve`, {len(LANES)} clients of two tenants and of one who may write to the "
        f"namespaces of both, over HTTP and SSE in both eras, for {plan.seconds:.0f} seconds, then "
        "SIGTERM while they call. The store is read anew afterwards.",
        table(("call", "calls", "p50 ms", "p95 ms", "most ms"), _times(judgement)),
        table(("resident memory", "MB"), _memory(judgement)),
        table(("what happened", ""), _happened(judgement)),
        table(("what went wrong", ""), _wrong(judgement)),
    ]
    if problems := judgement.problems:
        blocks.append("\n".join(f"- {problem}" for problem in problems[:SHOWN]))
    return "\n\n".join(blocks) + "\n"


def _times(judgement: Judgement) -> Iterator[Sequence[str]]:
    for name, times in sorted(judgement.taken.items()):
        shown = (percentile(times, 0.5), percentile(times, 0.95), max(times))
        yield (name, str(len(times)), *(f"{1000 * seconds:.0f}" for seconds in shown))


def _told_apart(judgement: Judgement) -> Iterator[Sequence[str]]:
    elsewhere, never = (judgement.taken.get(name, ()) for name in (ELSEWHERE, NEVER))
    if elsewhere and never:
        area = auroc(elsewhere, never)
        yield ("an id elsewhere told from one that never was, by time (AUROC)", f"{area:.2f}")


def _memory(judgement: Judgement) -> Iterator[Sequence[str]]:
    whole = judgement.resident[-1][0]
    slots = groupby(judgement.resident, lambda look: int(LOOKS * look[0] / (whole + 1)))
    for _, looks in slots:
        at, resident = max(looks)
        yield (f"after {at:.0f} s", f"{resident / 1e6:.0f}")
    yield ("most at the end over most when warm", f"{judgement.growth:.3f}")


def _happened(judgement: Judgement) -> Iterator[Sequence[str]]:
    heard = judgement.heard
    yield ("questions about the other tenant's things", str(heard["questions"]))
    yield ("of those refused", str(heard["refused"]))
    yield from _told_apart(judgement)
    yield ("notifications", str(heard[NOTIFIED]))
    yield ("MB heard", f"{heard['bytes'] / 1e6:.1f}")
    for name, count in sorted(heard.items()):
        if name.startswith("HTTP "):
            yield (name, str(count))
    for name, count in judgement.verdict.counts.items():
        yield (name, str(count))


def _wrong(judgement: Judgement) -> Iterator[Sequence[str]]:
    flaws = judgement.verdict.flaws
    yield ("leaks", str(len(judgement.leaks)))
    yield ("server errors", str(len(judgement.failures)))
    yield ("acknowledged and lost", str(len(flaws.lost)))
    yield ("doubled", str(len(flaws.doubled)))
    yield ("forgotten and back", str(len(flaws.resurrected)))
    yield ("half done", str(len(flaws.torn)))
    yield ("failed recalls", str(len(judgement.verdict.failed_reads)))
    yield ("errors nobody could expect", str(len(judgement.verdict.failed)))
    yield ("found by `zettel doctor`", str(len(judgement.damage)))
