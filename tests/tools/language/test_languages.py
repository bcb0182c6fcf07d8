"""A language is known by its small words; some languages' words count in their own texts only."""

from importlib.resources import files

import pytest

from zettel.tools.language.change_cues import find_change_cue
from zettel.tools.language.languages import counts_everywhere, find_language
from zettel.tools.language.question_words import asked_sort, asks_former, speaks_of_me
from zettel.tools.language.time_words import is_day_month_or_count
from zettel.tools.language.user_words import tells_of_user

FOLDERS = ("change_words", "question_words", "time_words", "user_words")


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_language_whose_words_are_read_has_small_words_or_a_script(folder: str) -> None:
    here = files("zettel.tools.language")
    known, read = (
        {entry.name for entry in here.joinpath(name).iterdir()} for name in ("small_words", folder)
    )

    assert read <= known


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("O barbeiro fecha às segundas", "pt"),
        ("Amanhã vou ao notário", "pt"),
        ("Il barbiere chiude di lunedì", "it"),
        ("Domani viene la nonna", "it"),
        ("Quais reuniões faltaram?", "pt"),
        ("Che prenotazioni restano?", "it"),
        ("Office in São Tomé and Conceição", "en"),
        ("El barbero cierra los lunes", "es"),
        ("Le coiffeur est fermé le 30 novembre", "fr"),
        ("Das Konzert ist am Montag", "de"),
        ("Tengo una cita con el notario", "es"),
        ("De kapper is op maandag gesloten", "nl"),
    ],
)
def test_the_language_of_a_short_text_is_found(text: str, language: str) -> None:
    assert find_language(text) == language


def test_words_of_italian_and_portuguese_count_in_their_own_texts_only() -> None:
    assert not counts_everywhere("it")
    assert asks_former("Dove suonava Ada prima?")
    assert not asks_former("Was war an der Suppe so prima?")
    assert speaks_of_me("Quando arriva la mia bicicletta?")
    assert not speaks_of_me("When does Mia go to the dentist?")
    assert not is_day_month_or_count("due")
    assert not is_day_month_or_count("otto")


def test_a_text_is_read_by_the_words_of_its_own_language_first() -> None:
    cue = find_change_cue("A aula de cerâmica foi cancelada")

    assert cue
    assert any("cerâmica" in words for words in cue.over)


@pytest.mark.parametrize(
    ("question", "sort"),
    [
        ("O que ficou pendente com o canalizador?", "open"),
        ("O que falta fazer na cave?", "open"),
        ("O que decidimos sobre o telhado?", "decided"),
        ("O que mudou no horário?", "changed"),
        ("Que regras de trabalho temos?", "rules"),
        ("Quali regole abbiamo?", "rules"),
        ("Che cosa resta da fare in cantina?", "open"),
        ("Quali pratiche sono ancora in sospeso?", "open"),
        ("Che cosa abbiamo deciso per il tetto?", "decided"),
        ("Che cosa è cambiato nell'orario?", "changed"),
    ],
)
def test_what_a_question_asks_for_is_known_in_portuguese_and_italian(
    question: str, sort: str
) -> None:
    assert asked_sort(question) == sort


@pytest.mark.parametrize(
    ("question", "sort"),
    [
        ("Wat staat er nog open met de loodgieter?", "open"),
        ("Wat moet er nog gebeuren in de kelder?", "open"),
        ("Welke besluiten zijn er genomen over het dak?", "decided"),
        ("Wat is er veranderd in het rooster?", "changed"),
    ],
)
def test_what_a_question_asks_for_is_known_in_dutch(question: str, sort: str) -> None:
    assert asked_sort(question) == sort


@pytest.mark.parametrize(
    "text",
    [
        "We met Lars and want a mail from the open office",
        "She has the door open, die Tür war offen",
        "Even een paar van de men is over",
    ],
)
def test_dutch_words_that_other_languages_have_change_nothing(text: str) -> None:
    assert find_change_cue(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "Ik woon in een dorp en heb twee honden",
        "Mijn zus en ik gaan naar het koor",
    ],
)
def test_a_note_about_the_user_is_known_in_dutch(text: str) -> None:
    assert tells_of_user(text)


@pytest.mark.parametrize(
    "text",
    [
        "Moro numa aldeia e tenho dois cães",
        "A minha irmã e eu vamos ao coro",
        "Vivo in un paese e ho due cani",
        "La mia vicina e io andiamo al coro",
    ],
)
def test_a_note_about_the_user_is_known_in_portuguese_and_italian(text: str) -> None:
    assert tells_of_user(text)


@pytest.mark.parametrize(
    "question",
    [
        "What do I have to do?",
        "What do we still need to do today?",
        "Was muss ich erledigen?",
        "Qu'est-ce que je dois faire ?",
        "¿Qué tengo que hacer?",
        "O que tenho de fazer?",
        "Cosa devo fare?",
        "Wat moet ik doen?",
    ],
)
def test_what_one_has_to_do_asks_for_open_work(question: str) -> None:
    assert asked_sort(question) == "open"


@pytest.mark.parametrize(
    "question",
    [
        "What do I have to do before the deploy?",
        "What do I do?",
        "What should we do?",
        "Was muss ich beim Deploy tun?",
        "¿Qué tengo que hacer para renovar el pasaporte?",
        "When the alarm rings, what do I have to do?",
        "Der Server ist down. Was muss ich tun?",
    ],
)
def test_what_is_to_do_for_something_is_no_open_work(question: str) -> None:
    assert asked_sort(question) != "open"
