"""A note is found by a question in another language, by the words of both in English."""

from pathlib import Path

import pytest
from tests.tools.conftest import Desk, notes, opened_desk

from zettel.storage.embedding.hashing import HashEmbedder
from zettel.storage.lance.store import open_store
from zettel.tools.state.memory import Memory

OTHERS = (
    "The release of the server is planned for Tuesday",
    "Mia has a piano lesson on Mondays",
    "Der Hund schläft im Garten",
    "Le chat dort sur le canapé",
)


@pytest.mark.parametrize(
    ("note", "question"),
    [
        (
            "The plumber charges 90 euros for a repair",
            "Was verlangt der Klempner für die Reparatur?",
        ),
        (
            "Der Klempner verlangt 90 Euro für die Reparatur",
            "What does the plumber want for a repair?",
        ),
        ("Le dentiste ferme à six heures du soir", "¿A qué hora cierra el dentista por la tarde?"),
        ("歯医者の予約は五月四日です。", "When is the appointment with the dentist?"),
        ("The library opens at nine", "图书馆几点开门？"),
    ],
)
async def test_a_question_in_another_language_finds_a_note_by_its_words(
    note: str, question: str, tmp_path: Path
) -> None:
    embedder = HashEmbedder(ready=False)
    store = await open_store(str(tmp_path / "store"), model_id=embedder.model_id, dim=embedder.dim)
    memory = Memory(store=store, embedder=embedder, model_wait_s=0)
    async with opened_desk(memory) as desk:
        asked = await desk.told(note)
        for other in OTHERS:
            await desk.told(other)

        answer = await desk("recall", query=question)
    await store.close()

    assert notes(answer)[0]["note_id"] == asked


async def test_a_note_is_answered_as_it_was_told(desk: Desk) -> None:
    told = "Der Klempner verlangt 90 Euro für die Reparatur"
    await desk.told(told)

    answer = await desk("recall", query="What does the plumber want for a repair?")

    assert notes(answer)[0]["content"] == told
