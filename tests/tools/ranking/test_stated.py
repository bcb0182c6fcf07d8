"""A note that states such a thing as is asked for comes before one that only tells of it."""

import pytest
from tests.tools.conftest import Desk, notes

STATING = "states such a thing as you asked for"
OTHERS = ("Ben repairs clocks", "Lunch is soup", "The lake froze", "Cleo sings alto")


@pytest.mark.parametrize(
    ("question", "stating", "telling"),
    [
        (
            "How old is the roof of the barn?",
            "The roof of the barn is from 1987, 39 years",
            "The roof of the barn is what leaks",
        ),
        (
            "Welche Farbe hat das Tor vom Schuppen?",
            "Das Tor vom Schuppen ist grün",
            "Das Tor vom Schuppen ist das, was knarrt",
        ),
        (
            "What colour is the door of the shed?",
            "The door of the shed is green",
            "The door of the shed is what creaks",
        ),
    ],
)
async def test_what_states_such_a_thing_comes_before_what_shares_more_words(
    desk: Desk, question: str, stating: str, telling: str
) -> None:
    await desk.told(stating)
    for other in OTHERS:
        await desk.told(other)
    await desk.told(telling)

    answer = await desk("recall", query=question, detail="full")

    first = notes(answer)[0]
    assert first["content"] == stating
    assert STATING in str(first["why"])


async def test_a_note_that_only_asks_states_nothing(desk: Desk) -> None:
    await desk.told("Ana has signed a contract with Umbra")
    for other in OTHERS:
        await desk.told(other)
    await desk.told("Ana, which company do you work for?")

    answer = await desk("recall", query="Which company does Ana work for?", detail="full")

    reasons = {note["content"]: str(note["why"]) for note in notes(answer)}
    assert STATING in reasons["Ana has signed a contract with Umbra"]
    assert STATING not in reasons["Ana, which company do you work for?"]


async def test_who_is_not_asked_about_states_nothing_of_who_is(desk: Desk) -> None:
    await desk.told("Katell has bought a Cintra Volta", subject="Katell")
    for other in OTHERS:
        await desk.told(other)
    await desk.told("I have the car of Petra down as a Dorado")
    await desk.told("It was Katell who drove a van", subject="Katell")

    answer = await desk("recall", query="Which car does Katell own?", detail="full")

    reasons = {note["content"]: str(note["why"]) for note in notes(answer)}
    assert STATING in reasons["It was Katell who drove a van"]
    assert STATING not in reasons["I have the car of Petra down as a Dorado"]


async def test_an_employer_is_no_answer_to_who_asks_for_a_profession(desk: Desk) -> None:
    await desk.told("Ana found a position as a luthier")
    for other in OTHERS:
        await desk.told(other)
    await desk.told("Umbra has hired Ana")

    answer = await desk("recall", query="What profession does Ana have?", detail="full")

    reasons = {note["content"]: str(note["why"]) for note in notes(answer)}
    assert STATING in reasons["Ana found a position as a luthier"]
    assert STATING not in reasons["Umbra has hired Ana"]


async def test_what_states_such_a_thing_is_not_nothing_relevant(desk: Desk) -> None:
    await desk.told("By the way, I am moving next week, new address Anger 5", subject="Noor")
    for other in OTHERS:
        await desk.told(other, subject="Imke")

    stated = await desk("recall", query="Where does Noor live?")
    unstated = await desk("recall", query="Where does Imke live?")

    assert "Anger 5" in str(notes(stated)[0]["content"])
    assert stated["verdict"] == "uncertain"
    assert unstated["verdict"] == "nothing_relevant"
