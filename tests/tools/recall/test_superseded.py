"""What a superseded note told besides is found behind the note in its place."""

from datetime import timedelta

import pytest
from mcp import Client
from tests.tools.conftest import START, Desk, notes, pick

from zettel.server.protocol.server import ClientDefaults, create_server

OLD = "Feature flags live in config/flags.toml; the rollout percentage of search is 20"
NEW = "The rollout percentage of search is 50 now"
LOST = "Where do the feature flags live?"
CHANGED = "What is the rollout percentage of search?"


async def told_others(desk: Desk) -> None:
    """Notes on other things."""
    for content in (
        "The pottery class starts on Monday",
        "Lentils need cumin and salt",
        "Ada likes green tea",
        "Bus 7 leaves at noon",
        "Rent is due on the first",
        "The piano was tuned in March",
    ):
        await desk.told(content)


async def superseded(desk: Desk, old: str = OLD, new: str = NEW, **more: object) -> tuple[str, str]:
    """Ids of a note and of the one that supersedes it, told among others."""
    await told_others(desk)
    older = await desk.told(old, **more)
    newer = await desk.told(new, links=[{"to": older, "relation": "supersedes"}])
    return older, newer


async def test_another_fact_of_a_superseded_note_is_found_behind_the_newer_note(desk: Desk) -> None:
    older, newer = await superseded(desk)

    answer = await desk("recall", query=LOST)

    assert answer["verdict"] == "found"
    assert [note["note_id"] for note in notes(answer)[:2]] == [newer, older]
    assert pick(answer, "notes", 1, "state") == "superseded"
    assert pick(answer, "notes", 1, "links", 0) == {"note_id": newer, "relation": "superseded_by"}
    assert "state" not in notes(answer)[0]


@pytest.mark.parametrize("detail", ["index", "full"])
async def test_every_detail_says_that_the_older_note_is_superseded(desk: Desk, detail: str) -> None:
    older, newer = await superseded(desk)

    first, second = notes(await desk("recall", query=LOST, detail=detail))[:2]

    assert (first["note_id"], second["note_id"]) == (newer, older)
    assert second["state"] == "superseded"


async def test_a_superseded_note_adds_nothing_where_the_newer_one_answers(desk: Desk) -> None:
    older, newer = await superseded(desk)

    found = await desk.found(query=CHANGED)

    assert found[0] == newer
    assert older not in found


async def test_a_superseded_note_that_matches_as_well_as_the_newer_adds_nothing(desk: Desk) -> None:
    older, newer = await superseded(desk, old="The rollout percentage of search is 20")

    found = await desk.found(query=CHANGED)

    assert found[0] == newer
    assert older not in found


async def test_a_word_that_only_the_superseded_note_has_is_enough(desk: Desk) -> None:
    older, newer = await superseded(
        desk, old="The rollout percentage of search is 20, its owner Priya"
    )

    found = await desk.found(query="Who is the owner of the rollout percentage of search?")

    assert found[:2] == [newer, older]


async def test_a_superseded_note_that_is_much_nearer_is_found(desk: Desk) -> None:
    older, newer = await superseded(
        desk,
        old="The rollout percentage of search is 20",
        new="After a long meeting with Priya and Tomas about the roadmap of the winter, nobody"
        " knows the rollout percentage of search, which was to be told by the vendor by Friday",
    )

    found = await desk.found(query=CHANGED)

    assert found[:2] == [newer, older]


@pytest.mark.parametrize(
    "query", ["When does Leo see the dentist Wu?", "Wann muss Leo zu Wu?", "Leo's date at Wu"]
)
async def test_one_of_two_dates_is_found_though_the_note_with_the_others_change_is_no_nearer(
    desk: Desk, query: str
) -> None:
    await desk.told("Leo likes to see the clouds, and the dentist's fish")
    older, newer = await superseded(
        desk,
        old="Dentist Wu: Mia 3 May 9:00, Leo 5 May 10:00",
        new="Dentist Wu: Mia's date on 3 May is cancelled, 9 May 11:00 instead",
    )

    found = await desk.found(query=query)

    assert found.index(newer) < found.index(older)


