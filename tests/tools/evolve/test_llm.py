"""Evolution with an LLM, end to end against a service over HTTP: its worth, its faults, its bounds.

Tests that begin "as A-MEM does not" each fail on a defect of A-MEM's published code.
"""

from dataclasses import replace

import anyio
import pytest
from tests.scripted_llm import ScriptedLlm, worded
from tests.storage.in_memory.store import DictStore
from tests.tools.conftest import Desk, opened_desk
from tests.tools.llm_desk import (
    EVERY,
    NEW_WORDS,
    describe_all,
    logical,
    neighbours,
    revise_all,
    stored,
)

from zettel.storage.embedding.hashing import HashEmbedder
from zettel.storage.lance.store import open_store
from zettel.storage.notes import REVISED_BY
from zettel.storage.store import Change, Store
from zettel.tools.changes.stages import LINKED, REVISED
from zettel.tools.changes.undo import undo_run
from zettel.tools.evolve.run import Budget, evolve, waiting
from zettel.tools.evolve.steps.revise import NEAREST_MAX_NOTES, NOTE_MAX_REVISERS
from zettel.tools.state.memory import Memory

LATER = "A letter about the market by the harbour came from Zebulon"


@pytest.fixture
def desk(asking_desk: Desk) -> Desk:
    """A desk whose notes evolve with the LLM."""
    return asking_desk


async def test_as_a_mem_does_not_a_note_is_described_when_it_is_added(
    desk: Desk, llm: ScriptedLlm
) -> None:
    llm.describes = describe_all
    note_id = await desk.told("I burnt the soup again")

    report = await desk.evolve()

    note = await stored(desk, note_id)
    assert (note.context, note.keywords) == ("about everyday life", ("everyday",))
    assert (note.tags, note.questions) == (("life",), ("what happened?",))
    made = {name: note.derived_by[name] for name in ("context", "keywords", "tags", "questions")}
    assert set(made.values()) == {"llm"}
    assert report.llm == {"llm_calls": 1, "llm_tokens": 120}


async def test_as_a_mem_does_not_the_neighbours_that_change_are_the_true_ones(
    desk: Desk, llm: ScriptedLlm
) -> None:
    others = [await desk.told(f"on day {n} it was {n * 7919} degrees") for n in range(9)]
    true = await neighbours(desk)
    await desk.evolve()
    llm.revises = revise_all
    later = await desk.told(LATER)

    await desk.evolve()

    shown = {n.note_id for n in llm.asked[-1].notes if n.role == "neighbour"}
    assert shown > set(true)
    assert len(shown) <= len(true) + NEAREST_MAX_NOTES
    notes = await desk.memory.store.get([*others, *true, later])
    assert {n.note_id for n in notes if n.context == NEW_WORDS["context"]} == set(true)
    assert len(others) > NEAREST_MAX_NOTES


async def test_as_a_mem_does_not_what_was_revised_is_found_at_once_by_its_new_words(
    llm: ScriptedLlm, tmp_path_factory: pytest.TempPathFactory
) -> None:
    embedder, place = HashEmbedder(), str(tmp_path_factory.mktemp("store"))
    stores: list[Store] = [
        DictStore(),
        await open_store(place, model_id=embedder.model_id, dim=embedder.dim),
    ]
    for store in stores:
        memory = Memory(store=store, embedder=embedder, mind=llm.mind())
        async with opened_desk(memory) as desk:
            llm.revises = revise_all
            older, younger = await neighbours(desk)
            before = await store.passages_of([older, younger])

            await desk.evolve()

            found = await store.match_text("quincunx", EVERY, limit=9)
            assert {hit.note_id for hit in found} == {older, younger}
            after = await store.passages_of([older, younger])
            assert {i: v.tolist() for i, v in after.items()} == {
                i: v.tolist() for i, v in before.items()
            }
            assert not await store.find(replace(EVERY, unembedded=True), limit=9)
        await store.close()


async def test_as_a_mem_does_not_every_revision_says_which_note_caused_it(
    desk: Desk, llm: ScriptedLlm
) -> None:
    llm.revises = revise_all
    older, younger = await neighbours(desk)

    await desk.evolve()

    [revised] = [r for r in await desk.memory.store.revisions(older) if "revise" in r.steps]
    assert younger in revised.reason
    assert (revised.run_id, revised.changed_by) == ("run-1", "scheduler")
    assert revised.content == "We met Zebulon at the market by the harbour"
    assert (revised.tags, revised.derived_by["tags"]) == (("affairs",), "llm")
    [link] = [k for k in revised.links if k.relation == REVISED_BY]
    assert (link.to, link.made_by) == (younger, "llm")


async def test_as_a_mem_does_not_no_prompt_names_a_note_but_by_its_id(
    desk: Desk, llm: ScriptedLlm
) -> None:
    ids = set(await neighbours(desk))

    await desk.evolve()

    assert {note.note_id for asked in llm.asked for note in asked.notes} == ids
    assert not any("index" in note.text for asked in llm.asked for note in asked.notes)


async def test_a_second_run_asks_nothing_and_changes_nothing(desk: Desk, llm: ScriptedLlm) -> None:
    llm.describes, llm.revises = describe_all, revise_all
    ids = await neighbours(desk)
    await desk.evolve()
    before, calls = await desk.memory.store.get(ids), len(llm.asked)

    second = await desk.evolve()

    assert (second.changed, second.llm, len(llm.asked)) == (0, {}, calls)
    assert await desk.memory.store.get(ids) == before
    assert await waiting(desk.memory) == 0


