"""Times in questions and notes of several languages, and the side of now that they are on."""

from datetime import UTC, datetime

import pytest

from zettel.tools.language.dates import (
    changes_on,
    find_note_times,
    find_times,
    find_windows,
    takes_effect,
    without_relative_times,
)
from zettel.tools.language.times import resolve

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
"""A Friday."""


def days(text: str, now: datetime = NOW) -> list[tuple[str, str]]:
    """The first and last day of each time of a text."""
    return [
        (
            span.start.date().isoformat(),
            datetime.fromtimestamp(span.end.timestamp() - 1, UTC).date().isoformat(),
        )
        for span in find_times(text, now)
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
    ("text", "first", "last"),
    [
        ("The dentist is a fortnight from today.", "2026-12-04", "2026-12-04"),
        ("The dentist is a week tomorrow.", "2026-11-28", "2026-11-28"),
        ("The concert is Tuesday fortnight.", "2026-12-08", "2026-12-08"),
        ("The day after Christmas we fly home.", "2026-12-26", "2026-12-26"),
        ("The Monday before Christmas is free.", "2026-12-21", "2026-12-21"),
        ("We close two weeks before Christmas.", "2026-12-11", "2026-12-11"),
        ("The Tuesday after Easter is free.", "2027-03-30", "2027-03-30"),
        ("Pack the day before 5 December.", "2026-12-04", "2026-12-04"),
        ("The review is on the Friday after 5 December.", "2026-12-11", "2026-12-11"),
        ("The review is on the first Monday of next month.", "2026-12-07", "2026-12-07"),
        ("Her due date is the 2nd of June next year.", "2027-06-02", "2027-06-02"),
        ("Last year in May we bought it.", "2025-05-01", "2025-05-31"),
        ("In autumn 2025 we renovated.", "2025-01-01", "2025-12-31"),
        ("Starting Monday the standup is at 10.", "2026-11-23", "2026-11-23"),
        ("From Monday on the standup is at 10.", "2026-11-23", "2026-11-23"),
        ("The standup was moved as of Monday.", "2026-11-23", "2026-11-23"),
        ("Between the 24th and the 28th the road is closed.", "2026-11-24", "2026-11-28"),
        ("On the 26th the dentist sees Leo.", "2026-11-26", "2026-11-26"),
        ("The release went out Tuesday.", "2026-11-17", "2026-11-17"),
        ("The release ships Tuesday.", "2026-11-24", "2026-11-24"),
        ("It is due Monday 7th.", "2026-12-07", "2026-12-07"),
        ("The vet said to come back in six weeks.", "2026-12-28", "2027-01-03"),
        ("Am Tag nach Weihnachten fliegen wir.", "2026-12-26", "2026-12-26"),
        ("Zwei Wochen vor Weihnachten ist zu.", "2026-12-11", "2026-12-11"),
        ("Am Dienstag nach Ostern ist frei.", "2027-03-30", "2027-03-30"),
        ("Der Zahnarzt ist heute in vierzehn Tagen.", "2026-12-04", "2026-12-04"),
        ("Letztes Jahr im Mai haben wir gekauft.", "2025-05-01", "2025-05-31"),
        ("Im Sommer 2024 zogen sie um.", "2024-01-01", "2024-12-31"),
        ("Am 3.12.-14.12. sind wir weg.", "2026-12-03", "2026-12-14"),
        ("Von Montag bis Mittwoch ist er in Wien.", "2026-11-23", "2026-11-25"),
        ("Le vendredi avant Noël on ferme.", "2026-12-18", "2026-12-18"),
        ("Le lendemain de Noël on part.", "2026-12-26", "2026-12-26"),
        ("Entre le 24 et le 28 la rue est fermée.", "2026-11-24", "2026-11-28"),
        ("En été 2024 ils ont déménagé.", "2024-01-01", "2024-12-31"),
        ("El viernes antes de Navidad cerramos.", "2026-12-18", "2026-12-18"),
        ("Entre el 24 y el 28 la calle está cerrada.", "2026-11-24", "2026-11-28"),
        ("En el verano de 2024 se mudaron.", "2024-01-01", "2024-12-31"),
        ("The contract ends on 2026/11/28.", "2026-11-28", "2026-11-28"),
        ("Please send it by 11/28.", "2026-11-28", "2026-11-28"),
        ("Nov. 28 is the deadline.", "2026-11-28", "2026-11-28"),
        ("We met on Sept. 3, 2025.", "2025-09-03", "2025-09-03"),
        ("From 2015 to 2018 she lived in Lyon.", "2015-01-01", "2018-12-31"),
        ("Closed between Christmas and New Year.", "2026-12-25", "2027-01-01"),
        ("From Monday to Wednesday next week I am in Rome.", "2026-11-23", "2026-11-25"),
        ("Betriebsferien 24.12.-2.1.", "2026-12-24", "2027-01-02"),
        ("Urlaub vom 3.8. bis 14.8.2027", "2027-08-03", "2027-08-14"),
        ("Zu vom 24.12.2026 bis 6.1.2027.", "2026-12-24", "2027-01-06"),
        ("Chiuso dal 24/12 al 2/1.", "2026-12-24", "2027-01-02"),
        ("Meeting on Monday after next.", "2026-11-30", "2026-11-30"),
        ("The review was moved to Thursday.", "2026-11-26", "2026-11-26"),
        ("The review was moved from Tuesday to Thursday.", "2026-11-26", "2026-11-26"),
        ("It was extended from 20 November to 4 December.", "2026-12-04", "2026-12-04"),
        ("The review was postponed from 3 to 10 December.", "2026-12-10", "2026-12-10"),
        ("Cutover pushed once more, from Dec 3 to Dec 10, 02:30.", "2026-12-10", "2026-12-10"),
        ("They moved the on-site start from Dec 3 to Dec 10.", "2026-12-10", "2026-12-10"),
        ("We moved the security review from 3 to 10 March.", "2027-03-10", "2027-03-10"),
        ("Move it from Tuesday 3 to Thursday 10 December.", "2026-12-10", "2026-12-10"),
        ("The trip was moved from 3-10 December.", "2026-12-03", "2026-12-10"),
        ("Ana moved to Bern and is away from 3 to 10 May.", "2027-05-03", "2027-05-10"),
        ("Die Messe wurde vom 3. auf den 10. Dezember verschoben.", "2026-12-10", "2026-12-10"),
        ("Die Frist wurde vom 3.12. auf den 10.12. verlängert.", "2026-12-10", "2026-12-10"),
        ("Das Treffen wurde vom 3. auf den 10. verschoben.", "2026-12-10", "2026-12-10"),
        ("La revue est reportée du 3 au 10 décembre.", "2026-12-10", "2026-12-10"),
        ("Il a passé du 3 au 10 décembre à Rome.", "2026-12-03", "2026-12-10"),
        ("La revisión pasó del 3 al 10 de diciembre.", "2026-12-10", "2026-12-10"),
        ("Ana pasó del 3 al 10 de diciembre en Roma.", "2026-12-03", "2026-12-10"),
        ("The invoice from the 12th is unpaid.", "2026-11-12", "2026-11-12"),
        ("Seit 2019 wohne ich in Kiel.", "2019-01-01", "2019-12-31"),
        ("Zwischen 2015 und 2018 wohnte sie in Lyon.", "2015-01-01", "2018-12-31"),
        ("Das Treffen wurde auf Montag verschoben.", "2026-11-23", "2026-11-23"),
        ("Die Rechnung vom 12. ist noch offen.", "2026-11-12", "2026-11-12"),
        ("Zwischen Weihnachten und Neujahr ist zu.", "2026-12-25", "2027-01-01"),
        ("Die Frist ist der 3.12.", "2026-12-03", "2026-12-03"),
        ("Urlaub vom 3. bis 7.12.", "2026-12-03", "2026-12-07"),
        ("Le contrat finit le 1/12/2026.", "2026-12-01", "2026-12-01"),
        ("Rendez-vous le 3/12.", "2026-12-03", "2026-12-03"),
        ("Le projet a commencé en 2019.", "2019-01-01", "2019-12-31"),
        ("Entre 2015 et 2018 elle vivait à Lyon.", "2015-01-01", "2018-12-31"),
        ("Le cours commence lundi.", "2026-11-23", "2026-11-23"),
        ("Lundi on a reçu le colis.", "2026-11-16", "2026-11-16"),
        ("Fermé entre Noël et le Nouvel An.", "2026-12-25", "2027-01-01"),
        ("El contrato termina el 1/12/2026.", "2026-12-01", "2026-12-01"),
        ("La cita es el 3/12.", "2026-12-03", "2026-12-03"),
        ("Vivo en Madrid desde 2019.", "2019-01-01", "2019-12-31"),
        ("Entre 2015 y 2018 vivió en Lyon.", "2015-01-01", "2018-12-31"),
        ("El lunes llamé a Pablo.", "2026-11-16", "2026-11-16"),
        ("El lunes llamaré a Pablo.", "2026-11-23", "2026-11-23"),
        ("La clase empieza el lunes.", "2026-11-23", "2026-11-23"),
        ("Cerrado entre Navidad y Año Nuevo.", "2026-12-25", "2027-01-01"),
        ("Anteontem o Rui trouxe as chaves.", "2026-11-18", "2026-11-18"),
        ("O afinador vem na quinta-feira que vem.", "2026-11-26", "2026-11-26"),
        ("Na quarta passada falei com a Inês.", "2026-11-18", "2026-11-18"),
        ("O seguro vale até fevereiro.", "2027-02-01", "2027-02-28"),
        ("Daqui a duas semanas abre a loja.", "2026-11-30", "2026-12-06"),
        ("O mercado é de 4 a 6 de dezembro.", "2026-12-04", "2026-12-06"),
        ("A entrega passou do dia 2 para 9 de dezembro.", "2026-12-09", "2026-12-09"),
        ("Na segunda falo com o banco.", "2026-11-23", "2026-11-23"),
        ("A festa é no dia 29.", "2026-11-29", "2026-11-29"),
        ("L'altro ieri Rita ha portato le chiavi.", "2026-11-18", "2026-11-18"),
        ("L'accordatore viene giovedì prossimo.", "2026-11-26", "2026-11-26"),
        ("Mercoledì scorso ho parlato con Ines.", "2026-11-18", "2026-11-18"),
        ("L'assicurazione vale fino a febbraio.", "2027-02-01", "2027-02-28"),
        ("Fra due settimane apre il negozio.", "2026-11-30", "2026-12-06"),
        ("Il mercato è dal 4 al 6 dicembre.", "2026-12-04", "2026-12-06"),
        ("La consegna è stata spostata al 9 dicembre.", "2026-12-09", "2026-12-09"),
        ("Ho un appuntamento lunedì mattina.", "2026-11-23", "2026-11-23"),
        ("La festa si fa il 29.", "2026-11-29", "2026-11-29"),
    ],
)
def test_numbers_years_and_moved_days_are_read_as_they_are_written(
    text: str, first: str, last: str
) -> None:
    assert days(text) == [(first, last)]


