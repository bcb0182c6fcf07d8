"""Working notes are bounded by saying so: the answer names the calls that close and fold them."""

import json
import re
from collections.abc import AsyncGenerator

import pytest
from tests.storage.in_memory.store import DictStore
from tests.tools.conftest import Desk, opened_desk, pick

from zettel.storage.embedding.hashing import HashEmbedder
from zettel.storage.notes import State
from zettel.tools.state.memory import Memory

MOST = 3


@pytest.fixture
async def busy_desk() -> AsyncGenerator[Desk]:
    """A desk where more than three working notes are too many."""
    memory = Memory(store=DictStore(), embedder=HashEmbedder(), working_notes=MOST)
    async with opened_desk(memory) as desk:
        yield desk


async def work(desk: Desk, count: int) -> list[str]:
    """Begin some tasks; their ids."""
    tasks = ("parse the feed", "sort the keys", "write the page", "ask Ana", "call the bank")
    return [await desk.told(f"Task: {task}", kind="working") for task in tasks[:count]]


async def test_as_many_as_may_be_open_are_not_spoken_of(busy_desk: Desk) -> None:
    await work(busy_desk, MOST)

    assert "notice" not in await busy_desk("recall")


async def test_one_too_many_is_said_when_it_is_told_and_at_the_next_start(busy_desk: Desk) -> None:
    await work(busy_desk, MOST)
    answer = await busy_desk("remember", content="Task: mend the roof", kind="working")

    assert "4 working notes are unfinished in 'proj', more than 3" in str(answer["notice"])
    assert pick(await busy_desk("recall"), "notice") == answer["notice"]
    assert "notice" not in await busy_desk("remember", content="Ana was born in Ulm")
    assert "notice" not in await busy_desk("recall", query="What is to be done?")


async def test_the_named_call_closes_the_oldest(busy_desk: Desk) -> None:
    oldest, *_ = await work(busy_desk, MOST + 1)
    notice = str(pick(await busy_desk("recall"), "notice"))
    assert f'update(note_id="{oldest}", kind="episodic")' in notice

    await busy_desk("update", note_id=oldest, kind="episodic")

    assert "notice" not in await busy_desk("recall")
    assert oldest in await busy_desk.found(query="parse the feed")


async def test_the_named_call_folds_the_oldest_into_what_came_of_them_and_loses_none(
    busy_desk: Desk,
) -> None:
    tasks = await work(busy_desk, MOST + 2)
    notice = str(pick(await busy_desk("recall"), "notice"))
    named = re.search(r"links=(\[.*?\])\)", notice)
    assert named
    links = json.loads(named[1])
    assert [link["to"] for link in links] == tasks[:3]

    whole = await busy_desk.told("The feed is parsed, its keys sorted, the page up", links=links)

    assert "notice" not in await busy_desk("recall")
    folded = await busy_desk.memory.store.get(tasks[:3])
    assert {note.state for note in folded} == {State.SUPERSEDED}
    assert {*tasks[3:], whole} <= set(await busy_desk.found())


async def test_a_small_budget_keeps_its_notes_and_leaves_the_notice_out(busy_desk: Desk) -> None:
    await work(busy_desk, MOST + 1)

    answer = await busy_desk("recall", max_tokens=200)

    assert "notice" not in answer
    assert answer["notes"]
