"""What an LLM's words may say: nothing that the notes they are about do not bear out.

A text is refused for a name, a number, a date or an address that no source has, and where it says
the contrary of them. It may word what they say anew: small letters, ordinary words with the capital
that opens a sentence, and dates in any spelling pass.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

import regex as re

from zettel.storage.notes import REVISED_BY, Note, Span, fold, normalise
from zettel.storage.text.vocabulary import (
    CAPITALISED_NOUNS,
    is_ordinary_english,
    is_ordinary_word,
)
from zettel.tools.language.attribution import misattributes
from zettel.tools.language.dates import find_times
from zettel.tools.language.marks import Mark, find_marks
from zettel.tools.language.name_words import titles
from zettel.tools.language.numerals import (
    find_times_of_day,
    in_digits,
    is_ordinal_ending,
    language_of,
    number_languages,
    number_values,
)
from zettel.tools.language.opposites import adds_denial, denies_otherwise, says_contrary
from zettel.tools.language.times import iso_day

Fault = Literal["malformed", "too_long", "instructions", "invented", "contrary"]
"""Why a text is rejected."""

NOTE_MAX_CHARACTERS = 4_000
"""Characters shown of a note."""
_ONE_DAY, _MOMENT = timedelta(days=1), timedelta(microseconds=1)

_WORD = re.compile(r"(?<!°)\w+")
"""The letter of a unit of temperature is no name."""
_NUMBER = re.compile(r"\p{N}+(?:[.,:/\-]\p{N}+)*")
_COUNTED = re.compile(
    r"(?<![\p{L}\p{M}\p{N}_])(?P<number>[0-9]{1,3}(?:[ '’][0-9]{3})+(?!\p{N})"
    r"|\p{N}+(?:[.,:/\-]\p{N}+)*)(?P<tail>\p{L}*)"
)
"""A number and the letters at it: "12 500", "5km", "3rd"."""
_DIGITS = re.compile(r"[0-9]+")
_CAPITAL = re.compile(r"[\p{Lu}\p{Lt}]")
_DIGIT = re.compile(r"\p{N}")
_YEAR = re.compile(r"\d{4}")
_ADDRESS = re.compile(r"(?:(?<!\w)\w++://|www\.)\S*|(?<!\S)\S+@\S+", re.IGNORECASE)
"""Tried from the start of a word only, which finds the same."""
_MALFORMED = re.compile(r"[\p{Cc}\p{Cs}\p{Co}\p{Cn}\p{Bidi_Control}<>]")
"""Controls, unpaired surrogates, reordering characters, and delimiters."""
_OPENS = re.compile(r"(?:\A|[.!?…:;]\s+)[\"“„«'(\[¿¡]*\Z")
"""What stands before the first word of a sentence."""
OPENING_CHARACTERS = 8
"""Characters before a word that tell whether it opens a sentence."""
_NAME_ENDINGS = ("s", "er")
"""Of a name in another form: "the Moors", "Lenas"; in German "Linzer", too."""
_NO_NAMES = frozenset(
    "a about after an and are as at before both but by can could did do does during everybody"
    " everyone for from had has have he her his how i if in is it its my of on or our she should"
    " that the their these they this those to was we were what when where which who why will with"
    " would you your".split()
)
"""Words that are never names."""
_ALSO_NAMES = frozenset(
    "amber april art august autumn bill bob carol chase dawn dean drew earl eve faith frank gene"
    " grace grant guy hazel heather holly hope iris ivy jack jay joy june lily mark max may miles"
    " nick olive pat pearl penny peter ray rich rob robin rose ruby rusty sandy skip sue summer"
    " victor victoria violet wade wren".split()
)
"""Ordinary words that are first names as well: with a capital they count as names (by hand)."""
_ORDERS = {Mark.INSTRUCTIONS, Mark.CREDENTIALS}


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbers:
    """The numbers of a text."""

    written: frozenset[str]
    """As written, `1,300` and `10:45` whole."""
    values: frozenset[str]
    """As plain decimals, those in words too."""
    minutes: frozenset[int]
    """Times of day, in minutes after midnight."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """What a text may say."""

    words: frozenset[str]
    """Folded; spelled-out numbers as digits too."""
    numbers: Numbers
    text: str
    """The whole text, folded."""
    foreign: frozenset[str]
    """Folded words of names that only the other shown notes contain."""
    contents: tuple[str, ...]
    """What each note says, and its context and tags if an agent gave them."""
    times: tuple[Span, ...]
    """The days on which they happened, and the times of which they speak."""


def sources_of(notes: Iterable[Note], *, shown: Sequence[Note] = ()) -> Sources:
    """The sources of a text about some notes; names from the rest of `shown` are foreign."""
    own = list(notes)
    times = tuple(span for note in own for span in (_day_of(note), *note.times))
    contents = tuple(map(_said, own))
    text = "\n".join((*contents, *map(_spelled_day, _days(times))))
    words = frozenset(fold(word) for word in _words(text))
    ids = {note.note_id for note in own}
    others = [name for n in shown if n.note_id not in ids for name in (*n.entities, n.subject)]
    return Sources(
        words=words,
        numbers=_numbers_of(text),
        text=fold(text),
        foreign=frozenset(fold(word) for word in _words(" ".join(others))) - words - _NO_NAMES,
        contents=contents,
        times=times,
    )


def fault(value: str, sources: Sources, *, most: int) -> Fault | None:
    """The fault of a text with white space normalised; None if it may be used.

    At most `most` characters. In scripts without capitals (Arabic, Chinese) names are not checked.
    """
    if not value or is_malformed(value):
        return "malformed"
    if len(value) > most:
        return "too_long"
    if not _ORDERS.isdisjoint(find_marks(value)):
        return "instructions"
    folded = fold(value)
    if any(address not in sources.text for address in _ADDRESS.findall(folded)):
        return "invented"
    undated = _without_true_days(value, sources)
    if undated is None:
        return "invented"
    if folded in sources.text:
        return None
    if _has_invented_number(undated, sources) or _has_invented_word(undated, sources):
        return "invented"
    contrary = (says_contrary, denies_otherwise, adds_denial, misattributes)
    if any(differs(value, sources.contents) for differs in contrary):
        return "contrary"
    return None


def is_malformed(value: str) -> bool:
    """Whether a text holds what could steer its reader: controls, delimiters."""
    return _MALFORMED.search(value) is not None


def given(note: Note) -> tuple[str, tuple[str, ...]]:
    """Context and tags given by an agent; no tags if an LLM may have added some."""
    makers = note.derived_by
    taught = any(link.relation == REVISED_BY and link.made_by == "llm" for link in note.links)
    context = note.context if makers.get("context") == "agent" else ""
    return context, note.tags if makers.get("tags") == "agent" and not taught else ()


def _words(text: str) -> list[str]:
    """Words in NFKC, case kept."""
    return _WORD.findall(normalise(text))


def _said(note: Note) -> str:
    """What is shown of a note's own text; no derived fields: they may be wrong."""
    context, tags = given(note)
    return "\n".join((note.content[:NOTE_MAX_CHARACTERS], note.subject, context, *tags))


