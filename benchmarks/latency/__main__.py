"""The command: `python -m benchmarks.latency`."""

import argparse
import logging
import shutil
import sys
import tempfile
from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import anyio
from mcp import Client

from benchmarks.cost.asking import attached
from benchmarks.cost.fill import NAMESPACE, make_filling
from benchmarks.cost.site import serving
from benchmarks.cost.twin import open_twin
from benchmarks.cost.words import Words
from benchmarks.latency.measure import Bench, recalling, remembering
from benchmarks.latency.parts import Recorder
from benchmarks.latency.report import Measured, write_report
from benchmarks.retrieval.errors import BenchmarkError
from benchmarks.retrieval.machine import describe_machine
from benchmarks.retrieval.server import find_command
from benchmarks.retrieval.tools import until_loaded
from zettel.server.runtime.garbage import collect_rarely
from zettel.server.runtime.threads import share_among_threads


class Options(argparse.Namespace):
    """What the command line says."""

    notes: list[int]
    rounds: int
    seed: int
    model: str
    beside: Path | None


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and report.

    Args:
        arguments: The command line without the program; None takes this process's.

    Returns:
        The exit code: 0 done, 1 failed.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    options = _parser().parse_args(given, namespace=Options())
    logging.basicConfig(level=logging.WARNING)
    collect_rarely()
    share_among_threads()  # the turns of threads are a server's; Arrow is imported already
    recorder = Recorder()
    try:
        sizes = [anyio.run(_measure, notes, options, recorder) for notes in options.notes]
    except BenchmarkError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    command = " ".join(("python -m benchmarks.latency", *given))
    sys.stdout.write(write_report(sizes, command=command, machine=describe_machine()))
    return 0


async def _measure(notes: int, options: Options, recorder: Recorder) -> Measured:
    """Fill a store, its copies and its twin alike, then measure both verbs."""
    with tempfile.TemporaryDirectory(prefix="zettel-latency-") as folder:
        async with serving(Path(folder, "store"), model=options.model) as site:
            embedder = site.memory.embedder
            twin = await open_twin(Path(folder, "twin"), dim=embedder.dim)
            _say(f"{notes} notes: filling")
            filling = await make_filling(embedder, notes, seed=options.seed)
            for batch in filling.batches():
                await site.memory.store.write(new=batch)
            await site.memory.admin.upkeep()
            await twin.fill(filling)
            async with AsyncExitStack() as stack:
                commands = [find_command(), *([options.beside] if options.beside else [])]
                clients = [
                    await stack.enter_async_context(
                        _on_copy(Path(folder), f"copy{at}", options.model, command)
                    )
                    for at, command in enumerate(commands)
                ]
                bench = Bench(
                    site=site,
                    recorder=recorder,
                    twin=twin,
                    filling=filling,
                    words=Words(options.seed + 1),
                    attached=clients[0],
                    beside=clients[1] if options.beside else None,
                )
                _say(f"{notes} notes: recall")
                recall = await recalling(bench, options.rounds)
                _say(f"{notes} notes: remember")
                remember = await remembering(bench, options.rounds)
    return Measured(notes=notes, verbs={"recall": recall, "remember": remember})


@asynccontextmanager
async def _on_copy(folder: Path, name: str, model: str, command: Path) -> AsyncGenerator[Client]:
    """A client attached to an engine on a copy of the store."""
    store = folder / name
    shutil.copytree(folder / "store", store, ignore=shutil.ignore_patterns(".engine"))
    async with attached(store, model=model, command=command) as timed:
        await until_loaded(timed, namespace=NAMESPACE)
        yield timed.client


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.latency", description=__doc__)
    parser.add_argument(
        "--notes", type=int, nargs="+", default=[1_000, 20_000], help="default 1000 and 20000"
    )
    parser.add_argument("--rounds", type=int, default=100, help="of each verb; default 100")
    parser.add_argument("--seed", type=int, default=4, help="of the notes' words; default 4")
    parser.add_argument("--model", default="all-MiniLM-L6-v2", help="default all-MiniLM-L6-v2")
    parser.add_argument(
        "--beside", type=Path, help="another zettel, measured in turn on a copy of the store"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
