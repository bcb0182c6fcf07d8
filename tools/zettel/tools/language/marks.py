"""Marks of content that could harm the agent that reads a note, or the person who looks at it.

By form, so it lowers the risk and is no guarantee: an order in words of its own passes.
"""

from collections.abc import Sequence
from enum import StrEnum
from itertools import pairwise

import regex

from zettel.tools.language.disguises import readings_of
from zettel.tools.language.json_messages import without_json
from zettel.tools.language.orders import find_orders, holds_order_verb, load_vocabulary, simplify
from zettel.tools.language.payloads import (
    controls_terminal,
    has_hostile_link,
    hides_characters,
    holds_template,
)


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


ORDERS = frozenset({Mark.INSTRUCTIONS, Mark.CREDENTIALS})
"""Marks of what speaks to the agent; text can go on with an order, not with a link or a script."""


def find_marks(text: str) -> tuple[Mark, ...]:
    """The marks of a text, in time linear in its length.

    Returns:
        Each mark once, in the order of `Mark`; empty for an ordinary text.
    """
    found = set[Mark]()
    if hides_characters(text):
        found.add(Mark.HIDDEN)
    if controls_terminal(text):
        found.add(Mark.TERMINAL)
    bare = without_json(text)
    if has_hostile_link(bare):
        found.add(Mark.LINK)
    for reading in readings_of(bare):
        found |= {Mark(finding) for finding in find_orders(reading.text, reading.vocabulary)}
        if Mark.INSTRUCTIONS not in found and holds_template(reading.text):
            found.add(Mark.INSTRUCTIONS)
        if {Mark.INSTRUCTIONS, Mark.CREDENTIALS} <= found:
            break
    return tuple(mark for mark in Mark if mark in found)


SEAM_CHARACTERS = 1_000
"""Characters of each end of a long text that are read together with its neighbours."""
_LABEL = regex.compile(
    r"\s{0,8}(?:[(\[]?\d{1,3}\s?(?:/|of)\s?\d{1,3}[)\]]?"
    r"|[(\[]?\d{1,3}[.):\]]"
    r"|\p{L}{1,12}(?: \p{L}{1,8})? ?\d{0,3}:)?[\s:.…-]{0,16}"
)
"""The label of a part: "(1/3)", "2.", "Part 2:"."""
_DOTS = ("...", "…", "-")
_ABOUT_USER = regex.compile(r"(?:The user|User)\s+\p{Ll}")
"""How an agent begins a note about its user: a sentence of its own, whatever ends before it."""
_FIRST_WORD = regex.compile(r"\p{Lu}\p{L}*")
_LAST_WORD = regex.compile(r"\p{L}{4,}$")
"""Shorter ones ("the", "to") leave a sentence open."""


def find_marks_across(texts: Sequence[str]) -> tuple[Mark, ...]:
    """The marks of texts read one after the other, without labels and dots.

    Args:
        texts: In the order in which an agent would read them, as the notes of one session. Of a
            long one, only `SEAM_CHARACTERS` of each end are read with its neighbours.

    Returns:
        As `find_marks`; what one text holds by itself is among it if it stands at an end. None for
        fewer than two texts.
    """
    if len(texts) < 2:
        return ()
    parts = [_without_label(_ends(without_json(text))) for text in texts]
    for at, (part, after) in enumerate(pairwise(parts)):
        # A sentence that goes on in the next text did not end at its full stop.
        if after[:1].islower():
            parts[at] = part.removesuffix(".")
        elif _begins(after) and _may_end(part):
            parts[at] = f"{part}."
    found = {mark for joint in (" ", "") for mark in find_marks(joint.join(parts))}
    return tuple(mark for mark in Mark if mark in found)


def may_continue(order: str, text: str) -> bool:
    """Whether a text may go on with another's order: the other breaks off, or it orders too."""
    if order.rstrip()[-1:].isalpha() and not _may_end(order.rstrip()):
        return True
    readings = readings_of(without_json(text))
    return any(holds_order_verb(reading.text, reading.vocabulary) for reading in readings)


def _may_end(part: str) -> bool:
    last = _LAST_WORD.search(part)
    return last is not None and not load_vocabulary().look_up(simplify(last.group()))


def _begins(part: str) -> bool:
    """Whether a text begins a sentence: with a capital, no word of an order, no "and" or "to"."""
    first = _FIRST_WORD.match(part)
    if first is None:
        return False
    word, vocabulary = simplify(first.group()), load_vocabulary()
    goes_on = word in vocabulary.lists["linker"] or vocabulary.look_up(word)
    return not goes_on or _ABOUT_USER.match(part) is not None


def _ends(text: str) -> str:
    if len(text) <= 2 * SEAM_CHARACTERS:
        return text
    return f"{text[:SEAM_CHARACTERS]}\n\n{text[-SEAM_CHARACTERS:]}"


def _without_label(text: str) -> str:
    label = _LABEL.match(text)
    part = text[label.end() if label else 0 :].rstrip()
    return part.rstrip(" .…-") if part.endswith(_DOTS) else part
