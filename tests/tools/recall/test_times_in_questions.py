"""Questions about a time: the notes of that time come first, whatever their words."""

from datetime import UTC, datetime

import pytest
from tests.tools.conftest import Desk, ids, lettered, notes, pick


async def test_a_plan_of_several_days_is_found_on_each_of_them(desk: Desk) -> None:
    fair = await desk.told("The trade fair in Linz is 27 to 30 November")
    await desk.told("Rent is due: 900 euros")
    await desk.told("November is when the heating is serviced")
    await desk.evolve()

    for question in (
        "What happens on 27 November?",
        "What is on the 28th?",
        "Was ist am 29. November los?",
        "Que se passe-t-il le 30 novembre ?",
    ):
        answer = await desk("recall", query=question)
        assert (ids(answer)[0], answer["verdict"]) == (fair, "found"), question
    assert (await desk("recall", query="What happens on 3 December?"))["verdict"] != "found"


@pytest.mark.parametrize(
    "question",
    [
        "Anything tomorrow that I must not forget?",
        "Am I free tomorrow?",
        "Do I have plans tomorrow night?",
        "Was hab ich morgen Abend vor?",
        "Woran muss ich morgen denken?",
        "Was darf ich morgen nicht vergessen?",
        "Qu'est-ce que je ne dois pas oublier demain ?",
        "¿Qué no debo olvidar mañana?",
        "明天有什么不能忘的?",
        "明日忘れてはいけないことは?",
    ],
)
async def test_who_asks_what_not_to_forget_asks_for_the_day(desk: Desk, question: str) -> None:
    # START is 20 November.
    await desk.told("The user must not forget the keys: free parking ends at six")
    birthday = await desk.told("Priya was born on a 21 November: party on 21 November 2026")
    await desk.evolve()

    answer = await desk("recall", query=question)

    assert (ids(answer)[0], answer["verdict"]) == (birthday, "found")


@pytest.mark.parametrize(
    "question",
    [
        "What has the family got on next week?",
        "Which tradesmen are coming to the family next week?",
        "Which appointments does the family have next week?",
        "Welche Termine hat die Familie nächste Woche?",
        "Was steht in der Familie nächste Woche an?",
        "Quels rendez-vous a la famille la semaine prochaine ?",
        "Qu'est-ce qui est prévu en famille la semaine prochaine ?",
        "¿Qué citas tiene la familia la próxima semana?",
        "Quali appuntamenti ha la famiglia la settimana prossima?",
        "Welke afspraken heeft het gezin volgende week?",
        "Que compromissos tem a família na próxima semana?",
        "下周家里有什么安排?",
    ],
)
async def test_what_lies_in_a_time_comes_before_what_is_like_the_rest_of_the_question(
    desk: Desk, question: str
) -> None:
    # START is Friday, 20 November.
    await desk.told("The family always comes first: la famille, die Familie, la familia, 家里")
    await desk.told("Pictures of the family: tradesmen get appointments, Termine, citas")
    dentist = await desk.told("Emil's dentist is on 25 November 2026 at nine")
    boiler = await desk.told("The boiler is serviced on 27 November 2026")
    await desk.told("The lease was signed this week")
    await desk.evolve()

    answer = await desk("recall", query=question)

    assert {*ids(answer)[:2]} == {dentist, boiler}


async def test_what_was_told_in_a_time_is_no_event_of_it(desk: Desk) -> None:
    await desk.told("Companies see net prices in the offers of the business")
    shooting = await desk.told("Portraits for Thaler on 21 November 2026")
    await desk.evolve()

    found = await desk.found(query="Which dates are there in the business this week?")

    assert found[0] == shooting


@pytest.mark.parametrize("question", ["What's on this week?", "Was steht diese Woche an?"])
async def test_what_is_told_this_week_comes_behind_what_is_on_this_week(
    desk: Desk, question: str
) -> None:
    # START is Friday, 20 November.
    dentist = await desk.told("Emil's dentist is on 21 November 2026 at nine")
    await desk.told("What is new on the shelf: a box. Der Router steht im Flur an der Wand")
    await desk.told("The heating works again")
    await desk.evolve()

    found = await desk.found(query=question)

    assert found[0] == dentist
    assert len(found) > 1


async def test_yesterday_does_not_match_the_word_yesterday(desk: Desk) -> None:
    desk.later(days=-5)
    old = await desk.told("Yesterday the printer jammed and Ana fixed the tray")
    desk.later(days=4)
    told = await desk.told("Ana fixed the VPN")
    await desk.evolve()
    desk.later(days=1)

    assert (await desk.found(query="What did Ana fix yesterday?"))[:2] == [told, old]


