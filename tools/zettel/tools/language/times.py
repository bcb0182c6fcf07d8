"""Times in ISO 8601 or in English words, resolved to a period in UTC."""

import re
from calendar import day_name, month_name
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Literal

from dateparser.date import DateDataParser
from dateutil.easter import easter

_YEAR = re.compile(r"\d{4}")
_MONTH = re.compile(r"(\d{4})-(\d{2})")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}|\d{8}|\d{4}-?W\d{2}-\d")
_HOUR_24 = re.compile(r"(?<=\d[Tt ])24(?=\D|\d\d|$)")
_SECOND_60 = re.compile(r"(?:(?<=[Tt ]\d\d:\d\d:)|(?<=[Tt ]\d{4}))60(?:[.,]\d{1,9})?")
_WEEK = re.compile(r"(\d{4})-?W(\d{2})")
_WEEK_NUMBER = re.compile(r"week (\d{1,2})(?: (\d{4}))?", re.IGNORECASE)
_UNIT_AT = re.compile(
    r"(last|past|previous|this|next) (week|weekend)"
    r"|(week|weekend|month|year) (after next|before last)",
    re.IGNORECASE,
)
_DAY_AT = re.compile(
    r"(\w+day) of (?:the )?((?:last|this|next) week|week (?:after next|before last))",
    re.IGNORECASE,
)
_PLACES = {
    "last": -1,
    "past": -1,
    "previous": -1,
    "this": 0,
    "next": 1,
    "after next": 2,
    "before last": -2,
}
_SEVERAL = re.compile(r"(next|last) (\w+|couple of) (day|week|month|year)s", re.IGNORECASE)
_UNIT_DAYS = {"day": 1, "week": 7, "month": 31, "year": 366}
FEW = 5
"""Days, weeks or months of "the next few" (set by hand)."""
_COUNTS = {"couple of": 2, "few": FEW} | {
    word: number
    for number, word in enumerate(
        "one two three four five six seven eight nine ten eleven twelve".split(), start=1
    )
}
_OF_MONTH = re.compile(r"(first|second|third|fourth|last) (week|half) of (.+)", re.IGNORECASE)
_WEEK_OF = re.compile(r"week of (.+)", re.IGNORECASE)
_NTH_WEEKDAY = re.compile(
    r"(first|second|third|fourth|last) (\w+day|weekend) of (.+)", re.IGNORECASE
)
_WEEKDAYS_AGO = re.compile(r"(\w+) (\w+day)s ago", re.IGNORECASE)
_NEXT_DAY = re.compile(r"next (\w+day)", re.IGNORECASE)
_QUARTER = re.compile(r"Q([1-4])|(last|this|next) quarter", re.IGNORECASE)
_WEEKS_FROM = re.compile(r"(\w+) weeks? from (\w+day)", re.IGNORECASE)
_NTH = ("first", "second", "third", "fourth")
_DAYS_FROM = re.compile(
    r"(?:(?P<count>\w+) (?P<unit>day|week)s?|(?P<weekday>\w+day))"
    r" (?P<side>before|after) (?P<day>.+)",
    re.IGNORECASE,
)
_EASTER = re.compile(r"easter(?: (\d{4}))?", re.IGNORECASE)
_OF_YEAR = re.compile(
    r"(?:(\d{1,2}) )?([a-z]{3,9}) of (?:(last|this|next) year|year (after next|before last))",
    re.IGNORECASE,
)
_AFTER_NEXT = re.compile(r"(\w+day) after next", re.IGNORECASE)
HALF_LAST_DAY = 15
"""The last day of the first half of a month."""
MIDDLE_FIRST_DAY, MIDDLE_LAST_DAY = 11, 20
"""Of "the middle of June"; it reaches into both halves."""
WEEK_53_MAX_YEARS = 7
"""Most years between two with a week 53 (ISO 8601)."""
_PART = re.compile(r"(?:(\d{4})[- ]?([QH])([1-4])|([QH])([1-4])[- ]?(\d{4}))", re.IGNORECASE)
"""A quarter or half of a year, written either way round."""
_DOTTED = re.compile(
    r"(\d{1,2})\. ?(\d{1,2})\. ?((?:19|20)\d{2}|\d{2})(?:(?:,? |T)(\d{1,2}):(\d{2}))?"
)
"""A date with full stops, where the day comes first everywhere."""
CENTURY = 100
SHORT_YEAR_MAX_AHEAD = 20
"""Years that a year of two digits may be ahead: else it is one of the last century."""
_UNCLEAR = re.compile(
    r"\d{1,2}(?:st|nd|rd|th)?|(\d{1,2})[/.](\d{1,2})(?:[/.]\d{2,4})?", re.IGNORECASE
)
"""A day without its month, or an ambiguous pair of day and month."""
_NAMED_MONTH = re.compile(r"(last|past|this|next) ([a-z]{3,9})", re.IGNORECASE)
_NUMBER_WORD = (
    "one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|(?:thir|four|fif|six|seven|eigh"
    "|nine)teen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety|hundred"
)
_AMOUNT = (
    r"(?:(?:about|around|roughly|just|only) )?(?:\d{1,3} (?=[a-z])|(?:\d[\d.,]*|an?|half an?|a few"
    rf"|a couple(?: of)?|several|(?:{_NUMBER_WORD})(?:[ -](?:{_NUMBER_WORD}))*) ?"
    r"(?:s|secs?|seconds?|min|mins|minutes?|h|hrs?|hours?|d|days?|w|wks?|weeks?|fortnights?|months?"
    r"|y|yrs?|years?|decades?)\b)"
)
_LEADING = re.compile(
    rf"^(?:(?:on|at|during|since|until|by|from|of|the|in(?!\s+{_AMOUNT}))\s+)+", re.IGNORECASE
)
"""Words before a time that do not change it; "in three days" and "in 2h" need their "in"."""
_DECADE = re.compile(r"((?:19|20)\d)0['’]?s", re.IGNORECASE)
_NO_TIME = re.compile(
    r"['’]?\d0['’]?s|(?:this|last|next|past) (?:decade|century)|.*\bcentur(?:y|ies)\b.*"
    r"|\d{1,2}\. ?\d{1,2}\.(?: .*)?|.*day(?: [a-z]+)?,?(?: at)? \d{1,2}"
    r"|.*day,? the \d{1,2}(?:st|nd|rd|th)|(?:à )?\d{1,2} ?h|h[12]"
    r"|[a-z]{3,9}\.? ['’]\d\d",
    re.IGNORECASE,
)
"""What dateparser reads as another time: "the 80s" as seconds, the German "3.12." as 03:12,
"Friday at 8" as August."""
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
DAY_NUMBERS = {name.lower(): number for number, name in enumerate(day_name)}
MONTH_NUMBERS = {name.lower(): number for number, name in enumerate(month_name) if name}

