"""Letters as they are typed on a keyboard without accents."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zettel.storage.notes import fold
from zettel.tools.language.accents import other_spellings, without_accents
from zettel.tools.language.terms import plain_name, terms


@pytest.mark.parametrize(
    ("written", "typed"),
    [
        ("José", "jose"),
        ("Łukasz", "lukasz"),
        ("Søren Ærø", "soren aero"),
        ("İbrahim Yıldız", "ibrahim yildiz"),
        ("Schloßstraße", "schlossstrasse"),
        ("Nguyễn", "nguyen"),
        ("Dvor\u030ca\u0301k", "dvorak"),
    ],
)
def test_a_name_and_the_same_without_accents_are_one(written: str, typed: str) -> None:
    assert plain_name(written) == typed
    assert terms(written) == terms(typed)


@pytest.mark.parametrize("text", ["Иван Йовков", "が", "안녕", "नमस्ते", "北京", "شكرا"])
def test_letters_of_other_scripts_keep_their_marks(text: str) -> None:
    assert without_accents(text) == text


@pytest.mark.parametrize(
    ("name", "others"),
    [("jürgen", ["juergen"]), ("juergen", ["jürgen"]), ("ana", []), ("anna", [])],
)
def test_umlauts_may_be_spelled_out(name: str, others: list[str]) -> None:
    assert other_spellings(name) == others


@given(st.text())
def test_letters_without_accents_stay_as_they_are(text: str) -> None:
    plain = without_accents(fold(text))

    assert without_accents(plain) == plain
