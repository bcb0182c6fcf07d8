"""What was told later of the same thing comes first, without a word that something changed."""

import pytest
from tests.tools.conftest import Desk, notes

SHELVES = "The joiner Ferrand makes new shelves for the shop in solid oak"
GREY = "The joiner Ferrand lends the shop twelve grey shelves"
FAR = "Shelves in the shop are wet, and a van, two dogs, ten hens, oaks"
CACHE = "Redis is a cache and limiter in the kitchen, to us"
STAGING = "The staging database runs on Postgres 15, say Ferrand and Otto of the shop in Riga"
STAGING_LATER = (
    "Postgres 16.3 in two copies, say Ferrand and Otto of the shop in Riga, with a barn, a van, two"
    " dogs and ten hens"
)
SESSIONS = "To us in Riga a lake needs Redis"
ASKED = "Which shelves does the joiner Ferrand make for the shop?"


async def told(desk: Desk, *contents: str, **fields: object) -> list[str]:
    """Remember each in a session of its own, a day apart; the ids."""
    ids = list[str]()
    for content in contents:
        ids.append(await desk.told(content, session=f"session of {content}", **fields))
        desk.later(days=1)
    return ids


async def test_what_was_told_later_of_the_same_thing_comes_first(any_desk: Desk) -> None:
    older, newer = await told(any_desk, SHELVES, GREY)

    assert await any_desk.found(query=ASKED) == [newer, older]
    assert await any_desk.found(query=ASKED, limit=1) == [newer]


async def test_what_was_told_in_one_session_keeps_its_order(desk: Desk) -> None:
    first = await desk.told(SHELVES, session="one")
    second = await desk.told(GREY, session="one")

    assert await desk.found(query=ASKED) == [first, second]


BOOKS = (
    "Shelves of books, new jars, nails and paint fill what the joiner lent Ferrand: a barn, a van,"
    " two dogs, ten hens, a pond, a hill, an old mill, four oaks and the road to Riga"
)


@pytest.mark.parametrize("later", ["Ferrand has a new telephone", BOOKS])
async def test_what_speaks_of_something_else_does_not_come_first(desk: Desk, later: str) -> None:
    asked, other = await told(desk, SHELVES, later)

    assert await desk.found(query=ASKED) == [asked, other]


async def test_what_does_not_state_what_is_asked_for_by_name_does_not_come_first(
    desk: Desk,
) -> None:
    works, sings = await told(
        desk,
        "Ferrand works as a cook in the school beside the mill",
        "The mother of Ferrand sings in the school beside the mill",
    )

    assert await desk.found(query="What does Ferrand of the school do for a living?") == [
        works,
        sings,
    ]


async def test_whom_a_question_mentions_may_be_called_by_name_in_what_was_told_later(
    desk: Desk,
) -> None:
    asked = "In April, are Isla and Rory of Mill Lane with their father?"
    older, newer = await told(
        desk,
        "Isla and Rory of Mill Lane: their father Graham lives in Bath",
        "Isla and Rory of Mill Lane are with Graham",
    )

    assert await desk.found(query=asked) == [newer, older]


async def test_what_tells_alike_of_another_does_not_come_first(desk: Desk) -> None:
    wasps, bees = await told(desk, "The wasps live in the shed", "The bees live in the shed")

    assert await desk.found(query="Where do the wasps live?") == [wasps, bees]


async def test_what_matches_far_less_does_not_come_first(desk: Desk) -> None:
    flags = "Feature flags live in the table app_flags; the portal is shown to ten"
    portal = "The portal is shown to fifty of those who live in Riga"
    asked, later = await told(desk, flags, portal)

    assert await desk.found(query="Where do feature flags live?") == [asked, later]


async def test_what_is_less_near_to_the_question_does_not_come_first(desk: Desk) -> None:
    asked, later = await told(desk, SHELVES, FAR)

    assert await desk.found(query=ASKED) == [asked, later]


