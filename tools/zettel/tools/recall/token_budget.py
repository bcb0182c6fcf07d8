"""Cuts the notes of an answer to its token budget.

Whole notes first, then passages, then fewer notes; links and the days of relative times
take only the room that is left.
"""

from collections.abc import Callable, Sequence

from zettel.tools.answers import LinkLine, RecalledNote
from zettel.tools.render import (
    count_tokens,
    to_json,
)

DROP_ORDER = (
    *("history", "signals", "usage", "origin", "derived_by", "told_at", "also", "times"),
    *("questions", "entities", "keywords", "summary", "why", "score", "context", "tags", "source"),
    *("session", "rev", "kind", "state", "subject", "namespace", "valid_until", "happened_at"),
    *("days", "contradicts", "by", "trust", "marks", "premise", "settle"),
)
"""Keys that the first note loses, in this order, before its content is cut."""

Excerpt = Callable[[RecalledNote, int], RecalledNote]
"""A note with its content cut to about so many characters."""


def fit(
    notes: Sequence[RecalledNote], *, budget: int, reserve: int, excerpt: Excerpt
) -> list[RecalledNote]:
    """The first notes that fit, long ones as passages if not all fit whole.

    Args:
        notes: Best first.
        budget: Tokens of the whole answer.
        reserve: Tokens of the answer without its notes.
        excerpt: Cuts a note.

    Returns:
        At least the first note, shrunk as far as needed; never more than the budget. If not all fit
        with their links and `days`, the notes and contents are those that fit without any of these.
    """
    room = budget - reserve
    if not notes or count_tokens(notes) <= room:
        return list(notes)
    return _with_more(_bare(list(map(_without_more, notes)), room, excerpt), notes, room)


def _without_more(note: RecalledNote) -> RecalledNote:
    bare = note.copy()
    bare.pop("links", None)
    bare.pop("days", None)
    return bare


def _with_more(
    fitted: list[RecalledNote], notes: Sequence[RecalledNote], room: int
) -> list[RecalledNote]:
    """Add back the `days` and then the links that fit, the first note's first."""
    spare = room * 4 - len(to_json(fitted).encode())
    for view, note in zip(fitted, notes, strict=False):
        days = note.get("days", "")
        if days and (size := len(f',"days":"{days}"')) <= spare:
            view["days"] = days
            spare -= size
    for view, note in zip(fitted, notes, strict=False):
        lines = list(note.get("links", ()))
        while lines and size_of(lines) > spare:
            lines.pop()
        if lines:
            view["links"] = lines
            spare -= size_of(lines)
    return fitted


def size_of(lines: Sequence[LinkLine]) -> int:
    """Bytes that links add to their note."""
    return len(to_json(lines).encode()) + len(',"links":')


def _bare(notes: Sequence[RecalledNote], room: int, excerpt: Excerpt) -> list[RecalledNote]:
    if count_tokens(notes) <= room:
        return list(notes)
    share, all_fit = room // len(notes), sum(map(count_tokens, notes)) <= room
    fitted, used = list[RecalledNote](), 0
    for note in notes:
        view, left = note, room - used
        if count_tokens(view) > max(share, 1) and (count_tokens(view) > left or not all_fit):
            view = _cut(view, max(share, min(left, share * 2)), excerpt)
        if count_tokens(view) > left:
            if fitted:
                break
            view = shrink(view, left, excerpt)
        fitted.append(view)
        used += count_tokens(view) + 1
    return fitted


def _cut(note: RecalledNote, room: int, excerpt: Excerpt) -> RecalledNote:
    content = note.get("content", "")
    spare = len(to_json(note).encode()) - room * 4
    if spare <= 0 or not content:
        return note
    per_character = len(content.encode()) / len(content)
    keep = len(content) - int(spare / per_character) - 16  # 16: the `excerpt` key itself
    return excerpt(note, keep) if keep >= 80 else note


def shrink(note: RecalledNote, room: int, excerpt: Excerpt) -> RecalledNote:
    """Make one note fit: drop keys, then cut its content, to nothing if needed."""
    view = note
    for key in DROP_ORDER:
        if count_tokens(view) <= room:
            return view
        view = _cut(view, room, excerpt)
        if count_tokens(view) > room and key in view:
            view = view.copy()
            view.pop(key)  # pyright: ignore[reportArgumentType]
    keep = len(view.get("content") or view.get("line", ""))
    while count_tokens(view) > room and keep > 0:
        keep = keep * 3 // 4
        view = view.copy()
        if "line" in view:
            view["line"] = view["line"][:keep]
        else:
            view["content"] = view.get("content", "")[:keep]
            view["excerpt"] = True
    return view
