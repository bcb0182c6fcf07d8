"""`update`: only given fields change, every revision is kept, other notes follow suit."""

import pytest
from tests.storage.in_memory.store import DictStore
from tests.tools.conftest import Desk, Refused, notes, opened_desk, pick, pick_values

from zettel.storage.embedding.hashing import HashEmbedder
from zettel.tools.state.memory import Memory


async def state_of(desk: Desk, note_id: str) -> str:
    [note] = await desk.memory.store.get([note_id])
    return note.state.value


async def test_only_given_fields_change_and_the_answer_says_from_what_to_what(desk: Desk) -> None:
    note_id = await desk.told("Ana lives in Lyon", subject="Ana", tags=["home"])

    answer = await desk("update", note_id=note_id, content="Ana lives in Oslo", reason="she moved")

    assert answer["rev"] == 2
    assert pick(answer, "changed", "content") == ["Ana lives in Lyon", "Ana lives in Oslo"]
    assert len(pick_values(answer, "changed")) == 2  # happened_at follows the content
    [note] = notes(await desk("recall", query="Where does Ana live?", detail="full"))
    assert (note["content"], note["tags"]) == ("Ana lives in Oslo", ["home"])


async def test_the_old_words_are_kept_in_the_history(desk: Desk) -> None:
    note_id = await desk.told("first words")
    await desk("update", note_id=note_id, content="second words")

    old, new = await desk.memory.store.revisions(note_id)

    assert (old.content, old.current, new.content) == ("first words", False, "second words")
    assert old.known_to == new.known_from
    assert old.ended_at == new.valid_from


async def test_a_change_that_changes_nothing_makes_no_revision(desk: Desk) -> None:
    note_id = await desk.told("same", tags=["a"])

    answer = await desk("update", note_id=note_id, content="same", tags=["a"], subject="")

    assert (answer["rev"], answer["changed"]) == (1, {})
    assert (await desk.memory.admin.stats()).revisions == 1


async def test_empty_values_empty_a_field_and_null_is_absent(desk: Desk) -> None:
    note_id = await desk.told("x", context="why", tags=["a"], valid_until="2030", subject="Ana")

    await desk(
        "update", note_id=note_id, context="", tags=[], valid_until="", subject=None, kind=None
    )

    [note] = await desk.memory.store.get([note_id])
    assert (note.context, note.tags, note.valid_until, note.subject) == ("", (), None, "Ana")


async def test_a_supersedes_link_closes_the_other_note_and_its_removal_opens_it(
    desk: Desk,
) -> None:
    old = await desk.told("Ana lives in Lyon")
    new = await desk.told("Ana lives in Oslo")
    link = {"to": old, "relation": "supersedes"}

    await desk("update", note_id=new, links=[link])
    assert await state_of(desk, old) == "superseded"
    assert await desk.found(query="Where does Ana live?") == [new]

    await desk("update", note_id=new, links=[{**link, "remove": True}])
    assert await state_of(desk, old) == "active"
    assert set(await desk.found(query="Where does Ana live?")) == {old, new}


async def test_a_note_superseded_twice_stays_so_until_nobody_supersedes_it(desk: Desk) -> None:
    old = await desk.told("v1")
    link = {"to": old, "relation": "supersedes"}
    first = await desk.told("v2", links=[link])
    await desk.told("v3", links=[link])

    await desk("update", note_id=first, links=[{**link, "remove": True}])

    assert await state_of(desk, old) == "superseded"


async def test_a_circle_of_supersessions_is_refused(desk: Desk) -> None:
    a = await desk.told("a")
    b = await desk.told("b", links=[{"to": a, "relation": "supersedes"}])
    c = await desk.told("c", links=[{"to": b, "relation": "supersedes"}])

    with pytest.raises(Refused, match="is superseded itself"):
        await desk("update", note_id=a, links=[{"to": c, "relation": "supersedes"}])

    assert [await state_of(desk, i) for i in (a, b, c)] == ["superseded", "superseded", "active"]


async def test_removing_a_link_that_was_never_there_revives_nothing(desk: Desk) -> None:
    old = await desk.told("v1")
    middle = await desk.told("v2", links=[{"to": old, "relation": "supersedes"}])
    await desk.told("v3", links=[{"to": middle, "relation": "supersedes"}])
    other = await desk.told("aside", links=[{"to": old, "relation": "supersedes"}])

    gone = {"to": old, "relation": "supersedes", "remove": True}
    await desk("update", note_id=other, links=[gone])
    await desk("update", note_id=await desk.told("stranger"), links=[gone])

    assert await state_of(desk, old) == "superseded"  # v2 supersedes it, itself superseded or not


