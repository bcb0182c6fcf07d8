"""Times that people name in questions, in six languages: days, ends of months, the next weeks."""

from datetime import UTC, datetime

import pytest

from zettel.tools.language.dates import find_times, find_windows, without_relative_times

NOW = datetime(2026, 4, 15, 12, tzinfo=UTC)
"""A Wednesday."""
ALWAYS = {"0001-01-01", "9999-12-31"}
"""First and last day of an open window."""


def windows(question: str) -> list[tuple[str, str]]:
    """The first and the last day of each window of a question; "" where it is open."""
    days = [
        (
            datetime.fromtimestamp(start, UTC).date().isoformat(),
            datetime.fromtimestamp(end - 1, UTC).date().isoformat(),
        )
        for start, end in find_windows(question, NOW)[0]
    ]
    return [("" if start in ALWAYS else start, "" if end in ALWAYS else end) for start, end in days]


def days(note: str) -> list[tuple[str, str]]:
    """The first and the last day of each time of a note."""
    return [
        (
            span.start.date().isoformat(),
            datetime.fromtimestamp(span.end.timestamp() - 1, UTC).date().isoformat(),
        )
        for span in find_times(note, NOW)
    ]


@pytest.mark.parametrize(
    "question",
    [
        "What have we got on Sunday afternoon, the 19th?",
        "What happens Sunday evening the 19th?",
        "Anything on Sunday 19th?",
        "What is on Sun 19th?",
        "What about the 19th?",
        "The 19th: what is on?",
        "What is planned for the 19th?",
        "Was ist am Sonntag, dem 19.?",
        "Sonntag, den 19.: was ist da?",
        "Was machen wir am Sonntagabend, dem 19.?",
        "Was ist am Sonntag den 19?",
        "Was ist am So, 19.?",
        "Qu'avons-nous le 19 ?",
        "Qu'est-ce qu'il y a dimanche 19 ?",
        "Que fait-on le dimanche 19 au soir ?",
        "Qui vient le 19 à 8 h ?",
        "¿Qué hay el 19?",
        "¿Qué hay el domingo 19?",
        "¿Qué tenemos el domingo 19 por la tarde?",
        "¿Quién viene el 19 a las ocho?",
        "19号有什么安排?",
        "19日有什么会?",
        "周日19号有什么?",
        "19号(周日)有什么?",
        "19日に何がありますか?",
        "19日の日曜日は何がありますか?",
        "19日(日)は?",
        "日曜日19日の予定は?",
    ],
)
def test_a_day_of_the_month_is_read_without_its_month_in_every_language(question: str) -> None:
    assert windows(question) == [("2026-04-19", "2026-04-19")]


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("What is on Friday, the 24th?", "2026-04-24"),
        ("What is on Tuesday 21st?", "2026-04-21"),
        ("What is on Sunday the 3rd?", "2026-05-03"),
        ("What happened on Sunday the 12th?", "2026-04-12"),
        ("What did we do on Friday the 13th?", "2026-03-13"),
        ("What is on Wednesday the 15th?", "2026-04-15"),
        ("lundi 20 à 8 h", "2026-04-20"),
        ("el lunes 20 a las ocho", "2026-04-20"),
        ("What is on Monday the 21st?", "2026-04-21"),
    ],
)
def test_the_number_decides_in_the_month_that_fits_the_day_of_the_week(text: str, day: str) -> None:
    assert windows(text) == [(day, day)]


