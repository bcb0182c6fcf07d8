"""Evolution: derives, links, comes to rest, and never touches what the agent said."""

import logging
from datetime import timedelta

import anyio
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.scripted_llm import ScriptedLlm, worded
from tests.storage.in_memory.store import DictStore
from tests.tools.conftest import START, Desk, opened_desk, pick
from tests.tools.llm_desk import stored

from zettel.server.runtime.leadership import RENEW_S
from zettel.storage.embedding.hashing import HashEmbedder
from zettel.tools.evolve.lease import LEASE_LIFETIME, Lease
from zettel.tools.evolve.run import Budget, evolve, waiting
from zettel.tools.state.memory import Memory

CANARY = "Quillfeather"


async def test_a_note_gets_keywords_names_times_and_a_context(desk: Desk) -> None:
    note_id = await desk.told(
        "Yesterday I flew to Lisbon with Maria Silva for the pottery fair", subject="Ana"
    )

    await desk.evolve()

    note = await stored(desk, note_id)
    assert "pottery" in " ".join(note.keywords)
    assert note.entities == ("Lisbon", "Maria Silva")
    assert [(s.phrase, s.start.date().isoformat()) for s in note.times] == [
        ("Yesterday", "2026-11-19")
    ]
    assert note.context == ("Noted Friday, 20 November 2026 about Ana. “Yesterday” is 2026-11-19.")
    assert set(note.derived_by.values()) == {"rule"}
    assert (note.rev, note.changed_by, note.change, note.run_id) == (
        2,
        "scheduler",
        "construct",
        "run-1",
    )


async def test_a_note_is_linked_to_what_it_says_is_why_and_to_what_it_confirms(desk: Desk) -> None:
    cause = await desk.told("The pump in the cellar failed during the night", session="s")
    effect = await desk.told("That is why the cellar was under water", session="s")
    claim = await desk.told("Omar believes the Korvo invoice was paid twice")
    proof = await desk.told("The bank confirms that the Korvo invoice was paid twice")
    far = await desk.told("That is why nobody came", session="t")

    await desk.evolve()

    [why] = (await stored(desk, effect)).links
    assert (why.to, why.relation, why.made_by) == (cause, "caused_by", "rule")
    assert "pump" not in why.reason  # of its own words alone: the other may be forgotten
    [link] = [k for k in (await stored(desk, proof)).links if k.to == claim]
    assert link.relation == "supports"
    assert (await stored(desk, far)).links == ()
    assert (await desk.evolve()).changed == 0


async def test_an_answer_is_linked_to_its_question_and_shows_it(desk: Desk) -> None:
    asked = await desk.told("Did you win the race?", subject="Ana", session="s")
    answer = await desk.told("Yes, by a second!", subject="Ben", session="s")

    await desk.evolve()

    shown = await desk("recall", note_ids=[answer])
    assert pick(shown, "notes", 0, "links", 0, "note_id") == asked
    assert pick(shown, "notes", 0, "links", 0, "relation") == "answers"
    assert "Did you win the race?" in str(pick(shown, "notes", 0, "links", 0, "line"))


async def test_what_is_forgotten_does_not_live_on_in_its_neighbours(desk: Desk) -> None:
    asked = await desk.told("Is the platypus yours?", subject="Ana", session="s")
    answer = await desk.told("Yes, it is!", subject="Ben", session="s")
    await desk.evolve()

    await desk("forget", note_ids=[asked])

    assert "platypus" not in str(await desk("recall", note_ids=[answer], detail="full"))
    assert "platypus" not in str(await desk("recall", query="platypus"))


@pytest.mark.slow
async def test_links_made_from_words_that_changed_are_made_anew(desk: Desk) -> None:
    older = await desk.told("the red bicycle stands in the small shed")
    younger = await desk.told("the red bicycle stands in the big shed")
    await desk.evolve()

    await desk("update", note_id=older, content="Quarterly figures are due on Monday")
    await desk.evolve()

    assert (await stored(desk, younger)).links == ()


@pytest.mark.slow
async def test_a_note_full_of_names_and_dates_is_read_in_no_time_worth_mentioning(
    desk: Desk,
) -> None:
    contents = ("Ab. " * 8_000, "\n" * 32_000 + "x", "on monday " * 3_000)
    told = [await desk.told(content) for content in contents]

    with anyio.fail_after(20):  # it took a minute when the look back was not bounded
        report = await desk.evolve()

    assert (report.outcome, await waiting(desk.memory)) == ("done", 0)
    days = await stored(desk, told[-1])
    assert {span.phrase.casefold() for span in days.times} == {"on monday"}


