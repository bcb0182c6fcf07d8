"""Times in questions and notes of several languages, and the side of now that they are on."""

from datetime import UTC, datetime

import pytest

from zettel.tools.language.dates import (
    find_note_times,
    find_times,
    find_windows,
    without_relative_times,
)

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
"""A Friday."""


def days(text: str) -> list[tuple[str, str]]:
    """The first and last day of each time of a text."""
    return [
        (
            span.start.date().isoformat(),
            datetime.fromtimestamp(span.end.timestamp() - 1, UTC).date().isoformat(),
        )
        for span in find_times(text, NOW)
    ]


@pytest.mark.parametrize(
    "text",
    [
        "The fair is 27 to 30 November",
        "27–30 November 2026 in Linz",
        "Conference November 27-30",
        "from 27 November until 30 November",
        "between 27 and 30 November",
        "Die Messe ist vom 27. bis 30. November",
        "La foire a lieu du 27 au 30 novembre",
        "La feria es del 27 al 30 de noviembre",
        "展会11月27日到30日",
        "展示会は11月27日から30日まで",
    ],
)
def test_a_time_of_several_days_is_one_time_in_every_language(text: str) -> None:
    assert days(text) == [("2026-11-27", "2026-11-30")]


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("The review is on 27 November", "2026-11-27"),
        ("The review was moved to 27 November", "2026-11-27"),
        ("We launched on 3 March", "2026-03-03"),
        ("The demo will be on 3 March", "2027-03-03"),
        ("Demo on Tuesday", "2026-11-24"),
        ("Dentist Tuesday at 9", "2026-11-24"),
        ("Meeting with Ana Thursday 14:30", "2026-11-26"),
        ("Call Ana Monday morning", "2026-11-23"),
        ("We talked Tuesday at 9", "2026-11-17"),
        ("Deadline: Monday", "2026-11-23"),
        ("Zahnarzt Dienstag um 9", "2026-11-24"),
        ("Abgabe: Montag", "2026-11-23"),
        ("Cita el martes a las 9", "2026-11-24"),
        ("Cita: martes", "2026-11-24"),
        ("Rendez-vous dans quinze jours", "2026-12-04"),
        ("Il est venu il y a quinze jours", "2026-11-06"),
        ("Rendez-vous dans huit jours", "2026-11-27"),
        ("Rendez-vous dans 8 jours", "2026-11-28"),
        ("We met on Tuesday", "2026-11-17"),
        ("on the 5th we fly", "2026-12-05"),
        ("we flew on the 5th", "2026-11-05"),
        ("Is there anything on the 27th of this month?", "2026-11-27"),
        ("on Friday, 27 November", "2026-11-27"),
        ("letzten Sonntag", "2026-11-15"),
        ("Was steht morgen an?", "2026-11-21"),
        ("Zahnarzt: Fr 27.11., 16:00", "2026-11-27"),
        ("Do 26 um 10 Uhr Zahnarzt", "2026-11-26"),
        ("zahnarzt am do 26.", "2026-11-26"),
        ("The report is due Tuesday", "2026-11-24"),
        ("Room 12 is booked for Tuesday", "2026-11-24"),
        ("The lift has been broken since Monday", "2026-11-16"),
        ("Der Aufzug ist seit Montag kaputt", "2026-11-16"),
        ("Raum 12 ist für Dienstag gebucht", "2026-11-24"),
        ("vor drei Tagen", "2026-11-17"),
        ("vendredi prochain", "2026-11-27"),
        ("il y a deux jours", "2026-11-18"),
        ("el próximo viernes", "2026-11-27"),
        ("下周三开会", "2026-11-25"),
        ("来週の水曜日に会議", "2026-11-25"),
    ],
)
def test_a_day_is_on_the_side_of_now_that_its_sentence_speaks_of(text: str, day: str) -> None:
    assert days(text) == [(day, day)]


@pytest.mark.parametrize(
    "text",
    [
        "Python 3.11. is out",
        "heiß wie am Äquator",
        "good morning",
        "So 5 of us came",
        "We do 12 runs a day",
        "mi 2 hijos",
        "Shoes for Sunday runs",
        "Die Heizung hier ist kaputt",
        "di 3 amici",
        "Yoga every Tuesday at 9",
        "The shop opens Monday at 9 and closes Friday at 5",
        "Das Büro öffnet Montag um 9",
        "abierto del lunes al viernes",
    ],
)
def test_what_is_no_time_in_any_language_is_not_read_as_one(text: str) -> None:
    assert days(text) == []


@pytest.mark.parametrize(
    ("question", "start", "end"),
    [
        ("Was ist seit letzter Woche anders?", "2026-11-09", None),
        ("What happens from 27 to 30 November?", "2026-11-27", "2026-12-01"),
        ("Qu'est-ce qui a changé depuis hier ?", "2026-11-19", None),
    ],
)
def test_a_question_asks_for_the_side_that_its_preposition_names(
    question: str, start: str, end: str | None
) -> None:
    ((opens, closes),), _ = find_windows(question, NOW)

    assert datetime.fromtimestamp(opens, UTC).date().isoformat() == start
    assert end is None or datetime.fromtimestamp(closes, UTC).date().isoformat() == end
    assert end is not None or closes > datetime(9999, 1, 1, tzinfo=UTC).timestamp()


def test_yesterday_is_no_word_to_look_for_and_a_date_is_one() -> None:
    assert without_relative_times("What did Ana say yesterday?", NOW) == "What did Ana say ?"
    assert without_relative_times("Was hat Ana gestern gesagt?", NOW) == "Was hat Ana gesagt?"
    assert without_relative_times("What did Ana say on 3 May?", NOW).endswith("on 3 May?")


def test_the_words_of_a_note_are_relative_to_when_it_was_told_if_that_is_what_they_say() -> None:
    yesterday = datetime(2026, 11, 19, tzinfo=UTC)

    (told,) = find_note_times("Yesterday the API was down", yesterday, NOW)
    (long_ago,) = find_note_times(
        "Yesterday the API was down", datetime(2023, 5, 8, tzinfo=UTC), NOW
    )

    assert told.start == yesterday
    assert long_ago.start == datetime(2023, 5, 7, tzinfo=UTC)
