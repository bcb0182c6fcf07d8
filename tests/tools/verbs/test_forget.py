"""`forget`: by ids at once, by filters after a preview, and back again."""

from typing import Any

import pytest
from tests.tools.conftest import Desk, Refused, ids, opened_desk

from zettel.tools.state.memory import Memory


async def test_a_note_forgotten_by_id_comes_in_no_recall(desk: Desk) -> None:
    note_id = await desk.told("the secret plan", tags=["t"], subject="Ana", session="s")

    answer = await desk("forget", note_ids=[note_id])

    assert (answer["status"], ids(answer)) == ("forgotten", [note_id])
    for question in ({"query": "secret plan"}, {"tags": ["t"]}, {"subject": "Ana"}, {}):
        assert note_id not in await desk.found(**question)
    with pytest.raises(Refused, match=r"was forgotten\. Call forget with note_ids and undo=true"):
        await desk("recall", note_ids=[note_id])


async def test_undo_brings_a_superseded_note_back_as_superseded(desk: Desk) -> None:
    old = await desk.told("v1")
    await desk.told("v2", links=[{"to": old, "relation": "supersedes"}])
    await desk("forget", note_ids=[old])

    answer = await desk("forget", note_ids=[old], undo=True)

    assert (answer["status"], ids(answer)) == ("restored", [old])
    [note] = await desk.memory.store.get([old])
    assert note.state.value == "superseded"


async def test_forgetting_twice_and_undoing_twice_are_as_good_as_once(desk: Desk) -> None:
    note_id = await desk.told("x")
    for undo, revision in ((False, 2), (False, 2), (True, 3), (True, 3)):
        assert ids(await desk("forget", note_ids=[note_id], undo=undo)) == [note_id]
        [note] = await desk.memory.store.get([note_id])
        assert note.rev == revision


async def test_an_undo_says_which_notes_were_not_forgotten(desk: Desk) -> None:
    gone, kept = await desk.told("the secret plan"), await desk.told("the open plan")
    await desk("forget", note_ids=[gone])

    answer = await desk("forget", note_ids=[gone, kept], undo=True)

    assert ids(answer) == [gone, kept]
    assert answer["next"] == f"Not forgotten, so left as it is: {kept}."


async def test_filters_change_nothing_until_confirmed(desk: Desk) -> None:
    a = await desk.told("Ana likes tea", subject="Ana", tags=["taste"])
    await desk.told("Ana likes jazz", subject="Ana", tags=["music"])
    await desk.told("Ben met Ana", subject="Ben")

    preview = await desk("forget", subject="Ana", tags=["taste"])

    assert (preview["status"], ids(preview), preview["matched"]) == ("preview", [a], 1)
    assert preview["also_mention"] == 1
    call = f'to forget exactly this one call forget(confirm="{preview["confirm"]}")'
    assert call in str(preview["next"])
    assert a in await desk.found(subject="Ana")


@pytest.mark.parametrize("name", ["Mia", "Ella", "Will", "Ana"])
async def test_whom_the_full_text_index_takes_for_a_stop_word_is_found_in_every_note(
    any_desk: Desk, name: str
) -> None:
    own = await any_desk.told(f"{name} is allergic to hazelnuts.", subject=name)
    mentioning = [
        await any_desk.told(f"We met {name} at the zoo."),
        await any_desk.told(f"{name}'s cast comes off on 5 January."),
    ]
    await any_desk.told("I will thank her mianus familiarly, and buy an umbrella.")

    preview = await any_desk("forget", subject=name, erase=True)
    asked = await any_desk("forget", query=name)

    assert (ids(preview), preview["also_mention"]) == ([own], 2)
    assert f'recall(subject="{name}")' in str(preview["next"])
    assert {own, *mentioning} <= set(await any_desk.found(subject=name))
    assert {own, *mentioning} <= set(ids(asked))


async def test_a_preview_writes_the_day_of_an_early_year_as_the_note_has_it(desk: Desk) -> None:
    await desk.told("Rome burns", happened_at="0064-07-18", tags=["fire"])

    preview = await desk("forget", tags=["fire"])

    assert "'0064-07-18 Rome burns'" in str(preview["notes"])


