"""Time arguments are read in every language that notes are, where they are a time and no more."""

from datetime import UTC, datetime, timedelta
from typing import Literal

import pytest

from zettel.storage.errors import InvalidArgumentError
from zettel.tools.language.dates import read_end, read_happened_at, read_time

FRIDAY = datetime(2026, 11, 27, 12, tzinfo=UTC)


def days(text: str, prefer: Literal["past", "future"] = "past") -> tuple[str, str]:
    """The first and the last day of an argument."""
    period = read_time("since", text, FRIDAY, prefer=prefer)
    assert period
    last = period.end - timedelta(seconds=1)
    return period.start.date().isoformat(), last.date().isoformat()


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("gestern", "2026-11-26", "2026-11-26"),
        ("letzte Woche", "2026-11-16", "2026-11-22"),
        ("in der letzten Woche", "2026-11-16", "2026-11-22"),
        ("seit Montag", "2026-11-23", "2026-11-23"),
        ("seit Ende Oktober", "2026-10-01", "2026-10-31"),
        ("Montag", "2026-11-23", "2026-11-23"),
        ("am 28.", "2026-10-28", "2026-10-28"),
        ("vom 14.9.", "2026-09-14", "2026-09-14"),
        ("14. September 2026", "2026-09-14", "2026-09-14"),
        ("am Dienstag, 8. Dezember", "2025-12-08", "2025-12-08"),
        ("im letzten Jahr", "2025-01-01", "2025-12-31"),
        ("Karfreitag", "2026-04-03", "2026-04-03"),
        ("von Montag bis Mittwoch", "2026-11-23", "2026-11-25"),
        ("hier", "2026-11-26", "2026-11-26"),
        ("avant-hier", "2026-11-25", "2026-11-25"),
        ("semaine dernière", "2026-11-16", "2026-11-22"),
        ("lundi", "2026-11-23", "2026-11-23"),
        ("le 3 mai", "2026-05-03", "2026-05-03"),
        ("du 3 au 5 mai", "2026-05-03", "2026-05-05"),
        ("la semana pasada", "2026-11-16", "2026-11-22"),
        ("desde el lunes", "2026-11-23", "2026-11-23"),
        ("el martes 8 de diciembre", "2025-12-08", "2025-12-08"),
        ("anteayer", "2026-11-25", "2026-11-25"),
        ("上周", "2026-11-16", "2026-11-22"),
        ("2026年9月14日", "2026-09-14", "2026-09-14"),
        ("三月", "2026-03-01", "2026-03-31"),
        ("十二月八日", "2025-12-08", "2025-12-08"),
        ("来週の金曜日", "2026-12-04", "2026-12-04"),
        ("先週", "2026-11-16", "2026-11-22"),
        ("昨日から", "2026-11-26", "2026-11-26"),
        ("2026年3月", "2026-03-01", "2026-03-31"),
        ("the weekend", "2026-11-21", "2026-11-22"),
        ("in thirty days", "2026-12-27", "2026-12-27"),
        ("in forty-five days", "2027-01-11", "2027-01-11"),
        ("in 3d", "2026-11-30", "2026-11-30"),
        ("in 1,000 days", "2029-08-23", "2029-08-23"),
        ("in just two weeks", "2026-12-07", "2026-12-13"),
        ("in eighteen months", "2028-05-01", "2028-05-31"),
        ("thirty days ago", "2026-10-28", "2026-10-28"),
        ("in the 1990s", "1990-01-01", "1999-12-31"),
        ("on the 5th", "2026-11-05", "2026-11-05"),
        ("Monday the 5th", "2026-10-05", "2026-10-05"),
        ("since the 12th", "2026-11-12", "2026-11-12"),
        ("3.12.", "2025-12-03", "2025-12-03"),
        ("5.6.", "2026-06-05", "2026-06-05"),
        ("l'an dernier", "2025-01-01", "2025-12-31"),
    ],
)
def test_an_argument_is_read_in_its_language(text: str, first: str, last: str) -> None:
    assert days(text) == (first, last)


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("Ende März 2027", "2027-03-01", "2027-03-31"),
        ("März", "2027-03-01", "2027-03-31"),
        ("Ende des Monats", "2026-11-27", "2026-11-30"),
        ("in zwei Wochen", "2026-12-11", "2026-12-11"),
        ("in anderthalb Wochen", "2026-12-07", "2026-12-07"),
        ("fin novembre", "2026-11-01", "2026-11-30"),
        ("Weihnachten", "2026-12-25", "2026-12-25"),
        ("finales de marzo de 2027", "2027-03-01", "2027-03-31"),
        ("el lunes", "2026-11-30", "2026-11-30"),
        ("12/8(火)", "2026-12-08", "2026-12-08"),
        ("3月", "2027-03-01", "2027-03-31"),
    ],
)
def test_an_argument_that_says_an_end_lies_ahead(text: str, first: str, last: str) -> None:
    assert days(text, "future") == (first, last)