@pytest.mark.parametrize(
    "text",
    [
        "We met on 12/1/2026.",
        "The ratio is 11/28, about half.",
        "Le 3/4 du budget est dépensé.",
        "La receta lleva 3/4 de taza.",
        "The choir moved to Wednesday evenings.",
        "The shop is closed Monday.",
        "Payday is the last Friday of the month.",
        "Zahltag ist am letzten Freitag des Monats.",
        "He came back in two weeks.",
        "Open from Monday to Friday.",
        "Geöffnet von Montag bis Freitag.",
        "En 2018 euros.",
    ],
)
def test_what_may_be_no_day_is_not_read_as_one(text: str) -> None:
    assert days(text) == []


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("The week of 14 December is free", "2026-12-14", "2026-12-20"),
        ("Kick-off w/c 7 December", "2026-12-07", "2026-12-13"),
        ("In der Woche vom 7. Dezember ist Code-Freeze", "2026-12-07", "2026-12-13"),
        ("La semaine du 7 décembre, gel du code", "2026-12-07", "2026-12-13"),
        ("La semana del 7 de diciembre hay congelación", "2026-12-07", "2026-12-13"),
        ("The retro is on the last Friday of November", "2026-11-27", "2026-11-27"),
        ("We met on the first Monday in November", "2026-11-02", "2026-11-02"),
        ("The second Tuesday of May 2027 is free", "2027-05-11", "2027-05-11"),
        ("Am ersten Montag im Dezember ist Versammlung", "2026-12-07", "2026-12-07"),
        ("Le premier lundi de décembre, réunion", "2026-12-07", "2026-12-07"),
        ("El primer lunes de diciembre hay retro", "2026-12-07", "2026-12-07"),
        ("We shipped the beta in Q3.", "2026-07-01", "2026-09-30"),
        ("Goal for Q1: no flaky tests", "2027-01-01", "2027-03-31"),
        ("We'll migrate next quarter", "2027-01-01", "2027-03-31"),
        ("We migrated last quarter", "2026-07-01", "2026-09-30"),
        ("In the first half of 2027 we expand", "2027-01-01", "2027-06-30"),
        ("Im dritten Quartal haben wir ausgeliefert", "2026-07-01", "2026-09-30"),
        ("Objectif T1 2027 : 2 M€", "2027-01-01", "2027-03-31"),
        ("En el primer trimestre de 2027 contratamos", "2027-01-01", "2027-03-31"),
        ("Report due by end of day Tuesday", "2026-11-24", "2026-11-24"),
        ("PR review due by EOM", "2026-11-20", "2026-11-30"),
        ("Two weeks from Tuesday we move", "2026-12-08", "2026-12-08"),
        ("A week on Thursday we fly to Oslo", "2026-12-03", "2026-12-03"),
        ("A week from Tuesday the auditors come", "2026-12-01", "2026-12-01"),
        ("Dienstag in zwei Wochen ziehen wir um", "2026-12-08", "2026-12-08"),
        ("Mardi en quinze nous déménageons", "2026-12-08", "2026-12-08"),
        ("Half a year ago we moved", "2026-05-01", "2026-05-31"),
    ],
)
def test_weeks_quarters_and_days_of_a_month_are_read_as_people_write_them(
    text: str, first: str, last: str
) -> None:
    assert days(text) == [(first, last)]


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("The review is on 27 November", "2026-11-27"),
        ("The review was moved to 27 November", "2026-11-27"),
        ("We launched on 3 March", "2026-03-03"),
        ("The demo will be on 3 March", "2027-03-03"),
        ("Demo on Tuesday", "2026-11-24"),
        ("The demo is on Tuesday in the hall", "2026-11-24"),
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
        ("The concert is on Sunday, 28 November", "2027-11-28"),
        ("We met on Sunday, 28 November", "2026-11-28"),
        ("Saturday 29 November", "2026-11-29"),
        ("Konzert am Samstag, 29. November", "2026-11-29"),
        ("The concert will be on Saturday 29 November", "2026-11-29"),
        ("We met on Saturday 29 November", "2025-11-29"),
        ("Dinner is on Tuesday week at 8.", "2026-12-01"),
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
        "Movie night is every last Friday of the month",
        "Movie night is on Friday of each month",
        "The Audi Q3 is red",
        "the last quarter of the moon",
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


