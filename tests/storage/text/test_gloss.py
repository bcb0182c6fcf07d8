"""Texts in other languages, put into English word by word."""

import subprocess
import sys
from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zettel.storage.text.gloss import other_words, to_english
from zettel.storage.text.vocabulary import MODEL_LANGUAGE

LISTS = {
    file.name: file.read_text(encoding="utf-8").splitlines()
    for file in files("zettel.storage.text").joinpath("word_lists").iterdir()
    if file.name.endswith(".tsv")
}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("In der neuen Küche tropft die Armatur.", ("new", "kitchen", "drip", "tap")),
        ("Wann fährt der Zug nach Hohenstett?", ("when", "train", "Hohenstett")),
        ("L'électricien vient le lundi 21, à la même heure.", ("electrician", "Monday", "21")),
        ("El electricista viene el lunes a las ocho.", ("electrician", "Monday", "eight")),
        ("下周三下午和李医生有预约。", ("next Wednesday", "afternoon", "doctor", "appointment")),
        ("次の打ち合わせは木曜日です。", ("next", "meeting", "Thursday")),
        ("O eletricista vem na segunda-feira às oito.", ("electrician", "Monday", "eight")),
        ("A que horas abre a farmácia da praça?", ("hour", "open", "pharmacy", "square")),
        ("L'elettricista viene lunedì alle otto.", ("electrician", "Monday", "eight")),
        ("A che ora apre la farmacia in piazza?", ("hour", "open", "pharmacy", "square")),
        ("De elektricien komt maandag om acht uur.", ("electrician", "Monday", "eight")),
        ("Hoe laat gaat de apotheek aan het plein open?", ("late", "pharmacy", "square")),
        ("De stroomrekening moet voor vrijdag betaald worden.", ("bill", "Friday", "pay")),
        ("Tandläkartiden är på tisdag klockan 9.30.", ("dentist", "Tuesday", "clock")),
        ("Min dotter är allergisk mot nötter.", ("daughter", "allergic", "nut")),
        ("Wizyta u dentysty jest we wtorek o 9:30.", ("visit", "dentist", "Tuesday")),
        ("Kiedy kończy się umowa z dostawcą?", ("end", "contract", "supplier")),
        ("Запись к стоматологу на вторник в 9:30.", ("dentist", "Tuesday")),
        ("Моя дочь не ест орехи, говорит Анна.", ("daughter", "nut", "Anna")),
        ("Резервный сервер слушает порт 8080.", ("server", "port", "8080")),
        ("Ich habe Дмитрий gestern im Büro getroffen.", ("Dmitriy", "yesterday", "office")),
        ("İş yarın başlıyor ve çok önemli.", ("work", "tomorrow", "start", "important")),
        ("Babamın diz ameliyatı ne zaman?", ("father", "surgery", "time")),
    ],
)
def test_a_sentence_in_another_language_is_put_into_english_words(
    text: str, words: tuple[str, ...]
) -> None:
    found = to_english(text).casefold()
    assert [word for word in words if word.casefold() not in found] == []


@pytest.mark.parametrize(
    ("text", "foreign"),
    [
        ("O prato está na cozinha e a tigela no forno.", "the Spanish for silver: plata"),
        ("Die Rechnung ist bis Freitag zu bezahlen.", ""),
        ("L'utilisateur veut des réponses en français, pas en anglais.", ""),
        ("La reforma del baño va al 30 %.", ""),
        ("We met Ben at the door, dan wants ten more.", ""),
        ("Come to the solo concert, state of the art.", ""),
        ("The pro rata rent of the old era is due.", ""),
        ("Playwright e2e test of e1 and o2", ""),
        ("Минулого тижня я зустрів Ганну.", ""),
    ],
)
def test_a_language_that_came_later_changes_no_other_text(text: str, foreign: str) -> None:
    assert (to_english(text) == to_english(text, 3)) is (not foreign)


def test_texts_of_a_language_that_came_later_stay_as_they_are_beside_older_vectors() -> None:
    for text in (
        "De huur is betaald.",
        "L'affitto è stato pagato.",
        "A renda já foi paga.",
        "Hyran är betald.",
        "Czynsz jest już zapłacony.",
        "Аренда уже оплачена.",
    ):
        assert to_english(text, 3) == text
        assert "rent" in to_english(text)


def test_a_german_compound_is_told_by_its_parts() -> None:
    assert "move" in to_english("Die Umzugskosten sind noch offen.").lower()
    assert "cost" in to_english("Die Umzugskosten sind noch offen.").lower()