@pytest.mark.parametrize(
    ("subjects", "first"),
    [
        (("stg", "stg"), "later"),
        (("stg", "prod"), "earlier"),
        (("", ""), "earlier"),
        (("user", "user"), "earlier"),
    ],
)
async def test_what_is_less_near_comes_first_if_it_has_the_subject_of_the_same_thing(
    desk: Desk, subjects: tuple[str, str], first: str
) -> None:
    told_of = zip(subjects, (STAGING, STAGING_LATER), strict=True)
    ids = [(await told(desk, content, subject=subject))[0] for subject, content in told_of]

    found = await desk.found(query="What Postgres version does the staging database run on?")

    assert found[:2] == (ids[::-1] if first == "later" else ids)


async def test_another_value_of_the_same_thing_than_is_asked_for_does_not_come_first(
    desk: Desk,
) -> None:
    asked, price = await told(
        desk,
        "The boiler runs at 62 degrees in the winter",
        "The boiler costs 340 euros in the winter",
        subject="boiler",
    )

    found = await desk.found(query="How many degrees does the boiler run at in winter?")

    assert found == [asked, price]


async def test_of_a_subject_that_many_notes_have_what_is_less_near_does_not_come_first(
    desk: Desk,
) -> None:
    asked, later = await told(desk, STAGING, STAGING_LATER, subject="stg")
    await told(desk, *(f"Bees dance at {n}" for n in "abc"), subject="stg")

    found = await desk.found(query="What Postgres version does the staging database run on?")

    assert found[:2] == [asked, later]


async def test_what_has_only_a_name_in_common_does_not_come_first(desk: Desk) -> None:
    asked, later = await told(desk, CACHE, SESSIONS)

    assert await desk.found(query="What is Redis to us?") == [asked, later]


@pytest.mark.parametrize(
    "query",
    [
        "Which new shelves did the joiner Ferrand make for the shop at first?",
        "Which new shelves of Ferrand did the shop have before?",
        "Why did the joiner Ferrand make new shelves for the shop?",
    ],
)
async def test_what_was_is_asked_for_and_keeps_its_place(desk: Desk, query: str) -> None:
    older, _ = await told(desk, SHELVES, GREY)

    assert (await desk.found(query=query))[0] == older


async def test_of_two_tellings_the_earlier_comes_first_if_a_former_value_is_asked_for(
    desk: Desk,
) -> None:
    older, newer = await told(desk, GREY, SHELVES)

    assert await desk.found(query=ASKED) == [newer, older]
    before = "Which shelves did the joiner Ferrand make for the shop before?"
    assert await desk.found(query=before) == [older, newer]


async def test_what_was_told_later_comes_first_from_behind_another_note(desk: Desk) -> None:
    await desk.told("The shop in the lane is where the joiner Ferrand buys shelves", session="one")
    desk.later(days=1)
    shelves = "The joiner Ferrand makes shelves in {} for the shop"
    older, newer = await told(desk, f"{shelves.format('oak')} in the lane", shelves.format("pine"))

    found = await desk.found(query="What does the joiner Ferrand make for the shop in the lane?")

    assert found[:2] == [newer, older]


async def test_what_takes_effect_later_waits_until_then(desk: Desk) -> None:
    older = await desk.told(SHELVES, session="one")
    desk.later(days=1)
    newer = await desk.told(GREY, session="two", happened_at="2026-12-01")

    assert await desk.found(query=ASKED) == [older, newer]
    desk.later(days=14)
    assert await desk.found(query=ASKED) == [newer, older]


async def test_what_is_dated_later_comes_first_for_the_time_it_is_of(desk: Desk) -> None:
    older = await desk.told("Priya leads the checkout squad", session="one")
    desk.later(days=1)
    coming = "Aoife takes over from Priya as lead of the checkout squad on 1 December"
    newer = await desk.told(coming, session="two", happened_at="2026-12-01")

    for asked, first in (
        ("Who leads the checkout squad?", older),
        ("Who will lead the checkout squad in December?", newer),
        ("Who will be the lead of the checkout squad?", newer),
    ):
        assert (await desk.found(query=asked))[0] == first, asked