@pytest.mark.parametrize(
    ("question", "first", "last"),
    [
        ("Anything due by the 24th?", "2026-04-15", "2026-04-24"),
        ("Which bills did we pay by 24 April 2026?", "", "2026-04-24"),
        ("Was muss bis zum 24. fertig sein?", "2026-04-15", "2026-04-24"),
        ("Que faut-il finir d'ici le 24 ?", "2026-04-15", "2026-04-24"),
        ("¿Qué hay que hacer hasta el 24?", "2026-04-15", "2026-04-24"),
        ("24号之前要做什么?", "2026-04-15", "2026-04-24"),
        ("24日までに何をする?", "2026-04-15", "2026-04-24"),
        ("周五前要完成什么?", "2026-04-15", "2026-04-17"),
        ("¿Qué hay que hacer antes del viernes?", "2026-04-15", "2026-04-16"),
        ("金曜日までに何をする?", "2026-04-15", "2026-04-17"),
        ("What is planned after the 20th?", "2026-04-21", ""),
        ("Was gibt es ab dem 3.?", "2026-05-03", ""),
        ("Qu'y a-t-il à partir du 20 ?", "2026-04-20", ""),
        ("¿Qué hay a partir del 20?", "2026-04-20", ""),
        ("What is on from the 20th to the 24th?", "2026-04-20", "2026-04-24"),
        ("Was ist vom 20. bis 24.?", "2026-04-20", "2026-04-24"),
        ("Was ist vom 3. bis 7.?", "2026-05-03", "2026-05-07"),
        ("Qu'est-ce qu'il y a du 20 au 24 ?", "2026-04-20", "2026-04-24"),
        ("¿Qué hay del 20 al 24?", "2026-04-20", "2026-04-24"),
        ("20号到24号有什么?", "2026-04-20", "2026-04-24"),
        ("20日から24日まで何がある?", "2026-04-20", "2026-04-24"),
        ("What is on between Monday and Wednesday?", "2026-04-20", "2026-04-22"),
        ("下周三到周五有什么?", "2026-04-22", "2026-04-24"),
        ("What's happening on the 20th and 21st?", "2026-04-20", "2026-04-21"),
    ],
)
def test_days_without_a_month_have_sides_and_ranges(question: str, first: str, last: str) -> None:
    assert windows(question) == [(first, last)]


@pytest.mark.parametrize(
    "question",
    [
        "What must be done by the end of the month?",
        "What is due before the month is out?",
        "What is on later this month?",
        "What is planned for the rest of the month?",
        "What must I do by end of month?",
        "Was ist bis Monatsende zu tun?",
        "Was muss bis Ende des Monats fertig sein?",
        "Was steht den Rest des Monats an?",
        "Que faut-il faire d'ici la fin du mois ?",
        "Que reste-t-il avant la fin du mois ?",
        "Qu'y a-t-il le reste du mois ?",
        "¿Qué hay que hacer antes de fin de mes?",
        "¿Qué hay hasta final de mes?",
        "¿Qué hay en lo que queda de mes?",
        "月底前要做什么?",
        "本月剩下的时间有什么?",
        "今月末までに何をしますか?",
        "今月中に何をする?",
    ],
)
def test_until_the_end_of_the_month_is_from_today(question: str) -> None:
    assert windows(question) == [("2026-04-15", "2026-04-30")]


@pytest.mark.parametrize(
    ("question", "last"),
    [
        ("What must be done by the end of the week?", "2026-04-19"),
        ("What is on for the rest of the week?", "2026-04-19"),
        ("Was muss bis Ende der Woche fertig sein?", "2026-04-19"),
        ("Was ist den Rest der Woche?", "2026-04-19"),
        ("Qu'y a-t-il avant la fin de la semaine ?", "2026-04-19"),
        ("¿Qué hay en lo que queda de semana?", "2026-04-19"),
        ("本周剩下有什么?", "2026-04-19"),
        ("今週中に何をする?", "2026-04-19"),
        ("What is due by the end of the year?", "2026-12-31"),
        ("Was ist bis Jahresende geplant?", "2026-12-31"),
        ("d'ici la fin de l'année ?", "2026-12-31"),
        ("¿Qué hay antes de fin de año?", "2026-12-31"),
        ("年底前要做什么?", "2026-12-31"),
        ("年内に何をする?", "2026-12-31"),
        ("What is due by the end of next week?", "2026-04-26"),
        ("What is due by the end of May?", "2026-05-31"),
        ("Was muss bis Ende Mai fertig sein?", "2026-05-31"),
        ("What is coming up in the next few days?", "2026-04-20"),
        ("Was ist in den nächsten Tagen?", "2026-04-20"),
        ("Qu'y a-t-il les prochains jours ?", "2026-04-20"),
        ("¿Qué hay en los próximos días?", "2026-04-20"),
        ("接下来几天有什么?", "2026-04-20"),
        ("今後数日の予定は?", "2026-04-20"),
        ("What's on in the next two weeks?", "2026-04-29"),
        ("Was ist in den nächsten zwei Wochen?", "2026-04-29"),
        ("未来两周有什么?", "2026-04-29"),
    ],
)
def test_the_rest_of_a_time_and_the_next_days_are_from_today(question: str, last: str) -> None:
    assert windows(question) == [("2026-04-15", last)]


