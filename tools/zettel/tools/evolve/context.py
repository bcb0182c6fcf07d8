"""The one sentence on where a note came up, by rule."""

from collections.abc import Sequence

from zettel.storage.notes import Note, Outline
from zettel.tools.ranking.signals import asks

ANSWERS = "In answer to"
"""How the context of an answer begins: without its question, "Yes, in Lyon!" says nothing."""
QUOTED = 100
"""Characters quoted of a question, from its end."""


def context_of(note: Note, keywords: Sequence[str], previous: Outline | None) -> str:
    """Say what question a note answers, or else when it was noted and on what.

    Args:
        note: The note.
        keywords: Its keywords, weightiest first.
        previous: The note before it in its session.
    """
    if previous is not None and asks(previous.content) and not asks(note.content):
        asked = " ".join(previous.content.split())
        quoted = asked if len(asked) <= QUOTED else f"…{asked[-QUOTED:]}"
        who = f"{previous.subject}’s " if previous.subject else ""
        return f"{ANSWERS} {who}“{quoted}”"
    day = f"{note.happened_at:%A}, {note.happened_at.day} {note.happened_at:%B %Y}"
    about = f", on {', '.join(keywords[:3])}" if keywords else ""
    return f"Noted {day}{about}."


def tells(note: Note) -> bool:
    """Whether a note's context says more than the note's own fields do."""
    return note.derived_by.get("context") != "rule" or note.context.startswith(ANSWERS)
