"""A paraphrase told again is merged into the older note by the call that `remember` names."""

import re
import secrets
from collections.abc import Mapping
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st
from tests.tools.conftest import Desk, Refused, notes, pick
from tests.tools.llm_desk import stored

from zettel.storage.notes import Note, State
from zettel.storage.store import NoteFilter
from zettel.tools.changes.merging import same_as

FIRST = "Ana Oyelaran keeps her bees behind the old mill in Ulm"
AGAIN = "Behind the old mill in Ulm, Ana Oyelaran keeps bees"


async def told_twice(desk: Desk) -> tuple[str, str]:
    """A fact and a paraphrase with a tag, a source and a session of its own; the ids."""
    older = await desk.told(FIRST, tags=["bees"], session="spring")
    desk.later(days=30)
    younger = await desk.told(AGAIN, tags=["bees", "mill"], session="summer")
    return older, younger


async def merge(desk: Desk, younger: str, older: str) -> Mapping[str, object]:
    return await desk("update", note_id=younger, links=[{"to": older, "relation": "same_as"}])


async def test_remember_names_one_call_that_merges_and_the_call_does_it(any_desk: Desk) -> None:
    older = await any_desk.told(FIRST, tags=["bees"], session="spring")
    any_desk.later(days=30)
    answer = await any_desk("remember", content=AGAIN, tags=["mill"], session="summer")
    settle = str(pick(answer, "candidates", 0, "settle"))
    younger = answer["note_id"]
    named = re.search(r'the same: update\(note_id="(\w+)", links=\[\{"to": "(\w+)", ', settle)
    assert named
    assert named.groups() == (younger, older)

    merged = await merge(any_desk, *named.groups())

    assert merged["state"] == "archived"
    assert await any_desk.found(query="Where does Ana keep her bees?") == [older]
    assert (await stored(any_desk, older)).tags == ("bees", "mill")


async def test_nothing_is_lost_the_merged_note_keeps_its_words_time_session_and_history(
    desk: Desk,
) -> None:
    older, younger = await told_twice(desk)
    before = await stored(desk, younger)

    await merge(desk, younger, older)

    after = await stored(desk, younger)
    assert after.state is State.ARCHIVED
    assert (after.content, after.happened_at, after.session, after.tags) == (
        *(before.content, before.happened_at, before.session),
        before.tags,
    )
    [shown] = notes(await desk("recall", note_ids=[older], detail="full"))
    assert AGAIN[:40] in str(shown["links"])
    assert "merge" in str(shown["history"])


MORE = "Ana Oyelaran keeps bees behind the old mill in Ulm. Her honey is sold on Thursdays."


async def test_what_the_merged_note_tells_besides_is_found_in_the_other_one(
    any_desk: Desk,
) -> None:
    older = await any_desk.told(FIRST)
    any_desk.later(days=30)
    younger = await any_desk.told(MORE, happened_at="2026-12-03")

    await merge(any_desk, younger, older)

    told = f"{FIRST}\nTold again on 3 December 2026: Her honey is sold on Thursdays."
    answer = await any_desk("recall", query="When is the honey sold?")
    assert [(n["note_id"], n["content"]) for n in notes(answer)] == [(older, told)]
    assert (await stored(any_desk, older)).embed_model

    link = {"to": older, "relation": "same_as", "remove": True}
    await any_desk("update", note_id=younger, links=[link])

    assert (await stored(any_desk, older)).content == FIRST
    assert set(await any_desk.found(query="Ana's bees in Ulm")) == {older, younger}


async def test_parting_leaves_what_was_written_into_the_note_since(desk: Desk) -> None:
    older = await desk.told(FIRST)
    younger = await desk.told(MORE)
    answer = await merge(desk, younger, older)
    content = (await stored(desk, older)).content
    await desk("update", note_id=older, content=f"{content}\nShe has nine hives.")

    await desk("update", note_id=younger, restore_rev=pick(answer, "undo", "restore_rev"))

    assert (await stored(desk, older)).content == f"{FIRST}\nShe has nine hives."


async def test_a_note_that_would_become_too_long_keeps_its_words(desk: Desk) -> None:
    long = f"{FIRST}.{' The ledger of the mill is dull.' * 1_020}"
    older = await desk.told(long)
    younger = await desk.told(MORE + " She has nine hives, three of them painted green." * 2)

    await merge(desk, younger, older)

    assert (await stored(desk, older)).content == long
    assert (await stored(desk, younger)).state is State.ARCHIVED


async def test_the_merge_is_undone_by_the_revision_that_the_answer_names(desk: Desk) -> None:
    older, younger = await told_twice(desk)
    answer = await merge(desk, younger, older)

    await desk("update", note_id=younger, restore_rev=pick(answer, "undo", "restore_rev"))

    assert set(await desk.found(query="Ana's bees in Ulm")) == {older, younger}
    assert (await stored(desk, older)).tags == ("bees",)


