"""The numbers and times of day of a text as values, however they are spelled.

"1,200", "1.200" and "twelve hundred" are one number, "3 p.m." and "15:00" one time. The words of a
language are a file in `number_words`: adding one takes no code.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import pairwise

import regex as re

from zettel.storage.notes import fold, normalise
from zettel.tools.language.languages import find_language
from zettel.tools.language.name_words import DEFAULT_LANGUAGE, name_words
from zettel.tools.language.word_files import WordFile, word_tables

ORDINAL_MIN = 3
"""Least ordinal that counts: "first" and "second" say many things besides."""
SMALL_NUMBER_MAX = 20
"""Greatest number that texts write as one word in most languages."""
_HALF_DAY_HOURS = 12
_SCORED = 4

_LETTERS = re.compile(r"[\p{L}\p{M}]+")
_BETWEEN = re.compile(r"[\s-]*")
_GROUPED = re.compile(r"[0-9]{1,3}(?:[.,'’ ][0-9]{3})+")
_DECIMAL = re.compile(r"(?P<whole>[0-9.,'’ ]*[0-9])[.,](?P<part>[0-9]+)")
_NO_DIGIT = re.compile(r"[^0-9]")


class _Table(WordFile):
    """A language's file: `en.toml` explains it."""

    values: Mapping[str, int]
    articles: tuple[str, ...] = ()
    multipliers: Mapping[str, int] = {}
    scores: tuple[str, ...] = ()
    """Those of the values that multiply a four: "quatre-vingts"."""
    joins: tuple[str, ...] = ()
    ordinals: Mapping[str, int] = {}
    ordinal_endings: tuple[str, ...] = ()
    hours: tuple[str, ...] = ()
    morning: tuple[str, ...] = ()
    afternoon: tuple[str, ...] = ()
    half_past: tuple[str, ...] = ()
    half_before: tuple[str, ...] = ()
    compounds: bool = False

    @cached_property
    def compound(self) -> "re.Pattern[str]":
        """Matches a number written as one word; group 1 captures its parts."""
        known = sorted({*self.values, *self.multipliers, *self.joins}, key=len, reverse=True)
        return re.compile(rf"(?:({'|'.join(map(re.escape, known))})){{2,12}}")


_tables = word_tables("number_words", _Table)


@dataclass(frozen=True, slots=True)
class TimeOfDay:
    """A time of day in a text with its digits."""

    start: int
    end: int
    """Of its characters."""
    minutes: frozenset[int]
    """After midnight; two where it may be before or after noon."""


def language_of(text: str, *, among: str = "") -> str:
    """The language whose number words a text has; that of `among` if the text does not tell."""
    found = find_language(text) or find_language(among)
    if found in _tables():
        return found
    words = set(map(fold, _LETTERS.findall(f"{text} {among}")))
    shared = {code: len(words & name_words()[code].function_words) for code in _tables()}
    best = max(shared, key=lambda code: (shared[code], code == DEFAULT_LANGUAGE))
    return best if shared[best] else DEFAULT_LANGUAGE


def number_languages() -> Sequence[str]:
    """The languages with a file."""
    return list(_tables())


def small_numbers(language: str) -> Mapping[str, int]:
    """The words of a language for 2 to 20, folded; none for a language without a file."""
    table = _tables().get(language)
    values = table.values.items() if table else ()
    return {fold(word): value for word, value in values if 2 <= value <= SMALL_NUMBER_MAX}


def in_digits(text: str, language: str, *, articles: bool = False) -> str:
    """The text in NFKC with its numbers in digits.

    With `articles`, words are numbers that are mostly articles: "one", "ein".
    """
    text, table = normalise(text), _tables()[language]
    parts, end = list[str](), 0
    for start, behind, value in _spelled(text, table, articles=articles):
        parts += [text[end:start], str(value)]
        end = behind
    return "".join((*parts, text[end:]))


def number_values(token: str) -> frozenset[str]:
    """The possible values of a number in digits, as plain decimals: "1.200" is 1200 or 1.2."""
    found = set[str]()
    if _GROUPED.fullmatch(token):
        found.add(_NO_DIGIT.sub("", token).lstrip("0") or "0")
    if (decimal := _DECIMAL.fullmatch(token)) and _is_whole(decimal["whole"]):
        whole = _NO_DIGIT.sub("", decimal["whole"]).lstrip("0") or "0"
        found.add(f"{whole}.{decimal['part']}".rstrip("0").rstrip("."))
    if token.isascii() and token.isdigit():
        found.add(token.lstrip("0") or "0")
    return frozenset(found)


