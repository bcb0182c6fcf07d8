"""Two clocks: what the state machine has found and what was mended since."""

from datetime import timedelta

import anyio
import pytest
from tests.tools.conftest import START, Desk, Refused, notes, pick

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


async def test_a_late_arrival_holds_from_its_date_on_and_ends_what_it_overtook(desk: Desk) -> None:
    """Of two dated updates the one told last counts, and every look back says the same end."""
    note = await desk.told("Kim lives in Paris", happened_at="2026-01-10")
    await desk("update", note_id=note, content="Kim lives in Lyon", happened_at="2026-03-01")
    late = await desk("update", note_id=note, content="Kim lives in Rome", happened_at="2026-02-01")
    last = await desk("update", note_id=note, content="Kim lives in Oslo", happened_at="2026-09-01")

    assert 'restore_rev=2), then remember(…, happened_at="2026-02-01' in str(late["notice"])
    assert "notice" not in last
    then = {
        day: pick(await desk("recall", note_ids=[note], as_of=day), "notes", 0)
        for day in ("2026-01-15", "2026-02-15", "2026-03-15", "2026-10-01")
    }

    assert [pick(shown, "content") for shown in then.values()] == [
        "Kim lives in Paris",
        "Kim lives in Rome",
        "Kim lives in Rome",
        "Kim lives in Oslo",
    ]
    assert str(pick(then["2026-01-15"], "valid_until")).startswith("2026-02-01")
    assert str(pick(then["2026-02-15"], "valid_until")).startswith("2026-09-01")
    assert str(pick(then["2026-03-15"], "valid_until")).startswith("2026-09-01")


async def test_a_corrected_date_moves_the_end_of_what_was_true_before(desk: Desk) -> None:
    note = await desk.told("Lea lives in Paris", happened_at="2026-01-10")
    await desk("update", note_id=note, content="Lea lives in Lyon", happened_at="2026-03-01")
    await desk("update", note_id=note, happened_at="2026-04-01", correction=True)

    for day in ("2026-01-15", "2026-03-15"):
        shown = pick(await desk("recall", note_ids=[note], as_of=day), "notes", 0)
        assert pick(shown, "content") == "Lea lives in Paris"
        assert str(pick(shown, "valid_until")).startswith("2026-04-01")


async def test_an_update_of_a_time_to_come_takes_effect_then(desk: Desk) -> None:
    old = await desk.told("Standup is at nine", subject="team")

    answer = await desk(
        "update", note_id=old, content="Standup is at ten", happened_at="2026-12-01"
    )
    new = str(answer["successor"])

    assert pick(answer, "changed", "valid_until") == [None, "2026-12-01T00:00:00Z"]
    # As often as not the later note would come first: the words match alike.
    assert await desk.found(query="When is standup? At ten?") == [old, new]
    assert (await desk.found(query="When is the next standup?"))[0] == new
    again = await desk("update", note_id=old, content="Standup is at ten", happened_at="2026-12-01")
    assert again["successor"] == new
    desk.later(days=14)
    assert await desk.found(query="When is standup?") == [new]
    assert old in await desk.found(query="When is standup?", as_of="2026-11-25")
    [shown] = notes(await desk("recall", note_ids=[new]))
    assert shown["subject"] == "team"


@pytest.mark.parametrize("removed", [True, False])
async def test_words_of_a_time_to_come_take_out_no_link(desk: Desk, removed: bool) -> None:
    old = await desk.told("the old offer")
    tie = {"to": old, "relation": "supersedes"}
    new = await desk.told("the new offer", links=[tie])
    links = [{**tie, "remove": True}] if removed else []

    with pytest.raises(Refused, match="in a call of its own"):
        await desk("update", note_id=new, content="no offer", happened_at="2026-12-01", links=links)

    assert await desk.found(since="1970") == [new]
    await desk("update", note_id=new, links=links)
    assert set(await desk.found(since="1970")) == {old, new}


async def _planned(desk: Desk, note_id: str, content: str, day: str) -> str:
    answer = await desk("update", note_id=note_id, content=content, happened_at=day)
    return str(answer["successor"])


async def test_of_two_plans_for_one_day_the_one_told_last_counts(desk: Desk) -> None:
    old = await desk.told("The rent is 900 euros", subject="flat")

    first = await _planned(desk, old, "The rent is 950 euros", "2026-12-01")
    last = await _planned(desk, old, "The rent is 970 euros", "2026-12-01")

    assert first == last
    coming = notes(await desk("recall", query="What is the rent?"))
    assert [n["content"] for n in coming] == ["The rent is 900 euros", "The rent is 970 euros"]
    desk.later(days=30)
    [standing] = notes(await desk("recall", query="What is the rent?"))
    assert standing["content"] == "The rent is 970 euros"


