"""The command: `python -m benchmarks.cost`."""

import argparse
import logging
import sys
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import anyio

from benchmarks.cost.asking import asking, attached
from benchmarks.cost.fill import make_filling
from benchmarks.cost.measure import Stage, looking_back, remembering, updating
from benchmarks.cost.report import Measured, kept_bounds, write_report
from benchmarks.cost.site import serving
from benchmarks.cost.tending import tending
from benchmarks.cost.twin import open_twin
from benchmarks.cost.words import Words
from benchmarks.retrieval.errors import BenchmarkError
from benchmarks.retrieval.machine import describe_machine
from zettel.server.runtime.garbage import collect_rarely
from zettel.server.runtime.threads import share_among_threads


class Options(argparse.Namespace):
    """What the command line says."""

    notes: list[int]
    rounds: int
    seed: int
    model: str


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and report.

    Args:
        arguments: The command line without the program; None takes this process's.

    Returns:
        The exit code: 0 done and every bound kept, 1 failed or a bound broken.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    options = _parser().parse_args(given, namespace=Options())
    logging.basicConfig(level=logging.WARNING)
    collect_rarely()
    share_among_threads()  # the turns of threads are a server's; Arrow is imported already
    try:
        sizes = [anyio.run(_measure, notes, options) for notes in options.notes]
    except BenchmarkError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    command = " ".join(("python -m benchmarks.cost", *given))
    sys.stdout.write(write_report(sizes, command=command, machine=describe_machine()))
    return 0 if kept_bounds(sizes) else 1


async def _measure(notes: int, options: Options) -> Measured:
    """Fill a store and its twin alike, then measure everything at this size."""
    with tempfile.TemporaryDirectory(prefix="zettel-cost-") as folder:
        async with serving(Path(folder, "store"), model=options.model) as site:
            embedder = site.memory.embedder
            twin = await open_twin(Path(folder, "twin"), dim=embedder.dim)
            _say(f"{notes} notes: filling")
            filling = await make_filling(embedder, notes, seed=options.seed)
            for batch in filling.batches():
                await site.memory.store.write(new=batch)
            await twin.fill(filling)
            words = Words(options.seed + 1)
            stage = Stage(site=site, twin=twin, filling=filling, words=words)
            known_at, rounds = datetime.now(UTC), options.rounds
            _say(f"{notes} notes: remember")
            remember = await remembering(stage, rounds)
            _say(f"{notes} notes: update")
            update = await updating(stage, rounds)
            _say(f"{notes} notes: recall")
            back = await looking_back(stage, rounds, known_at)
            async with attached(Path(folder, "store"), model=options.model) as client:
                ask = await asking(stage, client, rounds)
            return Measured(
                notes=notes,
                remember=remember,
                update=update,
                back=back,
                ask=ask,
                tending=await tending(stage),
            )


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cost", description=__doc__)
    parser.add_argument(
        "--notes", type=int, nargs="+", default=[1_000, 20_000], help="default 1000 and 20000"
    )
    parser.add_argument("--rounds", type=int, default=100, help="of each verb; default 100")
    parser.add_argument("--seed", type=int, default=4, help="of the notes' words; default 4")
    parser.add_argument("--model", default="all-MiniLM-L6-v2", help="default all-MiniLM-L6-v2")
    return parser


if __name__ == "__main__":
    sys.exit(main())
