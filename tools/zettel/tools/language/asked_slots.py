"""What a question asks for by name, such as a birthday, and whether a text states such a thing.

A language is a file of `slot_words`: adding one takes no code.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import regex as re
from pydantic import BaseModel, ConfigDict, TypeAdapter

from zettel.tools.language.word_files import read_word_files

QUESTION_READ_CHARACTERS, TEXT_READ_CHARACTERS = 300, 4_000
"""Characters that are read of a question, and of a text that may answer it: 1 ms of one slot."""


class _Words(BaseModel):
    """A table of a language's file: `en.toml` explains it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    asks: tuple[str, ...] = ()
    states: tuple[str, ...] = ()
    person: bool = False
    orders_only: bool = False


_TABLES: TypeAdapter[dict[str, _Words | bool]] = TypeAdapter(dict[str, _Words | bool])
_INSIDE = "inside"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Slot:
    """Something that can be asked for by name."""

    name: str
    """In English."""
    person: bool
    """Somebody whom notes may call by name, so that another note tells who it is."""
    orders_only: bool
    """Notes that state it come first, but that none states it proves nothing."""
    asks: re.Pattern[str]
    states: re.Pattern[str]

    def is_stated(self, text: str) -> bool:
        """Whether a text holds words without which it hardly states this, in any language."""
        return self.states.search(text, 0, TEXT_READ_CHARACTERS) is not None


def find_asked_slots(question: str) -> tuple[Slot, ...]:
    """What a question asks for by name, perhaps beside other things; in most questions nothing."""
    return tuple(
        slot for slot in _slots() if slot.asks.search(question, 0, QUESTION_READ_CHARACTERS)
    )


@cache
def _slots() -> tuple[Slot, ...]:
    asks, states = dict[str, list[str]](), dict[str, list[str]]()
    persons, orders_only = set[str](), set[str]()
    for inside, table in _tables():
        ends = ("", "") if inside else (r"(?<![\p{L}\p{N}])", r"(?![\p{L}\p{N}])")
        for name, words in table.items():
            if words.asks:
                asks.setdefault(name, []).append(f"{ends[0]}(?:{'|'.join(words.asks)}){ends[1]}")
            if words.states:
                begins = "" if inside else r"(?<!\p{L})"
                states.setdefault(name, []).append(f"{begins}(?:{'|'.join(words.states)})")
            if words.person:
                persons.add(name)
            if words.orders_only:
                orders_only.add(name)
    return tuple(
        Slot(
            name=name,
            person=name in persons,
            orders_only=name in orders_only,
            asks=re.compile("|".join(patterns), re.IGNORECASE),
            states=re.compile("|".join(states[name]), re.IGNORECASE),
        )
        for name, patterns in asks.items()
    )


def _tables() -> list[tuple[bool, Mapping[str, _Words]]]:
    """Of each language whether words stand inside others, and its tables by name."""
    read = map(_TABLES.validate_python, read_word_files("slot_words").values())
    return [
        (
            table.get(_INSIDE) is True,
            {name: words for name, words in table.items() if isinstance(words, _Words)},
        )
        for table in read
    ]
