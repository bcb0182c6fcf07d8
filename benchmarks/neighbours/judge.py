"""Judges what was measured, and writes it as Markdown."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from benchmarks.neighbours.measure import Waits
from benchmarks.retrieval.score import percentile

FACTOR = 3.0
"""Bound of a recall's p95 under abuse, over the quiet one (issue 22)."""
HEALTH_DELAY_S = 0.1
"""Bound of the delay of `/health`, over the slowest quiet answer (issue 22)."""
GUESS_MIN, GUESS_MAX = 0.4, 0.6
"""Share of right guesses: 50 +- 10 % (issue 22)."""
MEMORY_FACTOR = 1.25
"""Bound of the server's memory after the abuses, over that after the first quiet measurement."""
MB = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """Everything one run measured."""

    quiet: Sequence[Waits]
    abused: Sequence[Waits]
    memory: Mapping[str, int]
    """When -> resident bytes: `before`, `most` and `after`."""
    guesses: Mapping[str, float]
    """Sign -> share of right guesses."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """One bound, and whether it is kept."""

    name: str
    value: str
    bound: str
    kept: bool


def bounds(measured: Measured) -> list[Bound]:
    """Every bound of the run."""
    recalls = [taken for quiet in measured.quiet for taken in quiet.recall]
    least, slowest = percentile(recalls, 0.95), max(t for q in measured.quiet for t in q.health)
    found = list[Bound]()
    for waits in measured.abused:
        name = f"{waits.name}, {waits.connections} at once"
        p95, health = percentile(waits.recall, 0.95), max(waits.health)
        found.append(
            Bound(
                name=f"recall p95: {name}",
                value=f"{p95 * 1000:.0f} ms ({p95 / least:.1f} x quiet)",
                bound=f"<= {FACTOR * least * 1000:.0f} ms",
                kept=p95 <= FACTOR * least and not waits.failed,
            )
        )
        found.append(
            Bound(
                name=f"/health, slowest: {name}",
                value=f"{health * 1000:.0f} ms",
                bound=f"<= {(slowest + HEALTH_DELAY_S) * 1000:.0f} ms",
                kept=health <= slowest + HEALTH_DELAY_S,
            )
        )
    before, after = measured.memory["before"], measured.memory["after"]
    found.append(
        Bound(
            name="memory after it",
            value=f"{after / MB:.0f} MB",
            bound=f"<= {MEMORY_FACTOR * before / MB:.0f} MB",
            kept=after <= MEMORY_FACTOR * before,
        )
    )
    found += [
        Bound(
            name=f"right guesses by {sign}",
            value=f"{rate:.0%}",
            bound=f"{GUESS_MIN:.0%} to {GUESS_MAX:.0%}",
            kept=GUESS_MIN <= rate <= GUESS_MAX,
        )
        for sign, rate in measured.guesses.items()
    ]
    return found


def write_report(measured: Measured, *, command: str, machine: str) -> str:
    """The report in Markdown.

    Args:
        measured: The figures.
        command: How to repeat them.
        machine: Versions and hardware, one line.
    """
    all_waits = (*measured.quiet, *measured.abused)
    kept = bounds(measured)
    memory = ", ".join(f"{when} {size / MB:.0f} MB" for when, size in measured.memory.items())
    blocks = [
        f"# Neighbours\n\n`{command}`\n\n{machine}",
        "A second tenant's recall and `/health`, in milliseconds: p50 / p95 / slowest; and the "
        "server's memory afterwards.",
        _table(
            ("", "at once", "recalls", "recall", "/health", "refused", "MB"), map(_row, all_waits)
        ),
        f"Memory of the server: {memory}.",
        _table(
            ("bound", "measured", "allowed", "kept"),
            ((b.name, b.value, b.bound, "yes" if b.kept else "**no**") for b in kept),
        ),
    ]
    return "\n\n".join(blocks) + "\n"


def _row(waits: Waits) -> Sequence[str]:
    return (
        waits.name,
        str(waits.connections) if waits.connections else "",
        str(len(waits.recall)),
        _spread(waits.recall),
        _spread(waits.health),
        str(waits.failed),
        f"{waits.resident / MB:.0f}",
    )


def _spread(taken: Sequence[float]) -> str:
    figures = (percentile(taken, 0.5), percentile(taken, 0.95), max(taken))
    return " / ".join(f"{1000 * figure:.0f}" for figure in figures)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    aligned = ("---", *("---:" for _ in head[1:]))
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, aligned, *rows))