@pytest.mark.parametrize(
    ("question", "first", "last"),
    [
        ("What was it at the end of March?", "2026-03-16", "2026-03-31"),
        ("Was war Ende März?", "2026-03-16", "2026-03-31"),
        ("à la fin de mars", "2026-03-16", "2026-03-31"),
        ("a finales de marzo", "2026-03-16", "2026-03-31"),
        ("三月底", "2026-03-16", "2026-03-31"),
        ("3月末", "2026-03-16", "2026-03-31"),
        ("What is on in mid-April?", "2026-04-11", "2026-04-20"),
        ("Which day was it in early March?", "2026-03-01", "2026-03-15"),
        ("Wann war es Anfang März?", "2026-03-01", "2026-03-15"),
        ("Was war Mitte März?", "2026-03-11", "2026-03-20"),
        ("au début de mars", "2026-03-01", "2026-03-15"),
        ("à la mi-mars", "2026-03-11", "2026-03-20"),
        ("a principios de marzo", "2026-03-01", "2026-03-15"),
        ("a mediados de marzo", "2026-03-11", "2026-03-20"),
        ("三月初", "2026-03-01", "2026-03-15"),
        ("3月上旬", "2026-03-01", "2026-03-15"),
        ("What came early, in March?", "2026-03-01", "2026-03-31"),
        ("the first week of May", "2026-05-01", "2026-05-10"),
        ("in der ersten Maiwoche", "2026-05-01", "2026-05-10"),
        ("la première semaine de mai", "2026-05-01", "2026-05-10"),
        ("la primera semana de mayo", "2026-05-01", "2026-05-10"),
        ("5月第一周", "2026-05-01", "2026-05-10"),
        ("5月の第一週", "2026-05-01", "2026-05-10"),
        ("the last week of May", "2026-05-25", "2026-05-31"),
        ("in the first half of June", "2026-06-01", "2026-06-15"),
        ("in der zweiten Hälfte Juni", "2026-06-16", "2026-06-30"),
        ("la première quinzaine de juin", "2026-06-01", "2026-06-15"),
        ("la segunda quincena de junio", "2026-06-16", "2026-06-30"),
        ("6月上半月", "2026-06-01", "2026-06-15"),
        ("6月後半", "2026-06-16", "2026-06-30"),
    ],
)
def test_parts_of_a_month_are_read(question: str, first: str, last: str) -> None:
    assert windows(question) == [(first, last)]


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("the week after next", "2026-04-27", "2026-05-03"),
        ("übernächste Woche", "2026-04-27", "2026-05-03"),
        ("下下周", "2026-04-27", "2026-05-03"),
        ("再来週", "2026-04-27", "2026-05-03"),
        ("the weekend after next", "2026-05-02", "2026-05-03"),
        ("the weekend of 13 June", "2026-06-13", "2026-06-13"),
        ("the weekend of 6/13", "2026-06-13", "2026-06-13"),
        ("the week before last", "2026-03-30", "2026-04-05"),
        ("the month after next", "2026-06-01", "2026-06-30"),
        ("in three weeks", "2026-05-04", "2026-05-10"),
        ("three weeks from now", "2026-05-04", "2026-05-10"),
        ("in drei Wochen", "2026-05-04", "2026-05-10"),
        ("dans trois semaines", "2026-05-04", "2026-05-10"),
        ("dentro de tres semanas", "2026-05-04", "2026-05-10"),
        ("三周后", "2026-05-04", "2026-05-10"),
        ("3週間後", "2026-05-04", "2026-05-10"),
        ("in ten days", "2026-04-25", "2026-04-25"),
        ("in eleven days", "2026-04-26", "2026-04-26"),
        ("in zehn Tagen", "2026-04-25", "2026-04-25"),
        ("dans dix jours", "2026-04-25", "2026-04-25"),
        ("dentro de diez días", "2026-04-25", "2026-04-25"),
        ("10天后", "2026-04-25", "2026-04-25"),
        ("10日後", "2026-04-25", "2026-04-25"),
        ("in two months", "2026-06-01", "2026-06-30"),
        ("in zwei Monaten", "2026-06-01", "2026-06-30"),
        ("dans deux mois", "2026-06-01", "2026-06-30"),
        ("dentro de dos meses", "2026-06-01", "2026-06-30"),
        ("两个月后", "2026-06-01", "2026-06-30"),
        ("2か月後", "2026-06-01", "2026-06-30"),
    ],
)
def test_what_is_so_far_from_now_is_read(text: str, first: str, last: str) -> None:
    assert windows(text) == days(text) == [(first, last)]


