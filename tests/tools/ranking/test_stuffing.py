"""A text that shares a word with every question is told apart from one that tells something."""

import pytest

from zettel.tools.ranking.stuffing import Stuffing, read_stuffing

WORDS = "port server staging database host key deploy branch release version owner team review"


@pytest.mark.parametrize(
    "text",
    [
        WORDS,
        f"We use these: {WORDS}",
        "The port is open on staging. " * 10,
        "What is the rent? Who is the landlord? Where is it? When is it due? This answers all.",
    ],
)
def test_a_text_that_tells_nothing_is_stuffed(text: str) -> None:
    assert read_stuffing(text) is Stuffing.STUFFED


def test_a_long_list_with_commas_is_told_apart_from_words_without_any() -> None:
    assert read_stuffing(", ".join(WORDS.split())) is Stuffing.LISTS


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Milk, eggs, oats, coffee, dish soap.",
        "How are you? Did you sleep well?",
        "I've always loved playing strategy games like Civilization and Total War, so I decided to"
        " build a computer myself and it took me three whole weekends of reading manuals.",
        "Das Deployment der neuen Version ist am Dienstag um 14 Uhr, bitte danach keine weiteren"
        " Änderungen an der Datenbank mehr, sonst müssen wir die Tests alle noch einmal machen.",
        "Jutro rano spotykamy się z całym zespołem w biurze przy ulicy Długiej, aby omówić plany"
        " na kolejny kwartał i podzielić zadania między wszystkich nowych pracowników.",
        "周会改到周四下午两点," * 8,
    ],
)
def test_what_people_write_tells_something(text: str) -> None:
    assert read_stuffing(text) is Stuffing.TELLS