def test_a_quarter_without_a_year_is_the_last_one_begun_or_the_next_one_not_over() -> None:
    february = datetime(2026, 2, 3, tzinfo=UTC)

    past, ahead = (resolve("Q3", february, prefer=side) for side in ("past", "future"))

    assert past == resolve("Q3 2025", february)
    assert ahead == resolve("Q3 2026", february)
    assert resolve("Q1", february) == resolve("Q1", february, prefer="future")


def test_weeks_from_a_day_need_a_count_and_a_day() -> None:
    assert resolve("two weeks from Tuesday", NOW) is not None
    assert resolve("some weeks from Tuesday", NOW) is None
    assert resolve("two weeks from holiday", NOW) is None


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("Nina starts at Siemens on 1 January 2027.", "2027-01-01"),
        ("I'm moving to Hamburg on 5 December.", "2026-12-05"),
        ("On 3 December Petra takes over the on-call rota.", "2026-12-03"),
        ("The price goes up to 30 euros on 1 January.", "2027-01-01"),
        ("The server will be moved to rack 9 on Monday.", "2026-11-23"),
        ("Nina fängt am 1. Januar bei Siemens an.", "2027-01-01"),
        ("Oma Helga zieht am 1. Dezember ins Seniorenheim.", "2026-12-01"),
        ("Le bureau déménage à Lyon le 1er janvier.", "2027-01-01"),
        ("Nina deja Bosch el 31 de enero.", "2027-01-31"),
        ("李娜1月4日加入西门子。", "2027-01-04"),
        ("小林は1月4日に大阪へ引っ越します。", "2027-01-04"),
        ("Nina moves to Bremen at the end of December.", "2026-12-31"),
        ("Nina starts at Siemens at the end of next week.", "2026-11-29"),
        ("Nina leaves the team at the end of the year.", "2026-12-31"),
        ("Nina zieht Ende nächsten Monats nach Bremen.", "2026-12-31"),
        ("Nina déménage à Brest fin décembre.", "2026-12-31"),
        ("Nina se muda a Vigo a finales de diciembre.", "2026-12-31"),
        ("李娜12月底搬到柏林。", "2026-12-31"),
        ("小林は12月末に引っ越す。", "2026-12-31"),
    ],
)
def test_the_day_on_which_something_becomes_otherwise_is_read(text: str, day: str) -> None:
    changes = changes_on(text, NOW)

    assert changes is not None
    assert changes.date().isoformat() == day


