"""Marks of notes: what speaks against taking their text at its word, when told and when shown."""

from collections.abc import Iterator, Mapping, Sequence

from zettel.storage.notes import Note, Outline, fold
from zettel.tools.answers import Candidate, ForgetLine, LinkLine, RecalledNote, RelationLine
from zettel.tools.concurrency import read_in_thread
from zettel.tools.language.kept_readings import keep_last
from zettel.tools.language.marks import Mark, find_marks, find_marks_across
from zettel.tools.language.talk_words import talk_words
from zettel.tools.trust import FULL_TRUST, IMPORT_SCHEME, MARKED_TRUST, SUSPECT, TrustView

KNOWN_TEXTS = 4_096
"""Texts whose marks are remembered: notes are shown again and again."""
KNOWN_MAX_CHARACTERS = 2_000
"""Longer texts are read each time."""


def marks_of(text: str) -> tuple[Mark, ...]:
    """`find_marks`, remembered for the texts that are shown most."""
    return _known_marks(text) if len(text) <= KNOWN_MAX_CHARACTERS else find_marks(text)


@keep_last(KNOWN_TEXTS)
def _known_marks(text: str) -> tuple[Mark, ...]:
    return find_marks(text)


def words_of(note: Note) -> str:
    """All of a note's text that an agent wrote, less a subject like "assistant".

    Such a subject is who speaks in a talk, and would call on the reader before the text.
    """
    subject = "" if fold(note.subject) in talk_words().roles else note.subject
    source = _without_colon(note.source)
    words = (subject, note.content, note.context, *note.tags, note.session, source)
    return "\n".join(word for word in words if word)


def _without_colon(source: str) -> str:
    """The source of a note; of an imported one "import claude-code", so that none is called on."""
    scheme, _, rest = source.partition(":")
    return f"{scheme} {rest}" if scheme == IMPORT_SCHEME else source


def note_marks(note: Note) -> tuple[Mark, ...]:
    """The marks of a note by its own text."""
    return marks_of(words_of(note))


def is_suspect(note: Note) -> bool:
    """Whether nothing may be made of a note's words: they are marked, or part of marked ones."""
    return note.trust <= MARKED_TRUST or bool(note_marks(note))


WINDOWS = (2, 3, 4)
"""Notes shown next to each other that are read as one text."""


def add_labels(
    line: LinkLine | Candidate | ForgetLine | RelationLine,
    text: str,
    other: Note | Outline,
    of: TrustView,
) -> None:
    """Adds the author, trust and marks of another note to a line with its text."""
    if author := of.other_author(other):
        line["by"] = author
    if (trust := of.trust(other)) < FULL_TRUST:
        line["trust"] = round(trust, 3)
    if marks := marks_of(text):
        line["marks"] = [str(mark) for mark in marks]


def marks_of_views(views: Sequence[RecalledNote]) -> dict[str, tuple[str, ...]]:
    """Note id -> the marks of what an answer shows of it, alone or together with its neighbours."""
    texts = {view["note_id"]: "\n".join(filter(None, texts_of(view))) for view in views}
    marks: dict[str, tuple[str, ...]] = {
        note_id: found for note_id, text in texts.items() if (found := marks_of(text))
    }
    for view in views:
        if view.get("trust", FULL_TRUST) <= MARKED_TRUST:
            marks.setdefault(view["note_id"], (SUSPECT,))
    # What its author is fully trusted with was read together when it was told.
    doubted = [view["note_id"] for view in views if view.get("trust", FULL_TRUST) < FULL_TRUST]
    doubted = [note_id for note_id in doubted if note_id not in marks]
    # In the order shown, and in the order told: a split text makes sense in one of them.
    for order in {tuple(doubted), tuple(sorted(doubted))}:
        if find_marks_across([texts[note_id] for note_id in order]):
            marks |= _across(order, texts)
    return marks


async def mark_views(views: Sequence[RecalledNote]) -> None:
    """Adds its marks to each note of an answer."""
    marks = await read_in_thread(marks_of_views, views)
    for view in views:
        if found := marks.get(view["note_id"]):
            view["marks"] = list(found)


def _across(order: Sequence[str], texts: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    found = dict[str, tuple[str, ...]]()
    for size in WINDOWS:
        for at in range(len(order) - size + 1):
            window = order[at : at + size]
            if found.keys().isdisjoint(window):
                if marks := find_marks_across([texts[note_id] for note_id in window]):
                    found |= dict.fromkeys(window, marks)
    return found


def texts_of(view: RecalledNote) -> Iterator[str]:
    """The texts that a view shows of a note."""
    for name in ("subject", "content", "line", "context", "session", "summary"):
        yield str(view.get(name, ""))
    yield _without_colon(view.get("source", ""))
    for names in ("tags", "keywords", "questions"):
        yield from view.get(names, ())
    for revision in view.get("history", ()):
        for values in revision.get("changed", {}).values():
            yield from map(str, values)
