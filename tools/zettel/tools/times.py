"""Times as agents write them: ISO 8601 or plain words, resolved to a period in UTC."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from dateparser.date import DateDataParser

from zettel.storage.errors import InvalidArgumentError

_YEAR = re.compile(r"\d{4}")
_MONTH = re.compile(r"(\d{4})-(\d{2})")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}|\d{8}|\d{4}-?W\d{2}-\d")
_WEEK = re.compile(r"(\d{4})-?W(\d{2})")
_WEEKEND = re.compile(r"(last|past|this|next) weekend", re.IGNORECASE)
_RELATIVE_WEEK = re.compile(r"(?:the )?(last|past|previous|this|next) week", re.IGNORECASE)
_WEEKS = {"last": -1, "past": -1, "previous": -1, "this": 0, "next": 1}
_LEADING = re.compile(r"^(in|on|at|during|since|until|by|from|of|the)\s+", re.IGNORECASE)

LONGEST = 100
"""Characters of a time expression; longer ones are prose."""
TICK = timedelta(microseconds=1)
"""The store's resolution: the last instant of a period is one tick before its end."""
FOREVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Period:
    """`[start, end)` in UTC; an instant has `end == start`."""

    start: datetime
    end: datetime

    @property
    def last(self) -> datetime:
        """The last instant inside."""
        return max(self.start, self.end - TICK)


def resolve(text: str, now: datetime) -> Period | None:
    """Read a time expression.

    Args:
        text: A year, month, day, ISO 8601 week, date or time, or words ("yesterday",
            "last week", "3 May 2026"). Without a zone it is UTC; weeks start on Monday.
        now: What relative words are relative to; timezone-aware.

    Returns:
        The period it means; None when it cannot be read.
    """
    text = " ".join(text.split())
    if not text or len(text) > LONGEST:
        return None
    try:
        return _iso(text) or _week_words(text, now) or _words(text, now)
    except (ValueError, OverflowError):  # year 0 or 10000, or day 45
        return None


def _iso(text: str) -> Period | None:
    if _YEAR.fullmatch(text):
        return _years(datetime(int(text), 1, 1, tzinfo=UTC))
    if match := _MONTH.fullmatch(text):
        return _months(datetime(int(match[1]), int(match[2]), 1, tzinfo=UTC))
    if match := _WEEK.fullmatch(text):
        return _days(
            datetime.combine(
                datetime.fromisocalendar(int(match[1]), int(match[2]), 1), datetime.min.time(), UTC
            ),
            7,
        )
    if not text[:4].isdigit():
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    return _days(moment, 1) if _DAY.fullmatch(text) else Period(moment, moment)


def _week_words(text: str, now: datetime) -> Period | None:
    monday = _midnight(now) - timedelta(days=now.weekday())
    if match := _RELATIVE_WEEK.fullmatch(text):
        return _days(monday + timedelta(weeks=_WEEKS[match[1].lower()]), 7)
    if match := _WEEKEND.fullmatch(text):
        week = _WEEKS[match[1].lower()]
        return _days(monday + timedelta(weeks=week, days=5), 2)
    return None


def _words(text: str, now: datetime) -> Period | None:
    words = _LEADING.sub("", text)
    if not any(character.isalpha() for character in words) and not re.search(r"\d[/.:]\d", words):
        return None  # dateparser reads a bare "5" as the month of May
    settings = {
        "RELATIVE_BASE": now.astimezone(UTC).replace(tzinfo=None),
        "TIMEZONE": "UTC",
        "RETURN_AS_TIMEZONE_AWARE": True,
        "PREFER_DATES_FROM": "past",
        "RETURN_TIME_AS_PERIOD": True,
    }
    found = DateDataParser(languages=["en"], settings=settings).get_date_data(words)
    if found.date_obj is None:
        return None
    moment = found.date_obj.astimezone(UTC)
    match found.period:
        case "year":
            return _years(moment.replace(month=1, day=1))
        case "month":
            return _months(moment.replace(day=1))
        case "week":
            return _days(moment - timedelta(days=moment.weekday()), 7)
        case "time":
            return Period(moment, moment)
        case _:
            return _days(moment, 1)


def _midnight(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def _days(moment: datetime, days: int) -> Period:
    start = _midnight(moment)
    try:
        return Period(start, start + timedelta(days=days))
    except OverflowError:  # 9999-12-31 is how some say "for ever"
        return Period(start, FOREVER)


def _months(moment: datetime) -> Period:
    start = _midnight(moment)
    following = _days(start, 32).end
    return Period(start, following if following == FOREVER else following.replace(day=1))


def _years(moment: datetime) -> Period:
    start = _midnight(moment)
    return Period(
        start, FOREVER if start.year == FOREVER.year else start.replace(year=start.year + 1)
    )


def read_time(name: str, text: str | None, now: datetime) -> Period | None:
    """Read a time argument; None when it is absent.

    Raises:
        InvalidArgumentError: It cannot be read.
    """
    if text is None or not text.strip():
        return None
    period = resolve(text, now)
    if period is None:
        raise InvalidArgumentError(
            name,
            f"{text[:80]!r} is not a time Zettel can read",
            "Pass ISO 8601 ('2026-05-03', '2026-05-03T14:00Z'), a year or month, or words like"
            " 'yesterday' or 'last week'.",
        )
    return period


def iso(moment: datetime) -> str:
    """ISO 8601 in UTC with `Z`, to the second."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
