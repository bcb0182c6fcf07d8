"""Forgetting a note removes what an LLM derived from it in its neighbours."""

import threading
from collections.abc import Generator

import anyio
import anyio.to_thread
import pytest
from tests.scripted_llm import Asked, Reply, ScriptedLlm, scripted_llm, worded
from tests.tools.conftest import Desk
from tests.tools.llm_desk import stored

from zettel.storage.notes import REVISED_BY
from zettel.tools.evolve.run import waiting


@pytest.fixture
def llm() -> Generator[ScriptedLlm]:
    """A service that has platypuses everywhere."""
    with scripted_llm() as service:
        service.revises = revised
        yield service


@pytest.fixture
def desk(asking_desk: Desk) -> Desk:
    """A desk whose notes evolve with it."""
    return asking_desk


def revised(asked: Asked) -> Reply:
    """Tell the neighbours of a note that names a platypus."""
    if "platypus" not in asked.notes[0].text:
        return worded([])
    words = {"context": "the platypus again", "keywords": ["platypus"], "tags": ["platypus"]}
    return worded([{"id": n.note_id, **words} for n in asked.notes[1:]])


async def taught(desk: Desk, **given: object) -> tuple[str, str]:
    """A note, and a later one that has revised it."""
    note_id = await desk.told("We met Zebulon at the fair", **given)
    teacher = await desk.told("A platypus bit Zebulon")
    await desk.evolve()
    assert "platypus" in (await stored(desk, note_id)).tags
    return note_id, teacher


@pytest.mark.parametrize("given", [{}, {"context": "Lyon", "tags": ["fair"]}])
async def test_what_was_learnt_from_a_forgotten_note_is_forgotten_at_once(
    desk: Desk, given: dict[str, object]
) -> None:
    note_id, teacher = await taught(desk, **given)

    await desk("forget", note_ids=[teacher])

    note = await stored(desk, note_id)
    assert "platypus" not in f"{note.context}{note.keywords}{note.tags}"
    assert (note.tags, note.content) == (tuple(given.get("tags", ())), "We met Zebulon at the fair")  # pyright: ignore[reportArgumentType]: a list
    assert note.context == given.get("context", "")
    assert (note.change, note.changed_by) == ("unlearn", "mcp")
    assert "platypus" not in str(await desk("recall", query="platypus"))


async def test_evolution_describes_it_anew_and_comes_to_rest(desk: Desk) -> None:
    note_id, teacher = await taught(desk)
    await desk("forget", note_ids=[teacher])

    await desk.evolve()

    note = await stored(desk, note_id)
    assert note.context.startswith("Noted ")
    assert not any(link.relation == REVISED_BY for link in note.links)
    assert (await desk.evolve()).changed == 0
    assert await waiting(desk.memory) == 0


async def test_a_note_forgotten_while_the_answer_is_on_its_way_teaches_nobody(
    desk: Desk, llm: ScriptedLlm
) -> None:
    note_id = await desk.told("We met Zebulon at the fair")
    await desk.evolve()
    asked, release = threading.Event(), threading.Event()

    def late(question: Asked) -> Reply:
        asked.set()
        release.wait()
        return revised(question)

    llm.revises = late
    teacher = await desk.told("A platypus bit Zebulon")
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(desk.evolve)
        await anyio.to_thread.run_sync(asked.wait)
        await desk("forget", note_ids=[teacher])
        release.set()
    await desk.evolve()

    assert [r.change for r in await desk.memory.store.revisions(note_id)][-3:-1] == [
        "revise",
        "unlearn",
    ]
    assert "platypus" not in str(await stored(desk, note_id))


async def test_what_a_note_has_learnt_it_does_not_teach_others(
    desk: Desk, llm: ScriptedLlm
) -> None:
    note_id, _ = await taught(desk, tags=["fair"])
    llm.asked.clear()

    await desk("update", note_id=note_id, subject="Ana")
    await desk.evolve()

    [question] = [a for a in llm.asked if a.notes[0].note_id == note_id]
    assert question.notes[0].role == "new"
    assert "platypus" not in question.notes[0].text


async def test_forgetting_again_changes_nothing_more(desk: Desk) -> None:
    note_id, teacher = await taught(desk)
    await desk("forget", note_ids=[teacher])
    before = await stored(desk, note_id)

    await desk("forget", note_ids=[teacher])

    assert await stored(desk, note_id) == before


async def test_a_tag_the_agent_has_set_itself_since_stays(desk: Desk) -> None:
    note_id, teacher = await taught(desk, tags=["fair"])
    await desk("update", note_id=note_id, tags=["platypus"])

    await desk("forget", note_ids=[teacher])

    assert (await stored(desk, note_id)).tags == ("platypus",)


async def test_a_link_of_the_agents_by_that_name_teaches_nothing(desk: Desk) -> None:
    other = await desk.told("A platypus bit Zebulon")
    note_id = await desk.told("soup", links=[{"to": other, "relation": REVISED_BY}])
    before = await stored(desk, note_id)

    await desk("forget", note_ids=[other])

    assert await stored(desk, note_id) == before
