"""When the parts of a talk or a log were said, by the time stamps before them.

"4/6/26" is in April or in June. A file has one order of day and month, decided by what comes first
in this list and speaks for one of the two:

1. the order under which fewer dates are invalid: "25/3/2026";
2. dots, which no country writes between a month and the day behind it;
3. the order under which fewer dates lie after the moment of the call;
4. the order under which no line is of an earlier day than the line before it;
5. the order under which a date is the day that was named with the text;
6. the form of the clock: with slashes and "PM" the month is first, as the United States export
   chats, else the day.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import accumulate, pairwise

from zettel.tools.language.transcripts import TextPart, TurnStamp

OFFSET_BELOW = timedelta(minutes=10)
"""A first time of day before 00:10 counts from the beginning of a recording."""
HALF_DAY = timedelta(hours=12)
YEARS = range(1970, 2101)
"""Of a stamp that is believed."""
ONE_DAY = timedelta(days=1)
"""Dates may be as much ahead of the clock or out of order: stamps without a zone are local times,
and messages come late."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnTimes:
    """When the parts of a text were said."""

    moments: Sequence[datetime]
    """UTC, one for each part, never before the one ahead of it."""
    inferred: Mapping[str, str]
    """A date as it is written -> the day it was read as, ISO 8601, where numbers do not tell."""


def read_turn_times(
    parts: Sequence[TextPart], start: datetime, *, dated: bool, now: datetime
) -> TurnTimes:
    """When each part was said, and how dates were read whose numbers do not tell the month.

    Args:
        parts: In order.
        start: When the whole happened.
        dated: Whether somebody said so: a time of day alone is one of that day then, and counts
            from `start` if the first is of the first minutes, as recordings have them.
        now: The moment of the call.
    """
    dated = dated and start.year in YEARS
    stamps = [part.stamp for part in parts]
    dates = [stamp for stamp in stamps if stamp and _has_order(stamp)]
    named = start.date() if dated else None
    day_first = min((True, False), key=lambda first: _faults(dates, first, named, now))
    return TurnTimes(
        moments=_moments(stamps, start, dated=dated, day_first=day_first),
        inferred=_inferred(dates, day_first),
    )


def _has_order(stamp: TurnStamp) -> bool:
    """Whether its day begins with a day or a month, not with a year."""
    return bool(stamp.day) and stamp.numbers[0] <= 31


def _faults(
    dates: Sequence[TurnStamp], day_first: bool, named: date | None, now: datetime
) -> tuple[int, ...]:
    """What speaks against an order of day and month, in the order of this module's list."""
    read = [_day(stamp, day_first) for stamp in dates]
    days = [day for day in read if day]
    latest = (now + ONE_DAY).date()
    is_dotted = any("." in stamp.day for stamp in dates)
    is_american = all("/" in stamp.day and stamp.has_half for stamp in dates)
    return (
        len(read) - len(days),
        is_dotted and not day_first,
        sum(day > latest for day in days),
        any(before - day > ONE_DAY for before, day in pairwise(days)),
        named is not None and named not in days,
        is_american == day_first,
    )


def _inferred(dates: Sequence[TurnStamp], day_first: bool) -> dict[str, str]:
    """How the first date was read that is another day in the other order; empty if numbers tell."""
    either = [(stamp, _day(stamp, day_first), _day(stamp, not day_first)) for stamp in dates]
    invalid = (sum(read is None for _, read, _ in either), sum(not other for *_, other in either))
    for stamp, read, other in either if invalid[0] == invalid[1] else ():
        if read and other and read != other:
            return {stamp.day: read.isoformat()}
    return {}


def _moments(
    stamps: Sequence[TurnStamp | None], start: datetime, *, dated: bool, day_first: bool
) -> list[datetime]:
    clocks = [stamp.since_midnight for stamp in stamps if stamp and not stamp.day]
    midnight = start.replace(hour=0, minute=0, second=0, microsecond=0)
    begin = start if clocks and clocks[0] < OFFSET_BELOW else midnight
    times, days, before = list[datetime | None](), timedelta(), timedelta()
    for stamp in stamps:
        if stamp is None or not (stamp.day or dated):
            times.append(None)
        elif stamp.day:
            times.append(_moment(stamp, day_first))
        else:
            if before - stamp.since_midnight > HALF_DAY:
                days += timedelta(days=1)
            before = stamp.since_midnight
            times.append(begin + days + before)
    named = [moment for moment, stamp in zip(times, stamps, strict=True) if stamp and stamp.day]
    first = next((moment for moment in named if moment), start)
    return list(accumulate((moment or first for moment in times), max))


def _moment(stamp: TurnStamp, day_first: bool) -> datetime | None:
    """The moment that a stamp with a day names; None if there is no such day."""
    day = _day(stamp, day_first)
    if day is None:
        return None
    return datetime(day.year, day.month, day.day, tzinfo=UTC) + stamp.since_midnight


def _day(stamp: TurnStamp, day_first: bool) -> date | None:
    """The day of a stamp; None if there is no such day."""
    first, second, third = stamp.numbers
    if not _has_order(stamp):
        year, month, day = first, second, third
    else:
        day, month = (first, second) if day_first else (second, first)
        year = third + (2000 if third < 100 else 0)
    if year not in YEARS:
        return None
    try:
        return date(year, month, day)
    except ValueError:
        return None