@pytest.mark.parametrize(
    "text",
    [
        "The concert starts on 12 December.",
        "The meeting was moved to 10 December.",
        "The review moves to 10 December.",
        "The review will be on 10 December.",
        "Tom moved to Berlin on 3 November.",
        "New dentist: Dr Wolf, first appointment on 3 December.",
        "Die Sitzung wird auf den 3. Dezember verschoben.",
        "Das Konzert beginnt am 3. Dezember um 20 Uhr.",
        "La réunion commence le 3 décembre.",
        "El concierto empieza el 3 de diciembre.",
        "Hartley does the roof; scaffolding goes up on 20 April.",
        "Konrad retires at New Year, Annika takes over and does the ordering already.",
        "会议改到12月3日。",
    ],
)
def test_the_day_of_an_event_is_not_one_on_which_something_becomes_otherwise(text: str) -> None:
    assert changes_on(text, NOW) is None


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("From February the rent is 950 euros.", "2027-02-01"),
        ("The rent is 950 euros starting February.", "2027-02-01"),
        ("From May on the rent is 950 euros.", "2027-05-01"),
        ("She puts her price up to £31 from June.", "2027-06-01"),
        ("A new contract, 950 euros a month, beginning on 1 June.", "2027-06-01"),
        ("From the end of May the rent is 950 euros.", "2027-05-31"),
        ("Ab Ende Mai kostet die Miete 950 Euro.", "2027-05-31"),
    ],
)
def test_a_month_is_a_time_from_which_something_is_so(text: str, day: str) -> None:
    begins = takes_effect(text, NOW)

    assert begins is not None
    assert begins.date().isoformat() == day


@pytest.mark.parametrize(
    "text", ["A letter from May", "From March to May it rains", "The march from July's camp"]
)
def test_a_month_by_itself_is_no_time_from_which_something_is_so(text: str) -> None:
    assert takes_effect(text, NOW) is None


@pytest.mark.parametrize(
    ("text", "day", "rest"),
    [
        ("What did we do yesterday morning?", "2026-11-19", "What did we do ?"),
        ("What is on tomorrow night?", "2026-11-21", "What is on ?"),
        ("Was war gestern Abend?", "2026-11-19", "Was war ?"),
        ("Was ist morgen früh?", "2026-11-21", "Was ist ?"),
        ("Qu'ai-je fait hier matin ?", "2026-11-19", "Qu'ai-je fait ?"),
        ("¿Qué hay mañana por la tarde?", "2026-11-21", "¿Qué hay ?"),
        ("明天下午有什么安排", "2026-11-21", "有什么安排"),
        ("昨日の夜に何があった", "2026-11-19", "に何があった"),
    ],
)
def test_a_part_of_a_day_belongs_to_its_day(text: str, day: str, rest: str) -> None:
    assert days(text) == [(day, day)]
    assert " ".join(without_relative_times(text, NOW).split()) == rest


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("Call the bank first thing Monday.", "2026-11-23", "2026-11-23"),
        ("Call them first thing on Tuesday morning.", "2026-11-24", "2026-11-24"),
        ("Monday morning, first thing.", "2026-11-23", "2026-11-23"),
        ("First thing tomorrow we deploy.", "2026-11-21", "2026-11-21"),
        ("Free first thing on Tuesday the 15th?", "2026-12-15", "2026-12-15"),
        ("La entrega es la semana 50.", "2026-12-07", "2026-12-13"),
        ("Auditoría en la semana 49 de 2026.", "2026-11-30", "2026-12-06"),
    ],
)
def test_first_thing_on_a_day_and_a_spanish_week_are_times(text: str, start: str, end: str) -> None:
    assert days(text) == [(start, end)]


def test_a_numbered_week_of_something_else_is_no_week_of_a_year() -> None:
    assert days("Está en la semana 30 de embarazo.") == []


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("The landlord moved the inspection to 12 January.", "2027-01-12"),
        ("The dentist put my appointment back to 14 January.", "2027-01-14"),
        ("Le propriétaire a déplacé la visite au 12 janvier.", "2027-01-12"),
        ("La casera cambió la visita al 12 de enero.", "2027-01-12"),
        ("We moved to Berlin on 3 March.", "2026-03-03"),
        ("We moved the data to the new disk on 12 January.", "2026-01-12"),
    ],
)
def test_what_was_moved_to_a_day_is_still_to_come(text: str, day: str) -> None:
    assert days(text) == [(day, day)]