async def test_an_answer_does_not_grow_by_a_superseded_note(desk: Desk) -> None:
    await told_others(desk)
    older = await desk.told(OLD)
    before = len(await desk.found(query=LOST))

    await desk.told(NEW, links=[{"to": older, "relation": "supersedes"}])

    found = await desk.found(query=LOST)
    assert older in found
    assert len(found) == before


async def test_a_limit_of_one_shows_what_answers_and_a_line_of_the_newer(desk: Desk) -> None:
    older, newer = await superseded(desk)

    answer = await desk("recall", query=LOST, limit=1)

    [note] = notes(answer)
    assert note["note_id"] == older
    assert pick(note, "links", 0, "note_id") == newer
    assert NEW in str(pick(note, "links", 0, "line"))


@pytest.mark.parametrize("limit", [1, 2, 3])
async def test_pages_leave_out_no_current_note_and_come_to_an_end(desk: Desk, limit: int) -> None:
    older, newer = await superseded(desk)
    current = {*await desk.found(query=LOST, limit=20)} - {older}

    answer = await desk("recall", query=LOST, limit=limit)
    texts = [str(answer)]
    while "omitted" in answer:
        answer = await desk("recall", cursor=pick(answer, "omitted", "cursor"), limit=limit)
        texts.append(str(answer["notes"]))
        assert len(texts) < 20

    assert {i for i in current if i in "".join(texts)} == current
    assert sum(f"'note_id': '{newer}', 'happened_at'" in text for text in texts) == (limit > 1)
    assert "".join(texts).count(f"'note_id': '{older}', 'happened_at'") == 1


async def test_the_last_of_several_takes_the_place_of_the_first(desk: Desk) -> None:
    older, between = await superseded(desk)
    last = await desk.told(
        "Search is rolled out to 80 percent", links=[{"to": between, "relation": "supersedes"}]
    )

    found = await desk("recall", query=LOST)

    assert [note["note_id"] for note in notes(found)[:2]] == [last, older]
    assert pick(found, "notes", 1, "links", 0, "note_id") == last
    assert between not in str(found)


async def test_a_note_whose_end_was_set_ahead_is_found_once_it_is_over(desk: Desk) -> None:
    await told_others(desk)
    older = await desk.told(OLD)
    newer = await desk.told(
        NEW,
        happened_at=(START + timedelta(hours=5)).isoformat(),
        links=[{"to": older, "relation": "supersedes"}],
    )
    desk.later(hours=6)

    answer = await desk("recall", query=LOST)

    assert [note["note_id"] for note in notes(answer)[:2]] == [newer, older]
    assert pick(answer, "notes", 1, "state") == "superseded"


async def test_what_would_be_over_anyhow_stays_away(desk: Desk) -> None:
    older, _ = await superseded(desk, valid_until="2026-11-21")
    assert older in await desk.found(query=LOST)

    desk.later(days=3)

    assert older not in await desk.found(query=LOST)


async def test_a_forgotten_note_stays_away(desk: Desk) -> None:
    older, newer = await superseded(desk)
    assert older in await desk.found(query=LOST)

    await desk("forget", note_ids=[older])

    answer = await desk("recall", query=LOST)
    assert older not in str(answer)
    assert pick(answer, "notes", 0, "note_id") != newer


async def test_a_superseded_note_stays_away_where_the_newer_one_does_not_match_the_filters(
    desk: Desk,
) -> None:
    older, newer = await superseded(desk, tags=["search"])
    assert older in await desk.found(query=LOST)

    assert older not in await desk.found(query=LOST, tags=["search"])
    await desk("update", note_id=newer, tags=["search"])
    assert older in await desk.found(query=LOST, tags=["search"])
    assert older not in await desk.found(tags=["search"])


async def test_a_less_trusted_note_does_not_lead_to_the_one_in_its_place(desk: Desk) -> None:
    older, newer = await superseded(desk, source="https://example.org/flags")

    found = await desk.found(query=LOST)

    assert older not in found
    assert found[0] != newer


