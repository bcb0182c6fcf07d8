"""Which notes were kept long enough."""

from datetime import timedelta

import pytest
from tests.tools.conftest import START, Desk

from zettel.tools.state import retention_policy
from zettel.tools.state.retention_policy import Retention, expired

MONTH = Retention(days={"proj": 30.0})


async def expired_ids(desk: Desk, *, days: float) -> list[str]:
    """The ids of what a rule of a month lets go so many days after the start."""
    now = START + timedelta(days=days)
    return [outline.note_id for outline in await expired(desk.memory.store, MONTH, now)]


async def test_days_count_from_when_a_note_was_told_not_from_when_it_happened(desk: Desk) -> None:
    old = await desk.told("the fire of 1999", happened_at="1999-05-05")

    assert await expired_ids(desk, days=29) == []
    assert await expired_ids(desk, days=31) == [old]


async def test_one_run_takes_no_more_than_it_can_carry(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = [await desk.told(f"log line {number}") for number in range(5)]
    monkeypatch.setattr(retention_policy, "RETENTION_MAX_NOTES", 2)

    some = await expired_ids(desk, days=31)

    assert len(some) == 2
    assert set(some) < set(told)
