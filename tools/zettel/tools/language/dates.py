"""Times in words of any language: those of a note, a question's windows, and arguments."""

import re
from calendar import month_name
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from itertools import islice

from zettel.storage.errors import InvalidArgumentError
from zettel.storage.notes import Note, Span
from zettel.tools.language.kept_readings import keep_last
from zettel.tools.language.terms import terms
from zettel.tools.language.time_words import (
    AND,
    ENGLISH,
    TEXT_MAX_MATCHES,
    SpelledTime,
    Tense,
    becomes_otherwise,
    days_of,
    find_spelled_times,
    is_moved,
    is_part_of_year,
    joiners,
    means_end,
    month_part,
    names_month,
    openers,
    opens_end,
    sides_behind,
    sides_of,
    tense_of,
    weekday_beside,
)
from zettel.tools.language.times import (
    DAY_NUMBERS,
    TICK,
    TIME_MAX_CHARACTERS,
    ClockError,
    Period,
    Prefer,
    day_from,
    iso,
    iso_day,
    read_iso,
    resolve,
    resolve_dotted,
    wall_time,
    within_month,
)

MONTH = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?"
    r"|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)"
)
DAY = r"(?:monday|tuesday|wednesday|thursday|friday|saturday|sunday)"
_SHORT_DAY = r"(?:mon|tues?|wed|thu|fri|sat|sun)"
COUNT = r"(?:\d{1,3}|an?|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve)"
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
          | (?<!every\s)(?:last|this|next|past|on|by|until)\s+{DAY}
            (?!\s+of\s+(?:the|each|every)\s+(?:month|quarter|year)\b)
          | (?:last|next|past)\s+{_SHORT_DAY}
          | (?:last|this|next|past)\s+(?:week(?:end)?|month|year|night)
          | (?:the\s+)?(?:week(?:end)?|month|year)\s+(?:after\s+next|before\s+last)
          | next\s+(?:{COUNT}|few|couple\s+of)\s+(?:day|week|month|year)s
          | in\s+{COUNT}\s+(?:day|week|month|year)s?(?!\s+(?:a|or)\b)
          | the\s+day\s+(?:before\s+yesterday|after\s+tomorrow)
          | yesterday | today | tonight | tomorrow
          | (?:in|since|from|until|of|by)\s+(?:19|20)\d{{2}}(?!-\d)
        )
      | {COUNT}\s+(?:day|week|month|year)s?\s+(?:ago|from\s+(?:now|today))
    )(?!\w)""",
    re.IGNORECASE | re.VERBOSE,
)
_HEDGE = re.compile(r"^(?:since|until|by|early|late|from|of|past)\s+", re.IGNORECASE)
_ORDINAL = re.compile(rf"(?:on|({DAY}))\s+the\s+(\d{{1,2}})(?:st|nd|rd|th)?", re.IGNORECASE)
_WEEKDAY = re.compile(rf"\b(?:{DAY}|{_SHORT_DAY})\b", re.IGNORECASE)
_ONE_DAY = re.compile(
    rf"\d[a-z]*\s+(?:of\s+)?{MONTH}|{MONTH}\s+\d|\d-\d\d-\d|on\s+the\s+\d|{DAY}", re.IGNORECASE
)
"""What may begin or end a time of several days."""
_APPOSITION = re.compile(r"\s*,?\s*(?:the|de[mnr]|le|el)?\s*", re.IGNORECASE)
"""What stands between a day of the week and its date."""
_BARE_WEEKDAY = re.compile(rf"(?:on\s+)?{DAY}", re.IGNORECASE)
_BESIDE_THAT = re.compile(rf"({DAY}) (before|after) that", re.IGNORECASE)
"""In English what leans on a date told before: "wir feiern am Samstag davor"."""
_BY_NOW = re.compile(
    rf"today|tomorrow|yesterday|(?:next|last)\s+{DAY}"
    r"|the\s+day\s+(?:after\s+tomorrow|before\s+yesterday)",
    re.IGNORECASE,
)
"""A day that only the moment tells, which may begin a time of several days."""
_REST = re.compile(r"rest of (.+)", re.IGNORECASE)
"""From today to the end of a week, month or year, as `time_words` spells it in English."""
_FROM_NOW = re.compile(
    r"in\s+(?:(an?|one|1)|\w+)\s+(?:day|week|month|year)s?"
    r"|(\w+\s+(?:day|week|month|year)s?)\s+from\s+(?:now|today)",
    re.IGNORECASE,
)
"""How long from now, or how long something takes."""
_FAR_FROM_NOW = re.compile(
    r"in\s+(?P<count>\w+)\s+(?P<unit>week|month|year)s?"
    r"|(?P<count_>\w+)\s+(?P<unit_>week|month|year)s?\s+from\s+(?:now|today)",
    re.IGNORECASE,
)
_YEAR_FROM_NOW = re.compile(
    r"(?:last|this|next)\s+year|(?:the\s+)?year\s+(?:after\s+next|before\s+last)", re.IGNORECASE
)
_WITHOUT_YEAR = re.compile(
    rf"(?P<before>(?:(?!\d+[a-z]*\s+of\b).+\s(?:of|before|after)\s+)?)(?:(?:in|on|the)\s+)*"
    rf"(?:(?P<day>\d{{1,2}})(?:st|nd|rd|th)?\s+(?:of\s+)?)?(?P<month>{MONTH})"
    r"(?:\s+(?P<day_>\d{1,2})(?:st|nd|rd|th)?)?",
    re.IGNORECASE,
)
"""A month or a day of it, or what is counted from it, in English."""
_OF_ITS_YEAR = re.compile(r"\s*(?:,\s*)?(?:(?:of|del?|do|van|vom?)\s+)?", re.IGNORECASE)
"""What stands between a month and its year, in any language."""
_BY_ITSELF = re.compile(r"\s*(?:[.,;:!?)]|$)")
"""What follows a year that belongs to the date before its comma."""
_FULL_MONTHS = {name[:3].lower(): name for name in month_name if name}
_AMBIGUOUS_DATE = re.compile(r"(0?[1-9]|1[0-2])/(0?[1-9]|1[0-2])/((?:19|20)\d{2})")
"""A day and a month in either order, once it is read as neither."""
_WEEKEND = "the weekend"
_SENTENCE_ENDS = re.compile(r"(?<!\d)[.!?;。！？]|\n")
_CLAUSE_ENDS = re.compile(
    r"(?<!\d)[,:](?!\d)|[(){}（），、：]|\s[-–—]\s|—|\band\s(?=(?:am|is|are|will)\b)", re.IGNORECASE
)
"""What ends a clause inside a sentence; no comma of a number, no colon of a time of day."""
TO = " to "
"""Between the first and the last day of a time, as `time_words` spells it in English."""
TENSE_FACTOR, SENTENCE_TENSE_FACTOR = 6.0, 3.0
"""How much nearer a day on the other side must be than the one that the words speak for, of its own
clause or only of its sentence: "was moved to 27 November", told on the 20th, is not about last
year, nor is "she gave notice, last day 31 January", told in November (set by hand)."""
SURE_FACTOR = 1_000.0
"""The same of an argument, which says the side itself."""
_LIMITS = frozenset({"until", "till", "by", "before", "from"})
"""Sides of what is still to come, unless the clause says that it is over."""
_ENDS = frozenset({"until", "till", "by"})
BEHIND_MAX_WORDS = 2
"""Words between a date and the day of the week that ends it: "on the 6th, then until Thursday"."""
_SINCE_OR_FROM = "since or from"
"""A side that may be either: Spanish "desde", which is seldom of a day long past that is near."""
_BEGINNINGS = frozenset({"from", "since", "as of", _SINCE_OR_FROM})
_YEAR = re.compile(r"\d{4}")
_NO_DAY = re.compile(rf"\b(?:3[2-9]|[4-9]\d) {MONTH}", re.IGNORECASE)
"""It would be read as a year: "32 May"."""
_ABSOLUTE = re.compile(
    rf"\b(?:{MONTH}|{DAY}|{_SHORT_DAY}|easter)\b|\d{{4}}|\d(?:st|nd|rd|th)", re.IGNORECASE
)
"""What a note may hold as well when it is about that time."""
SENTENCE_MAX_CHARACTERS = 300
"""Characters on each side of a time that may tell whether it is over."""
SIDE_MAX_CHARACTERS = 30
"""Characters before a time in which its preposition stands."""
MONTHS_MAX_DAYS = 62
"""Days of two months: in as many every number of a day occurs."""
HAPPENED_AT = "happened_at"
"""The argument for when something happened."""
SHORT_MONTH_DAYS = 28
"""Of a period with as many an argument that says its end means all, as notes of its end do."""
MOVING_MAX_DAYS = 2
"""Most days that an answer tells of a note's relative times: with these, of times to come, answers
were 0.5 % longer on a month of a nurse's notes, with the days of all times 1.1 %."""
LAST_DAY = date.max.toordinal()
"""Days from the beginning of the year 1 to the end of 9999."""
TIMES_MAX_TEXTS = 64
"""Texts whose times are kept: those of a note that is told are asked for again by each call that
settles a candidate, a question's by each of its windows."""
NOTE_MAX_TIMES = 8
"""Most times of one note."""
TIMES_MAX_CHARACTERS = 16_000
"""Characters of a note that are read for times, up to the end of a sentence; 32 KB of single
letters took 100 ms."""
TEXT_MAX_EXPRESSIONS = 32
"""Most different time expressions of a text that are tried, of any sort: each takes up to a
millisecond."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Lean:
    """The side of now that the words around a time speak for."""

    tense: Tense = ""
    factor: float = TENSE_FACTOR
    """How much nearer a day on the other side must be to be meant."""
    own: bool = False
    """The verb of its own clause says so."""
    weekday: int | None = None
    """The day of the week beside it, 0 for Monday."""
    moved: bool = False
    """Something was moved from the first day to the last: the last is meant."""

    def takes_past(self, back: timedelta, on: timedelta) -> bool:
        """Whether the time that lies `back` is meant and not the one that is `on` from now."""
        factor = {"past": self.factor, "ahead": 1 / self.factor}.get(self.tense, 1.0)
        return back <= factor * on


_PAST, _AHEAD = (_Lean(tense=tense, own=True) for tense in ("past", "ahead"))
_SURELY: Mapping[Prefer, _Lean] = {
    "past": replace(_PAST, factor=SURE_FACTOR),
    "future": replace(_AHEAD, factor=SURE_FACTOR),
}
"""The side that an argument is on, however near a day on the other one is."""


def find_note_times(text: str, happened_at: datetime, told_at: datetime) -> tuple[Span, ...]:
    """Read the time expressions of a note.

    They are relative to when it happened; to when it was told if that makes one of them mean the
    very day it happened: "yesterday", told on the 4th of what happened on the 3rd.
    """
    happened = wall_time(happened_at)
    if wall_time(told_at).date() != happened.date():
        as_told = find_times(text, told_at)
        if any(is_relative(s.phrase) and s.start <= happened < s.end for s in as_told):
            return as_told
    return find_times(text, happened_at)


def takes_effect(text: str, told_at: datetime, about: str = "") -> datetime | None:
    """When what a text tells begins to be so, if it names a time from which: "from 1 May".

    Args:
        text: Any.
        told_at: The moment that "next week" is relative to.
        about: Of several such times the first of the clauses with most words of this text counts.
    """
    begins = [
        (_begins(text, told, period), _clause(text, told))
        for told, period in _told(text, wall_time(told_at))
        if TO not in told.english and _side(text, told) in _BEGINNINGS
    ]
    return _first_about(begins, about)


def _first_about(moments: Sequence[tuple[datetime, str]], about: str) -> datetime | None:
    """The first of some moments, each with its clause, of those that are most about a text."""
    words = {*terms(about)}
    shared = [len(words.intersection(terms(clause))) for _, clause in moments]
    most = max(shared, default=0)
    meant = (at for (at, _), count in zip(moments, shared, strict=True) if count == most)
    return min(meant, default=None)


def changes_on(text: str, told_at: datetime, about: str = "") -> datetime | None:
    """The first day on which a text lets something become otherwise, if it names one.

    "Nina starts at Siemens on 1 January", and neither "the course starts on 1 January", which tells
    its day alone, nor "it was moved to 1 January", which is so already.

    Args:
        text: Any.
        told_at: The moment that "next week" is relative to.
        about: As of `takes_effect`.
    """
    changes = [
        (_begins(text, told, period), _clause(text, told))
        for told, period in _told(text, wall_time(told_at))
        if TO not in told.english
        and not _side(text, told)
        and becomes_otherwise(text, _clause(text, told), told.language)
    ]
    return _first_about(changes, about)


def _begins(text: str, told: SpelledTime, period: Period) -> datetime:
    """When that begins which begins in a period: on its last day, if its end is meant."""
    last_day = period.end - timedelta(days=1)
    return max(last_day, period.start) if means_end(text, told) else period.start


def names_time_after(text: str, told_at: datetime, now: datetime) -> bool:
    """Whether a text names a time after a moment, other than the end of something.

    `told_at` is the moment that "next week" is relative to.
    """
    return any(
        period.start > now and _side(text, told) not in _ENDS
        for told, period in _told(text, wall_time(told_at))
    )


def is_relative(phrase: str) -> bool:
    """Whether a phrase names no year, so that it means another time when it is said later."""
    return not _YEAR.search(phrase)


def relative_days(times: Sequence[Span]) -> dict[str, str]:
    """The phrases without a year, with their days: several of a list ("5 and 7 December").

    A day is an ISO 8601 date, a period its first and its last day with "/" between.
    """
    days = dict[str, list[str]]()
    for span in times:
        if is_relative(span.phrase):
            days.setdefault(span.phrase, []).append(_days(span))
    return {phrase: ", ".join(dict.fromkeys(of)) for phrase, of in days.items()}


def moving_days(note: Note) -> tuple[str, ...]:
    """Dates of a note's relative times to come, each once: at most `MOVING_MAX_DAYS`.

    Of "next Friday" and "the 19th", but not of "27 November", nor where the text has the date, too.
    """
    told = [span for span in note.times if not is_relative(span.phrase) or names_month(span.phrase)]
    given, told_on = {_days(span) for span in told}, wall_time(note.happened_at).date()
    coming = (s for s in note.times if s not in told and s.start.date() > told_on)
    days = dict.fromkeys(day for day in map(_days, coming) if day not in given)
    return tuple(islice(days, MOVING_MAX_DAYS))


def _days(span: Span) -> str:
    first, last = span.start.date(), max(span.start, span.end - TICK).date()
    return first.isoformat() if first == last else f"{first.isoformat()}/{last.isoformat()}"


def find_times(text: str, happened_at: datetime) -> tuple[Span, ...]:
    """Read the time expressions of a text, in order, each once.

    "27 to 30 November" is one time. A day or month without its year, and a day of the week, is in
    the past if its sentence is; else a date is the nearest one, a day of the week the next one.

    "Yesterday" is relative to `happened_at`, by the clock on the wall.
    """
    return tuple(
        Span(start=period.start, end=period.end, phrase=told.phrase)
        for told, period in _told(text, wall_time(happened_at))
    )


@keep_last(TIMES_MAX_TEXTS)
def _told(
    text: str, moment: datetime, *, asked: bool = False
) -> tuple[tuple[SpelledTime, Period], ...]:
    """The time expressions of a note or of a question with their periods, each once."""
    found, tried = list[tuple[SpelledTime, Period]](), set[str]()
    if len(text) > TIMES_MAX_CHARACTERS:
        ends = (text.rfind(end, 0, TIMES_MAX_CHARACTERS) for end in (". ", "。", "\n"))
        text = text[: max(*ends, 0) or TIMES_MAX_CHARACTERS]
    for told in _expressions(text, asked=asked):
        if told.phrase.lower() in tried or _NO_DAY.search(told.english):
            continue
        tried.add(told.phrase.lower())
        first, *others = told.english.split(AND)
        if beside := _BESIDE_THAT.fullmatch(told.english):
            period = _beside_that(beside, found)
        else:
            period = _after_date(text, told, found) or _read(
                first, moment, side=_side(text, told), lean=_lean(text, told)
            )
        if period and not _REST.fullmatch(told.english):
            period = within_month(period, month_part(text, told))
        if period:
            rest = (resolve(day, period.start, prefer="future") for day in others)
            found += [(told, one) for one in (period, *rest) if one]
        if len(found) >= NOTE_MAX_TIMES or len(tried) == TEXT_MAX_EXPRESSIONS:
            break
    return tuple(found[:NOTE_MAX_TIMES])


def _lean(text: str, told: SpelledTime) -> _Lean:
    """The side that the clause of a time speaks for; else its limit, else its sentence."""
    start, end = told.at, told.at + len(told.phrase)
    if TO in told.english and is_moved(_sentence(text, start, end), told):
        return _Lean(moved=True)
    before, after = text[max(0, start - SIDE_MAX_CHARACTERS) : start], text[end:]
    weekday = weekday_beside(before, told.phrase, after[:SIDE_MAX_CHARACTERS], told.language)
    if tense := tense_of(_clause(text, told), told.language, clause=True):
        return _Lean(tense=tense, own=True, weekday=weekday)
    if _side(text, told) in _LIMITS:
        return _Lean(tense="ahead", weekday=weekday)
    if _side(text, told) == _SINCE_OR_FROM:
        return _Lean(tense="past", weekday=weekday)
    tense = tense_of(_sentence(text, start, end), told.language)
    return _Lean(tense=tense, factor=SENTENCE_TENSE_FACTOR, weekday=weekday)


def _beside_that(
    beside: re.Match[str], found: Sequence[tuple[SpelledTime, Period]]
) -> Period | None:
    """The day of the week before or after the last date that was told; None if none was."""
    if not found:
        return None
    (_, that), number = found[-1], DAY_NUMBERS[beside[1].lower()]
    if beside[2].lower() == "before":
        at = that.start - timedelta(days=(that.start.weekday() - number - 1) % 7 + 1)
    else:
        last = that.end - TICK
        at = last + timedelta(days=(number - last.weekday() - 1) % 7 + 1)
    return resolve(iso_day(at), that.start)


def _after_date(
    text: str, told: SpelledTime, found: Sequence[tuple[SpelledTime, Period]]
) -> Period | None:
    """The day that is meant behind a date of the same sentence, if it leans on that.

    Behind "6 March", "until the 15th" is of that month and "until Thursday", right behind it, of
    that week; "by Thursday" is a deadline of its own.
    """
    if not found:
        return None
    date, period = found[-1]
    opening, _ = _span(text, told.at, told.at + len(told.phrase))
    if date.at < opening or not _ONE_DAY.search(date.english):
        return None
    if (match := _ORDINAL.fullmatch(told.english)) and not match[1]:
        later = f"{iso_day(period.start)[:-2]}{int(match[2]):02}"
        return resolve(later, period.start) if int(match[2]) > period.start.day else None
    between = text[date.at + len(date.phrase) : told.at].split()
    ends = len(between) <= BEHIND_MAX_WORDS and _side(text, told) in _ENDS - {"by"}
    if ends and _BARE_WEEKDAY.fullmatch(told.english):
        return resolve(told.english, period.start, prefer="future")
    return None


def read_time(
    name: str, text: str | None, now: datetime, *, prefer: Prefer = "past"
) -> Period | None:
    """Read a time argument; None when it is absent.

    Raises:
        InvalidArgumentError: It cannot be read.
    """
    if text is None or not text.strip():
        return None
    period = resolve_dotted(text.strip(), now) or resolve(text, now, prefer=prefer)
    told = _spell_alone(text)
    if told:
        if is_part_of_year(text, told):
            raise InvalidArgumentError(
                name,
                f"{text[:80]!r} is a part of a year, whose months are not the same everywhere",
                "Pass its first or last month or day in ISO 8601, such as '2026-09'.",
            )
        period = _day_from_now(told, now) or period or _read_alone(told, now, prefer=prefer)
        period = period and _part_meant(text, told, period, name)
    if period is None:
        if parts := _AMBIGUOUS_DATE.fullmatch(text.strip()):
            day, month, year = (int(part) for part in parts.groups())
            raise InvalidArgumentError(
                name,
                f"{text[:80]!r} may be two days",
                f"Pass '{year}-{month:02}-{day:02}' or '{year}-{day:02}-{month:02}'.",
            )
        if odd := _clock_error(text):
            remedy = f"Pass {iso(odd.meant)!r} if that is meant."
            raise InvalidArgumentError(name, f"{text[:80]!r} {odd}", remedy)
        raise InvalidArgumentError(
            name,
            f"{text[:80]!r} is not a time Zettel can read",
            "Pass ISO 8601 ('2026-05-03', '2026-05-03T14:00Z'), a year or month, or words like"
            " 'yesterday' or 'last week', in English, German, Dutch, French, Spanish,"
            " Portuguese, Italian, Chinese or Japanese, and nothing else.",
        )
    return period


def read_happened_at(text: str | None, now: datetime) -> Period | None:
    """Read when something happened: the last "Friday", "3 May" or "March" before `now`.

    The next one if it is more than `TENSE_FACTOR` times as near, since a plan is told with the day
    that it is for: "May 30", told on the 21st. Days are those of the clock on the wall.

    Raises:
        InvalidArgumentError: It cannot be read.
    """
    return _day_of_wall(lambda at: _happened(text, at), text, now)


def read_end(text: str | None, now: datetime) -> Period | None:
    """Read until when something is so: the next "Friday", "3 May" or "March".

    Days are those of the clock on the wall, or of UTC where that one is over: they end as in UTC,
    in which the evening of San Francisco is of the next day.

    Raises:
        InvalidArgumentError: It cannot be read.
    """

    def read(at: datetime) -> Period | None:
        return read_time("valid_until", text, at, prefer="future")

    day = _day_of_wall(read, text, now)
    return read(now) if day and day.start < day.end and day.last <= now else day


_OF_A_DAY = re.compile(r"\b(?:\w*days?|tomorrow|tonight)\b", re.IGNORECASE)


def _day_of_wall(
    read: Callable[[datetime], Period | None], text: str | None, now: datetime
) -> Period | None:
    """What is read at the time of the clock on the wall; a moment without a day at that of UTC.

    "Yesterday at 3pm" has the day that "yesterday" has; "in an hour" and "2pm" have none.
    """
    day = read(wall_time(now))
    of_a_day = day is None or day.start < day.end or _OF_A_DAY.search(text or "")
    return day if of_a_day else read(now)


def _happened(text: str | None, now: datetime) -> Period | None:
    past, ahead = (read_time(HAPPENED_AT, text, now, prefer=p) for p in ("past", "future"))
    if past is None or ahead is None or past == ahead:
        return past
    return past if _PAST.takes_past(now - past.start, ahead.start - now) else ahead


def _clock_error(text: str) -> ClockError | None:
    """What is wrong with a time that is one but for its hour or its second."""
    try:
        read_iso(text.strip())
    except ClockError as error:
        return error
    except (ValueError, OverflowError):
        return None
    return None


def _spell_alone(text: str) -> SpelledTime | None:
    """The time that is all of a text, in any language: "letzte Woche"; None if it is not one."""
    text = " ".join(text[: 4 * TIME_MAX_CHARACTERS].split())
    if len(text) > TIME_MAX_CHARACTERS:
        return None
    spelled = _expressions(text, asked=True, alone=True)
    told = next((one for one in spelled if _is_all(text, one)), None)
    return None if told is None or AND in told.english or _NO_DAY.search(told.english) else told


def _day_from_now(told: SpelledTime, now: datetime) -> Period | None:
    """The day that an argument names by how far it is from now: "in 2 weeks", "in a year"."""
    match = _FAR_FROM_NOW.fullmatch(told.english)
    if match is None:
        return None
    return day_from(now, match["count"] or match["count_"], match["unit"] or match["unit_"])


def _part_meant(text: str, told: SpelledTime, period: Period, name: str) -> Period:
    """The beginning or the middle of a month, or the last day, that an argument means."""
    before = text.strip()[: told.at]
    short = period.end - period.start < timedelta(days=SHORT_MONTH_DAYS) and before.strip()
    # An event has one moment, which is not the first of a month at whose end it was.
    if (short or name == HAPPENED_AT) and means_end(text.strip(), told):
        return Period(max(period.start, period.end - timedelta(days=1)), period.end)
    part = month_part(text, told)
    return period if part == "late" else within_month(period, part)


def _read_alone(told: SpelledTime, now: datetime, *, prefer: Prefer) -> Period | None:
    """The period of a text that is one time and nothing else.

    "Gestern" is relative to `now`; `prefer` says which "Freitag" or "März" is meant.
    """
    english, lean = told.english, _SURELY[prefer]
    if TO in english or _REST.fullmatch(english) or _ORDINAL.fullmatch(english):
        return _read(english, now, side="", lean=lean)
    if (takes := _FROM_NOW.fullmatch(english)) and takes[2]:
        english = f"in {takes[2]}"
    last = resolve(english, now)
    lasts = last is not None and last.end > now  # "fin novembre", in November
    return last if lasts or prefer == "past" else resolve(english, now, prefer=prefer)


def _is_all(text: str, told: SpelledTime) -> bool:
    """Whether a text is a time, but for its preposition and the day of the week beside it."""
    before = f" {text[: told.at]}".lower()
    behind = text[told.at + len(told.phrase) :].strip(" .。")
    opener = openers(told.language)
    before = before[opening.end() - 1 :] if (opening := opener.match(before)) else before
    weekday = re.compile(
        rf"\s*[(（]?(?:{days_of(told.language)})(?:曜日?)?[)）]?[.,]?\s*(?:{opener.pattern})?",
        re.IGNORECASE,
    )
    opened = (weekday, *(side for side, _, _ in sides_of(told.language)))
    ended = (weekday, *(side for side, _ in sides_behind(told.language)))
    opens = not before.strip() or any(word.fullmatch(before) for word in opened)
    opens = opens or (opens_end(told.language).fullmatch(before.strip()) is not None)
    return opens and (not behind or any(word.fullmatch(behind) for word in ended))


def _expressions(text: str, *, asked: bool, alone: bool = False) -> list[SpelledTime]:
    """The time expressions of a text by their places; of overlapping ones the first, longest."""
    english = (
        SpelledTime(m.start(), m.group(), _HEDGE.sub(_drop_hedge, m.group()), ENGLISH)
        for m in islice(_EXPRESSION.finditer(text), TEXT_MAX_MATCHES * 4)
    )
    found = list[SpelledTime]()
    spelled = (*english, *find_spelled_times(text, asked=asked, alone=alone))
    for told in sorted(spelled, key=lambda time: (time.at, -len(time.phrase))):
        end = found[-1].at + len(found[-1].phrase) if found else 0
        if told.at < end:
            continue
        if found and (dated := _of_its_year(text, found[-1], told)):
            found[-1] = dated
        elif found and (joined := _joined(text, found[-1], told)):
            found[-1] = joined
        elif found and _is_its_weekday(text, found[-1], told):
            found[-1] = told
        elif found and _is_its_weekday(text, told, found[-1]):
            continue
        else:
            found.append(told)
    return found


def _of_its_year(text: str, first: SpelledTime, last: SpelledTime) -> SpelledTime | None:
    """The date of the year that is named beside it: "December" of "next year", either way round.

    None if that is not what is said.
    """
    year = _YEAR_FROM_NOW.fullmatch(last.english) or _YEAR_FROM_NOW.fullmatch(first.english)
    if year is None:
        return None
    ahead = year.string == first.english
    date = last if ahead else first
    if not (_names_year_before if ahead else _names_year_behind)(text, first, last):
        return None
    english = _with_year(date.english, " ".join(year.group().lower().split()).removeprefix("the "))
    if english is None:
        return None
    if ahead and _side(text, date):
        return replace(date, english=english)
    return replace(date, at=first.at, phrase=text[first.at : _end(last)], english=english)


def _names_year_behind(text: str, date: SpelledTime, year: SpelledTime) -> bool:
    """Whether a year is that of the date before it: "24 December" of "last year"."""
    between, behind = text[_end(date) : year.at], text[_end(year) :]
    if _OF_ITS_YEAR.fullmatch(between) is None or behind[:1] in ("'", "’"):  # "last year's winner"
        return False
    return "," not in between or _BY_ITSELF.match(behind) is not None


def _names_year_before(text: str, year: SpelledTime, date: SpelledTime) -> bool:
    """Whether a year is that of the date behind it; past a comma only where it opens a sentence."""
    between = text[_end(year) : date.at]
    opening, _ = _span(text, year.at, _end(year))
    if not text[opening : year.at].strip():
        between = between.removeprefix(",")
    return between.isspace() or openers(date.language).fullmatch(between) is not None


def _with_year(english: str, year: str) -> str | None:
    """A date in English with "last year" or another; None if it names its year or no month.

    Of the days of a list the first one takes it, of a first and a last day the last one.
    """
    head, to, last = english.rpartition(TO)
    first, *others = last.split(AND)
    match = _WITHOUT_YEAR.fullmatch(first)
    if match is None:
        return None
    day, month = match["day"] or match["day_"] or "", _FULL_MONTHS[match["month"][:3].lower()]
    dated = " ".join(f"{match['before']}{day} {month} of {year}".split())
    return f"{head}{to}{AND.join((dated, *others))}"


def _end(told: SpelledTime) -> int:
    return told.at + len(told.phrase)


def _joined(text: str, first: SpelledTime, last: SpelledTime) -> SpelledTime | None:
    """The time from one day to another; None if that is not what is said."""
    if TO in first.english or TO in last.english or not _ONE_DAY.search(last.english):
        return None
    end = first.at + len(first.phrase)
    if _BY_NOW.fullmatch(first.english):
        joins = _joins_within(text, end, last)
    else:
        between = text[end : last.at]
        joins = _ONE_DAY.search(first.english) and joiners().fullmatch(between)
    if not joins:
        return None
    phrase = text[first.at : last.at + len(last.phrase)]
    return replace(first, phrase=phrase, english=f"{first.english}{TO}{last.english}")


def _joins_within(text: str, end: int, last: SpelledTime) -> bool:
    """Whether a word that joins two days stands behind the first, maybe as a part of the last."""
    joiner = joiners().match(text, end)
    if joiner is None or joiner.end() < last.at:
        return False
    return joiner.end() == last.at or text[joiner.end() - 1].isspace()


def _is_its_weekday(text: str, day: SpelledTime, date: SpelledTime) -> bool:
    """Whether a day of the week only names the date beside it: "on Friday, 27 November"."""
    if not _is_weekday(day.english):
        return False
    if day.at < date.at:
        between = text[day.at + len(day.phrase) : date.at]
        return not _is_weekday(date.english) and _APPOSITION.fullmatch(between) is not None
    named = _ONE_DAY.search(date.english) or _BY_NOW.match(date.english)
    between = text[date.at + len(date.phrase) : day.at]
    known = _WEEKDAY.search(date.english) or TO in date.english
    return bool(named and not known) and between.strip() in ("", ",", "，", "(", "（")


def _is_weekday(english: str) -> bool:
    """Whether a day of the week is all that an expression names."""
    digits = any(character.isdigit() for character in english)
    by_itself = not (digits or _BESIDE_THAT.fullmatch(english))
    return by_itself and bool(_WEEKDAY.search(english))


def _sentence(text: str, start: int, end: int) -> str:
    """The sentence around a place."""
    opening, closing = _span(text, start, end)
    return text[opening:closing]


def _clause(text: str, told: SpelledTime) -> str:
    """The clause of a time."""
    opening, closing = _span(text, told.at, told.at + len(told.phrase), _CLAUSE_ENDS)
    return text[opening:closing]


def _span(
    text: str, start: int, end: int, clause_ends: re.Pattern[str] | None = None
) -> tuple[int, int]:
    """The first and last place of the sentence, or of the clause, around a place."""
    first, last = max(0, start - SENTENCE_MAX_CHARACTERS), end + SENTENCE_MAX_CHARACTERS
    for ends in filter(None, (_SENTENCE_ENDS, clause_ends)):
        before = [match.end() for match in ends.finditer(text, first, start)]
        first = before[-1] if before else first
        stop = ends.search(text, end, last)
        last = stop.start() if stop else last
    return first, last


def _read(english: str, moment: datetime, *, side: str, lean: _Lean) -> Period | None:
    """The period of an expression in English, behind a preposition."""
    first, to, last = english.partition(TO)
    if to:
        return _from_to(first, last, moment, lean)
    if side == "since":  # what began is over, whatever else the sentence tells
        return _last_of(english, moment)
    tense = lean.tense
    if rest := _REST.fullmatch(english):
        whole, today = _on_its_side(rest[1], moment, lean), resolve("today", moment)
        inside = whole and today and tense != "past" and today.start < whole.end
        return Period(today.start, whole.end) if whole and today and inside else whole
    if takes := _FROM_NOW.fullmatch(english):
        if tense == "past" or (takes[1] and tense != "ahead"):
            return None  # "we built it in two weeks", "how often in a week"
        english = f"in {takes[2]}" if takes[2] else english
    return _on_its_side(english, moment, lean)


def _from_to(first: str, last: str, moment: datetime, lean: _Lean) -> Period | None:
    """The period from one day to another: the last one of the first day's kind before the end."""
    lean = replace(lean, weekday=None)  # of the first day, maybe
    if _BY_NOW.fullmatch(first) and (day := resolve(first, moment)):
        own = _BY_NOW.fullmatch(last)  # "next Thursday" is not the one after next Wednesday
        until = _on_its_side(last, moment if own else day.start, _AHEAD)
        return Period(day.start, until.end) if until and until.start > day.start else day
    ends = _on_its_side(last, moment, lean)
    if ends is None or lean.moved:
        return ends
    begins = _last_of(first, moment if " year" in first else ends.start)
    if "week" in first and (begins := _on_its_side(first, moment, lean)):
        ends = _on_its_side(last, begins.start, _AHEAD) or ends  # "Monday of next week to Friday"
    if begins is None or begins.start > ends.start:
        return ends
    return Period(begins.start, ends.end)


