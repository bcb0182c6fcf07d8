"""`zettel undo`: take one run back, alone on the store."""

import json
from collections.abc import Callable
from dataclasses import dataclass

from zettel.server.commands.diffs import notes_as_json, notes_as_lines
from zettel.server.commands.evolve import WHO, alone
from zettel.server.config.settings import Settings
from zettel.server.runtime.clock import utc_now
from zettel.server.runtime.factories import opened
from zettel.server.runtime.leadership import new_run_id
from zettel.tools.changes.run_changes import TouchedNote, touched_notes
from zettel.tools.changes.undo import UndoReport, undo_run


@dataclass(frozen=True, slots=True, kw_only=True)
class UndoResult:
    """What an undo did, and how each note looks now."""

    report: UndoReport
    touched: tuple[TouchedNote, ...]


async def undo_once(
    settings: Settings, run_id: str, partial: bool, waits: Callable[[], None]
) -> UndoResult:
    """Undo a run while no other goes on.

    Args:
        settings: Which store.
        run_id: The run.
        partial: Leave notes that were changed since.
        waits: Told once if another process is at it.

    Raises:
        UnknownNameError: There was no such run.
        ChangedSinceError: Notes were changed since, and not `partial`.
        ZettelError: The store cannot be used.
    """
    async with opened(settings) as memory:

        async def run() -> UndoResult:
            now = utc_now()
            undo_id = new_run_id(now, kind="undo")
            report = await undo_run(
                memory, run_id, now=now, undo_id=undo_id, who=WHO, partial=partial
            )
            return UndoResult(
                report=report, touched=tuple(await touched_notes(memory.store, report.undo_id))
            )

        return await alone(memory.store, f"undoing {run_id}", run, waits)


def as_json(undone: UndoResult) -> str:
    """The undo as one JSON object."""
    report = undone.report
    return json.dumps(
        {
            "run_id": report.run_id,
            "undo_id": report.undo_id if undone.touched else None,
            "restored": list(report.restored),
            "forgotten": list(report.forgotten),
            "left": dict(report.left),
            "notes": notes_as_json(undone.touched),
        },
        ensure_ascii=False,
    )


def as_text(undone: UndoResult) -> str:
    """The undo for a person."""
    report = undone.report
    if undone.touched:
        head = (
            f"{report.undo_id}: {len(report.restored)} notes are as before {report.run_id},"
            f" {len(report.forgotten)} that it made are forgotten."
            f" zettel undo {report.undo_id} takes this back."
        )
    else:
        head = f"Nothing of {report.run_id} was left to undo; nothing was changed."
    left = [f"left as it is: {note_id}, changed by {who}" for note_id, who in report.left.items()]
    return "\n".join((head, *left, *notes_as_lines(undone.touched)))
