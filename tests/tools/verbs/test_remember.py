"""`remember`: stored verbatim, once, with the candidates it may repeat or replace."""

from collections.abc import Sequence

import anyio
import pytest
from tests.storage.in_memory.store import DictStore
from tests.tools.conftest import Desk, Refused, notes, opened_desk, pick

from zettel.storage.embedding.hashing import HashEmbedder
from zettel.storage.notes import Note
from zettel.storage.store import NoteFilter
from zettel.tools.state.memory import Memory


async def test_content_comes_back_to_the_letter(desk: Desk) -> None:
    content = "  '); DROP TABLE notes; --\n\t“Łódź” 東京 🦊 \\ \u200d e\u0301 "

    await desk.told(content)

    [note] = notes(await desk("recall", query="Łódź"))
    assert note["content"] == content


async def test_a_namespace_written_for_the_first_time_is_reported_once(desk: Desk) -> None:
    first = await desk("remember", content="one", namespace="new-one")
    second = await desk("remember", content="two", namespace="new-one")

    assert first["namespace_created"] is True
    assert "namespace_created" not in second


@pytest.mark.parametrize("again", ["The Rent is 1200 euros", "the  rent\nis １２００ EUROS"])
async def test_an_exact_repeat_returns_the_note_that_is_there(desk: Desk, again: str) -> None:
    note_id = await desk.told("The rent is 1200 euros", subject="Ana")

    answer = await desk("remember", content=again, subject="ana", tags=["money"])

    assert (answer["note_id"], answer["status"]) == (note_id, "already_known")
    assert answer["differs"] == ["tags"]
    assert note_id in str(answer["next"])


@pytest.mark.parametrize(
    "other",
    [
        {"content": "The rent is 1300 euros"},
        {"subject": "Ben"},
        {"kind": "semantic"},
        {"happened_at": "2020-01-01"},
        {"session": "another"},
        {"namespace": "elsewhere"},
    ],
)
async def test_what_differs_in_more_than_spelling_is_no_repeat(
    desk: Desk, other: dict[str, str]
) -> None:
    said = {"content": "The rent is 1200 euros", "subject": "Ana"}
    await desk.told(**said)

    answer = await desk("remember", **{**said, **other})

    assert answer["status"] == "stored"


async def test_a_forgotten_note_is_no_repeat(desk: Desk) -> None:
    note_id = await desk.told("The rent is 1200 euros")
    await desk("forget", note_ids=[note_id])

    assert await desk.told("The rent is 1200 euros") != note_id


async def test_every_way_to_name_the_user_is_one_subject(desk: Desk) -> None:
    for number, name in enumerate(("user", "The User", "me", "I")):
        await desk.told(f"fact {number}", subject=name)

    assert len(await desk.found(subject="the user")) == 4


async def test_a_near_note_is_a_candidate_with_the_calls_that_settle_it(desk: Desk) -> None:
    older = await desk.told("Caroline works as a nurse at Mercy Hospital", subject="Caroline")

    answer = await desk(
        "remember", content="Caroline works as a nurse at Mercy Clinic", subject="Caroline"
    )

    assert pick(answer, "candidates", 0, "note_id") == older
    settle, younger = str(pick(answer, "candidates", 0, "settle")), answer["note_id"]
    call = f'update(note_id="{younger}", links=[{{"to": "{older}", "relation": '
    assert f'{call}"supersedes"}}])' in settle
    assert f'{call}"same_as"}}])' in settle


async def test_what_of_a_list_still_holds_is_offered_line_by_line(desk: Desk) -> None:
    await desk.told(
        "Contacts\n- hosting: Eva Brandt\n- design: Tom Keller\n- legal: Ms Roth in Bremen"
    )
    desk.later(days=1)

    answer = await desk(
        "remember", content="Design contact is now Lia Sommer instead of Tom Keller"
    )

    lines = "Contacts\\n- hosting: Eva Brandt\\n- legal: Ms Roth in Bremen"
    assert f'content="{lines}"' in str(pick(answer, "candidates", 0, "settle"))


async def test_a_change_takes_effect_on_the_day_of_its_own_clause(desk: Desk) -> None:
    await desk.told("Priya owns the payments module")
    desk.later(days=1)

    answer = await desk(
        "remember",
        content="Priya leaves the company at the end of November; Tomás takes over the payments"
        " module on 1 December 2026.",
    )

    settle = str(pick(answer, "candidates", 0, "settle"))
    assert 'happened_at="2026-12-01' in settle


