"""The text of a file that is too long for one note, and is kept as several."""

from collections.abc import Iterable
from dataclasses import replace
from hashlib import sha256

from zettel.storage.notes import Note, State
from zettel.storage.store import NoteStore
from zettel.tools.changes.parts import parts_of
from zettel.tools.vault.note_file import body_of


async def rest_of(store: NoteStore, note_id: str) -> list[Note]:
    """The notes that go on with a text, forgotten ones left out."""
    parts = await parts_of(store, [note_id])
    return [part for part in parts.get(note_id, ()) if part.state is not State.FORGOTTEN]


def joined(first: Note, rest: Iterable[Note]) -> Note:
    """The first note of a text with all that the text says."""
    return replace(first, content="".join(note.content for note in (first, *rest)))


def digest_of_text(text: str) -> str:
    """The SHA-256 of a text, in hex, as a file has it."""
    return sha256(body_of(text).encode()).hexdigest()
