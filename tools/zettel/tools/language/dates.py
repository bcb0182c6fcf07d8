"""Times in a text: those it speaks of, and the windows that a question asks for."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import islice

from zettel.storage.notes import Span
from zettel.tools.language.time_words import (
    ENGLISH,
    TEXT_MAX_MATCHES,
    SpelledTime,
    Tense,
    find_spelled_times,
    foreign_sides,
    joiners,
    tense_of,
)
from zettel.tools.language.times import Period, resolve

MONTH = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?"
    r"|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)"
)
DAY = r"(?:monday|tuesday|wednesday|thursday|friday|saturday|sunday)"
_SHORT_DAY = r"(?:mon|tues?|wed|thu|fri|sat|sun)"
COUNT = r"(?:\d{1,3}|an?|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve)"
_CLAUSE_ENDS = (
    r"\s*(?:[.,;!?)]|$)|\s+(?:and|but|after|before|at|with|for|in|to|when|while|so|we|I)\b"
)
"""Text after "on the 15th" where a day is meant and not a floor."""
_EXPRESSION = re.compile(
    rf"""\b(?:
        (?=\d)(?:
            \d{{4}}-\d{{2}}-\d{{2}}(?:[T ]\d{{2}}:\d{{2}}(?::\d{{2}})?(?:Z|[+-]\d{{2}}:?\d{{2}})?)?
          | (?<!-)(?:19|20)\d{{2}}-(?:0[1-9]|1[0-2])(?![-\d])
          | \d{{1,2}}[./]\d{{1,2}}[./](?:19|20)\d{{2}}
          | (?:19|20)\d{{2}}[ -]?[QH][1-4]
          | \d{{1,2}}(?:st|nd|rd|th)?\s+(?:of\s+)?{MONTH}(?:(?:,\s*|\s+)\d{{4}})?
        )
      | (?=[^\W\d])(?:
            [QH][1-4][ -]?(?:19|20)\d{{2}}
          | {MONTH}\s+\d{{1,2}}(?:st|nd|rd|th)?(?:(?:,\s*|\s+)\d{{4}})?(?!\d)
          | {MONTH},?\s+\d{{4}}
          | (?:last|this|next|past|in|since|until|by|early|late)\s+{MONTH}(?:,?\s+\d{{4}})?(?!\s*\d)
          | (?:last|this|next|past|on|by|until)\s+{DAY}
          | (?:last|next|past)\s+{_SHORT_DAY}
          | on\s+the\s+\d{{1,2}}(?:st|nd|rd|th)(?={_CLAUSE_ENDS})
          | (?:last|this|next|past)\s+(?:week(?:end)?|month|year|night)
          | the\s+day\s+(?:before\s+yesterday|after\s+tomorrow)
          | yesterday | today | tonight | tomorrow
          | (?:in|since|from|until|of|by)\s+(?:19|20)\d{{2}}(?!-\d)
        )
      | {COUNT}\s+(?:day|week|month|year)s?\s+ago
    )(?!\w)""",
    re.IGNORECASE | re.VERBOSE,
)
_HEDGE = re.compile(r"^(?:since|until|by|early|late|from|of|past)\s+", re.IGNORECASE)
_ORDINAL = re.compile(r"on\s+the\s+(\d{1,2})(?:st|nd|rd|th)?", re.IGNORECASE)
_WEEKDAY = re.compile(rf"\b(?:{DAY}|{_SHORT_DAY})\b", re.IGNORECASE)
_ONE_DAY = re.compile(rf"\d[a-z]*\s+(?:of\s+)?{MONTH}|{MONTH}\s+\d|\d-\d\d-\d|{DAY}", re.IGNORECASE)
"""What may begin or end a time of several days."""
_SENTENCE_ENDS = re.compile(r"(?<!\d)[.!?;。！？]|\n")
TO = " to "
"""Between the first and the last day of a time, as `time_words` spells it in English."""
TENSE_FACTOR = 6.0
"""How much nearer a day on the other side must be than the one that the verb speaks for: "was moved
to 27 November", told on the 20th, is not about last year (set by hand)."""
_YEAR = re.compile(r"\d{4}")
_ABSOLUTE = re.compile(
    rf"\b(?:{MONTH}|{DAY}|{_SHORT_DAY})\b|\d{{4}}|\d(?:st|nd|rd|th)", re.IGNORECASE
)
"""What a note may hold as well when it is about that time."""
SENTENCE_MAX_CHARACTERS = 300
"""Characters on each side of a time that may tell whether it is over."""
SIDE_MAX_CHARACTERS = 30
"""Characters before a time in which its preposition stands."""
MONTHS_MAX_DAYS = 62
"""Days of two months: in as many every number of a day occurs."""
NOTE_MAX_TIMES = 8
"""Most times of one note."""
TIMES_MAX_CHARACTERS = 16_000
"""Characters of a note that are read for times, up to the end of a sentence; 32 KB of single
letters took 100 ms."""
TEXT_MAX_EXPRESSIONS = 32
"""Most different time expressions of a text that are tried, of any sort: each takes up to a
millisecond."""


