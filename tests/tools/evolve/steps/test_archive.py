"""What fades: how long a note is held, and archiving that is off unless it is switched on."""

from collections.abc import AsyncGenerator
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.storage.in_memory.store import DictStore
from tests.tools.conftest import START, Desk, ids, notes, opened_desk, pick

from zettel.storage.embedding.hashing import HashEmbedder
from zettel.storage.notes import Kind, Note, State, Usage
from zettel.tools.changes.undo import undo_run
from zettel.tools.state.memory import Memory
from zettel.tools.state.usage import lasting_days, strength_left

YEARS = 3650.0


@pytest.fixture
async def fading() -> AsyncGenerator[Desk]:
    """A desk whose notes are archived when less than a twentieth of them is held."""
    memory = Memory(store=DictStore(), embedder=HashEmbedder(), archive_below=0.05)
    async with opened_desk(memory) as opened:
        yield opened


async def test_nothing_is_archived_unless_it_is_switched_on(desk: Desk) -> None:
    bees = await desk.told("the bees swarm in May", kind="working")
    desk.later(days=YEARS)

    report = await desk.evolve()

    assert "fade" not in report.steps
    assert await desk.found(query="bees") == [bees]


async def test_what_nobody_asked_for_is_archived_and_the_profile_never_is(fading: Desk) -> None:
    profile = await fading.told("Ana keeps bees", kind="core")
    await fading.told("look for the bees' smoker", kind="working")
    meaning = await fading.told("bees are insects", kind="semantic")
    fading.later(days=100)

    report = await fading.evolve()

    assert report.steps["fade"] == 1
    assert set(await fading.found(query="bees")) == {profile, meaning}
    assert (await fading.evolve()).steps["fade"] == 0
    fading.later(days=YEARS)
    await fading.evolve()
    assert await fading.found(query="bees") == [profile]


async def test_what_was_recalled_lasts_longer(fading: Desk) -> None:
    asked, other = [await fading.told(f"bees {i}", kind="working") for i in (1, 2)]
    for _ in range(9):
        await fading.found(note_ids=[asked])
    await fading.memory.usage.flush(fading.memory.store)
    fading.later(days=100)

    await fading.evolve()

    found = await fading("recall", query="bees")
    assert ids(found) == [asked]
    assert pick(notes(await fading("recall", note_ids=[other])), 0, "state") == "archived"


async def test_what_was_archived_can_be_brought_back_and_begins_anew(fading: Desk) -> None:
    one, two = [await fading.told(f"bees {i}", kind="working") for i in (1, 2)]
    fading.later(days=100)
    await fading.evolve("run-fade")

    await fading("forget", note_ids=[one], undo=True)
    await fading.evolve()
    assert await fading.found(query="bees") == [one]

    await fading("forget", note_ids=[one])
    store, now = fading.memory.store, fading.now + timedelta(seconds=1)
    await undo_run(fading.memory, "run-fade", now=now, undo_id="undo-1", who="test", partial=True)
    again = await fading.evolve()
    assert again.steps["fade"] == 0
    assert await fading.found(query="bees") == [two]
    assert [note.change for note in await store.get([two])] == ["undo"]


@given(
    kind=st.sampled_from(Kind),
    importance=st.floats(0, 1),
    recalls=st.integers(0, 50),
    days=st.floats(0, 5_000),
)
def test_recall_and_importance_only_make_a_note_last_longer(
    kind: Kind, importance: float, recalls: int, days: float
) -> None:
    def held(importance: float, recalls: int) -> float:
        note = Note(
            note_id="01",
            namespace="p",
            content="bees",
            kind=kind,
            importance=importance,
            happened_at=START,
            valid_from=START,
            known_from=START,
        )
        known = Usage(note_id="01", strength=1.0 + recalls, recalled_at=START, recall_count=recalls)
        lasts = lasting_days(note, known if recalls else None)
        return strength_left(strength_days=lasts, elapsed=timedelta(days=days))

    assert 0 <= held(importance, recalls) <= held(importance, recalls + 1) <= 1
    assert held(importance, recalls) <= held(1.0, recalls)
    assert kind is not Kind.CORE or held(importance, recalls) == 1


async def test_a_fading_note_that_was_forgotten_comes_back_archived(fading: Desk) -> None:
    note_id = await fading.told("look for the bees' smoker", kind="working")
    fading.later(days=100)
    await fading.evolve()
    await fading("forget", note_ids=[note_id])

    await fading("forget", note_ids=[note_id], undo=True)

    [note] = await fading.memory.store.get([note_id])
    assert (note.state, note.change) == (State.ARCHIVED, "restore")
