"""Plans that are dated ahead: what was told of one last is what holds, however early its day."""

import pytest
from tests.time_zones import living_in
from tests.tools.conftest import Desk, Refused, contents, ids, notes, pick

# The tests' clock starts on 20 November 2026.
FIRST = ("The party at the climbing hall is on Saturday 19 December, 12 children", "2026-12-19")
EARLIER = ("The party at the climbing hall moved to Friday 18 December, 10 children", "2026-12-18")
LATER = ("The party at the climbing hall moved to Monday 21 December, 10 children", "2026-12-21")
ASKED = "When is the party at the climbing hall?"


async def told_twice(desk: Desk, content: str, day: str) -> tuple[str, dict[str, object]]:
    """Tell a plan and, days later, that it has another day: the first id, the second answer."""
    first = await desk.told(FIRST[0], happened_at=FIRST[1], subject="party", session="one")
    desk.later(days=3)
    return first, await desk(
        "remember", content=content, happened_at=day, subject="party", session="two"
    )


@pytest.mark.parametrize(("content", "day"), [EARLIER, LATER])
async def test_a_plan_told_anew_is_offered_to_replace_the_one_told_before(
    any_desk: Desk, content: str, day: str
) -> None:
    first, answer = await told_twice(any_desk, content, day)

    assert pick(answer, "candidates", 0, "note_id") == first
    assert str(pick(answer, "candidates", 0, "settle")).startswith(
        f'changed: update(note_id="{answer["note_id"]}", links=[{{"to": "{first}", "relation":'
        ' "supersedes"}])'
    )


@pytest.mark.parametrize(("content", "day"), [EARLIER, LATER])
@pytest.mark.parametrize("evolved", [False, True])
async def test_the_plan_told_last_comes_first(
    any_desk: Desk, content: str, day: str, evolved: bool
) -> None:
    first, answer = await told_twice(any_desk, content, day)
    if evolved:
        await any_desk.evolve()

    assert await any_desk.found(query=ASKED) == [answer["note_id"], first]


async def test_what_holds_is_the_same_after_the_days_are_over(desk: Desk) -> None:
    first, answer = await told_twice(desk, *EARLIER)
    await desk.evolve()
    desk.later(days=60)
    await desk.evolve()

    assert await desk.found(query=ASKED) == [answer["note_id"], first]


async def test_without_a_word_of_change_a_plan_told_last_comes_first(desk: Desk) -> None:
    dinner = await desk.told(
        "Company dinner of the Palau office: Friday 11 December, 22 people, menu at 38 euros",
        happened_at="2026-12-11",
        session="one",
    )
    desk.later(days=8)
    people = await desk.told(
        "Company dinner of the Palau office: menu at 38 euros, a glass of cava, 26 people",
        session="two",
    )

    assert ids(
        await desk(
            "recall", query="How many people come to the company dinner of the Palau office?"
        )
    ) == [
        people,
        dinner,
    ]


async def test_a_note_updated_to_today_is_not_replaced_by_one_of_last_year(desk: Desk) -> None:
    port = await desk.told("The API listens on port 8080", subject="API", session="one")
    desk.later(days=30)
    await desk.told("The gateway speaks to the cache", subject="gateway", session="two")
    desk.later(days=30)
    await desk(
        "update",
        note_id=port,
        content="The API listens on port 9090",
        happened_at=desk.now.date().isoformat(),
    )
    desk.later(days=1)

    told = await desk(
        "remember",
        content="The API listened on port 8000",
        subject="API",
        happened_at="2026-12-05",
        session="three",
    )

    assert f'update(note_id="{port}", links=[{{"to": "{told["note_id"]}"' in str(
        pick(told, "candidates", 0, "settle")
    )


async def test_a_plan_put_in_before_another_is_replaced_by_it_on_its_day(any_desk: Desk) -> None:
    shop = await any_desk.told("The shop opens at 8.", happened_at="2026-01-01")

    async def planned(opens: str, day: str) -> str:
        content = f"The shop opens at {opens}."
        answer = await any_desk("update", note_id=shop, content=content, happened_at=day)
        return str(answer["successor"])

    nine = await planned("9", "2027-02-01")
    ten = await planned("10", "2027-04-01")
    eleven = await planned("11", "2027-03-10")

    over = {shop}
    for day, holds in (("2027-02-20", nine), ("2027-03-20", eleven), ("2027-04-20", ten)):
        found = await any_desk.found(query="When does the shop open?", as_of=day)
        assert found[0] == holds, day
        assert over.isdisjoint(found), day
        over.add(holds)


async def test_a_forgotten_plan_leaves_no_gap_before_the_next_one(desk: Desk) -> None:
    mira = await desk.told("The on-call engineer is Mira.", happened_at="2026-10-01")
    pavel = await desk(
        "update", note_id=mira, content="The on-call engineer is Pavel.", happened_at="2026-12-07"
    )
    await desk(
        "update", note_id=mira, content="The on-call engineer is Sofia.", happened_at="2026-12-14"
    )

    await desk("forget", note_ids=[pavel["successor"]])

    async def on_call(day: str) -> object:
        return contents(await desk("recall", query="Who is the on-call engineer?", as_of=day))[0]

    assert await on_call("2026-12-10") == "The on-call engineer is Mira."
    assert await on_call("2026-12-20") == "The on-call engineer is Sofia."


