"""Repairs are reported and recorded, and an undamaged store is left alone."""

import logging
from dataclasses import replace
from datetime import timedelta

import pytest
from tests.storage.in_memory.store import DictStore
from tests.tools.conftest import START, Desk, opened_desk

from zettel.storage.embedding.hashing import HashEmbedder
from zettel.storage.notes import SUPERSEDES, Link, State
from zettel.storage.store import Change
from zettel.tools.doctor.heal import heal
from zettel.tools.evolve.lease import LEASE_LIFETIME, Lease
from zettel.tools.state.memory import Memory


async def test_a_dangling_link_goes_is_logged_and_recorded(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    note_id = await desk.told("the bees swarm in May")
    [note] = await desk.memory.store.get([note_id])
    link = Link(to="01ARZ3NDEKTSV4RRFFQ69G5FAV", relation="supports", made_at=START)
    linked = replace(note, rev=2, links=(link,))
    await desk.memory.store.write(changes=[Change(note=linked)])

    with caplog.at_level(logging.WARNING, "zettel"):
        counts = await heal(desk.memory, now=desk.now)

    assert counts == {"dangling_links": 1}
    assert "mended the store: dangling_links=1" in caplog.text
    [run] = await desk.memory.admin.runs(limit=9)
    assert (run.kind, run.counts, run.started_at) == ("heal", {"dangling_links": 1}, desk.now)
    assert await heal(desk.memory, now=desk.now) == {}


async def test_a_lease_is_dropped_when_it_has_run_out_and_not_before(desk: Desk) -> None:
    store = desk.memory.store
    assert await Lease(store, "died").acquire(START)

    assert await heal(desk.memory, now=START + LEASE_LIFETIME - timedelta(seconds=1)) == {}
    assert await heal(desk.memory, now=START + LEASE_LIFETIME) == {"expired_lease": 1}
    assert await heal(desk.memory, now=START + LEASE_LIFETIME) == {}
    assert [run.counts for run in await desk.memory.admin.runs(limit=9)] == [{"expired_lease": 1}]


async def test_a_lease_of_before_the_clock_was_set_back_holds_up_nobody(desk: Desk) -> None:
    store = desk.memory.store
    assert await Lease(store, "died").acquire(START + timedelta(days=30))

    assert await Lease(store, "lives").acquire(START)
    assert not await Lease(store, "waits").acquire(START)

    assert await Lease(store, "lives").acquire(START + timedelta(days=30))
    assert await heal(desk.memory, now=START) == {"expired_lease": 1}


async def test_a_note_that_none_supersedes_any_more_is_opened_again(desk: Desk) -> None:
    """As a process leaves it that is killed between a verb's commit and its second look."""
    store = desk.memory.store
    below, above = [await desk.told(words) for words in ("she lives in Ulm", "she lives in Bonn")]
    link = {"to": below, "relation": "supersedes"}
    await desk("update", note_id=above, links=[link])
    (note,) = await store.get([above])
    gone = replace(note, rev=note.rev + 1, state=State.FORGOTTEN, change="forget")
    await store.write(changes=[Change(note=gone)])

    assert await heal(desk.memory, now=desk.now) == {"half_superseded": 1}

    (opened,) = await store.get([below])
    assert (opened.state, opened.valid_until, opened.change) == (State.ACTIVE, None, "revive")
    assert await heal(desk.memory, now=desk.now) == {}


async def test_a_note_that_another_supersedes_is_closed(desk: Desk) -> None:
    """As a process leaves it that is killed between two attempts of a commit others outran."""
    store = desk.memory.store
    below, above = [await desk.told(words) for words in ("she lives in Ulm", "she lives in Bonn")]
    (note,) = await store.get([above])
    link = Link(to=below, relation=SUPERSEDES, made_at=START, valid_from=START)
    await store.write(changes=[Change(note=replace(note, rev=2, links=(link,)))])

    assert await heal(desk.memory, now=desk.now) == {"half_superseded": 1}

    (closed,) = await store.get([below])
    assert (closed.state, closed.valid_until, closed.change) == (
        State.SUPERSEDED,
        START,
        "supersede",
    )
    assert await heal(desk.memory, now=desk.now) == {}


async def test_a_note_that_one_of_another_namespace_supersedes_stays_open(desk: Desk) -> None:
    """Its author may only have been permitted to read there."""
    store = desk.memory.store
    below = await desk.told("she lives in Ulm")
    above = await desk.told("she lives in Bonn", namespace="private")
    (note,) = await store.get([above])
    link = Link(to=below, relation=SUPERSEDES, made_at=START, valid_from=START)
    await store.write(changes=[Change(note=replace(note, rev=2, links=(link,)))])

    assert await heal(desk.memory, now=desk.now) == {}

    (stays,) = await store.get([below])
    assert (stays.state, stays.rev) == (State.ACTIVE, 1)


async def test_notes_that_wait_for_embedding_are_counted_and_are_no_damage(
    caplog: pytest.LogCaptureFixture,
) -> None:
    memory = Memory(store=DictStore(), embedder=HashEmbedder(ready=False))
    async with opened_desk(memory) as desk:
        await desk.told("stored early")

        assert await heal(memory, now=desk.now) == {"unembedded": 1}
    assert await memory.admin.runs(limit=9) == []
    assert "mended" not in caplog.text


async def test_a_note_whose_end_has_come_as_it_was_told_is_not_damaged(desk: Desk) -> None:
    port = await desk.told("The API listens on port 8080")
    await desk(
        "update", note_id=port, content="The API listens on port 9090", happened_at="2026-12-01"
    )
    desk.later(days=20)

    assert await heal(desk.memory, now=desk.now) == {}