def find_note_times(text: str, happened_at: datetime, told_at: datetime) -> tuple[Span, ...]:
    """Read the time expressions of a note.

    They are relative to when it happened; to when it was told if that makes one of them mean the
    very day it happened: "yesterday", told on the 4th of what happened on the 3rd.
    """
    if told_at.date() != happened_at.date():
        as_told = find_times(text, told_at)
        if any(is_relative(s.phrase) and s.start <= happened_at < s.end for s in as_told):
            return as_told
    return find_times(text, happened_at)


def is_relative(phrase: str) -> bool:
    """Whether a phrase names no year, so that it means another time when it is said later."""
    return not _YEAR.search(phrase)


def find_times(text: str, happened_at: datetime) -> tuple[Span, ...]:
    """Read the time expressions of a text, in order, each once.

    "27 to 30 November" is one time. A day or month without its year, and a day of the week, is in
    the past if its sentence is; else a date is the nearest one, a day of the week the next one.

    Args:
        text: A note's content, or a question.
        happened_at: The moment that "yesterday" is relative to.
    """
    return tuple(
        Span(start=period.start, end=period.end, phrase=told.phrase)
        for told, period in _told(text, happened_at)
    )


def _told(text: str, moment: datetime) -> list[tuple[SpelledTime, Period]]:
    """The time expressions of a text with their periods, each once."""
    found, tried = dict[str, tuple[SpelledTime, Period]](), set[str]()
    if len(text) > TIMES_MAX_CHARACTERS:
        ends = (text.rfind(end, 0, TIMES_MAX_CHARACTERS) for end in (". ", "。", "\n"))
        text = text[: max(*ends, 0) or TIMES_MAX_CHARACTERS]
    for told in _expressions(text):
        phrase = told.phrase
        if phrase.lower() in found or phrase in tried:
            continue
        tried.add(phrase)
        sentence = _sentence(text, told.at, told.at + len(phrase))
        tense = tense_of(sentence, told.language)
        if period := _read(told.english, moment, side=_side(text, told), tense=tense):
            found[phrase.lower()] = (told, period)
        if len(found) == NOTE_MAX_TIMES or len(tried) == TEXT_MAX_EXPRESSIONS:
            break
    return list(found.values())


def _expressions(text: str) -> list[SpelledTime]:
    """The time expressions of a text by their places; of overlapping ones the first, longest."""
    english = (
        SpelledTime(m.start(), m.group(), _HEDGE.sub(_drop_hedge, m.group()), ENGLISH)
        for m in islice(_EXPRESSION.finditer(text), TEXT_MAX_MATCHES * 4)
    )
    found = list[SpelledTime]()
    for told in sorted((*english, *find_spelled_times(text)), key=lambda t: (t.at, -len(t.phrase))):
        end = found[-1].at + len(found[-1].phrase) if found else 0
        if told.at < end:
            continue
        if found and (joined := _joined(text, found[-1], told)):
            found[-1] = joined
        elif found and _is_its_weekday(text, found[-1], told):
            found[-1] = told
        else:
            found.append(told)
    return found


def _joined(text: str, first: SpelledTime, last: SpelledTime) -> SpelledTime | None:
    """The time from one day to another; None if that is not what is said."""
    between = text[first.at + len(first.phrase) : last.at]
    days = all(_ONE_DAY.search(one.english) and TO not in one.english for one in (first, last))
    if not days or not joiners().fullmatch(between):
        return None
    phrase = text[first.at : last.at + len(last.phrase)]
    return replace(first, phrase=phrase, english=f"{first.english}{TO}{last.english}")


