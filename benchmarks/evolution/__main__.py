"""`python -m benchmarks.evolution WHAT`: the tables go to stdout, progress to stderr."""

import argparse
import json
import sys
import tempfile
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import reduce
from pathlib import Path
from typing import get_args

import anyio

from benchmarks.evolution.asked import asked, write_asked
from benchmarks.evolution.broad import broad, building_months
from benchmarks.evolution.composed import composed
from benchmarks.evolution.conflicts import Conflicts, conflicts, write_conflicts
from benchmarks.evolution.cues import write_cues
from benchmarks.evolution.days import carried_days
from benchmarks.evolution.desk import Asking, Remembering
from benchmarks.evolution.fading import Cell, fades, write_cells
from benchmarks.evolution.feedback import offered, write_offered
from benchmarks.evolution.gists import measure
from benchmarks.evolution.links import beside, write_links
from benchmarks.evolution.parts import without_each, write_without
from benchmarks.evolution.profiles import Profiles, as_facts, profiles, write_profiles
from benchmarks.evolution.report import write_broad, write_days, write_report
from benchmarks.evolution.rows import SESSION_NOTES, Rows, count_rows, write_rows
from benchmarks.evolution.steps import ablate, write_stages
from benchmarks.evolution.trials import Played, Told, Trial, answerable
from benchmarks.evolution.written import read_judged, write_written, written
from benchmarks.generator.generate import SIZES, SizeName, generate
from benchmarks.generator.records import Style, World
from benchmarks.retrieval.data import Dataset, narrow
from benchmarks.retrieval.errors import BenchmarkError
from benchmarks.retrieval.read import read_dataset
from benchmarks.retrieval.server import find_command
from zettel.server.config.settings import load_settings
from zettel.server.runtime.llm import build_llm
from zettel.storage.embedding.embedder import Embedder
from zettel.storage.embedding.model_files import find_model
from zettel.storage.embedding.sentence_transformer import SentenceEmbedder
from zettel.storage.errors import ZettelError
from zettel.tools.llm.llm import LlmLimits


