"""The text of a note in which full-text search looks."""

from collections.abc import Sequence

from zettel.storage.notes import Note, fold
from zettel.storage.text.gloss import other_words


def compose_text(note: Note) -> str:
    """The text for full-text search: date, subject, context, keywords, questions, content.

    Behind it what the content says in English, if it is in another language. Keywords and words
    that the content contains are left out, because repeats distort BM25's term frequency.
    """
    folded = fold(note.content)
    added: Sequence[str] = [k for k in (*note.keywords, *note.tags) if fold(k) not in folded]
    date = f"{note.happened_at:%A} {note.happened_at.day} {note.happened_at:%B %Y}"
    context = "" if note.derived_by.get("context") == "rule" else note.context
    english = other_words(note.content)
    parts = (date, note.subject, context, " ".join(added), *note.questions, note.content, english)
    return "\n".join(part for part in parts if part)
