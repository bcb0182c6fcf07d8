"""The command: `python -m benchmarks.month`."""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import anyio

from benchmarks.evolution.desk import Remembering
from benchmarks.month.parts import write_parts
from benchmarks.month.play import Played, play
from benchmarks.month.records import read_month
from benchmarks.month.report import write_misses, write_report
from benchmarks.recall_parts import MOVES, SIGNALS, switched_off
from benchmarks.retrieval.errors import BenchmarkError
from zettel.storage.embedding.model_files import find_model
from zettel.storage.embedding.sentence_transformer import SentenceEmbedder
from zettel.tools.evolve.steps.compare import COMPARE_STEP
from zettel.tools.evolve.steps.construct import CONSTRUCT_STEP
from zettel.tools.evolve.steps.link import LINK_STEP

DATA = Path(__file__).with_name("data")
KEPT_ASIDE = "kept_aside"
"""How the names of months begin that were written first, looked at by nobody, and are scored when
all else is done."""


PARTS = {"": (), "moves": MOVES, "signals": SIGNALS, "steps": ()}
"""What `--without` leaves out, one after the other; steps of evolution with those after them."""
STEPS = (CONSTRUCT_STEP, LINK_STEP, COMPARE_STEP)
"""Of evolution; the others change nothing in a month without an LLM."""


class Options(argparse.Namespace):
    """What the command line says."""

    months: list[Path]
    kept_aside: bool
    misses: bool
    model: str
    without: str


def main(arguments: Sequence[str] | None = None) -> int:
    """Play the months and report.

    Args:
        arguments: The command line without the program; None takes this process's.

    Returns:
        The exit code: 0 done, 1 failed. A wrong option exits with 2.
    """
    options = _parser().parse_args(arguments, namespace=Options())
    try:
        played = anyio.run(_play_all, options)
    except BenchmarkError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(write_report(played))
    if options.without:
        asked = [one for month in played.values() for one in month.asked]
        parts = next(iter(played.values())).without
        without = {part: [a for m in played.values() for a in m.without[part]] for part in parts}
        sys.stdout.write(write_parts(asked, without))
    if options.misses:
        for name, month in played.items():
            if not name.startswith(KEPT_ASIDE):
                sys.stdout.write(f"\n## {name}\n\n{write_misses(month)}")
    return 0


def known_months() -> list[Path]:
    """The months that are used while building."""
    return sorted(p for p in DATA.glob("*.jsonl") if not p.stem.startswith(KEPT_ASIDE))


async def _play_all(options: Options) -> dict[str, Played]:
    months = options.months or known_months()
    if options.kept_aside:
        months = [*months, *sorted(DATA.glob(f"{KEPT_ASIDE}*.jsonl"))]
    lines = {path.stem: read_month(path) for path in months}
    embedder = Remembering(SentenceEmbedder(await find_model(options.model)))
    await embedder.load()
    played = dict[str, Played]()
    for name, month in lines.items():
        sys.stderr.write(f"{name}\n")
        with tempfile.TemporaryDirectory() as folder:
            played[name] = await play(
                month,
                embedder,
                Path(folder, "store"),
                _say,
                parts=PARTS[options.without],
                switched_off=switched_off,
            )
            for at, step in enumerate(STEPS if options.without == "steps" else ()):
                place = Path(folder, step.name)
                less = await play(month, embedder, place, _say, steps=STEPS[:at])
                played[name].without[f"{step.name} and later"] = less.asked
    return played


def _say(progress: str) -> None:
    sys.stderr.write(f"  {progress}\n")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.month",
        description="Tell months of agents' work at their dates, and ask what they told.",
    )
    add = parser.add_argument
    add("months", nargs="*", type=Path, help="files of months; default: all but the one kept aside")
    add("--kept-aside", action="store_true", help="play the month that is kept aside, too")
    add("--misses", action="store_true", help="list what went wrong, but of the one kept aside")
    add("--model", default="", help="embedding model, by path or name; default: the packaged one")
    again = "ask everything again without each of these parts of recall, or steps of evolution"
    add("--without", choices=tuple(filter(None, PARTS)), default="", help=again)
    return parser


if __name__ == "__main__":
    sys.exit(main())