_RECKONED = re.compile(r"\b(?:ago|in|now)\b", re.IGNORECASE)
_OF_DAYS = re.compile(
    r"(?:(?:\d{1,2}(?:st|nd|rd|th)?|\d{4}|(?:mon|tues|wednes|thurs|fri|satur|sun|to|yester)day"
    r"|(?:jan|febr)uary|march|april|may|june|july|august|(?:septem|octo|novem|decem)ber"
    r"|tomorrow|tonight|last|this|next|of|the|night|week|month|year)(?:,? |$))+",
    re.IGNORECASE,
)
"""Words that mean the same at every hour of a day."""
MonthPart = Literal["", "early", "middle", "late"]
Prefer = Literal["past", "future"]

SLIP_MIN_DAYS = 26
"""Days between a moment and the first or last day of its month by which a time of day may be read
wrongly, less one for a time zone."""
TIME_MAX_CHARACTERS = 100
"""Most characters of a time expression."""
TICK = timedelta(microseconds=1)
"""The store's resolution: the last instant of a period is one tick before its end."""
RESEND_MAX_DELAY = timedelta(minutes=5)
"""Longest delay after which a client repeats an unanswered call."""
PARSED_TIMES = 1_024
"""Expressions kept with their periods: dateparser takes 2 to 3 ms, and a question's are asked for
by each of its looks."""
LAST_MOMENT = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Period:
    """`[start, end)` in UTC; an instant has `end == start`."""

    start: datetime
    end: datetime
    roughly: bool = False
    """An instant relative to now ("2 hours ago"): repeated, it means a slightly later moment."""

    def means(self, moment: datetime) -> bool:
        """Whether the period starts at this moment, or near enough for a repeated call."""
        off = abs(self.start - moment)
        return off <= (RESEND_MAX_DELAY if self.roughly else timedelta(0))

    @property
    def last(self) -> datetime:
        """The last instant inside."""
        return max(self.start, self.end - TICK)