def _last_of(english: str, moment: datetime) -> Period | None:
    """The last period of an expression's kind before a moment."""
    if _ORDINAL.fullmatch(english):
        return _on_its_side(english, moment, _PAST)
    return resolve(english, moment)


def _on_its_side(english: str, moment: datetime, lean: _Lean) -> Period | None:
    """The period of an expression that may mean a time before or after the moment."""
    if match := _ORDINAL.fullmatch(english):
        weekday = DAY_NUMBERS[match[1].lower()] if match[1] else None
        return _day_of_month(int(match[2]), moment, lean, weekday)
    past = resolve(english, moment)
    if past is None or not is_relative(english):
        return past
    ahead = resolve(english, moment, prefer="future")
    if ahead is None or past == ahead:
        return past
    if _is_weekday(english) or english == _WEEKEND:
        return past if lean.tense == "past" else ahead
    days = past.end - past.start
    if days > timedelta(days=1) and lean.own:  # a month
        return ahead if lean.tense == "ahead" and past.end <= moment else past
    if days == timedelta(days=1) and (fits := _on_its_weekday(english, past, ahead, moment, lean)):
        return fits
    return past if lean.takes_past(moment - past.start, ahead.start - moment) else ahead


def _on_its_weekday(
    english: str, past: Period, ahead: Period, moment: datetime, lean: _Lean
) -> Period | None:
    """The one of a date's days that is on the day of the week beside it: "Sunday 10 May".

    The last and the next one, but the last one only if that is not much farther or the words speak
    of the past; else that of the next year. Where none fits, the day of the week is a slip.
    """
    if lean.weekday is None:
        return None
    back, on = moment - past.start, ahead.start - moment
    near = [ahead]
    if lean.tense == "past" or (not lean.tense and back <= TENSE_FACTOR * on):
        near.append(past)
    elif (
        one := resolve(english, ahead.end, prefer="future")
    ) and one.start.year == moment.year + 1:
        near.append(one)
    fits = [one for one in near if one.start.weekday() == lean.weekday]
    return fits[0] if len(fits) == 1 else None