async def test_a_revived_note_has_the_end_it_had_before(desk: Desk) -> None:
    old = await desk.told("the offer", valid_until="2027")
    link = {"to": old, "relation": "supersedes"}
    new = await desk.told("a better offer", links=[link])

    await desk("update", note_id=new, links=[{**link, "remove": True}])

    [note] = notes(await desk("recall", note_ids=[old]))
    assert note["valid_until"] == "2027-12-31T23:59:59Z"


async def test_the_same_change_sent_again_makes_no_further_revision(desk: Desk) -> None:
    note_id = await desk.told("lunch")

    first = await desk("update", note_id=note_id, happened_at="an hour ago")
    again = await desk("update", note_id=note_id, happened_at="an hour ago")

    assert (first["rev"], again["rev"]) == (2, 2)


async def test_a_change_of_tags_alone_is_not_called_degraded(desk: Desk) -> None:
    note_id = await desk.told("same words")

    assert "degraded" not in await desk(
        "update", note_id=note_id, content="same words", tags=["new"]
    )


async def test_a_revision_that_had_no_vectors_is_restored_with_those_of_a_loaded_model() -> None:
    memory = Memory(store=DictStore(), embedder=HashEmbedder(ready=False))
    async with opened_desk(memory) as desk:
        note_id = await desk.told("The flag is green")
        await memory.embedder.load()
        await desk("update", note_id=note_id, content="The flag is red", correction=True)

        assert "degraded" not in await desk("update", note_id=note_id, restore_rev=1)

        [note] = await memory.store.get([note_id])
        assert (note.content, note.embed_model) == ("The flag is green", memory.embedder.model_id)


async def test_the_note_just_updated_is_never_the_one_to_give_way(desk: Desk) -> None:
    updated = await desk.told("to be filled in", subject="Caroline")
    stale = await desk.told("Caroline works as a nurse at Mercy Hospital", subject="Caroline")

    answer = await desk(
        "update", note_id=updated, content="Caroline works as a nurse at Mercy Clinic"
    )

    settle = str(pick(answer, "candidates", 0, "settle"))
    assert f'update(note_id="{updated}", links=[{{"to": "{stale}"' in settle


async def test_two_notes_cannot_supersede_each_other(desk: Desk) -> None:
    a = await desk.told("a")
    b = await desk.told("b", links=[{"to": a, "relation": "supersedes"}])

    with pytest.raises(Refused, match="is superseded itself"):
        await desk("update", note_id=a, links=[{"to": b, "relation": "supersedes"}])

    assert await state_of(desk, b) == "active"


async def test_finished_work_becomes_its_result_and_takes_its_parts_along(desk: Desk) -> None:
    goal = await desk.told("Goal: ship the release", kind="working")
    part = await desk.told("step: tag", kind="working", links=[{"to": goal, "relation": "part_of"}])
    lesson = await desk.told("tags need signing", links=[{"to": goal, "relation": "part_of"}])

    answer = await desk("update", note_id=goal, content="Released 1.0", kind="episodic")

    assert answer["archived"] == [part]
    assert [await state_of(desk, i) for i in (goal, part, lesson)] == [
        "active",
        "archived",
        "active",
    ]
    assert part not in await desk.found(query="step tag")
    await desk("forget", note_ids=answer["archived"], undo=True)
    assert part in await desk.found(query="step tag")


async def test_new_words_are_found_at_once_and_old_ones_no_longer(desk: Desk) -> None:
    note_id = await desk.told("the meeting is on platypus street")

    await desk("update", note_id=note_id, content="the meeting is on walrus avenue")

    assert await desk.found(query="walrus") == [note_id]
    [hit] = notes(await desk("recall", query="platypus street meeting"))
    assert "platypus" not in str(hit["content"])


async def test_a_superseded_note_that_is_changed_is_not_offered_to_settle_with_its_successor(
    desk: Desk,
) -> None:
    older = await desk.told("The API listens on port 8080.")
    newer = await desk.told("The API listens on port 9090 now.")
    await desk("update", note_id=newer, links=[{"to": older, "relation": "supersedes"}])

    answer = await desk("update", note_id=older, content="The API listens on port 8081.")

    assert pick(answer, "changed", "content")
    assert "candidates" not in answer


