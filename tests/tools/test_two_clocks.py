"""Two clocks: what the state machine has found and what was mended since."""

from datetime import timedelta

from tests.tools.conftest import START, Desk

HOUR = timedelta(hours=1)


async def test_a_note_superseded_from_its_beginning_on_can_still_be_tagged(desk: Desk) -> None:
    old = await desk.told("the old offer")
    earlier = (START - HOUR).isoformat()
    link = {"to": old, "relation": "supersedes"}
    await desk.told("the new offer", happened_at=earlier, links=[link])

    answer = await desk("update", note_id=old, tags=["offer"])

    assert answer["changed"] == {"tags": [[], ["offer"]]}


async def test_a_superseding_note_dated_ahead_takes_over_only_then(desk: Desk) -> None:
    old = await desk.told("the old offer")
    new = await desk.told("the new offer", links=[{"to": old, "relation": "supersedes"}])

    await desk("update", note_id=new, happened_at=(START + 5 * HOUR).isoformat())

    assert set(await desk.found(since="1970")) == {old, new}
    desk.later(hours=6)
    assert await desk.found(since="1970") == [new]
