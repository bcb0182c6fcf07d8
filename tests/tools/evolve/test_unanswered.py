"""Notes told while the LLM was away are described when it is back, once, and until then rest."""

from dataclasses import replace

import pytest
from tests.scripted_llm import Asked, Reply, ScriptedLlm, worded
from tests.storage.in_memory.store import DictStore
from tests.tools.conftest import Desk, opened_desk
from tests.tools.llm_desk import asking_memory, describe_all, everything, neighbours, stored

from zettel.storage.embedding.hashing import HashEmbedder
from zettel.storage.lance.store import open_store
from zettel.storage.notes import Note
from zettel.tools.changes.undo import undo_run
from zettel.tools.evolve.run import deferred, waiting
from zettel.tools.llm.llm import BREAK_AFTER, LlmLimits
from zettel.tools.llm.unanswered import LOST_MAX_TRIES, read_unanswered
from zettel.tools.state.memory import Memory


def down(asked: Asked) -> Reply:
    """An outage."""
    return Reply(status=500)


@pytest.fixture
def desk(asking_desk: Desk, llm: ScriptedLlm) -> Desk:
    """A desk whose LLM is down."""
    llm.describes = llm.revises = llm.judges = down
    return asking_desk


def come_back(llm: ScriptedLlm) -> None:
    """The LLM answers again."""
    llm.describes, llm.revises = describe_all, lambda asked: worded([])


async def makers(desk: Desk, note_id: str) -> set[str]:
    return set((await stored(desk, note_id)).derived_by.values())


async def test_notes_told_while_it_was_down_are_described_by_a_later_run(
    llm: ScriptedLlm, tmp_path_factory: pytest.TempPathFactory
) -> None:
    embedder, place = HashEmbedder(), str(tmp_path_factory.mktemp("store"))
    llm.describes = llm.revises = down
    store = await open_store(place, model_id=embedder.model_id, dim=embedder.dim)
    async with opened_desk(Memory(store=store, embedder=embedder, mind=llm.mind())) as desk:
        ids = await neighbours(desk)
        await desk.evolve()
        assert [await makers(desk, i) for i in ids] == [{"rule"}, {"rule"}]
    await store.close()
    come_back(llm)

    store = await open_store(place, model_id=embedder.model_id, dim=embedder.dim)
    async with opened_desk(Memory(store=store, embedder=embedder, mind=llm.mind())) as desk:
        assert (await waiting(desk.memory), await deferred(desk.memory)) == (0, 2)
        report = await desk.evolve()

        notes = await store.get(ids)
        assert {n.context for n in notes} == {"about everyday life"}
        assert [n.rev for n in notes] == [3, 3]
        assert (report.changed, await deferred(desk.memory)) == (2, 0)
        calls = len(llm.asked)
        again = await desk.evolve()
        assert (again.changed, again.llm, len(llm.asked)) == (0, {}, calls)
    await store.close()


async def test_while_it_is_still_down_another_run_writes_nothing(
    desk: Desk, llm: ScriptedLlm
) -> None:
    # Rules take "Quarto" for a name once another note tells it.
    for content in ("Quarto seems slow today", "I asked about Quarto at the office"):
        await desk.told(content)
        await desk.evolve()
    before = await everything(desk)
    desk.memory = replace(desk.memory, mind=llm.mind())  # the breaker of another process

    report = await desk.evolve()

    assert report.changed == 0
    assert await everything(desk) == before
    assert len(await read_unanswered(desk.memory.store)) == 2


async def test_what_did_not_fit_into_the_budget_is_described_by_a_run_that_has_one(
    llm: ScriptedLlm,
) -> None:
    come_back(llm)
    async with opened_desk(asking_memory(llm, limits=LlmLimits(tokens_run=100))) as desk:
        ids = await neighbours(desk)
        await desk.evolve()
        assert llm.asked == []
        desk.memory = replace(desk.memory, mind=llm.mind())

        await desk.evolve()

        assert [n.context for n in await desk.memory.store.get(ids)] == ["about everyday life"] * 2


async def test_links_that_were_not_asked_about_are_asked_about_later(
    desk: Desk, llm: ScriptedLlm
) -> None:
    llm.describes = describe_all
    await neighbours(desk)
    await desk.evolve()
    described = len(llm.put("note"))
    come_back(llm)

    await desk.evolve()

    assert len(llm.put("note")) == described
    assert {n.note_id for a in llm.put("new") for n in a.notes if n.role == "new"}
    assert await deferred(desk.memory) == 0


async def test_a_pause_after_failures_leaves_it_alone(desk: Desk, llm: ScriptedLlm) -> None:
    for number in range(8 * BREAK_AFTER):
        await desk.told(f"note number {number}")
    await desk.evolve()
    calls = len(llm.asked)

    await desk.evolve()

    assert len(llm.asked) == calls
    assert await deferred(desk.memory) == 0


async def test_questions_that_are_lost_again_and_again_are_not_paid_for_for_ever(
    llm: ScriptedLlm,
) -> None:
    llm.describes = lambda asked: Reply(body=b"no completion")
    async with opened_desk(asking_memory(llm)) as desk:
        await desk.told("I burnt the soup again")
        for _ in range(LOST_MAX_TRIES + 2):
            desk.memory = replace(desk.memory, mind=llm.mind())
            await desk.evolve()

    assert len(llm.asked) == LOST_MAX_TRIES


async def test_what_was_undone_is_not_asked_about_again(desk: Desk, llm: ScriptedLlm) -> None:
    note_id = await desk.told("I burnt the soup again")
    run = await desk.evolve()
    await undo_run(desk.memory, run.run_id, now=desk.now, undo_id="u", who="t", partial=False)
    come_back(llm)
    calls = len(llm.asked)

    report = await desk.evolve()

    assert (report.changed, len(llm.asked)) == (0, calls)
    assert (await stored(desk, note_id)).context == ""


@pytest.mark.parametrize("erase", [False, True])
async def test_a_forgotten_note_is_not_asked_about_and_an_erased_one_leaves_no_id(
    erase: bool, desk: Desk, llm: ScriptedLlm
) -> None:
    note_id = await desk.told("I burnt the soup again")
    await desk.evolve()
    answer = await desk("forget", note_ids=[note_id], erase=erase)
    if erase:
        await desk("forget", confirm=answer["confirm"])
        assert await read_unanswered(desk.memory.store) == []
    come_back(llm)
    calls = len(llm.asked)

    await desk.evolve()

    assert len(llm.asked) == calls
    assert await read_unanswered(desk.memory.store) == []


async def test_new_words_meanwhile_are_what_is_asked_about(desk: Desk, llm: ScriptedLlm) -> None:
    note_id = await desk.told("I burnt the soup again")
    await desk.evolve()
    await desk("update", note_id=note_id, content="The red bicycle stands in the shed")
    come_back(llm)
    calls = len(llm.asked)

    await desk.evolve()

    assert [n.text for a in llm.asked[calls:] for n in a.notes] == [
        "text: The red bicycle stands in the shed"
    ]
    note: Note = await stored(desk, note_id)
    assert note.context == "about everyday life"
    assert await deferred(desk.memory) == 0


async def test_without_an_llm_nobody_waits(llm: ScriptedLlm) -> None:
    async with opened_desk(Memory(store=DictStore(), embedder=HashEmbedder())) as desk:
        await desk.told("I burnt the soup again")
        await desk.evolve()

        assert await deferred(desk.memory) == 0
        assert await read_unanswered(desk.memory.store) == []