FRIDAY = datetime(2026, 11, 27, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("Luc vient mar. 8 déc. à 14 h.", "2026-12-08", "2026-12-08"),
        ("Ana viene el mar. 8 dic. a las 10.", "2026-12-08", "2026-12-08"),
        ("Ana viene en quince días.", "2026-12-11", "2026-12-11"),
        ("Ana viene dentro de ocho días.", "2026-12-04", "2026-12-04"),
        ("De hoy en ocho días viene Ana.", "2026-12-04", "2026-12-04"),
        ("Ana viene de mañana en ocho.", "2026-12-05", "2026-12-05"),
        ("D'aujourd'hui en huit, Luc arrive.", "2026-12-04", "2026-12-04"),
        ("Luc arrive demain en huit.", "2026-12-05", "2026-12-05"),
        ("Luc arrive en fin de semaine prochaine.", "2026-12-05", "2026-12-06"),
        ("Luc arrive dans un mois et demi.", "2027-01-11", "2027-01-11"),
        ("Mittwoch in acht Tagen kommt Nina.", "2026-12-09", "2026-12-09"),
        ("Nina kommt übernächste Woche Dienstag.", "2026-12-08", "2026-12-08"),
        ("Nina kommt Dienstag kommender Woche.", "2026-12-01", "2026-12-01"),
        ("一个半月后出发。", "2027-01-11", "2027-01-11"),
        ("明年三月去北京。", "2027-03-01", "2027-03-31"),
        ("来年3月に引っ越します。", "2027-03-01", "2027-03-31"),
        ("十二月第三个星期一开会。", "2026-12-21", "2026-12-21"),
        ("さきおとといに会いました。", "2026-11-24", "2026-11-24"),
        ("1月の最終金曜日に会議があります。", "2027-01-29", "2027-01-29"),
        ("年末年始は休みます。", "2026-12-29", "2027-01-03"),
        ("Luc arrive l'avant-veille de Noël.", "2026-12-23", "2026-12-23"),
        ("Zwei Tage vor Weihnachten kommt Nina.", "2026-12-23", "2026-12-23"),
        ("十二月八号见面。", "2026-12-08", "2026-12-08"),
        ("十二月八日开会。", "2026-12-08", "2026-12-08"),
        ("二十号见面。", "2026-12-20", "2026-12-20"),
        ("下个月十号开会。", "2026-12-10", "2026-12-10"),
        ("１２月８日开会。", "2026-12-08", "2026-12-08"),
        ("１２月８日に会議があります。", "2026-12-08", "2026-12-08"),
        ("会议在12/8下午。", "2026-12-08", "2026-12-08"),
        ("12/8开会。", "2026-12-08", "2026-12-08"),
        ("一月最后一个周五开会。", "2027-01-29", "2027-01-29"),
        ("国庆节去北京。", "2026-10-01", "2026-10-01"),
        ("五一去北京。", "2027-05-01", "2027-05-01"),
        ("元旦去北京。", "2027-01-01", "2027-01-01"),
        ("十二月八日に会議があります。", "2026-12-08", "2026-12-08"),
        ("三十日に会議があります。", "2026-11-30", "2026-11-30"),
        ("12/8(火)に会議があります。", "2026-12-08", "2026-12-08"),
        ("12月の第3月曜日に会議があります。", "2026-12-21", "2026-12-21"),
        ("お正月に帰ります。", "2027-01-01", "2027-01-03"),
        ("年明けに始めます。", "2027-01-01", "2027-01-31"),
        ("週明けに連絡します。", "2026-11-30", "2026-11-30"),
        ("月初に払います。", "2026-12-01", "2026-12-01"),
        ("Nina kommt übernächsten Samstag.", "2026-12-12", "2026-12-12"),
        ("Karfreitag ist frei.", "2027-03-26", "2027-03-26"),
        ("Am Ostermontag kommt Nina.", "2027-03-29", "2027-03-29"),
        ("Am Pfingstmontag kommt Nina.", "2027-05-17", "2027-05-17"),
        ("Am Nikolaustag kommt Nina.", "2026-12-06", "2026-12-06"),
        ("Am dritten Dezember kommt Nina.", "2026-12-03", "2026-12-03"),
        ("Vor einem halben Jahr zog Nina um.", "2026-05-01", "2026-05-31"),
        ("Seit Jahresbeginn wohnt Nina hier.", "2026-01-01", "2026-01-31"),
        ("Anfang des Jahres zog Nina um.", "2026-01-01", "2026-01-15"),
        ("Nina moved at the beginning of the year.", "2026-01-01", "2026-01-15"),
        ("Nina moves in early 2027.", "2027-01-01", "2027-12-31"),
        ("Nina kommt in anderthalb Wochen.", "2026-12-07", "2026-12-07"),
        ("Luc sera absent entre les fêtes.", "2026-12-25", "2027-01-01"),
        ("Luc arrive le lundi de Pâques.", "2027-03-29", "2027-03-29"),
        ("Luc arrive à la Toussaint.", "2026-11-01", "2026-11-01"),
        ("Luc arrive le trois décembre.", "2026-12-03", "2026-12-03"),
        ("Luc arrive le premier du mois prochain.", "2026-12-01", "2026-12-01"),
        ("Luc répond sous huitaine.", "2026-12-04", "2026-12-04"),
        ("Ana viene el tres de diciembre.", "2026-12-03", "2026-12-03"),
        ("Ana viene el primero de enero.", "2027-01-01", "2027-01-01"),
        ("Antier vi a Ana.", "2026-11-25", "2026-11-25"),
        ("Hace medio año se mudó Ana.", "2026-05-01", "2026-05-31"),
        ("Ana viene de aquí a dos meses.", "2027-01-01", "2027-01-31"),
        ("Ana viene el Viernes Santo.", "2027-03-26", "2027-03-26"),
        ("Luc vient mar. 8 à 14 h.", "2026-12-08", "2026-12-08"),
        ("La reunión es el 3 dic. a las 9.", "2026-12-03", "2026-12-03"),
        ("La boda es el 8 dic 2026.", "2026-12-08", "2026-12-08"),
        ("Viene el 3 mar. 2027.", "2027-03-03", "2027-03-03"),
        ("Compré 3 sept.", "2026-09-03", "2026-09-03"),
        ("We meet on Easter Monday.", "2027-03-29", "2027-03-29"),
        ("Good Friday is a holiday.", "2027-03-26", "2027-03-26"),
        ("来年の3月5日に引っ越します。", "2027-03-05", "2027-03-05"),
        ("明年三月五日出发。", "2027-03-05", "2027-03-05"),
        ("三号见。", "2026-12-03", "2026-12-03"),
        ("Luc arrive à Pâques.", "2027-03-28", "2027-03-28"),
        ("Deux jours avant Noël, Luc arrive.", "2026-12-23", "2026-12-23"),
        ("Ana viene dos días antes de Navidad.", "2026-12-23", "2026-12-23"),
        ("Nina kommt zwei Tage vor Ostern.", "2027-03-26", "2027-03-26"),
        ("Two days before Christmas we fly.", "2026-12-23", "2026-12-23"),
        ("La oficina cierra el 8 dic 2026.", "2026-12-08", "2026-12-08"),
        ("Die Wohnung ist an Ostern frei.", "2027-03-28", "2027-03-28"),
        ("去年三月他搬家了。", "2025-03-01", "2025-03-31"),
        ("Am ersten Mai haben wir gefeiert.", "2026-05-01", "2026-05-01"),
        ("El tres de junio se casó Ana.", "2026-06-03", "2026-06-03"),
        ("La entrega: vie. 4 dic.", "2026-12-04", "2026-12-04"),
        ("RDV jeu. 3 déc. à 10 h.", "2026-12-03", "2026-12-03"),
        ("Good Friday was nice.", "2026-04-03", "2026-04-03"),
        ("去年12月5日に会った。", "2025-12-05", "2025-12-05"),
        ("Vor anderthalb Wochen war Nina da.", "2026-11-17", "2026-11-17"),
        ("Luc part demain en quinze.", "2026-12-12", "2026-12-12"),
        ("Fronleichnam 2027 ist frei.", "2027-05-27", "2027-05-27"),
    ],
)
def test_feasts_numbers_in_words_and_idioms_are_the_days_that_people_mean(
    text: str, first: str, last: str
) -> None:
    assert days(text, FRIDAY) == [(first, last)]


