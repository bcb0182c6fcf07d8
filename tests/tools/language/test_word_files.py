"""Patterns made of words that come from files."""

import re

import pytest

from zettel.tools.language.word_files import by_first_letter

WORDS = ("works at", "work", "Wife", "(?:ex-)?wife", "s?he", " is ", "ß", "a", r"\d+ years")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("she works at home", "she"),
        ("my ex-wife", "ex-wife"),
        ("a work", "a"),
        ("WORKS AT", "WORKS AT"),
        ("Fuß", "ß"),
        ("12 years", "12 years"),
        ("who is it", " is "),
        ("my dog", None),
    ],
)
def test_a_pattern_by_first_letter_finds_what_any_of_its_patterns_does(
    text: str, found: str | None
) -> None:
    for search in (by_first_letter(WORDS), "|".join(WORDS)):
        match = re.search(search, text, re.IGNORECASE)

        assert (match and match[0]) == found
