"""The command: `python -m benchmarks.torture`."""

import argparse
import random
import secrets
import shutil
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
from benchmarks.torture.store.report import write_verdict
from benchmarks.torture.store.siege import Plan, besiege

KILL_S = 4.0
"""Seconds between two kills of the store's torture: some 150 in ten minutes."""


class Options(argparse.Namespace):
    """What the command line says."""

    kills: int
    seconds: float
    processes: int
    seed: int | None
    ipc: str


def main(arguments: Sequence[str] | None = None) -> int:
    """Torture the engine, then the store, and report.

    Args:
        arguments: The command line without the program; None takes this process's.

    Returns:
        The exit code: 0 if nothing at all went wrong, else 1.
    """
    options = _parser().parse_args(arguments, namespace=Options())
    seed = secrets.randbelow(10**6) if options.seed is None else options.seed
    sys.stderr.write(f"seed {seed}\n")
    try:
        command = find_command()
        flawless = [
            _torture_engine(command, options, seed) if options.kills else True,
            _torture_store(command, options, seed) if options.seconds else True,
        ]
    except BenchmarkError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0 if all(flawless) else 1


def _torture_engine(command: Path, options: Options, seed: int) -> bool:
    outcome = anyio.run(_fight, command, options, seed)
    words = f"--seconds 0 --kills {options.kills} --seed {seed} --ipc {options.ipc}"
    repeat = f'make torture ARGS="{words}"'
    sys.stdout.write(write_report(outcome, command=repeat, machine=describe_machine()))
    sys.stdout.flush()
    return outcome.flawless


async def _fight(command: Path, options: Options, seed: int) -> Outcome:
    chance = random.Random(seed)
    with tempfile.TemporaryDirectory(prefix="zettel-torture-") as folder:
        arena = Arena([str(command)], Path(folder), secrets.token_hex(8), options.ipc)
        async with clients_of(arena, chance) as fight:

            def goes_on(fight: Fight) -> bool:
                return fight.blows < options.kills

            def progress(name: str) -> None:
                sys.stderr.write(f"{fight.blows} of {options.kills}: {name}\n")

            return await fight_on(fight, KILLS | OTHER_ENDS, goes_on, progress)


def _torture_store(command: Path, options: Options, seed: int) -> bool:
    plan = Plan(seconds=options.seconds, processes=options.processes, seed=seed, kill_s=KILL_S)
    folder = Path(tempfile.mkdtemp(prefix="zettel-torture-"))
    sys.stderr.write(f"store in {folder}\n")
    verdict = anyio.run(besiege, [str(command)], folder, secrets.token_hex(8), plan)
    words = f"--kills 0 --seconds {plan.seconds:g} --processes {plan.processes} --seed {seed}"
    repeat = f'make torture ARGS="{words}"'
    sys.stdout.write(write_verdict(verdict, plan, command=repeat, machine=describe_machine()))
    if verdict.flawless:
        # Only a store with a flaw is worth a look.
        shutil.rmtree(folder)
    return verdict.flawless


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.torture", description=__doc__)
    parser.add_argument(
        "--kills",
        type=int,
        default=160,
        help="blows at the engine at least; default 160, 0 leaves its torture out",
    )
    parser.add_argument(
        "--seconds",
        type=float,
        default=600.0,
        help="of the store's torture; default 600, 0 leaves it out",
    )
    parser.add_argument(
        "--processes", type=int, default=4, help="servers on the tortured store; default 4"
    )
    parser.add_argument("--seed", type=int, help="of everything random; default: any, shown")
    parser.add_argument(
        "--ipc", choices=("unix", "tcp"), default="unix", help="how the engine listens"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
