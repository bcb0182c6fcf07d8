"""All that is known of somebody or something, in one call."""

# Answers are JSON of the tools' own shapes.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportUnknownMemberType=false

from collections.abc import Mapping

import pytest
from tests.tools.conftest import Desk, ids, notes, pick

from zettel.tools.language.question_words import asked_all_about_in_small_letters
from zettel.tools.render import count_tokens

ABOUT_ANA = (
    "Ana is Markus's older sister and works at the Charité.",
    "Ana lives in Lyon.",
    "Lunch with Ana at noon was cancelled.",
)


def lines(answer: Mapping[str, object]) -> list[str]:
    """The relations of an answer."""
    about = pick(answer, "about")
    assert isinstance(about, dict)
    return [str(pick(one, "line")) for one in about.get("relations", [])]


async def told_of_ana(desk: Desk) -> list[str]:
    """Notes about Ana, oldest first, none with a subject, among others."""
    told = list[str]()
    for day, content in enumerate(ABOUT_ANA, 1):
        told.append(await desk.told(content, happened_at=f"2026-11-0{day}"))
        await desk.told(f"Ben counted {day} boats in the harbour")
    return told


EVERYTHING: tuple[Mapping[str, str], ...] = (
    {"subject": "Ana"},
    {"query": "Tell me everything about Ana."},
    {"query": "Who is Ana?"},
    {"query": "Tell me everything about Ana: her work, her home, my lunch with her."},
    {"query": "Redis-moi tout sur Ana : travail, logement."},
    {"query": "Erzähl mir alles über Ana"},
    {"query": "Dis-moi tout sur Ana"},
    {"query": "¿Qué sabes de Ana?"},
    {"query": "Who's Ana again?"},
    {"query": "Summarise what you know about Ana"},
    {"query": "What's the story with Ana?"},
    {"query": "Fill me in on Ana."},
    {"query": "Was wissen wir über Ana?"},
    {"query": "Fass zusammen, was du über Ana weißt"},
    {"query": "Que sait-on de Ana ?"},
    {"query": "Résume ce que tu sais de Ana"},
    {"query": "¿Cuál es la historia de Ana?"},
    {"query": "Resume lo que sabes de Ana"},
    {"query": "Parle-moi de Ana"},
    {"query": "Háblame de Ana"},
    {"query": "Give me all notes about Ana"},
    {"query": "Tell me all about Ana"},
    {"query": "Who exactly was Ana?"},
    {"query": "Do you know who Ana is?"},
    {"query": "Any info on Ana?"},
    {"query": "Wer war Ana?"},
    {"query": "Kennst du Ana?"},
    {"query": "Erzähl mal was von Ana"},
    {"query": "Was hast du über Ana gespeichert?"},
    {"query": "Qui était Ana ?"},
    {"query": "Que sais-tu d'Ana ?"},
    {"query": "Résumé d’Ana"},
    {"query": "Dis-m'en plus sur Ana"},
    {"query": "Qu'est-ce que tu peux me dire d'Ana ?"},
    {"query": "¿Quién era Ana?"},
    {"query": "¿Qué me cuentas de Ana?"},
    {"query": "Anaについて教えて"},
    {"query": "Anaとは誰ですか"},
    {"query": "Give me the full picture of Ana"},
    {"query": "everything we have on ana"},
    {"query": "Everything you've got on Ana"},
    {"query": "Pull up everything on Ana"},
    {"query": "Walk me through everything about Ana"},
    {"query": "Can I get the whole story on Ana?"},
    {"query": "Show me what you have on Ana"},
    {"query": "Get me up to speed on Ana"},
    {"query": "Give me a full rundown on Ana"},
    {"query": "tell me everything about ana"},
    {"query": "Gib mir ein vollständiges Bild von Ana"},
    {"query": "alles was wir über ana haben"},
    {"query": "Gib mir alle Infos zu Ana"},
    {"query": "Bring mich bei Ana auf den neuesten Stand"},
    {"query": "Donne-moi une vue d'ensemble sur Ana"},
    {"query": "Fais-moi le portrait complet d'Ana"},
    {"query": "tout ce que tu as sur ana"},
    {"query": "Dame una visión completa de Ana"},
    {"query": "todo lo que tengas de ana"},
    {"query": "Ponme al día sobre Ana"},
    {"query": "Anaの全体像を教えて"},
    {"query": "Anaに関する情報をすべて"},
    {"query": "Anaについて分かっていることを全部"},
    {"query": "给我Ana的完整情况"},
    {"query": "我们有哪些关于Ana的信息"},
    {"query": "全面介绍一下Ana"},
)


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("Tell me about my sister Ana", "Ana"),
        ("What do you know about her colleague Ana?", "Ana"),
        ("Erzähl mir alles über meine Schwester Ana", "Ana"),
        ("Parle-moi de ma sœur Ana", "Ana"),
        ("Háblame de mi hermana Ana", "Ana"),
        ("Tell me everything about the project Falk", "Falk"),
        ("What do you know about client Falk?", "Falk"),
        ("Erzähl mir alles über das Projekt Falk", "Falk"),
        ("Parle-moi du projet Falk", "Falk"),
        ("Háblame del proyecto Falk", "Falk"),
    ],
)
async def test_one_is_asked_for_with_what_it_is(desk: Desk, query: str, name: str) -> None:
    await told_of_ana(desk)
    await desk.told("Falk is due in March.")

    answer = await desk("recall", query=query)

    assert (answer["verdict"], pick(pick(answer, "about"), "names")) == ("found", [name])