@pytest.mark.parametrize(
    "question",
    [
        "What is on Monday?",
        "Anything Monday?",
        "What's on on Monday morning?",
        "Are we free Monday evening?",
        "Was ist Montag?",
        "Was haben wir am Montag?",
        "Was ist am Montagmorgen?",
        "Was ist Montag früh?",
        "Qu'est-ce qu'il y a lundi ?",
        "Qu'avons-nous lundi matin ?",
        "¿Qué hay el lunes?",
        "¿Qué hay el lunes por la mañana?",
        "周一有什么?",
        "周一早上有什么?",
        "周一天气怎么样?",
        "月曜日は何がある?",
        "月曜の朝は何がある?",
    ],
)
def test_a_bare_day_of_the_week_is_the_next_one_where_something_comes(question: str) -> None:
    assert windows(question) == [("2026-04-20", "2026-04-20")]


@pytest.mark.parametrize(
    ("question", "day"),
    [
        ("What happened Monday?", "2026-04-13"),
        ("Was haben wir am Montag besprochen?", "2026-04-13"),
        ("Qu'avons-nous décidé lundi ?", "2026-04-13"),
        ("¿Qué pasó el lunes?", "2026-04-13"),
        ("周一发生了什么?", "2026-04-13"),
        ("月曜日に何をした?", "2026-04-13"),
        ("¿Qué hice el lunes?", "2026-04-13"),
        ("Qui est venu lundi ?", "2026-04-13"),
        ("What is on tomorrow at noon?", "2026-04-16"),
        ("What is on this evening?", "2026-04-15"),
        ("Was ist morgen früh?", "2026-04-16"),
        ("What's on Friday next week?", "2026-04-24"),
        ("Was ist nächste Woche Freitag?", "2026-04-24"),
        ("vendredi de la semaine prochaine", "2026-04-24"),
        ("el viernes de la semana que viene", "2026-04-24"),
        ("下周五有什么?", "2026-04-24"),
        ("来週の金曜日は?", "2026-04-24"),
        ("上周一做了什么?", "2026-04-06"),
        ("先週の月曜日に何をした?", "2026-04-06"),
        ("What is on tomorrow, Thursday?", "2026-04-16"),
        ("4月19日周日有什么?", "2026-04-19"),
        ("am Sonntag, dem 19. April", "2026-04-19"),
    ],
)
def test_a_day_of_the_week_is_the_one_that_the_question_speaks_of(question: str, day: str) -> None:
    assert windows(question) == [(day, day)]


@pytest.mark.parametrize(
    ("question", "first"),
    [
        ("What did we do at the weekend?", "2026-04-11"),
        ("What is on at the weekend?", "2026-04-18"),
        ("Was haben wir am Wochenende gemacht?", "2026-04-11"),
        ("Was ist am Wochenende?", "2026-04-18"),
        ("Qu'avons-nous fait ce week-end ?", "2026-04-11"),
        ("¿Qué hicimos el fin de semana?", "2026-04-11"),
        ("周末做了什么?", "2026-04-11"),
        ("週末は何がある?", "2026-04-18"),
    ],
)
def test_the_weekend_is_on_the_side_that_the_question_speaks_of(question: str, first: str) -> None:
    ((start, _),) = windows(question)

    assert start == first


