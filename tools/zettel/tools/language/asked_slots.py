"""What a question asks for by name, such as a birthday, and whether a text states such a thing.

A language is a file of `slot_words`: adding one takes no code.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property

import regex as re
from pydantic import TypeAdapter

from zettel.tools.language.kept_readings import keep_last
from zettel.tools.language.word_files import WordFile, read_word_files

QUESTION_READ_CHARACTERS, TEXT_READ_CHARACTERS = 300, 4_000
"""Characters that are read of a question, and of a text that may answer it: 1 ms of one slot."""
KNOWN_QUESTIONS = 256
"""Questions kept with what they ask for, which order and verdict need: 1 ms to read."""


class _Words(WordFile):
    """A table of a language's file: `en.toml` explains it."""

    asks: tuple[str, ...] = ()
    states: tuple[str, ...] = ()
    person: bool = False
    numbered: bool = False
    orders_only: bool = False
    personal: bool = False
    plain: tuple[str, ...] = ()


_TABLES: TypeAdapter[dict[str, _Words | bool]] = TypeAdapter(dict[str, _Words | bool])
_INSIDE = "inside"
_FLAGS = ("person", "numbered", "orders_only", "personal")
_DIGIT = re.compile(r"\p{N}")
_UNSPACED = re.compile(r"[\p{Han}\p{Hiragana}\p{Katakana}]")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Slot:
    """Something that can be asked for by name."""

    name: str
    """In English."""
    person: bool
    """Somebody whom notes may call by name, so that another note tells who it is."""
    numbered: bool
    """Its values are numbers, days or codes, of more forms than can be listed."""
    orders_only: bool
    """Notes that state it come first, but that none states it proves nothing."""
    personal: bool
    """Of somebody: what another has does not answer who asks of themselves."""
    asks: "_Spelled"
    states: "_Spelled"
    plain: "_Spelled"
    """Those that state nothing else: a note with them of whom is asked answers."""

    def is_stated(self, text: str) -> bool:
        """Whether a text holds words without which it hardly states this, in any language."""
        return self.states.is_in(text, TEXT_READ_CHARACTERS)

    def begins(self, text: str) -> bool:
        """Whether a text begins with such words: "lives in Basel"."""
        return self.states.words.match(text) is not None

    def of_whom(self, question: str) -> "Slot":
        """This of the one whom a question names, where the words that state it hold the name."""
        found = self.asks.words.search(question, 0, QUESTION_READ_CHARACTERS)
        whose = next((name for name in found.capturesdict().get("whose", ())), "") if found else ""
        return replace(self, states=self.states.of(whose)) if whose else self

    def is_stated_plainly(self, text: str) -> bool:
        """Whether a text states this in words for nothing else, with a digit if it is a number."""
        number = not self.numbered or _DIGIT.search(text, 0, TEXT_READ_CHARACTERS) is not None
        return number and self.plain.is_in(text, TEXT_READ_CHARACTERS)

    def may_be_stated(self, text: str) -> bool:
        """Whether a text states this, or holds a number that may be its value."""
        number = self.numbered and _DIGIT.search(text, 0, TEXT_READ_CHARACTERS) is not None
        return number or self.is_stated(text)


class _Spelled:
    """Patterns of one meaning, compiled when a text is searched: most things are never asked for.

    Args:
        patterns: Of languages without spaces (True) and of others.
        begins: What stands before those of the others.
        ends: What stands behind them.
    """

    def __init__(
        self, patterns: Mapping[bool, Sequence[str]], *, begins: str, ends: str = ""
    ) -> None:
        self._patterns, self._begins, self._ends = patterns, begins, ends

    @cached_property
    def words(self) -> re.Pattern[str]:
        """Of languages with spaces."""
        return self._compiled(self._begins, self._patterns.get(False, ()), self._ends)

    @cached_property
    def inside(self) -> re.Pattern[str]:
        """Of languages without spaces, for which other texts need not be searched."""
        return self._compiled("", self._patterns.get(True, ()), "")

    def of(self, whose: str) -> "_Spelled":
        """These with a name in place of "{whose}"."""
        patterns = {
            unspaced: [pattern.replace("{whose}", re.escape(whose)) for pattern in of]
            for unspaced, of in self._patterns.items()
        }
        return _Spelled(patterns, begins=self._begins, ends=self._ends)

    def _compiled(self, begins: str, of: Sequence[str], ends: str) -> re.Pattern[str]:
        return re.compile(f"{begins}(?:{'|'.join(of) or '(?!)'}){ends}", re.IGNORECASE)

    def is_in(self, text: str, characters: int) -> bool:
        """Whether the beginning of a text holds any."""
        unspaced = _UNSPACED.search(text, 0, characters) is not None
        return (unspaced and self.inside.search(text, 0, characters) is not None) or (
            self.words.search(text, 0, characters) is not None
        )


@keep_last(KNOWN_QUESTIONS)
def find_asked_slots(question: str) -> tuple[Slot, ...]:
    """What a question asks for by name, perhaps beside other things; in many questions nothing."""
    asked = (slot for slot in _slots() if slot.asks.is_in(question, QUESTION_READ_CHARACTERS))
    return tuple(slot.of_whom(question) for slot in asked)


@cache
def _slots() -> tuple[Slot, ...]:
    asks, states, plain = (dict[str, dict[bool, list[str]]]() for _ in range(3))
    flags = {flag: set[str]() for flag in _FLAGS}
    for inside, table in _tables():
        for name, words in table.items():
            if words.asks:
                asks.setdefault(name, {}).setdefault(inside, []).extend(words.asks)
            states.setdefault(name, {}).setdefault(inside, []).extend(words.states)
            plain.setdefault(name, {}).setdefault(inside, []).extend(words.plain)
            for flag in _FLAGS:
                if getattr(words, flag):
                    flags[flag].add(name)
    return tuple(
        Slot(
            name=name,
            person=name in flags["person"],
            numbered=name in flags["numbered"],
            orders_only=name in flags["orders_only"],
            personal=name in flags["personal"],
            asks=_Spelled(patterns, ends=r"(?![\p{L}\p{N}])", begins=r"(?<![\p{L}\p{N}])"),
            states=_Spelled(states[name], begins=r"(?<!\p{L})"),
            plain=_Spelled(plain[name], begins=r"(?<!\p{L})"),
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
