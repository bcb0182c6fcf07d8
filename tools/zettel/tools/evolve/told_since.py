"""Since when a note says what it says."""

from datetime import datetime

from zettel.storage.notes import Note
from zettel.storage.store import NoteStore


async def told_since(store: NoteStore, note: Note) -> datetime:
    """When the words were told that stand; revisions that leave them alone do not count."""
    since = note.known_from
    for earlier in reversed(await store.revisions(note.note_id)):
        if earlier.content != note.content:
            break
        since = earlier.known_from
    return since