async def test_a_preview_of_nothing_names_the_call_that_shows_what_mentions_the_subject(
    desk: Desk,
) -> None:
    await desk.told("We met Mia at the zoo.")

    preview = await desk("forget", subject="Mia", erase=True)

    assert (preview["matched"], preview["also_mention"]) == (0, 1)
    assert 'recall(subject="Mia")' in str(preview["next"])
    assert "forget(note_ids=[…], erase=true)" in str(preview["next"])


async def test_confirm_acts_on_exactly_the_preview_and_answers_the_same_again(desk: Desk) -> None:
    told = [await desk.told(f"log line {n}", tags=["log"]) for n in range(3)]
    preview = await desk("forget", tags=["log"])
    later = await desk.told("log line later", tags=["log"])

    answer = await desk("forget", confirm=preview["confirm"])
    again = await desk("forget", confirm=preview["confirm"])

    assert sorted(ids(answer)) == sorted(told)
    assert again == answer
    assert await desk.found(tags=["log"]) == [later]


@pytest.mark.parametrize("beside", ["undo", "erase", "note_ids"])
async def test_a_confirmation_with_another_wish_beside_it_changes_nothing(
    desk: Desk, beside: str
) -> None:
    kept = [await desk.told(text, tags=["log"]) for text in ("first log", "second log")]
    preview = await desk("forget", tags=["log"], erase=beside == "undo")
    wish: dict[str, Any] = {beside: kept[:1] if beside == "note_ids" else True}

    with pytest.raises(Refused, match=rf"confirm: .* {beside} asks for something else"):
        await desk("forget", confirm=preview["confirm"], **wish)

    assert sorted(await desk.found(tags=["log"])) == sorted(kept)


async def test_a_confirmation_with_as_many_other_ids_beside_it_changes_nothing(desk: Desk) -> None:
    shown = [await desk.told(text, tags=["log"]) for text in ("first log", "second log")]
    other = await desk.told("another thing entirely")
    preview = await desk("forget", tags=["log"])

    with pytest.raises(Refused, match=r"confirm: .* note_ids asks for something else"):
        await desk("forget", confirm=preview["confirm"], note_ids=[shown[0], other])

    assert sorted(await desk.found(tags=["log"])) == sorted(shown)


async def test_a_confirmation_may_repeat_the_id_that_stands_for_a_text_in_parts(desk: Desk) -> None:
    first = await desk.told("\n".join(f"On day {n} the bees were quiet." for n in range(2_000)))
    preview = await desk("forget", note_ids=[first], erase=True)
    assert len(ids(preview)) > 1

    answer = await desk("forget", note_ids=[first], erase=True, confirm=preview["confirm"])

    assert answer["status"] == "erased"


async def test_a_confirmation_may_repeat_what_its_preview_was_asked_for(desk: Desk) -> None:
    note_id = await desk.told("log", tags=["log"])
    preview = await desk("forget", note_ids=[note_id], erase=True)

    await desk("forget", note_ids=[note_id.lower()], erase=True, confirm=preview["confirm"])

    assert await desk.found(tags=["log"]) == []


async def test_a_confirmation_given_again_is_refused_once_a_note_was_brought_back(
    desk: Desk,
) -> None:
    told = [await desk.told(f"log line {n}", tags=["log"]) for n in range(2)]
    preview = await desk("forget", tags=["log"])
    await desk("forget", confirm=preview["confirm"])
    await desk("forget", note_ids=told, undo=True)

    with pytest.raises(
        Refused, match=r"confirm: .* brought back since: .* and 1 more\. .* new preview"
    ):
        await desk("forget", confirm=preview["confirm"])

    assert sorted(await desk.found(tags=["log"])) == sorted(told)


