"""The last texts that each author stored, so that one text split over several notes is noticed."""

from collections import OrderedDict, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from threading import Lock

RECENT_TEXTS = 6
"""Texts remembered of an author in a namespace."""
RECENT_MAX_CHARACTERS = 400
"""Longer texts are remembered by their end, where the next one would go on."""
RECENT_MAX_AUTHORS = 1_000


@dataclass(slots=True)
class RecentTexts:
    """The newest texts by author, some 10 MB at most; lost at a restart."""

    _texts: OrderedDict[str, deque[str]] = field(default_factory=OrderedDict[str, deque[str]])
    _lock: Lock = field(default_factory=Lock)

    def last(self, author: str) -> Sequence[str]:
        """The author's last texts, oldest first."""
        with self._lock:
            return tuple(self._texts.get(author, ()))

    def add(self, author: str, text: str) -> None:
        """Remembers a text that is not marked."""
        with self._lock:
            kept = self._texts.setdefault(author, deque(maxlen=RECENT_TEXTS))
            kept.append(text[-RECENT_MAX_CHARACTERS:])
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