async def test_one_call_tells_all_of_somebody_newest_first_with_relations(any_desk: Desk) -> None:
    told = await told_of_ana(any_desk)

    for asked in EVERYTHING:
        answer = await any_desk("recall", **asked)

        assert (answer["verdict"], ids(answer)) == ("found", told[::-1]), asked
        of_ana = ["lives in Lyon", "sister of Markus", "works at the Charité"]
        assert lines(answer) == of_ana, asked


@pytest.mark.parametrize(
    "query",
    [
        "What's the story with Ana's boat?",
        "Summarise the meeting with Ana",
        "Who is Ana's doctor?",
        "Fass die Sitzung mit Ana zusammen",
        "Résume la réunion avec Ana",
        "Parle-moi de la réunion avec Ana",
        "Tell me about my meeting with Ana",
        "Tell me about my bike and Ana",
        "¿Cuál es la historia del barco de Ana?",
        "Who was in Lyon?",
        "Who is Ana with?",
        "Who was from Lyon?",
        "Do we have everything for Ana?",
        "Do you know if Ana called?",
        "Wer war in Lyon?",
        "Wer ist der Chef von Ana?",
        "Qui était à Lyon ?",
        "Qui est l'oncle d'Ana ?",
        "Parle-moi du bateau d'Ana",
        "¿Quién fue a Lyon?",
        "Anaの上司は誰ですか",
        "Give me the full picture of the kitchen for the album",
        "Who took the full picture of Ana?",
        "Tell me about the picture of Ana",
        "Do we have everything from Ana?",
        "Do we have everything that we need for Ana?",
        "everything we have on ana's boat",
        "everything ana and ben have",
        "Hast du das ganze Bild von Ana gerahmt?",
        "Gib mir das Bild von Ana",
        "Où est le portrait complet d'Ana ?",
        "Todo lo que tenemos para Ana",
        "Anaの写真をすべて",
        "Anaの船の全体像を教えて",
        "给我Ana的照片",
    ],
)
async def test_a_question_about_a_thing_of_somebody_is_not_about_all_of_them(
    desk: Desk, query: str
) -> None:
    await told_of_ana(desk)

    assert "about" not in await desk("recall", query=query)


@pytest.mark.parametrize(
    "query",
    [
        "everything we have on Monday",
        "everything we have on monday",
        "everything we have in March",
        "everything we have on the harbour",
        "Alles, was wir am Montag haben",
        "alles was wir im Mai haben",
        "Tout ce que nous avons lundi",
        "Todo lo que tenemos el lunes",
        "月曜日の予定を全部教えて",
    ],
)
async def test_what_there_is_at_a_time_is_all_of_nobody(desk: Desk, query: str) -> None:
    await desk.told("On Monday we have the dentist, in March the harbour fair.")
    await desk.told("Am Montag haben wir den Zahnarzt, im Mai das Fest.")
    await desk.told("Lundi, nous avons le dentiste. El lunes tenemos el dentista.")

    assert "about" not in await desk("recall", query=query)