@pytest.mark.parametrize(
    ("old", "new", "day"),
    [
        (
            "The rent of the flat is 850.",
            "From December next year the rent of the flat is 900.",
            "2027-12-01",
        ),
        (
            "Die Miete der Wohnung beträgt 850.",
            "Ab Dezember nächsten Jahres beträgt die Miete der Wohnung 900.",
            "2027-12-01",
        ),
        (
            "El alquiler del piso es de 850.",
            "A partir de diciembre del año que viene el alquiler del piso es de 900.",
            "2027-12-01",
        ),
    ],
)
async def test_a_change_takes_effect_in_the_year_that_is_named_behind_its_month(
    desk: Desk, old: str, new: str, day: str
) -> None:
    await desk.told(old, happened_at="2024-05-01")

    answer = await desk("remember", content=new)

    assert f'happened_at="{day}' in str(pick(answer, "candidates", 0, "settle"))


async def test_a_change_in_other_words_is_a_candidate_with_four_outcomes(desk: Desk) -> None:
    older = await desk.told("Backups are taken at night. Orders of the shop stand in MySQL.")
    desk.later(days=1)

    answer = await desk("remember", content="We switched the orders from MySQL in the shop")

    assert pick(answer, "candidates", 0, "note_id") == older
    assert str(pick(answer, "candidates", 0, "why")).startswith(
        "tells of a change (“switched the orders from”)"
    )
    younger = answer["note_id"]
    assert str(pick(answer, "candidates", 0, "settle")) == (
        f'changed: update(note_id="{younger}", links=[{{"to": "{older}", "relation":'
        f' "supersedes"}}]); changed in part: update(note_id="{older}", content="Backups are taken'
        f' at night."); the same: update(note_id="{younger}", links=[{{"to": "{older}",'
        ' "relation": "same_as"}]); both hold: leave both'
    )


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("The account is at Haspa, with Benz. A loan is there too.", "The account moved to Nibc."),
        ("Dentist: Mia 3 May 9:00, Leo 5 May 10:00.", "Dentist: Mia's 3 May is cancelled."),
        ("Zahnarzt: Mia 3. Mai 9:00, Leo 5. Mai 10:00.", "Zahnarzt: Mia am 3. Mai abgesagt."),
        ("Orders stand in MySQL. Backups are taken at night.", "We switched orders from MySQL."),
        ("The door code is 47 and the wifi is called Linde.", "The door code is 88 now."),
    ],
)
async def test_what_else_a_note_tells_is_left_to_the_agents_words_if_it_cannot_stand_alone(
    desk: Desk, old: str, new: str
) -> None:
    older = await desk.told(old, happened_at="2026-02-01")
    desk.later(days=1)

    answer = await desk("remember", content=new, happened_at="2026-02-02")

    assert pick(answer, "candidates", 0, "note_id") == older
    assert (
        f'changed in part: update(note_id="{older}", content=…,'
        ' happened_at="2026-02-02T00:00:00Z") with what of it still holds; '
    ) in str(pick(answer, "candidates", 0, "settle"))


async def test_another_of_several_that_letters_tell_apart_is_no_candidate(desk: Desk) -> None:
    await desk.told("Kiln A dries the spruce at 68 degrees")

    answer = await desk("remember", content="Kiln B dries the spruce at 68 degrees")

    assert "candidates" not in answer


async def test_a_note_of_one_sentence_does_not_change_in_part(desk: Desk) -> None:
    await desk.told("Orders of the shop stand in MySQL 8")
    desk.later(days=1)

    answer = await desk("remember", content="The shop's orders no longer stand in MySQL 8")

    assert "in part" not in str(pick(answer, "candidates", 0, "settle"))


@pytest.mark.parametrize(
    "old",
    [
        "Visit to Dr. Hürlimann about the shop's orders in MySQL",
        "Orders of the shop in MySQL are broken. Not fixed yet.",
    ],
)
async def test_what_is_left_of_a_note_is_offered_only_if_it_says_enough(
    desk: Desk, old: str
) -> None:
    older = await desk.told(old)
    desk.later(days=1)

    answer = await desk("remember", content="The shop's orders no longer stand in MySQL")

    assert pick(answer, "candidates", 0, "note_id") == older
    assert "in part" not in str(pick(answer, "candidates", 0, "settle"))


async def test_an_unlike_note_is_no_candidate(desk: Desk) -> None:
    await desk.told("Caroline works as a nurse at Mercy Hospital", subject="Caroline")

    answer = await desk("remember", content="Buy oat milk tomorrow", subject="Caroline")

    assert "candidates" not in answer