@pytest.mark.parametrize("other", ["", "Port 8080 is what the API server uses"])
async def test_a_plan_that_was_told_before_takes_the_place_of_the_note_updated_to_it(
    desk: Desk, other: str
) -> None:
    """`remember` answers with what is known; the update still is to end the older note."""
    planned = {"content": "The API listens on port 9090", "happened_at": "2026-12-01"}
    port = await desk.told("The API listens on port 8080")
    if other:
        await desk("update", note_id=await desk.told(other), **planned)
    else:
        await desk("remember", **planned)

    answer = await desk("update", note_id=port, **planned)

    assert pick(answer, "changed", "valid_until", 1) == "2026-12-01T00:00:00Z"
    desk.later(days=30)
    assert contents(await desk("recall", query="Which port does the API listen on?")) == [
        planned["content"]
    ]


async def test_new_words_of_a_note_that_a_plan_has_replaced_are_a_correction(desk: Desk) -> None:
    port = await desk.told("The API listens on port 8080")
    planned = "The API listens on port 9090"
    await desk("update", note_id=port, content=planned, happened_at="2026-12-01")
    desk.later(days=20)

    answer = await desk("update", note_id=port, content="The API listens on port 8443")

    assert answer["state"] == "superseded"
    assert str(answer["notice"]).startswith("Taken as a correction of what was")
    told = contents(await desk("recall", query="Which port does the API listen on?"))
    assert told[0] == planned


@pytest.mark.parametrize("when", ["today", "2026-11-21"])
async def test_what_holds_from_today_on_the_wall_on_holds_at_once(desk: Desk, when: str) -> None:
    """In Auckland it is the 21st from 11 o'clock in UTC on."""
    with living_in("Pacific/Auckland"):
        gate = await desk.told("The gate code is 4711")
        key = await desk.told("Ben has the key to the shed")
        answer = await desk(
            "update", note_id=gate, content="The gate code is 1234", happened_at=when
        )
        await desk(
            "remember",
            content="Carla has the key to the shed",
            happened_at=when,
            links=[{"to": key, "relation": "supersedes"}],
        )

        assert "successor" not in answer
        told = contents(await desk("recall"))
    assert {*told} == {"The gate code is 1234", "Carla has the key to the shed"}


@pytest.mark.parametrize(
    ("way", "day", "floor"),
    [("update", "2026-12-23", 3), ("link", "2026-12-23", 3), ("moved", "2026-12-05", 9)],
)
async def test_a_plan_that_would_end_before_it_begins_is_refused_and_what_was_told_stays(
    desk: Desk, way: str, day: str, floor: int
) -> None:
    room = await desk.told("The meeting room is on floor 3")
    planned = {
        "content": "The meeting room is on floor 9",
        "happened_at": "2026-12-22",
        "valid_until": "2026-12-10",
    }
    with pytest.raises(Refused, match=r"2026-12-10T23:59:59Z is not after 2026-12-22T00:00:00Z"):
        if way == "update":
            await desk("update", note_id=room, **planned)
        elif way == "link":
            await desk("remember", **planned, links=[{"to": room, "relation": "supersedes"}])
        else:
            plan = await desk("update", note_id=room, **planned | {"happened_at": "2026-12-01"})
            await desk("update", note_id=plan["successor"], happened_at="2026-12-22")

    answer = await desk("recall", query="On which floor is the meeting room?", as_of=day)
    assert contents(answer) == [f"The meeting room is on floor {floor}"]


@pytest.mark.parametrize("end", [{}, {"valid_until": "2027-01-31"}, {"valid_until": ""}])
async def test_a_plan_is_not_moved_beyond_the_day_when_another_one_replaces_it(
    desk: Desk, end: dict[str, str]
) -> None:
    room = await desk.told("The meeting room is on floor 3")
    plan, _ = [
        (
            await desk(
                "update",
                note_id=room,
                content=f"The meeting room is on floor {floor}",
                happened_at=day,
            )
        )["successor"]
        for floor, day in ((9, "2026-12-01"), (5, "2026-12-10"))
    ]

    with pytest.raises(Refused, match="A newer note takes its place then: move or forget that one"):
        await desk("update", note_id=plan, happened_at="2026-12-22", **end)

    answer = await desk("recall", query="On which floor is the meeting room?", as_of="2026-12-05")
    assert contents(answer)[0] == "The meeting room is on floor 9"


async def test_what_replaces_nothing_may_be_so_only_until_before_it_happens(desk: Desk) -> None:
    answer = await desk(
        "remember",
        content="Tickets for the concert can be bought",
        happened_at="2026-12-20",
        valid_until="2026-12-10",
    )

    assert answer["valid_until"] == "2026-12-10T23:59:59Z"