def _day_of_month(day: int, moment: datetime, lean: _Lean, weekday: int | None) -> Period | None:
    """The last or next day of this number; `moment`'s own day is the next one.

    The next one, unless the words speak of the past and that is not far less near. On a day of the
    week it is the nearest one that is both, on the side that the tense tells if there is one; a day
    of the week that fits no such day is a slip, and the number counts.
    """
    today = moment.astimezone(UTC).date().toordinal()
    first, last = max(1, today - MONTHS_MAX_DAYS), min(LAST_DAY, today + MONTHS_MAX_DAYS)
    numbered = [one for at in range(first, last + 1) if (one := date.fromordinal(at)).day == day]
    fits = [one for one in numbered if one.weekday() == weekday]
    told = [one for one in fits if lean.tense and _is_on_side(one, today, lean.tense)]
    if near := told or fits:
        nearest = min(near, key=lambda one: abs(one.toordinal() - today))
        return resolve(nearest.isoformat(), moment)
    back = max((one for one in numbered if _is_on_side(one, today, "past")), default=None)
    on = min((one for one in numbered if _is_on_side(one, today, "ahead")), default=None)
    if back and on and lean.tense == "past":
        apart = timedelta(days=today - back.toordinal()), timedelta(days=on.toordinal() - today)
        on = back if lean.takes_past(*apart) else on
    meant = on or back
    return resolve(meant.isoformat(), moment) if meant else None


