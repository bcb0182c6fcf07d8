"""The packaged model, which knows English alone, is given other languages in English words."""

import pytest

from zettel.storage.embedding.backends import make_embedder
from zettel.storage.embedding.model_files import find_model

pytestmark = pytest.mark.slow
"""It loads the packaged model."""
PAIRS = [
    ("Wie hoch ist die Kaution für die Wohnung?", "The deposit for the flat is 1,800 euros."),
    ("What does the plumber charge?", "Der Klempner verlangt 90 Euro für die Reparatur."),
    ("Quand le dentiste vient-il de fermer ?", "The dentist closes at six in the evening."),
    ("¿A qué hora abre la biblioteca los sábados?", "The library opens at nine on Saturdays."),
    ("图书馆星期六几点开门？", "The library opens at nine on Saturdays."),
    ("歯医者の予約はいつですか。", "The appointment at the dentist's is on 4 May."),
]
OTHERS = [
    "Replies should be short, with the code first.",
    "Die Geburtstagsfeier findet im Garten statt.",
    "Le chat dort sur le canapé du salon.",
    "The release of the server is planned for Tuesday.",
]


@pytest.mark.parametrize(("question", "note"), PAIRS)
async def test_a_note_in_another_language_than_the_question_is_nearest(
    question: str, note: str
) -> None:
    embedder = make_embedder(await find_model(), "auto")

    asked = await embedder.embed_query(question)
    near, *others = [vectors[0] @ asked for vectors in await embedder.embed_notes([note, *OTHERS])]

    assert near > max(others)
