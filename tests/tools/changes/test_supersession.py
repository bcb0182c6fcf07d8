"""Two clocks where they meet: a note that is changed while another takes its place."""

from dataclasses import replace
from datetime import timedelta
from typing import cast

import pytest
from tests.tools.conftest import START, Desk, Refused, contents, notes, pick

from zettel.storage.notes import State
from zettel.storage.store import Change
from zettel.tools.changes import supersession
from zettel.tools.doctor.heal import heal

HOUR = timedelta(hours=1)


def at(hours: float) -> str:
    """So many hours after the start."""
    return (START + hours * HOUR).isoformat()


def superseding(note_id: str, **more: object) -> list[dict[str, object]]:
    """The link that closes another note."""
    return [{"to": note_id, "relation": "supersedes", **more}]


async def contents_as_of(desk: Desk, moment: str) -> set[object]:
    """What was true then."""
    answer = await desk("recall", since="1970", as_of=moment)
    return set(contents(answer))


async def test_a_later_end_for_a_superseded_note_does_not_open_it_again(desk: Desk) -> None:
    old = await desk.told("the old offer")
    await desk.told("the new offer", links=superseding(old))

    await desk("update", note_id=old, valid_until="2030")

    assert await contents_as_of(desk, at(1)) == {"the new offer"}


async def test_an_end_told_while_superseded_counts_once_the_link_is_taken_out(desk: Desk) -> None:
    old = await desk.told("the old offer")
    new = await desk.told("the new offer", links=superseding(old))
    await desk("update", note_id=old, valid_until="2030")

    await desk("update", note_id=new, links=superseding(old, remove=True))

    answer = await desk("recall", note_ids=[old])
    assert pick(answer, "notes", 0, "valid_until") == "2030-12-31T23:59:59Z"


@pytest.mark.parametrize("change", [{"valid_until": ""}, {"restore_rev": 1}])
async def test_a_takeover_that_lies_ahead_survives_a_change_of_the_note_that_ends(
    desk: Desk, change: dict[str, object]
) -> None:
    old = await desk.told("the old offer")
    new = await desk.told("the new offer", happened_at=at(5), links=superseding(old))

    await desk("update", note_id=old, **change)

    desk.later(hours=9)
    assert await desk.found(since="1970") == [new]


async def test_a_superseded_note_dated_back_ends_when_the_other_began(desk: Desk) -> None:
    old = await desk.told("the old offer")
    await desk.told("the new offer", happened_at=at(-5), links=superseding(old))

    await desk("update", note_id=old, happened_at=at(-9))

    assert await contents_as_of(desk, at(-7)) == {"the old offer"}
    assert await contents_as_of(desk, at(-2)) == {"the new offer"}


async def test_new_words_about_the_same_coming_day_leave_the_past_as_it_was(desk: Desk) -> None:
    note_id = await desk.told("on Friday in room one", happened_at=at(50))
    desk.later(hours=5)

    await desk("update", note_id=note_id, content="on Friday in room two", happened_at=at(50))

    assert await contents_as_of(desk, at(2)) == {"on Friday in room one"}
    assert await contents_as_of(desk, at(6)) == {"on Friday in room two"}


async def test_restoring_the_revision_that_stands_makes_none(desk: Desk) -> None:
    await desk.told("we met Marlow near the mill")
    note_id = await desk.told("we met Marlow near the pond")
    other = await desk.told("something else")
    await desk.evolve()
    link = {"to": other, "relation": "supports"}
    await desk("update", note_id=note_id, links=[link])
    rev = (await desk("update", note_id=note_id, links=[{**link, "remove": True}]))["rev"]

    answer = await desk("update", note_id=note_id, restore_rev=rev)

    assert (answer["rev"], answer["changed"]) == (rev, {})