def find_times_of_day(text: str, language: str) -> list[TimeOfDay]:
    """The times of day of a text that `in_digits` gave."""
    pattern, found = _time_pattern(language), list[TimeOfDay]()
    for match in pattern.finditer(text):
        hour, minute = int(match["hour"]), int(match["minute"] or match["behind"] or 0)
        if match["dotted"]:
            minute = int(match["dotted"])
        if hour > 24 or minute > 59:
            continue
        shift = 30 if match["past"] else -30 if match["before"] else 0
        if match["afternoon"] and hour < _HALF_DAY_HOURS:
            hours = {hour + _HALF_DAY_HOURS}
        elif match["morning"]:
            hours = {hour % _HALF_DAY_HOURS}
        elif hour > _HALF_DAY_HOURS or match["hour"].startswith("0") or match["afternoon"]:
            hours = {hour}
        else:
            hours = {hour, hour + _HALF_DAY_HOURS}
        minutes = frozenset((each * 60 + minute + shift) % (24 * 60) for each in hours)
        found.append(TimeOfDay(match.start(), match.end(), minutes))
    return found


def is_ordinal_ending(letters: str) -> bool:
    """Whether letters behind digits make an ordinal in any language: "3rd", "3ème"."""
    return any(letters in table.ordinal_endings for table in _tables().values())


def _is_whole(digits: str) -> bool:
    return digits.isdigit() or _GROUPED.fullmatch(digits) is not None


def _spelled(text: str, table: _Table, *, articles: bool) -> Iterator[tuple[int, int, int]]:
    """Numbers spelled in words: start, end, value."""
    run, words = list[tuple[int, int, tuple[str, ...]]](), list(_LETTERS.finditer(text))
    for match, after in pairwise([*words, None]):
        assert match is not None
        word = fold(match[0])
        if (ordinal := table.ordinals.get(word, 0)) >= ORDINAL_MIN and not run:
            yield match.start(), match.end(), ordinal
            continue
        if parts := _parts(word, table):
            if run and not _adds(run[-1][2], parts, table):
                yield from _value(run, table, articles=articles)
                run = []
            run.append((match.start(), match.end(), parts))
            joined = after is not None and _BETWEEN.fullmatch(text, match.end(), after.start())
            if joined:
                continue
        elif (
            run
            and word in table.joins
            and after is not None
            and _parts(fold(after[0]), table)
            and _adds(run[-1][2], _parts(fold(after[0]), table), table)
        ):
            continue
        yield from _value(run, table, articles=articles)
        run = []
    yield from _value(run, table, articles=articles)


def _adds(before: Sequence[str], parts: Sequence[str], table: _Table) -> bool:
    """Whether a word goes on with a number: "forty" "two", not "three" "four"."""
    if parts[0] in table.multipliers or before[-1] in table.multipliers:
        return True
    last, first = table.values[before[-1]], table.values[parts[0]]
    if parts[0] in table.scores:
        return last == _SCORED
    return last >= 20 and last % 10 == 0 and 0 < first < 20


def _parts(word: str, table: _Table) -> tuple[str, ...]:
    """The number words in a word; empty if it is no number."""
    if word in table.values or word in table.multipliers:
        return (word,)
    if not table.compounds or not (found := table.compound.fullmatch(word)):
        return ()
    return tuple(part for part in found.captures(1) if part not in table.joins)


def _value(
    run: Sequence[tuple[int, int, tuple[str, ...]]], table: _Table, *, articles: bool
) -> Iterator[tuple[int, int, int]]:
    parts = [part for _, _, parts in run for part in parts]
    if not parts or (not articles and len(parts) == 1 and parts[0] in table.articles):
        return
    total, current = 0, 0
    for part in parts:
        if (factor := table.multipliers.get(part, 0)) >= 1_000:
            total, current = total + max(1, current) * factor, 0
        elif factor:
            current = max(1, current) * factor
        elif part in table.scores and current == _SCORED:
            current *= table.values[part]
        else:
            current += table.values[part]
    yield run[0][0], run[-1][1], total + current


@cache
def _time_pattern(language: str) -> "re.Pattern[str]":
    table = _tables()[language]

    def any_of(words: Sequence[str]) -> str:
        return "|".join(words) or "(?!)"

    marks = rf"(?:(?P<afternoon>{any_of(table.afternoon)})|(?P<morning>{any_of(table.morning)}))"
    hours = any_of(table.hours)
    return re.compile(
        rf"(?<![\p{{L}}\p{{N}}.,:/-])(?:(?:(?P<past>{any_of(table.half_past)})"
        rf"|(?P<before>{any_of(table.half_before)})) (?P<hour>\d{{1,2}})(?! ?:?\d)(?: ?{marks})?"
        rf"|(?P<hour>\d{{1,2}})(?: ?[:h] ?(?P<minute>\d\d)(?: ?(?:{hours})(?!\w))?(?: ?{marks})?"
        rf"|\.(?P<dotted>\d\d) ?(?:(?:{hours})(?!\w)|{marks})"
        rf"| ?(?:{hours})(?!\w)(?: (?P<behind>\d\d)(?!\w))?(?: ?{marks})?"
        rf"| ?{marks}))(?![\p{{L}}\p{{N}}])",
        re.IGNORECASE,
    )
