"""How many rows evolution writes for new notes, by step, and what is left of them on disk."""

# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false
# (pyarrow ships no types, lancedb some)

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

from anyio import to_thread

from benchmarks.evolution.desk import opened_desk
from benchmarks.generator.records import World
from benchmarks.generator.run import halves
from benchmarks.generator.served import Served
from benchmarks.generator.systems import Outcomes, replay
from zettel.storage.embedding.embedder import Embedder
from zettel.storage.lance.files import disk_bytes
from zettel.storage.lance.store import LanceStore
from zettel.storage.notes import SCHEDULER, Note
from zettel.storage.store import NoteFilter, Vectors

SESSION_NOTES = 50
"""Notes told between two runs, where evolution follows each session."""
MOST = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """What evolution wrote, and what is left."""

    told: int
    """New notes."""
    runs: int
    """Runs that changed something."""
    revisions: Counter[str]
    """`Note.change` -> revisions that evolution made."""
    in_place: int
    """Rows written again without a revision: stages, and vectors that were missing."""
    tended: int
    """Bytes of the store right after upkeep, which keeps the versions of the last 15 minutes."""
    disk: int
    """Bytes of the store after upkeep, once these versions are gone, too."""
    live: int
    """Bytes of all rows, history included, as Arrow holds them: without index and compression."""
    current: int
    """Of the current rows alone."""


class _CountingStore(LanceStore):
    """Counts the rows that are written in place."""

    in_place = 0

    async def mark(self, notes: Sequence[Note], *, stage: int) -> None:
        """Count, then mark."""
        self.in_place += len(notes)
        await super().mark(notes, stage=stage)

    async def embed(self, vectors: Sequence[tuple[Note, Vectors]], *, model: str) -> None:
        """Count, then embed."""
        self.in_place += len(vectors)
        await super().embed(vectors, model=model)


async def count_rows(
    world: World, embedder: Embedder, store: Path, *, often: bool, progress: Callable[[str], None]
) -> Rows:
    """Tell a world's notes, evolve them, and count.

    Args:
        world: Only what it remembers is told.
        embedder: Loaded.
        store: A directory that is not there yet.
        often: Whether evolution follows each session of `SESSION_NOTES`, or all of them.
        progress: Told after each run.
    """
    told = [operation for operation in halves(world.operations)[0] if operation.op == "remember"]
    async with opened_desk(store, embedder) as (desk, timed):
        assert isinstance(desk.memory.store, LanceStore)
        counting = _CountingStore(desk.memory.store.tables)
        desk.memory = replace(desk.memory, store=counting)
        served = Served(timed)
        for start in range(0, len(told), SESSION_NOTES):
            part = told[start : start + SESSION_NOTES]
            await replay(part, served, Outcomes(), before=lambda o: setattr(desk, "now", o.t))
            desk.now += timedelta(minutes=1)
            await counting.upkeep()  # as the scheduler does it after so many commits
            changed = await desk.evolve() if often or start + len(part) == len(told) else {}
            progress(f"{world.name}: {start + len(part)} of {len(told)} told, changed {changed}")
        where = NoteFilter(states=(), derived=None)
        ids = [note.note_id for note in await counting.find(where, limit=MOST)]
        made = [note for i in ids for note in await counting.revisions(i)]
        runs = await counting.runs(limit=MOST)
        await counting.upkeep()
        tended = await to_thread.run_sync(disk_bytes, store)
        for table in counting.tables.all():
            await table.commit(lambda handle: handle.optimize(cleanup_older_than=timedelta(0)))
        notes = await counting.tables.notes.select(counting.tables.notes.spec.schema.names)
        return Rows(
            told=len(told),
            runs=sum(any(run.counts.values()) for run in runs),
            revisions=Counter(note.change for note in made if note.changed_by == SCHEDULER),
            in_place=counting.in_place,
            tended=tended,
            disk=await to_thread.run_sync(disk_bytes, store),
            live=notes.nbytes,
            current=notes.filter(notes.column("current")).nbytes,
        )


def write_rows(name: str, columns: Sequence[tuple[str, Rows]]) -> str:
    """A column for each way of telling.

    Args:
        name: Of what was told.
        columns: How it was told, and what came of it.
    """
    steps = list(dict.fromkeys(step for _, rows in columns for step in rows.revisions))
    lines = [f"## {name}", "", f"| | {' | '.join(way for way, _ in columns)} |"]
    lines.append(f"|---|{'---:|' * len(columns)}")

    def line(label: str, cell: Callable[[Rows], str]) -> None:
        lines.append(f"| {label} | {' | '.join(cell(rows) for _, rows in columns)} |")

    line("notes told", lambda rows: str(rows.told))
    line("runs that changed something", lambda rows: str(rows.runs))
    for step in steps:
        line(f"revisions by `{step}`", lambda rows, step=step: str(rows.revisions[step]))
    line("**revisions by evolution**", lambda rows: f"**{rows.revisions.total()}**")
    line("rows written again in place", lambda rows: str(rows.in_place))
    line("disk right after upkeep", lambda rows: f"{rows.tended / 1e6:.2f} MB")
    line("disk after upkeep, 15 minutes later", lambda rows: f"{rows.disk / 1e6:.2f} MB")
    line("all rows, as Arrow holds them", lambda rows: f"{rows.live / 1e6:.2f} MB")
    line("current rows alone", lambda rows: f"{rows.current / 1e6:.2f} MB")
    line("disk / all rows", lambda rows: f"{rows.disk / rows.live:.2f}")
    line("disk / current rows", lambda rows: f"{rows.disk / rows.current:.2f}")
    return "\n".join([*lines, "", ""])