@pytest.mark.parametrize("never", [True, False])
async def test_a_link_taken_out_after_the_words_changed_is_seen_from_both_ends_or_none(
    desk: Desk, never: bool
) -> None:
    target = await desk.told("the mill")
    note_id = await desk.told("old words", links=[{"to": target, "relation": "supports"}])
    desk.later(hours=5)
    await desk("update", note_id=note_id, content="new words")
    gone = {"to": target, "relation": "supports", "remove": True}
    await desk("update", note_id=note_id, links=[gone], correction=never)

    answer = await desk("recall", note_ids=[note_id, target], as_of=at(2), detail="full")

    assert contents(answer) == ["old words", "the mill"]
    shown = [note.get("links") for note in notes(answer)]
    if never:
        assert shown == [None, None]
    else:
        assert pick(shown, 0, 0, "relation") == "supports"
        assert pick(shown, 1, 0, "relation") == "supports (from)"


async def test_a_link_put_in_again_had_not_stood_meanwhile(desk: Desk) -> None:
    target = await desk.told("the mill")
    link = {"to": target, "relation": "supports"}
    note_id = await desk.told("the miller", links=[link])
    desk.later(hours=5)
    await desk("update", note_id=note_id, links=[{**link, "remove": True}])
    desk.later(hours=5)
    await desk("update", note_id=note_id, links=[link])

    for hours, stood in ((2, True), (7, False), (11, True)):
        [note] = notes(await desk("recall", note_ids=[note_id], as_of=at(hours)))
        assert ("links" in note) is stood


async def test_what_was_said_before_ends_with_the_note_that_took_its_place(desk: Desk) -> None:
    old = await desk.told("Ana lives in Lyon", happened_at=at(-9))
    await desk("update", note_id=old, content="Ana lives in Oslo", happened_at=at(-5))
    await desk.told("Ana lives nowhere", happened_at=at(-7), links=superseding(old))

    assert await contents_as_of(desk, at(-8)) == {"Ana lives in Lyon"}
    assert await contents_as_of(desk, at(-6)) == {"Ana lives nowhere"}
    assert await contents_as_of(desk, at(-1)) == {"Ana lives nowhere"}


async def test_new_words_for_a_superseded_note_are_sent_to_the_newer_one(desk: Desk) -> None:
    old = await desk.told("the old offer")
    await desk.told("the new offer", links=superseding(old))
    desk.later(hours=1)

    with pytest.raises(Refused, match=r"another one superseded it.*Update that one"):
        await desk("update", note_id=old, content="a third offer", happened_at=at(1))


async def test_a_change_that_is_announced_leaves_what_holds_until_then(desk: Desk) -> None:
    older = await desk.told("Deploys to staging go out every Tuesday", happened_at="2026-11-16")
    announced = "From 1 December deploys to staging go out every Thursday instead of Tuesday"
    answer = await desk("remember", content=announced, happened_at="2026-11-20")

    call = str(pick(answer, "candidates", 0, "settle")).partition(";")[0]

    younger = str(answer["note_id"])
    assert call == (
        f'changed: update(note_id="{younger}", happened_at="2026-12-01T00:00:00Z", links='
        f'[{{"to": "{older}", "relation": "supersedes"}}])'
    )
    await desk(
        "update",
        note_id=younger,
        happened_at="2026-12-01T00:00:00Z",
        links=[{"to": older, "relation": "supersedes"}],
    )
    asked = "When do deploys to staging go out?"
    assert (await desk.found(query=asked))[0] == older
    desk.later(days=14)
    assert (await desk.found(query=asked))[0] == younger
    assert (await desk.found(query=asked, as_of="2026-11-25"))[0] == older


@pytest.mark.parametrize(
    ("present", "announced", "carries_day"),
    [
        (
            "Nina works as a fitter at Bosch in Riga",
            "Nina starts as a fitter at Siemens in Riga",
            True,
        ),
        ("Nina moves to Riga as a fitter on 11 January", "Nina moves to Riga as a fitter", False),
    ],
)
async def test_the_day_of_a_change_is_told_by_the_call_unless_the_day_is_what_has_changed(
    desk: Desk, present: str, announced: str, *, carries_day: bool
) -> None:
    await desk.told(present, happened_at="2026-11-16")

    answer = await desk("remember", content=f"{announced} on 1 January", happened_at="2026-11-20")

    call = str(pick(answer, "candidates", 0, "settle")).partition(";")[0]
    assert ('happened_at="2027-01-01T00:00:00Z"' in call) is carries_day