def test_a_street_keeps_its_name_beside_its_parts_and_a_town_is_not_divided() -> None:
    found = to_english("Wir wohnen jetzt in der Kesselgasse 3, in Wallbrück.").lower()
    assert "kesselgasse boiler lane" in found
    assert "wallbrück" in found


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Ich habe die Tomaten gestern umgetopft.", ("repot",)),
        ("Er hat vergessen, die Form einzufetten.", ("grease",)),
        ("Er hat vergessen, sich anzumelden.", ("sign up",)),
        ("Wir haben das Auto gestern repariert und geputzt.", ("repair", "clean")),
        ("Die Ärztin hat die Medikamente umgestellt.", ("doctor", "switch")),
        ("Ma belle-mère vient ce week-end.", ("mother-in-law", "weekend")),
        ("Elle a un rendez-vous en Allemagne.", ("appointment", "Germany")),
        ("El cumpleanos de Marta es manana.", ("birthday", "Marta", "tomorrow")),
        ("El miércoles vuelvo a Londres.", ("Wednesday", "London")),
    ],
)
def test_forms_of_verbs_words_without_accents_and_names_of_places_are_known(
    text: str, words: tuple[str, ...]
) -> None:
    found = to_english(text).casefold()
    assert [word for word in words if word.casefold() not in found] == []


def test_a_name_in_other_letters_is_also_spelled_in_latin_ones() -> None:
    assert "Wang Fang" in to_english("王芳的电话是 0555 7120。")
    assert "Koron" in to_english("猫のコロンに薬をあげる。")
    words = other_words("Анна Кузнецова живёт в Казани.").split()
    assert words == ["Anna", "Kuznetsova", "live", "Kazan", "Kazani"]
    assert other_words("Η Άννα Παππά ζει στην Πάτρα.").split() == ["Anna", "Pappa", "Patra"]
    assert other_words("Anna lives in Kazan.") == ""


@pytest.mark.parametrize(
    "text",
    [
        "The kitchen tap drips, and we pay for it ourselves.",
        "I met Leonardo de la Cruz at the bar on Monday.",
        "Replies: bullet points, five at most.",
        "def die(war: int) -> None: ...",
        "8200, 5433; port = 9090",
        "",
    ],
)
def test_english_and_code_stay_as_they_are(text: str) -> None:
    assert to_english(text) == text


def test_only_the_foreign_sentences_of_a_note_are_put_into_english() -> None:
    found = to_english("Mail from the bank. Das Konto ist ab morgen gesperrt. We wait for it.")
    assert found.startswith("Mail from the bank.")
    assert found.endswith("We wait for it.")
    assert "account" in found
    assert "Konto" not in found


def test_names_stay_after_a_title_and_by_their_capital() -> None:
    assert "Koch" in to_english("Die Nummer von Frau Koch ist auf dem Zettel.")
    assert "Pierre" in to_english("Le rendez-vous avec Pierre est à la banque.")


@given(st.text(max_size=200))
def test_any_text_is_put_into_english(text: str) -> None:
    assert isinstance(to_english(text), str)


@given(st.text(alphabet=st.characters(max_codepoint=126), max_size=200))
def test_numbers_are_kept(text: str) -> None:
    found = to_english(f"Die Nummer ist {text} 0555 71 20 43 und nicht die alte.")
    assert "0555 71 20 43" in found


@pytest.mark.parametrize("name", sorted(set(LISTS) - {f"{MODEL_LANGUAGE}.tsv"}))
def test_each_form_of_a_list_stands_once_and_function_words_come_first(name: str) -> None:
    lines = LISTS[name]
    forms = [form for line in lines for form in line.partition("\t")[0].split(", ")]
    assert len(forms) == len(set(forms))
    assert all(forms)
    glossed = ["\t" in line for line in lines]
    assert glossed == sorted(glossed)
    assert all(line.count("\t") < 2 for line in lines)
    assert all(line.partition("\t")[2].strip() for line in lines if "\t" in line)


GLOSSING = """
import sys
from concurrent.futures import ThreadPoolExecutor
from zettel.storage.text.gloss import to_english

texts = sys.stdin.read().splitlines()
# The first read the tables: all threads at once would read each of them anew.
print("\\n".join(map(to_english, texts[:100])))
sys.setswitchinterval(1e-6)
with ThreadPoolExecutor(8) as threads:
    print("\\n".join(threads.map(to_english, texts[100:])))
"""
"""In a process of its own: words are kept once they are known."""


def test_texts_of_many_threads_at_once_are_put_into_english_as_one_after_another() -> None:
    words = [line.partition("\t")[0].split(", ")[0] for line in LISTS["fr.tsv"] if "\t" in line]
    texts = [f"Nous avons les {word}s et des {word}ions." for word in words[:300]]
    at_once = subprocess.run(
        [sys.executable, "-c", GLOSSING],
        input="\n".join(texts),
        capture_output=True,
        text=True,
        check=True,
    )
    assert at_once.stdout.splitlines() == [to_english(text) for text in texts]
