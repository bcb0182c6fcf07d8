"""Time expressions: what agents write, resolved in UTC."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zettel.tools.language.dates import find_times
from zettel.tools.language.times import LAST_MOMENT, resolve

NOW = datetime(2026, 11, 20, 15, 30, tzinfo=UTC)
"""A Friday."""


def day(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("2023", "2023-01-01", "2024-01-01"),
        ("2023-12", "2023-12-01", "2024-01-01"),
        ("2023-05-08", "2023-05-08", "2023-05-09"),
        ("2023-W20", "2023-05-15", "2023-05-22"),
        ("2023-05-08T13:56", "2023-05-08T13:56", "2023-05-08T13:56"),
        ("2023-05-08T23:56:00-02:00", "2023-05-09T01:56", "2023-05-09T01:56"),
        ("2023-05-08T13:56:00Z", "2023-05-08T13:56", "2023-05-08T13:56"),
        ("2023-05-08T24:00:00Z", "2023-05-09", "2023-05-09"),
        ("2023-12-31 24:00", "2024-01-01", "2024-01-01"),
        ("20230508T240000-0200", "2023-05-09T02:00", "2023-05-09T02:00"),
        ("2016-12-31T23:59:60Z", "2017-01-01", "2017-01-01"),
        ("2017-01-01T00:59:60.5+01:00", "2017-01-01", "2017-01-01"),
        ("yesterday", "2026-11-19", "2026-11-20"),
        ("last week", "2026-11-09", "2026-11-16"),
        ("this week", "2026-11-16", "2026-11-23"),
        ("last weekend", "2026-11-14", "2026-11-16"),
        ("last Tuesday", "2026-11-17", "2026-11-18"),
        ("two weeks ago", "2026-11-02", "2026-11-09"),
        ("3 days ago", "2026-11-17", "2026-11-18"),
        ("last month", "2026-10-01", "2026-11-01"),
        ("in March", "2026-03-01", "2026-04-01"),
        ("March 2023", "2023-03-01", "2023-04-01"),
        ("8 May 2023", "2023-05-08", "2023-05-09"),
        ("last year", "2025-01-01", "2026-01-01"),
        ("tomorrow", "2026-11-21", "2026-11-22"),
        ("in 3 days", "2026-11-23", "2026-11-24"),
        ("in two weeks", "2026-11-30", "2026-12-07"),
        ("in 2027", "2027-01-01", "2028-01-01"),
        ("2026-Q3", "2026-07-01", "2026-10-01"),
        ("Q1 2026", "2026-01-01", "2026-04-01"),
        ("H2 2025", "2025-07-01", "2026-01-01"),
        ("20/11/2026", "2026-11-20", "2026-11-21"),
        ("last March", "2026-03-01", "2026-04-01"),
        ("last December", "2025-12-01", "2026-01-01"),
        ("next June", "2027-06-01", "2027-07-01"),
        ("next Saturday", "2026-11-28", "2026-11-29"),
        ("next Sunday", "2026-11-22", "2026-11-23"),
        ("this May", "2026-05-01", "2026-06-01"),
    ],
)
def test_a_time_expression_means_its_period(text: str, start: str, end: str) -> None:
    period = resolve(text, NOW)

    assert period is not None
    assert (period.start, period.end) == (day(start), day(end))


@pytest.mark.parametrize(
    "text",
    ["banana", "5", "the 5th", "04/05/2026", "", "1999-13-45", "0000", "x" * 200, "2023-W60"],
)
def test_what_is_no_time_is_not_read_as_one(text: str) -> None:
    assert resolve(text, NOW) is None


@pytest.mark.parametrize(
    ("text", "start"),
    [("Friday", "2026-11-27"), ("December", "2026-12-01"), ("March", "2027-03-01")],
)
def test_an_end_lies_ahead(text: str, start: str) -> None:
    period = resolve(text, NOW, prefer="future")

    assert period is not None
    assert period.start == day(start)


def test_the_last_day_there_is_never_ends() -> None:
    period = resolve("9999-12-31", NOW)

    assert period is not None
    assert period.end == LAST_MOMENT


@given(st.text(max_size=120))
def test_no_text_breaks_the_resolver_and_periods_do_not_run_backwards(text: str) -> None:
    period = resolve(text, NOW)

    assert period is None or period.start <= period.last <= period.end


@pytest.mark.parametrize(
    "text", ["today", "20 November", "Friday", "November", "last week", "next Friday", "1 May 2027"]
)
@pytest.mark.parametrize("hour", [0, 11, 23])
def test_a_day_means_the_same_at_every_hour_of_the_day(text: str, hour: int) -> None:
    assert resolve(text, NOW.replace(hour=hour)) == resolve(text, NOW)


@pytest.mark.parametrize(
    ("text", "start"),
    [("2 hours ago", "2026-11-20T13:30"), ("in 20 minutes", "2026-11-20T15:50")],
)
def test_hours_are_reckoned_from_the_moment_after_days_were(text: str, start: str) -> None:
    resolve("today", NOW)
    found = resolve(text, NOW)

    assert found is not None
    assert found.start == day(start)


def test_the_times_a_text_speaks_of_are_resolved_against_when_it_happened() -> None:
    said = "I went yesterday, and again on 3 May 2022; last week was dull. May I? It was in 2021."
    found = find_times(said, NOW)

    assert [(s.phrase, s.start.date().isoformat()) for s in found] == [
        ("yesterday", "2026-11-19"),
        ("3 May 2022", "2022-05-03"),
        ("last week", "2026-11-09"),
        ("in 2021", "2021-01-01"),
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Ingrid turns 70 on 14 December, we celebrate on the Saturday before.", "2026-12-12"),
        ("Started on 3 December; the Monday after we travel to Rome.", "2026-12-07"),
        ("It is on 12 December; the Saturday before that is free.", "2026-12-05"),
        ("Ingrid wird am 14. Dezember 70, wir feiern am Samstag davor.", "2026-12-12"),
        ("Am 14.12. ist Konzert, am Freitag danach Abbau.", "2026-12-18"),
        ("L'anniversaire est le 14 décembre, on fête le samedi d'avant.", "2026-12-12"),
        ("El cumpleaños es el 14 de diciembre, lo celebramos el sábado anterior.", "2026-12-12"),
        ("Feest op 14 december, op zaterdag ervoor bakken.", "2026-12-12"),
        ("Am Samstag davor hatten wir frei.", None),
        ("Call Ana on Friday before lunch.", "2026-11-27"),
    ],
)
def test_a_day_of_the_week_before_or_after_that_leans_on_the_date_told_before(
    text: str, expected: str | None
) -> None:
    found = find_times(text, NOW)

    assert [one.start for one in found][-1:] == ([day(expected)] if expected else [])


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("Last Fri I took the kids to a workshop", "2026-11-13"),
        ("I joined them last Tues.", "2026-11-17"),
        ("We met on the 15th after my trip", "2026-11-15"),
        ("We live on the 15th floor", None),
        ("I like this sun", None),
    ],
)
def test_days_are_read_as_people_shorten_them(said: str, expected: str | None) -> None:
    found = [span.start.date().isoformat() for span in find_times(said, NOW)]

    assert found == ([expected] if expected else [])