def _is_on_side(day: date, today: int, tense: Tense) -> bool:
    """Whether a day is on the side of today, an ordinal number, that a tense speaks of."""
    return day.toordinal() <= today if tense == "past" else day.toordinal() >= today


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
    language: str = ENGLISH
    bare: bool = False
    """Only the preposition makes it a time."""


def find_windows(text: str, now: datetime) -> tuple[tuple[Window, ...], tuple[str, ...]]:
    """Read the times that a question names.

    `now` is by the clock on the wall.

    Returns:
        The windows, and the phrases that name them, without a preposition: "September".
    """
    named = sorted(_named(text, now), key=lambda time: time.at)
    phrases, found = tuple(map(_without_opener, named)), list[Window]()
    while named:
        first = named.pop(0)
        if first.side in _OPENING and named and named[0].side in _CLOSING:
            found.append(_between(first, named.pop(0)))
        elif not (first.bare and first.side in _JOINING):  # "John and May"
            found.append(_reach(text, first, now))
    return (*found, *_counted(text, now)), phrases


def starts_with_time(text: str, now: datetime) -> bool:
    """Whether the text after "before" or "since" is a time and not an event."""
    told = f"{_SINCE}{text}"
    return any(time.at <= len(_SINCE) for time in _named(told, now))


def without_times(text: str, now: datetime) -> str:
    """The question without the times it names."""
    for told, _ in _told(text, now, asked=True):
        text = text.replace(told.phrase, " ")
    return _LAST.sub(" ", _BARE.sub(" ", text))


