"""`zettel list`, `zettel show` and `zettel history`: notes and their revisions."""

import json
import logging
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime

from zettel.server.commands.diffs import differences
from zettel.server.commands.here import caller_here
from zettel.server.commands.output import Output, Say, plain, printable, printable_block
from zettel.server.config.settings import Settings
from zettel.server.runtime.factories import opened
from zettel.storage.notes import Note
from zettel.storage.store import NoteFilter
from zettel.tools.erasure.erase import not_found
from zettel.tools.language.times import iso
from zettel.tools.render import one_line, shorten

logger = logging.getLogger(__name__)

LISTED_MAX_NOTES = 10_000_000
"""Read in one go: between pages a note could move, and be listed twice or not at all."""

LINE_MAX_CHARS = 100
"""Characters of a note that its line shows."""


async def print_notes(settings: Settings, say: Say) -> None:
    """Print every active note of the namespace, newest first.

    Raises:
        StoreError: The store cannot be read.
    """
    async with opened(settings) as memory:
        caller = await caller_here(memory, settings)
        where = NoteFilter(namespaces=caller.names.group(caller.namespace))
        notes = await memory.store.find(where, limit=LISTED_MAX_NOTES)
    for note in notes:
        say(Output(_fields(note), _note_line(note)))
    if not notes:
        namespace = where.namespaces[0]
        logger.warning("namespace %r holds no active notes; --namespace names another", namespace)


async def print_note(settings: Settings, note_id: str, say: Say) -> None:
    """Print one note, in any state and namespace.

    Raises:
        NoteNotFoundError: No note has this id.
        StoreError: The store cannot be read.
    """
    async with opened(settings) as memory:
        notes = await memory.store.get([note_id.strip().upper()])
        if not notes:
            raise await not_found(memory, note_id.strip().upper())
    say(Output(_fields(notes[0]), _note_page(notes[0])))


async def print_history(settings: Settings, note_id: str, say: Say) -> None:
    """Print a note's revisions, oldest first.

    Raises:
        NoteNotFoundError: No note has this id.
        StoreError: The store cannot be read.
    """
    async with opened(settings) as memory:
        revisions = await memory.store.revisions(note_id.strip().upper())
        if not revisions:
            raise await not_found(memory, note_id.strip().upper())
    last = revisions[-1]
    head = f"{last.note_id}  {last.namespace}  {last.state}  {one_line(last)}"
    say(Output(None, printable(head)))
    for before, note in zip((None, *revisions), revisions, strict=False):
        say(Output(_revision_data(before, note), _revision_text(before, note)))


def _fields(note: Note) -> Mapping[str, object]:
    """The fields that are not empty, in the order the note declares them."""
    return {name: value for name, value in asdict(note).items() if value not in ("", None, (), {})}


def _note_line(note: Note) -> str:
    words = shorten(" ".join(note.content.split()), LINE_MAX_CHARS)
    subject = f"{note.subject}: " if note.subject else ""
    head = f"{note.note_id}  {note.happened_at:%Y-%m-%d}  {note.kind:<10}"
    return printable(f"{head}  {subject}{words}")


def _note_page(note: Note) -> str:
    fields = {name: value for name, value in _fields(note).items() if name != "content"}
    width = max(map(len, fields))
    lines = [printable(f"{name:<{width}}  {_field_text(value)}") for name, value in fields.items()]
    return "\n".join((printable_block(note.content), "", *lines))


def _field_text(value: object) -> str:
    if isinstance(value, str | datetime):
        return plain(value)
    return json.dumps(value, ensure_ascii=False, default=plain)


def _revision_data(before: Note | None, note: Note) -> Mapping[str, object]:
    times = {
        "known_from": note.known_from,
        "known_to": note.known_to,
        "happened_at": note.happened_at,
        "true_from": note.valid_from,
        "true_until": note.valid_until,
        "world_changed_at": note.ended_at,
    }
    data: dict[str, object] = {
        "rev": note.rev,
        **{name: moment for name, moment in times.items() if moment},
        "corrected": note.corrected,
        "by": note.changed_by,
        "change": note.change,
        "reason": note.reason,
        "run_id": note.run_id,
        "state": note.state,
        "changed": {change.name: change.as_json() for change in differences(before, note)},
    }
    return {name: value for name, value in data.items() if value != ""}


def _revision_text(before: Note | None, note: Note) -> str:
    by = f" by {note.changed_by}" if note.changed_by else ""
    run = f", {note.run_id}" if note.run_id else ""
    why = f": {note.reason}" if note.reason else ""
    head = f"rev {note.rev}  {iso(note.known_from)}  {note.change}{by}{run}{why}"
    changed = [f"  {change.as_line()}" for change in differences(before, note)]
    return "\n".join((printable(head), f"  {_validity(note)}", *changed))


def _validity(note: Note) -> str:
    """From when to when the note's statement was true."""
    ends = [moment for moment in (note.valid_until, note.ended_at) if moment]
    until = f" until {iso(min(ends))}" if ends else ""
    text = f"true from {iso(note.valid_from)}{until}"
    if note.ended_at and note.ended_at <= note.valid_from:
        text = f"told to be true from {iso(note.valid_from)}, but the world changed"
        text += f" {iso(note.ended_at)}, was told next"
    elif note.ended_at:
        text += ", when the world changed"
    if note.corrected and note.known_to:
        text += f"; corrected {iso(note.known_to)}"
    return text
