"""`python -m benchmarks.generator`: the report goes to stdout, progress to stderr."""

import argparse
import os
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import get_args

import anyio

from benchmarks.generator.generate import SIZES, SizeName, generate
from benchmarks.generator.records import Style, World, write_world
from benchmarks.generator.report import SERVED, run_lines, write_report
from benchmarks.generator.run import run_baselines, run_server
from benchmarks.generator.systems import Outcomes
from benchmarks.retrieval.errors import BenchmarkError
from benchmarks.retrieval.machine import describe_machine
from benchmarks.retrieval.server import Transport, find_command
from zettel.storage.embedding.embedder import Embedder
from zettel.storage.embedding.hashing import HashEmbedder
from zettel.storage.embedding.model_files import find_model
from zettel.storage.embedding.sentence_transformer import SentenceEmbedder


class Options(argparse.Namespace):
    """The command line."""

    seed: int
    size: SizeName
    style: Style
    conversations: int | None
    write: Path | None
    out: Path | None
    systems: str
    transport: Transport
    command: Path | None


def main(arguments: Sequence[str] | None = None) -> int:
    """Make a world and measure with it.

    Args:
        arguments: The command line without the program; None takes this process's.

    Returns:
        The exit code: 0 done, 1 failed. A wrong option exits with 2.
    """
    options = _parser().parse_args(arguments, namespace=Options())
    world = generate(options.seed, options.size, options.style, options.conversations)
    if options.write is not None:
        write_world(world, options.write)
        return 0
    try:
        sys.stdout.write(anyio.run(_measure, world, options))
    except BenchmarkError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


async def _measure(world: World, options: Options) -> str:
    columns, run = dict[str, Outcomes](), None
    if options.systems != "baselines":
        command = options.command or find_command()
        run = await run_server(world, command=command, transport=options.transport)
        columns[SERVED] = run.outcomes
        if options.out is not None:
            lines = "".join(f"{line}\n" for line in run_lines(run.outcomes))
            await anyio.Path(options.out).write_text(lines, encoding="utf-8")
    if options.systems != "server":
        columns |= await run_baselines(world, await _embedder())
    head = f"`{_repeat(options)}`\n\n{describe_machine()}"
    return write_report(world, columns, run, head=head)


async def _embedder() -> Embedder:
    """The model the server is set to as well, loaded."""
    model = os.environ.get("ZETTEL_MODEL", "")
    embedder = HashEmbedder() if model == "hash" else SentenceEmbedder(await find_model(model))
    await embedder.load()
    return embedder


def _repeat(options: Options) -> str:
    """The command that repeats this run."""
    words = ["python", "-m", "benchmarks.generator", "--seed", str(options.seed)]
    words += ["--size", options.size, "--style", options.style]
    if options.conversations is not None:
        words += ["--conversations", str(options.conversations)]
    if options.systems != "baselines":
        words += ["--transport", options.transport]
    if options.systems != "all":
        words += ["--systems", options.systems]
    return shlex.join(words)


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        message = f"{number} is less than 1"
        raise argparse.ArgumentTypeError(message)
    return number


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.generator", description=__doc__)
    add = parser.add_argument
    add("--seed", type=int, default=0, metavar="N", help="0-99 to develop on, 1000-1099 held out")
    add("--size", choices=tuple(SIZES), default="small")
    add("--style", choices=get_args(Style), default="dialogue", help="who tells")
    add("--conversations", type=_positive, metavar="N", help="instead of the size's number")
    add("--write", type=Path, metavar="DIR", help="write the three files there and measure nothing")
    add("--out", type=Path, metavar="FILE", help="write one line of JSON a question there")
    add("--systems", choices=("all", "server", "baselines"), default="all")
    add("--transport", choices=get_args(Transport), default="stdio")
    add("--command", type=Path, metavar="FILE", help="the zettel to run; default: beside Python")
    return parser


if __name__ == "__main__":
    sys.exit(main())