def without_relative_times(text: str, now: datetime) -> str:
    """The question without the times that are relative to now ("yesterday", "last week").

    They are times alone: a note that holds the word means another day.
    """
    for told, _ in _told(text, now, asked=True):
        if not _ABSOLUTE.search(told.english):
            text = text.replace(told.phrase, " ")
    return " ".join(_LAST.sub(" ", text).split())


def _named(text: str, now: datetime) -> list[_Named]:
    spelled = list(_spelled(text, now))
    return [*spelled, *_bare(text, now, beside=spelled)]


def _spelled(text: str, now: datetime) -> Iterator[_Named]:
    """Times that need no preposition."""
    for told, period in _told(text, now, asked=True):
        whole = TO in told.english or _REST.match(told.english)
        side = "" if whole else _side(text, told)
        yield _Named(
            at=told.at, side=side, phrase=told.phrase, period=period, language=told.language
        )


def _without_opener(time: _Named) -> str:
    """A time without its preposition, which a note need not hold: "im September"."""
    opening = openers(time.language).match(time.phrase)
    return time.phrase[opening.end() :] if opening else time.phrase


def _side(text: str, told: SpelledTime) -> str:
    """The preposition of a time, in English."""
    before = text[max(0, told.at - SIDE_MAX_CHARACTERS) : told.at]
    if side := _SIDE_WITHIN.match(told.phrase) or _SIDE_BEFORE.search(before):
        return side.group(1).lower()
    said, phrase, end = f" {before}".lower(), told.phrase.lower(), told.at + len(told.phrase)
    # "Vor drei Tagen" and "avant-hier" have the word for "before" in them.
    ago = told.english.endswith((" ago", "day before yesterday", " few days", " few weeks"))
    for ahead, within, side in sides_of(told.language):
        if ahead.search(said) or (within.match(phrase) and not ago):
            return side
    behind = text[end : end + SIDE_MAX_CHARACTERS]
    return next((side for word, side in sides_behind(told.language) if word.match(behind)), "")


