"""Times spelled in other languages than English, and what tells whether a time is over.

A language is a file of `time_words`: adding one takes no code.
"""

import re
from calendar import day_name, month_name
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import islice
from typing import Literal

from zettel.storage.notes import fold
from zettel.tools.language.languages import counts_everywhere, is_rather, read_languages
from zettel.tools.language.times import MonthPart
from zettel.tools.language.word_files import WordTable, word_tables

ENGLISH = "en"
LATE_MAX_CHARACTERS = 12
"""Before a time, in which words say that its end is meant."""
TEXT_MAX_MATCHES = 32
"""Most places of a text where one pattern is tried."""
AND = " and "
"""Between the days of a list, in English."""
Tense = Literal["", "past", "ahead"]
_PLACEHOLDER = re.compile(r"\{([a-z]+)\}")
_DASH = re.compile("[-–—]")
_NUMERALS = "一二三四五六七八九十"
"""Of the months, in Chinese and Japanese."""
_GROUP_NAME = re.compile(r"\(\?P<\w+>")


class _Table(WordTable):
    """A language's file: `de.toml` explains it."""

    script: str = ""
    """What a text of the language holds, where another one spells times in the same signs."""
    months: tuple[str, ...] = ()
    days: tuple[str, ...] = ()
    short: tuple[str, ...] = ()
    """Days of the week as they are shortened."""
    counts: tuple[str, ...] = ()
    numerals: tuple[str, ...] = ()
    """Days of a month in words, from the first to the last."""
    nths: tuple[str, ...] = ()
    """Which day of the week of a month: the first to the fourth, and the last."""
    parts: tuple[str, ...] = ()
    """Parts of a day, which are read as the day."""
    ends: tuple[str, ...] = ()
    """What follows a day of the month that stands without its month, and no number of a house."""
    holds: tuple[str, ...] = ()
    """What every time holds, in lower case."""
    times: tuple[tuple[str, str], ...] = ()
    asked: tuple[tuple[str, str], ...] = ()
    """Those that are times in a question only."""
    alone: tuple[tuple[str, str], ...] = ()
    """Those that are times only where nothing else stands beside them, as in an argument."""
    opens: str = "(?!)"
    """What may stand before a time that stands alone, and does not change it: "le" 3 mai."""
    elsewhere: Mapping[str, tuple[str, ...]] = {}
    """Word -> other languages in which it is no time."""
    to: tuple[str, ...] = ()
    beside: tuple[str, ...] = ("{day}", "{short}")
    """A day of the week beside a date; the first one may follow it without a bracket."""
    moved: str = "(?!)"
    """What stands before the first of two days if something was moved to the last."""
    joins: str = "(?!)"
    """What stands between the days of the month in a list."""
    sides: Mapping[str, tuple[str, ...]] = {}
    behind: Mapping[str, tuple[str, ...]] = {}
    """Sides that stand behind the time."""
    past: tuple[str, ...] = ()
    states: tuple[str, ...] = ()
    """What is so now, though it holds a word of the past: "is closed"."""
    perfect: tuple[str, ...] = ()
    """What is over by now and names no time of its own: "has booked" the flight on 3 March."""
    ahead: tuple[str, ...] = ()
    begins: tuple[str, ...] = ()
    """Verbs in the present or future of what is otherwise from a day on: "moves in on 1 May"."""
    already: tuple[str, ...] = ()
    """What tells that it is so by now."""
    year_parts: tuple[str, ...] = ()
    """What names a part of a year before it: "spring", "late"."""
    late: tuple[str, ...] = ()
    """What says that the end of a period is meant: "at the end of December"."""
    month_parts: Mapping[Literal["early", "middle", "late"], tuple[str, ...]] = {}
    """What says that a part of a month is meant, before its name or as a part of the phrase."""


@dataclass(frozen=True)
class _Pattern:
    expression: str
    english: str
    """With placeholders."""
    asked: bool
    """A time in a question only."""

    @cached_property
    def spelled(self) -> re.Pattern[str]:
        """Compiled when a text has a time in its language: all of them take 0.1 s."""
        return re.compile(self.expression, re.IGNORECASE)


