"""Questions that come while the embedding model is still being loaded."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio
import pytest
from tests.storage.in_memory.store import DictStore
from tests.tools.conftest import notes, opened_desk

from zettel.storage.embedding.hashing import HashEmbedder
from zettel.storage.errors import ModelUnavailableError
from zettel.storage.lance.store import LanceStore, open_store
from zettel.storage.notes import Hit
from zettel.storage.read_view import outside_views
from zettel.tools.state.memory import Memory

PATIENCE_S = 30
QUESTION = "Where does Ana keep bees?"


class Broken(HashEmbedder):
    """A model that cannot be loaded."""

    async def load(self) -> None:
        """Fail."""
        raise ModelUnavailableError("broken", "cannot be loaded", "Name another.")


async def cold(embedder: HashEmbedder, wait_s: float, *, empty: bool = False) -> Memory:
    """A memory of one note whose model is not loaded."""
    memory = Memory(store=DictStore(), embedder=HashEmbedder())
    async with opened_desk(memory) as desk:
        if not empty:
            await desk.told("Ana keeps bees in Lisbon", subject="Ana")
    return replace(memory, embedder=embedder, model_wait_s=wait_s)


async def test_a_question_waits_for_the_model() -> None:
    held, answers = HashEmbedder(held=True), list[dict[str, object]]()

    async with opened_desk(await cold(held, PATIENCE_S)) as desk:

        async def ask() -> None:
            answers.append(await desk("recall", query=QUESTION))

        with anyio.fail_after(PATIENCE_S):
            async with anyio.create_task_group() as asking:
                asking.start_soon(ask)
                await anyio.wait_all_tasks_blocked()
                assert not answers
                held.release()

    assert answers[0]["verdict"] == "found"
    assert "degraded" not in answers[0]


@pytest.mark.parametrize("wait_s", [0.0, 0.01])
@pytest.mark.parametrize("query", [QUESTION, "Where does Marcus keep bees?"])
async def test_an_answer_without_the_model_judges_nothing(wait_s: float, query: str) -> None:
    async with opened_desk(await cold(HashEmbedder(held=True), wait_s)) as desk:
        with anyio.fail_after(PATIENCE_S):
            answer = await desk("recall", query=query)

    assert answer["verdict"] == "uncertain"
    assert "by meaning" in str(answer["reason"])
    assert answer["degraded"] == "embedding model is loading: found by words only"
    assert answer["notes"]


async def test_a_model_that_cannot_be_loaded_is_not_waited_for_and_not_called_loading() -> None:
    async with opened_desk(await cold(Broken(held=True), PATIENCE_S)) as desk:
        with anyio.fail_after(PATIENCE_S / 2):
            answer = await desk("recall", query=QUESTION)

    assert answer["verdict"] == "uncertain"
    assert "could not be loaded" in str(answer["degraded"])


async def test_where_nothing_is_stored_no_question_waits() -> None:
    async with opened_desk(await cold(HashEmbedder(held=True), 3600, empty=True)) as desk:
        with anyio.fail_after(PATIENCE_S):
            answer = await desk("recall", query=QUESTION)

    assert answer["verdict"] == "nothing_relevant"


async def test_notes_without_vectors_yet_are_not_judged_to_be_nothing() -> None:
    memory = Memory(store=DictStore(), embedder=HashEmbedder(ready=False))
    async with opened_desk(memory) as desk:
        await desk.told("Ana drives a red convertible car", subject="Ana")
        await memory.embedder.load()
        early = await desk("recall", query="Which pets live at Ben's house?")
        await desk.evolve()
        later = await desk("recall", query="Which pets live at Ben's house?")

    assert (early["verdict"], later["verdict"]) == ("uncertain", "nothing_relevant")
    assert "1 new note is not embedded yet: found by words only" in str(early["degraded"])
    assert "degraded" not in later


async def test_an_answer_tells_of_notes_that_were_embedded_after_it_was_searched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    embedder, left = HashEmbedder(ready=False), [1]
    store = await open_store(str(tmp_path), model_id=embedder.model_id, dim=embedder.dim)
    memory, plain = Memory(store=store, embedder=embedder), LanceStore.match_vectors
    async with opened_desk(memory) as desk:
        await desk.told("Ana keeps bees in Lisbon", subject="Ana")
        await desk.told("The rent is due on Friday")
        await memory.embedder.load()

        async def embedded_then(store: LanceStore, *asked: Any, **how: Any) -> list[Hit]:
            found = await plain(store, *asked, **how)
            if left and left.pop():
                with outside_views():
                    await desk.evolve()
            return found

        monkeypatch.setattr(LanceStore, "match_vectors", embedded_then)
        meanwhile = await desk("recall", query="a garden with bees")
        afterwards = await desk("recall", query="a garden with bees")
    await store.close()

    assert not left
    assert meanwhile["verdict"] == afterwards["verdict"] == "uncertain"
    assert len(notes(meanwhile)) == 1
    assert len(notes(afterwards)) == 1
    assert "2 new notes are not embedded yet" in str(meanwhile["degraded"])
    assert "degraded" not in afterwards
