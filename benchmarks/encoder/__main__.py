"""The command: `python -m benchmarks.encoder`."""

import argparse
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import anyio

from benchmarks.encoder.bulk import bulk_times, write_bulk
from benchmarks.encoder.measure import (
    LIBRARIES,
    THREADS,
    Served,
    Times,
    encoder_times,
    fill_now,
    floor_s,
    serve,
)
from benchmarks.retrieval.errors import BenchmarkError
from benchmarks.retrieval.machine import describe_machine
from benchmarks.retrieval.score import percentile


class Options(argparse.Namespace):
    """What the command line says."""

    notes: int
    repeat: int
    recalls: int
    starts: int
    seed: int
    bulk: int


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and report.

    Args:
        arguments: The command line without the program; None takes this process's.

    Returns:
        The exit code: 0 done, 1 failed.
    """
    parser = argparse.ArgumentParser(prog="python -m benchmarks.encoder", description=__doc__)
    parser.add_argument("--notes", type=int, default=3000)
    parser.add_argument("--repeat", type=int, default=80, help="encodings of each text")
    parser.add_argument("--recalls", type=int, default=1000, help="of each server")
    parser.add_argument("--starts", type=int, default=3, help="of each server; the last is asked")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--bulk", type=int, default=0, help="only import so many, also on a GPU")
    options = parser.parse_args(arguments, namespace=Options())
    if options.bulk:
        lines = write_bulk(anyio.run(bulk_times, options.bulk))
        sys.stdout.write("\n".join((describe_machine(), "", *lines)) + "\n")
        return 0
    try:
        times = {threads: encoder_times(threads, options.repeat) for threads in THREADS}
        floors, servers = _servers(options)
    except BenchmarkError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write("\n".join(write_report(times, floors, servers)) + "\n")
    return 0


def _servers(options: Options) -> tuple[Sequence[float], Mapping[str, Sequence[Served]]]:
    """Start each server in turn; seconds of the imports beside them."""
    floors, servers = list[float](), {library: list[Served]() for library in LIBRARIES}
    with tempfile.TemporaryDirectory(prefix="zettel-encoder-") as folder:
        store = Path(folder) / "store"
        fill_now(store, options.notes, seed=options.seed)
        for start in range(1, options.starts + 1):
            floors.append(floor_s())
            recalls = options.recalls if start == options.starts else 0
            for library, done in servers.items():
                done.append(serve(store, library, recalls=recalls, seed=options.seed + start))
    return floors, servers


def write_report(
    times: Mapping[str, Times],
    floors: Sequence[float],
    servers: Mapping[str, Sequence[Served]],
) -> Iterator[str]:
    """The report in Markdown, line by line.

    Args:
        times: Number of threads -> text -> library -> milliseconds.
        floors: Seconds of the imports.
        servers: Library -> its starts; the last one was asked.
    """
    yield from (describe_machine(), "")
    yield "| encoding, ms, best / p50 | threads | onnx | torch | best, onnx over torch |"
    yield "| --- | --- | ---: | ---: | ---: |"
    for threads, taken in times.items():
        for text, by_library in taken.items():
            cells = [f"{min(ms):.1f} / {percentile(ms, 0.5):.1f}" for ms in _ordered(by_library)]
            ours, theirs = map(min, _ordered(by_library))
            yield f"| {text} | {threads or 'default'} | {' | '.join(cells)} | {ours / theirs:.2f} |"
    yield from ("", "| a server | onnx | torch |", "| --- | ---: | ---: |")
    floor = percentile(floors, 0.5)
    columns = [_server_cells(servers[library], floor) for library in LIBRARIES]
    for name in columns[0]:
        yield f"| {name} | {' | '.join(cells[name] for cells in columns)} |"
    yield from ("", f"`import lancedb, onnxruntime` takes {floor:.1f} s.")


def _server_cells(starts: Sequence[Served], floor: float) -> Mapping[str, str]:
    first, last = percentile([each.first_s for each in starts], 0.5), starts[-1]
    middle, slow = (percentile(last.recall_ms, share) for share in (0.5, 0.95))
    return {
        f"first recall with meaning, p50 of {len(starts)} starts": f"{first:.1f} s",
        "the same over `import lancedb, onnxruntime`": f"{first / floor:.1f}",
        "resident after the recalls": f"{last.resident / 2**20:.0f} MiB",
        "its share of shared pages": f"{last.proportional / 2**20:.0f} MiB",
        "a recall, p50 / p95": f"{middle:.0f} / {slow:.0f} ms",
    }


def _ordered(by_library: Mapping[str, Sequence[float]]) -> Sequence[Sequence[float]]:
    return [by_library[library] for library in LIBRARIES]


if __name__ == "__main__":
    sys.exit(main())
