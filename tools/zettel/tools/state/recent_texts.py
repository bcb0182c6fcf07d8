"""The last notes that each author told, so that one text split over several of them is noticed."""

from collections import OrderedDict, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import NamedTuple

RECENT_TEXTS = 6
"""Texts remembered of an author in a namespace."""
RECENT_MAX_CHARACTERS = 400
"""Longer texts are remembered by their end, where the next one would go on."""
RECENT_MAX_AUTHORS = 1_000


class RecentText(NamedTuple):
    """A note's text, or the end of it."""

    note_id: str
    text: str


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

    def add(self, author: str, note_id: str, text: str) -> None:
        """Remembers the text of a note that is not marked."""
        with self._lock:
            kept = self._texts.setdefault(author, deque(maxlen=RECENT_TEXTS))
            kept.append(RecentText(note_id, text[-RECENT_MAX_CHARACTERS:]))
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