async def test_relative_times_are_resolved_and_echoed(desk: Desk) -> None:
    answer = await desk(
        "remember", content="Ana moved", happened_at="yesterday", valid_until="2027-01"
    )

    assert answer["happened_at"] == "2026-11-19T00:00:00Z"
    assert answer["valid_until"] == "2027-01-31T23:59:59Z"


async def test_a_note_past_its_end_no_longer_comes(desk: Desk) -> None:
    note_id = await desk.told("The door code is 4711", valid_until="tomorrow")

    assert await desk.found(query="door code") == [note_id]
    desk.later(days=3)
    assert await desk.found(query="door code") == []


async def test_a_plan_is_found_before_its_day(desk: Desk) -> None:
    note_id = await desk.told("Dentist with Dr. Weiss", happened_at="2026-12-03")

    assert await desk.found(query="When is the dentist?") == [note_id]


async def test_a_supersedes_link_closes_the_older_note(desk: Desk) -> None:
    old = await desk.told("Ana lives in Lyon")
    new = await desk.told("Ana lives in Oslo", links=[{"to": old, "relation": "supersedes"}])

    assert await desk.found(query="Where does Ana live?") == [new]
    [note] = notes(await desk("recall", note_ids=[old]))
    assert note["state"] == "superseded"
    assert "valid_until" in note


async def test_what_will_be_superseded_later_is_true_until_then(desk: Desk) -> None:
    anna = await desk.told("The CEO is Anna")
    bert = await desk.told(
        "The CEO is Bert", happened_at="2027-01", links=[{"to": anna, "relation": "supersedes"}]
    )

    assert anna in await desk.found(query="Who is the CEO?")
    desk.later(days=60)
    assert await desk.found(query="Who is the CEO?") == [bert]


async def test_a_fact_that_ended_can_be_told_again(desk: Desk) -> None:
    first = await desk.told("On call is Ana", happened_at="2026-11-01", valid_until="2026-11-08")

    assert await desk.told("On call is Ana") != first


async def test_a_preference_of_one_project_can_be_told_for_all(desk: Desk) -> None:
    mine = await desk.told("I prefer tabs over spaces")
    await desk("recall", query="tabs")

    assert await desk.told("I prefer tabs over spaces", namespace="user") != mine


async def test_text_that_recall_just_served_is_not_stored_again(desk: Desk) -> None:
    note_id = await desk.told("Ana prefers window seats", tags=["travel"], subject="Ana")
    served = await desk("recall", query="seats")

    for echo in (str(served["notes"]), f"1. Ana prefers window seats ({note_id})"):
        answer = await desk("remember", content=echo)
        assert (answer["status"], answer["note_id"]) == ("already_known", note_id)


async def test_one_own_word_beside_served_text_makes_it_new(desk: Desk) -> None:
    await desk.told("Ana prefers window seats")
    await desk("recall", query="seats")

    answer = await desk("remember", content="Ana prefers window seats, except at night")

    assert answer["status"] == "stored"


@pytest.mark.parametrize(
    ("told", "then"),
    [
        (["The budget is 500"], {"content": "The budget is 5000"}),
        (["The budget is 500"], {"content": "The budget is 500: false"}),
        (["The budget is 500"], {"content": "The budget is 500 €"}),
        (["car", "pet"], {"content": "carpet"}),
        (["The rent is 1200"], {"content": "- The rent is 1200", "subject": "Bob"}),
        (["The rent is 1200"], {"content": "- The rent is 1200", "happened_at": "2026-05-05"}),
        (["The rent is 1200"], {"content": "- The rent is 1200", "namespace": "user"}),
    ],
)
async def test_a_new_fact_is_never_taken_for_an_echo(
    desk: Desk, told: list[str], then: dict[str, str]
) -> None:
    for content in told:
        await desk.told(content, subject="Ana")
    await desk("recall", query=" ".join(told))

    assert (await desk("remember", **then))["status"] == "stored"


@pytest.mark.parametrize("front", ["2026-11-20: ", "[2026-11-20T12:30:00Z] ", "2026-11-19T08:00Z "])
async def test_served_text_with_another_day_in_front_is_a_new_event(
    any_desk: Desk, front: str
) -> None:
    text = "The weekly backup ran without errors."
    first = await any_desk.told(text, happened_at="2026-11-13")
    await any_desk("recall", query="weekly backup", detail="full")

    second = await any_desk.told(f"{front}{text}")

    found = await any_desk.found(query="Did the weekly backup run?")
    assert {*found} == {first, second}


