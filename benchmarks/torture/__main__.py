"""The command: `python -m benchmarks.torture`."""

import argparse
import random
import secrets
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import anyio

from benchmarks.retrieval.errors import BenchmarkError
from benchmarks.retrieval.machine import describe_machine
from benchmarks.retrieval.server import find_command
from benchmarks.torture.arena import Arena
from benchmarks.torture.blows import KILLS, OTHER_ENDS, Fight
from benchmarks.torture.fights import Outcome, clients_of, fight_on
from benchmarks.torture.report import write_report


class Options(argparse.Namespace):
    """What the command line says."""

    kills: int
    seed: int | None
    ipc: str


def main(arguments: Sequence[str] | None = None) -> int:
    """Torture and report.

    Args:
        arguments: The command line without the program; None takes this process's.

    Returns:
        The exit code: 0 if nothing was lost, doubled or hung, else 1.
    """
    options = _parser().parse_args(arguments, namespace=Options())
    seed = secrets.randbelow(10**6) if options.seed is None else options.seed
    sys.stderr.write(f"seed {seed}\n")
    try:
        outcome = anyio.run(_torture, find_command(), options, seed)
    except BenchmarkError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    words = f"--kills {options.kills} --seed {seed} --ipc {options.ipc}"
    command = f'make torture ARGS="{words}"'
    sys.stdout.write(write_report(outcome, command=command, machine=describe_machine()))
    return 0 if outcome.flawless else 1


async def _torture(command: Path, options: Options, seed: int) -> Outcome:
    chance = random.Random(seed)
    with tempfile.TemporaryDirectory(prefix="zettel-torture-") as folder:
        arena = Arena([str(command)], Path(folder), secrets.token_hex(8), options.ipc)
        async with clients_of(arena, chance) as fight:

            def goes_on(fight: Fight) -> bool:
                return fight.blows < options.kills

            def progress(name: str) -> None:
                sys.stderr.write(f"{fight.blows} of {options.kills}: {name}\n")

            return await fight_on(fight, KILLS | OTHER_ENDS, goes_on, progress)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.torture", description=__doc__)
    parser.add_argument("--kills", type=int, default=160, help="blows at least; default 160")
    parser.add_argument("--seed", type=int, help="of everything random; default: any, shown")
    parser.add_argument("--ipc", choices=("unix", "tcp"), default="unix", help="how it listens")
    return parser


if __name__ == "__main__":
    sys.exit(main())
