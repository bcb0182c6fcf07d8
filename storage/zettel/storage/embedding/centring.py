"""Vectors around their usual place: cosines of any model on the scale that the bounds are set on.

Of many models every two vectors are near: of multilingual-e5-small's cosines of unrelated notes
nine in ten lie between .78 and .86, where the packaged model's lie between .01 and .39. They share
one large component, which says nothing of a text; without their mean they spread as the packaged
model's do (Mu and Viswanath, All-but-the-Top, ICLR 2018, take the mean and some directions away;
the directions gained nothing here). What it is worth: benchmarks/RESULTS.md, "Other models".
"""

# ruff: noqa: D102 - each method is documented in the contract

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from zettel.storage.embedding.embedder import Encoder, unit_rows

NOTES = (
    (
        "The train to the coast leaves at ten past six from platform four, so the taxi is booked"
        " for half past five."
    ),
    (
        "We agreed to keep the old login page until the new one has been tested by the support"
        " team. Owner: Irina, decision of Tuesday's call."
    ),
    "My sister is allergic to nuts, so the birthday cake has to be made without them.",
    (
        "The nightly backup failed twice last week because the disk of the file server was full."
        " Old archives were moved to the cold bucket; the alert now comes at 80 percent."
    ),
    "He plays the cello in a small orchestra and practises on Thursday evenings.",
    (
        "Client settings: timeout 30 s, three retries with backoff, log level info. Larger uploads"
        " go through the queue instead."
    ),
    "The landlord wants the rent by the third of each month; the deposit was 1,400 euros.",
    "User prefers short answers with one example first and no lists.",
    "The museum is closed on Mondays and tickets are cheaper after four in the afternoon.",
    (
        "Release 2.4 fixes the crash when a file name contains a space. The regression test is in"
        " tests/test_paths.py and runs in CI on Linux and Windows."
    ),
    (
        "Her new bicycle was stolen in front of the library; the police report has the number 4471"
        " and the insurance pays at most 600."
    ),
    (
        "The contract with the supplier of coffee machines runs until the end of next year and is"
        " renewed for twelve months unless cancelled in writing."
    ),
    (
        "def total(items):\n    return sum(item.price * item.count for item in items if not"
        " item.cancelled)"
    ),
    ("services:\n  web:\n    image: shop-web:1.8\n    ports: ['8000:80']\n    depends_on: [cache]"),
    (
        "Two of the five chairs need new covers before the guests arrive; the fabric is ordered in"
        " dark green."
    ),
    (
        "Doctor's advice after the visit: tablets after breakfast for ten days, no sport for two"
        " weeks, then another blood test."
    ),
    (
        "The report was slow because the table had no index on the date. Added one, from 9 seconds"
        " to 200 milliseconds."
    ),
    (
        "They met at university, have been running the bakery since 2009 and want to open a second"
        " shop near the station."
    ),
    (
        "Convention: branches are named after the ticket, commits are squashed, and every change of"
        " the schema needs a migration."
    ),
    (
        "Trip to the mountains: hut booked for two nights, bring sleeping bags and cash, the bus"
        " goes every hour."
    ),
    "Der Zug nach Hamburg fährt um halb acht von Gleis neun, die Karten liegen beim Portier.",
    (
        "Le rendez-vous chez le dentiste est repoussé à jeudi matin, il faut apporter la"
        " radiographie."
    ),
    "La abuela cumple ochenta años y quiere una fiesta en el jardín con toda la familia.",
    "Il corso di ceramica comincia a ottobre e costa novanta euro, materiale compreso.",
    "A reunião com a equipa de vendas passou para a sala pequena do segundo andar.",
    "De kat krijgt twee keer per dag een half blikje voer en slaapt in de keuken.",
    "Vi bytte till en ny leverantör av kaffe efter sommaren eftersom priset hade höjts.",
    "Serwer zapasowy stoi w piwnicy i jest włączany tylko w nocy.",
    "Мы перенесли встречу с врачом на следующую среду, потому что он болен.",
    "Toplantı notlarını her cuma müdüre gönderiyoruz, kopyası arşivde kalıyor.",
    "会议改到星期五下午三点，地点在二楼的小房间。",
    "新しい鍵は受付に預けてあり、月曜日に取りに行く予定です。",
)
"""Made-up notes as agents write them, in the thirteen languages of the word lists; what is changed
here or below needs a new `CENTRING_VERSION`."""

QUESTIONS = (
    "Where did we put the spare key of the garden shed?",
    "Who is responsible for the payment service?",
    "When is the next meeting with the architect?",
    "How much did the repair of the roof cost?",
    "What is still open before the launch?",
    "Which database does the staging server use?",
    "Why did we decide against the second design?",
    "What does he like to eat for breakfast?",
    "How should I format the commit messages?",
    "What changed since last week?",
    "Is the heating of the office still broken?",
    "Which port does the worker listen on?",
    "How many people come to the wedding?",
    "What was the phone number of the plumber?",
    "Tell me everything about the new customer.",
    "Do we have a backup of the photos?",
    "Where does my brother work now?",
    "Which version of the library did we use before?",
    "What am I doing on Friday afternoon?",
    "How do I run the tests on Windows?",
    "Wer kümmert sich um die Rechnung für die neuen Fenster?",
    "Quelle version de la bibliothèque utilise le serveur de test ?",
    "¿Cuándo termina el contrato con el proveedor de internet?",
    "Chi ha le chiavi della cantina?",
    "Quanto custou o conserto do carro?",
    "Waar staat de reservekopie van de foto's?",
    "När börjar mötet med arkitekten?",
    "Kto odpowiada za serwer testowy?",
    "Когда у нас следующая встреча с клиентом?",
    "Toplantı hangi odada yapılacak?",
    "回归测试由谁负责？",
    "新しい鍵はどこにありますか？",
)
"""Made-up questions in the same languages. Questions have a usual place of their own."""


class CentredEncoder(Encoder):
    """A loaded model whose vectors are taken from the mean of those of fixed texts.

    Embeds these at once: some .3 s of a core with a small model.
    """

    def __init__(self, encoder: Encoder) -> None:
        self.backend, self.concurrent = encoder.backend, encoder.concurrent
        self.device = encoder.device
        self._encoder = encoder
        self._usual_question = _mean(encoder.encode_queries(QUESTIONS))
        self._usual_note = _mean(encoder.encode_documents(NOTES))

    def encode_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return unit_rows(self._encoder.encode_queries(texts)) - self._usual_question

    def encode_documents(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return unit_rows(self._encoder.encode_documents(texts)) - self._usual_note


def _mean(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    return unit_rows(vectors).mean(axis=0)