async def test_a_changed_note_shows_candidates_for_its_new_words(desk: Desk) -> None:
    other = await desk.told("Caroline works as a nurse at Mercy Hospital", subject="Caroline")
    note_id = await desk.told("to be filled in", subject="Caroline")

    answer = await desk(
        "update", note_id=note_id, content="Caroline works as a nurse at Mercy Clinic"
    )

    assert pick(answer, "candidates", 0, "note_id") == other


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"content": " "}, "content: it is empty"),
        ({"kind": "concept"}, "kind"),
        ({"valid_until": "1990"}, "is not after"),
        ({"links": [{"to": "SELF"}]}, "is the note itself"),
        ({"links": [{"to": "01ARZ3NDEKTSV4RRFFQ69G5FAV"}]}, "No note with id"),
        ({"note_id": "01ARZ3NDEKTSV4RRFFQ69G5FAV"}, "No note with id"),
        ({"note_id": ""}, "note_id: it is empty"),
    ],
)
async def test_a_change_that_cannot_be_made_changes_nothing(
    desk: Desk, change: dict[str, object], named: str
) -> None:
    note_id = await desk.told("as it was")
    if change == {"links": [{"to": "SELF"}]}:
        change = {"links": [{"to": note_id}]}

    with pytest.raises(Refused) as refusal:
        await desk("update", **{"note_id": note_id, **change})

    assert named in str(refusal.value)
    assert (await desk.memory.admin.stats()).revisions == 1


async def test_the_refusal_of_a_past_end_says_how_to_note_what_is_over(desk: Desk) -> None:
    told = {"content": "Parking permit A is valid.", "valid_until": "2026-11-15"}
    with pytest.raises(Refused, match=r"is over by now pass happened_at"):
        await desk("remember", **told)
    note_id = await desk.told("The locker is rented.")
    end = {"note_id": note_id, "valid_until": "2026-11-15"}
    with pytest.raises(Refused, match=r"was over by then pass happened_at"):
        await desk("update", **end)

    new = await desk("remember", **told, happened_at="2026-11-01")
    changed = await desk("update", **end, happened_at="2026-11-01")

    assert new["valid_until"] == "2026-11-15T23:59:59Z"
    assert pick(changed, "changed", "valid_until", 1) == new["valid_until"]


async def test_an_end_before_a_day_to_come_is_refused_by_the_day_that_was_given(desk: Desk) -> None:
    note_id = await desk.told("The demo is at ten.", happened_at="2026-11-10")
    with pytest.raises(Refused, match=r"2026-11-05T23:59:59Z is not after 2026-12-01T00:00:00Z"):
        await desk("update", note_id=note_id, happened_at="2026-12-01", valid_until="2026-11-05")


async def test_a_forgotten_note_cannot_be_changed(desk: Desk) -> None:
    note_id = await desk.told("gone")
    await desk("forget", note_ids=[note_id])

    with pytest.raises(Refused, match="was forgotten"):
        await desk("update", note_id=note_id, content="back")


async def test_links_are_removed_by_relation_or_all_and_never_silently_not(desk: Desk) -> None:
    a = await desk.told("a")
    b = await desk.told("b", links=[{"to": a, "relation": "supports"}])

    with pytest.raises(Refused, match=r"no 'causes' link to .* but 'supports'"):
        await desk("update", note_id=b, links=[{"to": a, "relation": "causes", "remove": True}])
    await desk("update", note_id=b, links=[{"to": a, "remove": True}])
    [note] = await desk.memory.store.get([b])
    assert not any(link.stood(None) for link in note.links)

    await desk("update", note_id=b, links=[{"to": a}])
    await desk("update", note_id=b, links=[])
    [note] = await desk.memory.store.get([b])
    assert not any(link.stood(None) for link in note.links)


async def test_a_change_of_a_superseded_note_says_why_recall_does_not_show_it(desk: Desk) -> None:
    old = await desk.told("v1")
    await desk.told("v2", links=[{"to": old, "relation": "supersedes"}])

    assert (await desk("update", note_id=old, content="v1, mended"))["state"] == "superseded"


async def test_new_content_of_a_note_that_is_no_longer_current_is_told_to_be_a_correction(
    desk: Desk,
) -> None:
    old = await desk.told("v1")
    await desk.told("v2", links=[{"to": old, "relation": "supersedes"}])
    result = await desk.told("The port is done", kind="working")
    step = await desk.told("Move it", kind="working", links=[{"to": result, "relation": "part_of"}])
    await desk("update", note_id=result, content="The port was done in May", kind="episodic")

    superseded = await desk("update", note_id=old, content="v1, mended")
    archived = await desk("update", note_id=step, content="Move the port")

    for answer, state in ((superseded, "superseded"), (archived, "archived")):
        assert answer["state"] == state
        assert str(answer["notice"]).startswith("Taken as a correction")
        assert len(str(answer["notice"])) < 160
    assert "notice" not in await desk("update", note_id=old, content="v0", correction=True)
    dated = await desk("update", note_id=step, content="Move it in May", happened_at="2026-05-02")
    assert dated["notice"] == ("The note stays archived. Call remember to say what is so now.")
    assert "notice" not in await desk("update", note_id=old, tags=["a"])
    assert "notice" not in await desk("update", note_id=old, restore_rev=1)


