"""Words by which a text says that something is otherwise than before: "no longer", "switched to".

The words of a language are a file in `change_words`; a language is added by a file. A phrase stands
as whole words, in any case, with up to seven words for each "…"; in a language without spaces (one
with a `script`) it stands anywhere.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import chain, compress

import regex

from zettel.storage.notes import fold
from zettel.storage.text.passages import sentence_spans
from zettel.tools.language.languages import read_languages
from zettel.tools.language.terms import telling_words
from zettel.tools.language.word_files import by_first_letter, read_word_files

CHANGE_CUE_MAX_CHARACTERS = 1_000
"""A longer text is a document, which tells of changes without being one."""
FORMER_MAX_WORDS = 3
"""Words after "instead of" that name what was before."""
FORMER_MAX_CHARACTERS = 12
"""Characters before a phrase, or between two, in a language without spaces."""
FORMER_MIN_CHARACTERS = 4
"""Fewest letters of a word that can be a value ("tabs"), unless it is an abbreviation."""
_ELISION = regex.compile(r"(?<=(?<!\w)(?:\p{L}|qu))'\s?", regex.IGNORECASE)
_GAP = r"\s+(?:\S*[^\s.!?;:]\s+){0,7}"
_BREAKS = r";!?\n。！？；，、"
"""What a value does not go beyond, as a comma before a space; a full stop may stand within one."""
_VALUE_WORD = rf"[^\s{_BREAKS}]+"
_WORD = regex.compile(r"\p{N}+(?:[.:,]\p{N}+)+|[\p{L}\p{M}\p{N}]+")
_QUOTED = regex.compile(
    r"`[^`\n]*`|(?P<said>(?:^|[:,：，、])\s*)?"
    r"(?:\"[^\"\n]*\"|[“„][^“”\n]*[“”]|«[^«»\n]*»|「[^「」\n]*」"
    r"|(?<!\w)'[^'\n]+'(?!\w))"
)
"""Code, and what is in quotation marks; said by somebody behind a colon or a comma."""
_BRACKETS = regex.compile(r"\([^()\n]*\)")
_NEW_VALUE = r"\s?[:：]|\s+(?:{})\s+(?:\w+\s+)?(?-i:[A-ZÀ-ÖØ-Þ0-9])"
"""What stands behind what is new: a colon, or its value, a name or a number."""
NEW_MAX_WORDS = 4
"""Words of what is new: "mot de passe wifi"."""
_HAN = regex.compile(r"[\p{Han}\p{Hiragana}\p{Katakana}]")


@dataclass(frozen=True, slots=True)
class ChangeCue:
    """What in a text tells of a change."""

    phrase: str
    """As it stands in the text."""
    former: frozenset[str]
    """Words of what was before, if the text names it; as `value_words` gives them."""
    over: tuple[frozenset[str], ...] = ()
    """Words of each thing or person that it says is over or has left, likewise."""
    instead: frozenset[str] = frozenset()
    """Words of what is not so, and may never have been, likewise: "0.01 instead of 0.05"."""
    told: str = ""
    """The sentences that tell of it, of a text that tells other things as well; else the text."""


class _Language:
    """A language's file, each of its patterns compiled when a text needs it.

    By the standard library, which reads a text by such lists of words in a fifth of `regex`'s time.
    """

    def __init__(self, table: dict[str, str | list[str]]) -> None:
        self._table = table
        self._spaced = "script" not in table
        self._script, self._not_script = (_pattern(table, k) for k in ("script", "not_script"))

    def is_of(self, text: str) -> bool:
        """Whether a text is in the scripts of this language."""
        if self._script is not None and not self._script.search(text):
            return False
        return self._not_script is None or not self._not_script.search(text)

    @cached_property
    def changed(self) -> re.Pattern[str]:
        """What tells of a change."""
        return re.compile(_any(self._table["changed"], self._spaced), re.IGNORECASE)

    @cached_property
    def new(self) -> re.Pattern[str] | None:
        """What has a new value, at the beginning of a sentence: "New wifi password:"."""
        if "new" not in self._table:
            return None
        new, told = (_any(self._table[key], spaced=True) for key in ("new", "new_is"))
        noun = rf"(?:[^\s{_BREAKS}.:]+\s+){{0,{NEW_MAX_WORDS - 1}}}?[^\s{_BREAKS}.:]+"
        begins = rf"(?:^|(?<=[.!?;\n]))[ \t]*(?:[-*•][ \t])?(?:\w+\s+)?{new}\s+{noun}"
        return re.compile(rf"{begins}(?={_NEW_VALUE.format(told)})", re.IGNORECASE)

    @cached_property
    def not_changed(self) -> re.Pattern[str] | None:
        """What has its words and tells of none."""
        return self._phrases("not_changed", "{}")

    @cached_property
    def not_over(self) -> regex.Pattern[str] | None:
        """Phrases with such words that end nothing: an outage."""
        return _pattern(self._table, "not_over")

    @cached_property
    def former(self) -> Sequence[re.Pattern[str]]:
        """What names the value before, which stands behind it or within."""
        return tuple(_value_patterns(self._table, "former", self._spaced))

    @cached_property
    def former_before(self) -> Sequence[re.Pattern[str]]:
        """What names the value before, which stands before it."""
        return tuple(_before_patterns(self._table, "former", self._spaced))

    @cached_property
    def passives(self) -> re.Pattern[str] | None:
        """What is followed by what came instead, though it holds words that the former follows."""
        phrases = [*self._table.get("former_before", ()), *self._table.get("passives", ())]
        if not (phrases and self._spaced):
            return None
        return re.compile(_any(phrases, spaced=True), re.IGNORECASE)

    @cached_property
    def not_former(self) -> frozenset[str]:
        """Words that tell when, and are no value before."""
        return frozenset(value_words(" ".join(self._table.get("not_former", ()))))

    @cached_property
    def over(self) -> Sequence[re.Pattern[str]]:
        """What names something that is over."""
        of_over = (self._table, "over", self._spaced)
        return (*_value_patterns(*of_over), *_before_patterns(*of_over))

    @cached_property
    def instead(self) -> Sequence[re.Pattern[str]]:
        """What names a value that is not so."""
        return tuple(_value_patterns(self._table, "instead", self._spaced))

    @cached_property
    def not_instead(self) -> re.Pattern[str] | None:
        """What has its words and names none."""
        return self._phrases("not_instead", "{}")

    @cached_property
    def one_value(self) -> re.Pattern[str] | None:
        """Behind which one value stands at a time."""
        return self._phrases("one_value", "{}$")

    @cached_property
    def now(self) -> re.Pattern[str] | None:
        """What tells that something is so when it is told."""
        return self._phrases("now", "{}")

    @cached_property
    def held(self) -> re.Pattern[str] | None:
        """What tells that something rests."""
        return self._phrases("held", "{}")

    def _phrases(self, key: str, form: str) -> re.Pattern[str] | None:
        return _phrases(self._table, key, form, self._spaced)


def find_change_cue(text: str) -> ChangeCue | None:
    """The words of a text that say that something has changed; None if there are none.

    Args:
        text: A note's; one longer than `CHANGE_CUE_MAX_CHARACTERS` has none.
    """
    if len(text) > CHANGE_CUE_MAX_CHARACTERS:
        return None
    plain = _apart(text)
    for language in _read_languages(plain):
        if not _changed(language, plain):
            continue
        told = _without(language.not_over, plain)
        if found := _changed(language, _without_mentions(told)):
            phrase = plain[slice(*found.span())].replace("' ", "'")
            former = _former(language, told, found.span())
            over = tuple(filter(None, _values(language.over, told)))
            rest = _without(language.not_instead, told)
            instead = frozenset(chain.from_iterable(_values(language.instead, rest)))
            where = _sentences_of_change(language, told)
            return ChangeCue(phrase, former, over, instead, where)
    return None


def _former(language: _Language, text: str, cue: tuple[int, int]) -> frozenset[str]:
    """The words of what was before; behind "was replaced by" stands what came instead.

    What has the words of the change in it is none: "el turno de noche empieza ahora a las 22".
    """
    rest = _without(language.passives, text)
    found = *_values(language.former_before, text, cue), *_values(language.former, rest, cue)
    return frozenset(chain.from_iterable(found)) - language.not_former


def _without_mentions(text: str) -> str:
    """The text without what it quotes and says nobody said: `"moved to" was read`; as long.

    Nor with what stands in brackets, which is of a part of it: "almonds (instead of nuts)".
    """
    text = _BRACKETS.sub(lambda found: "_" * len(found[0]), text)
    return _QUOTED.sub(lambda q: "_" * len(q[0]) if q["said"] is None else q[0], text)


def _sentences_of_change(language: _Language, text: str) -> str:
    """The sentences that tell of a change, each with the one before, which may name the thing."""
    sentences = [text[slice(*span)] for span in sentence_spans(text)]
    tells = [bool(_changed(language, _without_mentions(one))) for one in sentences]
    near = [told or after for told, after in zip(tells, [*tells[1:], False], strict=True)]
    return "".join(compress(sentences, near)).strip() or text


@cache
def words_of_when() -> frozenset[str]:
    """Words of every language that tell when, and are no value before."""
    return frozenset(chain.from_iterable(one.not_former for one in _languages().values()))


def holds_one_value(text: str) -> bool:
    """Whether a text ends with words after which one value stands at a time: "Ana prefers"."""
    plain = _apart(text).rstrip()
    patterns = (language.one_value for language in _read_languages(plain))
    return any(pattern is not None and pattern.search(plain) for pattern in patterns)


def tells_of_now(text: str) -> bool:
    """Whether a text says of when it is told that something is so: "now", "since Monday"."""
    plain = _apart(text)
    patterns = (language.now for language in _read_languages(plain))
    return any(pattern is not None and pattern.search(plain) for pattern in patterns)


def tells_of_rest(text: str) -> bool:
    """Whether a text says that something rests for a time: "on hold", "paused"."""
    plain = _apart(text)
    patterns = (language.held for language in _read_languages(plain))
    return any(pattern is not None and pattern.search(plain) for pattern in patterns)


def without_now(text: str) -> str:
    """The text with spaces for the words that tell of now."""
    plain = _apart(text)
    for language in _read_languages(plain):
        plain = _without(language.now, plain)
    return plain


def value_words(text: str) -> set[str]:
    """Words of a text that can be a value or part of one: telling ones, short ones and names."""
    short = (
        word
        for word in _WORD.findall(text)
        if len(word) >= FORMER_MIN_CHARACTERS or (len(word) > 1 and word.isupper())
    )
    return telling_words(text) | {fold(word) for word in short if not _HAN.search(word)}


def _changed(language: _Language, text: str) -> re.Match[str] | None:
    rest = _without(language.not_changed, text)
    return language.changed.search(rest) or (language.new and language.new.search(rest))


def _without(pattern: "re.Pattern[str] | regex.Pattern[str] | None", text: str) -> str:
    """The text with spaces for what a pattern finds, so that it is as long as before."""
    return pattern.sub(lambda found: " " * len(found[0]), text) if pattern else text


def _apart(text: str) -> str:
    """The text with what French elides as a word of its own: "n' habite plus"."""
    return _ELISION.sub("' ", text.replace("’", "'"))


def _values(
    patterns: Iterable[re.Pattern[str]], text: str, without: tuple[int, int] = (-1, -1)
) -> Iterator[frozenset[str]]:
    """The words of each value that has no part of the text at the place `without` in it."""
    for pattern in patterns:
        for found in pattern.finditer(text):
            start, end = found.span("value")
            if not start <= without[0] < without[1] <= end:
                yield frozenset(value_words(found["value"]))


def _read_languages(text: str) -> Iterator[_Language]:
    """The languages by whose words a text is read."""
    known = _languages()
    read = (known[code] for code in read_languages(text, tuple(known), sure=False))
    return (language for language in read if language.is_of(text))


@cache
def _languages() -> Mapping[str, _Language]:
    """Every language by its code."""
    return {code: _Language(table) for code, table in read_word_files("change_words").items()}


def _value_patterns(
    table: dict[str, str | list[str]], name: str, spaced: bool
) -> Iterator[re.Pattern[str]]:
    """Words with a value behind them or within."""
    value = _value(spaced=spaced)
    after = r"\s+" if spaced and name == "over" else r"\s*"  # "is cancelled, Ana is ill"
    if pattern := _phrases(table, name, rf"{{}}{after}{value}", spaced):
        yield pattern
    for phrase in table.get(f"{name}_between", ()):
        first, second = (_any([part], spaced) for part in phrase.split("…"))
        # Only the last "from" before "to".
        between = value.replace(_VALUE_WORD, f"(?!{first}){_VALUE_WORD}")
        yield re.compile(rf"{first}\s*{between}\s*{second}", re.IGNORECASE)


def _before_patterns(
    table: dict[str, str | list[str]], name: str, spaced: bool
) -> Iterator[re.Pattern[str]]:
    """Words with a value before them."""
    if pattern := _phrases(table, f"{name}_before", rf"{_value(spaced=spaced)}\s*{{}}", spaced):
        yield pattern


def _value(*, spaced: bool) -> str:
    if not spaced:
        return rf"(?P<value>[^{_BREAKS}]{{1,{FORMER_MAX_CHARACTERS}}})"
    return rf"(?P<value>(?:{_VALUE_WORD}(?<!,)\s+){{0,{FORMER_MAX_WORDS - 1}}}{_VALUE_WORD})"


def _pattern(table: dict[str, str | list[str]], name: str) -> regex.Pattern[str] | None:
    return regex.compile(str(table[name])) if name in table else None


def _phrases(
    table: dict[str, str | list[str]], key: str, form: str, spaced: bool
) -> re.Pattern[str] | None:
    """The phrases of a key, where `{}` stands in the form."""
    if key not in table:
        return None
    return re.compile(form.replace("{}", _any(table[key], spaced)), re.IGNORECASE)


def _any(phrases: Iterable[str], spaced: bool) -> str:
    # The longest first: "moved to" before "moved".
    found = by_first_letter(map(_phrase, sorted(phrases, key=len, reverse=True)))
    return rf"(?<!\w)(?:{found})(?!\w)" if spaced else f"(?:{found})"


def _phrase(phrase: str) -> str:
    parts = [r"\s+".join(map(re.escape, part.split())) for part in _apart(phrase).split("…")]
    gap = rf"[^{_BREAKS}]{{1,{FORMER_MAX_CHARACTERS}}}?" if _HAN.search(phrase) else _GAP
    return gap.join(parts)
