"""When the turns of a talk were said: a clock's time, a day, and which number is the month."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import cycle

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.tools.language.test_transcripts import DAY, NAMES, SAID, talk

from zettel.tools.language.transcripts import cut_talk
from zettel.tools.language.turn_times import read_turn_times

NOW = datetime(2026, 12, 31, tzinfo=UTC)


def _times(pattern: str, *, dated: bool = True, start: datetime = DAY) -> list[timedelta]:
    told = read_turn_times(cut_talk(talk(pattern)), start, dated=dated, now=NOW)
    return [moment - start for moment in told.moments]


def test_a_time_of_day_is_one_of_the_day_that_was_named() -> None:
    minutes = [timedelta(hours=10, minutes=30 + n) for n in range(6)]

    assert _times("[10:3{n}] {name}: {said}") == minutes
    assert _times("{name}  10:3{n} PM\n{said}") == [m + timedelta(hours=12) for m in minutes]


def test_without_a_named_day_a_time_of_day_says_nothing() -> None:
    assert set(_times("[10:3{n}] {name}: {said}", dated=False)) == {timedelta()}


def test_times_of_the_first_minutes_count_from_the_beginning_of_a_recording() -> None:
    start = DAY + timedelta(hours=14)

    told = _times("[00:0{n}:30] {name}: {said}", start=start)

    assert told == [timedelta(minutes=n, seconds=30) for n in range(6)]


def test_talk_past_midnight_goes_on_the_next_day() -> None:
    text = "\n".join(
        f"[{clock}] {who}: {said}"
        for clock, who, said in zip(
            ("23:50", "23:55", "23:59", "00:01", "00:20", "01:00"), NAMES, SAID, strict=True
        )
    )

    told = read_turn_times(cut_talk(text), DAY, dated=True, now=NOW)

    assert [moment.day for moment in told.moments] == [12, 12, 12, 13, 13, 13]


@pytest.mark.parametrize(
    ("pattern", "day"),
    [
        ("[2026-12-25 10:3{n}] {name}: {said}", datetime(2026, 12, 25, 10, 30, tzinfo=UTC)),
        ("[2026-12-25T10:3{n}+02:00] {name}: {said}", datetime(2026, 12, 25, 8, 30, tzinfo=UTC)),
        ("25.12.26, 10:3{n} - {name}: {said}", datetime(2026, 12, 25, 10, 30, tzinfo=UTC)),
        ("12/25/2026, 10:3{n} - {name}: {said}", datetime(2026, 12, 25, 10, 30, tzinfo=UTC)),
    ],
)
def test_a_day_in_the_stamps_is_the_turns_own(pattern: str, day: datetime) -> None:
    told = read_turn_times(cut_talk(talk(pattern)), DAY, dated=False, now=NOW)

    assert (told.moments[0], told.inferred) == (day, {})


def _told(
    stamps: Sequence[str], *, now: datetime = NOW, named: str = ""
) -> tuple[list[str], Mapping[str, str]]:
    """The days of a talk with these stamps, and which of them numbers did not tell."""
    turns = zip(stamps, cycle(NAMES), cycle(SAID), strict=False)
    text = "\n".join(f"{stamp} {who}: {said}" for stamp, who, said in turns)
    start = datetime.fromisoformat(f"{named}T00:00Z") if named else now
    told = read_turn_times(cut_talk(text), start, dated=bool(named), now=now)
    return [moment.date().isoformat() for moment in told.moments], told.inferred


@pytest.mark.parametrize(
    ("stamp", "day"),
    [
        ("4/6/26, 6:00 PM -", "2026-04-06"),
        ("[4/6/26, 6:00:11\u202fp.m.]", "2026-04-06"),
        ("4/6/26, 18:00 -", "2026-06-04"),
        ("[06/04/2026, 18:00:11]", "2026-04-06"),
        ("[06.04.26, 18:00:11]", "2026-04-06"),
        ("6.4.26, 6:00 PM -", "2026-04-06"),
        ("06-04-2026 18:00", "2026-04-06"),
        ("06-04-2026 6:00 PM", "2026-04-06"),
    ],
)
def test_the_clock_tells_which_number_is_the_month_where_nothing_else_does(
    stamp: str, day: str
) -> None:
    days, inferred = _told([stamp] * 4)

    assert set(days) == {day}
    assert list(inferred.values()) == [day]


NOVEMBER = datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("stamps", "named", "first"),
    [
        # Under one of the orders a date lies in the future.
        (["12/4/26, 6:00 PM -"] * 4, "", "2026-04-12"),
        (["4/12/26, 18:00 -"] * 4, "", "2026-04-12"),
        # A day ahead may be today elsewhere.
        (["11/3/26, 6:00 PM -", *["11/21/26, 6:00 PM -"] * 3], "", "2026-11-03"),
        # The month would go back.
        ([*["10/4/26, 6:00 PM -"] * 2, *["1/5/26, 6:00 PM -"] * 2], "", "2026-04-10"),
        ([*["4/10/26, 18:00 -"] * 2, *["5/1/26, 18:00 -"] * 2], "", "2026-04-10"),
        # A message that comes late goes back, too, by a day.
        ([*["6/4/26, 18:00 -"] * 2, *["5/4/26, 18:00 -"] * 2], "", "2026-04-06"),
        # The caller named the day.
        (["4/6/26, 18:00 -"] * 4, "2026-04-06", "2026-04-06"),
        (["4/6/26, 6:00 PM -"] * 4, "2026-06-04", "2026-06-04"),
        # Dots are a sign of their own, whatever day it is.
        (["04.12.26, 18:00 -"] * 4, "", "2026-12-04"),
    ],
)
def test_an_order_of_day_and_month_that_cannot_be_is_not_read(
    stamps: list[str], named: str, first: str
) -> None:
    days, _ = _told(stamps, now=NOVEMBER, named=named)

    assert days[0] == first


def test_a_date_that_only_one_order_has_tells_how_the_others_are_read() -> None:
    days, inferred = _told(["4/6/26, 18:00 -", *["4/25/26, 18:00 -"] * 3, "99/99/26, 18:00 -"])

    assert (days[:2], inferred) == (["2026-04-06", "2026-04-25"], {})


order = st.sampled_from(["{0:%d/%m/%Y}", "{0:%m/%d/%y}"])
clock = st.sampled_from(["18:00 -", "6:00 PM -"])
some_days = st.lists(st.dates(date(2001, 1, 1), date(2026, 12, 30)), min_size=3, max_size=6)


@given(days=some_days, order=order, clock=clock, late=st.integers(min_value=13, max_value=28))
def test_a_talk_with_a_day_above_twelve_is_read_to_the_day(
    days: list[date], order: str, clock: str, late: int
) -> None:
    told = sorted([*days, days[0].replace(day=late)])

    read, inferred = _told([f"{order.format(day)}, {clock}" for day in told])

    assert (read, inferred) == ([day.isoformat() for day in told], {})