async def test_the_next_appointment_is_one_to_come_and_the_soonest(desk: Desk) -> None:
    later = await desk.told("The dentist wants to see the user again on 10 December 2026")
    over = await desk.told("Next dentist appointment: 12 November 2026 at nine")
    coming = await desk.told("Dentist on 26 November 2026")
    await desk.evolve()

    assert await desk.found(query="When is my next dentist appointment?") == [coming, later, over]
    assert (await desk.found(query="When is the dentist appointment?"))[0] == over


@pytest.mark.parametrize(
    "limit",
    [
        "The car has its sticker until December 2026",
        "Die Plakette gilt bis Dezember 2026",
        "La vignette est valable jusqu'en décembre 2026",
        "La pegatina vale hasta diciembre de 2026",
    ],
)
async def test_until_a_month_is_no_answer_for_each_of_its_days(desk: Desk, limit: str) -> None:
    sticker = await desk.told(limit)
    market = await desk.told("The market is on the 5th and 6th of December")

    rent = await desk.told("Rent goes up in December")

    assert (await desk.found(query="What is on 5 December?"))[:2] == [market, rent]
    assert (await desk.found(query="What happens on 9 December?"))[0] == rent
    for question in ("What happens in December?", "What happens on 31 December?"):
        assert sticker in await desk.found(query=question), question


async def test_each_day_of_a_list_and_a_week_by_its_number_are_asked_for(desk: Desk) -> None:
    market = await desk.told("The market is on 5 and 8 December")
    moving = await desk.told("Umzug der Werkstatt in KW 3")

    for question in ("What is on 5 December?", "Was ist am 8. Dezember los?"):
        answer = await desk("recall", query=question)
        assert (ids(answer)[0], answer["verdict"]) == (market, "found"), question
    for question in ("What happens in week 3?", "What is on 20 January?", "Was ist in KW 3 los?"):
        answer = await desk("recall", query=question)
        assert (ids(answer)[0], answer["verdict"]) == (moving, "found"), question


async def test_remember_answers_with_each_day_of_a_list(desk: Desk) -> None:
    answer = await desk("remember", content="The market is open 5 and 8 December")

    assert answer["times"] == {"5 and 8 December": "2026-12-05, 2026-12-08"}


async def test_remember_answers_with_the_days_it_read(desk: Desk) -> None:
    answer = await desk(
        "remember",
        content="Demo next Friday, then holidays 22 to 24 December; signed on 2026-11-01",
    )

    assert answer["times"] == {
        "next Friday": "2026-11-27",
        "22 to 24 December": "2026-12-22/2026-12-24",
    }
    assert "times" not in await desk("remember", content="Ana likes tea")


@pytest.mark.parametrize(
    ("content", "time"),
    [
        ("Sales of 17 to 20 November: 41, 44 and 39. Best week since June.", "2026-06"),
        ("The café at the corner is closed since 15 December", "2025-12-15"),
        ("Das Café ist seit dem 15. Dezember zu", "2025-12-15"),
    ],
)
async def test_since_a_time_means_one_that_is_over(desk: Desk, content: str, time: str) -> None:
    answer = await desk("remember", content=content)

    assert f"'{time}" in str(answer["times"])


async def test_as_of_asks_for_what_was_planned_then(desk: Desk) -> None:
    note = await desk.told("Dentist on 26 November 2026")
    await desk.evolve()
    then = desk.now.isoformat()
    desk.later(days=30)

    answer = await desk("recall", query="What happens on 26 November?", as_of=then)

    assert ids(answer) == [note]
    assert str(pick(answer, "now")).startswith("2026-12-20")
    assert str(pick(answer, "as_of")).startswith("2026-11-20")


@pytest.mark.parametrize(
    "question",
    [
        "Which company did I work for on 12 August 2026?",
        "Where did I work on 12 August 2026?",
    ],
)
async def test_work_is_what_was_so_then_and_not_all_that_happened(
    desk: Desk, question: str
) -> None:
    hired = await desk.told("I work for Korvo, an optics company in Ulm", happened_at="2026-08-03")
    await desk.told("The heating is serviced in autumn", happened_at="2026-08-05")
    then = "2026-08-12T10:00:00Z"

    answer = await desk("recall", query=question, as_of=then)

    assert ids(answer)[0] == hired
    assert "reason" not in answer or "of that time" not in str(answer["reason"])


async def test_what_was_done_on_a_day_is_not_what_is_so_all_along(desk: Desk) -> None:
    await desk.told("I work for Korvo, an optics company in Ulm", happened_at="2026-08-03")

    answer = await desk("recall", query="What did I work on on 12 August 2026?")

    assert answer["verdict"] == "nothing_relevant"
    assert answer["reason"] == "No note is of that time; these are the nearest."