def _day_of(note: Note) -> Span:
    start = note.happened_at.replace(hour=0, minute=0, second=0, microsecond=0)
    return Span(start=start, end=start + _ONE_DAY, phrase="")


def _days(times: Iterable[Span]) -> set[date]:
    """The days that are told, and the first and the last of a time that names them."""
    found = set[date]()
    for span in times:
        first, last = span.start.date(), (span.end - _MOMENT).date()
        numbers = set(map(int, _DIGITS.findall(span.phrase)))
        found |= {day for day in (first, last) if first == last or day.day in numbers}
    return found


def _spelled_day(day: date) -> str:
    """A day in the forms in which a text may name a part of it."""
    ending = {1: "st", 2: "nd", 3: "rd"}.get(day.day % 10, "th")
    ending = "th" if 11 <= day.day <= 13 else ending
    return f"{day:%A %a %d %B %b %Y} {iso_day(day)} {day.day} {day.day}{ending}"


def _without_true_days(value: str, sources: Sources) -> str | None:
    """The text without the days that its sources tell, however spelled; None if one is another."""
    if not _DIGIT.search(value) or not sources.times:
        return value
    for told in find_times(value, sources.times[0].start):
        phrase = fold(told.phrase)
        if not _DIGIT.search(phrase):
            continue
        if told.end - told.start > _ONE_DAY:
            if _is_told_stretch(told, sources):
                value = value.replace(told.phrase, " ")
            continue
        if _is_told(told, sources):
            value = value.replace(told.phrase, " ")
        elif phrase not in sources.text:
            return None
    return value


