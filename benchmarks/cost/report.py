"""Writes what was measured as Markdown, each verb beside what it may cost."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from benchmarks.cost.measure import UPKEEP_ROUNDS, Pair
from benchmarks.cost.tending import EVOLVED, Tending
from benchmarks.retrieval.score import percentile

WRITE_FACTOR = 1.5
"""Bound of `remember` and `update`: so often encoding and the bare commit (issue 4)."""
ASK_FACTOR = 1.5
"""Bound of `recall` through an attachment: so often encoding and both bare queries (issue 5)."""
BACK_FACTOR = 1.3
"""Bound of a recall that looks back: so often one that does not (issue 4)."""
BUSY_FACTOR = 2.0
"""Bound of recall's 95th percentile while a run works: so often that of an idle store (issue 6)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """Everything measured at one size."""

    notes: int
    remember: Pair
    update: Pair
    back: Pair
    ask: Pair
    tending: Tending


def write_report(sizes: Sequence[Measured], *, command: str, machine: str) -> str:
    """The report in Markdown, ready to stand beside others.

    Args:
        sizes: The figures, a size each.
        command: How to repeat them.
        machine: Versions and hardware, one line.
    """
    blocks = [
        f"# Cost\n\n`{command}`\n\n{machine}",
        "Taken in turn in one run: p50, and p95 in brackets. Both tables are compacted after"
        f" every {UPKEEP_ROUNDS} rounds.",
        _table(
            ("notes", "", "zettel", "compared with", "ratio", "bound", "kept"),
            (row for size in sizes for row in _bounds(size)),
        ),
        _table(
            (
                *("notes", "encode", "`add`", "`merge_insert`", "`recall`", "candidates"),
                *(f"upkeep, {UPKEEP_ROUNDS} commits", f"evolving {EVOLVED}", "resident"),
            ),
            map(_beside, sizes),
        ),
    ]
    return "\n\n".join(blocks) + "\n"


def kept_bounds(sizes: Sequence[Measured]) -> bool:
    """Whether every bound of the issue holds."""
    return all(row[-1] == "yes" for size in sizes for row in _bounds(size))


def _bounds(size: Measured) -> Iterator[Sequence[str]]:
    bare = "encode, `add`"
    yield _row(size.notes, "`remember`", size.remember, bare, WRITE_FACTOR)
    bare = "encode, `merge_insert`"
    yield _row(size.notes, "`update`", size.update, bare, WRITE_FACTOR)
    bare = "encode, vectors, full text"
    yield _row(size.notes, "`recall`, attached", size.ask, bare, ASK_FACTOR)
    yield _row(size.notes, "`recall(known_at)`", size.back, "`recall`", BACK_FACTOR)
    tending = size.tending
    yield (
        str(size.notes),
        f"`recall`, p95, amid evolution ({len(tending.busy)} times)",
        _milliseconds(tending.busy),
        f"`recall` {_milliseconds(tending.idle)}",
        f"{tending.slower:.2f}",
        f"≤ {BUSY_FACTOR}",
        "yes" if tending.slower <= BUSY_FACTOR else "**no**",
    )


def _row(notes: int, name: str, pair: Pair, other: str, factor: float) -> Sequence[str]:
    return (
        str(notes),
        f"{name} ({len(pair.ours)} times)",
        _milliseconds(pair.ours),
        f"{other} {_milliseconds(pair.other)}",
        f"{pair.ratio:.2f}",
        f"≤ {factor}",
        "yes" if pair.ratio <= factor else "**no**",
    )


def _beside(size: Measured) -> Sequence[str]:
    encode = [encode for encode, _ in (*size.remember.parts, *size.update.parts)]
    asked = len(size.remember.ours) + len(size.update.ours)
    found = size.remember.candidates + size.update.candidates
    return (
        str(size.notes),
        _milliseconds(encode),
        _milliseconds([commit for _, commit in size.remember.parts]),
        _milliseconds([commit for _, commit in size.update.parts]),
        _milliseconds(size.back.other),
        f"in {found} of {asked} answers",
        f"{size.tending.upkeep_ms:.0f} ms",
        f"{size.tending.evolve_ms / 1000:.1f} s",
        f"{size.tending.resident_mb:.0f} MB",
    )


def _milliseconds(values: Sequence[float]) -> str:
    return f"{percentile(values, 0.5):.1f} ms ({percentile(values, 0.95):.1f})"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    aligned = ("---:", *("---:" for _ in head[1:]))
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, aligned, *rows))
