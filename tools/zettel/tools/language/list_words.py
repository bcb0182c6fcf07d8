"""The words of ordered lists and of questions about them.

A language is a file of `list_words`: adding one takes no code.
"""

import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import regex as re
from pydantic import BaseModel, ConfigDict


class _Table(BaseModel):
    """A language's file: `en.toml` explains it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    inside: bool = False
    step: tuple[str, ...] = ()
    first: tuple[str, ...] = ()
    then: tuple[str, ...] = ()
    last: tuple[str, ...] = ()
    joins: tuple[str, ...] = ()
    done: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    open: tuple[str, ...] = ()
    upcoming: tuple[str, ...] = ()
    about: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ListWords:
    """The words of all languages, compiled."""

    after: re.Pattern[str]
    """A whole question for the step behind another, which is its group `step`."""
    open: re.Pattern[str]
    """What asks for the first step that is not done."""
    upcoming: re.Pattern[str]
    """What asks for it if the question says of which list."""
    about: re.Pattern[str]
    """Words around the name of a list."""
    done: re.Pattern[str]
    """The end of a step that is done."""
    first: re.Pattern[str]
    """What opens a sequence."""
    marks: re.Pattern[str]
    """What opens (`first`) or goes on with a sequence, at the beginning of a clause."""
    trails: re.Pattern[str]
    """What stands behind a step and before the next: a comma, "and"."""
    joins: re.Pattern[str]
    """What stands between the last two things of a list: "and"."""
    step_line: re.Pattern[str]
    """The beginning of a numbered line: a bare number, or one behind a word for a step."""


@cache
def list_words() -> ListWords:
    """The words, read once."""
    tables = _tables()

    def whole(name: str) -> str:
        """Any of these words in any language."""
        return "|".join(
            table_words if table.inside else rf"(?<!\p{{L}})(?:{table_words})(?!\p{{L}})"
            for table in tables
            if (table_words := _any(getattr(table, name)))
        )

    after = "|".join(_any(table.after) for table in tables)
    after = after.replace("{step}", r"(?P<step>[^?？]+?)")
    first, goes_on = whole("first"), f"{whole('then')}|{whole('last')}"
    joins = whole("joins")
    clause = rf"(?:^|[.;:,!?\n、，。；：–—]|{joins})\s{{0,8}}(?:(?:{joins})\s{{1,8}})?"
    steps = "|".join(_any(table.step) for table in tables)

    def compiled(pattern: str) -> re.Pattern[str]:
        return re.compile(pattern, re.IGNORECASE | re.MULTILINE)

    return ListWords(
        after=compiled(after),
        open=compiled(whole("open")),
        upcoming=compiled(whole("upcoming")),
        about=compiled(whole("about")),
        done=compiled(rf"(?:[(\[（–—:：-]\s*(?:{whole('done')})\s*[)\]）]?|[✅✔✓])\s*[.。]?$"),
        first=compiled(first),
        marks=compiled(rf"{clause}(?P<word>(?P<first>{first})|(?:{goes_on}))"),
        joins=compiled(rf"\s(?:{joins})\s"),
        trails=compiled(rf"[\s,;、，；]{{0,8}}(?:(?:{joins})\s{{0,8}})?$"),
        step_line=compiled(rf"[ \t>]*(?:[-*+•][ \t]+)?(?:(?:{steps})[ \t]*)?\d"),
    )


def _any(words: Iterable[str]) -> str:
    return "|".join(words)


@cache
def _tables() -> Sequence[_Table]:
    folder = files("zettel.tools.language").joinpath("list_words")
    return tuple(
        _Table.model_validate(tomllib.loads(file.read_text(encoding="utf-8")))
        for file in sorted(folder.iterdir(), key=lambda file: file.name)
        if file.name.endswith(".toml")
    )