async def test_no_word_of_a_note_is_in_what_evolution_logs(
    llm: ScriptedLlm, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, logger="zettel")
    llm.describes = lambda asked: worded(
        [{"id": n.note_id, "context": CANARY} for n in asked.notes]
    )
    memory = Memory(store=DictStore(), embedder=HashEmbedder(), mind=llm.mind(), consolidates=True)
    async with opened_desk(memory) as desk:
        for content in ("lives in Lyon", "has moved to Paris", "digs the garden in Paris"):
            await desk.told(f"{CANARY} {content}", subject=CANARY, tags=[CANARY], session="s")
            desk.later(days=1)

        report = await desk.evolve()

    assert {"construct", "link"} <= {step for step, n in report.steps.items() if n}
    # What `logs` lets through: others are heard from warnings on.
    heard = [r for r in caplog.records if r.name.startswith("zettel") or r.levelno > logging.INFO]
    assert CANARY not in str([(record.getMessage(), record.__dict__) for record in heard])


async def test_what_the_agent_gave_stays(desk: Desk) -> None:
    note_id = await desk.told("Lisbon is hilly", context="Holiday plans", tags=["travel"])

    await desk.evolve()

    note = await stored(desk, note_id)
    assert (note.context, note.tags, note.content) == (
        "Holiday plans",
        ("travel",),
        "Lisbon is hilly",
    )
    assert note.derived_by["context"] == "agent"


async def test_notes_that_share_a_rare_name_are_linked_from_the_younger(desk: Desk) -> None:
    older = await desk.told("We met Zebulon at the fair")
    younger = await desk.told("My flat is quiet now that Zebulon left")

    await desk.evolve()

    [link] = (await stored(desk, younger)).links
    assert (link.to, link.relation, link.made_by) == (older, "shares_name", "rule")
    assert (await stored(desk, older)).links == ()


async def test_notes_that_are_alike_are_linked_by_similarity(desk: Desk) -> None:
    older = await desk.told("I went home early and then we sang loudly")
    younger = await desk.told("then I went home early and we sang loudly")

    await desk.evolve()

    [link] = (await stored(desk, younger)).links
    assert (link.to, link.relation) == (older, "similar")
    assert 0.7 <= link.weight <= 1


async def test_a_name_everybody_has_links_nothing(desk: Desk) -> None:
    for number in range(20):
        await desk.told(f"on day {number} we saw Berlin {number * 7919}")

    await desk.evolve()

    links = [n.links for n in await desk.memory.store.get(await desk.found(limit=100))]
    assert not any(link.relation == "shares_name" for linked in links for link in linked)


async def test_new_words_are_derived_and_linked_anew(desk: Desk) -> None:
    await desk.told("We met Zebulon at the fair")
    note_id = await desk.told("Later we saw Zebulon again")
    await desk.evolve()

    await desk("update", note_id=note_id, content="Nothing else happened")
    await desk.evolve()

    note = await stored(desk, note_id)
    assert (note.entities, note.links) == ((), ())


async def test_what_waited_for_the_model_is_embedded() -> None:
    memory = Memory(store=DictStore(), embedder=HashEmbedder(ready=False))
    async with opened_desk(memory) as desk:
        note_id = await desk.told("stored early")
        report = await desk.evolve()

        assert report.steps["embed"] == 1
        assert (await stored(desk, note_id)).embed_model
        assert [r.rev for r in await memory.store.revisions(note_id)] == [1, 2]


async def test_what_was_replaced_while_it_waited_is_embedded_too() -> None:
    memory = Memory(store=DictStore(), embedder=HashEmbedder(ready=False))
    async with opened_desk(memory) as desk:
        note_id = await desk.told("Ana lives in Lyon", happened_at="2026-01-10")
        await desk("update", note_id=note_id, content="Ana is in Paris", happened_at="2026-03-01")

        await desk.evolve()
        answer = await desk("recall", query="Ana lives", as_of="2026-02", detail="full")

        assert pick(answer, "notes", 0, "content") == "Ana lives in Lyon"
        assert pick(answer, "notes", 0, "signals", "meaning")


