"""The packaged model, which knows English alone, is given other languages in English words."""

from dataclasses import replace

import pytest

from zettel.storage.embedding.backends import make_embedder
from zettel.storage.embedding.model_files import find_model, find_model_of

pytestmark = pytest.mark.slow
"""It loads the packaged model."""
PAIRS = [
    ("Wie hoch ist die Kaution für die Wohnung?", "The deposit for the flat is 1,800 euros."),
    ("What does the plumber charge?", "Der Klempner verlangt 90 Euro für die Reparatur."),
    ("Quand le dentiste vient-il de fermer ?", "The dentist closes at six in the evening."),
    ("¿A qué hora abre la biblioteca los sábados?", "The library opens at nine on Saturdays."),
    ("图书馆星期六几点开门？", "The library opens at nine on Saturdays."),
    ("歯医者の予約はいつですか。", "The appointment at the dentist's is on 4 May."),
    ("Qual é o valor da caução do apartamento?", "The deposit for the flat is 1,800 euros."),
    ("What does the plumber charge?", "O encanador cobra 90 euros pelo conserto."),
    ("A che ora apre la biblioteca il sabato?", "The library opens at nine on Saturdays."),
    ("Hoe hoog is de borg van de woning?", "The deposit for the flat is 1,800 euros."),
    ("What does the plumber charge?", "De loodgieter rekent 90 euro voor de reparatie."),
    ("När öppnar biblioteket på lördagar?", "The library opens at nine on Saturdays."),
    ("O której otwiera się biblioteka w sobotę?", "The library opens at nine on Saturdays."),
    ("Когда открывается библиотека в субботу?", "The library opens at nine on Saturdays."),
    ("Kütüphane cumartesi günü ne zaman açılıyor?", "The library opens at nine on Saturdays."),
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


async def test_beside_vectors_of_older_lists_a_later_language_is_embedded_as_it_is() -> None:
    newest = await find_model()
    older = await find_model_of(newest.model_id.replace("+words4", "+words3"))
    assert older is not None
    text = "De loodgieter rekent 90 euro voor de reparatie."

    found = [await make_embedder(files, "auto").embed_query(text) for files in (older, newest)]
    plain = await make_embedder(replace(newest, words=0), "auto").embed_query(text)

    assert found[0] @ plain > 0.999
    assert found[1] @ plain < 0.9
