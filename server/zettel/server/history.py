"""`zettel history`: every revision of a note, with what it changed."""

import json

from zettel.server.commands.diffs import differences, printable
from zettel.server.listing import Say
from zettel.server.offline import opened
from zettel.server.settings import Settings
from zettel.storage.notes import Note
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
            raise await not_found(memory.store, note_id.strip().upper())
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