def _bare(text: str, now: datetime, beside: Sequence[_Named]) -> Iterator[_Named]:
    """Months, days of the week and years after a preposition."""
    for match in islice(_BARE.finditer(text), TEXT_MAX_EXPRESSIONS):
        side, phrase = match.groups()
        lean = _Lean(tense=tense_of(_sentence(text, *match.span()), ENGLISH), own=True)
        told = _is_weekday(phrase) or lean.tense or side.lower() == "before"
        period = _read(phrase, now, side=side.lower(), lean=lean) if told else resolve(phrase, now)
        known = any(
            told.at < match.end() and match.start() < told.at + len(told.phrase) for told in beside
        )
        if period and phrase != "may" and not known:  # lower-case "may" is a verb
            side = side.lower()
            yield _Named(at=match.start(), side=side, phrase=phrase, period=period, bare=True)


def _between(first: _Named, last: _Named) -> Window:
    start, end = first.period.start, last.period.end
    if start >= end and _is_weekday(last.phrase):
        ends = resolve(last.phrase, start, prefer="future")
        end = ends.end if ends else end
    elif start >= end:  # "from March to May 2025" is of one year
        year = resolve(f"{first.phrase} {end.year}", end)
        start = year.start if year else start
    return start.timestamp(), end.timestamp()


def _reach(text: str, time: _Named, now: datetime) -> Window:
    """What a time in a question spans with its preposition.

    What is to be done "by 6 November", asked on the 2nd, is not all that was before.
    """
    start, end = time.period.start.timestamp(), time.period.end.timestamp()
    over = tense_of(_sentence(text, time.at, time.at + len(time.phrase)), time.language) == "past"
    first = EARLIEST_S if over or time.period.start <= now else now.timestamp()
    match time.side:
        case "since" | "from" | "since or from":
            return start, LATEST_S
        case "after":
            return end, LATEST_S
        case "before":
            return first, start
        case "until" | "till" | "by":
            return first, end
        case _:
            return start, end


def _counted(text: str, now: datetime) -> Iterator[Window]:
    """The last N days, weeks, months or years, today included."""
    for match in islice(_LAST.finditer(text), TEXT_MAX_EXPRESSIONS):
        if since := resolve(f"{match[1]} {match[2]}s ago", now):
            yield since.start.timestamp(), LATEST_S
