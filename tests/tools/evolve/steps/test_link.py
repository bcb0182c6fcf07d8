"""Which notes evolution links, and which only seem to have something in common."""

import pytest
from tests.tools.conftest import Desk
from tests.tools.llm_desk import stored


@pytest.mark.parametrize(
    ("older", "younger"),
    [
        ("The flat costs 900 EUR", "Tyres are 45 EUR"),
        ("Paid in euros at the market", "The rent is 900 euros"),
        ("The tank holds forty litres", "We need ten litres of paint"),
        ("Das Paket wiegt sechs Kilogramm", "Mit zwei Kilogramm Mehl backen"),
        ("On a vendu trois litres de vin", "Il reste deux litres de peinture"),
        ("Faltan dos kilómetros de valla", "El paseo es de diez kilómetros"),
        ("市場はユーロで払った", "家賃は九百ユーロです"),
        ("Logs are kept in UTC", "We ring Boston at 13:00 UTC"),
        ("The API is slow", "Nobody reads the API docs"),
        ("Der Termin ist um 8 Uhr", "Das Bad wird um 9 Uhr geputzt"),
        ("$ git log\n# bad: [9f2c1e7] Bump", "Die Heizung im Bad klopft"),
    ],
)
async def test_a_unit_or_a_common_word_links_nothing(desk: Desk, older: str, younger: str) -> None:
    await desk.told(older)
    note_id = await desk.told(younger)

    await desk.evolve()

    assert (await stored(desk, note_id)).links == ()


async def test_the_roles_of_a_conversation_link_nothing(desk: Desk) -> None:
    await desk.told("Rain is forecast", subject="assistant")
    note_id = await desk.told("Bread takes flour", subject="assistant")

    await desk.evolve()

    assert (await stored(desk, note_id)).links == ()


async def test_notes_that_name_a_busy_colleague_are_linked_if_they_share_more(desk: Desk) -> None:
    deploy = await desk.told("the deploy of the gateway is watched by Zebulon")
    await desk.told("a cake came from Zebulon")
    await desk.told("we sang with Zebulon")
    await desk.told("rain fell on Zebulon")
    alike = await desk.told("the deploy of the gateway broke, says Zebulon")
    alone = await desk.told("my bicycle went to Zebulon")

    await desk.evolve()

    assert [link.to for link in (await stored(desk, alike)).links] == [deploy]
    assert (await stored(desk, alone)).links == ()


async def test_a_colleague_is_linked_to_the_note_that_introduces_them(desk: Desk) -> None:
    known = await desk.told("Zebulon Quist, our gardener")
    for text in ("a cake came from Zebulon", "we sang with Zebulon", "rain fell on Zebulon"):
        await desk.told(text)
    late = await desk.told("my bicycle went to Zebulon")

    await desk.evolve()

    assert [link.to for link in (await stored(desk, late)).links] == [known]


@pytest.mark.parametrize(
    "introduction",
    [
        "Zebulon is our new gardener",
        "Our gardener Zebulon",
        "Zebulon ist unser neuer Gärtner",
        "Zebulon, notre jardinier",
        "Nuestro jardinero Zebulon",
    ],
)
async def test_notes_on_somebody_are_linked_to_the_one_that_says_who_that_is(
    desk: Desk, introduction: str
) -> None:
    await desk.told("a cake came from Zebulon")
    known = await desk.told(introduction)
    texts = ("we sang with Zebulon", "rain fell on Zebulon", "my bicycle went to Zebulon")
    later = [await desk.told(text) for text in texts]

    await desk.evolve()

    for note_id in later:
        assert [link.to for link in (await stored(desk, note_id)).links] == [known]


async def test_of_several_notes_on_somebody_the_first_introduces_them(desk: Desk) -> None:
    first = await desk.told("She grew up on a farm near Tromsø", subject="Ingrid")
    for content in ("She never eats fish", "Her car is at the garage"):
        await desk.told(content, subject="Ingrid")
    last = await desk.told("Ingrid called about the concert")

    await desk.evolve()

    assert [link.to for link in (await stored(desk, last)).links] == [first]


async def test_who_somebody_is_tells_the_note_that_says_so_or_the_first_with_the_whole_name(
    desk: Desk,
) -> None:
    first = await desk.told("The export is tested by Ingrid Solheim")
    for content in ("Ingrid Solheim wants Parquet", "Tea with Ingrid", "Mail from Ingrid"):
        await desk.told(content)
    before = await desk.told("The gate code came from Ingrid")
    said = await desk.told("Our vet Ingrid closes at noon")
    after = await desk.told("A cake was baked for Ingrid")

    await desk.evolve()

    assert await named_with(desk, before) == [first]
    assert await named_with(desk, after) == [said]


