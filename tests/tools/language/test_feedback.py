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
    ("Don't commit before running the linter", "Always run the linter before a commit"),
    ("No commits without the linter", "Run the linter before you commit"),
    ("Never send an offer until Ruth has read it", "No offers without Ruth reading them"),
    ("Before you send an offer, ask Ruth to read it", "Don't send offers before Ruth read them"),
    (
        "Bitte keine Angebote ohne Stempel",
        "Bitte keine Angebote senden, bevor ein Stempel drauf ist",
    ),
    ("Pas de devis sans tampon", "Ne pas envoyer de devis avant le tampon"),
    ("Nunca mandes presupuestos sin sello", "No mandes presupuestos antes de poner el sello"),
    ("No adverbs, please", "Avoid adverbs!"),
    ("Nada de adverbios", "Por favor, evita adverbios"),
    ("Keine Adverbien", "Bitte keine Adverbien"),
    ("Leave out the greeting", "Please leave the greeting out"),
    ("Leave out the greeting in mails", "Don't write a greeting in mails"),
    ("Bitte die Anrede weglassen", "Bitte keine Anrede"),
    ("Answer in bullet points", "Use bullet points in your answers"),
    ("Please always reply in Dutch", "User wants Dutch, even in short replies"),
    ("Ask before you delete files", "Never delete a file without asking me first"),
    ("You deleted a file again without asking", "Ask me before deleting anything"),
    ("Use pnpm, not npm", "You used npm again, it has to be pnpm"),
    ("No oat milk", "Never buy oat milk"),
    ("Run the linter before you push", "Never push code that has not been linted"),
    ("Don't edit files in gen/ by hand", "The gen/ folder must not be edited by hand"),
    ("Don't edit files in gen/ by hand", "You changed gen/ by hand again"),
    ("Never push to main directly", "Pushing to main directly is not allowed"),
    ("Functions need type hints", "You forgot the type hints of functions again"),
    ("Never log secrets", "You logged a secret again"),
    ("Bitte antworte kürzer", "Deine Antworten sind zu lang, fass dich kürzer"),
    ("Keine Mocks in den Tests", "In den Tests dürfen keine Mocks benutzt werden"),
    ("Bitte keine Emojis in Mails", "Du hast schon wieder Emojis in die Mail gesetzt"),
    ("Pas d'emojis dans les titres", "Tu as encore mis des emojis dans le titre"),
    ("Nunca pongas emojis en correos", "Otra vez pusiste emojis en el correo"),
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
        ("Don't run the linter before you commit", "Run the linter before you commit"),
        ("No commits without the linter", "Commits without the linter are fine"),
        ("Leave out the greeting", "Always begin with a greeting"),
        ("Don't book meetings before lunch", "Book meetings before lunch"),
        ("Answer in bullet points", "No bullet points, write prose"),
    ],
)
def test_the_contrary_is_not_the_same(one: str, other: str) -> None:
    assert read(one).reverses(read(other))
    assert not read(one).says_same(read(other))


def test_an_exception_in_a_place_of_its_own_reverses_nothing() -> None:
    mail = read("Use mocks for the mail service")

    assert not mail.reverses(read("No mocks in the checkout tests"))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Never reply in German", "Reply in Dutch"),
        ("Never call in the morning", "Call in the afternoon"),
        ("No commits without the linter", "Never commit to main"),
        ("Before you commit, run the linter", "Never commit to main"),
        ("Ask before you rename files", "Ask before you delete files"),
        ("Never commit the env file", "Please never print the env file"),
        ("Use less salt in the soup", "Use less pepper in the soup"),
        ("No calls on Friday afternoon", "Never book the gym on Friday afternoon"),
    ],
)
def test_how_and_on_which_terms_something_is_done_reverses_nothing_else(
    one: str, other: str
) -> None:
    for first, second in ((read(one), read(other)), (read(other), read(one))):
        assert not first.reverses(second)
        assert not first.says_same(second)


@pytest.mark.parametrize(
    "text", ["Please continue", "No fever", "Please wait", "Keine Besucher", "Pas de fièvre"]
)
def test_one_word_for_an_act_of_the_moment_or_a_report_is_no_wish_that_is_told_again(
    text: str,
) -> None:
    assert not read(text).says_same(read(text))


def test_what_is_left_where_something_else_is_done_reverses_nothing() -> None:
    linter = read("Run the linter before you commit.")

    assert not read("Never commit directly to main.").reverses(linter)
    assert not linter.reverses(read("Never commit directly to main."))


def test_what_waits_for_an_answer_is_not_wanted_by_itself() -> None:
    ask = read("Ask before you delete files")

    assert (ask.done, ask.later) == ({"ask"}, {"dele", "file"})


def test_what_was_done_again_is_to_be_left_and_what_was_forgotten_again_is_to_be_done() -> None:
    done, forgotten = read("You used mocks again"), read("You forgot the linter again")

    assert (done.done, done.left, done.is_wish) == (set(), {"mock"}, False)
    assert (forgotten.done, forgotten.left, forgotten.is_wish) == ({"lint"}, set(), False)
    assert read("You used mocks again, use the server").is_wish


@pytest.mark.parametrize(
    "text",
    [
        "Ana met Zeb in Ulm",
        "You can come again",
        "Ana met Zeb in May",
        "Should we never use mocks?",
        "No worries!",
        "Don't worry",
        "Never mind",
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