async def test_somebody_who_is_called_as_a_month_is_asked_for_by_name(desk: Desk) -> None:
    told = await desk.told("My cousin April is a nurse.")

    answer = await desk("recall", query="Tell me everything about April")

    assert (ids(answer), pick(answer, "about", "names")) == ([told], ["April"])


async def test_a_relation_is_told_from_its_other_side_too_with_its_source(desk: Desk) -> None:
    source, *_ = await told_of_ana(desk)

    markus = await desk("recall", subject="Markus")
    clinic = await desk("recall", query="What do you know about Charité?")

    assert pick(markus, "about", "relations") == [{"line": "sister: Ana", "note_id": source}]
    assert lines(clinic) == ["Ana works at the Charité"]


UNSPACED = (
    "田中さんは大阪支店の部長です",
    "昨日は田中さんと昼を食べた",
    "担当者は毎週変わる",
    "会議は月曜日に始まる",
    "数据库迁移由李强负责",
    "李强说脚本已经测试完毕",
    "王经理喜欢喝茶",
    "方案还没有定",
)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("田中さんについて教えて", UNSPACED[:2]),
        ("田中さんは誰ですか", UNSPACED[:2]),
        ("田中さんについて全部教えてください。", UNSPACED[:2]),
        ("田中とは誰", UNSPACED[:2]),
        ("李强是谁？", UNSPACED[4:6]),
        ("介绍一下李强", UNSPACED[4:6]),
        ("你对李强了解多少？", UNSPACED[4:6]),
        ("说说王经理", UNSPACED[6:7]),
        ("担当者は誰ですか", None),
        ("会議について教えて", None),
        ("田中さんの上司は誰ですか", None),
        ("田中さんの電話番号を教えて", None),
        ("介绍一下方案", None),
        ("李强的老师是谁？", None),
    ],
)
async def test_all_of_somebody_is_asked_for_without_spaces(
    desk: Desk, query: str, found: tuple[str, ...] | None
) -> None:
    for content in UNSPACED:
        await desk.told(content)

    answer = await desk("recall", query=query)

    told = {str(note["content"]) for note in notes(answer)}
    assert (told if "about" in answer else None) == (found and set(found))


@pytest.mark.parametrize(
    ("told", "line"),
    [
        ("Le mari d'Édith s'appelle Kos.", "husband of Édith"),
        ("La sœur d’Yves est Kos.", "sister of Yves"),
        ("C'est l'amie d'Octave, Kos", "friend of Octave"),
        ("Les enfants d'Inès sont Kos et Lise.", "child of Inès"),
        ("On sait qu'Aude est la tante de Kos.", "aunt: Aude"),
        ("Kos est mariée avec Paul d'Artois.", "is married to Paul d'Artois"),
        ("Le cousin d'Angelo D'Amico s'appelle Kos.", "cousin of Angelo D'Amico"),
    ],
)
async def test_a_relation_is_read_behind_an_elision(desk: Desk, told: str, line: str) -> None:
    await desk.told(told)

    assert lines(await desk("recall", subject="Kos")) == [line]


@pytest.mark.parametrize(
    "told", ["L'oncle d'Octave habite à Kos.", "L'institutrice travaille chez Kos."]
)
async def test_who_belongs_to_somebody_behind_an_elision_has_no_name(desk: Desk, told: str) -> None:
    await desk.told(told)

    assert lines(await desk("recall", subject="Kos")) == []


@pytest.mark.parametrize(
    "told",
    [
        "Ana ist die Schwester von Markus.",
        "Mareks Schwester Ana rief an, und Ana ist die Schwester von Markus.",
        "Ana est la sœur de Markus.",
        "La sœur de Markus s'appelle Ana.",
        "Ana es la hermana de Markus.",
        "La hermana menor de Markus se llama Ana.",
    ],
)
async def test_relations_are_read_in_four_languages(desk: Desk, told: str) -> None:
    await desk.told(told)

    assert "sister of Markus" in lines(await desk("recall", subject="Ana"))