class Options(argparse.Namespace):
    """The command line."""

    what: str
    data: Path | None
    only: list[str]
    style: list[Style]
    seed: list[int]
    size: SizeName
    conversations: int
    command: Path | None
    sample: int
    llm: str


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and report.

    Args:
        arguments: The command line without the program; None takes this process's.

    Returns:
        The exit code: 0 done, 1 failed. A wrong option exits with 2.
    """
    parser = _parser()
    options = parser.parse_args(arguments, namespace=Options())
    if options.what in ("gists", "links") and options.data is None:
        parser.error(f"{options.what} needs --data")
    if options.llm and options.what not in ASKING:
        parser.error(f"{options.what} asks no LLM; these do: {', '.join(ASKING)}")
    try:
        anyio.run(_MEASURES[options.what], options)
    except (BenchmarkError, ZettelError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


ASKING = ("steps", "links", "profiles", "written", "composed")
"""What is measured by rule and, with `--llm`, with an LLM after it."""


def _ways(options: Options) -> Iterator[tuple[str, Asking | None]]:
    """By rule, then with the LLM if one is named: what it is called, and it.

    Raises:
        ZettelError: Its settings cannot be used.
    """
    yield "", None
    if options.llm:
        llm = build_llm(load_settings(llm_model=options.llm))
        assert llm is not None
        # A measurement that stops half way says nothing: what it costs is told at the end.
        asking = Asking(replace(llm, limits=LlmLimits()))
        yield f", with {options.llm}", asking
        _tell(f"Asked of {options.llm}: {json.dumps(dict(sorted(asking.counts.items())))}\n")


async def _steps(options: Options) -> None:
    embedder = await _embedder()
    for way, asking in _ways(options):
        for trial in _trials(options):
            with tempfile.TemporaryDirectory(prefix="zettel-evolution-") as folder:
                place = Path(folder) / "store"
                stages = await ablate(trial, embedder, place, progress=_say, asking=asking)
            _tell(write_stages(trial.name + way, stages))


async def _parts(options: Options) -> None:
    embedder = await _embedder()
    for trial in _trials(options):
        with tempfile.TemporaryDirectory(prefix="zettel-evolution-") as folder:
            asked = await without_each(trial, embedder, Path(folder) / "store", progress=_say)
        _tell(write_without(trial.name, asked))


async def _gists(options: Options) -> None:
    dataset = _dataset(options)
    with tempfile.TemporaryDirectory(prefix="zettel-evolution-") as folder:
        measured = await measure(dataset, await _embedder(), Path(folder) / "store")
    _tell(write_report(dataset.name, measured))
    _tell(write_days(carried_days(dataset)))


async def _links(options: Options) -> None:
    embedder = await _embedder()
    for way, asking in _ways(options):
        trial = Told(answerable(_dataset(options)))
        with tempfile.TemporaryDirectory(prefix="zettel-evolution-") as folder:
            rows = await beside(trial, embedder, Path(folder) / "store", asking=asking)
        _tell(write_links(trial.name + way, rows))


async def _fading(options: Options) -> None:
    embedder = await _embedder()
    for name, trials in _by_kind(options):
        cells = list[Cell]()
        for trial in trials:
            with tempfile.TemporaryDirectory(prefix="zettel-evolution-") as folder:
                cells += await fades(trial, embedder, Path(folder), progress=_say)
        _tell(write_cells(name, cells))


async def _conflicts(options: Options) -> None:
    columns = list[tuple[str, Conflicts]]()
    command = options.command or find_command()
    for style in options.style or get_args(Style):
        found = list[Conflicts]()
        for world in _worlds(options, style):
            found.append(await conflicts(world, command=command, transport="stdio"))
            _say(f"{world.name}: {found[-1]}")
        columns.append((style, reduce(Conflicts.plus, found)))
    _tell(write_conflicts(columns))


async def _profiles(options: Options) -> None:
    embedder = await _embedder()
    for way, asking in _ways(options):
        rows = list[tuple[str, Profiles]]()
        for world in (
            w for style in options.style or get_args(Style) for w in _worlds(options, style)
        ):
            for form, told in (("as talk", world), ("as facts", as_facts(world))):
                with tempfile.TemporaryDirectory(prefix="zettel-evolution-") as folder:
                    found = await profiles(told, embedder, Path(folder) / "store", asking=asking)
                rows.append((f"{world.name}, {form}{way}", found))
                _say(f"{world.name}, {form}{way}: {found}")
        _tell(write_profiles(rows))


async def _rows(options: Options) -> None:
    embedder = await _embedder()
    for style in options.style or get_args(Style):
        for world in _worlds(options, style):
            columns = list[tuple[str, Rows]]()
            for way, often in (("at once", False), (f"{SESSION_NOTES} a session", True)):
                with tempfile.TemporaryDirectory(prefix="zettel-evolution-") as folder:
                    store = Path(folder) / "store"
                    found = await count_rows(world, embedder, store, often=often, progress=_say)
                columns.append((way, found))
            _tell(write_rows(world.name, columns))


def _by_kind(options: Options) -> Iterator[tuple[str, Iterator[Trial]]]:
    """Conversations apart, since each ends at a time of its own."""
    if options.data is not None:
        whole = _dataset(options)
        names = dict.fromkeys(question.conversation for question in whole.questions)
        parts = (narrow(whole, only=frozenset((name,)), limit=None) for name in names)
        yield whole.name, map(Told, parts)
    for style in options.style:
        yield f"made-up worlds, {style}", map(Played, _worlds(options, style))


def _trials(options: Options) -> Iterator[Trial]:
    if options.data is not None:
        yield Told(answerable(_dataset(options)))
    for style in options.style:
        yield from map(Played, _worlds(options, style))


def _worlds(options: Options, style: Style) -> Iterator[World]:
    for seed in options.seed or [0]:
        yield generate(seed, options.size, style, options.conversations)


def _dataset(options: Options) -> Dataset:
    assert options.data is not None
    return narrow(read_dataset(options.data), only=frozenset(options.only), limit=None)


async def _embedder() -> Embedder:
    embedder = Remembering(SentenceEmbedder(await find_model()))
    await embedder.load()
    return embedder


def _tell(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


async def _cues(_options: Options) -> None:
    _tell(f"# Cues of links\n\n{write_cues()}\n")


async def _written(options: Options) -> None:
    embedder = await _embedder()
    most = {"link": options.sample, "name": options.sample, "keyword": options.sample}
    for way, asking in _ways(options):
        with tempfile.TemporaryDirectory(prefix="zettel-evolution-") as folder:
            found = await written(embedder, Path(folder), options.only, asking=asking)
        table = write_written(found, read_judged(), _seed(options), most)
        _tell(f"# Written{way or ', by rule'}\n\n{table}")


async def _composed(options: Options) -> None:
    embedder = await _embedder()
    most = {"profile": options.sample, "gist": options.sample}
    for way, asking in _ways(options):
        with tempfile.TemporaryDirectory(prefix="zettel-evolution-") as folder:
            found = await composed(embedder, Path(folder), options.only, asking=asking)
        table = write_written(found, read_judged(), _seed(options), most)
        _tell(f"# Written{way or ', by rule'}\n\n{table}")


def _seed(options: Options) -> int:
    return (options.seed or [0])[0]


async def _feedback(_options: Options) -> None:
    with tempfile.TemporaryDirectory(prefix="zettel-evolution-") as folder:
        _tell(write_offered(await offered(await _embedder(), Path(folder))))


async def _asked(options: Options) -> None:
    with tempfile.TemporaryDirectory(prefix="zettel-evolution-") as folder:
        _tell(write_asked(await asked(await _embedder(), Path(folder), options.only)))


async def _broad(options: Options) -> None:
    with tempfile.TemporaryDirectory(prefix="zettel-evolution-") as folder:
        months = building_months(options.only)
        _tell(write_broad(await broad(await _embedder(), Path(folder), months)))


_MEASURES: Mapping[str, Callable[[Options], Awaitable[None]]] = {
    "steps": _steps,
    "parts": _parts,
    "gists": _gists,
    "links": _links,
    "fading": _fading,
    "conflicts": _conflicts,
    "profiles": _profiles,
    "cues": _cues,
    "written": _written,
    "composed": _composed,
    "rows": _rows,
    "feedback": _feedback,
    "asked": _asked,
    "broad": _broad,
}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.evolution", description=__doc__)
    add = parser.add_argument
    add("what", choices=tuple(_MEASURES), help="benchmarks/README.md says what each measures")
    add("--data", type=Path, metavar="DATA", help="what benchmarks.retrieval takes")
    add("--only", action="append", default=[], metavar="NAME", help="this conversation; repeatable")
    styles = get_args(Style)
    add("--style", action="append", default=[], choices=styles, help="a made-up world; repeatable")
    add("--seed", action="append", default=[], type=int, metavar="N", help="its seed; repeatable")
    add("--size", choices=tuple(SIZES), default="small", help="its size")
    add("--conversations", type=int, default=3, metavar="N", help="of each seed")
    add("--sample", type=int, default=100, metavar="N", help="links, names and keywords to judge")
    add("--llm", default="", metavar="MODEL", help="measure once more with it; see README.md")
    add("--command", type=Path, metavar="FILE", help="the zettel to run; default: beside Python")
    return parser


if __name__ == "__main__":
    sys.exit(main())
