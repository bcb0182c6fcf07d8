"""A bucket per principal: how much passes, how long one is told to wait, and what is kept."""

from dataclasses import dataclass

from hypothesis import example, given
from hypothesis import strategies as st

from zettel.server.transports.http.limits.admission import KEPT_MAX_BUCKETS, RateLimit


@dataclass
class Clock:
    """Seconds, as a test wants them."""

    seconds: float = 0.0

    def __call__(self) -> float:
        """What it shows."""
        return self.seconds


gaps = st.lists(st.just(0.0) | st.floats(0, 40) | st.floats(0, 10_000), min_size=1, max_size=60)
"""Bursts, a steady flow and pauses of hours: credit that a pause gave shows in a burst after it."""


@given(st.integers(1, 20), gaps)
@example(1, [0.0, 3600.0, 0.0, 0.0])
def test_no_minute_sees_more_than_a_full_bucket_and_what_drips_in(
    per_minute: int, gaps: list[float]
) -> None:
    clock, passed = Clock(), list[float]()
    rate = RateLimit(per_minute, clock)
    for gap in gaps:
        clock.seconds += gap
        if not rate.wait_s("ana"):
            passed.append(clock.seconds)

    for first in passed:
        assert sum(first <= at <= first + 60 for at in passed) <= 2 * per_minute


@given(st.integers(1, 20), gaps)
def test_who_waits_as_long_as_told_passes_and_not_much_sooner(
    per_minute: int, gaps: list[float]
) -> None:
    clock = Clock()
    rate = RateLimit(per_minute, clock)
    for gap in gaps:
        clock.seconds += gap
        if wait := rate.wait_s("ana"):
            assert wait <= 60 / per_minute + 1e-6
            clock.seconds += wait * 0.99 - 1e-3
            assert rate.wait_s("ana") or wait < 0.1
            clock.seconds += wait * 0.01 + 2e-3
            assert not rate.wait_s("ana")


def test_one_bucket_empties_for_its_principal_alone() -> None:
    rate = RateLimit(2, Clock())

    assert [rate.wait_s(who) for who in ("ana", "ana", "ben", "ana")] == [0, 0, 0, 30]


def test_full_buckets_are_forgotten() -> None:
    clock = Clock()
    rate = RateLimit(600, clock)
    for number in range(KEPT_MAX_BUCKETS):
        rate.wait_s(number)
    clock.seconds += 1
    rate.wait_s("ana")

    assert rate.kept == 1


def test_buckets_that_are_not_full_are_not_forgotten() -> None:
    clock = Clock()
    rate = RateLimit(2, clock)
    for _ in range(2):
        rate.wait_s("ana")
    for number in range(KEPT_MAX_BUCKETS - 1):
        rate.wait_s(number)
    clock.seconds += 30
    # The others are full again; that of ana is half full.
    rate.wait_s("ben")

    assert rate.kept == 2
    assert [rate.wait_s("ana") for _ in range(2)] == [0, 30]