@pytest.mark.parametrize("front", ["2026-11-13: ", "[2026-11-13T00:00:00Z] ", "- (2026-11-13) "])
async def test_served_text_with_its_own_day_is_an_echo(desk: Desk, front: str) -> None:
    told = await desk.told("The weekly backup ran without errors.", happened_at="2026-11-13")
    served = await desk("recall", query="weekly backup")

    for time in (front, f"{served['now']} "):
        again = await desk("remember", content=f"{time}The weekly backup ran without errors.")
        assert (again["status"], again["note_id"]) == ("already_known", told)


@pytest.mark.parametrize(
    ("subject", "content", "status"),
    [
        ("Ana", "I moved to Lyon.", "stored"),
        ("Ana", "- I moved to Lyon.", "stored"),
        ("Ana", "Ana: I moved to Lyon.", "already_known"),
        ("Ana", '{"content": "I moved to Lyon.", "subject": "Ana"}', "already_known"),
        ("user", "- I moved to Lyon.", "already_known"),
    ],
)
async def test_what_another_says_of_themselves_is_no_echo_where_nobody_is_named(
    any_desk: Desk, subject: str, content: str, status: str
) -> None:
    await any_desk.told("I moved to Lyon.", subject=subject)
    await any_desk("recall", query="Lyon")

    assert (await any_desk("remember", content=content))["status"] == status


async def test_words_of_others_put_together_anew_are_no_echo(desk: Desk) -> None:
    await desk.told("likes tea", subject="Bob")
    await desk.told("likes coffee", subject="Ana")
    await desk("recall", query="likes")

    answer = await desk("remember", content="Ana likes tea; Bob likes coffee")

    assert answer["status"] == "stored"


async def test_what_was_served_and_then_forgotten_or_changed_can_be_told_again(desk: Desk) -> None:
    gone = await desk.told("The rent is 1200")
    changed = await desk.told("The fee is 30")
    await desk("recall", query="rent fee")
    await desk("forget", note_ids=[gone])
    await desk("update", note_id=changed, content="The fee is 40")

    assert await desk.told("The rent is 1200") != gone
    assert await desk.told("The fee is 30") != changed


async def test_a_resend_of_a_relative_time_is_the_same_note(desk: Desk) -> None:
    note_id = await desk.told("lunch with Ana", happened_at="2 hours ago")

    again = await desk("remember", content="lunch with Ana", happened_at="2 hours ago")

    assert (again["status"], again["note_id"]) == ("already_known", note_id)


async def test_the_oldest_of_many_equal_texts_is_still_recognised(desk: Desk) -> None:
    told = [
        await desk.told("Thanks!", session=f"s{n}", happened_at=f"2026-01-01T00:{n % 60:02}")
        for n in range(70)
    ]

    again = await desk("remember", content="thanks!", session="s0", happened_at="2026-01-01T00:00")

    assert (again["status"], again["note_id"]) == ("already_known", told[0])


async def test_an_echo_half_an_hour_later_is_something_told(desk: Desk) -> None:
    await desk.told("Ana prefers window seats")
    await desk("recall", query="seats")
    desk.later(minutes=31)

    answer = await desk("remember", content="- Ana prefers window seats -")

    assert answer["status"] == "stored"


@pytest.mark.parametrize(
    ("text", "why", "instead"),
    [
        ("2026-05-03T24:30:00Z", "24", "2026-05-04T00:30:00Z"),
        ("2026-05-03T12:30:60Z", "60", "2026-05-03T12:31:00Z"),
    ],
)
async def test_a_time_that_no_clock_shows_is_refused_with_the_one_that_it_may_mean(
    desk: Desk, text: str, why: str, instead: str
) -> None:
    with pytest.raises(Refused, match=f"{text}.*{why}.*{instead}"):
        await desk.told("The zorblax woke up", happened_at=text)


async def test_midnight_may_be_the_end_of_a_day_and_a_leap_second_the_end_of_a_year(
    desk: Desk,
) -> None:
    midnight = await desk("remember", content="The zorblax slept", happened_at="2026-05-03T24:00Z")
    leap = await desk("remember", content="It sneezed", happened_at="2016-12-31T23:59:60Z")

    assert midnight["happened_at"] == "2026-05-04T00:00:00Z"
    assert leap["happened_at"] == "2017-01-01T00:00:00Z"


