"""How much a note matters, by its kind and by words that say so ("never", "deadline", "allergic").

The words of a language are a file in `importance_words`: adding one takes no code.
"""

from collections.abc import Mapping
from functools import cache

import regex as re

from zettel.storage.notes import Kind
from zettel.tools.language.word_files import WordTable, spell_any, word_tables

ORDINARY, TRIVIAL, MATTERS, VITAL = 0.5, 0.3, 0.7, 0.9
"""Importance by words; an order, set by hand: nothing depends on the differences but how long a
note is held where `ZETTEL_ARCHIVE_BELOW` archives."""
KIND_IMPORTANCE: Mapping[Kind, float] = {Kind.CORE: MATTERS, Kind.PROCEDURAL: MATTERS}
"""Least importance of a kind, which the agent gave."""
IMPORTANCE_READ_CHARACTERS = 600
"""Characters of a note that are read: a document has any word somewhere."""


class _Table(WordTable):
    """A language's file: `en.toml` explains it."""

    vital: tuple[str, ...] = ()
    matters: tuple[str, ...] = ()
    trivial: tuple[str, ...] = ()


_tables = word_tables("importance_words", _Table)


def read_importance(content: str, kind: Kind) -> float:
    """How much a note matters, in `[0, 1]`."""
    return max(_by_words(content[:IMPORTANCE_READ_CHARACTERS]), KIND_IMPORTANCE.get(kind, 0.0))


def _by_words(text: str) -> float:
    plain = text.replace("’", "'")
    for name, importance in (("vital", VITAL), ("matters", MATTERS), ("trivial", TRIVIAL)):
        if _pattern(name).search(plain):
            return importance
    return ORDINARY


@cache
def _pattern(name: str) -> "re.Pattern[str]":
    return re.compile(spell_any(_tables().values(), name), re.IGNORECASE)
