"""The command: `python -m benchmarks.sizes`."""

import argparse
import logging
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import anyio

from benchmarks.retrieval.errors import BenchmarkError
from benchmarks.retrieval.machine import describe_machine
from benchmarks.sizes.measure import Sizes, measure

HEAD = (
    "| notes | ready after | resident | asked and told | peak | idle | CPU: a `recall` | a"
    " `remember`, evolved | on disk | backup | written in | restored in |"
)


class Options(argparse.Namespace):
    """What the command line says."""

    notes: list[int]
    seed: int


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and report.

    Args:
        arguments: The command line without the program; None takes this process's.

    Returns:
        The exit code: 0 done, 1 failed.
    """
    parser = argparse.ArgumentParser(prog="python -m benchmarks.sizes")
    parser.add_argument("--notes", type=int, nargs="+", default=[1000, 20000])
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments, namespace=Options())
    logging.basicConfig(level=logging.WARNING)
    try:
        rows = [_row(anyio.run(_measured, notes, options.seed)) for notes in options.notes]
    except BenchmarkError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    lines = (describe_machine(), "", HEAD, "| ---: " * 12 + "|", *rows)
    sys.stdout.write("\n".join(lines) + "\n")
    return 0


async def _measured(notes: int, seed: int) -> Sizes:
    with tempfile.TemporaryDirectory(prefix="zettel-sizes-") as folder:
        return await measure(notes, Path(folder), seed=seed)


def _row(of: Sizes) -> str:
    cells = (
        str(of.notes),
        f"{of.ready_s:.0f} s",
        *(f"{size / 2**20:.0f} MiB" for size in (of.resident, of.resident_asked, of.peak)),
        f"{of.idle:.1%}",
        f"{of.recall_s * 1000:.0f} ms",
        f"{of.remember_s * 1000:.0f} ms",
        *(f"{size / 1e6:.1f} MB" for size in (of.disk, of.backup)),
        f"{of.backup_s:.0f} s",
        f"{of.restore_s:.0f} s",
    )
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    sys.exit(main())