words = st.sampled_from("Ana Lyon Zeb met saw the bowl rain yesterday in May 2021 why? so".split())
sentence = st.lists(words, min_size=1, max_size=8).map(" ".join)


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.tuples(sentence, st.sampled_from(["", "Ana", "Ben"])), max_size=12))
async def test_a_second_run_changes_nothing_and_no_run_touches_content(
    told: list[tuple[str, str]],
) -> None:
    memory = Memory(store=DictStore(), embedder=HashEmbedder())
    async with opened_desk(memory) as desk:
        said = dict[str, str]()
        for content, subject in told:
            answer = await desk("remember", content=content, subject=subject, session="s")
            said.setdefault(str(answer["note_id"]), content)
        await desk.evolve()
        before = {i: await memory.store.revisions(i) for i in said}

        second = await desk.evolve()

        assert (second.changed, second.created, set(second.steps.values())) == (0, 0, {0})
        assert {i: await memory.store.revisions(i) for i in said} == before
        assert {i: revisions[-1].content for i, revisions in before.items()} == said
        for revisions in before.values():
            targets = {link.to for link in revisions[-1].links}
            assert targets <= said.keys() - {revisions[-1].note_id}
        assert await waiting(memory) == 0


async def test_a_budget_of_notes_is_kept_and_the_next_run_goes_on(desk: Desk) -> None:
    for number in range(10):
        await desk.told(f"note {number}")

    first = await evolve(desk.memory, now=desk.now, run_id="r", who="t", budget=Budget(notes=6))
    rest = await desk.evolve()

    assert (first.outcome, first.changed) == ("budget", 6)
    assert rest.outcome == "done"
    assert await waiting(desk.memory) == 0


async def test_a_cancelled_run_is_recorded_and_resumed(desk: Desk) -> None:
    for number in range(10):
        await desk.told(f"note {number} about something")

    with anyio.CancelScope() as scope:

        def stop(step: str, done: int, total: int) -> None:
            if step == "link":
                scope.cancel()

        await evolve(
            desk.memory, now=desk.now, run_id="cut", who="t", budget=Budget(), progress=stop
        )
    await desk.evolve()

    runs = {run.run_id: run.outcome for run in await desk.memory.admin.runs(limit=9)}
    assert runs == {"cut": "cancelled", "run-1": "done"}
    assert await waiting(desk.memory) == 0


async def test_one_holder_at_a_time_has_the_lease_until_it_runs_out() -> None:
    store = DictStore()
    mine, theirs = Lease(store, "mine"), Lease(store, "theirs")

    assert await mine.acquire(START)
    assert not await theirs.acquire(START + LEASE_LIFETIME - timedelta(seconds=1))
    assert await mine.renew(START + timedelta(seconds=30))
    assert not await theirs.acquire(START + LEASE_LIFETIME)
    assert await theirs.acquire(START + LEASE_LIFETIME + timedelta(seconds=31))
    assert not await mine.renew(START + LEASE_LIFETIME + timedelta(seconds=32))
    await mine.release()
    assert not await mine.acquire(START + LEASE_LIFETIME + timedelta(seconds=33))
    await theirs.release()
    assert await mine.acquire(START + LEASE_LIFETIME + timedelta(seconds=34))


async def test_a_lease_outlasts_five_renewals_that_came_to_nothing() -> None:
    store = DictStore()
    assert await Lease(store, "mine").acquire(START)

    missed = START + timedelta(seconds=5 * RENEW_S)

    assert not await Lease(store, "theirs").acquire(missed)


async def test_recall_strengthens_what_it_returned_and_time_weakens_it(desk: Desk) -> None:
    note_id = await desk.told("the bees swarm in May")

    async def usage() -> dict[str, float]:
        answer = await desk("recall", note_ids=[note_id], detail="full")
        named = ("recall_count", "strength_days", "retention")
        return {name: float(str(pick(answer, "notes", 0, "usage", name))) for name in named}

    fresh = await usage()
    await desk.memory.usage.flush(desk.memory.store)
    once = await usage()
    desk.later(days=2)
    faded = await usage()

    assert (fresh["recall_count"], once["recall_count"]) == (0, 1)
    assert fresh["strength_days"] == 90
    assert once["strength_days"] == 2 * fresh["strength_days"]
    assert faded["retention"] == pytest.approx(2.718281828 ** (-2 / 180), abs=1e-3)
