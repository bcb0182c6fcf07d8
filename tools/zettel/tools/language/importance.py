"""How much a note matters, by its kind and by words that say so ("never", "deadline", "allergic").

The words of a language are a file in `importance_words`: adding one takes no code.
"""

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

import regex as re
from pydantic import BaseModel, ConfigDict

from zettel.storage.notes import Kind

ORDINARY, TRIVIAL, MATTERS, VITAL = 0.5, 0.3, 0.7, 0.9
"""Importance by words; an order, set by hand: nothing depends on the differences but how long a
note is held where `ZETTEL_ARCHIVE_BELOW` archives."""
KIND_IMPORTANCE: Mapping[Kind, float] = {Kind.CORE: MATTERS, Kind.PROCEDURAL: MATTERS}
"""Least importance of a kind, which the agent gave."""
IMPORTANCE_READ_CHARACTERS = 600
"""Characters of a note that are read: a document has any word somewhere."""


class _Table(BaseModel):
    """A language's file: `en.toml` explains it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    inside: bool = False
    vital: tuple[str, ...] = ()
    matters: tuple[str, ...] = ()
    trivial: tuple[str, ...] = ()


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
def _tables() -> Mapping[str, _Table]:
    """Every language by its code."""
    folder = files("zettel.tools.language").joinpath("importance_words")
    return {
        file.name.removesuffix(".toml"): _Table.model_validate(
            tomllib.loads(file.read_text(encoding="utf-8"))
        )
        for file in sorted(folder.iterdir(), key=lambda file: file.name)
        if file.name.endswith(".toml")
    }


@cache
def _pattern(name: str) -> "re.Pattern[str]":
    spelled = list[str]()
    for table in _tables().values():
        words: tuple[str, ...] = getattr(table, name)
        one = "|".join(sorted(words, key=len, reverse=True))
        spelled += [one if table.inside else rf"(?<!\w)(?:{one})(?!\w)"] if one else []
    return re.compile("|".join(spelled), re.IGNORECASE)