@pytest.mark.parametrize(
    "text",
    [
        "We live on the 15th floor",
        "from the 1st to the 3rd floor",
        "for the 1st time",
        "by the 20th century",
        "the rest of the team",
        "the end of the world",
        "the first week of school",
        "How often in a week?",
        "We built it in two weeks",
        "Is it open Monday to Friday?",
        "What is the Monday meeting?",
        "When is Black Friday?",
        "What opens every Monday?",
        "Linie 19.",
        "Wohnt sie im 3. Stock?",
        "ab dem 3. Stock",
        "bis zum 3. Quartal",
        "Wo wohnt Anna Freitag?",
        "Wer kommt jeden Montag?",
        "am Ende der Straße",
        "le 19 rue de la Paix",
        "le 20 pour cent",
        "le 20 heures",
        "J'habite dans le 19.",
        "Quand ferme le magasin le lundi ?",
        "ouvert du lundi au vendredi",
        "à la fin du film",
        "el 19 por ciento",
        "el 19 de la calle Mayor",
        "vivo en el 19",
        "todos los lunes por la mañana",
        "al final de la calle",
        "19号楼",
        "地铁19号线",
        "我住在中山路19号",
        "第19号房间",
        "每周一",
        "一周一次",
        "一年内",
        "19日間",
        "19日目",
        "あと3日",
        "3日に1回",
        "3日間の休み",
        "毎週月曜日",
        "日曜大工",
    ],
)
def test_what_only_looks_like_a_time_is_not_read_as_one(text: str) -> None:
    assert (windows(text), days(text)) == ([], [])


@pytest.mark.parametrize(
    ("note", "first", "last"),
    [
        ("The party is on Sunday afternoon, the 19th", "2026-04-19", "2026-04-19"),
        ("Réunion lundi 20 à 8 h", "2026-04-20", "2026-04-20"),
        ("周五开会", "2026-04-17", "2026-04-17"),
        ("金曜日に会議があります", "2026-04-17", "2026-04-17"),
        ("Zahnarzt am Montag früh", "2026-04-20", "2026-04-20"),
        ("The report must be done by the end of the month", "2026-04-15", "2026-04-30"),
        ("We met on Sunday the 12th", "2026-04-12", "2026-04-12"),
        ("We moved in since the 3rd", "2026-04-03", "2026-04-03"),
    ],
)
def test_notes_name_such_times_too(note: str, first: str, last: str) -> None:
    assert days(note) == [(first, last)]


def test_each_day_of_the_week_in_a_row_is_a_time_of_its_own() -> None:
    assert windows("Anything Monday, Tuesday or Wednesday?") == [
        ("2026-04-20", "2026-04-20"),
        ("2026-04-21", "2026-04-21"),
        ("2026-04-22", "2026-04-22"),
    ]


def test_a_bare_day_of_the_week_of_a_question_is_no_time_of_a_note() -> None:
    assert windows("Wednesday?") == [("2026-04-22", "2026-04-22")]
    assert days("Wednesday, by Ana Silva") == []


def test_a_day_of_the_month_is_a_word_to_look_for_and_the_end_of_the_month_is_none() -> None:
    assert without_relative_times("Qui vient le 19 ?", NOW) == "Qui vient le 19 ?"
    assert without_relative_times("What is due by the end of the month?", NOW) == "What is due ?"


@pytest.mark.parametrize("moment", [datetime.min, datetime.max])
def test_a_day_of_the_month_is_read_at_both_ends_of_time(moment: datetime) -> None:
    at = moment.replace(tzinfo=UTC)

    assert len(find_times("on Sunday the 19th, in two weeks, by the end of the month", at)) <= 3


def starts(text: str, told: str) -> list[str]:
    """The first days of the times of a note that was told on a day."""
    moment = datetime.fromisoformat(told).replace(tzinfo=UTC, hour=12)
    return [span.start.date().isoformat() for span in find_times(text, moment)]