@pytest.mark.parametrize(
    "begins",
    [
        "From 11 January 2027",
        "Ab 11. Januar 2027",
        "À partir du 11 janvier 2027",
        "As of 11 January",
    ],
)
async def test_what_takes_effect_later_by_its_words_waits_until_then(
    desk: Desk, begins: str
) -> None:
    older, newer = await told(desk, SHELVES, f"{begins}: {GREY}")

    for asked in (ASKED, "Which shelves does the joiner Ferrand make for the shop at the moment?"):
        assert (await desk.found(query=asked))[0] == older, asked
    ahead = "Which shelves will the joiner Ferrand make for the shop?"
    assert (await desk.found(query=ahead))[0] == newer
    desk.later(days=60)
    assert (await desk.found(query=ASKED))[0] == newer


async def test_what_is_so_now_comes_before_what_takes_effect_later_and_says_more_of_it(
    desk: Desk,
) -> None:
    older, newer = await told(
        desk,
        "Samir goes to the Lessing school with Ana",
        "Starting 11 January 2027 Samir goes to school in the Werftweg",
    )

    assert await desk.found(query="Where does Samir go to school now?") == [older, newer]
    assert await desk.found(query="Where will Samir go to school?") == [newer, older]


async def test_what_becomes_otherwise_on_a_later_day_waits_until_then(desk: Desk) -> None:
    older, newer = await told(
        desk,
        SHELVES,
        "On 11 January 2027 the joiner Ferrand switches to shelves for the shop in grey",
    )
    then = "Which shelves will the joiner Ferrand make for the shop"

    for asked in (ASKED, f"{then} in December?"):
        assert await desk.found(query=asked) == [older, newer], asked
    for asked in (f"{then}?", f"{then} in February 2027?"):
        assert await desk.found(query=asked) == [newer, older], asked
    desk.later(days=60)
    assert await desk.found(query=ASKED) == [newer, older]


async def test_what_becomes_otherwise_at_the_end_of_the_month_waits_until_then(desk: Desk) -> None:
    older, newer = await told(
        desk,
        SHELVES,
        "At the end of the month the joiner Ferrand switches to shelves for the shop in grey",
    )

    assert await desk.found(query=ASKED) == [older, newer]
    desk.later(days=31)
    assert await desk.found(query=ASKED) == [newer, older]


async def test_the_new_day_of_an_event_to_come_does_not_wait(desk: Desk) -> None:
    older, newer = await told(
        desk,
        "Nina moves to the plant in Riga on 5 January 2027",
        "Nina moves to the plant in Riga on 9 February 2027",
    )

    assert await desk.found(query="When does Nina move to the plant in Riga?") == [newer, older]


async def test_of_two_that_take_effect_later_the_one_told_later_comes_first(desk: Desk) -> None:
    older, newer = await told(
        desk, f"From 4 January 2027: {SHELVES}", f"From 11 January 2027: {GREY}"
    )

    assert await desk.found(query=ASKED) == [newer, older]


async def test_where_people_talk_the_best_answer_stays_first(desk: Desk) -> None:
    talk = ["Shall we meet?", "Yes, at noon.", "Where do you live?", "In Riga.", "Do you ski?"]
    for number, said in enumerate(talk):
        await desk.told(said, session="talk", subject=("Ana", "Ben")[number % 2])
    (asked,) = await told(desk, SHELVES, subject="Ana")
    desk.later(days=1)
    await desk.told(GREY, session="later", subject="Ana")

    assert (await desk.found(query=ASKED))[0] == asked


async def test_no_note_comes_before_one_that_is_trusted_more(desk: Desk) -> None:
    (older,) = await told(desk, SHELVES)
    desk.later(days=1)
    await desk.told(GREY, session="later", source="https://example.org/shelves")

    assert (await desk.found(query=ASKED))[0] == older


