"""What evolution takes for names and keywords, in notes of several languages and with code."""

import pytest
from tests.tools.conftest import Desk
from tests.tools.llm_desk import stored

DEVELOPERS = {
    "a query": "```sql\nSELECT id FROM Invoices WHERE Total IS NULL AND Currency = 'x'\n```",
    "a query without a fence": "CREATE TABLE Ledger (\n  Id BIGINT NOT NULL,\n);",
    "a table": "| Owner | Region |\n|---|---|\n| Anouk Verhoeven | Baltic |",
    "a log": "2026-09-01 02:14:07,332 ERROR Importer Giving Up After Three Attempts",
    "columns": "NAME       READY   STATUS      AGE\nLedger-x   1/1     Running     3d",
    "a trace": "  at com.quill.pool.Source.acquire(Source.java:118)",
    "json": '{"event": "Entry Booked", "actor": "Import Service"}',
}


@pytest.mark.parametrize("code", DEVELOPERS.values(), ids=DEVELOPERS.keys())
async def test_code_tables_and_logs_name_nobody(desk: Desk, code: str) -> None:
    note_id = await desk.told(code)

    await desk.evolve()

    note = await stored(desk, note_id)
    assert (note.entities, note.keywords) == ((), ())


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Miriam called: the importer is slow", ("Miriam",)),
        ("Dr. Oyelaran reviewed the form", ("Oyelaran",)),
        ("Ingrid Solheim leads the team", ("Ingrid Solheim",)),
        ("We read Ursula K. Le Guin", ("Ursula K. Le Guin",)),
        ("Der Bericht an die Stiftung ist fertig, sagt Frau Dr. Kessler", ("Kessler",)),
        ("Mia Klavierunterricht ist jetzt bei Frau Yildirim", ("Yildirim",)),
        ("Yusuf hat uns die Schlüssel für den Keller gegeben", ("Yusuf",)),
        ("Camille a rendu les clés de l'appartement", ("Camille",)),
        ("Lucía prefiere el piso de la calle Colón", ("Lucía", "Colón")),
        ("数据库迁移由李强负责", ("李强",)),
        ("田中さんから電話がありました", ("田中",)),
        ("The rent is 900 EUR, due on Friday at 12:00 UTC", ()),
        ("Prices are kept as integers. Budget is fixed", ()),
        ("LAN-212 is about LEDGER_DSN", ("LAN-212", "LEDGER_DSN")),
        ("The trip to the UK was long, the US is next", ("UK", "US")),
        ("Fully agreed! But it’s late and I’ll go by train to Toronto", ("Toronto",)),
        ("We bring milk to St. Bride's on Mondays", ("St. Bride's",)),
        ("Wir fahren im Mai nach St. Pölten", ("St. Pölten",)),
        ("The hut on Mt. Kenya is full", ("Mt. Kenya",)),
        ("Bertrams Tochter Swantje wohnt in Kiel", ("Bertram", "Swantje", "Kiel")),
        ("Mats Bruder hat den Schlüssel", ("Mats Bruder",)),
        ("Jonas Schwester hat den Schlüssel", ("Jonas Schwester",)),
        ("The ramp is open. Bruno gets the green key", ("Bruno",)),
        ("Iveco was at the inspection, no defects", ("Iveco",)),
        ("Dougie broke his wrist", ("Dougie",)),
        ("L'institutrice de Maëlle voit d'Alembert", ("Maëlle", "Alembert")),
        ("On sait qu'Octave vient d'Angers", ("Octave", "Angers")),
        ("Postmortem of INC-41 is due", ("INC-41",)),
        ("Morning Tevita, the boat is ready", ("Tevita",)),
        ("Morning Star is closed today", ("Morning Star",)),
        ("Apparently Tevita Mahe is away", ("Tevita Mahe",)),
        ("Falls Lutz kommt, ist die Tür offen", ()),
        ("Bald kommt der Zug an", ()),
        ("Según Iñaki la puerta está abierta", ("Iñaki",)),
        ("Salut Tevita, la porte est ouverte", ("Tevita",)),
        ("Unmute HUL-1 after the visit", ("HUL-1",)),
        ("Elias ist Tischler von Beruf", ("Elias",)),
        ("Gestern hat Emma den Ofen repariert", ("Emma",)),
        ("Die Rechnung von Charlotte ist noch offen", ("Charlotte",)),
        ("Der Kurs in Lyss fällt aus, bei Ypsomed auch", ("Lyss", "Ypsomed")),
        ("Annegret baut die Treppe", ("Annegret",)),
        ("Tee mit Honig, ohne Zucker. Estrich ist trocken, Prüfung in Biologie", ()),
        ("Companies must register. Sentinel errors of the worker are rare", ()),
        ("Sunflowers mean warmth. Idempotency keys live in the header", ()),
        ("Sv is calibrated. Wanna see it? Webhooks are off", ()),
    ],
)
async def test_names_are_those_that_a_reader_would_mark(
    desk: Desk, text: str, names: tuple[str, ...]
) -> None:
    note_id = await desk.told(text)

    await desk.evolve()

    assert (await stored(desk, note_id)).entities == names