def resolve(text: str, now: datetime, *, prefer: Prefer = "past") -> Period | None:
    """Read a time expression.

    Args:
        text: A year, month, day, ISO 8601 week, date or time, or words ("yesterday",
            "last week", "3 May 2026"). Without a zone it is UTC; weeks start on Monday.
        now: The moment that relative words are relative to; timezone-aware.
        prefer: Which "Friday" or "March" is meant.

    Returns:
        The period; None when the text cannot be read.
    """
    text = " ".join(text[: 4 * TIME_MAX_CHARACTERS].split())
    if not text or len(text) > TIME_MAX_CHARACTERS:
        return None
    bare = _LEADING.sub("", text)
    try:
        return (
            _iso(bare)
            or _numbered_week(bare, now, prefer)
            or _unit_words(bare, now, prefer)
            or _several(bare, now)
            or _of_month(bare, now, prefer)
            or _weeks_from(bare, now)
            or _weekdays_ago(bare, now)
            or _days_from(bare, now, prefer)
            or _easter(bare, now, prefer)
            or _of_year(bare, now)
            or _quarter(bare, now, prefer)
            or _decade(bare)
            or _nth_weekday(bare, now, prefer)
            or _week_of(bare, now, prefer)
            or _month_words(bare, now)
            or _next_weekday(bare, now)
            or _words(bare, now, prefer)
        )
    except (ValueError, OverflowError):  # year 0 or 10000, or day 45
        return None


def _iso(text: str) -> Period | None:
    if _YEAR.fullmatch(text):
        return _years(datetime(int(text), 1, 1, tzinfo=UTC))
    if match := _MONTH.fullmatch(text):
        return _months(datetime(int(match[1]), int(match[2]), 1, tzinfo=UTC))
    if match := _WEEK.fullmatch(text):
        return _week(int(match[1]), int(match[2]))
    if match := _PART.fullmatch(text):
        return _part(
            *(match[1], match[2], match[3]) if match[1] else (match[6], match[4], match[5])
        )
    if not text[:4].isdigit():
        return None
    try:
        moment = read_iso(text)
    except ValueError:
        return None
    return _days(moment, 1) if _DAY.fullmatch(text) else Period(moment, moment)


def resolve_dotted(text: str, now: datetime) -> Period | None:
    """Read a date with full stops, maybe with its time: "1.12.2026", "1.12.26 14:00".

    For an argument; in a text it may be a version.

    Returns:
        None if it is none, or there is no such moment.
    """
    match = _DOTTED.fullmatch(text)
    if match is None:
        return None
    day, month, year = map(int, match.groups()[:3])
    if year < CENTURY:
        year += 2000 if year + 2000 <= now.year + SHORT_YEAR_MAX_AHEAD else 1900
    try:
        begins = datetime(year, month, day, int(match[4] or 0), int(match[5] or 0), tzinfo=UTC)
    except ValueError:
        return None
    return Period(begins, begins) if match[4] else _days(begins, 1)