@pytest.mark.parametrize(
    ("text", "told", "day"),
    [
        ("Rado handed in his notice, last day 31 January", "2026-11-18", "2027-01-31"),
        ("Rado hat gekündigt, letzter Tag 31. Januar", "2026-11-18", "2027-01-31"),
        ("Rado a démissionné, dernier jour le 31 janvier", "2026-11-18", "2027-01-31"),
        ("Rado presentó su renuncia, último día 31 de enero", "2026-11-18", "2027-01-31"),
        ("Deposit paid, balance due 30 April", "2026-11-20", "2027-04-30"),
        ("Fähre Kiel–Oslo ist gebucht, 14. Mai", "2026-11-26", "2027-05-14"),
        ("Le ferry est réservé, 14 mai", "2026-11-26", "2027-05-14"),
        ("El ferry está reservado, 14 de mayo", "2026-11-26", "2027-05-14"),
        ("渡轮已经订好了,5月14日", "2026-11-26", "2027-05-14"),
        ("フェリーは予約しました、5月14日", "2026-11-26", "2027-05-14"),
        ("The pool is closed until August", "2026-04-10", "2026-08-01"),
        ("Der Raum ist gekündigt, ab Juli proben wir in der Schule", "2026-04-13", "2026-07-01"),
        ("Meera is expecting a boy in May and has asked Ana to stay", "2026-02-11", "2026-05-01"),
        ("Lease signed, valid until 31 March", "2026-11-20", "2027-03-31"),
        ("Ich bin für den Lauf am 11. Oktober gemeldet", "2026-05-09", "2026-10-11"),
        # A story stays one.
        ("Ich bin am 11. Oktober gelaufen", "2026-05-09", "2025-10-11"),
        ("I got married on 14 May and it rained", "2026-11-20", "2026-05-14"),
        ("We launched the shop, after much trouble, on 3 March", "2026-11-20", "2026-03-03"),
        ("The old boiler lasted until March", "2026-11-20", "2026-03-01"),
        ("Opa ist am 2. April gestürzt", "2026-11-20", "2026-04-02"),
        ("Nous sommes allés à Lyon le 2 avril", "2026-11-20", "2026-04-02"),
        ("Fuimos a Cádiz el 2 de abril", "2026-11-20", "2026-04-02"),
        ("我们4月2日去了成都", "2026-11-20", "2026-04-02"),
        ("4月2日に引っ越した", "2026-11-20", "2026-04-02"),
    ],
)
def test_the_clause_of_a_date_tells_its_year_before_the_rest_of_the_sentence(
    text: str, told: str, day: str
) -> None:
    assert starts(text, told) == [day]


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("She entered the run on Sunday 10 May", "2026-05-10"),
        ("She entered the run on 10 May, Sunday", "2026-05-10"),
        ("She ran on Saturday 10 May", "2025-05-10"),
        ("Anmeldung erledigt für So., 10. Mai", "2026-05-10"),
        ("Inscription envoyée pour dimanche 10 mai", "2026-05-10"),
        ("Se apuntó a la carrera del domingo 10 de mayo", "2026-05-10"),
        ("报名了5月10日(周日)的比赛", "2026-05-10"),
        ("5月10日（日）の大会に申し込んだ", "2026-05-10"),
    ],
)
def test_a_date_is_of_the_year_where_it_is_the_day_of_the_week_beside_it(
    text: str, day: str
) -> None:
    assert starts(text, "2026-03-02") == [day]


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("Zahnarzt: Marte am 17. abgesagt", ["2026-11-17"]),
        ("The appointment on the 17th is cancelled", ["2026-11-17"]),
        ("Le rendez-vous du dentiste le 17, annulé", ["2026-11-17"]),
        ("Hemos anulado la cita, era el 17", ["2026-11-17"]),
        ("17号的预约取消了", ["2026-11-17"]),
        ("17日の予約はキャンセルした", ["2026-11-17"]),
        ("The vet saw Bruno on the 9th", ["2026-11-09"]),
        ("Yoga was moved to the 21st", ["2026-11-21"]),
        ("Away on the 19th, then until Thursday at the fair", ["2026-11-19", "2026-11-26"]),
        ("He was here; he comes on the 17th, stays until Thursday", ["2026-11-17", "2026-11-19"]),
        ("It is due on December 8, drafts by Wednesday", ["2026-12-08", "2026-11-18"]),
        ("Say December 16, if it is back by Friday", ["2026-12-16", "2026-11-20"]),
        ("On Friday we froze the branch", ["2026-11-13"]),
        ("They were moved: out on 16 December, back on the 21st", ["2026-12-16", "2026-12-21"]),
        ("Sie kamen früher: ab 16. Dezember, bis zum 21.", ["2026-12-16", "2026-12-21"]),
    ],
)
def test_a_day_without_its_month_is_near_now_or_behind_the_date_before_it(
    text: str, days: list[str]
) -> None:
    assert starts(text, "2026-11-16") == days