@pytest.mark.parametrize(
    "told",
    [
        "Is Ana the sister of Markus?",
        "If Ana is the sister of Markus, she knows the code.",
        "Ana is not the sister of Markus.",
        "Ana no longer works at Siemens.",
        "Ana arbeitet nicht mehr bei Siemens.",
        "Ana ne travaille plus chez Siemens.",
        "Ana ya no trabaja en Siemens.",
        "Ana is my daughter's teacher.",
        "Ana is my boss’s landlord.",
        "It clashes with Leo's dentist, Ana drives him.",
        "Leo has his sister's dentist, Ana is off.",
        "We asked Ana, Leo's dentist is away.",
        "Termin bei meiner Zahnärztin, Ana fährt ihn.",
        "Rendez-vous chez mon médecin, Ana le conduit.",
        "Cita con mi médico, Ana lo lleva.",
        "Ana is our head baker.",
        "Ana is my dog sitter.",
        "Ana and Bram are not married.",
        "I dreamed that Ana and Bram are married.",
        "I think Ana and Bram are married.",
        "Ana and Bram used to be married.",
        "Ich glaube, Ana und Bram sind verheiratet.",
        "Ich habe geträumt, Ana und Bram sind verheiratet.",
        "Je crois que notre voisine est Ana.",
        "Soñé que Ana y Bram están casados.",
        "Rolf is the father of Greta and Ana drove home.",
    ],
)
async def test_what_is_asked_denied_or_over_is_no_relation(desk: Desk, told: str) -> None:
    await desk.told(told)

    assert lines(await desk("recall", subject="Ana")) == []


async def test_a_note_about_its_subject_need_not_name_it(desk: Desk) -> None:
    await desk.told("Works at Siemens.", subject="Ana")
    await desk.told("She is married to Jan.", subject="Ana")

    assert set(lines(await desk("recall", subject="ana"))) == {
        "works at Siemens",
        "is married to Jan",
    }


@pytest.mark.parametrize(
    ("told", "line"),
    [
        ("Our landlady is Mrs Kos.", "landlord of the user"),
        ("Unsere Vermieterin Frau Kos hat angerufen.", "landlord of the user"),
        ("Notre voisine s'appelle Kos.", "neighbour of the user"),
        ("Nuestra vecina es Kos.", "neighbour of the user"),
        ("Kos and Bram are married.", "is married to Bram"),
        ("Kos und Bram sind verheiratet.", "is married to Bram"),
        ("Kos et Bram sont mariés.", "is married to Bram"),
        ("Kos y Bram están casados.", "is married to Bram"),
        ("Rolf is the father of Greta and Kos.", "father: Rolf"),
        ("Rolf ist der Vater von Greta und Kos.", "father: Rolf"),
    ],
)
async def test_what_is_ours_a_couple_and_a_second_child_are_read(
    desk: Desk, told: str, line: str
) -> None:
    await desk.told(told)

    assert line in lines(await desk("recall", subject="Kos"))


@pytest.mark.parametrize(
    "told",
    [
        "Kos moved to Oslo.",
        "Kos has just moved back from Rome to Oslo.",
        "Kos and Bram have moved to Oslo.",
        "Kos moved into a small flat in Oslo.",
        "Kos ist vor zwei Jahren nach Oslo gezogen.",
        "Kos ist von Graz nach Oslo umgezogen.",
        "Kos a déménagé à Oslo.",
        "Kos s'est installée à Oslo.",
        "Kos se ha mudado a Oslo.",
        "Kos se fue a vivir a Oslo.",
    ],
)
async def test_who_has_moved_is_told_with_the_place(desk: Desk, told: str) -> None:
    await desk.told(told)

    assert lines(await desk("recall", subject="Kos")) == ["moved to Oslo"]


