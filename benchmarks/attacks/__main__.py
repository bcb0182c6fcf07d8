"""The command: `python -m benchmarks.attacks`."""

import argparse
import json
import logging
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import anyio
from pydantic import JsonValue

from benchmarks.attacks.corpus import PARTS, Attack, read_attacks, read_ordinary
from benchmarks.attacks.judge import Outcome
from benchmarks.attacks.marks import Marked, as_calls, measure_marks
from benchmarks.attacks.play import play
from benchmarks.attacks.report import broken_bounds, merge, write_report
from benchmarks.attacks.stage import Caching
from benchmarks.retrieval.errors import BenchmarkError
from benchmarks.retrieval.read import read_dataset
from zettel.storage.embedding.embedder import Embedder
from zettel.storage.embedding.hashing import HashEmbedder
from zettel.storage.embedding.model_files import find_model
from zettel.storage.embedding.sentence_transformer import SentenceEmbedder


class Options(argparse.Namespace):
    """What the command line says."""

    data: Path | None
    only: list[str]
    embedder: str
    llm: str
    out: Path | None


def main(arguments: Sequence[str] | None = None) -> int:
    """Attack, judge and report.

    Args:
        arguments: The command line without the program; None takes this process's.

    Returns:
        The exit code: 0 done and every bound kept, 1 failed or a bound broken.
    """
    options = _parser().parse_args(arguments, namespace=Options())
    logging.basicConfig(level=logging.WARNING)
    try:
        parts, marks = anyio.run(_measure, options)
    except BenchmarkError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(write_report(parts, marks))
    if options.out is not None:
        lines = [json.dumps(_as_json(o)) for outcomes in parts.values() for o in outcomes]
        options.out.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return 1 if broken_bounds(parts, marks) else 0


def _as_json(outcome: Outcome) -> dict[str, object]:
    return {
        "id": outcome.attack.id,
        "kind": outcome.attack.kind,
        "laundered": outcome.laundered,
        "unmarked": outcome.unmarked,
        "outranked": outcome.outranked,
        "elsewhere": outcome.elsewhere,
    }


async def _measure(options: Options) -> tuple[dict[str, list[Outcome]], list[Marked]]:
    attacks = {part: _wanted(read_attacks(part), options.only) for part in PARTS}
    everything = [attack for of in attacks.values() for attack in of]
    embedder, runs = await _embedder(options.embedder), list[list[Outcome]]()
    with tempfile.TemporaryDirectory(prefix="zettel-attacks-") as folder:
        for with_llm in {"no": (False,), "gullible": (True,), "both": (False, True)}[options.llm]:
            _say(f"{len(everything)} attacks, {'with' if with_llm else 'without'} an LLM")
            store = Path(folder, "with" if with_llm else "without")
            runs.append(await play(everything, embedder, store, with_llm=with_llm, progress=_say))
        worst = iter(merge(runs))
        parts = {part: [next(worst) for _ in of] for part, of in attacks.items()}
        ordinary = [dict[str, JsonValue](content=text) for text in read_ordinary()]
        told = [("ordinary notes", ordinary)]
        if options.data is not None:
            dataset = read_dataset(options.data)
            told.append((f"notes of {dataset.name}", as_calls(dataset)))
        marks = list[Marked]()
        for name, calls in told:
            _say(f"{len(calls)} {name}")
            marks.append(await measure_marks(name, calls, Path(folder, name.replace("/", "-"))))
    return parts, marks


def _wanted(attacks: Sequence[Attack], only: Sequence[str]) -> list[Attack]:
    return [a for a in attacks if not only or a.kind in only or a.id in only]


async def _embedder(name: str) -> Embedder:
    if name == "hashing":
        return HashEmbedder()
    embedder = Caching(SentenceEmbedder(await find_model()))
    await embedder.load()
    return embedder


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.attacks", description=__doc__)
    add = parser.add_argument
    add("--data", type=Path, metavar="DATA", help="honest talk, in any form of the retrieval data")
    add("--only", action="append", default=[], metavar="KIND", help="or an attack's id; repeatable")
    add("--embedder", choices=("model", "hashing"), default="model", help="default: model")
    add("--llm", choices=("no", "gullible", "both"), default="both", help="default: both")
    add("--out", type=Path, metavar="FILE", help="one line of JSON an attack")
    return parser


if __name__ == "__main__":
    sys.exit(main())