@pytest.mark.parametrize(
    ("text", "last"),
    [
        ("closed 5 and 6 December", 6),
        ("closed on December 5 and 6", 6),
        ("market 5/6 December", 6),
        ("Saturday 5 and Sunday 6 December", 6),
        ("Messe am 5. und 6. Dezember", 6),
        ("Messe 5./6. Dezember", 6),
        ("Samstag, 5. und Sonntag, 6. Dezember", 6),
        ("fermé les 5 et 6 décembre", 6),
        ("cerrado los días 5 y 6 de diciembre", 6),
        ("12月5日和6日休息", 6),
        ("12月5日と6日は休み", 6),
        ("rehearsals on 5, 6 and 8 December", 8),
        ("Proben am 5., 6. und 8. Dezember", 8),
        ("le 5, 6 et 8 décembre", 8),
    ],
)
def test_each_day_of_a_list_is_a_time(text: str, last: int) -> None:
    days = [5, 6, last] if last > 6 else [5, 6]

    assert starts(text, "2026-11-20") == [f"2026-12-{day:02}" for day in days]


@pytest.mark.parametrize(
    "text",
    [
        "Umzug in KW 49",
        "Umzug in der 49. KW",
        "KW 49/2026: Inventur",
        "Delivery CW 49",
        "Delivery in calendar week 49",
        "Livraison en semaine 49",
        "Entrega en la semana 49 de 2026",
        "2026年第49周交货",
        "2026年第49週に納品",
    ],
)
def test_a_week_is_read_by_its_number(text: str) -> None:
    assert starts(text, "2026-11-20") == ["2026-11-30"]


@pytest.mark.parametrize(
    "question",
    [
        "What happens in week 3?",
        "Was ist in Woche 3?",
        "Was passiert in KW 3?",
        "Que se passe-t-il en semaine 3 ?",
        "¿Qué hay en la semana 3?",
        "第3周有什么安排?",
        "第3週に何がある?",
    ],
)
def test_a_question_names_a_week_by_its_number(question: str) -> None:
    moment = datetime(2026, 11, 20, 12, tzinfo=UTC)
    ((start, end),), _ = find_windows(question, moment)

    assert datetime.fromtimestamp(start, UTC).date().isoformat() == "2027-01-18"
    assert end - start == 7 * 86_400


def test_week_53_is_of_a_year_that_has_one() -> None:
    assert starts("Inventur in KW 53", "2025-06-01") == ["2026-12-28"]
    assert starts("Inventur in KW 53/2025", "2025-06-01") == []


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("sticker until 11/2027", "2027-11-01"),
        ("TÜV bis 11/2027", "2027-11-01"),
        ("contrôle technique valable jusqu'en 11/2027", "2027-11-01"),
        ("ITV válida hasta 11/2027", "2027-11-01"),
        ("车检有效期至2027/11", "2027-11-01"),
        ("車検は2027/11まで", "2027-11-01"),
        ("Away over New Year", "2027-01-01"),
        ("Four attacks since New Year", "2026-01-01"),
        ("An Silvester kommt Anna", "2026-12-31"),
        ("Nach Neujahr geht es los", "2027-01-01"),
        ("Heiligabend sind wir bei Oma", "2026-12-24"),
        ("To finish before Christmas: the kitchen", "2026-12-25"),
        ("Le réveillon du nouvel an chez Léa", "2026-12-31"),
        ("Après Noël on part en Espagne", "2026-12-25"),
        ("En Nochevieja viene Ana", "2026-12-31"),
        ("Antes de Navidad hay que pagar", "2026-12-25"),
        ("圣诞节前完成", "2026-12-25"),
        ("元旦放假", "2027-01-01"),
        ("元日に帰省する", "2027-01-01"),
        ("クリスマスに会う", "2026-12-25"),
    ],
)
def test_months_in_digits_and_days_with_a_name_are_read(text: str, day: str) -> None:
    assert starts(text, "2026-11-20") == [day]


