"""The last texts that each author stored, so that one text split over several notes is noticed."""

from collections import OrderedDict, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from threading import Lock

RECENT_TEXTS = 6
"""Texts remembered of an author in a namespace."""
RECENT_MAX_CHARACTERS = 1_000
"""Longer texts are remembered by their end, where the next one would go on."""
RECENT_MAX_AUTHORS = 1_000


@dataclass(slots=True)
class RecentTexts:
    """The newest texts by author, some 6 MB at most; lost at a restart."""

    _texts: OrderedDict[str, deque[str]] = field(default_factory=OrderedDict[str, deque[str]])
    _lock: Lock = field(default_factory=Lock)

    def add(self, author: str, text: str) -> Sequence[str]:
        """Remembers a text; returns the author's last texts with it, oldest first."""
        with self._lock:
            kept = self._texts.setdefault(author, deque(maxlen=RECENT_TEXTS))
            kept.append(text[-RECENT_MAX_CHARACTERS:])
            self._texts.move_to_end(author)
            if len(self._texts) > RECENT_MAX_AUTHORS:
                self._texts.popitem(last=False)
            return tuple(kept)

    def clear(self) -> None:
        """Forgets all texts: some may have been erased."""
        with self._lock:
            self._texts.clear()
