"""The command: `python -m benchmarks.soak`."""

import argparse
import logging
import secrets
import shutil
import sys
import tempfile
import warnings
from collections.abc import Sequence
from pathlib import Path

import anyio
from mcp.shared.exceptions import MCPDeprecationWarning

from benchmarks.retrieval.errors import BenchmarkError
from benchmarks.retrieval.machine import describe_machine
from benchmarks.retrieval.server import find_command
from benchmarks.soak.hammer import Plan, hammer
from benchmarks.soak.report import write_judgement


class Options(argparse.Namespace):
    """What the command line says."""

    seconds: float
    pause: float
    seed: int | None


def main(arguments: Sequence[str] | None = None) -> int:
    """Hammer a server, and report.

    Args:
        arguments: The command line without the program; None takes this process's.

    Returns:
        The exit code: 0 if nothing at all went wrong, else 1.
    """
    options = _parser().parse_args(arguments, namespace=Options())
    seed = secrets.randbelow(10**6) if options.seed is None else options.seed
    sys.stderr.write(f"seed {seed}\n")
    # The older era is served to whoever speaks it; the SDK's client does not like to.
    warnings.simplefilter("ignore", MCPDeprecationWarning)
    logging.getLogger("mcp").setLevel(logging.ERROR)
    plan = Plan(seconds=options.seconds, seed=seed, pause_s=options.pause)
    folder = Path(tempfile.mkdtemp(prefix="zettel-soak-"))
    try:
        judgement = anyio.run(hammer, [str(find_command())], folder, secrets.token_hex(8), plan)
    except BenchmarkError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    words = f"--seconds {plan.seconds:g} --pause {plan.pause_s:g} --seed {seed}"
    repeat = f'make soak ARGS="{words}"'
    sys.stdout.write(write_judgement(judgement, plan, command=repeat, machine=describe_machine()))
    if judgement.problems:
        # Only a store with a flaw is worth a look.
        sys.stderr.write(f"store and log in {folder}\n")
        return 1
    shutil.rmtree(folder)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak", description=__doc__)
    parser.add_argument("--seconds", type=float, default=300.0, help="until SIGTERM; default 300")
    parser.add_argument(
        "--pause",
        type=float,
        default=0.05,
        help="seconds each client waits between two calls, on average; default 0.05",
    )
    parser.add_argument("--seed", type=int, help="of everything random; default: any, shown")
    return parser


if __name__ == "__main__":
    sys.exit(main())