async def named_with(desk: Desk, note_id: str) -> list[str]:
    """The ids of the notes that a note is linked with for a name."""
    links = (await stored(desk, note_id)).links
    return [link.to for link in links if link.relation == "shares_name"]


async def test_a_chinese_name_links_its_notes(desk: Desk) -> None:
    older = await desk.told("数据库迁移由李强负责")
    younger = await desk.told("李强说脚本已经测试完毕")

    await desk.evolve()

    [link] = (await stored(desk, younger)).links
    assert (link.to, link.relation) == (older, "shares_name")


async def test_who_asks_and_goes_on_does_not_answer(desk: Desk) -> None:
    asked = await desk.told("Which train shall we take?", subject="Ada", session="s")
    desk.later(minutes=1)
    more = await desk.told("Mornings suit me", subject="Ada", session="s")
    desk.later(minutes=1)
    await desk.told("And which seats?", subject="Ada", session="s")
    desk.later(minutes=1)
    answer = await desk.told("By the window", subject="Ben", session="s")

    await desk.evolve()

    relations = [link.relation for link in (await stored(desk, more)).links]
    assert "answers" not in relations, asked
    assert [link.relation for link in (await stored(desk, answer)).links] == ["answers"]


async def test_a_long_note_that_says_confirmed_supports_no_other(desk: Desk) -> None:
    earlier = await desk.told("the courier brings parcels to the berth", session="s")
    desk.later(minutes=1)
    note_id = await desk.told(
        "A slot is confirmed. The berth is full. A courier asked for parcels.", session="s"
    )

    await desk.evolve()

    supports = [
        link.to for link in (await stored(desk, note_id)).links if link.relation == "supports"
    ]
    assert earlier not in supports


@pytest.mark.parametrize(
    ("told", "relation"),
    [
        ("Ana is the sister of Markus.", "sister_of"),
        ("Mi hermana se llama Ana. Ana es la hermana de Markus.", "sister_of"),
        ("Ana reports to Markus.", "reports_to"),
    ],
)
async def test_a_stated_relation_links_its_note_to_the_one_that_introduces_the_other(
    desk: Desk, told: str, relation: str
) -> None:
    known = await desk.told("Markus is a baker in Ulm.")
    note_id = await desk.told(told)

    await desk.evolve()

    [link] = (await stored(desk, note_id)).links
    assert (link.to, link.relation, link.made_by) == (known, relation, "rule")


async def test_a_relation_that_is_corrected_takes_its_link_along(desk: Desk) -> None:
    await desk.told("Markus is a baker in Ulm.")
    note_id = await desk.told("Ana is the sister of Markus.")
    await desk.evolve()

    await desk("update", note_id=note_id, content="Ana bought a boat.", correction=True)
    await desk.evolve()

    assert not any(link.stood(None) for link in (await stored(desk, note_id)).links)


@pytest.mark.parametrize(
    ("older", "younger", "thing"),
    [
        ("the wort chiller leaks", "ring the shop about the wort chiller", "wort chiller"),
        ("Der Wärmezähler im Keller klemmt", "Der Wärmezähler ist geeicht", "wärmezähler"),
    ],
)
async def test_notes_on_the_same_uncommon_thing_are_linked_and_say_on_what(
    desk: Desk, older: str, younger: str, thing: str
) -> None:
    known = await desk.told(older)
    note_id = await desk.told(younger)

    await desk.evolve()

    [link] = (await stored(desk, note_id)).links
    assert (link.to, link.relation, link.made_by) == (known, "same_thing", "rule")
    assert link.reason == f"both are about {thing}"


async def test_notes_on_a_thing_of_several_words_share_each_of_them(desk: Desk) -> None:
    await desk.told("The flood alarm of the mill has a new siren and a new lamp")
    known = await desk.told("The alarms of the mill go by mail to the warden and the mayor")
    note_id = await desk.told("The alarm mail of the mill now has a map of the weir")

    await desk.evolve()

    things = [n for n in (await stored(desk, note_id)).links if n.relation == "same_thing"]
    assert [(n.to, n.reason) for n in things] == [(known, "both are about alarm mail")]


async def test_a_thing_of_which_many_notes_speak_links_none_of_them(desk: Desk) -> None:
    for rest in ("leaks", "sings at noon", "has a green lid", "came from Riga", "is lent out"):
        note_id = await desk.told(f"the wort chiller {rest}")

    await desk.evolve()

    relations = {link.relation for link in (await stored(desk, note_id)).links}
    assert "same_thing" not in relations