@dataclass(frozen=True)
class _Language:
    """What a language's file says; a pattern is compiled when a text is first looked at by it.

    All of them take half a second, and most texts hold nothing that looks like a time of another
    language.
    """

    table: _Table

    @cached_property
    def holds(self) -> re.Pattern[str]:
        """What every time holds, in lower case: regardless of case it takes ten times as long."""
        return re.compile("|".join(self.table.holds))

    @cached_property
    def some(self) -> re.Pattern[str]:
        """Any of the patterns; in a text without, one look at each word instead of thirty."""
        told = (pattern for pattern, _ in (*self.table.times, *self.table.asked))
        return self._compile(_unnamed("|".join(_spell(pattern, self.table) for pattern in told)))

    @cached_property
    def patterns(self) -> Sequence[_Pattern]:
        """Those of times, then those of times in a question only."""
        table = self.table
        told = [*((*one, False) for one in table.times), *((*one, True) for one in table.asked)]
        return [self._pattern(pattern, english, asked=asked) for pattern, english, asked in told]

    @cached_property
    def alone(self) -> Sequence[_Pattern]:
        """Those of what is a time and nothing else."""
        return [self._pattern(*one) for one in self.table.alone]

    def _pattern(self, pattern: str, english: str, *, asked: bool = False) -> _Pattern:
        return _Pattern(_bounded(_spell(pattern, self.table), self.table), english, asked)

    @cached_property
    def past(self) -> re.Pattern[str]:
        return self._compile("|".join(self.table.past))

    @cached_property
    def states(self) -> re.Pattern[str]:
        return self._compile(_any_of(self.table.states))

    @cached_property
    def perfect(self) -> re.Pattern[str]:
        return self._compile(_any_of(self.table.perfect))

    @cached_property
    def ahead(self) -> re.Pattern[str]:
        return self._compile(_unnamed(_spell("|".join(self.table.ahead), self.table)))

    @cached_property
    def begins(self) -> re.Pattern[str]:
        return self._compile(_unnamed(_spell("|".join(self.table.begins), self.table)))

    @cached_property
    def late(self) -> re.Pattern[str]:
        return self._compile(_any_of(self.table.late))

    @cached_property
    def already(self) -> re.Pattern[str]:
        return self._compile("|".join(self.table.already))

    def _compile(self, pattern: str) -> re.Pattern[str]:
        return re.compile(_bounded(pattern, self.table), re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class SpelledTime:
    """A time in a text."""

    at: int
    phrase: str
    """As spelled."""
    english: str
    """What it says in English: "27 November 2026", "last Friday", "3 May to 5 May"."""
    language: str


@cache
def _languages() -> Mapping[str, _Language]:
    """Every language by its code."""
    tables = word_tables("time_words", _Table)()
    return {code: _Language(table) for code, table in tables.items()}


def _tables_everywhere() -> list[_Table]:
    """Of the languages whose words count in texts of every language."""
    known = _languages().items()
    return [language.table for code, language in known if counts_everywhere(code)]


def _unnamed(pattern: str) -> str:
    return _GROUP_NAME.sub("(?:", pattern)


def _bounded(pattern: str, table: _Table) -> str:
    return pattern if table.inside else rf"(?<!\w)(?=\w)(?:{pattern})(?!\w)"


def _spell(pattern: str, table: _Table) -> str:
    """The regular expression of a pattern, with a group for each placeholder."""
    joins = table.joins.replace("{day}", "|".join(table.days)).replace(
        "{short}", "|".join(table.short)
    )
    groups = {
        "month": "|".join(table.months),
        "day": "|".join(table.days),
        "last": "|".join(table.days),
        "short": "|".join(table.short),
        "count": "|".join((r"\d{1,3}", *reversed(table.counts))),
        "spelled": "|".join(reversed(table.numerals)),
        "nth": "|".join(table.nths),
        "number": r"\d{1,2}",
        "numbers": rf"\d{{1,2}}(?:{joins}\d{{1,2}}){{1,4}}",
        "second": r"\d{1,2}",
        "digits": (digits := "[1１][0-2０-２]|[0０]?[1-9１-９]"),
        "closing": digits,
        "week": r"5[0-3]|[1-4]\d|0?[1-9]",
        "year": r"(?:[1１][9９]|[2２][0０])\d\d",
    }
    opened = dict[str, int]()  # a Counter takes ten times as long to make

    def group(match: re.Match[str]) -> str:
        name = match[1]
        if name == "part":
            return f"(?:{'|'.join(table.parts)})"
        if name == "ends":
            return f"(?={_PLACEHOLDER.sub(group, '|'.join(table.ends))})"
        # A group of a regular expression has a name of its own.
        opened[name] = opened.get(name, 0) + 1
        return f"(?P<{name}{'_' * opened[name]}>{groups[name]})"

    return _PLACEHOLDER.sub(group, pattern)


@cache
def _names() -> re.Pattern[str]:
    tables = _tables_everywhere()
    words = {word for table in tables for word in (*table.months, *table.days, *table.counts)}
    return re.compile(f"(?:{'|'.join(sorted(words))})s?", re.IGNORECASE)


def days_of(language: str) -> str:
    """A pattern of the days of the week in a language; matches nothing if it has none."""
    return _any_of(_languages()[language].table.days if language in _languages() else ())


def months_of(language: str) -> str:
    """A pattern of the months in a language; matches nothing if it has none."""
    return _any_of(_languages()[language].table.months if language in _languages() else ())


def names_month(phrase: str) -> bool:
    """Whether a time names its month, in any language or as a number: "27 November", "3.12."."""
    return _months().search(phrase) is not None


@cache
def _months() -> re.Pattern[str]:
    tables = [language.table for language in _languages().values()]
    words = "|".join(f"(?:{'|'.join(t.months)})" for t in tables if t.months and not t.inside)
    return re.compile(rf"(?<!\w)(?:{words})(?!\w)|\d[./-]\d|[\d{_NUMERALS}]月", re.IGNORECASE)


def _any_of(patterns: Sequence[str]) -> str:
    return "|".join(patterns) or "(?!)"


def is_day_month_or_count(word: str) -> bool:
    """Whether a word spells a day of the week, a month or a small number, also with an "s".

    In any language whose words count everywhere: "due" is two in Italian alone.
    """
    return _names().fullmatch(word) is not None


def find_spelled_times(text: str, *, asked: bool, alone: bool) -> Iterator[SpelledTime]:
    """The times of a text that a language's file spells, in any order.

    `alone` is whether it may be a time and nothing else.
    """
    lower = text.lower()
    for code, language in _by_script(text):
        if not (language.holds.search(lower) and (alone or language.some.search(text))):
            continue
        elsewhere: Mapping[str, tuple[str, ...]] = {} if alone else language.table.elsewhere
        for pattern in (*language.patterns, *(language.alone if alone else ())):
            if pattern.asked and not asked:
                continue
            for match in islice(pattern.spelled.finditer(text), TEXT_MAX_MATCHES):
                others = elsewhere.get(match.group().lower())
                if others and not is_rather(text, code, others):
                    continue
                english = _in_english(match, pattern.english, language.table)
                yield SpelledTime(match.start(), match.group(), english, code)


def _by_script(text: str) -> list[tuple[str, _Language]]:
    """The languages, those first in whose script the text is: "12月5日" is Chinese or Japanese."""
    known = _languages()
    read = [(code, known[code]) for code in read_languages(text, tuple(known), sure=False)]
    return sorted(read, key=lambda one: not re.search(one[1].table.script, text))


def _in_english(match: re.Match[str], english: str, table: _Table) -> str:
    named = {name.rstrip("_"): value for name, value in match.groupdict().items() if value}
    if days := re.findall(r"\d+", named.pop("numbers", "")):
        return AND.join(_say(english, named | {"numbers": day}, table) for day in days)
    return _say(english, named, table)


def _say(english: str, named: Mapping[str, str], table: _Table) -> str:
    """English with a value in each of its places."""

    def say(place: re.Match[str]) -> str:
        name = place[1]
        value = named.get(name, "")
        match name:
            case "month":
                return month_name[1 + _place(value, table.months)]
            case "day" | "last":
                return day_name[_place(value, table.days)]
            case "short":
                return day_name[_place(value, table.short)]
            case "digits" | "closing":
                return month_name[int(value)]
            case "count" if not value.isdigit():
                return str(1 + _place(value, table.counts))
            case "spelled":
                return str(1 + _place(value, table.numerals))
            case "nth":
                return _languages()[ENGLISH].table.nths[_place(value, table.nths)]
            case _:  # of full width too
                return str(int(value)) if value.isdecimal() and not value.isascii() else value

    return " ".join(_PLACEHOLDER.sub(say, english).split())


def _place(value: str, spellings: Sequence[str]) -> int:
    """The place of the entry that spells a value."""
    return next(at for at, one in enumerate(spellings) if re.fullmatch(one, value, re.IGNORECASE))


def tense_of(text: str, language: str, *, clause: bool = False) -> Tense:
    """Whether a text is about what is over or what comes; "" if it says neither or both.

    Of a clause, a perfect tense does not tell the time.
    """
    known = _languages()[language]
    rest = known.states.sub(" ", known.ahead.sub(" ", text))
    past = known.past.search(known.perfect.sub(" ", rest) if clause else rest)
    ahead = known.ahead.search(text)
    return "" if bool(past) == bool(ahead) else "past" if past else "ahead"


def becomes_otherwise(text: str, clause: str, language: str) -> bool:
    """Whether the clause of a time tells that something is otherwise from then on.

    Args:
        text: The whole text, which may tell that it is so already.
        clause: The clause.
        language: Its code.
    """
    known = _languages()[language]
    if not known.begins.search(clause) or known.already.search(text):
        return False
    return tense_of(clause, language, clause=True) != "past"


def means_end(text: str, told: SpelledTime) -> bool:
    """Whether a text means the end of a period that it names: "at the end of next week"."""
    opening = max(0, told.at - LATE_MAX_CHARACTERS)
    said = text[opening : told.at + len(told.phrase)]
    return _languages()[told.language].late.search(said) is not None


def month_part(text: str, told: SpelledTime) -> MonthPart:
    """The part of a month that a text means: "early June", "Ende Mai", "6月中旬"."""
    before = text[max(0, told.at - LATE_MAX_CHARACTERS) : told.at]
    for part, (apart, inside) in _month_parts(told.language).items():
        if apart.search(before) or inside.search(told.phrase):
            return part
    return ""


@cache
def _month_parts(
    language: str,
) -> Mapping[MonthPart, tuple[re.Pattern[str], re.Pattern[str]]]:
    """For each part what stands right before the name of a month, and what the phrase holds."""
    table = _languages()[language].table
    edge, end = ("", "") if table.inside else (r"(?<!\w)", r"(?!\w)")
    return {
        part: (
            re.compile(rf"{edge}(?:{_any_of(words)})[\s-]+$", re.IGNORECASE),
            re.compile(rf"{edge}(?:{_any_of(words)}){end}", re.IGNORECASE),
        )
        for part, words in table.month_parts.items()
    }


def is_moved(sentence: str, told: SpelledTime) -> bool:
    """Whether a sentence tells that something was moved from the first day of a time to the last.

    "Postponed from 3 to 10 December", and not "open from 3 to 10 December"; "3-10 December" was
    moved as a whole.
    """
    digit = re.search(r"\d", told.phrase)
    at = sentence.find(told.phrase) + (digit.start() if digit else 0)
    return not _DASH.search(told.phrase) and any(
        moved.end() == at for moved in _moved(told.language).finditer(sentence)
    )


@cache
def _moved(language: str) -> re.Pattern[str]:
    moved = _languages()[language].table.moved
    return re.compile(rf"(?<!\w)(?:{moved})\s(?:[^\W\d]+\s){{0,2}}(?=\d)", re.IGNORECASE)


def speaks_ahead(text: str) -> bool:
    """Whether a text in any language is about what comes, and not about what is over."""
    read = read_languages(text, tuple(_languages()), sure=False)
    return any(tense_of(text, language) == "ahead" for language in read)


def weekday_beside(before: str, phrase: str, behind: str, language: str) -> int | None:
    """The day of the week, 0 for Monday, right before a date, in it or right behind it."""
    table, (ahead, after) = _languages()[language].table, _weekday_patterns(language)
    opened = before + re.split(r"\d", phrase, maxsplit=1)[0]
    match = ahead.search(before) or ahead.search(opened) or after.match(behind)
    named = match.groupdict().items() if match else ()
    spelled = ((value, table.short if "short" in name else table.days) for name, value in named)
    return next((_place(value, days) for value, days in spelled if value), None)


@cache
def _weekday_patterns(language: str) -> tuple[re.Pattern[str], re.Pattern[str]]:
    """A day of the week at the end of the text before a date, and behind a date."""
    table = _languages()[language].table
    edge, end = ("", "") if table.inside else (r"(?<!\w)", r"(?!\w)")
    day, first = "|".join(table.beside), table.beside[0]
    ahead = rf"{edge}(?:{day}){end}\.?\s?[,，、の]?\s?(?:[^\W\d]{{2,3}}\s)?$"
    after = rf"\s?(?:[(（]\s?(?:{day})|,?\s?(?:{first})){end}"
    return (
        re.compile(_spell(ahead, table), re.IGNORECASE),
        re.compile(_spell(after, table), re.IGNORECASE),
    )


@cache
def openers(language: str) -> re.Pattern[str]:
    """What stands before a time that stands alone, and does not change it."""
    return re.compile(rf"\s*(?:{_languages()[language].table.opens})\s+", re.IGNORECASE)


@cache
def opens_end(language: str) -> re.Pattern[str]:
    """What stands before a period of which the end is meant: "(at the) end of"."""
    table = _languages()[language].table
    opening = rf"(?:{table.opens})"
    spelled = rf"(?:{opening}\s+)?(?:{_any_of(table.late)})(?:\s+{opening})?"
    return re.compile(spelled, re.IGNORECASE)


def is_part_of_year(text: str, told: SpelledTime) -> bool:
    """Whether a time that is read as a year is a part of it: "spring 2027", "early 2027"."""
    if not told.english.isdecimal():
        return False
    table = _languages()[told.language].table
    parts = (
        *table.year_parts,
        *table.month_parts.get("early", ()),
        *table.month_parts.get("middle", ()),
    )
    edge, end = ("", "") if table.inside else (r"(?<!\w)", r"(?!\w)")
    return re.search(rf"{edge}(?:{_any_of(parts)}){end}", text, re.IGNORECASE) is not None


@cache
def joiners() -> re.Pattern[str]:
    """What stands between the first and the last day of a time, in any language."""
    words = {word for language in _languages().values() for word in language.table.to}
    spelled = "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))
    return re.compile(rf"\s*(?:{spelled}|[-–—])\s*(?:the\s+)?", re.IGNORECASE)


@cache
def sides_of(language: str) -> Sequence[tuple[re.Pattern[str], re.Pattern[str], str]]:
    """What tells the side of a time, with the English preposition: "seit" -> "since".

    A pattern is of the text before a time and one of the time itself; of two prepositions the
    longer one is first.
    """
    table = _languages()[language].table
    sides, edge = table.sides, "" if table.inside else r"\W"
    words = sorted(((w, side) for side, of in sides.items() for w in of), key=lambda w: -len(w[0]))
    article = r"(?:\s+(?:dem|der|den))?"
    return [
        (re.compile(rf"{edge}{word}{article}\s*$"), re.compile(rf"{word}\b"), side)
        for word, side in words
    ]


def is_side(word: str) -> bool:
    """Whether a word, folded, is a preposition of times: "until", "hasta".

    In any language whose words count everywhere: "entro" is "by" in Italian alone.
    """
    return word in _side_words()


@cache
def _side_words() -> frozenset[str]:
    sides = (of for table in _tables_everywhere() for of in table.sides.values())
    return frozenset(fold(word) for of in sides for word in of)


def spells_limit(phrase: str) -> bool:
    """Whether a time, as spelled in a text, is only the end of something: "until March"."""
    return _limits().search(phrase) is not None


@cache
def _limits() -> re.Pattern[str]:
    tables = [language.table for language in _languages().values()]
    words = [
        word if table.inside else rf"{word}\b"
        for table in tables
        for word in table.sides.get("until", ())
    ]
    behind = [word for table in tables for word in table.behind.get("until", ())]
    return re.compile(rf"^(?:{'|'.join(words)})|(?:{'|'.join(behind)})$", re.IGNORECASE)


@cache
def sides_behind(language: str) -> Sequence[tuple[re.Pattern[str], str]]:
    """What tells the side of a time behind it, with the English preposition: "まで" -> "until"."""
    sides = _languages()[language].table.behind
    return [(re.compile(rf"\s?(?:{'|'.join(words)})"), side) for side, words in sides.items()]
