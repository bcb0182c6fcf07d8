"""`zettel runs`: the newest runs of evolution, undo and healing."""

import json
from dataclasses import asdict

from zettel.server.commands.diffs import printable
from zettel.server.listing import Say, plain
from zettel.server.offline import opened
from zettel.server.settings import Settings
from zettel.storage.notes import Run
from zettel.tools.language.times import iso

NEWEST = 20
"""Runs that are listed."""


async def print_runs(settings: Settings, as_json: bool, say: Say) -> None:
    """Say the newest runs, the last one first.

    Raises:
        StoreError: The store cannot be read.
    """
    async with opened(settings) as memory:
        runs = await memory.store.runs(limit=NEWEST)
    for run in runs:
        say(_as_json(run) if as_json else _as_line(run))


def _as_json(run: Run) -> str:
    return json.dumps(asdict(run), ensure_ascii=False, default=plain)


def _as_line(run: Run) -> str:
    counts = ", ".join(f"{name} {count}" for name, count in run.counts.items() if count)
    told = f"{run.run_id}  {iso(run.started_at)}  {run.who:<9}  {run.kind:<6}  {run.outcome}"
    return printable(f"{told}  {counts or 'nothing changed'}")
