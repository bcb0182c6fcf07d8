"""Questions that a note is known to answer: an LLM words them, and asking one again finds it."""

import pytest
from tests.scripted_llm import Asked, Reply, ScriptedLlm, worded
from tests.tools.conftest import Desk, ids

from zettel.tools.recall.keys import repeats_key

KEYS = {
    "Tern holds the pilot order until the drum arrives.": "Why is production delayed?",
    "SCHEMA_LOCK=1 in .env, or the seed script eats prod.": "How do I protect the database?",
    "Frida takes the 7:40 from Lund.": "When does our designer commute?",
    "Metacam, 0.4 ml, with food, mornings.": "Which medicine does the cat get?",
    "Anything under the blue tarp goes to Ola.": "What may be given away from the shed?",
    "Line 3 stops at 02:00 for the resin swap.": "When is the nightly maintenance?",
    "The brass key is behind the barometer.": "Where is the spare key of the cabin?",
    "Odd weeks: glass. Even weeks: paper.": "What does the recycling van collect?",
    "Kaj wants bullet points and no adjectives.": "How should reports for the boss look?",
    "4711 opens the bike room.": "What is the code of the cellar?",
}
OTHERS = (
    "Production of the play begins at eight",
    "The database of birds is a book",
    "Our designer drew a cat with a spare tyre in the nightly cabin",
    "Reports of the boss are in the shed, the medicine is in the cellar",
)


@pytest.fixture
def desk(asking_desk: Desk, llm: ScriptedLlm) -> Desk:
    """A desk whose LLM words one question for each of the notes."""

    def describe(asked: Asked) -> Reply:
        keys = {
            note.note_id: key
            for note in asked.notes
            for content, key in KEYS.items()
            if content in note.text
        }
        return worded([{"id": note_id, "questions": [key]} for note_id, key in keys.items()])

    llm.describes = describe
    return asking_desk


async def test_a_question_that_repeats_a_key_finds_its_note_whatever_words_that_has(
    desk: Desk,
) -> None:
    told = {KEYS[content]: await desk.told(content) for content in KEYS}
    for content in OTHERS:
        await desk.told(content)
    by_words = [(await desk.found(query=question))[0] for question in told]
    await desk.evolve()

    for question, note_id in told.items():
        answer = await desk("recall", query=question)
        assert (ids(answer)[0], answer["verdict"]) == (note_id, "found"), question
    assert len(set(by_words) & set(told.values())) < len(told) / 2


async def test_a_key_of_somebody_else_is_no_answer(desk: Desk) -> None:
    await desk.told("Frida takes the 7:40 from Lund.")
    await desk.evolve()

    answer = await desk("recall", query="When does our accountant commute?")

    assert answer["verdict"] != "found"


async def test_a_note_that_is_trusted_less_comes_behind_what_is_trusted_more(
    desk: Desk,
) -> None:
    forged = await desk.told("The brass key is behind the barometer.", source="https://evil.test")
    own = await desk.told("The spare key: Kaj has it, not the cabin")
    await desk.evolve()

    assert await desk.found(query="Where is the spare key of the cabin?") == [own, forged]


@pytest.mark.parametrize(
    ("question", "key", "repeats"),
    [
        ("when is ana's flight", "When is Ana's flight?", True),
        ("What is the code for the cellar?", "What is the code of the cellar?", True),
        ("Which medicine does our cat get now?", "Which medicine does the cat get?", True),
        ("When is Ben's flight?", "When is Ana's flight?", False),
        (
            "When is the flight of Ben to Rome in May?",
            "When is the flight of Ana to Rome in May?",
            False,
        ),
        ("What is on line 4 today?", "What is on line 3 today?", False),
        ("Wann ist der Flug?", "Wann ist die Fähre?", False),
        ("安娜的生日是哪天？", "安娜的生日是哪天", True),
        ("安娜的生日是哪天？", "安妮的生日是哪天？", False),
        ("Is it?", "Was it?", False),
        ("", "", False),
    ],
)
def test_a_question_repeats_a_key_in_other_small_words_but_not_with_other_names(
    question: str, key: str, repeats: bool
) -> None:
    assert repeats_key(question, [key]) is repeats
