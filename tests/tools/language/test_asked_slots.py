"""What a question asks for by name, and whether a text states such a thing."""

import tomllib
from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zettel.tools.language.asked_slots import TEXT_READ_CHARACTERS, Slot, find_asked_slots

FOLDER = files("zettel.tools.language").joinpath("slot_words")


def asked(question: str) -> list[str]:
    return [slot.name for slot in find_asked_slots(question)]


def only(question: str) -> Slot:
    (slot,) = find_asked_slots(question)
    return slot


@pytest.mark.parametrize(
    ("question", "slot"),
    [
        ("When is Yuki's birthday?", "birthday"),
        ("Wann hat Tobias Geburtstag?", "birthday"),
        ("Quelle est sa date de naissance ?", "birthday"),
        ("¿Cuántos años tiene Luc?", "age"),
        ("安娜的生日是哪天?", "birthday"),
        ("アナの誕生日はいつですか", "birthday"),
        ("What is Okon's phone number?", "phone number"),
        ("What's the Wi-Fi password?", "password"),
        ("Was hat der Laptop gekostet?", "amount of money"),
        ("What is the rate limit of the API?", "limit"),
        ("Why is Nils leaving the band?", "reason"),
        ("Warum hört Nils auf?", "reason"),
        ("Pourquoi part-il ?", "reason"),
        ("他为什么走?", "reason"),
        ("Since when has Tomasz been with the company?", "start"),
        ("Seit wann leitet Dagmar die Station?", "start"),
        ("What time does Rory's party end?", "end"),
        ("Until when is Ruth staying?", ""),
        ("What's the alarm code of the shop?", "code"),
        ("Which floor does Tomasz live on?", "floor"),
        ("Auf welcher Etage wohnen wir?", "floor"),
        ("What does Tamsin charge for coaching me?", "amount of money"),
        ("What dose of the medicine am I on?", "dose"),
        ("What colour is the door?", "colour"),
        ("How far along is the rework?", ""),
        ("Qual é o seguro?", ""),
        ("Which tea does Ana like?", ""),
        ("Who pays Ana's salary?", ""),
    ],
)
def test_what_is_asked_for_by_name_is_known_in_each_language(question: str, slot: str) -> None:
    assert asked(question) == ([slot] if slot else [])


@pytest.mark.parametrize(
    ("question", "text", "stated"),
    [
        ("When is Ana's birthday?", "Ana was born on 14 August", True),
        ("When is Ana's birthday?", "Ana wird am 3. Mai 40, das ist ihr Geburtstag", True),
        ("When is Ana's birthday?", "Ana moved to Porto in January", False),
        ("What is Ana's phone number?", "Ana: +351 912 345 678", True),
        ("What is Ana's phone number?", "Ana has lived in Porto since 2021", False),
        ("What is Ana's phone number?", "Ana Diallo and Ben Dialysis are new in the team", False),
        ("What is Ana's phone number?", "To reach Ana, dial two zeros and ask for her", True),
        ("How much did the table cost?", "The vet took 84 euros", True),
        ("How much did the table cost?", "Pixel has to take Metacam for 5 days", False),
        ("What is Ana's home address?", "Ana ist nach 4053 Basel gezogen", True),
        ("Why is Nils leaving?", "Nils is out of Paper Harbour; Birgit is the drummer", False),
        ("Why is Nils leaving?", "Nils moves to Kiel, so Birgit is the drummer", True),
        ("Why is Nils leaving?", "Nils hört auf, weil er nach Kiel zieht", True),
        ("Since when is Ana ill? Since when?", "Ana has had the flu since Monday", True),
        ("What time does the party end?", "Party: Sunday at 14:00, nine children", False),
        ("What time does the party end?", "Party: Sunday 14:00–17:00", True),
        ("What's the alarm code of the shop?", "The shop opens at nine", False),
        ("What's the alarm code of the shop?", "Alarm: 4471, then the hash key", True),
        ("What dose do I take?", "50 micrograms every morning", True),
        ("How many bedrooms has the flat?", "The flat is on Mill Lane", False),
        ("What is Ana's home address?", "Since 2026 and until 2030 and later", False),
    ],
)
def test_a_text_states_it_in_any_language_or_by_a_value_of_its_form(
    question: str, text: str, stated: bool
) -> None:
    assert only(question).is_stated(text) is stated


def test_whatever_is_asked_for_in_a_language_has_an_english_table() -> None:
    texts = {
        file.name: file.read_text(encoding="utf-8")
        for file in FOLDER.iterdir()
        if file.name.endswith(".toml")
    }
    english = tomllib.loads(texts["en.toml"])

    assert all(table["asks"] and table["states"] for table in english.values())
    for name, text in texts.items():
        assert set(tomllib.loads(text)) - {"inside"} <= set(english), name
        assert name == "en.toml" or "person = " not in text, name


STATING = ["born in May", "call +41 61 555 01 02", "a@b.ch", "84 euros", "password", "allergic"]


@given(st.sampled_from(STATING), st.text(max_size=60), st.text(max_size=60))
def test_what_a_text_states_it_states_among_other_lines(text: str, before: str, after: str) -> None:
    slots = find_asked_slots(
        "How much did it cost, and what are her birthday, phone number, e-mail address, password"
        " and allergies?"
    )
    stating = {slot.name for slot in slots if slot.is_stated(text)}

    among = {slot.name for slot in slots if slot.is_stated(f"{before}\n{text}\n{after}")}

    assert len(slots) == len(STATING)
    assert stating
    assert stating <= among


def test_of_a_long_text_only_the_beginning_is_read() -> None:
    slot = only("When is Ana's birthday?")

    assert slot.is_stated(" " * (TEXT_READ_CHARACTERS - 20) + "her birthday")
    assert not slot.is_stated(" " * TEXT_READ_CHARACTERS + "her birthday")