def _is_its_weekday(text: str, day: SpelledTime, date: SpelledTime) -> bool:
    """Whether a day of the week only names the date that follows: "on Friday, 27 November"."""
    between = text[day.at + len(day.phrase) : date.at]
    alone = not any(character.isdigit() for character in day.english)
    return alone and bool(_WEEKDAY.search(day.english)) and between.strip() in ("", ",", "the")


def _sentence(text: str, start: int, end: int) -> str:
    """The sentence around a place."""
    before = text[max(0, start - SENTENCE_MAX_CHARACTERS) : start]
    ends = [match.end() for match in _SENTENCE_ENDS.finditer(before)]
    after = text[end : end + SENTENCE_MAX_CHARACTERS]
    stop = _SENTENCE_ENDS.search(after)
    opening, closing = (
        before[ends[-1] :] if ends else before,
        after[: stop.start()] if stop else after,
    )
    return f"{opening}{text[start:end]}{closing}"


def _read(english: str, moment: datetime, *, side: str, tense: Tense) -> Period | None:
    """The period of an expression in English, behind a preposition."""
    first, to, last = english.partition(TO)
    if not to and side == "since":
        return resolve(english, moment)  # what began is over, whatever else the sentence tells
    if not to:
        return _on_its_side(english, moment, tense)
    ends = _on_its_side(last, moment, tense)
    if ends is None:
        return None
    # The first day is the last one of its kind before the end.
    begins = resolve(first, ends.start)
    if begins is None or begins.start > ends.start:
        return ends
    return Period(begins.start, ends.end)


def _on_its_side(english: str, moment: datetime, tense: Tense) -> Period | None:
    """The period of an expression that may mean a time before or after the moment."""
    if match := _ORDINAL.fullmatch(english):
        return _day_of_month(int(match[1]), moment, tense)
    past = resolve(english, moment)
    if past is None or not is_relative(english):
        return past
    ahead = resolve(english, moment, prefer="future")
    if ahead is None or past == ahead:
        return past
    if _WEEKDAY.search(english) and not any(character.isdigit() for character in english):
        return past if tense == "past" else ahead
    if past.end - past.start > timedelta(days=1) and tense:  # a month
        return ahead if tense == "ahead" else past
    return _nearer(past, ahead, moment, tense)


def _nearer(past: Period, ahead: Period, moment: datetime, tense: Tense) -> Period:
    factor = {"past": TENSE_FACTOR, "ahead": 1 / TENSE_FACTOR}.get(tense, 1.0)
    return past if moment - past.start <= factor * (ahead.start - moment) else ahead


def _day_of_month(day: int, moment: datetime, tense: Tense) -> Period | None:
    """The last or next day of this number; `moment`'s own day is the next one."""
    today = moment.astimezone(UTC).date()
    step = timedelta(days=-1 if tense == "past" else 1)
    for days in range(MONTHS_MAX_DAYS):
        if (today + days * step).day == day:
            return resolve((today + days * step).isoformat(), moment)
    return None


def _drop_hedge(hedge: re.Match[str]) -> str:
    return "last " if hedge.group(0).lower().startswith("past") else ""


Window = tuple[float, float]
"""Seconds since 1970: `[start, end)`."""

EARLIEST_S, LATEST_S = -62_135_596_800.0, 253_402_300_800.0
"""Bounds of open windows: the first second of the year 1 and the first after 9999."""
_SIDES = r"(?:since|from|after|before|until|till|by|between|and|to|through)"
_SIDE_BEFORE = re.compile(rf"\b({_SIDES})\s+(?:the\s+)?$", re.IGNORECASE)
_SIDE_WITHIN = re.compile(rf"({_SIDES})\s", re.IGNORECASE)
_BARE = re.compile(rf"\b({_SIDES})\s+({MONTH}|{DAY}|(?:19|20)\d\d)(?![\w-]|\s+\d)", re.IGNORECASE)
"""Months, days and years that are a time only after such a word."""
_LAST = re.compile(rf"\b(?:last|past)\s+({COUNT})\s+(day|week|month|year)s\b", re.IGNORECASE)
_SINCE = "since "
_OPENING, _JOINING = {"from", "between"}, {"and", "to", "through"}
_CLOSING = _JOINING | {"until", "till"}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Named:
    """A time in a question."""

    at: int
    side: str
    """The preposition before it; empty if there is none."""
    phrase: str
    period: Period
    bare: bool = False
    """Only the preposition makes it a time."""