async def test_a_month_that_is_asked_for_comes_before_what_changed_it_later(desk: Desk) -> None:
    await desk.told("The frost killed the tomatoes", happened_at="2026-05-28")
    june = await desk.told("The tomatoes were replaced by squash", happened_at="2026-06-02")
    await desk.told("The greenhouse was painted", happened_at="2026-05-11")
    await desk.evolve()

    for question in ("What happened in May?", "What did we do in May?"):
        assert (await desk.found(query=question))[0] != june


RENTS = [
    ("The rent is {} euros a month", "How high was the rent in September?"),
    ("Die Miete beträgt {} Euro im Monat", "Wie hoch war die Miete im September?"),
    ("Die Miete beträgt {} Euro im Monat", "Was hat die Miete im September gekostet?"),
    ("Le loyer est de {} euros par mois", "Combien coûtait le loyer en septembre ?"),
    ("Le loyer est de {} euros par mois", "Quel a été le loyer en septembre ?"),
    ("El alquiler es de {} euros al mes", "¿Cuánto era el alquiler en septiembre?"),
    ("El alquiler es de {} euros al mes", "¿Cuánto costó el alquiler en septiembre?"),
    ("房租是每月{}欧元", "九月的房租是多少？"),
    ("房租是每月{}欧元", "9月份的房租是多少？"),
    ("家賃は月{}ユーロです", "9月の家賃はいくらでしたか？"),
    ("家賃は月{}ユーロです", "九月の家賃は？"),
]
"""A rent in six languages, and a question for what it was in a month that is over."""


@pytest.mark.parametrize(("rent", "question"), RENTS)
async def test_what_a_value_was_in_a_month_of_which_no_note_is_is_not_sure_in_any_language(
    desk: Desk, rent: str, question: str
) -> None:
    await desk.told(rent.format(900), happened_at="2026-08-20")
    await desk.told(rent.format(950), happened_at="2026-11-10")
    await desk.told("Ana likes tea", happened_at="2026-11-11")

    answer = await desk("recall", query=question)

    assert answer["verdict"] != "found"
    assert "of that time" in str(answer["reason"])


async def test_a_later_value_does_not_answer_for_a_month_of_which_other_notes_are(
    desk: Desk,
) -> None:
    await desk.told("The dentist moved to Elm Street", happened_at="2026-09-14")
    await desk.told("The rent of the flat is 950 euros", happened_at="2026-11-10")
    await desk.told("Ana likes tea", happened_at="2026-11-11")

    then = await desk("recall", query="How much was the rent of the flat in September?")
    now = await desk("recall", query="How much is the rent of the flat?")
    other = await desk("recall", query="Where did the dentist move to in September?")

    assert (then["verdict"], now["verdict"], other["verdict"]) == ("uncertain", "found", "found")
    assert then["reason"] == "No note of that time is sure to answer; these are the nearest."


async def test_what_is_told_soon_after_a_time_may_be_of_it(desk: Desk) -> None:
    await desk.told("The dentist moved to Elm Street", happened_at="2026-11-12")
    await desk.told("Jonas repaired the mail server of the office", happened_at="2026-11-16")

    answer = await desk("recall", query="Who did repair the mail server of the office last week?")

    assert answer["verdict"] == "found"


@pytest.mark.parametrize(
    "content",
    ["In September the rent of the flat was 900 euros", "Rent of the flat: 900 euros since May"],
)
async def test_a_note_that_tells_of_the_time_afterwards_answers_for_it(
    desk: Desk, content: str
) -> None:
    await desk.told("The dentist moved to Elm Street", happened_at="2026-09-14")
    await desk.told(content, happened_at="2026-11-10")

    answer = await desk("recall", query="How much was the rent of the flat in September?")

    assert answer["verdict"] == "found"


@pytest.mark.parametrize(
    ("bill", "question"),
    [
        ("Rent September: 900 euros", "How high was the rent in September?"),
        ("Miete September: 900 Euro", "Wie hoch war die Miete im September?"),
        ("Loyer septembre : 900 euros", "Combien coûtait le loyer en septembre ?"),
        ("Alquiler septiembre: 900 euros", "¿Cuánto era el alquiler en septiembre?"),
        ("九月房租：900欧元", "九月的房租是多少？"),
        ("家賃9月：900ユーロ", "9月の家賃はいくらでしたか？"),
    ],
)
async def test_a_note_that_names_the_month_without_a_preposition_is_of_that_time(
    desk: Desk, bill: str, question: str
) -> None:
    note = await desk.told(bill)
    await desk.told("Ana likes tea")

    answer = await desk("recall", query=question)

    assert ids(answer)[0] == note
    assert "of that time" not in str(answer.get("reason", ""))


