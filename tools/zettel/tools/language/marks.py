"""Marks of content that could harm the agent that reads a note, or the person who looks at it.

By form, so it lowers the risk and is no guarantee: an order in words of its own passes.
"""

from collections.abc import Sequence
from enum import StrEnum

import regex

from zettel.tools.language.disguises import readings_of
from zettel.tools.language.hidden import controls_terminal, hides_characters
from zettel.tools.language.links import has_hostile_link
from zettel.tools.language.orders import find_orders
from zettel.tools.language.templates import holds_template


class Mark(StrEnum):
    """A sort of hostile content; in the order in which they are shown."""

    INSTRUCTIONS = "instructions"
    """Orders to the agent that reads it, chat templates, tool calls."""
    CREDENTIALS = "credentials"
    """Asks the reader to give or to collect a password, a key or a code."""
    HIDDEN = "hidden"
    """Characters that are not shown: tags, joiners within words, overrides of direction."""
    TERMINAL = "terminal"
    """Control characters that a terminal obeys."""
    LINK = "link"
    """Links and HTML that carry data out or run code."""


def find_marks(text: str) -> tuple[Mark, ...]:
    """What a text holds that speaks against trusting it, in time linear in its length.

    Returns:
        Each mark once, in the order of `Mark`; empty for an ordinary text.
    """
    found = set[Mark]()
    if hides_characters(text):
        found.add(Mark.HIDDEN)
    if controls_terminal(text):
        found.add(Mark.TERMINAL)
    if has_hostile_link(text):
        found.add(Mark.LINK)
    for reading in readings_of(text):
        found |= {Mark(finding) for finding in find_orders(reading.text, reading.vocabulary)}
        if Mark.INSTRUCTIONS not in found and holds_template(reading.text):
            found.add(Mark.INSTRUCTIONS)
        if {Mark.INSTRUCTIONS, Mark.CREDENTIALS} <= found:
            break
    return tuple(mark for mark in Mark if mark in found)


SEAM_CHARACTERS = 1_000
"""Characters of each end of a long text that are read together with its neighbours."""
_LABEL = regex.compile(
    r"^\s*(?:[(\[]?\d{1,3}\s?(?:/|of)\s?\d{1,3}[)\]]?|[(\[]?\d{1,3}[.):\]]|\p{L}{1,12}(?: \p{L}{1,8})? ?\d{0,3}:)?[\s:.…-]*"
)
_DOTS = regex.compile(r"[\s.…-]+$")


def find_marks_across(texts: Sequence[str]) -> tuple[Mark, ...]:
    """What some texts hold when they are read one after the other, without labels and dots.

    Args:
        texts: In the order in which an agent would read them, as the notes of one session. Of a
            long one, only `SEAM_CHARACTERS` of each end are read with its neighbours.

    Returns:
        As `find_marks`; none for fewer than two texts.
    """
    parts = [_DOTS.sub("", _LABEL.sub("", _ends(text))) for text in texts]
    found = set[Mark]()
    if len(parts) < 2:
        return ()
    for joint in (" ", ""):
        found.update(find_marks(joint.join(parts)))
    return tuple(mark for mark in Mark if mark in found)


def _ends(text: str) -> str:
    if len(text) <= 2 * SEAM_CHARACTERS:
        return text
    return f"{text[:SEAM_CHARACTERS]}\n\n{text[-SEAM_CHARACTERS:]}"