@pytest.mark.parametrize(
    "told",
    [
        "Kos used to live in Oslo.",
        "Kos is going to move to Oslo.",
        "Kos will move to Oslo.",
        "Kos wants to move to Oslo.",
        "Kos has not moved to Oslo.",
        "If Kos moved to Oslo, she would be happy.",
        "I dreamed that Kos moved to Oslo.",
        "Kos almost moved to Oslo.",
        "Kos moved to Oslo for two years.",
        "Kos moved to Oslo as a child.",
        "Kos moved to Oslo but came back.",
        "Kos moved to Oslo in 2010. In 2015 she moved again.",
        "The parents of Kos moved to Oslo.",
        "Kos moved to Marketing.",
        "Kos moved to the Oslo team.",
        "Kos moved to GitHub.",
        "Kos zieht nach Oslo.",
        "Kos wird nach Oslo ziehen.",
        "Kos ist nicht nach Oslo gezogen.",
        "Kos va déménager à Oslo.",
        "Kos n'a pas déménagé à Oslo.",
        "Kos no se mudó a Oslo.",
        "Kos quiere mudarse a Oslo.",
    ],
)
async def test_who_has_not_moved_there_for_good_does_not_live_there(desk: Desk, told: str) -> None:
    await desk.told(told)

    assert lines(await desk("recall", subject="Kos")) == []


@pytest.mark.parametrize(
    ("told", "line"),
    [
        ("Kos works at the Cork butter market as a clerk.", "works at the Cork butter market"),
        ("Kos works for the Graz tram company and sings.", "works at the Graz tram company"),
        ("Kos works at St Mary's hospital in Leith.", "works at St Mary's hospital"),
        ("Kos works at Siemens mostly at night.", "works at Siemens"),
        ("Kos works for Ernst & Young.", "works at Ernst & Young"),
        ("Kos works at the University of Graz.", "works at the University of Graz"),
        ("Kos works at the county archive.", "works at the county archive"),
        ("Kos works at a bakery in Leith.", "works at a bakery"),
        ("Kos travaille à l'école primaire de Brest.", "works at école primaire de Brest"),
        ("Kos travaille à Lyon désormais.", "works at Lyon"),
        ("Kos trabaja en la biblioteca de Vigo.", "works at biblioteca de Vigo"),
        ("Kos arbeitet im Stadtmuseum Graz.", "works at Stadtmuseum Graz"),
        ("Kos arbeitet als Gärtner bei Siemens.", "works at Siemens"),
        ("Kos works at the post office.", "works at the post office"),
        ("Kos left Siemens and joined Vattenfall.", "works at Vattenfall"),
        ("Kos left Siemens and now works at Vattenfall.", "works at Vattenfall"),
        ("Kos got a new job at Vattenfall.", "works at Vattenfall"),
        ("Kos belongs to the Cork rowing club.", "belongs to the Cork rowing club"),
        ("Kos is the sister-in-law of Bram.", "sister-in-law of Bram"),
        ("Kos is Bram's godfather.", "godfather of Bram"),
        ("Kos ist Brams Schwager.", "brother-in-law of Bram"),
        ("Kos est la marraine de Bram.", "godmother of Bram"),
        ("Kos es la suegra de Bram.", "mother-in-law of Bram"),
    ],
)
async def test_a_workplace_and_a_relative_are_told_whole(desk: Desk, told: str, line: str) -> None:
    await desk.told(told)

    assert lines(await desk("recall", subject="Kos")) == [line]


@pytest.mark.parametrize(
    "told",
    [
        "Kos works at night.",
        "Kos works at home.",
        "Kos works at the weekend.",
        "Kos works at the office on Mondays.",
        "Kos works at the HTTP layer.",
        "Kos works for Bram's sake.",
        "Kos works for Bram's brother.",
        "Kos joined Bram on the roof.",
        "Kos left Berlin for Rome.",
        "Kos arbeitet im Sommer.",
        "Kos travaille à la maison.",
    ],
)
async def test_when_and_how_somebody_works_is_no_workplace(desk: Desk, told: str) -> None:
    await desk.told(told)

    assert lines(await desk("recall", subject="Kos")) == []


