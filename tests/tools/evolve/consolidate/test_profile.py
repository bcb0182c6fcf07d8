"""The profile: what stands, in the words of its notes, and nothing else."""

import pytest
from tests.tools.conftest import Desk, pick

from zettel.storage.notes import Kind, Note, State
from zettel.storage.store import NoteFilter
from zettel.tools.evolve.consolidate.drafts import cited


@pytest.fixture
def desk(consolidating_desk: Desk) -> Desk:
    """A desk whose notes are consolidated."""
    return consolidating_desk


async def profiles(desk: Desk) -> list[Note]:
    """The profile, if there is one."""
    return await desk.memory.store.find(NoteFilter(kinds=(Kind.CORE,), derived=True), limit=9)


async def test_the_profile_states_what_stands_in_the_words_of_its_notes(desk: Desk) -> None:
    await desk.told("Ana lives in Lyon", subject="Ana")
    await desk.told("Ana is going to buy a kite", subject="Ana")
    await desk.told("Did Ana like the soup?", subject="Ana")
    await desk.told("allergic to nuts", subject="Ben", kind="semantic")
    await desk.told("Lyon was hot yesterday", subject="Lyon")

    await desk.evolve()

    [profile] = await profiles(desk)
    assert (profile.kind, profile.content) == (
        Kind.CORE,
        "Ana lives in Lyon\nBen: allergic to nuts",
    )
    shown = await desk("recall")
    assert pick(shown, "notes", 0, "note_id") == profile.note_id


async def test_the_profile_says_of_whom_it_is(desk: Desk) -> None:
    await desk.told("lives in Lyon and owns a boat", kind="semantic")
    await desk.told("owns a kite", subject="Ben", kind="semantic")

    await desk.evolve()

    [profile] = await profiles(desk)
    assert profile.content == "Ben: owns a kite"


@pytest.mark.slow
async def test_the_profile_keeps_to_its_budget(desk: Desk) -> None:
    for number in range(60):
        await desk.told(f"person {number} owns {'a very ' * 9}old car", subject=f"person {number}")

    await desk.evolve()

    [profile] = await profiles(desk)
    assert 800 < len(profile.content.encode()) <= 1_200


async def test_of_two_places_to_live_the_profile_names_the_newer(desk: Desk) -> None:
    await desk.told("Ana lives in Lyon", subject="Ana", happened_at="2026-01-05")
    await desk.told("Ana lives in Nice", subject="Ana", happened_at="2026-06-05")

    await desk.evolve()

    [profile] = await profiles(desk)
    assert profile.content == "Ana lives in Nice"


async def test_what_is_superseded_or_contradicted_leaves_the_profile(desk: Desk) -> None:
    old = await desk.told("Ana works at the mill", subject="Ana")
    ben = await desk.told("Ben has a dog", subject="Ben")
    await desk.told("Cleo speaks Dutch", subject="Cleo")
    await desk.evolve()

    await desk.told("Ana left the mill", links=[{"to": old, "relation": "supersedes"}])
    no_dog = await desk.told("There was never any dog")
    await desk("update", note_id=ben, links=[{"to": no_dog, "relation": "contradicts"}])
    await desk.evolve()

    [profile] = await profiles(desk)
    assert profile.content == "Cleo speaks Dutch"


async def test_a_profile_whose_only_fact_is_reworded_into_none_leaves_recall(desk: Desk) -> None:
    note_id = await desk.told("Ana lives in Lyon", subject="Ana")
    await desk.evolve()
    [profile] = await profiles(desk)
    desk.later(days=1)
    await desk("update", note_id=note_id, content="Ana met Zeb by the glacier")

    await desk.evolve()

    assert await profiles(desk) == []
    [profile] = await desk.memory.store.get([profile.note_id])
    assert (profile.state, cited(profile)) == (State.ARCHIVED, {note_id})


async def test_citations_stand_while_a_cited_note_is_reworded(desk: Desk) -> None:
    ana = await desk.told("Ana lives in Lyon", subject="Ana")
    await desk.told("Ben has a dog", subject="Ben")
    await desk.evolve()
    [before] = await profiles(desk)
    desk.later(days=1)
    await desk("update", note_id=ana, content="Ana lives in Nice")

    await desk.evolve()

    [after] = await profiles(desk)
    assert after.content == "Ana lives in Nice\nBen has a dog"
    assert after.links == before.links
    assert after.rev == before.rev + 1


async def test_a_fact_leaves_the_profile_when_a_later_note_tells_a_change_of_it(desk: Desk) -> None:
    await desk.told("Tom works at the Bethesda, mostly night shifts", subject="Tom")
    await desk.told("Tom owns a boat", subject="Tom")
    await desk.evolve()

    await desk.told("Tom no longer does night shifts, he has the day ward now")
    await desk.evolve()

    [profile] = await profiles(desk)
    assert profile.content == "Tom owns a boat"


async def test_what_somebody_thinks_is_no_standing_fact(desk: Desk) -> None:
    await desk.told("Halvard thinks the new headmistress is fair", subject="Halvard")
    await desk.told("Halvard has a boat", subject="Halvard")

    await desk.evolve()

    [profile] = await profiles(desk)
    assert profile.content == "Halvard has a boat"


async def test_a_profile_names_the_day_of_yesterday(desk: Desk) -> None:
    await desk.told(
        "Mattis rides without stabilisers since yesterday", subject="Mattis", kind="semantic"
    )

    await desk.evolve()

    [profile] = await profiles(desk)
    assert profile.content.endswith("since yesterday (19 November 2026)")


async def test_a_new_number_takes_the_former_out_of_the_profile(desk: Desk) -> None:
    await desk.told("Ottilie's phone number is 555 0182", subject="Ottilie", kind="semantic")
    await desk.told("Ottilie has a new number: 555 0399", subject="Ottilie", kind="semantic")

    await desk.evolve()

    [profile] = await profiles(desk)
    assert profile.content == "Ottilie has a new number: 555 0399"


async def test_what_a_later_note_may_have_replaced_is_not_in_the_profile(desk: Desk) -> None:
    await desk.told("Ana lives in Lyon", subject="Ana")
    desk.later(days=1)
    moved = await desk.told("Ana has moved to Nice", subject="Ana")

    await desk.evolve()

    assert [profile.content for profile in await profiles(desk)] == ["Ana has moved to Nice"]
    await desk("forget", note_ids=[moved])
    await desk.evolve()
    assert [profile.content for profile in await profiles(desk)] == ["Ana lives in Lyon"]