async def test_a_change_that_is_told_comes_first_though_the_question_has_the_older_words(
    desk: Desk,
) -> None:
    older = await desk.told("Piano lesson with Rosenthal, on the quay, Mondays in the evening")
    newer = await desk.told("Rosenthal has moved the piano lesson to Tuesdays at noon")
    await desk.evolve()

    found = await desk.found(query="Which evening is the piano lesson on the quay?")

    assert found[:2] == [newer, older]


@pytest.mark.parametrize(
    ("asked", "older", "younger"),
    [
        ("Is Anna allergic to nuts?", "Anna is allergic to nuts", "Ben is allergic to nuts"),
        ("Is exit 12 closed?", "Exit 12 is closed for works", "Exit 14 is closed for works"),
        (
            "Which Postgres does the staging database run?",
            "The staging database runs Postgres 15",
            "The production database runs Postgres 16",
        ),
        (
            "What is leaking in the upper bathroom?",
            "The tap in the upper bathroom is leaking",
            "The shower in the lower bathroom is leaking",
        ),
        (
            "Welche Blätter bekommt das alte Saxofon?",
            "Das alte Saxofon bekommt Vandoren-Blätter",
            "Das neue Saxofon bekommt Rico-Blätter",
        ),
        ("小王喜欢喝什么茶？", "小王喜欢喝红茶", "小李喜欢喝绿茶"),
    ],
)
async def test_news_of_another_person_thing_or_number_does_not_come_first(
    desk: Desk, asked: str, older: str, younger: str
) -> None:
    right, other = await told(desk, older, younger)

    assert (await desk.found(query=asked))[0] == right
    assert (await desk.found(query=asked, limit=1)) == [right]
    assert other in await desk.found(query=younger)


async def test_whether_something_is_so_still_is_answered_by_what_was_told_later(
    desk: Desk,
) -> None:
    older, newer = await told(
        desk, "Zeb's bees live in hive 4 in Ulm", "Zeb's bees live in hive 7 in Ulm"
    )

    assert await desk.found(query="Do Zeb's bees still live in hive 4 in Ulm?") == [newer, older]
    assert await desk.found(query="What is in hive 4 in Ulm?") == [older, newer]


@pytest.mark.parametrize(
    ("open_task", "done", "whether", "of_it"),
    [
        (
            "MOB-877: offline scanning loses entries when more than 200 parcels are queued. Open.",
            "MOB-877: Beth put the scan queue into SQLite, merged on 13 November.",
            "Did we fix the scanning that loses entries with more than 200 parcels queued?",
            "How many parcels are queued when offline scanning loses entries?",
        ),
        (
            "MOB-877: beim Scannen ohne Netz gehen ab 200 Paketen Einträge verloren. Offen.",
            "MOB-877: Beth hat die Warteschlange auf SQLite umgestellt, am 13. November gemergt.",
            "Ist das Scannen ohne Netz, bei dem ab 200 Paketen Einträge verloren gehen, behoben?",
            "Ab wie vielen Paketen gehen beim Scannen ohne Netz Einträge verloren?",
        ),
    ],
)
async def test_whether_a_task_is_done_is_answered_by_what_tells_so(
    desk: Desk, open_task: str, done: str, whether: str, of_it: str
) -> None:
    older = await desk.told(open_task, kind="working", session="one")
    desk.later(days=1)
    newer = await desk.told(done, session="two")

    assert (await desk.found(query=whether))[0] == newer
    assert (await desk.found(query=of_it))[0] == older


async def test_a_note_that_is_only_dated_ahead_ranks_as_all_others(desk: Desk) -> None:
    await desk.told(GREY, happened_at="2026-11-01")
    ahead = await desk.told(SHELVES, happened_at="2026-12-01")

    assert (await desk.found(query=ASKED))[0] == ahead


async def test_a_change_of_one_part_comes_first_for_that_part_alone(desk: Desk) -> None:
    both = "The metrics endpoint is on port 9100, the dev server on port 8080."
    moved = "Moved the dev server from port 8080 to port 8090."
    await desk.told(both, happened_at="2026-11-13")
    for other in ("Ben repairs clocks", "Lunch is soup", "The lake froze"):
        await desk.told(other)
    await desk.told(moved, happened_at="2026-11-18")
    await desk.evolve()

    metrics = await desk("recall", query="Which port is the metrics endpoint on?")
    server = await desk("recall", query="Which port is the dev server on?")

    assert notes(metrics)[0]["content"] == both
    assert notes(server)[0]["content"] == moved