async def chain(desk: Desk, room: str = "") -> list[str]:
    """Three printers, each of which took the place of the one before, an hour apart."""
    ids = list[str]()
    for printer in ("Brother", "Canon", "Xerox"):
        links = superseding(ids[-1]) if ids else []
        ids.append(await desk.told(f"the printer{room} is a {printer}", links=links))
        desk.later(hours=1)
    return ids


async def test_the_first_of_three_stays_superseded_when_the_second_is_forgotten(desk: Desk) -> None:
    first, second, third = await chain(desk)

    answer = await desk("forget", note_ids=[second])

    assert "next" not in answer
    assert await contents_as_of(desk, at(4)) == {"the printer is a Xerox"}
    assert await contents_as_of(desk, at(0.5)) == {"the printer is a Brother"}
    await desk("forget", note_ids=[third])
    assert await contents_as_of(desk, at(4)) == {"the printer is a Brother"}
    await desk("forget", note_ids=[third], undo=True)
    assert await contents_as_of(desk, at(4)) == {"the printer is a Xerox"}
    await desk("forget", note_ids=[second], undo=True)
    assert await contents_as_of(desk, at(4)) == {"the printer is a Xerox"}
    read = await desk("recall", note_ids=[first])
    assert pick(read, "notes", 0, "state") == "superseded"


async def test_all_that_a_forgotten_chain_has_superseded_comes_back_with_its_last(
    desk: Desk,
) -> None:
    first, second, third = await chain(desk)
    fourth = await desk.told("the printer is an Epson", links=superseding(third))

    await desk("forget", note_ids=[third])
    await desk("forget", note_ids=[second])
    assert await contents_as_of(desk, at(4)) == {"the printer is an Epson"}

    answer = await desk("forget", note_ids=[fourth])
    assert await contents_as_of(desk, at(4)) == {"the printer is a Brother"}
    assert first in str(answer["next"])


async def test_forgetting_says_what_is_current_again_before_and_after(desk: Desk) -> None:
    old = await desk.told("the printer is a Brother", subject="printer")
    new = await desk.told("the printer is a Canon", subject="printer", links=superseding(old))

    preview = await desk("forget", subject="printer")
    assert [note["note_id"] for note in notes(preview)] == [new]
    assert f"Current again will be what nothing supersedes any more ({old})" in str(preview["next"])

    done = await desk("forget", confirm=preview["confirm"])
    assert f"Current again is what nothing supersedes any more ({old})" in str(done["next"])
    assert await desk.found(since="1970") == [old]


async def test_forgetting_names_what_is_still_to_take_the_place_of_it(desk: Desk) -> None:
    now = await desk.told("parking costs 10 euros")
    answer = await desk("update", note_id=now, content="parking costs 12 euros", happened_at=at(99))
    (planned,) = {str(answer["note_id"])} - {now} or await desk.found(as_of=at(100), since="1970")

    done = await desk("forget", note_ids=[now])

    assert f'forget(note_ids=["{planned}"]) takes that back' in str(done["next"])


async def test_a_preview_of_an_erasure_says_what_is_current_again(desk: Desk) -> None:
    first, second, _ = await chain(desk)

    preview = await desk("forget", note_ids=[second], erase=True)
    assert f"Current again will be what nothing supersedes any more ({first})" in str(
        preview["next"]
    )

    await desk("forget", confirm=preview["confirm"])
    assert await contents_as_of(desk, at(4)) == {
        "the printer is a Brother",
        "the printer is a Xerox",
    }


@pytest.mark.parametrize("ends", ["", "2026-11-20"])
async def test_what_was_never_closed_or_is_over_is_not_current_again(desk: Desk, ends: str) -> None:
    old = await desk.told("parking costs 10 euros", valid_until=ends)
    day = at(99) if not ends else at(1)
    new = await desk.told("parking costs 12 euros", happened_at=day, links=superseding(old))
    desk.later(days=2 if ends else 0)

    done = await desk("forget", note_ids=[new])

    assert "Current again" not in str(done.get("next", ""))


