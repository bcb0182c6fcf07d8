"""`python -m benchmarks.mutants`: one line a mutant and the score go to stdout.

It works in a temporary copy of the checkout. Exit code: 0 enough mutants were killed, 1 too few,
2 the list or the tests do not fit the code.
"""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import cache_from_source
from pathlib import Path

HERE = Path(__file__).parent
LEAST = 0.95
"""Share of the mutants that must be killed."""
TIMEOUT_S = 300.0
"""For the killers of one mutant, which take seconds: one that hangs is noticed."""
ROOTS = ("server", "tools", "storage")
"""Source roots; before the installed package on the path, they hide it."""
LEFT_OUT = shutil.ignore_patterns(".*", "__pycache__", "dist", "node_modules")
PASSED, FAILED = 0, 1
"""Exit codes of pytest; any other says that no test was run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """One fault: `old` becomes `new`, and one of `killer` must fail."""

    id: str
    file: str
    old: str
    new: str
    killer: list[str]


class Options(argparse.Namespace):
    """The command line."""

    only: list[str]
    list: bool
    mutants: Path
    root: Path


class MismatchError(Exception):
    """The mutants, the tests and the code do not fit; the text says which."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Make the mutants and report; returns the exit code.

    Args:
        arguments: The command line without the program; None takes this process's.
    """
    parser = argparse.ArgumentParser(prog="benchmarks.mutants", description=__doc__)
    parser.add_argument("--only", nargs="+", default=[], metavar="ID", help="these alone")
    parser.add_argument("--list", action="store_true", help="name the mutants and run nothing")
    parser.add_argument("--mutants", type=Path, default=HERE / "mutants.jsonl", help="the list")
    parser.add_argument("--root", type=Path, default=HERE.parents[1], help="the checkout")
    options = parser.parse_args(arguments, namespace=Options())
    try:
        return _run(options)
    except MismatchError as error:
        sys.stderr.write(" ".join(error.args) + "\n")
        return 2


def _run(options: Options) -> int:
    lines = options.mutants.read_text(encoding="utf-8").splitlines()
    mutants = [Mutant(**json.loads(line)) for line in lines]
    if unknown := set(options.only) - {mutant.id for mutant in mutants}:
        raise MismatchError("no mutant is called", *sorted(unknown))
    mutants = [mutant for mutant in mutants if not options.only or mutant.id in options.only]
    if options.list:
        sys.stdout.writelines(f"{m.id} {m.file} {' '.join(m.killer)}\n" for m in mutants)
        return 0
    _check_current(options.root, mutants)
    with tempfile.TemporaryDirectory(prefix="zettel-mutants-") as folder:
        copy = Path(folder) / "copy"
        shutil.copytree(options.root, copy, ignore=LEFT_OUT)
        killers = sorted({killer for mutant in mutants for killer in mutant.killer})
        code, said = _tested(copy, killers, timeout_s=TIMEOUT_S * len(mutants))
        if code != PASSED:
            raise MismatchError(said, "\nthese tests must pass before any fault is put in")
        killed = sum(_is_killed(copy, mutant) for mutant in mutants)
    sys.stdout.write(f"{killed} of {len(mutants)} killed, {killed / len(mutants):.1%}\n")
    return int(killed < LEAST * len(mutants))


def _check_current(root: Path, mutants: Sequence[Mutant]) -> None:
    """Make sure that each fault has one place to be put into.

    Raises:
        MismatchError: Some have none or several.
    """
    stale = list[str]()
    for mutant in mutants:
        file = root / mutant.file
        times = file.read_text(encoding="utf-8").count(mutant.old) if file.is_file() else 0
        if times != 1 or mutant.old == mutant.new:
            stale.append(f"stale mutant {mutant.id}: `old` occurs {times} times in {mutant.file}")
    if stale or not mutants:
        raise MismatchError("\n".join(stale) or "there are no mutants")


def _is_killed(copy: Path, mutant: Mutant) -> bool:
    file = copy / mutant.file
    whole = file.read_text(encoding="utf-8")
    _write(file, whole.replace(mutant.old, mutant.new))
    code, said = _tested(copy, mutant.killer, timeout_s=TIMEOUT_S)
    _write(file, whole)
    if code not in {PASSED, FAILED, None}:
        raise MismatchError(said, "\nthe tests could not be run with mutant", mutant.id)
    sys.stdout.write(f"{'survived' if code == PASSED else 'killed'} {mutant.id}\n")
    sys.stdout.flush()
    return code != PASSED


def _write(file: Path, text: str) -> None:
    file.write_text(text, encoding="utf-8")
    # Of the same second and size, the compiled file would be taken for that of the new text.
    Path(cache_from_source(str(file))).unlink(missing_ok=True)


def _tested(copy: Path, tests: Sequence[str], *, timeout_s: float) -> tuple[int | None, str]:
    """Run tests in the copy: pytest's exit code, None after the timeout, and what it printed."""
    path = os.pathsep.join(str(copy / root) for root in ROOTS)
    with subprocess.Popen(
        [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *tests],
        cwd=copy, env={**os.environ, "PYTHONPATH": path}, text=True, start_new_session=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    ) as process:  # fmt: skip
        try:
            said, _ = process.communicate(timeout=timeout_s)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            return None, f"no end after {timeout_s:.0f} s"
    return process.returncode, said


if __name__ == "__main__":
    sys.exit(main())