@pytest.mark.parametrize(
    ("query", "whole"),
    [
        ("On which weekday has Mila her piano lessons?", True),
        ("What do the piano lessons of Mila cost?", False),
    ],
)
async def test_a_change_comes_first_only_where_it_states_what_is_asked_for_by_name(
    any_desk: Desk, query: str, whole: bool
) -> None:
    lessons, price = await told(
        any_desk,
        "Mila has her piano lessons on Mondays at 17:00, £28 each.",
        "The piano lessons of Mila now cost £31 each.",
    )

    assert await any_desk.found(query=query) == ([lessons, price] if whole else [price, lessons])


async def test_a_change_told_in_other_words_than_a_place_has_still_comes_first(desk: Desk) -> None:
    mat, bridget = await told(
        desk,
        "The spare key of the studio is under the mat",
        "Bridget takes over the spare key of the studio from Ana",
    )

    assert await desk.found(query="Where is the spare key of the studio?") == [bridget, mat]


ORLA = "Orla takes the orders for food at the kitchen of the shop in Riga"
OTTO = "Otto takes the orders at the kitchen of the shop in Riga, by noon"


@pytest.mark.parametrize(
    ("question", "first"),
    [
        ("Who took the orders at the kitchen by noon before Otto?", "older"),
        ("Who took the orders at the kitchen by noon before Otto took over?", "older"),
        ("Who takes the orders for food at the kitchen?", "newer"),
    ],
)
async def test_what_came_in_place_of_what_is_asked_for_may_be_in_the_newer_note_alone(
    desk: Desk, question: str, first: str
) -> None:
    older, newer = await told(desk, ORLA, OTTO)

    found = await desk.found(query=question)

    assert found == ([older, newer] if first == "older" else [newer, older])


@pytest.mark.parametrize(
    ("question", "first"),
    [
        ("Who minded the money of the board before Sinead?", "older"),
        ("Who minded the money of the board before Otto?", "newer"),
    ],
)
async def test_what_a_named_successor_replaced_comes_first_from_behind_another_note(
    desk: Desk, question: str, first: str
) -> None:
    older, newer = await told(
        desk,
        "The treasurer, who minds it, is Ferrand of Riga",
        "The treasurer of the board, who minds its money, is Sinead of Riga",
        subject="treasurer",
    )
    (beside,) = await told(desk, "The board has money enough, say three in Riga")

    found = await desk.found(query=question)

    assert {*found} == {older, newer, beside}
    assert (found[0] == older) is (first == "older")


OFF = "The trip of Nina to Riga on 22 November 2026 is off, the host is ill"


@pytest.mark.parametrize(
    ("before", "plan", "first"),
    [
        (OFF, "The trip to Riga is on again: Nina goes on 7 December 2026", "newer"),
        (OFF, "From 7 December 2026 Nina has trips to Riga again", "older"),
        (OFF, "Nina has trips to Riga again", "older"),
        ("Nina has no trip to Riga", "7 December 2026: Nina has a trip to Riga", "older"),
        ("Nina has no trip to Riga", "Nina will be on a trip to Riga on 7 December 2026", "older"),
    ],
)
async def test_a_plan_holds_since_it_was_told_and_what_is_so_later_from_then_on(
    desk: Desk, before: str, plan: str, first: str
) -> None:
    older = await desk.told(before, session="one")
    desk.later(days=5)
    newer = await desk.told(
        plan,
        session="two",
        happened_at="2026-12-07",
        links=[{"to": older, "relation": "supersedes"}],
    )

    found = await desk.found(query="What of the trip of Nina to Riga: is the host ill?")

    assert found[:2] == ([newer, older] if first == "newer" else [older, newer])