@pytest.mark.parametrize(
    ("lives", "moved", "asked"),
    [
        ("I live in Rome", "I moved to Oslo", "Where do I live?"),
        ("The user lives in Rome", "The user has moved to Oslo", "Where does the user live now?"),
        ("Ich wohne in Rom", "Ich bin nach Oslo gezogen", "Wo wohne ich?"),
        ("J'habite à Rome", "J'ai déménagé à Oslo", "Où est-ce que j'habite ?"),
        ("Vivo en Roma", "Me he mudado a Oslo", "¿Dónde vivo?"),
        ("Kos wohnt in Rom", "Kos ist nach Oslo gezogen", "Wo wohnt Kos?"),
    ],
)
async def test_who_has_moved_lives_where_they_moved_to(
    desk: Desk, lives: str, moved: str, asked: str
) -> None:
    before = await desk.told(lives)
    await desk.told("The bakery closes at noon")
    desk.later(days=150)
    after = await desk.told(moved)
    await desk.evolve()

    assert (await desk.found(query=asked))[:2] == [after, before]
    whom = "Kos" if "Kos" in asked else "me"
    assert lines(await desk("recall", subject=whom)) == ["moved to Oslo"]


async def test_what_a_team_moved_to_is_nobodys_home(desk: Desk) -> None:
    home = await desk.told("I live in Rome")
    desk.later(days=150)
    await desk.told("We moved to Postgres")
    await desk.told("I drive a Volvo", happened_at="2026-01-05")
    await desk.evolve()

    assert (await desk.found(query="Where do I live?"))[0] == home
    assert "lives in Rome" in lines(await desk("recall", subject="me"))


async def test_a_move_does_not_answer_what_else_the_older_note_tells(desk: Desk) -> None:
    before = await desk.told("I live in Rome and keep a lizard")
    desk.later(days=150)
    await desk.told("I moved to Oslo")
    await desk.evolve()

    assert (await desk.found(query="What lizard do I keep?"))[0] == before


async def test_a_later_move_replaces_where_somebody_lived(desk: Desk) -> None:
    await desk.told("Kos lives in Rome.", happened_at="2026-01-05")
    await desk.told("Kos moved to Oslo.", happened_at="2026-03-05")
    await desk.told("Kos works at Siemens.", happened_at="2026-04-05")
    assert lines(await desk("recall", subject="Kos")) == ["works at Siemens", "moved to Oslo"]

    await desk.told("Kos has moved to Bergen.", happened_at="2026-06-05")

    assert lines(await desk("recall", subject="Kos")) == ["moved to Bergen", "works at Siemens"]


@pytest.mark.parametrize(
    ("before", "ended"),
    [
        ("Kos works at Siemens.", "Kos no longer works at Siemens."),
        ("Kos arbeitet bei Siemens.", "Kos arbeitet nicht mehr bei Siemens."),
        ("Kos travaille chez Siemens.", "Kos ne travaille plus chez Siemens."),
        ("Kos trabaja en Siemens.", "Kos ya no trabaja en Siemens."),
        ("Kos works at Siemens.", "Kos left Siemens last week. The cake was good."),
        ("Kos works at Siemens.", "Kos has quit Siemens and sings now."),
        ("I work at Siemens with Kos.", "I left Siemens in March."),
        ("Kos is my landlord.", "Kos is no longer my landlord."),
        ("I work at Siemens with Kos.", "I no longer work at Siemens."),
    ],
)
async def test_a_relation_that_a_later_note_ends_is_none_from_either_side(
    desk: Desk, before: str, ended: str
) -> None:
    await desk.told(before, happened_at="2026-01-05")
    await desk.told("Bram works at Siemens.", happened_at="2026-01-06")
    assert lines(await desk("recall", subject="Kos" if "Kos" in ended else "user"))

    await desk.told(ended, happened_at="2026-03-05")

    assert lines(await desk("recall", subject="Kos" if "Kos" in ended else "user")) == []
    assert lines(await desk("recall", subject="Siemens")) == ["Bram works at Siemens"]