@pytest.mark.parametrize(
    ("older", "younger", "thing"),
    [
        ("The sackbut is in the loft of my aunt", "Ring Hull about the sackbut", "sackbut"),
        ("A hygrometer hangs near coats", "New hygrometer battery in spring", "hygrometer"),
        ("Das Spinett steht bei Onkel Veit", "Vor dem Frost das Spinett stimmen", "spinett"),
        ("Das Butterfass ist von Oma", "Der Deckel vom Butterfass hat Risse", "butterfass"),
        ("La cornemuse est percée", "Solange a vendu la cornemuse à Gray", "cornemuse"),
        ("El botijo está roto", "Compré el botijo de Agost ayer", "botijo"),
        ("薬研を骨董市で買った", "車輪が欠けている薬研", "薬研"),
    ],
)
async def test_a_word_that_no_list_has_links_notes_however_far_apart(
    desk: Desk, older: str, younger: str, thing: str
) -> None:
    known = await desk.told(older)
    note_id = await desk.told(younger)

    await desk.evolve()

    things = [n for n in (await stored(desk, note_id)).links if n.relation == "same_thing"]
    assert [(n.to, n.reason) for n in things] == [(known, f"both are about {thing}")]


async def test_a_document_that_names_a_thing_in_passing_is_not_linked_for_it(desk: Desk) -> None:
    rows = " ".join(f"Item {number} of the inventory is a chair." for number in range(20))
    await desk.told(f"{rows} The sackbut is item 21.")
    note_id = await desk.told("Ring Hull about the sackbut")

    await desk.evolve()

    assert (await stored(desk, note_id)).links == ()


@pytest.mark.parametrize(
    ("older", "younger"),
    [
        ("Ottokar called about a roof", "ottokar will pay on Friday"),
        ("Henrike: Der Wechsel ist im März", "Henrike: Alle Dateien liegen im Bucket"),
    ],
)
async def test_the_name_of_a_person_is_no_thing(desk: Desk, older: str, younger: str) -> None:
    await desk.told(older)
    note_id = await desk.told(younger)

    await desk.evolve()

    relations = {link.relation for link in (await stored(desk, note_id)).links}
    assert "same_thing" not in relations


@pytest.mark.parametrize(
    ("texts", "name"),
    [
        (
            [
                "Outage in May, written up as KIT-41: the disk of node two was full",
                "Priya was annoyed by KIT-41",
                "El informe de KIT-41 lo escribe Mateo",
                "Gareth closed the action from KIT-41",
            ],
            "KIT-41",
        ),
        (
            [
                "Thresholds live in table `gate_limit`; the old map is deleted",
                "INSERT INTO gate_limit (gate, value) VALUES ('north', 45);",
            ],
            "gate_limit",
        ),
        (
            [
                "Report for Dunstan: a chart, its template in reports/weekly.typ",
                "```typst\n// reports/weekly.typ\n#set page(margin: 2cm)\n```",
            ],
            "reports/weekly.typ",
        ),
        (["Crash on empty rows, see #873", "#873 waits for review"], "#873"),
    ],
)
async def test_an_identifier_links_its_notes_to_the_first_that_has_it(
    desk: Desk, texts: list[str], name: str
) -> None:
    first, *later = [await desk.told(text) for text in texts]

    await desk.evolve()

    for note_id in later:
        links = (await stored(desk, note_id)).links
        assert (first, f"both name {name}") in [(link.to, link.reason) for link in links]


@pytest.mark.parametrize(
    ("older", "younger"),
    [
        ("Files are saved as UTF-8", "The mail came as UTF-8 again"),
        ("Rain on 2026/05/03 and/or hail", "Bread of 2026/05/03 and/or cake"),
        ("The logo is #123456", "Walls of the hall get #123456"),
    ],
)
async def test_what_only_looks_like_an_identifier_links_nothing(
    desk: Desk, older: str, younger: str
) -> None:
    await desk.told(older)
    note_id = await desk.told(younger)

    await desk.evolve()

    relations = {link.relation for link in (await stored(desk, note_id)).links}
    assert relations.isdisjoint({"shares_name", "same_thing"})


async def test_a_word_alone_does_not_link_notes_that_are_far_apart(desk: Desk) -> None:
    await desk.told("the chiller leaks, so Monday's wort was poured away behind the old barn")
    note_id = await desk.told(
        "four bicycles, a tandem and the chiller go to Ulm by train with my youngest nephew"
    )

    await desk.evolve()

    assert (await stored(desk, note_id)).links == ()


async def test_what_people_say_to_each_other_is_not_linked_for_a_word(desk: Desk) -> None:
    for number in range(4):
        await desk.told(f"Did the choir sing on day {number}?", subject="Ada", session="s")
        await desk.told(f"They did, {number} songs", subject="Ben", session="s")
    await desk.told("the wort chiller leaks", subject="Ada", session="t")
    note_id = await desk.told("ring the shop about the wort chiller", subject="Ben", session="t")

    await desk.evolve()

    relations = {link.relation for link in (await stored(desk, note_id)).links}
    assert "same_thing" not in relations