@pytest.mark.parametrize(
    ("text", "hours"),
    [("in 2h", 2), ("in 30min", 0.5), ("in 1.5 hours", 1.5), ("in ninety minutes", 1.5)],
)
def test_an_amount_of_hours_that_lies_ahead_is_no_amount_of_hours_ago(
    text: str, hours: float
) -> None:
    read = read_happened_at(text, FRIDAY)
    assert read
    assert read.start == FRIDAY + timedelta(hours=hours)


@pytest.mark.parametrize(
    "text",
    [
        *("the 80s", "'90s", "last century", "this decade", "Monday at 7", "Friday night at 8"),
        *("9h", "à 17h", "H1", "Jan '27", "3.12. 15:00"),
    ],
)
def test_what_would_be_read_as_another_time_is_refused(text: str) -> None:
    for read in (read_happened_at, read_end):
        with pytest.raises(InvalidArgumentError, match="not a time Zettel can read"):
            read(text, FRIDAY)


@pytest.mark.parametrize(
    "text",
    [
        "Frühstück mit Ana gestern",
        "hier in Lyon",
        "gestern und heute",
        "5. und 8. Dezember",
        "le 32 mai",
        "12/8",
        "am",
        "中秋节",
        "gestern " * 50,
    ],
)
def test_what_is_more_or_less_than_one_time_is_refused_with_what_can_be_passed(text: str) -> None:
    with pytest.raises(InvalidArgumentError, match=r"is not a time Zettel can read.*German"):
        read_time("since", text, FRIDAY)


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("Dec 10", "2026-12-10"),
        ("le 24 décembre", "2026-12-24"),
        ("December", "2026-12-01"),
        ("Saturday", "2026-11-28"),
        ("tomorrow", "2026-11-28"),
        # The last one, where the next is not more than six times nearer.
        ("Tuesday", "2026-11-24"),
        ("Nov 26", "2026-11-26"),
        ("im August", "2026-08-01"),
        ("1 March", "2026-03-01"),
        ("2025-12-10", "2025-12-10"),
    ],
)
def test_a_day_without_its_year_that_is_much_nearer_ahead_is_a_plans(text: str, first: str) -> None:
    period = read_happened_at(text, FRIDAY)
    assert period
    assert period.start.date().isoformat() == first


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("1.12.2026", "2026-12-01", "2026-12-01"),
        ("20.11.26", "2026-11-20", "2026-11-20"),
        ("15.03.98", "1998-03-15", "1998-03-15"),
        ("1.12.2026 14:00", "2026-12-01", "2026-12-01"),
        ("mid-November", "2026-11-11", "2026-11-20"),
        ("Mitte November", "2026-11-11", "2026-11-20"),
        ("early January", "2027-01-01", "2027-01-15"),
        ("in a year", "2027-11-27", "2027-11-27"),
        ("dans un an", "2027-11-27", "2027-11-27"),
        ("in 3 months", "2027-02-27", "2027-02-27"),
        ("end of next week", "2026-12-06", "2026-12-06"),
        ("Ende nächster Woche", "2026-12-06", "2026-12-06"),
        ("end of 2027", "2027-12-31", "2027-12-31"),
        ("Christmas", "2026-12-25", "2026-12-25"),
        ("the 15th", "2026-12-15", "2026-12-15"),
    ],
)
def test_an_argument_is_as_exact_as_its_words(text: str, first: str, last: str) -> None:
    period = read_time("valid_until", text, FRIDAY, prefer="future")
    assert period is not None
    assert (f"{period.start:%Y-%m-%d}", f"{period.last:%Y-%m-%d}") == (first, last)


