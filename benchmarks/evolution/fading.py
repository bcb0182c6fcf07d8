"""What archiving by decay costs: what is archived, and what recall then no longer finds.

Told and asked at the times of the data, with every second question asked only after the decay:
either nobody has asked anything before, or the other half of the questions was asked at the end.
"""

import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from statistics import fmean

from benchmarks.evolution.desk import opened_desk
from benchmarks.evolution.trials import Sample, Trial, measured
from zettel.storage.embedding.embedder import Embedder
from zettel.storage.notes import State
from zettel.storage.store import NoteFilter

DAYS = (0, 30, 90, 365)
"""After the end of what was told."""
BELOW = (0.01, 0.05, 0.2)
"""Values of `ZETTEL_ARCHIVE_BELOW`, in rising order: what one archives the next one does, too."""
BEFORE, AFTER = slice(0, None, 2), slice(1, None, 2)
"""The questions of the history, and those that are measured."""
SHOWN = 10
"""Notes a recall of the history shows, and so strengthens: as many as one does by default."""
DEPTH = "recall@10"

Progress = Callable[[str], None]


@dataclass(slots=True, kw_only=True)
class Cell:
    """One threshold at one moment."""

    asked_before: bool
    days: int
    below: float
    archived: int
    told: int
    samples: list[Sample]


async def fades(
    trial: Trial, embedder: Embedder, folder: Path, *, progress: Progress
) -> list[Cell]:
    """Tell, evolve, and look from every moment through every threshold.

    Args:
        trial: What to tell and ask.
        embedder: Loaded.
        folder: An empty directory, for the stores.
        progress: Told after each cell.
    """
    told, cells = folder / "told", list[Cell]()
    async with opened_desk(told, embedder) as (desk, timed):
        await trial.tell(desk, timed)
        desk.now = trial.end
        await desk.evolve()
        progress(f"{trial.name}: told")
    for asked_before in (False, True):
        known = folder / f"asked-{asked_before}"
        shutil.copytree(told, known)
        async with opened_desk(known, embedder) as (desk, timed):
            if asked_before:
                await trial.ask(desk, timed, part=BEFORE, limit=SHOWN)
                await desk.memory.usage.flush(desk.memory.store)
            before = await trial.ask(desk, timed, part=AFTER)
        for days in DAYS:
            store = folder / f"asked-{asked_before}-{days}"
            shutil.copytree(known, store)
            cells += await _at(trial, embedder, store, days, before, asked_before=asked_before)
            shutil.rmtree(store)
            progress(f"{trial.name}: asked before {asked_before}, {days} days later")
    return cells


async def _at(
    trial: Trial,
    embedder: Embedder,
    store: Path,
    days: int,
    before: list[Sample],
    *,
    asked_before: bool,
) -> list[Cell]:
    """All thresholds at one moment; where one archives nothing more, nothing is asked again.

    `before` is asked without any threshold: no answer depends on how long ago a note was told.
    """
    cells, later = list[Cell](), timedelta(days=days)
    last = Cell(asked_before=asked_before, days=days, below=0, archived=0, told=0, samples=before)
    async with opened_desk(store, embedder) as (desk, timed):
        last.told = await desk.memory.store.count(NoteFilter())
        for below in (0.0, *BELOW):
            if below:
                desk.memory = replace(desk.memory, archive_below=below)
                desk.now = trial.end + later
                await desk.evolve()
            archived = await desk.memory.store.count(NoteFilter(states=(State.ARCHIVED,)))
            same = archived == last.archived
            last = replace(last, below=below, archived=archived)
            if not same:
                last.samples = await trial.ask(desk, timed, later=later, part=AFTER)
            cells.append(last)
    return cells


def write_cells(name: str, cells: Sequence[Cell]) -> str:
    """A line a cell; several trials' cells of one kind are taken together.

    Args:
        name: Of what was told.
        cells: Of all trials.
    """
    off = fmean(measured([s for c in cells if not c.below for s in c.samples], DEPTH))
    lines = [
        f"## Archiving on {name}: {DEPTH} {_percent(off)} without",
        "",
        f"| half of the questions asked before | days after | below | archived | {DEPTH} | lost |"
        " flagged of what nothing answers | flagged of the rest |",
        "|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for group in _alike(cells):
        first = group[0]
        if not first.below:
            continue
        samples = [sample for cell in group for sample in cell.samples]
        mean = fmean(measured(samples, DEPTH))
        archived = sum(c.archived for c in group) / sum(c.told for c in group)
        flags = [
            fmean(s.flagged for s in samples if bool(s.evidence) is known)
            if any(bool(s.evidence) is known for s in samples)
            else None
            for known in (False, True)
        ]
        lines.append(
            f"| {'yes' if first.asked_before else 'no'} | {first.days} | {first.below:g}"
            f" | {_percent(archived)} | {_percent(mean)} | {_percent(off - mean)}"
            f" | {' | '.join(map(_percent, flags))} |"
        )
    return "\n".join([*lines, "", ""])


def _alike(cells: Sequence[Cell]) -> Iterator[list[Cell]]:
    groups = dict[tuple[bool, int, float], list[Cell]]()
    for cell in cells:
        groups.setdefault((cell.asked_before, cell.days, cell.below), []).append(cell)
    yield from groups.values()


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.1f}"