async def test_who_left_takes_nobody_else_along(desk: Desk) -> None:
    await desk.told("Bram works at Siemens.", happened_at="2026-01-05")
    await desk.told("Kos left Siemens, Bram cooked.", happened_at="2026-03-05")

    assert lines(await desk("recall", subject="Bram")) == ["works at Siemens"]


async def test_a_change_ends_nothing_with_somebody_of_a_short_name(desk: Desk) -> None:
    await desk.told("Kos works with Ida.", happened_at="2026-01-05")
    await desk.told("Kos has moved to a new desk.", happened_at="2026-03-05")

    assert lines(await desk("recall", subject="Kos")) == ["works with Ida"]


@pytest.mark.parametrize(
    ("end", "over"),
    [
        ("Kos and Ida broke up.", True),
        ("Ida hat sich im Mai von Kos getrennt.", True),
        ("Kos et Ida se sont séparés.", True),
        ("Kos e Ida se han divorciado.", True),
        ("Kos and Ida would never have broken up.", False),
        ("Kos und Ida zahlen getrennt.", False),
        ("Bram and Ida broke up.", False),
    ],
)
async def test_who_has_parted_is_married_no_longer_but_keeps_all_else(
    desk: Desk, end: str, over: bool
) -> None:
    await desk.told("Kos is married to Ida. Kos works with Ida.", happened_at="2026-01-05")
    await desk.told(end, happened_at="2026-03-05")

    married = [] if over else ["is married to Ida"]
    assert lines(await desk("recall", subject="Kos")) == [*married, "works with Ida"]


@pytest.mark.parametrize(
    ("told", "children"),
    [
        ("Kos has two sons, Ben and Carl.", {"son: Ben", "son: Carl"}),
        ("Kos und Bram haben zwei Töchter, Ida und Liv.", {"daughter: Ida", "daughter: Liv"}),
        ("Kos has a daughter called Ida, who sings.", {"daughter: Ida"}),
        ("Kos's sisters Ida and Liv called.", {"sister: Ida", "sister: Liv"}),
        ("Ida, Liv and Mats are Kos's children.", {"child: Ida", "child: Liv", "child: Mats"}),
        ("Kos hat einen Bruder namens Mats.", {"brother: Mats"}),
        ("Kos et Bram ont deux filles, Léa et Zoé.", {"daughter: Léa", "daughter: Zoé"}),
        ("Kos tiene dos hijas: Nuria y Marta.", {"daughter: Nuria", "daughter: Marta"}),
        ("Kos hat zwei Katzen, Mo und Fips", {"cat: Mo", "cat: Fips"}),
        ("Kos hat zwei Katzen, Mo und Di am Fenster", set()),
        ("Kos has two sons.", set()),
        ("Kos had two sons, Ben and Carl.", set()),
        ("Kos would like two sons, Ben and Carl.", set()),
        ("Kos has two cats, Ben and Carl have dogs.", set()),
        ("Kos has a dog, Ben has a cat.", set()),
    ],
)
async def test_several_of_one_role_are_each_a_relation(
    desk: Desk, told: str, children: set[str]
) -> None:
    await desk.told(told)

    answer = await desk("recall", subject="Kos")

    assert set(lines(answer)) == children


@pytest.mark.parametrize("way", ["superseded", "forgotten", "corrected"])
async def test_a_relation_goes_with_its_source(any_desk: Desk, way: str) -> None:
    source, *_ = await told_of_ana(any_desk)

    if way == "superseded":
        await any_desk.told("Ana has retired.", links=[{"to": source, "relation": "supersedes"}])
    elif way == "forgotten":
        await any_desk("forget", note_ids=[source])
    else:
        await any_desk("update", note_id=source, content="Ana likes tea.", correction=True)

    assert lines(await any_desk("recall", subject="Ana")) == ["lives in Lyon"]
    assert "about" not in await any_desk("recall", subject="Markus")


async def test_a_look_back_tells_what_was_known_then(any_desk: Desk) -> None:
    source, *_ = await told_of_ana(any_desk)
    then = any_desk.now.isoformat()
    any_desk.later(days=1)
    await any_desk("forget", note_ids=[source])

    assert "sister of Markus" in lines(await any_desk("recall", subject="Ana", known_at=then))