def _is_told(told: Span, sources: Sources) -> bool:
    """Whether the sources speak of this day; one without a year may be of any."""
    day = told.start.date()
    days = _days(sources.times)
    if _YEAR.search(told.phrase):
        return day in days
    return (day.month, day.day) in {(known.month, known.day) for known in days}


def _is_told_stretch(told: Span, sources: Sources) -> bool:
    """Whether the sources speak of this time of several days; one without a year may be of any."""

    def ends(span: Span) -> Sequence[date] | Sequence[tuple[int, int]]:
        days = [span.start.date(), (span.end - _MOMENT).date()]
        return days if _YEAR.search(told.phrase) else [(day.month, day.day) for day in days]

    return any(ends(told) == ends(known) for known in sources.times)


def _numbers_of(text: str) -> Numbers:
    """The numbers of notes, in the words of every language."""
    written, values, minutes = set(_NUMBER.findall(fold(text))), set[str](), set[int]()
    for language in number_languages():
        told = in_digits(text, language, articles=True)
        for match in _COUNTED.finditer(told):
            values.update(*map(number_values, (match["number"], *_DIGITS.findall(match["number"]))))
        minutes.update(m for time in find_times_of_day(told, language) for m in time.minutes)
    return Numbers(written=frozenset(written), values=frozenset(values), minutes=frozenset(minutes))


def _has_invented_number(value: str, sources: Sources) -> bool:
    language, told = language_of(value, among=sources.text), sources.numbers
    text, left, end = in_digits(value, language), list[str](), 0
    for time in find_times_of_day(text, language):
        hours = {m // 60 for m in time.minutes if m % 60 == 0}
        bare = {str(hour) for each in hours for hour in (each, each % 12)}
        if told.minutes.isdisjoint(time.minutes) and (told.minutes or told.values.isdisjoint(bare)):
            return True
        left.append(text[end : time.start])
        end = time.end
    rest = " ".join((*left, text[end:]))
    return any(not _is_told_number(match, sources) for match in _COUNTED.finditer(rest))


def _is_told_number(match: "re.Match[str]", sources: Sources) -> bool:
    number, tail, told = match["number"], fold(match["tail"]), sources.numbers
    if tail and not (is_ordinal_ending(tail) or tail in sources.words):
        return number + tail in sources.words
    if number in told.written or not told.values.isdisjoint(number_values(number)):
        return True
    if number.isascii() and number.isdigit() and len(number) <= 2:
        return not told.minutes.isdisjoint({int(number) * 60, (int(number) + 12) * 60})
    parts = re.split(r"[ -]", number)
    return len(parts) == 2 and all(not told.values.isdisjoint(number_values(p)) for p in parts)


def _has_invented_word(value: str, sources: Sources) -> bool:
    text, before = normalise(value), ""
    language = language_of(text, among=sources.text)
    for found in _WORD.finditer(text):
        near = text[max(0, found.start() - OPENING_CHARACTERS) : found.start()]
        opens = found.start() == 0 or _OPENS.search(near) is not None
        titled = fold(before) in titles()
        lone = not titled and (opens or language in CAPITALISED_NOUNS)
        if _is_invented(found[0], sources, language=language, opens=opens, plain=lone):
            return True
        before = found[0]
    return False


def _is_invented(word: str, sources: Sources, *, language: str, opens: bool, plain: bool) -> bool:
    """Whether no source has a word that needs one.

    Args:
        word: With its capitals.
        sources: What may be said.
        language: Of the text.
        opens: Whether it opens a sentence.
        plain: Whether an ordinary word of the language may have a capital there.
    """
    folded = fold(word)
    if folded in sources.foreign and not (word.islower() and _is_ordinary(folded)):
        return True
    endings = _NAME_ENDINGS if language in CAPITALISED_NOUNS else _NAME_ENDINGS[:1]
    if folded in sources.words or any(folded.removesuffix(e) in sources.words for e in endings):
        return False
    named = _CAPITAL.search(word) is not None and folded not in _NO_NAMES
    if named and not _CAPITAL.search(word[1:]) and folded not in _ALSO_NAMES:
        common = (plain and is_ordinary_word(folded, language)) or (opens and _is_ordinary(folded))
        named = not common
    # What begins with a digit is a number, read before.
    return named or (_DIGIT.match(word) is None and _DIGIT.search(word) is not None)


def _is_ordinary(folded: str) -> bool:
    return folded not in _ALSO_NAMES and is_ordinary_english(folded)