class ClockError(ValueError):
    """A time that no clock shows; the text completes "It ...".

    Args:
        problem: What is wrong with it.
        meant: The moment that it may mean.
    """

    def __init__(self, problem: str, meant: datetime) -> None:
        self.meant = meant
        super().__init__(problem)


def read_iso(text: str) -> datetime:
    """Read an ISO 8601 date or time in UTC; one without a zone is UTC.

    As in ISO 8601, 24:00 is the midnight that ends a day; as in RFC 3339, 23:59:60 in UTC is the
    leap second that ends a month, read as the moment after it. Python reads neither before 3.13,
    and the second nowhere.

    Raises:
        ClockError: The hour is 24 after midnight, or the second is 60 at another time.
        ValueError: It is no time.
        OverflowError: It lies outside the years 1 to 9999.
    """
    if _HOUR_24.search(text):
        moment = _as_utc(_HOUR_24.sub("00", text)) + timedelta(days=1)
        if datetime.fromisoformat(_HOUR_24.sub("00", text)).time() != time.min:
            problem = "has the hour 24, which is midnight and no later"
            raise ClockError(problem, moment)
        return moment
    if _SECOND_60.search(text):
        moment = _as_utc(_SECOND_60.sub("59", text)) + timedelta(seconds=1)
        if moment != _midnight(moment).replace(day=1):
            problem = "has the second 60, which only the leap second at the end of a month (UTC) is"
            raise ClockError(problem, moment)
        return moment
    return _as_utc(text)