async def test_a_name_that_opens_a_sentence_is_known_from_another_note(desk: Desk) -> None:
    first = await desk.told("Bramwell is away")
    await desk.told("I met Bramwell at the station")

    await desk.evolve()

    assert (await stored(desk, first)).entities == ("Bramwell",)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("En Bilbao Iñaki durmió en casa", ("Bilbao", "Iñaki")),
        ("En Bilbao Iñaki no hay nada", ("Bilbao Iñaki",)),
        ("Para Iñaki Bilbao compré flores", ("Iñaki Bilbao",)),
        ("Bilbao Iñaki durmió en casa", ("Bilbao Iñaki",)),
    ],
)
async def test_a_place_before_who_does_something_there_is_a_name_of_its_own(
    desk: Desk, text: str, names: tuple[str, ...]
) -> None:
    for content in (
        "El tren a Bilbao sale a las seis",
        "Hablé con Iñaki por la tarde",
        "Lo vi con Iñaki Bilbao en el puerto",
    ):
        await desk.told(content)
    note_id = await desk.told(text)

    await desk.evolve()

    assert (await stored(desk, note_id)).entities == names


@pytest.mark.parametrize(
    ("text", "subject", "context"),
    [
        (
            "Moved to next Friday",
            "budget review",
            " about budget review. “next Friday” is 2026-11-27.",
        ),
        ("Ana flies out on 4 May 2027", "Ana", "."),
        ("Am Dienstag ist zu", "", ". “Am Dienstag” is 2026-11-24."),
        ("The offer holds next week", "", ". “next week” is 2026-11-23/2026-11-29."),
    ],
)
async def test_a_context_tells_what_a_reader_of_the_text_would_ask(
    desk: Desk, text: str, subject: str, context: str
) -> None:
    note_id = await desk.told(text, subject=subject)

    await desk.evolve()

    assert (await stored(desk, note_id)).context == f"Noted Friday, 20 November 2026{context}"


async def test_a_context_says_when_a_note_of_a_day_to_come_was_told(desk: Desk) -> None:
    opens = "The bakery opens at 6:00 from next Monday"
    note_id = await desk.told(opens, happened_at="2026-11-23")

    await desk.evolve()

    assert (await stored(desk, note_id)).context == (
        "Noted Friday, 20 November 2026, for Monday, 23 November 2026. “next Monday” is 2026-11-23."
    )


async def test_a_word_that_others_write_small_is_no_name(desk: Desk) -> None:
    note_id = await desk.told("the worst bug was in Merge")
    await desk.told("the merge failed and then the merge went through")

    await desk.evolve()

    assert (await stored(desk, note_id)).entities == ()


