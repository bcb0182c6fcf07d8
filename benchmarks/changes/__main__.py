"""The command: `python -m benchmarks.changes`."""

import argparse
import sys
import tempfile
from collections.abc import Mapping, Sequence
from itertools import chain
from pathlib import Path

import anyio
from pydantic import JsonValue

from benchmarks.attacks.marks import as_calls
from benchmarks.changes.play import (
    Alarms,
    Answers,
    Seen,
    play_changes,
    play_pairs,
    play_turns,
    play_worlds,
)
from benchmarks.changes.records import read_changes, read_pairs, read_told, read_worlds
from benchmarks.changes.report import write_misses, write_report
from benchmarks.retrieval.errors import BenchmarkError
from benchmarks.retrieval.read import read_dataset
from zettel.storage.embedding.model_files import find_model
from zettel.storage.embedding.sentence_transformer import SentenceEmbedder


class Options(argparse.Namespace):
    """What the command line says."""

    data: Path | None
    misses: bool
    kept_aside: bool


def main(arguments: Sequence[str] | None = None) -> int:
    """Tell the changes and report.

    Args:
        arguments: The command line without the program; None takes this process's.

    Returns:
        The exit code: 0 done, 1 failed. A wrong option exits with 2.
    """
    options = _parser().parse_args(arguments, namespace=Options())
    try:
        seen, alarms, answers = anyio.run(_play_all, options)
    except BenchmarkError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(write_report(seen, alarms, answers))
    if options.misses:
        missed = write_misses(chain.from_iterable(seen.values()), alarms, answers)
        sys.stdout.write(f"\n{missed}")
    return 0


async def _play_all(
    options: Options,
) -> tuple[Mapping[str, Sequence[Seen]], Mapping[str, Alarms], Sequence[Answers]]:
    embedder = SentenceEmbedder(await find_model(options.model))
    await embedder.load()
    with tempfile.TemporaryDirectory() as folder:
        sets = {
            "Mostly without words of change": read_changes(),
            "As agents tell them": read_told(kept_aside=False),
        }
        if options.kept_aside:
            sets = {"As agents tell them, kept aside": read_told(kept_aside=True)}
        seen = {
            name: await play_changes(of, embedder, Path(folder, f"changes{number}"))
            for number, (name, of) in enumerate(sets.items())
        }
        worlds = await play_worlds(read_worlds(), embedder, Path(folder, "worlds"))
        alarms = {"ordinary notes": worlds}
        answers = await play_pairs(read_pairs(), embedder, Path(folder, "pairs"))
        if options.data is not None:
            turns = _turns(options.data)
            store = Path(folder, "turns")
            alarms["turns of talk"] = await play_turns(turns, embedder, store, _say)
    return seen, alarms, answers


def _say(progress: str) -> None:
    sys.stderr.write(f"{progress}\n")


def _turns(folder: Path) -> Mapping[str, Sequence[Mapping[str, JsonValue]]]:
    dataset = read_dataset(folder)
    turns = dict[str, list[Mapping[str, JsonValue]]]()
    for document, call in zip(dataset.documents, as_calls(dataset), strict=True):
        turns.setdefault(document.place, []).append(call)
    return turns


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.changes",
        description="Tell changes of facts, and notes that change nothing, and count what is seen.",
    )
    parser.add_argument("--data", type=Path, help="a folder of LoCoMo's form: turns of talk")
    parser.add_argument(
        "--kept-aside", action="store_true", help="score the worlds kept aside while building"
    )
    parser.add_argument("--misses", action="store_true", help="list what was missed")
    parser.add_argument(
        "--model", default="", help="embedding model, by path or name; default: the packaged one"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