def _as_utc(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _week(year: int, number: int) -> Period:
    """A week by its number in ISO 8601.

    Raises:
        ValueError: The year has no such week.
    """
    monday = datetime.fromisocalendar(year, number, 1)
    return _days(monday.replace(tzinfo=UTC), 7)


def _numbered_week(text: str, now: datetime, prefer: Prefer) -> Period | None:
    """Week 49, of the year that is named or else the last one begun or the next one not over."""
    match = _WEEK_NUMBER.fullmatch(text)
    if match is None:
        return None
    if match[2]:
        return _week(int(match[2]), int(match[1]))
    weeks = list[Period]()
    for year in range(now.year - WEEK_53_MAX_YEARS, now.year + WEEK_53_MAX_YEARS + 1):
        with suppress(ValueError):  # most years have no week 53
            weeks.append(_week(year, int(match[1])))
    if prefer == "past":
        return max((week for week in weeks if week.start <= now), key=_start, default=None)
    return min((week for week in weeks if week.end > now), key=_start, default=None)


def _start(period: Period) -> datetime:
    return period.start


def _part(year: str, unit: str, number: str) -> Period:
    months = 3 if unit.upper() == "Q" else 6
    start = datetime(int(year), months * (int(number) - 1) + 1, 1, tzinfo=UTC)
    end = start
    for _ in range(months):
        end = _months(end).end
    return Period(start, end)


def _unit_words(text: str, now: datetime, prefer: Prefer) -> Period | None:
    """A week, weekend, month or year as "the week after next", or a day of a week."""
    if text.lower() == "weekend":
        return _weekend(now, prefer)
    if match := _DAY_AT.fullmatch(text):
        week, at = _unit_words(match[2], now, prefer), DAY_NUMBERS.get(match[1].lower())
        return _days(week.start + timedelta(days=at), 1) if week and at is not None else None
    match = _UNIT_AT.fullmatch(text)
    if match is None:
        return None
    unit, at = (match[2] or match[3]).lower(), _PLACES[(match[1] or match[4]).lower()]
    if unit == "month":
        return _months(_month_at(now, at))
    if unit == "year":
        return _years(_midnight(now).replace(year=now.year + at, month=1, day=1))
    monday = _monday(now) + timedelta(weeks=at)
    return _days(monday, 7) if unit == "week" else _days(monday + timedelta(days=5), 2)


def _weekend(now: datetime, prefer: Prefer) -> Period:
    """The last weekend that has begun, or the next one that is not over."""
    weekend = _days(_monday(now) + timedelta(days=5), 2)
    begun = weekend.start <= now
    return weekend if begun or prefer == "future" else _days(_monday(now) - timedelta(days=2), 2)


def _several(text: str, now: datetime) -> Period | None:
    """The next or the last few days, weeks, months or years, with today."""
    match = _SEVERAL.fullmatch(text)
    if match is None:
        return None
    word, today = match[2].lower(), _days(now, 1)
    count = int(word) if word.isdecimal() else _COUNTS.get(word, 0)
    length = timedelta(days=count * _UNIT_DAYS[match[3].lower()])
    if not count:
        return None
    if match[1].lower() == "next":
        return Period(today.start, today.end + length)
    return Period(today.start - length, today.end)


def _of_month(text: str, now: datetime, prefer: Prefer) -> Period | None:
    """A half of a month, or a week of it with all days of the weeks that it may mean."""
    match = _OF_MONTH.fullmatch(text)
    month = resolve(match[3], now, prefer=prefer) if match else None
    if match is None or month is None or month != _months(month.start.replace(day=1)):
        return None
    nth, first = match[1].lower(), month.start
    if match[2].lower() == "half":
        middle = first + timedelta(days=HALF_LAST_DAY)
        return Period(first, middle) if nth == "first" else Period(middle, month.end)
    if nth == "last":
        return Period(_monday(month.end - timedelta(days=7)), month.end)
    begins = first + timedelta(weeks=_NTH.index(nth))
    return Period(begins, min(_monday(begins + timedelta(days=13)), month.end))


def within_month(period: Period, part: MonthPart) -> Period:
    """The part of a period if it is a whole month, else the period."""
    if not part or period != _months(period.start):
        return period
    first = period.start
    if part == "middle":
        last = first + timedelta(days=MIDDLE_LAST_DAY)
        return Period(first + timedelta(days=MIDDLE_FIRST_DAY - 1), last)
    half = first + timedelta(days=HALF_LAST_DAY)
    return Period(first, half) if part == "early" else Period(half, period.end)


def _week_of(text: str, now: datetime, prefer: Prefer) -> Period | None:
    """The week in which a day lies."""
    match = _WEEK_OF.fullmatch(text)
    day = resolve(match[1], now, prefer=prefer) if match else None
    return _days(_monday(day.start), 7) if day and day == _days(day.start, 1) else None


def _nth_weekday(text: str, now: datetime, prefer: Prefer) -> Period | None:
    """The first to fourth or the last Monday of a month, or weekend by its Saturday."""
    match = _NTH_WEEKDAY.fullmatch(text)
    if match and match[2].lower() == "weekend":
        saturday = _nth_weekday(f"{match[1]} Saturday of {match[3]}", now, prefer)
        return _days(saturday.start, 2) if saturday else None
    weekday = DAY_NUMBERS.get(match[2].lower()) if match else None
    month = resolve(match[3], now, prefer=prefer) if match else None
    if match is None or weekday is None or month is None:
        return None
    if month != _months(month.start.replace(day=1)):
        return None
    nth = match[1].lower()
    if _YEAR.search(text) or _NAMED_MONTH.fullmatch(match[3]) or _OF_YEAR.fullmatch(match[3]):
        return _nth_weekday_of(month.start, nth, weekday)
    return _in_nearest_year(
        lambda year: _nth_weekday_of(month.start.replace(year=year), nth, weekday), now, prefer
    )


def _in_nearest_year(day_of: Callable[[int], Period], now: datetime, prefer: Prefer) -> Period:
    """Of a day that every year has, the last one begun or the next one not over."""
    days = [day_of(year) for year in range(now.year - 1, now.year + 2)]
    if prefer == "past":
        return max((day for day in days if day.start <= now), key=_start)
    return min((day for day in days if day.end > now), key=_start)


def _nth_weekday_of(month: datetime, nth: str, weekday: int) -> Period:
    if nth == "last":
        last = _months(month).end - timedelta(days=1)
        return _days(last - timedelta(days=(last.weekday() - weekday) % 7), 1)
    first = month + timedelta(days=(weekday - month.weekday()) % 7)
    return _days(first + timedelta(weeks=_NTH.index(nth)), 1)


def _quarter(text: str, now: datetime, prefer: Prefer) -> Period | None:
    """Q3, the last one begun or the next one not over; or the last, this or next quarter."""
    match = _QUARTER.fullmatch(text)
    if match is None:
        return None
    this = now.year * 4 + (now.month - 1) // 3
    at = now.year * 4 + int(match[1]) - 1 if match[1] else this + _PLACES[match[2].lower()]
    if match[1]:
        at += 4 * ((prefer == "future" and at < this) - (prefer == "past" and at > this))
    return _part(str(at // 4), "Q", str(at % 4 + 1))


def _weeks_from(text: str, now: datetime) -> Period | None:
    """The day so many weeks after the next Friday."""
    match = _WEEKS_FROM.fullmatch(text)
    if match is None or match[2].lower() not in DAY_NUMBERS:
        return None
    count = _number(match[1])
    day = resolve(match[2], now, prefer="future")
    return _days(day.start + timedelta(weeks=count), 1) if day and count else None


def _number(word: str) -> int:
    """A count in digits or an English word up to twelve; 0 for any other word."""
    word = word.lower()
    return int(word) if word.isdecimal() else 1 if word in ("a", "an") else _COUNTS.get(word, 0)


def _weekdays_ago(text: str, now: datetime) -> Period | None:
    """The Friday before now, counted back: "2 Fridays ago" is the one before the last."""
    match = _WEEKDAYS_AGO.fullmatch(text)
    weekday = DAY_NUMBERS.get(match[2].lower()) if match else None
    if match is None or weekday is None:
        return None
    word, yesterday = match[1].lower(), _midnight(now) - timedelta(days=1)
    count = int(word) if word.isdecimal() else _COUNTS.get(word, 0)
    last = yesterday - timedelta(days=(yesterday.weekday() - weekday) % 7)
    return _days(last - timedelta(weeks=count - 1), 1) if count else None


def _days_from(text: str, now: datetime, prefer: Prefer) -> Period | None:
    """The day before or after another: "2 days before 25 December", "Monday after Easter"."""
    match = _DAYS_FROM.fullmatch(text)
    day = resolve(match["day"], now, prefer=prefer) if match else None
    if match is None or day is None or day != _days(day.start, 1):
        return None
    before = match["side"].lower() == "before"
    if match["weekday"]:
        weekday = DAY_NUMBERS.get(match["weekday"].lower())
        if weekday is None:
            return None
        apart = day.start.weekday() - weekday if before else weekday - day.start.weekday()
        days = apart % 7 or 7
    else:
        count = match["count"].lower()
        number = int(count) if count.isdecimal() else _COUNTS.get(count, 0)
        days = number * _UNIT_DAYS[match["unit"].lower()]
    return _days(day.start + timedelta(days=-days if before else days), 1) if days else None


def _easter(text: str, now: datetime, prefer: Prefer) -> Period | None:
    """Easter Sunday, from which the other movable feasts are counted."""
    match = _EASTER.fullmatch(text)
    if match is None:
        return None
    if match[1]:
        return _easter_of(int(match[1]))
    return _in_nearest_year(_easter_of, now, prefer)


def _easter_of(year: int) -> Period:
    return _days(datetime.combine(easter(year), time.min, UTC), 1)


def _of_year(text: str, now: datetime) -> Period | None:
    """A month or a day of the last, this or the next year."""
    match = _OF_YEAR.fullmatch(text)
    number = MONTH_NUMBERS.get(match[2].lower()) if match else None
    if match is None or number is None:
        return None
    year = now.year + _PLACES[(match[3] or match[4]).lower()]
    first = datetime(year, number, int(match[1] or 1), tzinfo=UTC)
    return _days(first, 1) if match[1] else _months(first)


def _monday(moment: datetime) -> datetime:
    """The beginning of a moment's week."""
    return _midnight(moment) - timedelta(days=moment.astimezone(UTC).weekday())


def _month_at(now: datetime, months: int) -> datetime:
    """The first day of the month so many months from now."""
    year, month = divmod(now.year * 12 + now.month - 1 + months, 12)
    return datetime(year, month + 1, 1, tzinfo=UTC)


def day_from(now: datetime, count: str, unit: str) -> Period | None:
    """The day that lies so many weeks, months or years ahead; None if the count is no number.

    The last day of a month that is too short for it.

    Args:
        now: The moment from which it lies.
        count: In digits, or an English word up to twelve.
        unit: "week", "month" or "year".
    """
    number = _number(count)
    if not number:
        return None
    if unit.lower() == "week":
        return _days(now + timedelta(weeks=number), 1)
    month = _months(_month_at(now, number * (12 if unit.lower() == "year" else 1)))
    last = month.end - timedelta(days=1)
    return _days(last if last.day < now.day else month.start.replace(day=now.day), 1)


def _month_words(text: str, now: datetime) -> Period | None:
    match = _NAMED_MONTH.fullmatch(text)
    number = MONTH_NUMBERS.get(match[2].lower()) if match else None
    if match is None or number is None:
        return None
    year = {"this": now.year, "next": now.year + (number <= now.month)}.get(
        match[1].lower(), now.year - (number >= now.month)
    )
    return _months(datetime(year, number, 1, tzinfo=UTC))


def _next_weekday(text: str, now: datetime) -> Period | None:
    """The day that "next Tuesday" means: said on a Monday, not tomorrow; "after next" a week on."""
    if match := _AFTER_NEXT.fullmatch(text):
        day = _next_weekday(f"next {match[1]}", now)
        return _days(day.start + timedelta(weeks=1), 1) if day else None
    match = _NEXT_DAY.fullmatch(text)
    weekday = DAY_NUMBERS.get(match[1].lower()) if match else None
    if weekday is None:
        return None
    first = _midnight(now) + timedelta(days=2)
    return _days(first + timedelta(days=(weekday - first.weekday()) % 7), 1)


def _decade(text: str) -> Period | None:
    match = _DECADE.fullmatch(text)
    if match is None:
        return None
    first = int(match[1]) * 10
    start, end = (datetime(year, 1, 1, tzinfo=UTC) for year in (first, first + 10))
    return Period(start, end)


def _words(words: str, now: datetime, prefer: Prefer) -> Period | None:
    words = _THOUSANDS.sub("", words)
    if (unclear := _UNCLEAR.fullmatch(words)) and not _telling(unclear):
        return None
    if _NO_TIME.fullmatch(words):
        return None
    if not any(character.isalpha() for character in words) and not re.search(r"\d[/.:]\d", words):
        return None  # dateparser reads a bare "5" as the month of May
    # Most are read again the same day.
    return parse_moment(words, _midnight(now) if _OF_DAYS.fullmatch(words) else now, prefer)


@lru_cache(maxsize=PARSED_TIMES)
def parse_moment(words: str, now: datetime, prefer: Prefer) -> Period | None:
    """What dateparser reads of the words of a time, counted from `now`; None if nothing."""
    unit, moment = _parse(words, now, prefer)
    if moment is None:
        return None
    match unit:
        case "year":
            return _years(moment.replace(month=1, day=1))
        case "month":
            return _months(moment.replace(day=1))
        case "week":
            return _days(moment - timedelta(days=moment.weekday()), 7)
        case "time":
            moment = _on_next_day(words, moment, now, prefer)
            return Period(moment, moment, roughly=_RECKONED.search(words) is not None)
        case _:
            return _days(moment, 1)


def _parse(words: str, now: datetime, prefer: str) -> tuple[str, datetime | None]:
    """What dateparser reads: a unit of time, and a moment of it; None if nothing."""
    settings = {
        "RELATIVE_BASE": now.astimezone(UTC).replace(tzinfo=None),
        "TIMEZONE": "UTC",
        "RETURN_AS_TIMEZONE_AWARE": True,
        "PREFER_DATES_FROM": prefer,
        "RETURN_TIME_AS_PERIOD": True,
    }
    found = DateDataParser(languages=["en"], settings=settings).get_date_data(words)
    return found.period or "", found.date_obj.astimezone(UTC) if found.date_obj else None


def _on_next_day(words: str, moment: datetime, now: datetime, prefer: Prefer) -> datetime:
    """The moment, but of a time of day alone the nearest one that is preferred.

    dateparser 1.5 steps on within the month: "9am", said on 30 November, is on the 1st of it.
    """
    day = timedelta(days=1)
    if abs(moment - now) < SLIP_MIN_DAYS * day:
        return moment
    _, today = _parse(words, now, "current_period")
    _, tomorrow = _parse(words, now + day, "current_period")
    # With a time zone it may be of the day beside.
    if today is None or tomorrow is None or abs(today - now) > 2 * day or tomorrow - today != day:
        return moment
    near = [today + days * day for days in (-2, -1, 0, 1, 2)]
    if prefer == "future":
        return min(one for one in near if one > now)
    return max(one for one in near if one <= now)


def _telling(match: re.Match[str]) -> bool:
    """Whether the day is clear: one number is above 12, or both are equal."""
    if match[1] is None:
        return False
    first, second = int(match[1]), int(match[2])
    return max(first, second) > 12 or first == second


def _midnight(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def _days(moment: datetime, days: int) -> Period:
    start = _midnight(moment)
    try:
        return Period(start, start + timedelta(days=days))
    except OverflowError:  # 9999-12-31, written for "for ever"
        return Period(start, LAST_MOMENT)


def _months(moment: datetime) -> Period:
    start = _midnight(moment)
    following = _days(start, 32).end
    return Period(start, following if following == LAST_MOMENT else following.replace(day=1))


def _years(moment: datetime) -> Period:
    start = _midnight(moment)
    return Period(
        start, LAST_MOMENT if start.year == LAST_MOMENT.year else start.replace(year=start.year + 1)
    )


def wall_time(moment: datetime) -> datetime:
    """What a clock on the wall here shows at a moment, marked as UTC, as days in words are.

    "Tomorrow" is another day in San Francisco than in UTC for eight hours of each. Here is where
    the process runs: the zone of `TZ`, else the machine's. The first and the last moment of a day
    in UTC stand for a date that was given without a zone, and stay as they are.
    """
    day = moment.astimezone(UTC)
    if day.time() in (time.min, time.max):
        return day
    try:
        return moment.astimezone().replace(tzinfo=UTC)
    except (OverflowError, OSError, ValueError):  # beside the first and the last year
        return day


def is_to_come(moment: datetime, now: datetime) -> bool:
    """Whether a moment is later than now, and for a whole day also by the clock on the wall.

    In Auckland it is the 21st while it is still the 20th in UTC.
    """
    return moment > now and wall_time(moment) > wall_time(now)


def from_wall_time(shown: datetime) -> datetime:
    """The moment at which a clock on the wall here shows a time, in UTC."""
    try:
        return shown.replace(tzinfo=None).astimezone(UTC)
    except (OverflowError, OSError, ValueError):  # beside the first and the last year
        return shown


def iso(moment: datetime) -> str:
    """ISO 8601 in UTC with `Z`, to the second."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="seconds") + "Z"


def iso_day(day: date) -> str:
    """ISO 8601, of a moment only its day; with `%Y` years before 1000 have no zeros on Linux."""
    return day.isoformat()[: len("2026-01-01")]


def exactly(moment: datetime) -> str:
    """ISO 8601 in UTC with `Z`, to the microsecond if it is not 0: identifies one revision."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"