async def test_a_served_note_that_has_ended_can_be_told_again(desk: Desk) -> None:
    ended = await desk.told("The rent is 1200", valid_until="in 10 minutes")
    assert await desk.found(query="rent") == [ended]
    desk.later(minutes=20)

    assert await desk.told("The rent is 1200") != ended


async def test_served_text_is_told_anew_in_another_session_and_no_echo_in_its_own(
    desk: Desk,
) -> None:
    told = await desk.told("The rent is 1200", session="march")
    assert await desk.found(query="rent") == [told]

    own = await desk("remember", content="- The rent is 1200", session="march")

    assert (own["status"], own["note_id"]) == ("already_known", told)
    assert await desk.told("- The rent is 1200", session="april") != told


class CountingStore(DictStore):
    """Counts reads by id."""

    reads = 0

    async def get(self, note_ids: Sequence[str]) -> list[Note]:
        """Count the read."""
        self.reads += 1
        return await super().get(note_ids)


async def test_an_echo_of_many_forgotten_notes_takes_few_reads() -> None:
    store = CountingStore()
    async with opened_desk(Memory(store=store, embedder=HashEmbedder())) as desk:
        told = [await desk.told(f"fact of number {number}") for number in range(60)]
        await desk("recall", note_ids=told, max_tokens=32_000)
        await desk("forget", note_ids=told)
        store.reads = 0

        answer = await desk("remember", content="; ".join(f"fact of number {n}" for n in range(60)))

    assert answer["status"] == "stored"
    assert store.reads <= 5


async def test_eight_equal_calls_at_once_store_one_note(desk: Desk) -> None:
    await desk.told("Ben keeps goats")  # the first call loads what the others need
    answers = list[dict[str, object]]()

    async def tell() -> None:
        answers.append(await desk("remember", content="Ana keeps bees"))

    async with anyio.create_task_group() as tasks:
        for _ in range(8):
            tasks.start_soon(tell)

    assert sorted(str(answer["status"]) for answer in answers) == ["already_known"] * 7 + ["stored"]
    assert len({str(answer["note_id"]) for answer in answers}) == 1


async def test_before_the_model_is_loaded_a_note_is_stored_and_found_by_its_words() -> None:
    memory = Memory(store=DictStore(), embedder=HashEmbedder(ready=False))
    async with opened_desk(memory) as desk:
        answer = await desk("remember", content="The server room key hangs behind the door")
        recalled = await desk("recall", query="key")

        assert answer["status"] == "stored"
        assert "loading" in str(answer["degraded"])
        assert "loading" in str(recalled["degraded"])
        assert [note["note_id"] for note in notes(recalled)] == [answer["note_id"]]


async def test_before_the_model_is_loaded_words_of_a_change_are_enough() -> None:
    memory = Memory(store=DictStore(), embedder=HashEmbedder(ready=False))
    async with opened_desk(memory) as desk:
        older = await desk.told("Dentist appointment for Elena on Thursday")
        await desk.told("Elena likes lentils")
        desk.later(days=1)

        answer = await desk("remember", content="Elena's dentist appointment has been postponed")

        assert pick(answer, "candidates", 0, "note_id") == older
        assert "lentils" not in str(answer)


async def test_before_the_model_is_loaded_another_value_in_the_same_words_is_seen() -> None:
    memory = Memory(store=DictStore(), embedder=HashEmbedder(ready=False))
    async with opened_desk(memory) as desk:
        older = await desk.told("The API listens on port 8080")
        answer = await desk("remember", content="The API listens on port 9090")

    assert pick(answer, "candidates", 0, "note_id") == older
    assert "“9090”" in str(pick(answer, "candidates", 0, "why"))


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"content": ""}, "content: it is empty"),
        ({"content": " \n\t "}, "content: it is empty"),
        ({"content": "\u200b\u2060"}, "content: it is empty"),
        ({"content": "x" * 131_073}, "131,073 characters are too many"),
        ({"content": "a\x00b"}, "NUL"),
        ({"content": "a", "kind": "concept"}, "kind"),
        ({"content": "a", "happened_at": "banana"}, "happened_at: 'banana'"),
        ({"content": "a", "valid_until": "2020"}, "'2020' ends"),
        ({"content": "a", "namespace": "../up"}, "namespace: '../up'"),
        ({"content": "a", "tags": [f"t{n}" for n in range(65)]}, "tags: 65 entries"),
        ({"content": "a", "links": [{"to": "nope"}]}, "'nope' is not a note id"),
        ({"content": "a", "links": [{"to": "01ARZ3NDEKTSV4RRFFQ69G5FAV"}]}, "No note with id"),
        ({"content": "a", "source": "s" * 3000}, "source: 3,000 characters"),
    ],
)
async def test_what_cannot_be_stored_is_refused_and_leaves_nothing(
    desk: Desk, arguments: dict[str, object], named: str
) -> None:
    with pytest.raises(Refused) as refusal:
        await desk("remember", **arguments)

    assert named in str(refusal.value)
    assert (await desk.memory.admin.stats()).revisions == 0