@pytest.mark.parametrize(
    "text",
    [
        "周一和周四上班。",
        "月曜と木曜に出勤します。",
        "El piso cuesta 1/3 del sueldo.",
        "我有2/3的时间。",
        "売上が1/2に減った。",
        "预算降到1/3。",
        "三号线很挤。",
        "他住在十二号。",
        "一日三餐。",
        "三十日間休みます。",
        "二十日ほどかかる。",
        "二〇二六年十二月八日开会。",
        "农历十二月八日。",
        "Vive cerca del mar. Tiene dos hijos.",
        "les trois mars",
        "We had Easter eggs.",
        "毎年お正月に帰る",
        "お正月が好きです。",
        "住三号楼",
        "电话是五一二。",
        "我家在五一路。",
        "国庆快乐",
        "時速12/8",
        "Er wohnt im ersten Stock.",
    ],
)
def test_what_recurs_counts_or_is_a_part_of_something_is_no_day(text: str) -> None:
    assert not find_times(text, FRIDAY)


@pytest.mark.parametrize("year", [2000, 2026, 2027, 2038])
def test_easter_is_the_sunday_that_the_churches_of_the_west_keep(year: int) -> None:
    known = {2000: "04-23", 2026: "04-05", 2027: "03-28", 2038: "04-25"}

    easter = resolve(f"Easter {year}", FRIDAY)

    assert easter
    assert easter.start.date().isoformat() == f"{year}-{known[year]}"


@pytest.mark.parametrize(
    "text",
    [
        "Na segunda reunião falámos do telhado",
        "Às quintas o Rui toca na praça",
        "De segunda a sexta a loja abre às nove",
        "Il lunedì e il giovedì il negozio è chiuso",
        "Dal lunedì al venerdì il bar apre alle sei",
    ],
)
def test_each_week_and_the_second_of_several_are_no_day_in_portuguese_and_italian(
    text: str,
) -> None:
    assert days(text) == []


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("I am away from tomorrow until Sunday.", "2026-11-21", "2026-11-22"),
        ("I am away from tomorrow to Sunday.", "2026-11-21", "2026-11-22"),
        ("I am in Berlin today until Tuesday.", "2026-11-20", "2026-11-24"),
        ("On leave from today until 27 November.", "2026-11-20", "2026-11-27"),
        ("On leave from next Monday until Wednesday.", "2026-11-23", "2026-11-25"),
        ("Anna is away from Friday to Monday.", "2026-11-20", "2026-11-23"),
        ("Ich bin ab morgen bis Sonntag weg.", "2026-11-21", "2026-11-22"),
        ("Estoy fuera desde mañana hasta el domingo.", "2026-11-21", "2026-11-22"),
        ("我从明天到星期日不在。", "2026-11-21", "2026-11-22"),
        ("明日から日曜日まで休みます。", "2026-11-21", "2026-11-22"),
        ("Closed from 27/11 to 2/12.", "2026-11-27", "2026-12-02"),
        ("I am away from next Wednesday until next Thursday.", "2026-11-25", "2026-11-26"),
        ("I am away from tomorrow until the 27th.", "2026-11-21", "2026-11-27"),
        ("The flat is free from today through Sunday.", "2026-11-20", "2026-11-22"),
        ("We had builders in from last Monday until Wednesday.", "2026-11-16", "2026-11-18"),
        ("Je suis absent de demain jusqu'à dimanche.", "2026-11-21", "2026-11-22"),
        ("Nous sommes fermés de vendredi à lundi.", "2026-11-20", "2026-11-23"),
        ("Estoy fuera de mañana al domingo.", "2026-11-21", "2026-11-22"),
        ("Ich bin ab nächstem Montag bis Mittwoch weg.", "2026-11-23", "2026-11-25"),
    ],
)
def test_from_one_day_until_another_is_all_days_between(text: str, first: str, last: str) -> None:
    assert days(text) == [(first, last)]


