"""The command: `python -m benchmarks.attach`."""

import argparse
import secrets
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.attach.measure import Crowd, Site, attachment_memory, cold, crowd, warm
from benchmarks.attach.report import Measured, kept_bounds, write_report
from benchmarks.processes import kill_all
from benchmarks.retrieval.errors import BenchmarkError
from benchmarks.retrieval.machine import describe_machine
from benchmarks.retrieval.server import find_command

CROWDS = ((1, False), (5, False), (1, True), (5, True))
"""Clients, and whether each has a server of its own: what peers do, for comparison."""


class Options(argparse.Namespace):
    """What the command line says."""

    repeat: int
    cold_repeat: int


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and report.

    Args:
        arguments: The command line without the program; None takes this process's.

    Returns:
        The exit code: 0 done and every bound kept, 1 failed or a bound broken.
    """
    options = _parser().parse_args(arguments, namespace=Options())
    mark = secrets.token_hex(8)
    try:
        with tempfile.TemporaryDirectory(prefix="zettel-attach-") as folder:
            site = Site(command=find_command(), folder=Path(folder), mark=mark)
            try:
                measured = _measure(site, options)
            finally:
                kill_all(mark)
    except BenchmarkError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(
        write_report(measured, command="make bench-attach", machine=describe_machine())
    )
    return 0 if kept_bounds(measured) else 1


def _measure(site: Site, options: Options) -> Measured:
    _say("warm: initialize, an engine running")
    warm_times = warm(site, options.repeat)
    _say("cold: initialize, no engine")
    cold_times = cold(site, options.cold_repeat)
    attachment, bare = attachment_memory(site)
    crowds = list[Crowd]()
    for clients, in_process in CROWDS:
        _say(f"memory: {clients} clients, {'in-process' if in_process else 'one engine'}")
        crowds.append(crowd(site, clients, in_process=in_process))
    return Measured(
        warm=warm_times, cold=cold_times, attachment=attachment, bare=bare, crowds=crowds
    )


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.attach", description=__doc__)
    parser.add_argument("--repeat", type=int, default=30, help="warm starts; default 30")
    parser.add_argument("--cold-repeat", type=int, default=5, help="cold starts; default 5")
    return parser


if __name__ == "__main__":
    sys.exit(main())
