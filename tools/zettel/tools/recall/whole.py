"""A text that was told as one and is kept in parts: read as one, and around a part of it."""

from dataclasses import replace

from zettel.storage.notes import Note
from zettel.storage.text.utterance import asks
from zettel.tools.answers import LinkLine
from zettel.tools.changes.parts import first_part, parts_of
from zettel.tools.language.transcripts import without_cue_times
from zettel.tools.recall.as_of import read_ids
from zettel.tools.recall.note_details import NEXT, PREVIOUS, in_session
from zettel.tools.recall_request import RecallQuery
from zettel.tools.state.memory import Memory

REPLY_MAX_WORDS = 8
"""Words up to which a turn is unclear without the one before: "Yes, on Tuesday then"."""


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


async def beside_turn(
    memory: Memory, asked: RecallQuery, note: Note, *, shown: frozenset[str]
) -> list[LinkLine]:
    """Lines for the turns that a turn is unclear without, unless the answer shows them.

    The one before a short turn, the one behind a question.

    Args:
        memory: The memory.
        asked: The request.
        note: A note of the answer; none for one that goes on with no other.
        shown: Ids of the answer's notes.
    """
    said = without_cue_times(note.content)
    short, question = len(said.split()) <= REPLY_MAX_WORDS, asks(said)
    if not first_part(note) or not (short or question):
        return []
    wanted = {PREVIOUS} if not question else {NEXT} if not short else {PREVIOUS, NEXT}
    return [
        line
        for line in await in_session(memory, asked, note)
        if line["relation"] in wanted and line["note_id"] not in shown
    ]
