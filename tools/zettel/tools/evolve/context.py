"""The one sentence on where a note came up, by rule."""

from collections.abc import Sequence

from zettel.storage.notes import Note


def context_of(note: Note, keywords: Sequence[str]) -> str:
    """Say when a note was noted and on what.

    It quotes no other note: what is forgotten must not live on in its neighbours. What a note
    answers is a link.

    Args:
        note: The note.
        keywords: Its keywords, weightiest first.
    """
    moment = note.happened_at
    day = f"{moment:%A}, {moment.day} {moment:%B} {moment.year}"
    about = f", on {', '.join(keywords[:3])}" if keywords else ""
    return f"Noted {day}{about}."
