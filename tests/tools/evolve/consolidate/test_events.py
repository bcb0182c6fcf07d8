"""Events of a long session: cut where it turns to something else, and never moved afterwards."""

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from zettel.tools.evolve.consolidate.sentences import Row, most_central
from zettel.tools.evolve.consolidate.sessions import EVENT_MIN_NOTES, SPLIT_MIN_NOTES, event_starts


def rows(seed: int, *topics: int, noise: float = 0.3) -> list[Row]:
    """Unit vectors that lie close together within a topic; `topics` are their counts."""
    random, found = np.random.default_rng(seed), list[Row]()
    for count in topics:
        topic = random.normal(size=32)
        for _ in range(count):
            near = topic + noise * random.normal(size=32)
            found.append((near / np.linalg.norm(near)).astype(np.float32))
    return found


def test_a_session_is_cut_where_it_turns_to_something_else() -> None:
    assert event_starts(rows(1, 20, 20, noise=0)) == [0, 20]


def test_a_short_session_is_one_event_whatever_it_turns_to() -> None:
    assert event_starts(rows(1, 11, SPLIT_MIN_NOTES - 12)) == [0]
    assert event_starts([]) == []


@given(st.integers(0, 99), st.lists(st.integers(1, 30), min_size=1, max_size=4))
def test_every_event_is_long_enough_and_the_first_begins_at_the_beginning(
    seed: int, topics: list[int]
) -> None:
    told = rows(seed, *topics)

    found = event_starts(told)

    assert found[0] == 0
    assert all(
        after - before >= EVENT_MIN_NOTES for before, after in pairwise([*found, len(told)])
    ) or (found == [0])


@given(st.integers(0, 99), st.lists(st.integers(8, 30), min_size=2, max_size=4))
def test_what_is_told_later_moves_no_earlier_boundary(seed: int, topics: list[int]) -> None:
    told = rows(seed, *topics)
    before = told[: -topics[-1]]

    earlier, whole = event_starts(before), event_starts(told)

    # A session that was short then has one event, and a boundary too near its end comes later.
    if len(before) >= SPLIT_MIN_NOTES:
        settled = [at for at in whole if at <= len(before) - EVENT_MIN_NOTES]
        assert settled == earlier


@given(st.integers(0, 99), st.integers(1, 12), st.integers(1, 12))
def test_the_central_ones_are_as_many_as_asked_and_each_once(
    seed: int, count: int, most: int
) -> None:
    found = most_central(rows(seed, count), most)

    assert len(found) == len(set(found)) == min(count, most)