@pytest.mark.parametrize(
    ("now", "text", "happened", "ends"),
    [
        ("2026-11-30T15:40", "9am", "2026-11-30T09:00", "2026-12-01T09:00"),
        ("2026-11-30T15:40", "12:30", "2026-11-30T12:30", "2026-12-01T12:30"),
        ("2026-12-01T08:00", "23:00", "2026-11-30T23:00", "2026-12-01T23:00"),
        ("2026-12-31T15:40", "noon", "2026-12-31T12:00", "2027-01-01T12:00"),
        ("2027-01-01T08:00", "23:00", "2026-12-31T23:00", "2027-01-01T23:00"),
        ("2026-11-30T15:40", "3 November 12:30", "2026-11-03T12:30", "2027-11-03T12:30"),
        ("2026-11-30T15:40", "in 30 days at 9am", "2026-12-30T09:00", "2026-12-30T09:00"),
        ("2026-11-17T15:40", "9am", "2026-11-17T09:00", "2026-11-18T09:00"),
    ],
)
def test_a_time_of_day_is_of_the_day_before_or_after_at_the_edge_of_a_month_too(
    now: str, text: str, happened: str, ends: str
) -> None:
    moment = datetime.fromisoformat(now).replace(tzinfo=UTC)

    began, end = read_happened_at(text, moment), read_end(text, moment)

    assert began
    assert end
    assert [f"{of.start:%Y-%m-%dT%H:%M}" for of in (began, end)] == [happened, ends]


def test_a_month_that_is_too_short_ends_a_count_of_months_on_its_last_day() -> None:
    period = read_time("valid_until", "in 3 months", datetime(2026, 11, 30, 9, tzinfo=UTC))
    assert period is not None
    assert f"{period.start:%Y-%m-%d}" == "2027-02-28"


@pytest.mark.parametrize(
    "text", ["spring 2027", "late 2025", "early 2027", "Sommer 2026", "en verano de 2027"]
)
def test_a_part_of_a_year_is_refused_and_not_read_as_the_year(text: str) -> None:
    with pytest.raises(InvalidArgumentError, match=r"is a part of a year.*'2026-09'"):
        read_time("valid_until", text, FRIDAY, prefer="future")


@pytest.mark.parametrize("text", ["31.2.2026", "1.12.2026 25:00", "0/0/2026"])
def test_what_is_no_day_is_refused_without_one_to_pass(text: str) -> None:
    with pytest.raises(InvalidArgumentError, match="is not a time Zettel can read"):
        read_time("since", text, FRIDAY)


def test_a_date_that_may_be_two_days_is_refused_with_both() -> None:
    with pytest.raises(InvalidArgumentError, match="Pass '2026-06-05' or '2026-05-06'"):
        read_time("since", "05/06/2026", FRIDAY)


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("end of February", "2026-02-28"),
        ("Ende März 2026", "2026-03-31"),
        ("fin mars 2026", "2026-03-31"),
        ("finales de marzo de 2026", "2026-03-31"),
        ("3月末", "2026-03-31"),
        ("Ende 2025", "2025-12-31"),
        ("end of last month", "2026-10-31"),
        ("March 2026", "2026-03-01"),
    ],
)
def test_what_happened_at_an_end_happened_on_the_last_day(text: str, day: str) -> None:
    period = read_happened_at(text, FRIDAY)

    assert period is not None
    assert f"{period.start:%Y-%m-%d}" == day
