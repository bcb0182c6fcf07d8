"""Earlier revisions brought back, corrections, and changes guarded by a revision seen."""

import pytest
from tests.tools.conftest import Desk, Refused, notes, pick

from zettel.storage.notes import State


async def test_an_answer_says_how_to_take_the_change_back(desk: Desk) -> None:
    note_id = await desk.told("Ana lives in Lyon", happened_at="2026-01-10", tags=["home"])
    answer = await desk("update", note_id=note_id, content="Ana lives in Oslo", tags=[])
    rev = pick(answer, "undo", "restore_rev")

    back = await desk("update", note_id=note_id, restore_rev=rev)

    assert (back["rev"], pick(back, "changed", "content", 1)) == (3, "Ana lives in Lyon")
    [note] = notes(await desk("recall", query="Where does Ana live?", detail="full"))
    assert (note["content"], note["tags"]) == ("Ana lives in Lyon", ["home"])
    [first, wrong, _] = await desk.memory.store.revisions(note_id)
    assert wrong.corrected
    [then] = notes(await desk("recall", note_ids=[note_id], as_of="2026-02"))
    assert (then["content"], then["happened_at"]) == (first.content, "2026-01-10T00:00:00Z")
    again = await desk("update", note_id=note_id, restore_rev=rev)
    assert (again["rev"], again["changed"], "undo" in again) == (3, {}, False)


async def test_what_evolution_has_made_of_the_same_words_stays_when_they_come_back(
    desk: Desk,
) -> None:
    await desk.told("Jim paints in Lyon")
    note_id = await desk.told("Jim moved from Lyon to Oslo")
    await desk.evolve()
    [evolved] = await desk.memory.store.get([note_id])
    await desk("update", note_id=note_id, subject="Jim")

    await desk("update", note_id=note_id, restore_rev=1)
    await desk.evolve()

    [note] = await desk.memory.store.get([note_id])
    assert note.subject == ""
    assert note.keywords == evolved.keywords != ()
    assert [link.to for link in note.links] == [link.to for link in evolved.links] != []


async def test_words_come_back_with_the_vectors_they_had(desk: Desk) -> None:
    note_id = await desk.told("Ana lives in Lyon")
    before = await desk.memory.store.passages_of([note_id])
    await desk("update", note_id=note_id, content="Something else altogether")

    await desk("update", note_id=note_id, restore_rev=1)

    after = await desk.memory.store.passages_of([note_id])
    assert after[note_id].tolist() == before[note_id].tolist()


async def test_links_come_back_and_what_they_superseded_follows(desk: Desk) -> None:
    old = await desk.told("v1")
    new = await desk.told("v2", links=[{"to": old, "relation": "supersedes"}])
    await desk("update", note_id=new, links=[])
    [revived] = await desk.memory.store.get([old])
    assert revived.state is State.ACTIVE

    await desk("update", note_id=new, restore_rev=1)

    [closed] = await desk.memory.store.get([old])
    assert closed.state is State.SUPERSEDED


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"restore_rev": 7}, "has no revision 7, its last is 1"),
        ({"restore_rev": 0}, "restore_rev: 0 is out of range"),
        ({"restore_rev": 1, "content": "x"}, "no field can be given beside it"),
        ({"restore_rev": 1, "correction": True}, "no field can be given beside it"),
        ({"expected_rev": 0, "content": "x"}, "expected_rev: 0 is out of range"),
    ],
)
async def test_a_revision_that_cannot_be_meant_is_refused(
    desk: Desk, change: dict[str, object], named: str
) -> None:
    note_id = await desk.told("as it was")

    with pytest.raises(Refused) as refusal:
        await desk("update", note_id=note_id, **change)

    assert named in str(refusal.value)
    assert (await desk.memory.admin.stats()).revisions == 1


async def test_a_change_of_what_was_changed_since_is_refused_and_shows_the_note(
    desk: Desk,
) -> None:
    note_id = await desk.told("The fee is 30")
    await desk("update", note_id=note_id, content="The fee is 40")

    with pytest.raises(Refused, match=r'is at revision 2, not 1, .*"The fee is 40".*rev=2'):
        await desk("update", note_id=note_id, content="The fee is 50", expected_rev=1)

    assert (await desk("update", note_id=note_id, content="The fee is 50", expected_rev=2))[
        "rev"
    ] == 3


async def test_evolution_is_nobody_to_guard_against(desk: Desk) -> None:
    note_id = await desk.told("Jim moved from Lyon to Oslo")
    await desk.evolve()
    [evolved] = await desk.memory.store.get([note_id])
    assert evolved.rev > 1

    answer = await desk("update", note_id=note_id, tags=["a"], expected_rev=1)

    assert answer["rev"] == evolved.rev + 1


async def test_a_guarded_change_sent_again_is_no_conflict_with_itself(desk: Desk) -> None:
    note_id = await desk.told("The fee is 30")
    change = {"note_id": note_id, "content": "The fee is 40", "expected_rev": 1}

    first, second = await desk("update", **change), await desk("update", **change)

    assert (first["rev"], second["rev"], second["changed"]) == (2, 2, {})


async def test_a_correction_keeps_the_date_and_is_told_as_one_in_the_history(desk: Desk) -> None:
    note_id = await desk.told("Ana lives in Lyons", happened_at="2026-01-10")

    answer = await desk("update", note_id=note_id, content="Ana lives in Lyon", correction=True)

    assert answer["changed"] == {"content": ["Ana lives in Lyons", "Ana lives in Lyon"]}
    [note] = notes(await desk("recall", note_ids=[note_id], detail="full"))
    assert pick(note, "history", 0, "corrected") is True
    assert pick(note, "history", 1, "change") == "correct"


async def test_a_plan_whose_date_was_wrong_is_known_as_long_as_it_was(desk: Desk) -> None:
    note_id = await desk.told("The dentist", happened_at="2026-12-05")
    told = desk.now
    desk.later(days=3)
    await desk("update", note_id=note_id, happened_at="2026-12-12")

    [note] = await desk.memory.store.get([note_id])

    assert note.valid_from == told


async def test_a_link_of_the_rules_that_was_taken_out_stays_out(desk: Desk) -> None:
    first = await desk.told("We saw how Jim paints")
    note_id = await desk.told("We heard how Jim sings")
    await desk.evolve()
    [note] = await desk.memory.store.get([note_id])
    assert [link.to for link in note.links] == [first]

    await desk("update", note_id=note_id, links=[{"to": first, "remove": True}])
    await desk("update", note_id=note_id, subject="Jim")
    await desk.evolve()

    [note] = await desk.memory.store.get([note_id])
    assert not any(link.stood(None) for link in note.links if link.relation == "shares_name")


@pytest.mark.parametrize(
    "settling",
    [{"relation": "may_supersede", "remove": True}, {"relation": "supersedes"}],
)
async def test_the_undo_of_a_settled_pair_opens_it_again(
    any_desk: Desk, settling: dict[str, object]
) -> None:
    older = await any_desk.told("The gym opens at 7:00.", happened_at="2026-05-01")
    younger = await any_desk.told("The gym opens at 9:00 now.", happened_at="2026-06-01")
    settled = await any_desk("update", note_id=younger, links=[{"to": older, **settling}])
    assert "may_supersede" not in str((await any_desk("recall", note_ids=[younger]))["notes"])

    rev = pick(settled, "undo", "restore_rev")
    answer = await any_desk("update", note_id=younger, restore_rev=rev)

    assert "links" in str(answer["changed"])
    shown = str((await any_desk("recall", note_ids=[younger]))["notes"])
    assert "may_supersede" in shown
    assert older in shown