async def test_a_newer_note_in_a_namespace_that_is_not_read_is_not_there(desk: Desk) -> None:
    older, newer = await superseded(desk, namespace="user")
    door = ClientDefaults(transport="test", namespace="elsewhere", session="")
    async with Client(create_server(desk, door), raise_exceptions=True) as client:
        other = Desk(memory=desk.memory, client=client)
        await other.told("The cellar key hangs behind the door")

        text = str(await other("recall", query=LOST))

    assert older not in text
    assert newer not in text


async def test_a_look_back_shows_what_stood_alone(desk: Desk) -> None:
    older, newer = await superseded(desk)
    desk.later(days=1)
    moment = desk.now.isoformat()

    answer = await desk("recall", query=LOST, as_of=moment)

    assert older not in str(answer)
    assert newer in str(answer)


@pytest.mark.parametrize(
    "question",
    [
        "What was the rollout percentage of search before?",
        "What was the rollout percentage of search originally?",
        "Was war früher bei search die rollout percentage?",
        "search 的 rollout percentage 原来是多少？",
    ],
)
async def test_a_former_value_that_is_asked_for_comes_first_with_the_newer_behind(
    desk: Desk, question: str
) -> None:
    older, newer = await superseded(desk, old="The rollout percentage of search is 20")

    answer = await desk("recall", query=question)

    assert [note["note_id"] for note in notes(answer)[:2]] == [older, newer]
    assert pick(answer, "notes", 0, "state") == "superseded"
    assert pick(answer, "notes", 0, "links", 0) == {"note_id": newer, "relation": "superseded_by"}


async def test_a_former_value_is_found_by_what_changed_it(desk: Desk) -> None:
    older, newer = await superseded(
        desk, old="Tulpengasse 17, third floor left", new="We moved to Kesselgasse 3 on Saturday"
    )

    found = await desk.found(query="Which street was it before we moved to Kesselgasse?")

    assert found[:2] == [older, newer]


async def test_what_has_changed_comes_before_what_only_shares_the_words_of_the_past(
    desk: Desk,
) -> None:
    older = await desk.told("Choir practice is in the parish hall")
    newer = await desk.told(
        "The singers meet in the school from now on",
        links=[{"to": older, "relation": "supersedes"}],
    )
    await desk.told("The choir practice hall was painted before Easter")
    await told_others(desk)

    found = await desk.found(query="Where did the singers have choir practice before?")

    assert found[:2] == [older, newer]


async def test_what_something_else_replaced_does_not_come_first_for_what_came_is_named(
    desk: Desk,
) -> None:
    idle = await desk.told("The portal logs idle customers out after 30 minutes")
    shorter = await desk.told(
        "Portal idle logout shortened to 20 minutes", links=[{"to": idle, "relation": "supersedes"}]
    )
    priya = await desk.told("Priya does the portal reviews, within half a day")
    await told_others(desk)

    named = await desk.found(query="Who did the portal reviews before Priya?")
    unnamed = await desk.found(query="After how many minutes did the portal log out before?")

    assert named[0] == priya
    assert idle not in named[:2]
    assert unnamed[:2] == [idle, shorter]


async def test_a_further_page_begins_with_the_former_value_too(desk: Desk) -> None:
    older, _ = await superseded(desk, old="The rollout percentage of search is 20")
    question = "Which bus was it before, and the rollout percentage of search?"

    answer = await desk("recall", query=question, limit=1)
    found = [str(note["note_id"]) for note in notes(answer)]
    while cursor := answer.get("omitted"):
        assert isinstance(cursor, dict)
        answer = await desk("recall", cursor=cursor["cursor"])
        found += [str(note["note_id"]) for note in notes(answer)]

    assert older in found
    assert len(found) == len({*found})


async def test_a_superseded_note_of_another_time_than_is_asked_for_adds_nothing(desk: Desk) -> None:
    older, newer = await superseded(
        desk,
        "On call, week 4 to 10 May 2026, as agreed: Bartek primary",
        "Week 11 to 17 May 2026: Lena has the pager",
    )

    found = await desk.found(query="Who was on call in the week of 11 May 2026 as agreed?")
    then = await desk.found(query="Who was on call in the week of 4 May 2026 as agreed?")

    assert found[0] == newer
    assert older not in found
    assert then.index(newer) + 1 == then.index(older)