@pytest.mark.parametrize(
    ("text", "first", "second"),
    [
        ("The workshop is on 12/13 and 12/14.", "2026-12-13", "2026-12-14"),
        ("The talks are on 27/11 and 4/12, not on 3/4 of a day.", "2026-11-27", ""),
        ("The talks are on 27/11 and 28/11.", "2026-11-27", "2026-11-28"),
        ("Die Termine sind am 27.11. und 8.12. um 9 Uhr.", "2026-11-27", "2026-12-08"),
        ("Rezept: am 27.11. und 3/4 Liter.", "2026-11-27", ""),
    ],
)
def test_the_second_of_two_days_in_numbers_is_read_where_it_can_be_no_share(
    text: str, first: str, second: str
) -> None:
    assert days(text) == [(day, day) for day in (first, second) if day]


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("We met two Fridays ago.", "2026-11-06", "2026-11-06"),
        ("We met two Thursdays ago.", "2026-11-12", "2026-11-12"),
        ("We met on the Friday before last.", "2026-11-06", "2026-11-06"),
        ("The sale starts on Black Friday.", "2026-11-27", "2026-11-27"),
        ("The Black Friday 2025 sale went well.", "2025-11-28", "2025-11-28"),
        ("The trip is on the second weekend of December.", "2026-12-12", "2026-12-13"),
        ("We ski on the last weekend of January.", "2027-01-30", "2027-01-31"),
        ("The talk is on 27/11.", "2026-11-27", "2026-11-27"),
        ("Book the van for the weekend after next.", "2026-12-05", "2026-12-06"),
        ("The dentist moved to Thursday the 3rd at 9.", "2026-12-03", "2026-12-03"),
        ("The move is planned for the year after next.", "2028-01-01", "2028-12-31"),
        ("The release is planned for week 50, 2026.", "2026-12-07", "2026-12-13"),
        ("Vorletzten Freitag haben wir uns getroffen.", "2026-11-06", "2026-11-06"),
        ("Am zweiten Dezemberwochenende fahren wir weg.", "2026-12-12", "2026-12-13"),
        ("Am letzten Wochenende im Januar fahren wir weg.", "2027-01-30", "2027-01-31"),
    ],
)
def test_days_are_counted_back_and_weekends_within_a_month(
    text: str, first: str, last: str
) -> None:
    assert days(text) == [(first, last)]


@pytest.mark.parametrize(
    "text",
    [
        "The shop is open from Monday to Friday.",
        "Off from Monday to Friday.",
        "We meet every second weekend of December.",
        "Black Friday code BF20 failed.",
        "Support works on 24/7.",
        "Support works on 24/7 and 24/5.",
        "It ends on 3/4 and 1/2 of the pages.",
        "The screen is 16/9.",
        "On 3/4 we decide.",
        "The talk is due in week 4 of the course.",
        "Reply within two weeks.",
        "Some Fridays ago",
        "Miete fällt jeden Monat am 1. an.",
        "Die Miete ist monatlich am 3. fällig.",
    ],
)
def test_what_recurs_or_is_a_share_is_no_time(text: str) -> None:
    assert days(text) == []


@pytest.mark.parametrize(
    "text", ["some Fridays ago", "two holidays ago", "last weekend of nothing"]
)
def test_days_are_counted_back_by_a_number_alone(text: str) -> None:
    assert resolve(text, NOW) is None


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("El gimnasio abre desde el 2 de diciembre.", "2026-12-02"),
        ("Pablo entrena los miércoles desde el 1 de diciembre.", "2026-12-01"),
        ("Luis vive en Madrid desde el 1 de marzo.", "2026-03-01"),
        ("O ginásio abre desde o 2 de dezembro.", "2026-12-02"),
        ("Luis vive aquí desde el 15 de octubre.", "2026-10-15"),
    ],
)
def test_desde_is_of_a_plan_where_the_day_is_near(text: str, day: str) -> None:
    assert days(text, FRIDAY) == [(day, day)]


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("Since January last year Nina lives in Thun.", "2025-01-01", "2025-01-31"),
        ("The lease runs until December next year.", "2027-12-01", "2027-12-31"),
        ("On the 3rd of March next year we move.", "2027-03-03", "2027-03-03"),
        ("We married last year on 24 December.", "2025-12-24", "2025-12-24"),
        ("Last year, on 24 December, we married.", "2025-12-24", "2025-12-24"),
        ("On 24 December, last year, we married.", "2025-12-24", "2025-12-24"),
        ("Last year until March we lived in Bern.", "2025-03-01", "2025-03-31"),
        ("In December the year before last we met.", "2024-12-01", "2024-12-31"),
        ("We were away from 3 to 5 December last year.", "2025-12-03", "2025-12-05"),
        ("We ski from 30 December this year to 2 January next year.", "2026-12-30", "2027-01-02"),
        ("On the first Monday of April next year we meet.", "2027-04-05", "2027-04-05"),
        ("Two days before Christmas last year we met.", "2025-12-23", "2025-12-23"),
        ("The week of 3 March next year is full.", "2027-03-01", "2027-03-07"),
        ("Ab Dezember nächsten Jahres kostet es 900.", "2027-12-01", "2027-12-31"),
        ("Bis Dezember letzten Jahres wohnten wir da.", "2025-12-01", "2025-12-31"),
        ("Am 24. Dezember des letzten Jahres war es kalt.", "2025-12-24", "2025-12-24"),
        ("Letztes Jahr am 24. Dezember war es kalt.", "2025-12-24", "2025-12-24"),
        ("Am 3. März dieses Jahres zogen wir um.", "2026-03-03", "2026-03-03"),
        ("Desde enero del año pasado trabaja aquí.", "2025-01-01", "2025-01-31"),
        ("En marzo del año que viene nos mudamos.", "2027-03-01", "2027-03-31"),
        ("El 24 de diciembre del año pasado nos casamos.", "2025-12-24", "2025-12-24"),
        ("Nous étions là le 24 décembre de l'année dernière.", "2025-12-24", "2025-12-24"),
        ("Le bail court jusqu'en décembre de l'année prochaine.", "2027-12-01", "2027-12-31"),
        ("Da gennaio dell'anno scorso Nina lavora qui.", "2025-01-01", "2025-01-31"),
        ("Il 3 marzo dell'anno prossimo ci trasferiamo.", "2027-03-03", "2027-03-03"),
        ("Desde janeiro do ano passado a Nina trabalha aqui.", "2025-01-01", "2025-01-31"),
        ("No dia 3 de março do ano que vem mudamos de casa.", "2027-03-03", "2027-03-03"),
        ("Sinds januari vorig jaar werkt Nina hier.", "2025-01-01", "2025-01-31"),
        ("In december van volgend jaar verhuizen we.", "2027-12-01", "2027-12-31"),
        ("Op 24 december vorig jaar zijn we getrouwd.", "2025-12-24", "2025-12-24"),
    ],
)
def test_a_date_is_of_the_year_that_is_named_beside_it(text: str, first: str, last: str) -> None:
    assert days(text) == [(first, last)]