async def test_content_of_exactly_the_bound_is_stored_whole(desk: Desk) -> None:
    content = "word " * 6553 + "end"

    note_id = await desk.told(content)

    [note] = await desk.memory.store.get([note_id])
    assert note.content == content


async def test_an_exact_repeat_without_its_kind_is_the_known_note(desk: Desk) -> None:
    known = await desk.told("Never deploy on Fridays", kind="core")

    again = await desk("remember", content="Never deploy on Fridays")
    other = await desk("remember", content="Never deploy on Fridays", kind="procedural")

    assert (again["note_id"], again["status"]) == (known, "already_known")
    assert other["status"] == "stored"


async def test_what_is_spelled_otherwise_in_a_command_is_another_note_and_both_are_shown(
    desk: Desk,
) -> None:
    small = await desk.told("Copy the backup with scp -p 2222")

    large = await desk("remember", content="Copy the backup with scp -P 2222")
    again = await desk("remember", content="copy the  backup with scp -p 2222")

    assert (large["status"], again["status"]) == ("stored", "already_known")
    assert again["note_id"] == small
    found = notes(await desk("recall", query="How is the backup copied?"))
    assert {note["note_id"] for note in found} == {small, large["note_id"]}
    assert not any(note.get("also") for note in found)


async def test_a_served_command_told_with_another_letter_is_no_echo(desk: Desk) -> None:
    await desk.told("Copy the backup with scp -p 2222")
    await desk("recall", query="How is the backup copied?")

    told = await desk("remember", content="[2026-11-20] Copy the backup with scp -P 2222")

    assert told["status"] == "stored"


@pytest.mark.parametrize(("seconds", "status"), [(0.5, "already_known"), (1.5, "stored")])
async def test_a_value_told_again_is_told_anew_unless_the_other_was_told_at_once(
    desk: Desk, seconds: float, status: str
) -> None:
    """A client that was killed with calls under way tells all again that it heard no answer to."""
    await desk.told("The deploy key is 134")
    desk.later(seconds=seconds - 1)
    await desk.told("The deploy key is 139")
    desk.later(minutes=1)

    again = await desk("remember", content="The deploy key is 134")

    assert again["status"] == status


async def test_a_long_document_is_cut_into_parts_of_its_first_note(desk: Desk) -> None:
    paragraphs = [
        f"Chapter {n}. " + (f"The harbour has berth {n}. " * 40).strip() for n in range(40)
    ]
    document = "\n\n".join(paragraphs)
    assert len(document) > 40_000

    told = await desk("remember", content=document, tags=["book"])
    whole = str(told["note_id"])
    rest = await desk.memory.store.linking_to([whole])
    parts = sorted(note.note_id for note in rest)
    again = await desk("remember", content=document, tags=["book"])

    contents = [note.content for note in await desk.memory.store.get([whole, *parts])]
    assert "".join(contents) == document
    assert all(content.startswith("Chapter") for content in contents)
    (second,) = await desk.memory.store.get(parts[:1])
    assert [(link.to, link.relation) for link in second.links] == [(whole, "part_of")]
    assert (second.tags, told["status"]) == (("book",), "stored")
    assert "candidates" not in told
    assert (again["status"], again["note_id"]) == ("already_known", whole)
    assert told["parts"] == again["parts"] == parts


async def test_a_secret_in_any_part_of_a_document_is_cut(desk: Desk) -> None:
    secret = "ghp_" + "a1B2c3D4" * 4 + "e5F6"
    told = await desk("remember", content=f"{'word ' * 8_000} token {secret} end")

    stored = await desk.memory.store.find(NoteFilter(), limit=100)
    text = "".join(note.content for note in sorted(stored, key=lambda note: note.note_id))
    assert len(stored) > 1
    assert text.endswith(" end")
    assert secret not in text
    assert told["cut"]
