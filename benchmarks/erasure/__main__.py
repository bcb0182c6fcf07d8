"""`python -m benchmarks.erasure`: the table goes to stdout, progress to stderr."""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import anyio

from benchmarks.erasure.measure import Taken, measure
from benchmarks.retrieval.machine import describe_machine

SIZES = (1, 1_000, 20_000)
"""Notes of a store: the issue's."""


class Options(argparse.Namespace):
    """The command line."""

    notes: list[int]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and report.

    Args:
        arguments: The command line without the program; None takes this process's.

    Returns:
        The exit code: 0 done, 1 something was left of an erased note.
    """
    parser = argparse.ArgumentParser(prog="benchmarks.erasure", description=__doc__)
    parser.add_argument("--notes", type=int, nargs="+", default=list(SIZES), help="of the stores")
    options = parser.parse_args(arguments, namespace=Options())
    taken = [
        _measured(notes, erased, indexed)
        for notes in options.notes
        for erased in sorted({1, min(100, notes), notes})
        for indexed in (False, True)
    ]
    sys.stdout.write(write_report(taken))
    return int(any(one.held_after for one in taken))


def _measured(notes: int, erased: int, indexed: bool) -> Taken:
    with tempfile.TemporaryDirectory(prefix="zettel-erasure-") as folder:
        place = Path(folder) / "store"

        async def run() -> Taken:
            return await measure(place, notes=notes, erased=erased, indexed=indexed)

        taken = anyio.run(run)
    sys.stderr.write(f"{taken}\n")
    return taken


def write_report(taken: Sequence[Taken]) -> str:
    """The table, for RESULTS.md."""
    times = "out of sight, s | gone, s | looked, s"
    head = f"notes | erased | indexed | {times} | files before | after | MB"
    lines = [f"| {head} |", "|---:|---:|---|---:|---:|---:|---:|---:|---:|"]
    for one in taken:
        index, disk = "yes" if one.indexed else "no", one.disk_bytes / 1e6
        lines.append(
            f"| {one.notes:,} | {one.erased:,} | {index} | {one.invisible_s:.2f} |"
            f" {one.physical_s:.2f} | {one.looking_s:.2f} | {one.held_before} |"
            f" {one.held_after} | {disk:.1f} |"
        )
    return "\n".join([describe_machine(), "", *lines, ""])


if __name__ == "__main__":
    sys.exit(main())