async def test_taking_the_link_out_undoes_the_merge_and_keeps_tags_that_were_added_since(
    desk: Desk,
) -> None:
    older, younger = await told_twice(desk)
    await merge(desk, younger, older)
    await desk("update", note_id=older, tags=["bees", "mill", "honey"])

    link = {"to": older, "relation": "same_as", "remove": True}
    await desk("update", note_id=younger, links=[link])

    assert (await stored(desk, younger)).state is State.ACTIVE
    assert (await stored(desk, older)).tags == ("bees", "honey")


async def test_what_a_forgotten_note_told_goes_out_of_the_other_and_comes_back_with_it(
    any_desk: Desk,
) -> None:
    older = await any_desk.told(FIRST)
    younger = await any_desk.told(MORE, tags=["honey"])
    await merge(any_desk, younger, older)
    told = (await stored(any_desk, older)).content

    await any_desk("forget", note_ids=[younger])
    without = await stored(any_desk, older)
    await any_desk("forget", note_ids=[younger], undo=True)
    again = await stored(any_desk, older)

    assert (without.content, without.tags) == (FIRST, ())
    assert (again.content, again.tags) == (told, ("honey",))
    assert (await stored(any_desk, younger)).state is State.ARCHIVED


BLUE = "Ana Oyelaran has her bees behind the old mill in Ulm. The hives are painted blue."


async def merged_in_turn(desk: Desk) -> tuple[str, str, str]:
    """A note merged into a second one, and that into a third, as it was told before; their ids."""
    third, second, first = [await desk.told(text) for text in (FIRST, BLUE, MORE)]
    await merge(desk, first, second)
    await merge(desk, second, third)
    content = (await stored(desk, third)).content
    assert "honey" in content
    assert "blue" in content
    return first, second, third


async def test_what_a_forgotten_note_told_goes_out_of_all_that_took_it_over_in_turn_and_back(
    desk: Desk,
) -> None:
    first, second, third = await merged_in_turn(desk)

    await desk("forget", note_ids=[first])
    without = [(await stored(desk, one)).content for one in (second, third)]
    assert await desk.found(query="When is Ana's honey sold?") == [third]
    await desk("forget", note_ids=[first], undo=True)
    again = [(await stored(desk, one)).content for one in (second, third)]

    assert not [text for text in without if "honey" in text or "Told again" in text[:-60]]
    assert "blue" in without[1]
    assert all("honey" in text and "blue" in text for text in again)


async def test_what_another_note_tells_as_well_stays_where_the_words_went_in_turn(
    desk: Desk,
) -> None:
    first, _, third = await merged_in_turn(desk)
    other = await desk.told(f"{MORE} They say.")
    await merge(desk, other, third)

    await desk("forget", note_ids=[first])

    assert "honey" in (await stored(desk, third)).content


def holders(note: Note, among: Mapping[str, Note]) -> frozenset[str]:
    """Ids of the notes that a note is merged into, also in turn, among those that are there."""
    into = same_as(note) & among.keys()
    return into.union(*(holders(among[note_id], among) for note_id in into))


@settings(  # a step takes some 20 ms: without shrinking
    max_examples=15,
    deadline=None,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    steps=st.lists(
        st.tuples(
            st.sampled_from(["merge", "merge", "part", "forget", "bring back"]),
            st.sampled_from([(a, b) for a in range(5) for b in range(a)]),
        ),
        min_size=4,
        max_size=20,
    )
)
@example(steps=[("merge", (2, 1)), ("merge", (1, 0)), ("forget", (2, 0))])
@example(steps=[("merge", (3, 2)), ("merge", (2, 1)), ("merge", (1, 0)), ("forget", (3, 0))])
@example(steps=[("merge", (2, 1)), ("merge", (1, 0)), ("part", (2, 1)), ("forget", (2, 0))])
@example(steps=[("merge", (2, 1)), ("merge", (1, 0)), ("bring back", (2, 0))])
@example(
    steps=[
        ("merge", (2, 1)),
        ("forget", (1, 0)),
        ("bring back", (2, 0)),
        ("forget", (2, 0)),
        ("bring back", (1, 0)),
        ("bring back", (2, 0)),
    ]
)
@example(steps=[("merge", (2, 1)), ("forget", (1, 0)), ("bring back", (2, 0)), ("merge", (2, 0))])
async def test_no_note_tells_what_a_forgotten_one_told_however_they_were_merged(
    desk: Desk, steps: list[tuple[str, tuple[int, int]]]
) -> None:
    words = [secrets.token_hex(4) for _ in range(5)]
    ids = [await desk.told(f"{FIRST}. Her hive {word} is new.") for word in words]

    for step, (note, other) in steps:
        link: dict[str, object] = {"to": ids[other], "relation": "same_as"}
        before = await stored(desk, ids[note])
        with suppress(Refused):
            if step == "forget":
                await desk("forget", note_ids=[ids[note]])
            elif step == "bring back":
                await desk("forget", note_ids=[ids[note]], undo=True)
            else:
                link |= {"remove": True} if step == "part" else {}
                await desk("update", note_id=ids[note], links=[link])

        there = [await stored(desk, one) for one in ids]
        tell = {note.note_id: note for note in there if note.state is not State.FORGOTTEN}
        now = there[note]
        if now.rev > before.rev and now.state is State.ACTIVE and step in ("merge", "bring back"):
            assert State.ACTIVE not in {tell[one].state for one in holders(now, tell)}
        for note_id, word in zip(ids, words, strict=True):
            told = {one for one, note in tell.items() if word in note.content}
            may = {note_id} | holders(tell[note_id], tell) if note_id in tell else set[str]()
            assert told <= may
            assert told == may or tell[note_id].state is State.ACTIVE


