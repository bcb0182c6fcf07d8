"""`python -m benchmarks.scale`: tables go to stdout, progress to stderr.

With a data set it asks this set's questions among other notes; with `--notes` it measures what
questions and notes cost in stores of these sizes, and with `--tenants` in one of many namespaces.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import fmean, median

import anyio
import numpy as np

from benchmarks.retrieval.data import Dataset
from benchmarks.retrieval.errors import BenchmarkError
from benchmarks.retrieval.machine import describe_machine
from benchmarks.retrieval.read import read_dataset
from benchmarks.scale.costs import Bulk, Costs, Shape, bulk, resident_after
from benchmarks.scale.costs import measure as measure_costs
from benchmarks.scale.needles import Needles, Side, measure
from benchmarks.scale.turns import filled, serve_turns, take_turns, write_turns
from zettel.server.runtime.garbage import collect_rarely
from zettel.server.runtime.threads import share_among_threads
from zettel.storage.embedding.backends import make_embedder, make_export
from zettel.storage.embedding.embedder import Embedder
from zettel.storage.embedding.model_files import ModelFiles, find_model
from zettel.storage.embedding.onnx_encoder import load_onnx
from zettel.storage.embedding.sentence_transformer import SentenceEmbedder

SHOWN = ("recall@1", "recall@5", "recall@10", "nDCG@10")


class Options(argparse.Namespace):
    """The command line."""

    data: Path | None
    notes: list[int]
    tenants: int
    turns: int
    beside: Path | None
    stores: Path | None
    resident: Path | None
    serve_turns: list[Path]
    others: int
    every: int
    model: str


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and report.

    Args:
        arguments: The command line without the program; None takes this process's.

    Returns:
        The exit code: 0 done, 1 failed. A wrong option exits with 2.
    """
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale", description=__doc__)
    parser.add_argument("data", type=Path, nargs="?", help="a data set of make bench-retrieval")
    parser.add_argument("--notes", type=int, nargs="+", default=[], help="of one namespace")
    parser.add_argument("--tenants", type=int, default=0, help="namespaces of the first --notes")
    parser.add_argument("--turns", type=int, default=0, help="only recall over its floor, so often")
    parser.add_argument(
        "--beside", type=Path, help="another checkout's Python, whose code takes turns as well"
    )
    parser.add_argument("--stores", type=Path, help="with --turns, where the stores are kept")
    parser.add_argument("--serve-turns", type=Path, nargs="+", help=argparse.SUPPRESS)
    parser.add_argument("--resident", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--others", type=int, default=20_000, help="other notes; default 20000")
    parser.add_argument("--every", type=int, default=3, help="ask one question in so many")
    parser.add_argument("--model", default="all-MiniLM-L6-v2", help="default all-MiniLM-L6-v2")
    options = parser.parse_args(arguments, namespace=Options())
    collect_rarely()
    share_among_threads()  # the turns of threads are a server's; Arrow is imported already
    if options.resident:
        sys.stdout.write(json.dumps(anyio.run(_resident, options.resident, options.model)))
        return 0
    if options.serve_turns:
        anyio.run(_serve_turns, options.serve_turns, options.model)
        return 0
    if not (options.data or options.notes):
        parser.error("name a data set, or --notes")
    try:
        if options.data:
            table = write_table(anyio.run(_measured, read_dataset(options.data), options))
        elif options.turns:
            table = _turns(options)
        else:
            table = anyio.run(_costs, options)
    except BenchmarkError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(f"{describe_machine()}\n\n{table}")
    return 0


def _tell(line: str) -> None:
    sys.stderr.write(f"{line}\n")


async def _resident(store: Path, model: str) -> tuple[int, int]:
    return await resident_after(store, make_embedder(await find_model(model), "onnx"))


async def _serve_turns(stores: Sequence[Path], model: str) -> None:
    await serve_turns(stores, (await _loaded(model))[1])


async def _loaded(model: str) -> tuple[ModelFiles, Embedder]:
    files = await find_model(model)
    await make_export(files)
    embedder = make_embedder(files, "onnx")
    await embedder.load()
    return files, embedder


@contextmanager
def _folder(options: Options) -> Generator[Path]:
    """Where the stores are."""
    if options.stores:
        options.stores.mkdir(parents=True, exist_ok=True)
        yield options.stores
    else:
        with tempfile.TemporaryDirectory(prefix="zettel-scale-") as name:
            yield Path(name)


def _turns(options: Options) -> str:
    shapes = [Shape(tenants=1, notes=notes) for notes in options.notes]
    worker = ("-m", "benchmarks.scale", "--model", options.model, "--serve-turns")
    pythons = {"this": sys.executable}
    if options.beside:
        pythons["beside"] = str(options.beside)
    with _folder(options) as folder:
        stores = anyio.run(_filled, folder, shapes, options.model)
        commands = [(code, (python, *worker)) for code, python in pythons.items()]
        return write_turns(take_turns(stores, shapes, commands, turns=options.turns, tell=_tell))


async def _filled(folder: Path, shapes: Sequence[Shape], model: str) -> list[Path]:
    _, embedder = await _loaded(model)
    return [await filled(folder, shape, embedder, _tell) for shape in shapes]


async def _costs(options: Options) -> str:
    files, embedder = await _loaded(options.model)
    shapes = [Shape(tenants=1, notes=notes) for notes in options.notes]
    if options.tenants:
        shapes.append(Shape(tenants=options.tenants, notes=options.notes[0]))
    with tempfile.TemporaryDirectory(prefix="zettel-scale-") as name:
        folder = Path(name)
        found = await measure_costs(folder, shapes, embedder, _tell)
        for costs in found:
            command = (sys.executable, "-m", "benchmarks.scale", "--model", options.model)
            place = folder / costs.shape.name
            said = await anyio.run_process((*command, "--resident", str(place)), stderr=None)
            costs.resident_empty, costs.resident = json.loads(said.stdout)
        encoder = await anyio.to_thread.run_sync(load_onnx, files)
        imported = await bulk(folder / "bulk", files, encoder)
    return write_costs(found, imported)


async def _measured(dataset: Dataset, options: Options) -> Needles:
    embedder = SentenceEmbedder(await find_model(options.model))
    await embedder.load()
    with tempfile.TemporaryDirectory(prefix="zettel-scale-") as folder:
        return await measure(
            dataset,
            embedder,
            Path(folder, "store"),
            others=options.others,
            every=options.every,
            tell=_tell,
        )


def write_costs(found: Sequence[Costs], imported: Bulk) -> str:
    """The costs of each store and their ratios to the floor, as Markdown."""
    head = (
        "namespaces x notes",
        *("recall p50", "p95", "of the floor's p50", "ten at once p50", "p95 of their p50"),
        *("remember p50", "of its floor"),
        *("first recall after a write", "the next", "after another namespace's write"),
        *("resident", "of it before the store", "disk a note"),
    )
    rows = [head, ("---",) + ("---:",) * (len(head) - 1), *map(_cost_row, found)]
    table = "".join(f"| {' | '.join(row)} |\n" for row in rows)
    share, model = imported.embedding_s / imported.took_s, imported.model_s / imported.took_s
    return (
        f"{table}\n{imported.notes} notes imported in {imported.took_s:.1f} s; the embedder worked"
        f" for {share:.1%} of it, the model alone for {model:.1%}.\n"
    )


def _cost_row(costs: Costs) -> tuple[str, ...]:
    recalled, floor = median(costs.recall), median(costs.recall_floor)
    stored, stored_floor = median(costs.remember), median(costs.remember_floor)
    others = f"{median(costs.after_others):.0f} ms" if costs.after_others else ""
    return (
        costs.shape.name,
        f"{recalled:.0f} ms",
        f"{np.percentile(costs.recall, 95):.0f} ms",
        f"{recalled / floor:.2f}",
        f"{median(costs.at_once):.0f} ms",
        f"{np.percentile(costs.at_once, 95) / median(costs.at_once):.2f}",
        f"{stored:.0f} ms",
        f"{stored / stored_floor:.2f}",
        f"{median(costs.first):.0f} ms",
        f"{median(costs.following):.0f} ms",
        others,
        f"{costs.resident / 2**20:.0f} MiB",
        f"{costs.resident_empty / 2**20:.0f} MiB",
        f"{costs.disk / costs.shape.tenants / costs.shape.notes / 1000:.1f} kB",
    )


def write_table(found: Needles) -> str:
    """Both sides and their ratio, as Markdown."""
    own, among = _cells(found.own), _cells(found.among)
    ratios = [f"{there / here:.2f}" if here else "" for here, there in zip(own, among, strict=True)]
    rows = (
        ("", *SHOWN, "p50", "p95"),
        ("---",) + ("---:",) * (len(SHOWN) + 2),
        ("in its own namespace", *_shown(own)),
        (f"among {found.notes} notes", *_shown(among)),
        ("ratio", *ratios),
    )
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _cells(side: Side) -> list[float]:
    """Means of the measures in percent, then milliseconds."""
    measures = [100 * fmean(side.scores[name]) for name in SHOWN]
    return [*measures, *(float(np.percentile(side.took, share)) for share in (50, 95))]


def _shown(cells: Sequence[float]) -> list[str]:
    measures, times = cells[: len(SHOWN)], cells[len(SHOWN) :]
    return [*(f"{one:.2f}" for one in measures), *(f"{one:.0f} ms" for one in times)]


if __name__ == "__main__":
    sys.exit(main())
