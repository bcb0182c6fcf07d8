"""Views of notes for agents: keys with empty or default values are left out."""

import json
from datetime import datetime

from zettel.storage.notes import Kind, Note, Outline, State
from zettel.tools.answers import Copy, RecalledNote
from zettel.tools.language.times import iso
from zettel.tools.trust import FULL_TRUST, TrustView

LINE_MAX_CHARACTERS = 120
"""Most characters of a note's one line."""


def to_json(value: object) -> str:
    """Compact JSON, the form every answer is sent in."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def count_tokens(value: object) -> int:
    """Size of an answer: UTF-8 bytes of its compact JSON over 4, rounded up (design, section 6)."""
    return -(-len(to_json(value).encode()) // 4)


def shorten(text: str, most: int) -> str:
    """The text, or as much of its beginning as leaves room for an ellipsis in `most` characters."""
    return text if len(text) <= most else text[: most - 1] + "…"


def one_line(note: Note | Outline) -> str:
    """Day, subject and the beginning of the content, on one line."""
    words = " ".join(note.content.split())
    told = f"{note.subject}: {words}" if note.subject else words
    line = f"{note.happened_at:%Y-%m-%d} {told}"
    return shorten(line, LINE_MAX_CHARACTERS)


def copy_line(copy: Note, shown: Note) -> Copy:
    """A copy of a note that is shown."""
    line = Copy(note_id=copy.note_id, happened_at=iso(copy.happened_at))
    if copy.namespace != shown.namespace:
        line["namespace"] = copy.namespace
    return line


def note_view(note: Note, reader: TrustView, *, namespace: str, context: bool) -> RecalledNote:
    """A note in `notes` detail.

    Args:
        note: The note.
        reader: Sees who told it, and its trust, where these are not its own and full.
        namespace: The caller's own namespace, which is left out.
        context: Whether to include the note's context.
    """
    view = RecalledNote(
        note_id=note.note_id, content=note.content, happened_at=iso(note.happened_at)
    )
    if note.rev > 1 or not note.current:
        view["rev"] = note.rev
    if note.tags:
        view["tags"] = list(note.tags)
    if note.kind is not Kind.EPISODIC:
        view["kind"] = note.kind.value
    if until := _true_until(note):
        view["valid_until"] = iso(until)
    if note.namespace != namespace:
        view["namespace"] = note.namespace
    _add_trust(view, note, reader)
    if note.state is not State.ACTIVE:
        view["state"] = note.state.value
    stated = note.context if context and note.derived_by.get("context") != "rule" else ""
    words = {"context": stated, "subject": note.subject, "source": note.source}
    for name, value in {**words, "session": note.session}.items():
        if value:
            view[name] = value
    return view


def _true_until(note: Note) -> datetime | None:
    """The end of its validity: its own, or the one set by the next revision."""
    ends = [end for end in (note.valid_until, note.ended_at) if end]
    return min(ends, default=None)


def _add_trust(view: RecalledNote, note: Note, reader: TrustView) -> None:
    if author := reader.other_author(note):
        view["by"] = author
    if (trust := reader.trust(note)) < FULL_TRUST:
        view["trust"] = round(trust, 3)


def index_view(note: Note, reader: TrustView, *, namespace: str) -> RecalledNote:
    """A note in `index` detail: its id and one line."""
    view = RecalledNote(note_id=note.note_id, line=one_line(note))
    if note.namespace != namespace:
        view["namespace"] = note.namespace
    _add_trust(view, note, reader)
    return view