async def test_an_erased_note_leaves_no_word_in_the_one_it_was_merged_into(desk: Desk) -> None:
    older = await desk.told(FIRST)
    younger = await desk.told(MORE)
    await merge(desk, younger, older)

    preview = await desk("forget", note_ids=[younger], erase=True)
    await desk("forget", confirm=preview["confirm"])

    assert preview["elsewhere"] == [older]
    assert "honey" not in str(await desk.memory.store.revisions(older))
    assert await desk.found(query="Ana's bees in Ulm") == [older]


async def test_what_two_merged_notes_tell_stays_until_both_are_forgotten_or_erased(
    desk: Desk,
) -> None:
    older = await desk.told(FIRST)
    one = await desk.told(MORE, tags=["honey"])
    other = await desk.told(f"{MORE} They say.", tags=["honey"])
    await merge(desk, one, older)
    await merge(desk, other, older)

    await desk("forget", note_ids=[one])
    assert await desk.found(query="When is the honey sold?") == [older]
    assert (await stored(desk, older)).tags == ("honey",)
    preview = await desk("forget", note_ids=[other], erase=True)
    await desk("forget", confirm=preview["confirm"])

    assert {pick(preview, "elsewhere", at) for at in (0, 1)} == {older, one}
    assert "honey" not in str(await desk.memory.store.revisions(older))


async def test_notes_forgotten_one_by_one_come_back_with_all_that_they_told(desk: Desk) -> None:
    older = await desk.told(FIRST)
    younger = await desk.told(MORE)
    await merge(desk, younger, older)
    told = (await stored(desk, older)).content

    for note_id in (younger, older):
        await desk("forget", note_ids=[note_id])
    for note_id in (younger, older):
        await desk("forget", note_ids=[note_id], undo=True)

    assert (await stored(desk, older)).content == told


async def test_the_undo_that_an_answer_names_brings_a_merged_note_back_with_its_links(
    desk: Desk,
) -> None:
    gone, older = await desk.told("Ana had her bees in Bonn"), await desk.told(FIRST)
    younger = await desk.told(AGAIN, links=[{"to": gone, "relation": "supersedes"}])
    await merge(desk, younger, older)
    link = {"to": gone, "relation": "supersedes", "remove": True}
    answer = await desk("update", note_id=younger, links=[link])

    await desk("update", note_id=younger, restore_rev=pick(answer, "undo", "restore_rev"))

    assert gone in str((await stored(desk, younger)).links)
    with pytest.raises(Refused, match=f"would be archived.*Link {older}"):
        both = [
            {"to": older, "relation": "same_as"},
            {"to": gone, "relation": "supersedes"},
        ]
        await desk("update", note_id=await desk.told(f"{AGAIN} now"), links=both)


async def test_a_merged_note_takes_the_place_of_none_and_is_offered_none(any_desk: Desk) -> None:
    older, younger = await told_twice(any_desk)
    await merge(any_desk, younger, older)

    answer = await any_desk("update", note_id=younger, content=f"{FIRST} no longer")
    link = {"to": older, "relation": "supersedes"}
    with pytest.raises(Refused, match="is archived, so that recall would show neither"):
        await any_desk("update", note_id=younger, links=[link])

    assert "candidates" not in answer
    assert await any_desk.found(query="Where does Ana keep her bees?") == [older]
    # Not merged any more, it may.
    apart = {"to": older, "relation": "same_as", "remove": True}
    await any_desk("update", note_id=younger, links=[apart, link])
    assert await any_desk.found(query="Where does Ana keep her bees?") == [younger]


