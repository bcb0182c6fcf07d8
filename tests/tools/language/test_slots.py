"""A statement that tells another value in the same words is known in any language."""

import pytest

from zettel.tools.language.slots import (
    SLOT_MAX_CHARACTERS,
    OtherValue,
    find_other_number,
    find_other_value,
    named_numbers,
    read_sentences,
    shares_slot_name,
)

OTHER_VALUES = {
    "number": ("The API listens on port 8080.", "The API listens on port 9090.", "8080", "9090"),
    "day": ("Standup is on Monday at 9:30", "Standup is on Thursday at 9:30", "monday", "thursday"),
    "date": ("La visite est le 3 mars", "La visite est le 9 avril", "3 mars", "9 avril"),
    "one value": ("Ana prefers tabs", "Ana prefers spaces", "tabs", "spaces"),
    "word": (
        "Appointments are booked with pen and paper",
        "Appointments are booked with a calendar",
        "pen and paper",
        "a calendar",
    ),
    "more words": ("Die Miete beträgt 870 Euro", "Die Miete beträgt seit Mai 920 Euro", "870", ""),
    "clause": ("The bathroom is at 30 %", "The bathroom is at 60 %, the tiles are in", "30", "60"),
    "Chinese": ("接口服务监听 8080 端口。", "接口服务监听 9090 端口。", "8080", "9090"),
    "Japanese": ("定例会議は月曜日の午前から。", "定例会議は木曜日の午前から。", "月", "木"),
}
"""What differs -> an older text, a younger one, and both values; the last may be left out."""


@pytest.mark.parametrize("sort", OTHER_VALUES)
def test_a_value_told_otherwise_is_found(sort: str) -> None:
    older, younger, was, becomes = OTHER_VALUES[sort]

    found = find_other_value(read_sentences(younger), read_sentences(older))

    assert found
    assert found.old == was
    assert becomes in found.new


@pytest.mark.parametrize(
    ("younger", "older"),
    [
        ("Ben likes tea with milk", "Ana likes tea with milk"),  # of somebody else
        ("The user likes hiking", "The user likes jazz"),  # of which there are several
        ("The admin page listens on port 3000", "The API listens on port 8080"),
        ("The egret runs the web, on Debian 11", "The heron runs the mail, on Debian 12"),
        ("Uploads are limited to 10 a day", "Uploads are limited to 25 MB"),
        (  # two things to tell of one, each with its own small word
            "Ana works as a piano tuner for schools",
            "Ana works as a piano tuner in Lyon",
        ),
        ("La parcelle 15 est fauchée.", "La parcelle 12 est fauchée."),  # two by number
        ("Read volume 7 of the lexicon", "Read volume 6 of the lexicon"),
        (  # an exception
            "Entry to the lighthouse museum is free for schools",
            "Entry to the lighthouse museum is 9 euros",
        ),
        (
            "Der Eintritt ins Museum kostet nichts für Kinder",
            "Der Eintritt ins Museum kostet 9 Euro",
        ),
        ("Bukola speaks fluent Yoruba and French", "Bukola speaks fluent Yoruba with her aunt"),
        ("Wow, that painting looks great!", "Wow, that painting looks gorgeous!"),
        ("Is the API listening on port 9090?", "Is the API listening on port 8080?"),
        ("The API listens on port 8080.", "The API listens on port 8080."),
        (
            "the deploy of the gateway broke, says Zebulon",
            "the deploy of the gateway is watched by Zebulon",
        ),
    ],
)
def test_other_pairs_tell_no_other_value(younger: str, older: str) -> None:
    assert find_other_value(read_sentences(younger), read_sentences(older)) is None


def test_a_document_is_not_compared() -> None:
    text = "The API listens on port {}".rjust(SLOT_MAX_CHARACTERS - 2)
    older = read_sentences(text.format(8080))

    new = read_sentences(text.format(9090))
    assert find_other_value(new, older) == OtherValue("8080", "9090")
    assert find_other_value(read_sentences(f" {text.format(9090)}"), older) is None


@pytest.mark.parametrize(
    ("younger", "older", "found"),
    [
        ("It builds on Node 22", "Vite, React 18, Node 20.", ("node 20", "node 22")),
        ("pool_size is 8 again", "pool_size=20, max_overflow=5", ("pool_size 20", "pool_size 8")),
        ("Heute 85 %, fast da", "65% vom Ziel", ("65 %", "85 %")),
    ],
)
def test_another_number_of_one_name_is_found(
    younger: str, older: str, found: tuple[str, str]
) -> None:
    other = find_other_number(named_numbers(younger), named_numbers(older))

    assert other
    assert (other.old, other.new) == found
    assert other.is_share is ("%" in younger)


@pytest.mark.parametrize(
    ("younger", "older"),
    [
        ("Node 20 it is", "Node 20 on all machines"),
        ("Node 22 or Node 24", "Node 20"),  # of several numbers none replaces the other
        ("We meet in May 2026", "We met in May 2025"),
        ("room_b12 is free", "room_b14 is free"),
        ("30 rows", "50 rows"),
    ],
)
def test_other_texts_give_a_name_no_other_number(younger: str, older: str) -> None:
    assert find_other_number(named_numbers(younger), named_numbers(older)) is None


@pytest.mark.parametrize(
    ("younger", "older", "shared"),
    [
        ("They moved, their address is Colmar 12", "User's home address: Gunder 84", True),
        ("Die Adresse lautet Weg 5", "Adresse: Weg 4", True),
        ("The address of the firm moved", "User's home address: Gunder 84", False),
        ("This is new", "This is old", False),
    ],
)
def test_two_texts_may_give_a_value_to_one_name(younger: str, older: str, shared: bool) -> None:
    assert shares_slot_name(younger, older) is shared


def test_a_share_is_read_whole_behind_a_word() -> None:
    told = named_numbers("497 tokens with 84.09 % of the evidence, version 3.5")

    assert told == {"%": {"84.09"}, "version": {"3.5"}}