@pytest.mark.parametrize(
    "text",
    [
        "We are in week 12 of the course",
        "Rechtssache 11/2027",
        "Resolution 3/2026 of the council",
        "school year 2011/12",
        "The motor has 50 kW 49 Nm",
        "Section 5 and 6 of the contract",
        "Happy New Year!",
        "a new year, a new job",
        "The Christmas tree is up",
        "I love Christmas songs",
        "Weihnachtsbaum kaufen",
        "Sie hat Silvester Stallone getroffen",
        "Joyeux Noël !",
        "Feliz Navidad",
        "圣诞节快乐",
    ],
)
def test_numbers_and_greetings_are_no_such_times(text: str) -> None:
    assert starts(text, "2026-11-20") == []


def test_a_comma_before_a_date_makes_no_list_of_the_number_before_it() -> None:
    assert starts("Flat 3, 14 May and a garden", "2026-11-20") == ["2027-05-14"]
    assert starts("Rooms 3 and 4, 6 December", "2026-11-20") == ["2026-12-06"]


@pytest.mark.parametrize(
    ("question", "first", "last"),
    [
        ("What did I do 6 days ago?", "2026-04-09", "2026-04-09"),
        ("What did we do 3 weeks ago?", "2026-03-23", "2026-03-29"),
        ("What was there to do 16 days ago?", "2026-03-30", "2026-03-30"),
        ("Was war vor 6 Tagen zu tun?", "2026-04-09", "2026-04-09"),
        ("Was haben wir vor einem Monat beschlossen?", "2026-03-01", "2026-03-31"),
        ("Was galt bis vor drei Tagen?", "", "2026-04-12"),
        ("Was ist seit drei Tagen anders?", "2026-04-12", ""),
        ("Qu'avons-nous décidé depuis trois jours ?", "2026-04-12", ""),
        ("What did I say a few days ago?", "2026-04-10", "2026-04-15"),
        ("What did Marc do 4 months back?", "2025-12-01", "2025-12-31"),
        ("Was habe ich vor ein paar Tagen gesagt?", "2026-04-10", "2026-04-15"),
        ("Qu'ai-je dit il y a quelques jours ?", "2026-04-10", "2026-04-15"),
        ("¿Qué dije hace unos días?", "2026-04-10", "2026-04-15"),
        ("Qui est venu hier ?", "2026-04-14", "2026-04-14"),
        ("Qu'est-ce qui s'est passé avant-hier ?", "2026-04-13", "2026-04-13"),
    ],
)
def test_days_ago_are_counted_back_behind_any_word(question: str, first: str, last: str) -> None:
    assert windows(question) == [(first, last)]


@pytest.mark.parametrize(
    "text",
    [
        "Wie lange wohne ich schon hier?",
        "Nina wohnt hier.",
        "Wer wohnt hier?",
        "Der Schlüssel liegt hier.",
        "Passwort liegt hier",
        "Das Café Weber liegt hier",
        "Het gereedschap ligt hier",
    ],
)
def test_hier_is_a_place_in_german_and_dutch(text: str) -> None:
    assert windows(text) == []


@pytest.mark.parametrize(
    "text", ["Luc est venu hier.", "Facture payée hier", "Hier j'ai vu Paul", "Qui a appelé hier ?"]
)
def test_hier_is_a_day_in_french(text: str) -> None:
    assert windows(text) == [("2026-04-14", "2026-04-14")]


@pytest.mark.parametrize(
    "text",
    [
        "The report is due on 32 May",
        "The report is due on 31 June",
        "The fair is 30 to 32 May",
        "The fair is on 31 and 32 May",
        "Die Frist endet am 30. Februar",
        "Die Frist endet am 32.1. um neun",
        "Die Messe ist vom 30. bis 32. Mai",
        "Rendez-vous le 32 mai",
        "Le rapport est dû le 31 juin",
        "La cita es el 31 de junio",
        "El 32 de mayo hay examen",
        "2月30日开会",
        "5月32日开会",
        "6月31日に会議",
    ],
)
def test_a_day_that_no_month_has_is_no_time_in_a_note_nor_in_a_question(text: str) -> None:
    assert (days(text), windows(f"{text}?")) == ([], [])
