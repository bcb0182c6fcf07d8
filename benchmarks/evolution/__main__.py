"""`python -m benchmarks.evolution [DATA]`: the tables go to stdout, progress to stderr."""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import anyio

from benchmarks.evolution.cues import write_cues
from benchmarks.evolution.days import carried_days
from benchmarks.evolution.measure import Measured, measure
from benchmarks.evolution.report import write_days, write_report
from benchmarks.retrieval.data import Dataset, narrow
from benchmarks.retrieval.errors import BenchmarkError
from benchmarks.retrieval.read import read_dataset
from zettel.storage.model_files import find_model
from zettel.storage.sentence_embedder import SentenceEmbedder


class Options(argparse.Namespace):
    """The command line."""

    data: Path | None
    only: list[str]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and report.

    Args:
        arguments: The command line without the program; None takes this process's.

    Returns:
        The exit code: 0 done, 1 failed. A wrong option exits with 2.
    """
    options = _parser().parse_args(arguments, namespace=Options())
    sys.stdout.write(f"# Cues of links\n\n{write_cues()}\n")
    if options.data is None:
        return 0
    try:
        dataset = read_dataset(options.data)
        dataset = narrow(dataset, only=frozenset(options.only), limit=None)
    except BenchmarkError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    with tempfile.TemporaryDirectory(prefix="zettel-evolution-") as folder:
        measured = anyio.run(_measure, dataset, Path(folder) / "store")
    sys.stdout.write(write_report(options.data.resolve().name, measured))
    sys.stdout.write(write_days(carried_days(dataset)))
    return 0


async def _measure(dataset: Dataset, store: Path) -> Measured:
    embedder = SentenceEmbedder(await find_model())
    await embedder.load()
    return await measure(dataset, embedder, store, progress=_say)


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.evolution", description=__doc__)
    parser.add_argument(
        "data",
        type=Path,
        metavar="DATA",
        nargs="?",
        help="what benchmarks.retrieval takes; without it only the cues are measured",
    )
    parser.add_argument(
        "--only", action="append", default=[], metavar="NAME", help="this conversation; repeatable"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
