"""What a text asks to be done or left, read in any language that has a file of its words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zettel.tools.language.feedback import Feedback, read_feedback

PAIRS = (
    ("Never commit to main, open a pull request", "No commits to main, open a pull request"),
    ("Book an aisle seat, never a window seat", "User wants aisle seats, no window seats"),
    ("Bitte Kunden in Mails nie duzen", "Nutzer will Kunden in Mails nicht duzen"),
    ("Réponds toujours en français", "L'utilisateur veut des réponses en français, pas d'anglais"),
    ("N'utilise pas de mocks aux tests", "Ne mets pas de mocks aux tests"),
    ("Keine Mocks, sondern den Server", "Bitte nie Mocks, stattdessen den Server"),
    ("No uses mocks en las pruebas", "Nada de mocks en las pruebas, por favor"),
    ("测试不要用模拟对象", "用户要求测试不要模拟对象"),
    ("モックは禁止、テストは偽の決済サーバー", "テストは必ず偽の決済サーバーで。モックは禁止"),
)
words = st.lists(
    st.sampled_from("never use mocks please no tests for the server but tabs not spaces".split()),
    max_size=9,
).map(" ".join)


def read(text: str) -> Feedback:
    found = read_feedback(text)
    assert found is not None, text
    return found


@pytest.mark.parametrize(("one", "other"), PAIRS)
def test_the_same_is_asked_for_in_other_words(one: str, other: str) -> None:
    assert read(one).says_same(read(other))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Indent with tabs, not with spaces", "Indent with spaces, not with tabs"),
        ("No mocks in the tests", "Mocks are fine in the tests"),
        ("Never commit to main", "User wants to commit to main again"),
    ],
)
def test_the_contrary_is_not_the_same(one: str, other: str) -> None:
    assert read(one).reverses(read(other))
    assert not read(one).says_same(read(other))


def test_an_exception_in_a_place_of_its_own_reverses_nothing() -> None:
    mail = read("Use mocks for the mail service")

    assert not mail.reverses(read("No mocks in the checkout tests"))


def test_what_is_left_where_something_else_is_done_reverses_nothing() -> None:
    linter = read("Run the linter before you commit.")

    assert not read("Never commit directly to main.").reverses(linter)
    assert not linter.reverses(read("Never commit directly to main."))


@pytest.mark.parametrize(
    "text",
    [
        "Ana met Zeb in Ulm",
        "Ana met Zeb in May",
        "Should we never use mocks?",
        "Never use mocks. " * 40,
    ],
)
def test_what_tells_a_question_or_a_document_asks_for_nothing(text: str) -> None:
    assert read_feedback(text) is None


@given(words, words)
def test_both_see_it_alike_and_nothing_is_the_same_and_the_contrary(one: str, other: str) -> None:
    first, second = read_feedback(f"never {one}"), read_feedback(f"always {other}")
    assert first is not None
    assert second is not None

    assert first.says_same(second) == second.says_same(first)
    assert not (first.says_same(second) and first.reverses(second))
    assert not first.reverses(first)