async def test_many_chains_whose_middles_are_forgotten_stay_closed(desk: Desk) -> None:
    chains = [await chain(desk, f" of room {room}") for room in range(3)]
    await desk("forget", note_ids=[second for _, second, _ in chains])

    few = 2
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(supersession, "SUPERSESSION_MAX_CHAIN", few)
        assert await supersession.half_superseded(desk.memory.admin, now=desk.now) == []


def document(version: str, *, chapters: int) -> str:
    """A text that is kept in parts."""
    told = (f"Chapter {n} of {version}. " + f"Berth {n} is free. " * 60 for n in range(chapters))
    return "\n\n".join(told)


async def told_text(desk: Desk, version: str, **more: object) -> list[str]:
    """Remember a text that is kept in parts; their ids."""
    told = await desk("remember", content=document(version, chapters=40), **more)
    return [str(told["note_id"]), *(str(part) for part in cast("list[str]", told["parts"]))]


async def states(desk: Desk, note_ids: list[str]) -> set[str]:
    """The states of some notes."""
    return {note.state.value for note in await desk.memory.store.get(note_ids)}


async def test_a_text_told_anew_takes_the_place_of_all_parts_of_the_older_and_gives_them_back(
    desk: Desk,
) -> None:
    old = await told_text(desk, "the first edition")
    new = await told_text(desk, "the second edition", links=superseding(old[0]))
    assert (await states(desk, old), await states(desk, new)) == ({"superseded"}, {"active"})
    assert await heal(desk.memory, now=desk.now) == {}

    await desk("update", note_id=new[0], links=superseding(old[0], remove=True))
    assert await states(desk, old) == {"active"}

    await desk("update", note_id=new[0], links=superseding(old[0]))
    assert await states(desk, old) == {"superseded"}

    await desk("forget", note_ids=[new[0]])
    assert await states(desk, old) == {"active"}


async def test_a_text_told_anew_closes_all_parts_of_the_older_in_the_commit_that_stores_it(
    any_desk: Desk,
) -> None:
    old = await told_text(any_desk, "the first edition")
    before = await any_desk.memory.store.version()

    await told_text(any_desk, "the second edition", links=superseding(old[0]))

    assert await states(any_desk, old) == {"superseded"}
    assert await any_desk.memory.store.version() == before + 1


async def test_a_text_of_one_note_takes_the_place_of_all_parts_of_a_longer_one(desk: Desk) -> None:
    old = await told_text(desk, "the long edition")

    await desk.told("The short edition. " * 200, links=superseding(old[0]))

    assert await states(desk, old) == {"superseded"}


async def test_a_note_takes_the_place_of_a_first_part_alone(desk: Desk) -> None:
    first, *rest = await told_text(desk, "the book")

    await desk.told("Berth 0 is taken", links=superseding(first))

    assert await states(desk, [first]) == {"superseded"}
    assert await states(desk, rest) == {"active"}


async def test_a_part_that_a_note_superseded_before_stays_so_when_the_text_comes_back(
    desk: Desk,
) -> None:
    first, second, *rest = await told_text(desk, "the first edition")
    single = await desk.told("Berth 1 is taken", links=superseding(second))
    newer, *_ = await told_text(desk, "the second edition", links=superseding(first))

    await desk("update", note_id=newer, links=superseding(first, remove=True))
    assert await states(desk, [second]) == {"superseded"}
    assert await states(desk, [first, *rest]) == {"active"}

    await desk("update", note_id=newer, links=superseding(first))
    await desk("forget", note_ids=[single])
    assert await states(desk, [first, second, *rest]) == {"superseded"}


async def test_parts_that_were_left_open_are_closed_with_their_text(desk: Desk) -> None:
    """As a version left them that took the first part alone, or a process that was killed."""
    store = desk.memory.store
    first, *rest = await told_text(desk, "the first edition")
    await told_text(desk, "the second edition", links=superseding(first))
    opened = [
        replace(n, rev=n.rev + 1, state=State.ACTIVE, valid_until=None, change="revive")
        for n in await store.get(rest)
    ]
    await store.write(changes=[Change(note=note) for note in opened])

    assert await heal(desk.memory, now=desk.now) == {"half_superseded": len(rest)}

    assert await states(desk, rest) == {"superseded"}
    assert await heal(desk.memory, now=desk.now) == {}
