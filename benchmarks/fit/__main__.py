"""`python -m benchmarks.fit DATA`: the tables go to stdout, progress to stderr."""

import argparse
import pickle
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import anyio

from benchmarks.fit.gather import Conversation, gather
from benchmarks.fit.learn import Weights, fit, held_out
from benchmarks.fit.matrix import make_problems
from benchmarks.fit.report import write_report
from benchmarks.retrieval.data import Dataset
from benchmarks.retrieval.errors import BenchmarkError
from benchmarks.retrieval.read import read_dataset
from zettel.storage.embedding.model_files import find_model
from zettel.storage.embedding.sentence_transformer import SentenceEmbedder
from zettel.tools.ranking.weights import FITTED, TALK

MODEL = "all-MiniLM-L6-v2"
"""The default model: weights of scaled scores hardly depend on it."""


class Options(argparse.Namespace):
    """The command line."""

    data: Path
    no_subjects: bool
    cache: Path | None
    only_measure: bool


def main(arguments: Sequence[str] | None = None) -> int:
    """Gather, fit and report.

    Args:
        arguments: The command line without the program; None takes this process's.

    Returns:
        The exit code: 0 done, 1 failed. A wrong option exits with 2.
    """
    options = _parser().parse_args(arguments, namespace=Options())
    try:
        conversations = _gathered(options)
    except BenchmarkError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    problems = make_problems(conversations, FITTED, TALK)
    left_out = dict[str, dict[str, Weights]]()
    fitted: Weights | None = None
    if not options.only_measure:
        fitted = fit(problems)
        left_out = {"": held_out(problems)}
        for name in FITTED:
            _say(f"fitting without {name}")
            left_out[name] = held_out(problems, without=FITTED.index(name))
    sys.stdout.write(write_report(options.data.resolve().name, problems, fitted, left_out))
    return 0


def _gathered(options: Options) -> list[Conversation]:
    """What was gathered before, or is now."""
    if options.cache and options.cache.exists():
        with options.cache.open("rb") as file:
            return pickle.load(file)
    dataset = read_dataset(options.data)
    with tempfile.TemporaryDirectory(prefix="zettel-fit-") as folder:
        conversations = anyio.run(_gather, dataset, Path(folder) / "store", not options.no_subjects)
    if options.cache:
        with options.cache.open("wb") as file:
            pickle.dump(conversations, file)
    return conversations


async def _gather(dataset: Dataset, store: Path, subjects: bool) -> list[Conversation]:
    embedder = SentenceEmbedder(await find_model(MODEL))
    await embedder.load()
    return await gather(dataset, embedder, store, subjects=subjects, progress=_say)


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fit", description=__doc__)
    add = parser.add_argument
    add("data", type=Path, metavar="DATA", help="what benchmarks.retrieval takes")
    add("--no-subjects", action="store_true", help="tell no note's speaker")
    add("--cache", type=Path, metavar="FILE", help="keep there what was gathered, or read it")
    add("--only-measure", action="store_true", help="measure the present table, fit none")
    return parser


if __name__ == "__main__":
    sys.exit(main())