def find_windows(text: str, now: datetime) -> tuple[tuple[Window, ...], tuple[str, ...]]:
    """Read the times that a question names.

    Args:
        text: The question.
        now: The moment that "last week" is relative to.

    Returns:
        The windows, and the phrases that name them.
    """
    named = sorted(_named(text, now), key=lambda time: time.at)
    phrases, found = tuple(time.phrase for time in named), list[Window]()
    while named:
        first = named.pop(0)
        if first.side in _OPENING and named and named[0].side in _CLOSING:
            found.append(_between(first, named.pop(0)))
        elif not (first.bare and first.side in _JOINING):  # "John and May"
            found.append(_reach(first))
    return (*found, *_counted(text, now)), phrases


def starts_with_time(text: str, now: datetime) -> bool:
    """Whether the text after "before" or "since" is a time and not an event."""
    told = f"{_SINCE}{text}"
    return any(time.at <= len(_SINCE) for time in _named(told, now))


def without_times(text: str, now: datetime) -> str:
    """The question without the times it names."""
    for phrase in [span.phrase for span in find_times(text, now)]:
        text = text.replace(phrase, " ")
    return _LAST.sub(" ", _BARE.sub(" ", text))


def without_relative_times(text: str, now: datetime) -> str:
    """The question without the times that are relative to now ("yesterday", "last week").

    They are times alone: a note that holds the word means another day.
    """
    for told, _ in _told(text, now):
        if not _ABSOLUTE.search(told.english):
            text = text.replace(told.phrase, " ")
    return " ".join(_LAST.sub(" ", text).split())


def _named(text: str, now: datetime) -> list[_Named]:
    spelled = list(_spelled(text, now))
    return [*spelled, *_bare(text, now, beside=spelled)]


def _spelled(text: str, now: datetime) -> Iterator[_Named]:
    """Times that need no preposition."""
    for told, period in _told(text, now):
        side = "" if TO in told.english else _side(text, told)
        yield _Named(at=told.at, side=side, phrase=told.phrase, period=period)


def _side(text: str, told: SpelledTime) -> str:
    """The preposition of a time, in English."""
    before = text[max(0, told.at - SIDE_MAX_CHARACTERS) : told.at]
    if side := _SIDE_WITHIN.match(told.phrase) or _SIDE_BEFORE.search(before):
        return side.group(1).lower()
    if told.language == ENGLISH:
        return ""
    said = f" {before}".lower()
    for word, meant in foreign_sides().items():
        ahead = re.search(rf"\W{word}(?:\s+(?:dem|der|den))?\s*$", said)
        if ahead or re.match(rf"{word}\b", told.phrase.lower()):
            return meant
    return ""


def _bare(text: str, now: datetime, beside: Sequence[_Named]) -> Iterator[_Named]:
    """Months, days of the week and years after a preposition."""
    for match in islice(_BARE.finditer(text), TEXT_MAX_EXPRESSIONS):
        side, phrase = match.groups()
        period = resolve(phrase, now)
        # Lower-case "may" is a verb.
        if period and phrase != "may" and not any(match.group() in told.phrase for told in beside):
            side = side.lower()
            yield _Named(at=match.start(), side=side, phrase=phrase, period=period, bare=True)


def _between(first: _Named, last: _Named) -> Window:
    start, end = first.period.start, last.period.end
    if start >= end:  # "from March to May 2025" is of one year
        year = resolve(f"{first.phrase} {end.year}", end)
        start = year.start if year else start
    return start.timestamp(), end.timestamp()


def _reach(time: _Named) -> Window:
    start, end = time.period.start.timestamp(), time.period.end.timestamp()
    match time.side:
        case "since" | "from":
            return start, LATEST_S
        case "after":
            return end, LATEST_S
        case "before":
            return EARLIEST_S, start
        case "until" | "till" | "by":
            return EARLIEST_S, end
        case _:
            return start, end


def _counted(text: str, now: datetime) -> Iterator[Window]:
    """The last N days, weeks, months or years, today included."""
    for match in islice(_LAST.finditer(text), TEXT_MAX_EXPRESSIONS):
        if since := resolve(f"{match[1]} {match[2]}s ago", now):
            yield since.start.timestamp(), LATEST_S
