"""The files of a folder of words, one for each language."""

import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from importlib.resources import files
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict


class WordFile(BaseModel):
    """The words of a language; what is no field of it is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class WordTable(WordFile):
    """The words of a language, to be spelled in patterns."""

    inside: bool = False
    """Whether they stand within others, as in scripts without spaces."""


_PLAIN_BEGINNING = re.compile(r"[\w ](?![?*+{])")
"""A letter or a space of a pattern, of which there is to be one."""

_WordFile = TypeVar("_WordFile", bound=WordFile)


def read_word_files(folder: str) -> dict[str, dict[str, Any]]:
    """Language -> its table, by the names of the files."""
    return {
        file.name.removesuffix(".toml"): tomllib.loads(file.read_text(encoding="utf-8"))
        for file in sorted(
            files("zettel.tools.language").joinpath(folder).iterdir(), key=lambda file: file.name
        )
        if file.name.endswith(".toml")
    }


def word_tables(folder: str, model: type[_WordFile]) -> Callable[[], Mapping[str, _WordFile]]:
    """A function for every language's checked table by its code, which reads the files once."""
    return cache(
        lambda: {
            code: model.model_validate(table) for code, table in read_word_files(folder).items()
        }
    )


def spell_words(words: Iterable[str], *, inside: bool) -> str:
    """A pattern of any of these patterns, the longest first; empty without any.

    Words `inside` stand within others, as in scripts without spaces.
    """
    spelled = "|".join(sorted(words, key=len, reverse=True))
    return spelled if inside or not spelled else rf"(?<!\w)(?:{spelled})(?!\w)"


def by_first_letter(patterns: Iterable[str]) -> str:
    """One pattern for several, in their order among those that begin with one letter.

    A place in a text is tried with those alone that begin as it does, or with no plain letter.
    """
    by_letter = dict[str, list[str]]()
    for pattern in patterns:
        size = 1 if _PLAIN_BEGINNING.match(pattern) else 0
        by_letter.setdefault(pattern[:size].lower(), []).append(pattern[size:])
    return "|".join(f"{first}(?:{'|'.join(rest)})" for first, rest in by_letter.items())


def spell_any(tables: Iterable[WordTable], *names: str) -> str:
    """A pattern of the words under any of these names in any of the tables; empty without any."""
    spelled = (
        spell_words((word for name in names for word in getattr(table, name)), inside=table.inside)
        for table in tables
    )
    return "|".join(filter(None, spelled))