async def test_what_the_agent_gave_stays_and_its_lists_are_only_added_to(
    desk: Desk, llm: ScriptedLlm
) -> None:
    llm.describes, llm.revises = describe_all, revise_all
    older = await desk.told("We met Zebulon at the fair", context="Lyon 2026", tags=["fair"])
    await desk.told("My flat is quiet now that Zebulon left")

    await desk.evolve()

    note = await stored(desk, older)
    assert (note.content, note.context) == ("We met Zebulon at the fair", "Lyon 2026")
    assert note.tags == ("fair", "life", "affairs")
    assert (note.derived_by["context"], note.derived_by["tags"]) == ("agent", "agent")


async def test_new_words_are_asked_about_anew_and_nothing_old_is_left(
    desk: Desk, llm: ScriptedLlm
) -> None:
    llm.describes, llm.revises = describe_all, revise_all
    older, _ = await neighbours(desk)
    await desk.evolve()
    llm.describes = llm.revises = lambda asked: worded([])

    await desk("update", note_id=older, content="Quarterly figures are due on Monday")
    bare = await stored(desk, older)
    await desk.evolve()

    assert (bare.context, bare.tags, bare.keywords, bare.questions) == ("", (), (), ())
    note = await stored(desk, older)
    assert note.context.startswith("Noted ")
    assert not any(link.relation == REVISED_BY for link in note.links)


async def test_what_an_llm_made_stays_while_the_words_do(desk: Desk, llm: ScriptedLlm) -> None:
    llm.describes = describe_all
    note_id = await desk.told("I burnt the soup again")
    await desk.evolve()
    calls = len(llm.asked)

    await desk("update", note_id=note_id, subject="Ana")
    await desk.evolve()

    assert (await stored(desk, note_id)).context == "about everyday life"
    assert len(llm.asked) == calls


async def test_a_run_is_undone_to_the_letter(desk: Desk, llm: ScriptedLlm) -> None:
    older, _ = await neighbours(desk)
    await desk.evolve()
    before = await stored(desk, older)
    llm.revises = revise_all
    await desk.told(LATER)
    report = await desk.evolve()
    assert (await stored(desk, older)).context == NEW_WORDS["context"]

    await undo_run(desk.memory, report.run_id, now=desk.now, undo_id="undo", who="t", partial=False)

    assert logical(await stored(desk, older)) == logical(before)
    assert (await desk.evolve()).changed == 0


async def test_a_run_cut_off_between_revising_and_marking_is_taken_up_and_repeats_nothing(
    desk: Desk, llm: ScriptedLlm
) -> None:
    llm.revises = revise_all
    older, younger = await neighbours(desk)
    await desk.evolve()
    before, calls = await desk.memory.store.revisions(older), len(llm.asked)
    note = await stored(desk, younger)
    back = replace(note, rev=note.rev + 1, stage=LINKED, change="as it was before the mark")
    await desk.memory.store.write(changes=[Change(note=back)])

    await desk.evolve()

    assert len(llm.asked) == calls
    assert await desk.memory.store.revisions(older) == before
    assert (await stored(desk, younger)).stage == REVISED


async def test_a_run_cancelled_between_two_steps_comes_to_the_same_end(
    desk: Desk, llm: ScriptedLlm
) -> None:
    llm.describes, llm.revises = describe_all, revise_all
    ids = await neighbours(desk)
    for cut in ("construct", "link", "revise"):
        with anyio.CancelScope() as scope:

            def stop(step: str, done: int, total: int, *, at: str = cut) -> None:
                if step == at:
                    scope.cancel()

            await evolve(
                desk.memory, now=desk.now, run_id=cut, who="t", budget=Budget(), progress=stop
            )

    await desk.evolve()

    assert await waiting(desk.memory) == 0
    assert {n.context for n in await desk.memory.store.get(ids)} == {NEW_WORDS["context"]}


async def test_when_the_time_is_over_a_batch_is_committed_as_far_as_it_is_and_asks_nothing_twice(
    desk: Desk, llm: ScriptedLlm, monkeypatch: pytest.MonkeyPatch
) -> None:
    llm.describes, llm.revises = describe_all, revise_all
    ids, seconds = await neighbours(desk), 0.0
    monkeypatch.setattr(anyio, "current_time", lambda: seconds)

    def spend(step: str, done: int, total: int) -> None:
        nonlocal seconds
        seconds = 60.0 if step == "link" else seconds

    budget = Budget(seconds=60.0)
    cut = await evolve(
        desk.memory, now=desk.now, run_id="cut", who="t", budget=budget, progress=spend
    )

    assert (cut.outcome, {n.stage for n in await desk.memory.store.get(ids)}) == (
        "budget",
        {LINKED},
    )
    assert llm.put("new") == []
    await desk.evolve()
    assert await waiting(desk.memory) == 0
    assert len(llm.put("note")) == 1
    assert {n.context for n in await desk.memory.store.get(ids)} == {NEW_WORDS["context"]}


async def test_a_note_is_not_revised_for_ever(desk: Desk, llm: ScriptedLlm) -> None:
    llm.revises = lambda asked: worded(
        [{"id": n.note_id, "tags": [f"tag {'x' * len(llm.asked)}"]} for n in asked.notes[1:]]
    )
    hub = await desk.told("We met Zebulon at the fair")
    for number in range(NOTE_MAX_REVISERS + 3):
        await desk("remember", content=f"note {number}", links=[{"to": hub}])

    await desk.evolve()

    causes = [k for k in (await stored(desk, hub)).links if k.relation == REVISED_BY]
    assert len(causes) == NOTE_MAX_REVISERS
