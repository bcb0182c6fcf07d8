"""`python -m benchmarks.retrieval DATA`: the report goes to stdout, progress to stderr."""

import argparse
import shlex
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import get_args

import anyio

from benchmarks.retrieval.data import Dataset, narrow, unattributed
from benchmarks.retrieval.errors import BenchmarkError
from benchmarks.retrieval.machine import describe_machine
from benchmarks.retrieval.read import read_dataset
from benchmarks.retrieval.report import run_lines, write_report
from benchmarks.retrieval.run import run
from benchmarks.retrieval.server import Transport, find_command
from benchmarks.retrieval.whole import run_whole, write_whole_report


class Options(argparse.Namespace):
    """The command line."""

    data: Path
    out: Path | None
    transport: Transport
    only: frozenset[str]
    limit_questions: int | None
    no_subjects: bool
    whole: bool
    keep_store: Path | None
    command: Path | None


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark.

    Args:
        arguments: The command line without the program; None takes this process's.

    Returns:
        The exit code: 0 done, 1 failed. A wrong option exits with 2.
    """
    options = _parser().parse_args(arguments, namespace=Options())
    try:
        _benchmark(options)
    except BenchmarkError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def _benchmark(options: Options) -> None:
    command = options.command or find_command()
    dataset = narrow(read_dataset(options.data), only=options.only, limit=options.limit_questions)
    if options.no_subjects:
        dataset = unattributed(dataset)
    if options.whole:
        _benchmark_whole(options, command, dataset)
        return
    benchmark = partial(
        run,
        dataset,
        command=command,
        transport=options.transport,
        keep_store=options.keep_store,
    )
    result = anyio.run(benchmark)
    if options.out is not None:
        lines = "".join(f"{line}\n" for line in run_lines(result.outcomes))
        options.out.write_text(lines, encoding="utf-8")
    report = write_report(dataset, result, command=_repeat(options), machine=describe_machine())
    sys.stdout.write(report)


def _benchmark_whole(options: Options, command: Path, dataset: Dataset) -> None:
    benchmark = partial(
        run_whole,
        dataset,
        command=command,
        transport=options.transport,
        keep_store=options.keep_store,
    )
    result = anyio.run(benchmark)
    sys.stdout.write(
        write_whole_report(dataset, result, command=_repeat(options), machine=describe_machine())
    )


def _repeat(options: Options) -> str:
    """The command that repeats this run, without where things lie on this machine."""
    words = ["python", "-m", "benchmarks.retrieval", options.data.resolve().name]
    words += ["--transport", options.transport]
    if options.only:
        words += ["--only", ",".join(sorted(options.only))]
    if options.limit_questions is not None:
        words += ["--limit-questions", str(options.limit_questions)]
    if options.no_subjects:
        words.append("--no-subjects")
    if options.whole:
        words.append("--whole")
    return shlex.join(words)


def _names(text: str) -> frozenset[str]:
    return frozenset(name for name in text.split(",") if name)


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        message = f"{number} is less than 1"
        raise argparse.ArgumentTypeError(message)
    return number


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.retrieval", description=__doc__)
    add = parser.add_argument
    add("data", type=Path, metavar="DATA", help="folder, locomo10.json or LongMemEval file")
    add("--out", type=Path, metavar="FILE", help="write one line of JSON a question there")
    add("--transport", choices=get_args(Transport), default="stdio")
    add(
        "--only",
        type=_names,
        default=frozenset[str](),
        metavar="NAME,...",
        help="these conversations only",
    )
    add("--limit-questions", type=_positive, metavar="N", help="the first N questions only")
    add("--no-subjects", action="store_true", help="tell the notes without their speakers")
    add("--whole", action="store_true", help="tell each session also as one transcript, compare")
    add("--keep-store", type=Path, metavar="DIR", help="make store and log there, and leave them")
    add("--command", type=Path, metavar="FILE", help="the zettel to run; default: beside Python")
    return parser


if __name__ == "__main__":
    sys.exit(main())
