"""`zettel history` (every revision of a note) and `zettel runs` (the newest runs)."""

import json
from dataclasses import asdict

from zettel.server.commands.diffs import differences, printable
from zettel.server.commands.notes import Say, plain
from zettel.server.config.settings import Settings
from zettel.server.runtime.factories import opened
from zettel.storage.notes import Note, Run
from zettel.tools.erasure.erase import not_found
from zettel.tools.language.times import iso
from zettel.tools.render import one_line


async def print_history(settings: Settings, note_id: str, as_json: bool, say: Say) -> None:
    """Say a note's revisions, oldest first.

    Raises:
        NoteNotFoundError: There is no note with this id.
        StoreError: The store cannot be read.
    """
    async with opened(settings) as memory:
        revisions = await memory.store.revisions(note_id.strip().upper())
        if not revisions:
            raise await not_found(memory, note_id.strip().upper())
    if not as_json:
        last = revisions[-1]
        say(f"{last.note_id}  {last.namespace}  {last.state}  {printable(one_line(last))}")
    before: Note | None = None
    for note in revisions:
        say(_as_json(before, note) if as_json else _as_text(before, note))
        before = note


def _as_json(before: Note | None, note: Note) -> str:
    times = {
        "known_from": note.known_from,
        "known_to": note.known_to,
        "happened_at": note.happened_at,
        "true_from": note.valid_from,
        "true_until": note.valid_until,
        "world_changed_at": note.ended_at,
    }
    told: dict[str, object] = {
        "rev": note.rev,
        **{name: moment.isoformat() for name, moment in times.items() if moment},
        "corrected": note.corrected,
        "by": note.changed_by,
        "change": note.change,
        "reason": note.reason,
        "run_id": note.run_id,
        "state": note.state,
        "changed": {
            difference.name: difference.as_json() for difference in differences(before, note)
        },
    }
    return json.dumps({k: v for k, v in told.items() if v != ""}, ensure_ascii=False)


def _as_text(before: Note | None, note: Note) -> str:
    by = f" by {note.changed_by}" if note.changed_by else ""
    run = f", {note.run_id}" if note.run_id else ""
    why = f": {note.reason}" if note.reason else ""
    head = f"rev {note.rev}  {iso(note.known_from)}  {note.change}{by}{run}{why}"
    changed = [f"  {difference.as_line()}" for difference in differences(before, note)]
    return "\n".join((printable(head), f"  {_validity(note)}", *changed))


def _validity(note: Note) -> str:
    """When it was true, and whether that still stands."""
    ends = [moment for moment in (note.valid_until, note.ended_at) if moment]
    until = f" until {iso(min(ends))}" if ends else ""
    told = f"true from {iso(note.valid_from)}{until}"
    if note.ended_at and note.ended_at <= note.valid_from:
        told = f"told to be true from {iso(note.valid_from)}, but the world changed"
        told += f" {iso(note.ended_at)}, was told next"
    elif note.ended_at:
        told += ", when the world changed"
    if note.corrected and note.known_to:
        told += f"; corrected {iso(note.known_to)}"
    return told


NEWEST = 20
"""Runs that are listed."""


async def print_runs(settings: Settings, as_json: bool, say: Say) -> None:
    """Say the newest runs, the last one first.

    Raises:
        StoreError: The store cannot be read.
    """
    async with opened(settings) as memory:
        runs = await memory.admin.runs(limit=NEWEST)
    for run in runs:
        say(_run_as_json(run) if as_json else _as_line(run))


def _run_as_json(run: Run) -> str:
    return json.dumps(asdict(run), ensure_ascii=False, default=plain)


def _as_line(run: Run) -> str:
    counts = ", ".join(f"{name} {count}" for name, count in run.counts.items() if count)
    told = f"{run.run_id}  {iso(run.started_at)}  {run.who:<9}  {run.kind:<6}  {run.outcome}"
    return printable(f"{told}  {counts or 'nothing changed'}")