def test_each_day_of_a_list_is_of_the_year_that_is_named_behind_it() -> None:
    text = "Am 3. und 5. Dezember letzten Jahres waren wir da."

    assert days(text) == [("2025-12-03", "2025-12-03"), ("2025-12-05", "2025-12-05")]


@pytest.mark.parametrize(
    "text",
    [
        "We meet on 3 March, next year's budget is ready then.",
        "We go to Rome on 3 March, next year to Paris.",
        "Nina moves in next year, on 3 March she has a party.",
        "Nina's wedding is next year. On 3 March we meet.",
        "We meet on 3 March. Next year we move.",
    ],
)
def test_the_year_of_another_clause_is_a_time_of_its_own(text: str) -> None:
    assert {("2027-03-03", "2027-03-03"), ("2027-01-01", "2027-12-31")} == {*days(text)}


@pytest.mark.parametrize(
    "question",
    [
        "What did Rosa do in March last year?",
        "Was machte Rosa im März letzten Jahres?",
        "Qu'a fait Rosa en mars de l'année dernière ?",
        "¿Qué hizo Rosa en marzo del año pasado?",
        "Che cosa ha fatto Rosa a marzo dell'anno scorso?",
        "O que a Rosa fez em março do ano passado?",
        "Wat deed Rosa in maart vorig jaar?",
    ],
)
def test_a_question_asks_for_a_month_of_the_year_that_it_names(question: str) -> None:
    march = tuple(datetime(2025, month, 1, tzinfo=UTC).timestamp() for month in (3, 4))

    assert find_windows(question, NOW)[0] == (march,)


JANUARY = datetime(2026, 1, 2, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "Am 28. gingen wir ins Kino.",
        "Am 28. regnete es.",
        "Am 28. lag ich krank im Bett.",
        "Am 28. machten wir Pizza.",
        "Am 28. startete die Messe.",
        "Le 28 nous avions rendez-vous chez le dentiste.",
        "Le 28, j'étais malade.",
        "Le 28 nous étions chez mamie.",
        "Le 28 on mangeait chez mamie.",
        "Le 28 il pleuvait.",
    ],
)
def test_a_day_without_its_month_is_over_in_each_person_of_the_past(text: str) -> None:
    assert days(text, JANUARY) == [("2025-12-28", "2025-12-28")]


@pytest.mark.parametrize(
    "text",
    [
        "Am 28. heiraten wir.",
        "Am 28. arbeite ich von zu Hause.",
        "Am 28. sollte es fertig sein.",
        "Am 28. möchte er kommen.",
        "Le 28 il fait une visite.",
        "Le 28 ils paient le loyer.",
        "Le 28, ce serait bien.",
    ],
)
def test_a_day_without_its_month_is_ahead_where_no_past_is_told(text: str) -> None:
    assert days(text, JANUARY) == [("2026-01-28", "2026-01-28")]


@pytest.mark.parametrize(
    ("question", "year"),
    [
        ("Was machte Rosa Ende Februar?", 2026),
        ("Was macht Rosa Ende Februar?", 2027),
    ],
)
def test_a_question_in_the_past_asks_for_the_month_that_is_over(question: str, year: int) -> None:
    ((first, _),), _ = find_windows(question, NOW)

    assert datetime.fromtimestamp(first, UTC).year == year


@pytest.mark.parametrize(
    "text",
    [
        "30日以内に返品してください。",
        "14日以内に支払ってください",
        "5日以上かかる",
        "予約は2日前までに取り消せます",
        "请在30日以内付款。",
    ],
)
def test_how_many_days_at_most_or_at_least_is_no_day(text: str) -> None:
    assert days(text) == []


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("30日以前要完成。", "2026-11-30"),
        ("2日前に来ました。", "2026-11-18"),
        ("2日前まで熱があった。", "2026-11-18"),
    ],
)
def test_the_day_before_a_word_of_its_side_is_still_read(text: str, day: str) -> None:
    assert days(text) == [(day, day)]


@pytest.mark.parametrize(
    "text",
    [
        "Er kommt am 5. Tag nach der Operation.",
        "Am 2. Tag regnet es.",
        "Wir stehen am 4. Platz.",
        "Am 3. Spieltag geht es weiter.",
        "Am 5. Geburtstag gibt es Kuchen.",
        "Am 4. Advent gibt es Kuchen.",
    ],
)
def test_the_fifth_of_other_things_is_no_day_of_the_month(text: str) -> None:
    assert days(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "Am 24. Nina abholen.",
        "Am 24. Treffen mit Ben.",
        "Zahnarzt am 24. Tagsüber frei.",
        "Am 24. fahren wir.",
        "Am 24. abends kommt Ben.",
    ],
)
def test_a_day_of_the_month_may_stand_before_a_noun(text: str) -> None:
    assert days(text) == [("2026-11-24", "2026-11-24")]


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("会議は11月25日から12月3日に変更されました。", "2026-12-03", "2026-12-03"),
        ("会議は11月25日から27日に変更した。", "2026-11-27", "2026-11-27"),
        ("会議は25日から27日に延期されました。", "2026-11-27", "2026-11-27"),
        ("La réunion a été déplacée de vendredi à lundi.", "2026-11-23", "2026-11-23"),
        ("25日から27日に開催されます。", "2026-11-25", "2026-11-27"),
        ("11月25日から12月3日まで展示会です。", "2026-11-25", "2026-12-03"),
    ],
)
def test_what_was_moved_from_one_day_to_another_is_of_the_later_one(
    text: str, first: str, last: str
) -> None:
    assert days(text) == [(first, last)]
