"""`python -m benchmarks.verdict [DATA ...]`: the table goes to stdout, progress to stderr."""

import argparse
import pickle
import sys
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import get_args

import anyio

from benchmarks.generator.records import Style
from benchmarks.month.__main__ import known_months
from benchmarks.retrieval.data import Dataset
from benchmarks.retrieval.errors import BenchmarkError
from benchmarks.retrieval.read import read_dataset
from benchmarks.verdict.gather import Judged, made_up, of_dataset, of_month, pickled
from benchmarks.verdict.learn import fitted, left_out, measure
from benchmarks.verdict.report import write_report
from zettel.storage.embedding.embedder import Embedder
from zettel.storage.embedding.model_files import find_model
from zettel.storage.embedding.sentence_transformer import SentenceEmbedder

AGENTS = Path(__file__).with_name("data")
SEEDS, CONVERSATIONS = (0, 3, 20), 2
"""Of the generator's worlds, in each of its styles."""

Gathering = Callable[[Embedder, Path], Awaitable[list[Judged]]]


class Options(argparse.Namespace):
    """The command line."""

    data: list[Path]
    cache: Path | None


def main(arguments: Sequence[str] | None = None) -> int:
    """Gather, fit and report.

    Args:
        arguments: The command line without the program; None takes this process's.

    Returns:
        The exit code: 0 done, 1 failed. A wrong option exits with 2.
    """
    options = _parser().parse_args(arguments, namespace=Options())
    try:
        sets = _sets([read_dataset(path) for path in options.data])
    except BenchmarkError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    samples = {
        name: measure([one for part in parts for one in anyio.run(_gathered, part, options.cache)])
        for name, parts in sets.items()
    }
    sys.stdout.write(write_report(samples, left_out(samples), fitted(samples)))
    return 0


def _sets(given: Sequence[Dataset]) -> dict[str, list[tuple[str, Gathering]]]:
    """Name of a set -> its parts, each with a name of its own and how to gather it."""
    sets: dict[str, list[tuple[str, Gathering]]] = {
        f"month of {path.stem}": [(path.stem, _of_month(path))] for path in known_months()
    }
    sets["agents"] = [(path.stem, _of_month(path)) for path in sorted(AGENTS.glob("*.jsonl"))]
    for style in get_args(Style):
        worlds = [(seed, made_up(style, seed, CONVERSATIONS)) for seed in SEEDS]
        sets[style] = [(f"{style}-{seed}", _of(world)) for seed, world in worlds]
    for dataset in given:
        sets[dataset.name] = [(dataset.name, _of(dataset))]
        # Nobody withholds anything where people talk, and each of them is a speaker.
        if not dataset.withheld and len({d.speaker for d in dataset.documents}) > 1:
            name = f"{dataset.name} without subjects"
            sets[name] = [(name, _of(dataset, subjects=False))]
    return sets


def _of(dataset: Dataset, *, subjects: bool = True) -> Gathering:
    return lambda e, at: of_dataset(dataset, e, at / "store", _say, subjects=subjects)


def _of_month(path: Path) -> Gathering:
    return lambda e, at: of_month(path, e, at)


async def _gathered(part: tuple[str, Gathering], cache: Path | None) -> list[Judged]:
    """What was gathered before, or is now."""
    name, gathering = part
    kept = cache / f"{name}.pickle" if cache else None
    if kept and kept.exists():
        return pickle.loads(kept.read_bytes())
    _say(name)
    embedder = SentenceEmbedder(await find_model())
    await embedder.load()
    with tempfile.TemporaryDirectory(prefix="zettel-verdict-") as folder:
        judged = await gathering(embedder, Path(folder))
    if kept:
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_bytes(pickled(judged))
    return judged


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.verdict", description=__doc__)
    add = parser.add_argument
    add("data", nargs="*", type=Path, metavar="DATA", help="what benchmarks.retrieval takes")
    add("--cache", type=Path, metavar="DIR", help="keep there what was gathered, or read it")
    return parser


if __name__ == "__main__":
    sys.exit(main())
