"""A second note on one thing is seen as its change: told, asked for, evolved and settled."""

from collections.abc import Sequence

import pytest
from tests.storage.in_memory.store import DictStore
from tests.tools.conftest import Desk, opened_desk, pick

from zettel.storage.embedding.hashing import HashEmbedder
from zettel.storage.notes import MAY_SUPERSEDE
from zettel.tools.state.memory import Memory

OLDER = "The staging database runs on the host pg-stg-two"
YOUNGER = "Falkenstein has the machine of the staging database, host pg-stg-four"
ON = "staging database"


async def test_a_second_note_on_a_thing_comes_first_and_is_offered_to_be_settled(
    desk: Desk,
) -> None:
    older = await desk.told(OLDER, subject=ON)
    desk.later(days=3)

    answer = await desk("remember", content=YOUNGER, subject=ON)

    assert pick(answer, "candidates", 0, "note_id") == older
    assert "also about" in str(pick(answer, "candidates", 0, "why"))
    found = await desk.found(query="On which host does the staging database run?")
    assert found == [answer["note_id"], older]


@pytest.mark.parametrize("evolved", ["after each", "at the end"])
async def test_whenever_it_is_evolved_a_third_note_makes_the_thing_a_sort_of_things(
    desk: Desk, evolved: str
) -> None:
    notes = list[str]()
    for content in (OLDER, YOUNGER, "The staging database is copied to the bucket at night"):
        notes.append(await desk.told(content, subject=ON))
        if evolved == "after each":
            await desk.evolve()
        desk.later(days=3)
    await desk.evolve()
    assert await _changes(desk, notes) == []

    await desk("forget", note_ids=[notes[2]])
    await desk.evolve()

    assert await _changes(desk, notes[:2]) == [(notes[1], notes[0])]
    assert (await desk.evolve()).changed == 0


async def _changes(desk: Desk, notes: Sequence[str]) -> list[tuple[str, str]]:
    """Note id -> the id of a note that it may supersede."""
    return [
        (note.note_id, link.to)
        for note in await desk.memory.store.get(notes)
        for link in note.links
        if link.relation == MAY_SUPERSEDE and link.stood(None)
    ]


async def test_what_tells_of_a_change_of_something_else_changes_nothing(desk: Desk) -> None:
    await desk.told(OLDER, subject=ON)
    billed = await desk.told("The bill of the host comes from Falkenstein", subject="bill")
    desk.later(days=3)

    answer = await desk(
        "remember",
        content="The staging database: the bill no longer comes from Falkenstein",
        subject=ON,
    )

    assert "also about" not in str(answer["candidates"])
    [note] = await desk.memory.store.get([str(answer["note_id"])])
    assert [link.to for link in note.links] == [billed]


async def test_evolution_finds_what_was_told_while_the_model_was_loading() -> None:
    memory = Memory(store=DictStore(), embedder=HashEmbedder(ready=False))
    async with opened_desk(memory) as desk:
        older = await desk.told(OLDER, subject=ON)
        desk.later(days=3)
        younger = await desk.told(YOUNGER, subject=ON)
        [before] = await memory.store.get([younger])

        await desk.evolve()

        [note] = await memory.store.get([younger])
        assert before.links == ()
        assert (older, MAY_SUPERSEDE) in [(link.to, link.relation) for link in note.links]
        assert (await desk.evolve()).changed == 0