@pytest.mark.parametrize(
    "content",
    ["Rendez-vous le 32 mai", "Le rapport est dû le 31 juin", "Die Frist endet am 30. Februar"],
)
async def test_a_note_with_a_day_that_no_month_has_is_kept_without_a_date(
    desk: Desk, content: str
) -> None:
    answer = await desk("remember", content=content)

    assert "times" not in answer
    assert ids(await desk("recall", query=content)) == [answer["note_id"]]


@pytest.mark.parametrize(
    ("note", "days"),
    [
        ("Demo for the board next Friday", "2026-11-27"),
        ("Zahnarzt morgen um drei", "2026-11-21"),
        ("On doit livrer le rapport vendredi prochain", "2026-11-27"),
        ("La reunión con Ana es mañana", "2026-11-21"),
        ("明天交报告给老师", "2026-11-21"),
        ("来週の月曜日に会議がある", "2026-11-23"),
        ("Ana was ill last week and comes back on the 24th", "2026-11-24"),
        (
            "Bo is away next week, back on the 30th, away again in a month",
            "2026-11-23/2026-11-29, 2026-11-30",
        ),
    ],
)
async def test_a_later_reader_is_told_which_day_a_relative_time_means(
    desk: Desk, note: str, days: str
) -> None:
    await desk.told(note)
    desk.later(days=9)

    [shown] = notes(await desk("recall", query=note))

    assert shown["days"] == days


@pytest.mark.parametrize(
    "note",
    [
        "Ana likes tea",
        "Holidays from 22 to 24 December",
        "Demo tomorrow, 2026-11-21",
        "La reunión es mañana (21 de noviembre)",
        "The demo went well today",
        "Ana was ill last week",
        "Der Vertrag läuft bis 3.12.",
    ],
)
async def test_a_date_that_the_note_or_its_day_tells_is_not_told_again(
    desk: Desk, note: str
) -> None:
    await desk.told(note)
    desk.later(days=9)

    [shown] = notes(await desk("recall", query=note))

    assert "days" not in shown


async def test_on_the_day_it_is_told_tomorrow_needs_no_date(desk: Desk) -> None:
    await desk.told("Demo for the board tomorrow")

    [shown] = notes(await desk("recall", query="When is the demo?"))

    assert "days" not in shown


@pytest.mark.parametrize(
    "question",
    [
        "whats on thursday",
        "what have i got on thursday",
        "whats in the diary for thursday afternoon",
        "whats the plan for thursday",
        "Was steht am Donnerstag im Kalender?",
        "Qu'est-ce qu'il y a dans l'agenda jeudi ?",
        "¿Qué tengo el jueves en la agenda?",
        "qué me toca el jueves por la tarde",
    ],
)
async def test_who_asks_what_is_on_in_a_few_words_asks_for_the_day(
    desk: Desk, question: str
) -> None:
    # START is Friday 20 November.
    await desk.told("What is in the diary of Samuel Pepys: plays, plague and fire in the afternoon")
    dentist = await desk.told("Lindqvist, 26 November at half past four")
    await desk.evolve()

    answer = await desk("recall", query=question)

    assert (ids(answer)[0], answer["verdict"]) == (dentist, "found")


async def test_a_note_of_the_name_and_of_the_time_answers_in_whatever_words(desk: Desk) -> None:
    for day in range(3, 19):
        await desk.told(f"{lettered(day)} meets {lettered(day + 30)} on {day} December 2026")
    lands = await desk.told("Vicent: plane from Nantes lands on 23 December 2026, 22:10")
    await desk.told("Vicent teaches maths in Torrent", subject="Vicent")
    await desk.evolve()

    answer = await desk("recall", query="¿A qué hora llega Vicent el 23 de diciembre?")
    elsewhere = await desk("recall", query="¿A qué hora llega Vicent el 29 de diciembre?")

    assert (ids(answer)[0], answer["verdict"]) == (lands, "found")
    assert elsewhere["verdict"] != "found"


@pytest.mark.parametrize(
    "question",
    ["What is new since Friday?", "What changed since Friday?", "Was ist neu seit Freitag?"],
)
async def test_what_is_new_since_a_day_is_what_was_told_since_and_no_older_plan(
    desk: Desk, question: str
) -> None:
    desk.now = datetime(2026, 11, 23, 12, tzinfo=UTC)
    for plan in ("Cleo writes the page by 1 December", "The party is on 6 December"):
        await desk.told(plan)
    desk.now = datetime(2026, 11, 28, 12, tzinfo=UTC)
    news = {
        await desk.told("We raised the price to 59 euros"),
        await desk.told("The logo is green now, no longer blue"),
    }
    desk.now = datetime(2026, 11, 30, 12, tzinfo=UTC)

    assert {*(await desk.found(query=question))[:2]} == news
