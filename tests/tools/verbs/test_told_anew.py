"""A second note on one thing is seen as its change: told, asked for, evolved and settled."""

import pytest
from tests.storage.in_memory.store import DictStore
from tests.tools.conftest import Desk, opened_desk, pick

from zettel.storage.embedding.hashing import HashEmbedder
from zettel.storage.notes import MAY_SUPERSEDE
from zettel.tools.state.memory import Memory

OLDER = "The staging database runs on the host pg-stg-two"
YOUNGER = "Falkenstein has the machine of the staging database, host pg-stg-four"
ON = "staging database"


@pytest.mark.parametrize("subject", [ON, ""])
async def test_a_second_note_on_a_thing_comes_first_and_is_offered_to_be_settled(
    desk: Desk, subject: str
) -> None:
    older = await desk.told(OLDER, subject=ON)
    desk.later(days=3)

    answer = await desk("remember", content=YOUNGER, subject=subject)

    assert pick(answer, "candidates", 0, "note_id") == older
    assert "anew" in str(pick(answer, "candidates", 0, "why"))
    found = await desk.found(query="On which host does the staging database run?")
    assert found == [answer["note_id"], older]


async def test_a_third_note_on_the_thing_changes_neither(desk: Desk) -> None:
    for content in (OLDER, "The staging database is copied to the bucket at night"):
        await desk.told(content, subject=ON)
        desk.later(days=3)

    third = await desk.told(YOUNGER, subject=ON)

    [note] = await desk.memory.store.get([third])
    assert note.links == ()


async def test_what_tells_of_a_change_of_something_else_tells_nothing_anew(desk: Desk) -> None:
    await desk.told(OLDER, subject=ON)
    billed = await desk.told("The bill of the host comes from Falkenstein", subject="bill")
    desk.later(days=3)

    third = await desk.told(
        "The staging database: the bill no longer comes from Falkenstein", subject=ON
    )

    [note] = await desk.memory.store.get([third])
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
