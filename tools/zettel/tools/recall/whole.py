"""A text that was told as one and is kept in parts, read as one."""

from dataclasses import replace

from zettel.storage.notes import Note
from zettel.tools.changes.parts import parts_of
from zettel.tools.recall.as_of import read_ids
from zettel.tools.recall_request import RecallQuery
from zettel.tools.state.memory import Memory


async def whole_text(memory: Memory, asked: RecallQuery, note: Note) -> Note:
    """The note, or the whole text where the note is its first part, trusted as its least part is.

    Of the parts those that can be read, as of the request's moment.
    """
    parts = await parts_of(memory.store, [note.note_id], known_at=asked.known_at)
    rest = [part.note_id for part in parts.get(note.note_id, ())]
    if not rest:
        return note
    whole = [note, *await read_ids(memory, asked, rest)]
    return replace(
        note,
        content="".join(part.content for part in whole),
        subject=note.subject if all(part.subject == note.subject for part in whole) else "",
        trust=min(part.trust for part in whole),
    )