async def test_open_conflicts_are_told_with_the_calls_that_settle_them(any_desk: Desk) -> None:
    old = await any_desk.told("Ana lives in Paris.", happened_at="2026-10-01")
    new = await any_desk.told("Ana lives in Lyon.", happened_at="2026-11-01")
    await any_desk.evolve()

    answer = await any_desk("recall", subject="Ana")
    pair = pick(answer, "about", "open", 0)

    assert [pick(pair, key) for key in ("note_id", "relation", "to")] == [new, "may_supersede", old]
    assert f'update(note_id="{new}"' in str(pick(pair, "reason"))
    assert not any("reason" in str(note.get("links")) for note in notes(answer))


async def test_the_answer_stays_within_its_budget_and_goes_on_with_a_cursor(any_desk: Desk) -> None:
    told = [
        await any_desk.told(f"Ana works with Bob{'x' * n} on the part number {n} of the plan")
        for n in range(30)
    ]

    seen, page = list[str](), await any_desk("recall", subject="Ana", max_tokens=400)
    while True:
        assert count_tokens(page) <= 400
        seen += ids(page)
        if "omitted" not in page:
            break
        page = await any_desk("recall", cursor=pick(page, "omitted", "cursor"), max_tokens=400)
        assert "about" not in page

    assert seen == told[::-1]


async def test_other_filters_and_questions_stay_within_the_subject(desk: Desk) -> None:
    await desk.told("Ana keeps bees in Ulm", tags=["bees"])
    cello = await desk.told("Ana plays the cello", tags=["music"])
    await desk.told("Ben plays the cello", tags=["music"])

    assert await desk.found(subject="Ana", tags=["music"]) == [cello]
    assert (await desk.found(subject="Ana", query="Who plays the cello?"))[0] == cello


async def test_a_question_for_one_thing_is_answered_as_before(desk: Desk) -> None:
    await told_of_ana(desk)

    answer = await desk("recall", query="Where does Ana live?")

    assert "about" not in answer


async def test_what_we_moved_to_at_work_is_told_in_its_words_and_hides_no_home(desk: Desk) -> None:
    await desk.told("I live in Ghent.")
    await desk.told("We moved to Postgres in June.")

    answer = await desk("recall", subject="me")

    assert "lives in Ghent" in lines(answer)
    assert "lives in Postgres" not in lines(answer)


async def test_all_of_one_of_two_in_a_subject_is_all_of_that_one(desk: Desk) -> None:
    both = await desk.told(
        "There are two: Marek Duda and Marek Pająk", subject="Marek Duda / Pająk"
    )
    call = await desk.told("On call this week: Marek Duda")
    other = await desk.told("Marek Pająk reviews the pages")

    asked = "What do we know about Marek Duda and what has he been doing this month?"
    answer = await desk("recall", query=asked)

    assert set(ids(answer)) == {both, call}
    assert other not in ids(answer)


async def test_all_of_both_of_two_in_a_subject_is_all_of_that_subject(desk: Desk) -> None:
    both = await desk.told("They are on call", subject="Marek Duda / Marek Pająk")

    asked = "What do we know about Marek Duda and Marek Pająk and what have they done this month?"

    assert ids(await desk("recall", query=asked)) == [both]


async def test_all_of_one_by_a_first_name_is_all_of_that_subject(desk: Desk) -> None:
    own = [await desk.told(text, subject="Ana Silva") for text in ("Leads the choir", "Sings alto")]
    await desk.told("Ana Costa sells bread")

    asked = "What do we know about Ana and what has she been doing this month?"

    assert set(ids(await desk("recall", query=asked))) == set(own)


@pytest.mark.parametrize(
    "query",
    [
        "quick question - what do you know about ana weber?",
        "zettel project: what do you know about ana weber?",
        "frage - wer ist ana weber?",
    ],
)
def test_what_stands_before_a_question_for_all_of_somebody_is_not_asked_for(query: str) -> None:
    assert asked_all_about_in_small_letters(query) == ""