async def test_a_date_after_the_end_of_a_superseded_note_is_refused_by_its_own_name_and_value(
    desk: Desk,
) -> None:
    old = await desk.told("v1", happened_at="2026-10-01")
    await desk.told("v2", links=[{"to": old, "relation": "supersedes"}])

    with pytest.raises(Refused) as refused:
        await desk("update", note_id=old, content="v3", happened_at="2027-03")

    assert "happened_at: 2027-03-01T00:00:00Z is not before the note's end" in str(refused.value)
    assert "Update that one" in str(refused.value)


async def test_a_date_after_the_stated_end_of_a_note_is_refused_by_its_own_name_and_value(
    desk: Desk,
) -> None:
    old = await desk.told("v1", happened_at="2026-10-01", valid_until="2026-11-01")

    with pytest.raises(Refused) as refused:
        await desk("update", note_id=old, happened_at="2026-11-10")

    assert "happened_at: 2026-11-10T00:00:00Z is not before the note's end" in str(refused.value)
    assert "valid_until" in str(refused.value)
    await desk("update", note_id=old, happened_at="2026-11-10", valid_until="")


async def test_an_event_is_not_moved_behind_the_end_that_it_keeps(desk: Desk) -> None:
    dentist = await desk.told(
        "The dentist's appointment", happened_at="2026-11-25", valid_until="2026-11-26"
    )

    for moved in ({}, {"content": "The dentist's appointment was moved"}):
        with pytest.raises(Refused, match="is not before the note's end, 2026-11-26"):
            await desk("update", note_id=dentist, happened_at="2026-12-03", **moved)

    await desk("update", note_id=dentist, happened_at="2026-12-03", valid_until="2026-12-04")
    desk.later(days=9)  # 29 November
    assert await desk.found(query="When is the dentist's appointment?") == [dentist]


async def test_new_words_say_what_is_still_to_take_their_place(desk: Desk) -> None:
    limit = await desk.told("The API limit is 100")
    planned = await desk(
        "update", note_id=limit, content="The API limit is 200", happened_at="2026-12-01"
    )

    answer = await desk("update", note_id=limit, content="The API limit is 300")
    tagged = await desk("update", note_id=limit, tags=["api"])

    assert f'forget(note_ids=["{planned["successor"]}"])' in str(answer["notice"])
    assert "notice" not in tagged


async def test_a_long_change_is_told_by_its_start(desk: Desk) -> None:
    note_id = await desk.told("x " * 10_000)

    answer = await desk("update", note_id=note_id, content="y " * 10_000)

    assert len(str(answer["changed"])) < 1_000


async def test_a_note_that_never_came_to_be_true_can_still_be_tagged(desk: Desk) -> None:
    old = await desk.told("v1")
    new = await desk.told("v2")
    await desk("update", note_id=old, content="v1, mended")
    await desk("update", note_id=new, links=[{"to": old, "relation": "supersedes"}])

    assert (await desk("update", note_id=old, tags=["a"]))["state"] == "superseded"


@pytest.mark.parametrize(
    ("content", "subject"),
    [
        ("The head of the physics laboratory is Jonas Weber", "Jonas Weber"),
        ("The head of the physics laboratory is Petra Kern, from May on", "Petra Kern"),
        ("She is the head of the laboratory until May", "Petra Kern"),
    ],
)
async def test_the_subject_follows_where_another_stands_in_its_place(
    desk: Desk, content: str, subject: str
) -> None:
    note_id = await desk.told(
        "The head of the physics laboratory is Petra Kern", subject="Petra Kern"
    )

    answer = await desk("update", note_id=note_id, content=content)
    [note] = await desk.memory.store.get([note_id])
    await desk("update", note_id=note_id, restore_rev=1)
    [before] = await desk.memory.store.get([note_id])

    assert (note.subject, before.subject) == (subject, "Petra Kern")
    assert ("subject" in str(answer["changed"])) is (subject != "Petra Kern")


async def test_what_is_too_long_for_a_note_is_told_what_to_do_with_the_rest(desk: Desk) -> None:
    note_id = await desk.told("the bees swarm in May")

    with pytest.raises(Refused, match="Keep what changed here, and remember the rest"):
        await desk("update", note_id=note_id, content="the bees swarm " * 3_000)


@pytest.mark.parametrize(
    "respelled", ["The lease began", "The  lease\nbegan.", "The lease began. "]
)
async def test_white_space_and_a_full_stop_move_no_date(desk: Desk, respelled: str) -> None:
    lease = await desk.told("The lease began.\n", happened_at="2026-03-01")

    await desk("update", note_id=lease, content=respelled, tags=["flat"])
    after = await desk("update", note_id=lease, content="The lease began anew.")

    *_, respelt, anew = await desk.memory.store.revisions(lease)
    assert (respelt.happened_at.month, respelt.tags) == (3, ("flat",))
    assert anew.happened_at == desk.now
    assert pick(after, "changed", "happened_at", 0) == "2026-03-01T00:00:00Z"
