"""`zettel list` and `zettel show`: notes for people's eyes and other programs' pipes."""

import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

from zettel.server.config.default_namespace import project_namespace
from zettel.server.config.settings import Settings
from zettel.server.runtime.factories import opened
from zettel.storage.notes import Note
from zettel.storage.store import NoteFilter
from zettel.tools.erasure.erase import not_found
from zettel.tools.render import shorten

logger = logging.getLogger(__name__)

ALL = 10_000_000
"""Read in one go: pages would shift while others write, and show a note twice or not at all."""

LINE = 100
"""Characters of a note that its line shows."""

Say = Callable[[str], None]


async def print_notes(settings: Settings, as_json: bool, say: Say) -> None:
    """Say every active note of the namespace, newest first.

    Raises:
        StoreError: The store cannot be read.
    """
    namespace = settings.namespace or project_namespace(Path.cwd(), home=Path.home())
    where = NoteFilter(namespaces=(namespace,))
    async with opened(settings) as memory:
        notes = await memory.store.find(where, limit=ALL)
    for note in notes:
        say(_as_json(note) if as_json else _as_line(note))
    if not notes:
        logger.warning("namespace %r holds no active notes; --namespace names another", namespace)


async def print_note(settings: Settings, note_id: str, as_json: bool, say: Say) -> None:
    """Say one note, in any state and namespace.

    Raises:
        NoteNotFoundError: There is none with this id.
        StoreError: The store cannot be read.
    """
    async with opened(settings) as memory:
        found = await memory.store.get([note_id.strip().upper()])
        if not found:
            raise await not_found(memory.store, note_id.strip().upper())
    say(_as_json(found[0]) if as_json else _as_page(found[0]))


def plain(value: object) -> str:
    """A value that JSON does not know as text: a time in ISO 8601."""
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _fields(note: Note) -> Mapping[str, object]:
    """The fields that say something, in the order the note declares them."""
    return {name: value for name, value in asdict(note).items() if value not in ("", None, (), {})}


def _as_json(note: Note) -> str:
    return json.dumps(_fields(note), ensure_ascii=False, default=plain)


def _as_line(note: Note) -> str:
    words = " ".join(note.content.split())
    shown = shorten(words, LINE)
    who = f"{note.subject}: " if note.subject else ""
    return f"{note.note_id}  {note.happened_at:%Y-%m-%d}  {note.kind:<10}  {who}{shown}"


def _shown(value: object) -> str:
    if isinstance(value, str | datetime):
        return plain(value)
    return json.dumps(value, ensure_ascii=False, default=plain)


def _as_page(note: Note) -> str:
    fields = {name: value for name, value in _fields(note).items() if name != "content"}
    width = max(map(len, fields))
    lines = [f"{name:<{width}}  {_shown(value)}" for name, value in fields.items()]
    return "\n".join((note.content, "", *lines))