async def test_the_older_note_becomes_a_rule_if_the_paraphrase_was_told_as_one(desk: Desk) -> None:
    older = await desk.told("Never push to main, open a pull request")
    younger = await desk.told("Open a pull request, never push to main", kind="procedural")

    await merge(desk, younger, older)

    assert (await stored(desk, older)).kind == "procedural"


async def test_what_was_merged_stays_merged_when_evolution_runs(desk: Desk) -> None:
    older, younger = await told_twice(desk)
    await desk.evolve()
    await merge(desk, younger, older)
    await desk.evolve()
    again = await desk.evolve()

    assert (again.changed, again.created) == (0, 0)
    assert (await stored(desk, younger)).state is State.ARCHIVED
    assert await desk.found(tags=["needs-review"]) == []


async def test_a_note_from_another_source_takes_nothing_over_but_is_merged(desk: Desk) -> None:
    older = await desk.told(FIRST)
    younger = await desk.told(AGAIN, tags=["web"], source="https://example.org/bees")

    await merge(desk, younger, older)

    note = await stored(desk, older)
    assert (note.tags, note.trust, note.rev) == ((), 1.0, 1)
    assert (await stored(desk, younger)).state is State.ARCHIVED


@pytest.mark.parametrize("gone", ["forgotten", "superseded"])
async def test_nothing_is_merged_into_a_note_that_recall_does_not_show(
    desk: Desk, gone: str
) -> None:
    older, younger = await told_twice(desk)
    if gone == "forgotten":
        await desk("forget", note_ids=[older])
    else:
        links = [{"to": older, "relation": "supersedes"}]
        await desk("remember", content="Ana gave up her bees", links=links)

    with pytest.raises(Refused):
        await merge(desk, younger, older)

    assert (await stored(desk, younger)).state is State.ACTIVE


async def test_a_superseded_note_puts_its_words_into_no_current_one(desk: Desk) -> None:
    older = await desk.told("The build runs on GitLab")
    newer = await desk.told("The build runs on GitHub Actions now")
    await desk("update", note_id=newer, links=[{"to": older, "relation": "supersedes"}])

    with pytest.raises(Refused, match="is superseded"):
        await merge(desk, older, newer)

    assert (await stored(desk, newer)).content == "The build runs on GitHub Actions now"


async def test_a_note_that_is_being_told_cannot_be_merged_and_is_not_stored(desk: Desk) -> None:
    known = await desk.told("The violin's case is blue")

    with pytest.raises(Refused, match="then call update"):
        await desk.told(
            "The case of the violin is blue", links=[{"to": known, "relation": "same_as"}]
        )

    assert await desk.memory.store.count(NoteFilter()) == 1


async def test_bringing_back_a_merged_note_twice_leaves_it_merged(desk: Desk) -> None:
    older, younger = await told_twice(desk)
    await merge(desk, younger, older)
    await desk("forget", note_ids=[younger])
    await desk("forget", note_ids=[younger], undo=True)

    again = await desk("forget", note_ids=[younger], undo=True)

    assert again["next"] == f"Not forgotten, so left as it is: {younger}."
    assert (await stored(desk, younger)).state is State.ARCHIVED
    assert await desk.found(query="Where does Ana keep her bees?") == [older]


async def test_new_words_of_a_merged_note_lead_to_the_one_that_tells_the_former(
    desk: Desk,
) -> None:
    older = await desk.told(FIRST)
    younger = await desk.told(f"{AGAIN}, and the queen is called Victoria")
    await merge(desk, younger, older)

    answer = await desk(
        "update",
        note_id=younger,
        content=f"{AGAIN}, and the queen is called Elizabeth",
        correction=True,
    )

    assert str(answer["notice"]).startswith(f"It is merged into {older}, which may still tell")


async def test_bringing_back_a_note_merged_into_a_forgotten_one_does(desk: Desk) -> None:
    older, younger = await told_twice(desk)
    await merge(desk, younger, older)
    await desk("forget", note_ids=[older])

    await desk("forget", note_ids=[younger], undo=True)

    assert await desk.found(query="Where does Ana keep her bees?") == [younger]


async def test_a_note_superseded_while_it_was_merged_stays_so_when_it_is_parted(
    desk: Desk,
) -> None:
    older, younger = await told_twice(desk)
    await merge(desk, younger, older)
    given_up = await desk.told(
        "Ana has given up her bees", links=[{"to": younger, "relation": "supersedes"}]
    )

    await desk(
        "update",
        note_id=younger,
        links=[{"to": older, "relation": "same_as", "remove": True}],
    )

    assert (await stored(desk, younger)).state is State.SUPERSEDED
    assert younger not in await desk.found(query="Does Ana keep bees?")
    assert given_up in await desk.found(query="Does Ana keep bees?")