async def test_a_confirmed_undo_given_again_is_refused_once_a_note_was_forgotten_again(
    desk: Desk,
) -> None:
    note_id = await desk.told("log line", tags=["log"])
    await desk("forget", note_ids=[note_id])
    preview = await desk("forget", tags=["log"], undo=True)
    answer = await desk("forget", confirm=preview["confirm"])
    assert await desk("forget", confirm=preview["confirm"]) == answer
    await desk("forget", note_ids=[note_id])

    with pytest.raises(Refused, match=rf"confirm: .* forgotten again since: {note_id}"):
        await desk("forget", confirm=preview["confirm"])

    assert await desk.found(tags=["log"]) == []


async def test_a_confirmation_with_a_skipped_note_answers_the_same_again(desk: Desk) -> None:
    a, b = await desk.told("log a", tags=["log"]), await desk.told("log b", tags=["log"])
    preview = await desk("forget", tags=["log"])
    await desk("update", note_id=b, content="log b, and something that matters")

    answer = await desk("forget", confirm=preview["confirm"])

    assert (ids(answer), answer["skipped"]) == ([a], [b])
    assert await desk("forget", confirm=preview["confirm"]) == answer


async def test_a_note_changed_after_the_preview_is_left_and_named(desk: Desk) -> None:
    a, b = await desk.told("log a", tags=["log"]), await desk.told("log b", tags=["log"])
    preview = await desk("forget", tags=["log"])
    await desk("update", note_id=b, content="log b, and something that matters")

    answer = await desk("forget", confirm=preview["confirm"])

    assert (ids(answer), answer["skipped"]) == ([a], [b])
    assert await desk.found(tags=["log"]) == [b]


@pytest.mark.parametrize("undo", [False, True])
async def test_a_confirmation_that_changed_nothing_does_not_say_that_it_did(
    any_desk: Desk, *, undo: bool
) -> None:
    told = [await any_desk.told(f"log {word}", tags=["log"]) for word in ("a", "b")]
    if undo:
        await any_desk("forget", note_ids=told)
    preview = await any_desk("forget", tags=["log"], undo=undo)
    if undo:
        await any_desk("forget", note_ids=told, undo=True)
    for note_id, word in zip(told, ("x", "y"), strict=True):
        await any_desk("update", note_id=note_id, content=f"log {word}, and what matters")
    if undo:
        await any_desk("forget", note_ids=told)

    answer = await any_desk("forget", confirm=preview["confirm"])

    assert (answer["status"], answer["notes"]) == ("preview", [])
    assert answer["skipped"] == sorted(told)
    assert "look at them again" in str(answer["next"])
    assert await any_desk("forget", confirm=preview["confirm"]) == answer


async def test_evolution_between_preview_and_confirm_changes_nothing(desk: Desk) -> None:
    told = [await desk.told(f"log line {n}", tags=["log"]) for n in range(3)]
    preview = await desk("forget", tags=["log"])
    await desk.evolve()

    answer = await desk("forget", confirm=preview["confirm"])

    assert sorted(ids(answer)) == sorted(told)


async def test_a_folded_part_can_be_brought_back(desk: Desk) -> None:
    goal = await desk.told("Goal: ship", kind="working")
    part = await desk.told("tag it", kind="working", links=[{"to": goal, "relation": "part_of"}])
    await desk("update", note_id=goal, kind="episodic")
    assert part not in await desk.found(query="tag it")

    await desk("forget", note_ids=[part], undo=True)

    assert part in await desk.found(query="tag it")


async def test_forgetting_what_superseded_a_note_brings_the_note_back(desk: Desk) -> None:
    old = await desk.told("Ana lives in Lyon")
    new = await desk.told("Ana lives in Oslo", links=[{"to": old, "relation": "supersedes"}])

    await desk("forget", note_ids=[new])
    assert await desk.found(query="Where does Ana live?") == [old]

    await desk("forget", note_ids=[new], undo=True)
    assert await desk.found(query="Where does Ana live?") == [new]