async def test_notes_that_are_each_to_be_before_another_are_answered(desk: Desk) -> None:
    first = await desk.told("The budget of the trip is 900 euros", session="one")
    desk.later(days=1)
    second = await desk.told(
        "The budget of the trip is now 950 euros instead of 900", session="two"
    )
    desk.later(days=1)
    third = await desk.told(
        "The budget of the trip changed from 950 to 980 euros; it is paid on 7 December 2026",
        session="three",
        happened_at="2026-12-07",
        links=[{"to": first, "relation": "supersedes"}],
    )

    for question in ("What was the budget of the trip before?", "What is the budget of the trip?"):
        assert {*await desk.found(query=question)} == {first, second, third}


CLIMBING = "Nina climbs with Lucie on Tuesdays at 19:00, in the hall at Gerland"
CLIMBING_LATER = "Nina climbs with Lucie on Thursdays at 19:00, in the hall at Gerland"
CLIMBING_ELSEWHERE = "Nina climbs with Lucie in the hall at Vaise, on Thursdays as ever"


async def test_what_took_the_place_of_the_later_of_a_pair_comes_before_the_older(
    any_desk: Desk,
) -> None:
    """Nobody settled that Tuesday became Thursday, and then the hall changed."""
    tuesday, thursday = await told(any_desk, CLIMBING, CLIMBING_LATER, subject="climbing")
    await any_desk.evolve()
    elsewhere = await any_desk.told(
        CLIMBING_ELSEWHERE, links=[{"to": thursday, "relation": "supersedes"}]
    )

    found = await any_desk.found(query="When and where does Nina climb with Lucie?")

    assert found.index(elsewhere) < found.index(tuesday)


async def test_what_happens_on_the_first_day_of_something_is_no_former_value(desk: Desk) -> None:
    first = await desk.told("The tilers begin in the kitchen on Friday 27 November")
    now = await desk.told(
        "The tilers begin in the kitchen on Tuesday 1 December",
        links=[{"to": first, "relation": "supersedes"}],
    )

    found = await desk.found(query="Which day is the first day of the tilers in the kitchen?")

    assert found[0] == now


async def test_what_was_told_later_of_a_subject_of_few_notes_comes_first_from_further_behind(
    desk: Desk,
) -> None:
    await told(
        desk,
        *(
            f"Orders of the {room} beside the kitchen go to Otto by noon"
            for room in ("office", "shop", "mill", "barn", "school")
        ),
    )
    (ferrand,) = await told(desk, "Orders of the kitchen go to Ferrand by noon", subject="kitchen")
    (nina,) = await told(desk, "Orders of the kitchen go to Nina by ten", subject="kitchen")

    found = await desk.found(query="To whom do orders of the kitchen go by noon?")

    assert found[:2] == [nina, ferrand]


@pytest.mark.parametrize(
    ("older", "newer", "question"),
    [
        (
            "Ana takes 5 mg of ramipril in the morning.",
            "Ana now also takes 10 mg of amlodipine in the evening.",
            "Which dose of ramipril does Ana take?",
        ),
        (
            "Set MAX_CONN=50 in the staging config.",
            "Set MAX_CONN=200 in the production config now.",
            "What is MAX_CONN in staging?",
        ),
    ],
)
async def test_a_number_told_now_of_another_thing_neither_comes_first_nor_supersedes(
    desk: Desk, older: str, newer: str, question: str
) -> None:
    ids = await told(desk, older, newer)

    shown = notes(await desk("recall", query=question))

    assert [note["note_id"] for note in shown] == ids
    assert "superseded_by" not in str(shown)


async def test_a_change_of_who_is_in_charge_comes_first_in_whatever_words_it_is_asked_for(
    desk: Desk,
) -> None:
    bob = await desk.told("Bob owns the deploy pipeline", session="one")
    desk.later(hours=1)
    carla = await desk.told("The deploy pipeline belongs to Carla from today", session="one")

    found = await desk.found(query="Who owns the deploy pipeline?")

    assert found[:2] == [carla, bob]
