"""Cutting a text that is told as one but found in parts: a long document, raw talk, a log."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import replace

from zettel.tools.language.headings import find_headings
from zettel.tools.language.transcripts import TextPart, cut_log, cut_talk

_ENDS = ("\n\n", "\n", "。", ". ", " ")
"""Where a document is cut rather: behind a paragraph, a line, a sentence, a word."""
DOCUMENT_PART_CHARACTERS = 1_200
"""Longest part of a document that is too long for one note: of 800, 1,200 and 2,400 characters the
size that showed most evidence within 500 tokens (RESULTS.md)."""
UNCUT_MAX_CHARACTERS = 600
"""A text up to this length stays one note: an answer quotes it whole."""


def cut_text(text: str, most: int, *, raw: bool) -> list[TextPart]:
    """Cut a text into the parts that are kept as notes of their own.

    Args:
        text: Any text.
        most: Characters of a note, at least 2; a longer text is cut whatever it is.
        raw: Whether the text may be raw talk or a log, and is cut at its turns if it is.

    Returns:
        One part for a text that is kept whole. The contents, joined, are the text, except that
        parts of nothing but white space are left out.
    """
    parts = (cut_talk(text) or cut_log(text)) if raw and len(text) > UNCUT_MAX_CHARACTERS else []
    if not parts:
        length = most if len(text) <= most else min(most, DOCUMENT_PART_CHARACTERS)
        return [TextPart(content=piece) for piece in cut_document(text, length)]
    return [
        replace(part, content=piece) for part in parts for piece in cut_document(part.content, most)
    ]


def cut_document(text: str, most: int) -> list[str]:
    """Cut a text into parts of at most `most` characters, each but the last at least half of that.

    Before a heading, if one is there, else behind a paragraph, a line, a sentence or a word. The
    parts, joined, are the text, without those of nothing but white space.
    """
    parts, start = list[str](), 0
    headings = [one.start for one in find_headings(text)] if len(text) > most else []
    while len(text) - start > most:
        at = _best_cut(text, headings, start + most // 2, start + most)
        parts.append(text[start:at])
        start = at
    parts.append(text[start:])
    return [part for part in parts if part.strip()]


def _best_cut(text: str, headings: Sequence[int], least: int, end: int) -> int:
    last = bisect_left(headings, end) - 1
    if last >= 0 and headings[last] > least:
        return headings[last]
    places = (text.rfind(mark, least, end) + len(mark) for mark in _ENDS)
    return next((place for place in places if place > least), end)