async def test_a_restored_note_is_superseded_only_if_somebody_still_says_so(desk: Desk) -> None:
    old = await desk.told("v1")
    link = {"to": old, "relation": "supersedes"}
    new = await desk.told("v2", links=[link])
    await desk("forget", note_ids=[old])
    await desk("update", note_id=new, links=[{**link, "remove": True}])

    await desk("forget", note_ids=[old], undo=True)

    [note] = await desk.memory.store.get([old])
    assert note.state.value == "active"


async def test_a_confirm_token_outlives_a_restart_but_not_a_quarter_of_an_hour(desk: Desk) -> None:
    note_id = await desk.told("log", tags=["log"])
    token = (await desk("forget", tags=["log"]))["confirm"]
    other = (await desk("forget", tags=["log"]))["confirm"]
    fresh = Memory(store=desk.memory.store, embedder=desk.memory.embedder)

    async with opened_desk(fresh) as again:
        again.now = desk.now
        assert ids(await again("forget", confirm=token)) == [note_id]
        again.later(minutes=16)
        with pytest.raises(Refused, match="Call forget with the filters again"):
            await again("forget", confirm=other)


async def test_a_preview_of_forgotten_notes_brings_them_back(desk: Desk) -> None:
    told = [await desk.told(f"log {n}", tags=["log"]) for n in range(2)]
    await desk("forget", note_ids=told)

    preview = await desk("forget", tags=["log"], undo=True)
    answer = await desk("forget", confirm=preview["confirm"])

    assert (answer["status"], sorted(ids(answer))) == ("restored", sorted(told))


async def test_a_query_previews_only_notes_that_match_it(desk: Desk) -> None:
    meant = await desk.told("my divorce hearing is in May")
    await desk.told("buy oat milk")

    assert ids(await desk("forget", query="divorce")) == [meant]


async def test_a_preview_shows_at_most_fifty_and_counts_all(desk: Desk) -> None:
    for number in range(60):
        await desk.told(f"entry {number}", tags=["bulk"])

    preview = await desk("forget", tags=["bulk"])

    assert (len(ids(preview)), preview["matched"]) == (50, 60)


async def test_forget_of_nothing_in_particular_is_refused(desk: Desk) -> None:
    with pytest.raises(Refused, match="nothing says which notes to forget"):
        await desk("forget")


async def test_forget_of_an_unknown_id_tells_the_agent_what_to_call_next(desk: Desk) -> None:
    known = await desk.told("x")
    unknown = "01ARZ3NDEKTSV4RRFFQ69G5FAV"

    with pytest.raises(Refused, match=rf"No note with id '{unknown}'\. Call recall"):
        await desk("forget", note_ids=[unknown])
    answer = await desk("forget", note_ids=[known, unknown])
    assert (ids(answer), answer["skipped"]) == ([known], [unknown])


async def test_filters_look_where_recall_looks(desk: Desk) -> None:
    await desk.told("theirs", tags=["log"], namespace="elsewhere")
    mine = await desk.told("mine", tags=["log"])
    users = await desk.told("users", tags=["log"], namespace="user")

    assert set(ids(await desk("forget", tags=["log"]))) == {mine, users}


async def test_a_query_matches_what_recall_finds_by_its_time_alone(desk: Desk) -> None:
    desk.later(days=-1)
    told = await desk.told("Ana fixed the VPN")
    desk.later(days=1)
    await desk.told("Ben likes tea")

    preview = await desk("forget", query="what happened yesterday?")

    assert (await desk.found(query="what happened yesterday?"))[0] == told
    assert ids(preview) == [told]
    assert preview["status"] == "preview"


@pytest.mark.parametrize("more", [{}, {"erase": True}])
async def test_a_misspelled_namespace_shows_nothing_of_another(
    desk: Desk, more: dict[str, object]
) -> None:
    await desk.told("Ana likes tea", subject="Ana")
    await desk.told("Ana leads the import", subject="Ana", namespace="borea")

    answer = await desk("forget", subject="Ana", namespace="boera", **more)

    assert (answer["status"], answer["matched"]) == ("preview", 0)
    assert "confirm" not in answer
    assert "the nearest is 'borea'" in str(answer["next"])
