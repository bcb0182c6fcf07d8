"""The days of notes and questions are those of the place where the process runs."""

from collections.abc import Iterator

import pytest
from tests.time_zones import living_in
from tests.tools.conftest import Desk, ids, notes

CALIFORNIA, JAPAN = "America/Los_Angeles", "Asia/Tokyo"
HERE = [(CALIFORNIA, 18), (JAPAN, 11)]
"""Zones, and hours from START (a Friday, noon in UTC) to another day there than in UTC: to Friday
evening in California, when it is Saturday in UTC, and to Saturday morning in Japan, when it is
still Friday there."""


@pytest.fixture(params=HERE, ids=[zone for zone, _ in HERE])
def place(request: pytest.FixtureRequest, desk: Desk) -> Iterator[str]:
    """A place where it is another day than in UTC."""
    zone, hours = request.param
    desk.later(hours=hours)
    with living_in(zone):
        yield zone


async def test_tomorrow_in_a_note_is_the_day_after_the_one_here(desk: Desk, place: str) -> None:
    told = await desk("remember", content="Dentist tomorrow at half past nine")

    assert told["times"] == {"tomorrow": "2026-11-21" if place == CALIFORNIA else "2026-11-22"}


async def test_what_was_done_today_is_found_in_the_evening_and_in_the_morning(
    desk: Desk, place: str
) -> None:
    back = 24 if place == CALIFORNIA else 11  # in UTC two days ago, and today
    desk.later(hours=-back)
    yesterday = await desk.told("Fixed the flaky login test by freezing the clock")
    desk.later(hours=back - 8)
    today = await desk.told("Moved the build to the new runner")
    desk.later(hours=8)

    assert (await desk.found(query="What did I do today?"))[0] == today
    assert (await desk.found(query="What did I do yesterday?"))[0] == yesterday


async def test_a_day_that_was_asked_for_by_its_name_is_the_one_here(desk: Desk, place: str) -> None:
    day = 20 if place == CALIFORNIA else 21
    told = await desk.told("Moved the build to the new runner")
    await desk.told("Team lunch", happened_at=f"2026-11-{day + 3}")

    answer = await desk("recall", query=f"What did I do on {day} November?")

    assert (ids(answer)[0], answer["verdict"]) == (told, "found")


async def test_a_date_without_a_zone_is_that_day_wherever_it_is_read(
    desk: Desk, place: str
) -> None:
    fair = await desk.told("Trade fair in Linz", happened_at="2026-11-25")
    await desk.told("Rent is due", happened_at="2026-11-24")
    await desk.told("Heating serviced", happened_at="2026-11-26")

    assert (await desk.found(query="What happens on 25 November?"))[0] == fair
    [shown] = (n for n in notes(await desk("recall", query="fair in Linz")) if n["note_id"] == fair)
    assert shown["happened_at"] == "2026-11-25"


async def test_a_day_told_as_an_argument_is_the_one_here(desk: Desk, place: str) -> None:
    told = await desk("remember", content="Bought a red bicycle", happened_at="yesterday")

    day = "2026-11-19" if place == CALIFORNIA else "2026-11-20"
    assert told["happened_at"] == f"{day}T00:00:00Z"


async def test_hours_counted_from_now_are_the_same_moment_everywhere(
    desk: Desk, place: str
) -> None:
    before = desk.now
    told = await desk("remember", content="The build broke", happened_at="2 hours ago")

    hour = (before.hour - 2) % 24
    assert str(told["happened_at"])[11:13] == f"{hour:02}"


async def test_a_reader_is_told_which_day_tomorrow_is_where_the_clock_shows_another_date(
    desk: Desk, place: str
) -> None:
    await desk.told("Demo for the board tomorrow")

    [shown] = notes(await desk("recall", query="When is the demo?"))

    assert shown["days"] == ("2026-11-21" if place == CALIFORNIA else "2026-11-22")


async def test_evolution_names_the_day_here(desk: Desk, place: str) -> None:
    told = await desk.told("Demo for the board tomorrow")
    await desk.evolve()

    [shown] = notes(await desk("recall", note_ids=[told], detail="full"))

    noted = "Friday, 20" if place == CALIFORNIA else "Saturday, 21"
    assert str(shown["context"]).startswith(f"Noted {noted} November 2026")


async def test_where_a_zone_is_that_of_utc_nothing_is_read_otherwise(desk: Desk) -> None:
    desk.later(hours=18)
    with living_in("Europe/London"):
        told = await desk("remember", content="Dentist tomorrow at half past nine")

    assert told["times"] == {"tomorrow": "2026-11-22"}


@pytest.mark.parametrize("year", ["0001-01-01T05:00:00Z", "9999-12-31T20:00:00Z"])
@pytest.mark.parametrize("zone", [CALIFORNIA, JAPAN])
async def test_the_first_and_the_last_days_of_all_are_kept_in_every_zone(
    desk: Desk, year: str, zone: str
) -> None:
    with living_in(zone):
        told = await desk.told("The world begins or ends", happened_at=year)

        assert told in await desk.found(query="When does the world end?")
