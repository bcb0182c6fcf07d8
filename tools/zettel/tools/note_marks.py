"""Marks: why a note's words are not to be taken at their word."""

from collections.abc import Iterator, Mapping, Sequence

from zettel.storage.notes import Note
from zettel.tools.answers import RecalledNote
from zettel.tools.language.prompt_injection import reads_like_instructions
from zettel.tools.trust import MARKED_TRUST


def find_marks(text: str) -> tuple[str, ...]:
    """Stub."""
    return ("instructions",) if reads_like_instructions(text) else ()


def find_marks_across(texts: Sequence[str]) -> tuple[str, ...]:
    """Stub."""
    return find_marks("\n".join(texts)) if len(texts) > 1 else ()


def words_of(note: Note) -> str:
    """All of a note's text that an agent wrote."""
    words = (note.subject, note.content, note.context, *note.tags, note.session, note.source)
    return "\n".join(words)


def note_marks(note: Note) -> tuple[str, ...]:
    """The marks of a note by its own text."""
    return find_marks(words_of(note))


SUSPECT = "suspect"
"""The mark of a note whose trust was lowered for more than the text shown: it went on elsewhere."""
WINDOWS = (2, 3, 4)
"""Notes shown next to each other that are read as one text."""


def marks_of_views(views: Sequence[RecalledNote]) -> dict[str, tuple[str, ...]]:
    """Note id -> the marks of what an answer shows of it, alone or together with its neighbours."""
    texts = {view["note_id"]: "\n".join(_shown(view)) for view in views}
    marks = {note_id: found for note_id, text in texts.items() if (found := find_marks(text))}
    for view in views:
        if view.get("trust", 1.0) <= MARKED_TRUST:
            marks.setdefault(view["note_id"], (SUSPECT,))
    # In the order shown, and in the order told: a split text makes sense in one of them.
    unmarked = [note_id for note_id in texts if note_id not in marks]
    for order in (unmarked, sorted(unmarked)):
        if len(order) > 1 and find_marks_across([texts[i] for i in order]):
            marks |= _across(order, texts)
    return marks


def _across(order: Sequence[str], texts: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    found = dict[str, tuple[str, ...]]()
    for size in WINDOWS:
        for at in range(len(order) - size + 1):
            window = order[at : at + size]
            if not found.keys() & set(window):
                if marks := find_marks_across([texts[i] for i in window]):
                    found |= dict.fromkeys(window, marks)
    return found


def _shown(view: RecalledNote) -> Iterator[str]:
    for name in ("subject", "content", "line", "context", "session", "source", "summary"):
        yield str(view.get(name, ""))
    for names in ("tags", "keywords", "questions"):
        yield from view.get(names, ())
    yield from (link.get("line", "") for link in view.get("links", ()))
