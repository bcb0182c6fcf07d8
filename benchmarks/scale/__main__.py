"""`python -m benchmarks.scale DATA`: the table goes to stdout, progress to stderr."""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean

import anyio
import numpy as np

from benchmarks.retrieval.data import Dataset
from benchmarks.retrieval.errors import BenchmarkError
from benchmarks.retrieval.machine import describe_machine
from benchmarks.retrieval.read import read_dataset
from benchmarks.scale.needles import Needles, Side, measure
from zettel.storage.embedding.model_files import find_model
from zettel.storage.embedding.sentence_transformer import SentenceEmbedder

SHOWN = ("recall@1", "recall@5", "recall@10", "nDCG@10")


class Options(argparse.Namespace):
    """The command line."""

    data: Path
    others: int
    every: int
    model: str


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and report.

    Args:
        arguments: The command line without the program; None takes this process's.

    Returns:
        The exit code: 0 done, 1 failed. A wrong option exits with 2.
    """
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale", description=__doc__)
    parser.add_argument("data", type=Path, help="a data set of make bench-retrieval")
    parser.add_argument("--others", type=int, default=20_000, help="other notes; default 20000")
    parser.add_argument("--every", type=int, default=3, help="ask one question in so many")
    parser.add_argument("--model", default="all-MiniLM-L6-v2", help="default all-MiniLM-L6-v2")
    options = parser.parse_args(arguments, namespace=Options())
    try:
        found = anyio.run(_measured, read_dataset(options.data), options)
    except BenchmarkError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(f"{describe_machine()}\n\n{write_table(found)}")
    return 0


async def _measured(dataset: Dataset, options: Options) -> Needles:
    embedder = SentenceEmbedder(await find_model(options.model))
    await embedder.load()
    with tempfile.TemporaryDirectory(prefix="zettel-scale-") as folder:
        return await measure(
            dataset,
            embedder,
            Path(folder, "store"),
            others=options.others,
            every=options.every,
            tell=lambda line: sys.stderr.write(f"{line}\n"),
        )


def write_table(found: Needles) -> str:
    """Both sides and their ratio, as Markdown."""
    own, among = _cells(found.own), _cells(found.among)
    ratios = [f"{there / here:.2f}" if here else "" for here, there in zip(own, among, strict=True)]
    rows = (
        ("", *SHOWN, "p50", "p95"),
        ("---",) + ("---:",) * (len(SHOWN) + 2),
        ("in its own namespace", *_shown(own)),
        (f"among {found.notes} notes", *_shown(among)),
        ("ratio", *ratios),
    )
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _cells(side: Side) -> list[float]:
    """Means of the measures in percent, then milliseconds."""
    measures = [100 * fmean(side.scores[name]) for name in SHOWN]
    return [*measures, *(float(np.percentile(side.took, share)) for share in (50, 95))]


def _shown(cells: Sequence[float]) -> list[str]:
    measures, times = cells[: len(SHOWN)], cells[len(SHOWN) :]
    return [*(f"{one:.2f}" for one in measures), *(f"{one:.0f} ms" for one in times)]


if __name__ == "__main__":
    sys.exit(main())
