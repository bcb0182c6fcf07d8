"""Recall beside its floor by turns, of this code and of another checkout's on the same stores."""

import json
import subprocess
import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter, process_time

import anyio
import numpy as np

from benchmarks.scale.costs import Asked, Progress, Shape, fill, open_asked
from zettel.storage.embedding.embedder import Embedder

ASKED_IN_TURN = 8
"""Recalls, and bare queries, of one store in a row: turn by turn two models would take the caches
and cores from each other."""
WARM_UP_RECALLS = 3
"""Recalls before the first turn, so that what a scope keeps in memory is there."""


@dataclass(slots=True)
class Times:
    """Milliseconds of each call."""

    wall: list[float] = field(default_factory=list[float])
    processor: list[float] = field(default_factory=list[float])
    """Of all threads of the process."""

    def add(self, more: Sequence[Sequence[float]]) -> None:
        """Add calls as `serve_turns` writes them."""
        wall, processor = more
        self.wall += wall
        self.processor += processor


@dataclass(slots=True)
class Turns:
    """What was measured of one store by one checkout's code."""

    shape: Shape
    code: str
    recall: Times = field(default_factory=Times)
    floor: Times = field(default_factory=Times)


async def filled(folder: Path, shape: Shape, embedder: Embedder, tell: Progress) -> Path:
    """The store of a shape in a folder, filled unless it is there."""
    store = folder / shape.name
    if not store.exists():
        unfinished = folder / f"{shape.name}, unfinished"
        await fill(unfinished, shape, embedder, tell)
        unfinished.rename(store)
    return store


async def serve_turns(stores: Sequence[Path], embedder: Embedder) -> None:
    """Take a turn for each line of stdin, the number of a store, and write its times to stdout."""
    sides = list[Asked]()
    for number, store in enumerate(stores):
        sides.append(await open_asked(store, embedder, seed=number + 2))
        for _ in range(WARM_UP_RECALLS):
            await sides[-1].ask()
    while line := await anyio.to_thread.run_sync(sys.stdin.readline):
        side = sides[int(line)]
        told = [await _timed(side.ask_bare), await _timed(side.ask)]
        sys.stdout.write(f"{json.dumps(told)}\n")
        sys.stdout.flush()
    for side in sides:
        await side.memory.admin.close()


async def _timed(work: Callable[[], Awaitable[object]]) -> tuple[list[float], list[float]]:
    """Wall-clock and processor time of calls in a row, after one that does not count."""
    await work()
    wall, processor = list[float](), list[float]()
    for _ in range(ASKED_IN_TURN):
        began = perf_counter(), process_time()
        await work()
        wall.append(1000 * (perf_counter() - began[0]))
        processor.append(1000 * (process_time() - began[1]))
    return wall, processor


def take_turns(
    stores: Sequence[Path],
    shapes: Sequence[Shape],
    commands: Sequence[tuple[str, Sequence[str]]],
    *,
    turns: int,
    tell: Progress,
) -> list[Turns]:
    """Ask in stores by turns.

    Args:
        stores: Filled.
        shapes: Theirs.
        commands: For each checkout the name of its code, and what starts `serve_turns` of it.
        turns: Of each store and code.
        tell: Told now and then.
    """
    found = [[Turns(shape=shape, code=code) for code, _ in commands] for shape in shapes]
    processes = [
        subprocess.Popen(
            [*command, *map(str, stores)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
        )
        for _, command in commands
    ]
    for turn in range(turns):
        for number, of_store in enumerate(found):
            pairs = list(zip(processes, of_store, strict=True))
            for process, side in pairs[:: 1 if turn % 2 else -1]:
                floor, recall = _turn(process, number)
                side.floor.add(floor)
                side.recall.add(recall)
        tell(f"turn {turn + 1} of {turns}")
    for process in processes:
        process.communicate()
    return [side for of_store in found for side in of_store]


def _turn(process: subprocess.Popen[str], store: int) -> list[list[list[float]]]:
    assert process.stdin and process.stdout
    process.stdin.write(f"{store}\n")
    return json.loads(process.stdout.readline())


def write_turns(found: Sequence[Turns]) -> str:
    """Recall and its ratios to the floor, which is that of all codes together, as Markdown."""
    head = (
        *("notes", "code", "recalls", "recall p50", "p10", "processor time"),
        *("of the floor's p50", "of its p10", "of its processor time"),
    )
    rows = [head, ("---", "---") + ("---:",) * (len(head) - 2)]
    for side in found:
        floor = Times()
        for other in found:
            if other.shape == side.shape:
                floor.add((other.floor.wall, other.floor.processor))
        told, bare = _three(side.recall), _three(floor)
        rows.append(
            (
                *(f"{side.shape.notes:,}", side.code, str(len(side.recall.wall))),
                *(f"{value:.0f} ms" for value in told),
                *(f"{value / least:.2f}" for value, least in zip(told, bare, strict=True)),
            )
        )
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _three(times: Times) -> tuple[float, float, float]:
    """Median and tenth percentile by the clock, median of the processor time."""
    median, tenth = (float(np.percentile(times.wall, share)) for share in (50, 10))
    return median, tenth, float(np.median(times.processor))
