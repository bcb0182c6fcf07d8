"""Which of two notes was told last, and so holds where they differ."""

from datetime import datetime

from zettel.storage.ids import told_at
from zettel.storage.notes import Note, Outline
from zettel.tools.language.times import wall_time


def telling_key(note: Note | Outline) -> tuple[datetime, str]:
    """Order of telling: `order_key`, but a plan counts from when it was written.

    Of a plan, which names the time to come that it is dated, holds what was told last, however
    early its day. Any other note that happened after it was made has been updated since.
    """
    at, shown = note.happened_at, wall_time(note.happened_at)
    if any(span.start <= shown < span.end for span in note.times):
        at = min(at, told_at(note.note_id))
    return (at, note.note_id)
