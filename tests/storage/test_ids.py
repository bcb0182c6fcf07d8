"""Ids: their order, their time, their spelling."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from zettel.storage.ids import is_id, largest_id, new_id, smallest_id, told_at

MILLISECOND = timedelta(milliseconds=1)

instants = st.datetimes(min_value=datetime(1970, 1, 1), timezones=st.just(UTC))


@given(instants)
def test_an_id_tells_the_millisecond_it_was_made_for(instant: datetime) -> None:
    told = told_at(new_id(instant))

    assert timedelta(0) <= instant - told < MILLISECOND


@given(instants, st.integers(2, 50))
def test_ids_of_one_instant_grow_in_the_order_they_were_made(instant: datetime, n: int) -> None:
    made = [new_id(instant) for _ in range(n)]

    assert made == sorted(set(made))


@given(instants, instants)
def test_the_bounds_of_an_instant_hold_its_ids_and_no_others(a: datetime, b: datetime) -> None:
    made = new_id(a)

    assert smallest_id(a) <= made <= largest_id(a)
    assert (smallest_id(b) <= made) == (b - a < MILLISECOND and told_at(smallest_id(b)) <= a)
    assert (made <= largest_id(b)) == (told_at(made) <= b)


def test_an_instant_before_1970_bounds_like_1970() -> None:
    early = datetime(1, 1, 1, tzinfo=UTC)

    assert smallest_id(early) <= new_id(datetime(1970, 1, 1, tzinfo=UTC))
    assert smallest_id(early) == "0" * 26


def test_what_is_not_spelled_like_an_id_is_none() -> None:
    made = new_id(datetime(2026, 1, 1, tzinfo=UTC))

    assert is_id(made)
    for other in (
        "",
        made.lower(),
        made + "\n",
        made[:-1],
        "8" + made[1:],
        made[:-1] + "U",
        "nope",
    ):
        assert not is_id(other)
