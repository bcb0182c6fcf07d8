"""What a question asks for beside its topic, by its words.

A language is a file of `question_words`: adding one takes no code.
"""

import re
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from pydantic import BaseModel, ConfigDict

from zettel.tools.language.terms import terms


class _Table(BaseModel):
    """A language's file: `en.toml` explains it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    inside: bool = False
    anything: tuple[str, ...] = ()
    next: tuple[str, ...] = ()


@cache
def _tables() -> Mapping[str, _Table]:
    """Every language by its code."""
    folder = files("zettel.tools.language").joinpath("question_words")
    return {
        file.name.removesuffix(".toml"): _Table.model_validate(
            tomllib.loads(file.read_text(encoding="utf-8"))
        )
        for file in sorted(folder.iterdir(), key=lambda file: file.name)
        if file.name.endswith(".toml")
    }


@cache
def _anything() -> tuple[frozenset[str], ...]:
    """For each language the terms of a question that asks for anything."""
    return tuple(frozenset(terms(" ".join(table.anything))) for table in _tables().values())


def asks_for_anything(text: str) -> bool:
    """Whether nothing in a question says what it asks for, as in "What happened?"."""
    asked = frozenset(terms(text))
    return any(asked <= known for known in _anything())


@cache
def _pattern(name: str) -> re.Pattern[str]:
    spelled = list[str]()
    for table in _tables().values():
        words: tuple[str, ...] = getattr(table, name)
        one = "|".join(sorted(words, key=len, reverse=True))
        spelled += [one if table.inside else rf"(?<!\w)(?:{one})(?!\w)"] if one else []
    return re.compile("|".join(spelled), re.IGNORECASE)


def asks_for_next(text: str) -> bool:
    """Whether a question, without the times it names, asks for what comes next."""
    return _pattern("next").search(text) is not None


def without_next(text: str) -> str:
    """A question without the words that ask for what comes next."""
    return _pattern("next").sub(" ", text)