async def test_keywords_are_nouns_and_names_without_times_and_verbs(desk: Desk) -> None:
    note_id = await desk.told(
        "On Friday at 09:00 we moved the orphaned invoices from the importer to the ledger."
    )

    await desk.evolve()

    note = await stored(desk, note_id)
    assert set(note.keywords) == {"invoices", "importer", "ledger"}


async def test_keywords_of_german_are_its_nouns(desk: Desk) -> None:
    note_id = await desk.told("Der Bericht an die Stiftung muss bis Dienstag fertig sein")

    await desk.evolve()

    assert set((await stored(desk, note_id)).keywords) == {"bericht", "stiftung"}


@pytest.mark.parametrize(
    ("content", "keywords"),
    [
        ("The budget covers a load test of the gateway.", {"budget", "load test", "gateway"}),
        (
            "His contract ends on Monday, since the importer crashes without it.",
            {"contract", "importer"},
        ),
        ("The walk to the hall takes the ten-minute path.", {"walk", "hall", "ten-minute path"}),
        ("Room 2B17 is in brick red #9C3B24, see plans/rooms.csv.", {"brick"}),
        ("Abholen bis 16:30, Tel. 0555. Gesundheits- und Pflegekasse zahlen.", {"pflegekasse"}),
        ("Je ne veux pas qu'on me le rappelle avant la kermesse.", {"kermesse"}),
        ("The milking parlour costs 900 euros a week.", {"milking parlour"}),
        ("The goat shed in row 4 leaks; the roofer knows.", {"goat shed", "row", "roofer"}),
        ("Sheep dip must stay locked away.", {"sheep dip"}),
        ("Kiln shelves were cracked on arrival.", {"kiln shelves", "arrival"}),
        ("Lambing pens need straw for the ewes.", {"lambing pens", "straw", "ewes"}),
        ("The barn gate sticks.", {"barn gate"}),
        ("My shepherd Idwal doesn’t eat pork.", {"shepherd", "idwal", "pork"}),
        ("We scrub milk cans by hand.", {"milk cans"}),
        ("We keep the cheese moulds at 12 degrees.", {"cheese moulds"}),
        ("I am on the night shift until Easter.", {"night shift"}),
        ("Car wash tokens are in the tin.", {"car wash tokens", "tin"}),
        ("I walk to Bristol most days.", {"bristol"}),
        ("Le carnet de chèques est dans le tiroir.", {"carnet de chèques", "tiroir"}),
        ("La pompe de Julien marche sans huile d'olive.", {"pompe", "julien", "huile d'olive"}),
        ("La bomba de riego pierde agua.", {"bomba de riego"}),
        ("No me gusta el queso con moho.", {"queso", "moho"}),
        ("Die Frachtkosten stiegen um 12 Prozent.", {"frachtkosten"}),
        ("Rechnungen gehen am 3. Juni hinaus.", {"rechnungen"}),
    ],
)
async def test_a_keyword_is_a_whole_noun(desk: Desk, content: str, keywords: set[str]) -> None:
    note_id = await desk.told(content)

    await desk.evolve()

    assert set((await stored(desk, note_id)).keywords) == keywords


async def test_whose_relative_it_is_a_german_note_may_say_with_a_name_that_another_note_knows(
    desk: Desk,
) -> None:
    await desk.told("Svea hat zwei Ponys")
    note_id = await desk.told("Sveas Mutter Antje hat den Schlüssel")

    await desk.evolve()

    assert (await stored(desk, note_id)).entities == ("Svea", "Antje")


async def test_chinese_words_are_the_characters_that_return(desk: Desk) -> None:
    first = await desk.told("数据库迁移定在周五")
    second = await desk.told("数据库迁移推迟了")

    await desk.evolve()

    for note_id in (first, second):
        assert (await stored(desk, note_id)).keywords == ("数据库迁移",)


async def test_japanese_words_are_rows_of_one_script(desk: Desk) -> None:
    note_id = await desk.told("新しいサーバーの設定は金曜日の夜に行います")

    await desk.evolve()

    assert set((await stored(desk, note_id)).keywords) == {"サーバー", "設定"}