async def test_two_plans_for_one_day_told_at_once_are_one(desk: Desk) -> None:
    old, told = await desk.told("The rent is 900 euros", subject="flat"), list[str]()

    async def plan(content: str) -> None:
        told.append(await _planned(desk, old, content, "2026-12-01"))

    async with anyio.create_task_group() as both:
        both.start_soon(plan, "The rent is 950 euros")
        both.start_soon(plan, "The rent is 970 euros")

    assert len(set(told)) == 1
    assert await desk.found(query="What is the rent?") == [old, told[0]]


async def test_a_restore_of_a_note_with_a_plan_says_the_call_that_takes_the_plan_back(
    desk: Desk,
) -> None:
    old = await desk.told("The rent is 900 euros", subject="flat")
    new = await _planned(desk, old, "The rent is 950 euros", "2026-12-01")

    answer = await desk("update", note_id=old, restore_rev=1)

    assert f'forget(note_ids=["{new}"]) takes that back' in str(answer["notice"])
    await desk("forget", note_ids=[new])
    assert "notice" not in await desk("update", note_id=old, restore_rev=1)
    desk.later(days=30)
    [standing] = notes(await desk("recall", query="What is the rent?"))
    assert (standing["content"], standing.get("valid_until")) == ("The rent is 900 euros", None)


async def test_a_plan_for_a_later_day_follows_the_one_before(desk: Desk) -> None:
    old = await desk.told("The rent is 900 euros", subject="flat")
    first = await _planned(desk, old, "The rent is 950 euros", "2026-12-01")
    last = await _planned(desk, old, "The rent is 970 euros", "2027-01-01")

    desk.later(days=20)
    assert await desk.found(query="What is the rent?") == [first, last]
    desk.later(days=40)
    assert await desk.found(query="What is the rent?") == [last]


async def test_a_new_day_of_an_appointment_replaces_the_old_one_at_once(desk: Desk) -> None:
    told = await desk.told("The dentist is on 3 December", happened_at="2026-12-03")

    answer = await desk(
        "update", note_id=told, content="The dentist is on 10 December", happened_at="2026-12-10"
    )

    assert "successor" not in answer
    [shown] = notes(await desk("recall", query="When is the dentist?"))
    assert shown["content"] == "The dentist is on 10 December"


CROWN = "Dentist this morning: a filling is cracked. Crown appointment on 3 December at one."
CROWN_LATER = "Crown: 10 December at a quarter past eight, same dentist."


async def _standing(desk: Desk, query: str) -> list[str]:
    """Ids of the notes of an answer that nothing supersedes."""
    found = notes(await desk("recall", query=query))
    return [str(note["note_id"]) for note in found if note.get("state") != "superseded"]


async def test_an_appointment_told_in_place_of_another_replaces_it_at_once(desk: Desk) -> None:
    told = await desk.told(CROWN)
    later = await desk.told(
        CROWN_LATER,
        happened_at="2026-12-10",
        links=[{"to": told, "relation": "supersedes"}],
    )

    assert await _standing(desk, "When is my crown?") == [later]


async def test_a_settled_appointment_replaces_the_old_one_at_once(desk: Desk) -> None:
    told = await desk.told(CROWN)
    later = await desk.told(CROWN_LATER, happened_at="2026-12-10")
    assert await _standing(desk, "When is my crown?") == [told, later]

    await desk("update", note_id=later, links=[{"to": told, "relation": "supersedes"}])

    assert await _standing(desk, "When is my crown?") == [later]


async def test_an_appointment_told_without_its_date_is_moved_at_once(desk: Desk) -> None:
    told = await desk.told(CROWN)

    answer = await desk("update", note_id=told, content=CROWN_LATER, happened_at="2026-12-10")

    assert "successor" not in answer
    [shown] = notes(await desk("recall", query="When is my crown?"))
    assert shown["content"] == CROWN_LATER


async def test_a_habit_holds_until_the_day_on_which_it_changes(desk: Desk) -> None:
    told = await desk.told("Standup is at 9:30 on Mondays")
    moved = await desk.told(
        "Standup moves to 10:00 on 7 December",
        happened_at="2026-12-07",
        links=[{"to": told, "relation": "supersedes"}],
    )

    assert set(await _standing(desk, "When is standup?")) == {told, moved}
    desk.later(days=30)
    assert await _standing(desk, "When is standup?") == [moved]


async def test_two_moments_of_one_second_are_told_apart(desk: Desk) -> None:
    note = await desk.told("Kim lives in Paris", happened_at="2026-05-01T10:00:00.2Z")

    answer = await desk("update", note_id=note, happened_at="2026-05-01T10:00:00.5Z")

    assert pick(answer, "changed", "happened_at") == [
        "2026-05-01T10:00:00.200000Z",
        "2026-05-01T10:00:00.500000Z",
    ]