async def test_a_plan_that_was_told_before_gets_what_else_the_update_says(desk: Desk) -> None:
    planned = {"content": "The API listens on port 9090", "happened_at": "2026-12-01"}
    port = await desk.told("The API listens on port 8080")
    await desk("remember", **planned)

    answer = await desk("update", note_id=port, **planned, tags=["net"], valid_until="2027-02-01")

    [shown] = notes(await desk("recall", note_ids=[str(answer["successor"])], detail="full"))
    assert (shown["tags"], shown["valid_until"]) == (["net"], "2027-02-01T23:59:59Z")


async def test_a_revision_seen_before_a_plans_day_came_is_still_the_last_that_was_told(
    desk: Desk,
) -> None:
    port = await desk.told("The API listens on port 8080")
    await desk(
        "update", note_id=port, content="The API listens on port 9090", happened_at="2026-12-01"
    )
    [seen] = notes(await desk("recall", note_ids=[port], detail="full"))
    desk.later(days=20)

    answer = await desk(
        "update", note_id=port, content="The API listens on 8443", expected_rev=seen["rev"]
    )

    assert answer["state"] == "superseded"


async def test_what_is_so_until_today_may_be_told_in_the_evening_of_the_west(desk: Desk) -> None:
    with living_in("America/Los_Angeles"):
        desk.later(hours=14)  # 18:00 of the 20th there
        answer = await desk("remember", content="The canteen is closed", valid_until="today")
    assert answer["valid_until"] == "2026-11-21T23:59:59Z"


@pytest.mark.parametrize(
    ("when", "happened_at"),
    [
        ("today at 9am", "2026-11-20T09:00:00Z"),
        ("today at 9 in the morning", "2026-11-20T09:00:00Z"),
        ("yesterday at 3pm", "2026-11-19T15:00:00Z"),
        ("2 days ago at 3pm", "2026-11-18T15:00:00Z"),
        ("tomorrow at 8am", "2026-11-21T08:00:00Z"),
        ("in 2 hours", "2026-11-21T04:00:01Z"),
        ("2026-11-21T01:30", "2026-11-21T01:30:00Z"),
    ],
)
async def test_a_time_of_a_day_in_words_is_of_the_day_on_the_wall(
    desk: Desk, when: str, happened_at: str
) -> None:
    with living_in("America/Los_Angeles"):
        desk.later(hours=14)  # 18:00 of the 20th there
        answer = await desk("remember", content="The plumber rang", happened_at=when)
    assert answer["happened_at"] == happened_at


async def test_an_hour_without_a_day_is_the_last_one_before_now(desk: Desk) -> None:
    with living_in("Pacific/Auckland"):
        desk.later(hours=14)  # 15:00 of the 21st there, 02:00 of the 21st in UTC
        answer = await desk("remember", content="The plumber rang", happened_at="2pm")
    assert answer["happened_at"] == "2026-11-20T14:00:00Z"


async def test_an_hour_of_yesterday_ends_what_was_so_until_then(desk: Desk) -> None:
    with living_in("America/Los_Angeles"):
        desk.later(hours=14)  # 18:00 of the 20th there
        answer = await desk(
            "remember",
            content="The plumber is here",
            happened_at="2026-11-18",
            valid_until="yesterday at 3pm",
        )
    assert answer["valid_until"] == "2026-11-19T15:00:00Z"


async def test_what_is_so_until_today_ends_with_the_day_on_the_wall(desk: Desk) -> None:
    with living_in("Pacific/Auckland"):
        answer = await desk(
            "remember", content="The canteen is closed", happened_at="today", valid_until="today"
        )
    assert (answer["happened_at"], answer["valid_until"]) == (
        "2026-11-21T00:00:00Z",
        "2026-11-21T23:59:59Z",
    )


@pytest.mark.parametrize("day", ["2026-12-10", "2026-11-25"])
async def test_a_plan_told_again_in_its_words_for_another_day_gets_that_day(
    desk: Desk, day: str
) -> None:
    port = await desk.told("The API listens on port 8080")
    planned = "The API listens on port 9090"
    await desk("update", note_id=port, content=planned, happened_at="2026-12-01")

    answer = await desk("update", note_id=port, content=planned, happened_at=day)

    assert pick(answer, "changed", "valid_until", 1) == f"{day}T00:00:00Z"
    desk.later(days=13)  # 3 December
    told = contents(await desk("recall", query="Which port does the API listen on?"))
    assert (told[0] == planned) is (day < "2026-12")
    desk.later(days=30)
    told = contents(await desk("recall", query="Which port does the API listen on?"))
    assert told == [planned]


async def test_what_was_told_for_today_ahead_of_utc_moves_with_its_date(desk: Desk) -> None:
    with living_in("Pacific/Auckland"):
        ben = await desk.told("Ben has the key to the shed", happened_at="2026-10-01")
        carla = await desk.told(
            "Carla has the key to the shed",
            happened_at="today",
            links=[{"to": ben, "relation": "supersedes"}],
        )

        await desk("update", note_id=carla, happened_at="2026-11-10")

        [shown] = notes(await desk("recall", note_ids=[ben], detail="full"))
    assert shown["valid_until"] == "2026-11-10T00:00:00Z"
