"""What A-MEM's published code gets wrong, one test each: ours must not.

The defects are those of `agiresearch/A-mem`: notes never analysed, links to positions instead of
notes, memory that is gone with the process, links to what was deleted, errors that nobody sees,
a "hybrid" search by vectors alone, no history.
"""

from collections.abc import AsyncGenerator, Sequence
from pathlib import Path

import pytest
from tests.storage.in_memory.store import DictStore
from tests.tools.conftest import Desk, notes, opened_desk, pick

from zettel.storage.embedding.embedder import Vectors
from zettel.storage.embedding.hashing import HashEmbedder
from zettel.storage.lance.store import open_store
from zettel.storage.notes import Note
from zettel.storage.store import Store
from zettel.tools.state.memory import Memory

EMBEDDER = HashEmbedder()
NAMED = "We met Zebulon at the fair", "My flat is quiet now that Zebulon left"


async def opened(place: Path) -> Store:
    return await open_store(str(place), model_id=EMBEDDER.model_id, dim=EMBEDDER.dim)


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncGenerator[Desk]:
    """A desk on a real store."""
    store = await opened(tmp_path / "store")
    async with opened_desk(Memory(store=store, embedder=EMBEDDER)) as desk:
        yield desk
    await store.close()


async def stored(desk: Desk, ids: Sequence[str]) -> list[Note]:
    found = {note.note_id: note for note in await desk.memory.store.get(ids)}
    return [found[note_id] for note_id in ids]


async def test_every_note_is_analysed_without_being_asked_for(desk: Desk) -> None:
    told = [await desk.told(f"{word} grow on the {place} slope") for word, place in WORDS]

    await desk.evolve()

    assert all(note.keywords and note.context for note in await stored(desk, told))


WORDS = (("Olives", "southern"), ("Larches", "northern"), ("Vines", "western"))


async def test_links_name_notes_that_are_there_and_come_with_them(desk: Desk) -> None:
    for number in range(12):  # positions would name these
        await desk.told(f"shopping list number {number}")
    older, younger = [await desk.told(content) for content in NAMED]

    await desk.evolve()

    [link] = (await stored(desk, [younger]))[0].links
    assert link.to == older
    shown = pick(await desk("recall", note_ids=[older], detail="full"), "notes", 0, "links", 0)
    assert pick(shown, "note_id") == younger
    assert NAMED[1] in str(pick(shown, "line"))


async def test_a_second_memory_on_the_store_finds_what_the_first_one_learned(
    tmp_path: Path,
) -> None:
    place = tmp_path / "store"
    first = await opened(place)
    async with opened_desk(Memory(store=first, embedder=EMBEDDER)) as one:
        told = [await one.told(content) for content in NAMED]
        await one.evolve()
        second = await opened(place)
        async with opened_desk(Memory(store=second, embedder=EMBEDDER)) as other:
            assert await stored(other, told) == await stored(one, told)
            assert set(await one.found(query="Zebulon")) == set(told)
        await second.close()
    await first.close()


async def test_nothing_links_to_what_was_forgotten(desk: Desk) -> None:
    older, younger = [await desk.told(content) for content in NAMED]
    await desk.evolve()

    await desk("forget", note_ids=[older])

    [shown] = notes(await desk("recall", note_ids=[younger], detail="full"))
    assert not shown.get("links")
    assert "fair" not in str(shown)


async def test_every_change_of_evolution_is_in_the_notes_history(desk: Desk) -> None:
    _, younger = [await desk.told(content) for content in NAMED]

    await desk.evolve("run-7")

    told, *evolved = await desk.memory.store.revisions(younger)
    assert told.change == "remember"
    assert {(note.changed_by, note.run_id) for note in evolved} == {("scheduler", "run-7")}
    assert [note.change for note in evolved] == ["construct, link"]
    assert [note.reason for note in evolved] == ["derived by rule; linked by rule"]
    assert {note.content for note in evolved} == {told.content}


async def test_a_term_no_vector_knows_is_found_by_its_letters(desk: Desk) -> None:
    for number in range(12):
        await desk.told(f"the build failed with code E{1000 + number}")

    found = await desk("recall", query="what was E1007 about?")

    assert notes(found)[0]["content"] == "the build failed with code E1007"


class Unreadable(DictStore):
    """Cannot read vectors, once."""

    failed = False

    async def passages_of(self, note_ids: Sequence[str]) -> dict[str, Vectors]:
        """Their vectors, from the second time on."""
        if not self.failed:
            self.failed = True
            raise OSError(5, "input/output error")
        return await super().passages_of(note_ids)


async def test_a_run_that_fails_says_so_and_the_next_one_takes_up_its_batch() -> None:
    async with opened_desk(Memory(store=Unreadable(), embedder=EMBEDDER)) as desk:
        told = [await desk.told(content) for content in NAMED]

        with pytest.raises(OSError, match="input/output"):
            await desk.evolve("run-1")

        [failed] = await desk.memory.admin.runs(limit=5)
        assert (failed.run_id, failed.outcome, failed.counts["construct"]) == ("run-1", "failed", 0)
        report = await desk.evolve("run-2")
        assert report.outcome == "done"
        assert (report.steps["construct"], report.steps["link"]) == (2, 1)
        assert (await stored(desk, told))[1].links
