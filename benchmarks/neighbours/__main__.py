"""The command: `python -m benchmarks.neighbours`."""

import argparse
import secrets
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import anyio

from benchmarks.neighbours.abuses import ABUSES
from benchmarks.neighbours.judge import Measured, bounds, write_report
from benchmarks.neighbours.measure import REST_S, Tenants, Waits, opened, waits
from benchmarks.neighbours.oracles import guess_rates
from benchmarks.processes import kill_all
from benchmarks.retrieval.machine import describe_machine
from benchmarks.retrieval.server import find_command
from zettel.server.runtime.threads import RETURN_S


class Options(argparse.Namespace):
    """What the command line says."""

    seconds: float
    connections: int
    words: int
    seed: int
    only: list[str]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and report.

    Args:
        arguments: The command line without the program; None takes this process's.

    Returns:
        The exit code: 0 done and every bound kept, 1 a bound broken.
    """
    options = _parser().parse_args(arguments, namespace=Options())
    mark = secrets.token_hex(8)
    with tempfile.TemporaryDirectory(prefix="zettel-neighbours-") as folder:
        try:
            measured = anyio.run(_measure, Path(folder), mark, options)
        finally:
            kill_all(mark)
    command = "make bench-neighbours"
    sys.stdout.write(write_report(measured, command=command, machine=describe_machine()))
    return 0 if all(bound.kept for bound in bounds(measured)) else 1


async def _measure(folder: Path, mark: str, options: Options) -> Measured:
    async with opened([str(find_command())], folder, mark) as tenants:
        quiet, abused = [await _waits(tenants, "quiet", 0, options)], list[Waits]()
        for name in options.only or ABUSES:
            for connections in dict.fromkeys((1, options.connections)):
                abused.append(await _waits(tenants, name, connections, options))
            quiet.append(await _waits(tenants, "quiet", 0, options))
        await anyio.sleep(RETURN_S + REST_S)
        memory = {
            "before": quiet[0].resident,
            "most": max(waits.resident for waits in (*quiet, *abused)),
            "after": tenants.resident,
        }
        sys.stderr.write("guessing\n")
        guesses = await guess_rates(tenants, options.words, options.seed) if options.words else {}
    return Measured(quiet=quiet, abused=abused, memory=memory, guesses=guesses)


async def _waits(tenants: Tenants, name: str, connections: int, options: Options) -> Waits:
    sys.stderr.write(f"{name}, {connections} connections\n")
    found = await waits(tenants, name, connections, options.seconds)
    found.resident = tenants.resident
    return found


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.neighbours", description=__doc__)
    parser.add_argument("--seconds", type=float, default=15.0, help="of each; default 15")
    parser.add_argument("--connections", type=int, default=8, help="of an abuse; default 8, and 1")
    parser.add_argument("--words", type=int, default=200, help="guessed; 0 for none; default 200")
    parser.add_argument("--seed", type=int, default=1, help="of the words; default 1")
    parser.add_argument("--only", nargs="*", default=[], choices=list(ABUSES), metavar="ABUSE")
    return parser


if __name__ == "__main__":
    sys.exit(main())
