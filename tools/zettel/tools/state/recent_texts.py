"""The last notes that each author told, so that one text split over several of them is noticed."""

from collections import OrderedDict, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import NamedTuple

from zettel.tools.language.marks import ORDERS, find_marks_across, may_continue
from zettel.tools.language.terms import telling_words

RECENT_TEXTS = 6
"""Texts remembered of an author in a namespace."""
RECENT_MAX_CHARACTERS = 400
"""Longer texts are remembered by their end, where the next one would go on."""
RECENT_MAX_AUTHORS = 1_000
ACROSS_MAX_LETTERS = 600
"""Letters of an author's last texts, beyond which none is read with the next one: an order lies
within 180 characters (`language/orders.py`), disguises taken off; other signs may fill it up."""


class RecentText(NamedTuple):
    """A note's text, or the end of it."""

    note_id: str
    text: str
    trust: float
    """By its source, whatever it says."""
    orders: bool
    """Whether it was marked as an order, alone or with others."""


@dataclass(slots=True)
class RecentTexts:
    """The newest texts by author, some 10 MB at most; lost at a restart."""

    _texts: OrderedDict[str, deque[RecentText]] = field(
        default_factory=OrderedDict[str, deque[RecentText]]
    )
    _lock: Lock = field(default_factory=Lock)

    def last(self, author: str) -> Sequence[RecentText]:
        """The author's last texts, oldest first."""
        with self._lock:
            return tuple(self._texts.get(author, ()))

    def add(self, author: str, recent: RecentText) -> None:
        """Remembers a note's text."""
        with self._lock:
            kept = self._texts.setdefault(author, deque(maxlen=RECENT_TEXTS))
            kept.append(recent._replace(text=recent.text[-RECENT_MAX_CHARACTERS:]))
            self._texts.move_to_end(author)
            if len(self._texts) > RECENT_MAX_AUTHORS:
                self._texts.popitem(last=False)

    def drop(self, author: str) -> None:
        """Forgets an author's texts: together they were marked."""
        with self._lock:
            self._texts.pop(author, None)

    def clear(self) -> None:
        """Forgets all texts: some may have been erased."""
        with self._lock:
            self._texts.clear()


SHARED_MIN_WORDS = 2
"""Telling words that a note has in common with an order if it goes on with it: the name that
the first part was given, and a word around it; set by hand, on three attacks of
`benchmarks/attacks`."""


@dataclass(frozen=True, slots=True)
class Split:
    """What a text is together with its author's last ones."""

    marks: tuple[str, ...]
    """Empty for one that goes on with an order."""
    parts: frozenset[str]
    """Ids of the fewest last notes that it takes for the marks, of no more trust than the text."""


def find_split(text: str, trust: float, last: Sequence[RecentText]) -> Split | None:
    """Whether a text that is not marked is part of an order.

    Links and markup are no reason: told by halves they are nothing that a reader follows, and
    honest notes about a page quote its markup.

    No text speaks against more trusted ones, or a stranger could take the owner's notes their
    trust.

    `trust` is of its source; `last` are the author's last notes, oldest first.
    """
    start = text[:RECENT_MAX_CHARACTERS]
    whole = _within_reach([recent for recent in last if not recent.orders])
    for first in reversed(range(len(whole))) if _marks(whole, start) else ():
        if marks := _marks(whole[first:], start):
            parts = (recent.note_id for recent in whole[first:] if recent.trust <= trust)
            return Split(marks, frozenset(parts))
    words = telling_words(start)
    goes_on = any(
        len(words & telling_words(recent.text)) >= SHARED_MIN_WORDS
        for recent in last
        if recent.orders and trust <= recent.trust and may_continue(recent.text, start)
    )
    return Split((), frozenset()) if goes_on else None


def _within_reach(last: Sequence[RecentText]) -> Sequence[RecentText]:
    """The last of some texts, as many as are read with the next one."""
    near, room = list[RecentText](), ACROSS_MAX_LETTERS
    for recent in reversed(last):
        if room <= 0:
            break
        near.insert(0, recent)
        room -= sum(map(str.isalpha, recent.text))
    return near


def _marks(recent: Sequence[RecentText], text: str) -> tuple[str, ...]:
    marks = find_marks_across([*(one.text for one in recent), text])
    return tuple(mark for mark in marks if mark in ORDERS)
