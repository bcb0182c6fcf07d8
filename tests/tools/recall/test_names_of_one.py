"""One person or thing under several names, and what is no name at all."""

# Answers are JSON of the tools' own shapes.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportUnknownMemberType=false

import pytest
from tests.tools.conftest import Desk, ids, notes, pick
from tests.tools.llm_desk import stored

ABOUT_OYELARAN = (
    "Oyelaran called.",
    "Oyelaran's report on the consent form is late.",
    "Oyelaran is on leave until May.",
    "Oyelaran wants the retention stated in months.",
    "Oyelaran, the new lead, starts on Monday.",
    "Ask Oyelaran about the importer.",
    "Met with Dr. Miriam Oyelaran today.",
    "Oyelaran runs the audit.",
)


async def names_told(desk: Desk, asked: str) -> set[str]:
    """The names by which notes call the one of this name."""
    about = pick(await desk("recall", subject=asked), "about")
    assert isinstance(about, dict)
    return set(about["names"])


async def test_a_person_whose_name_opens_sentences_is_found_and_an_entity_of_each_note(
    desk: Desk,
) -> None:
    told = [await desk.told(content) for content in ABOUT_OYELARAN]
    await desk.told("Backups run at two.")

    assert set(await desk.found(subject="Oyelaran")) == set(told)
    await desk.evolve()

    for note_id in told:
        assert any("Oyelaran" in name for name in (await stored(desk, note_id)).entities)


@pytest.mark.parametrize("asked", ["Miriam", "oyelaran", "Miriam Oyelaran", "Dr. Oyelaran"])
async def test_first_name_surname_and_title_are_one_where_a_note_has_the_whole_name(
    any_desk: Desk, asked: str
) -> None:
    told = [
        await any_desk.told("Miriam called in the morning."),
        await any_desk.told("Dr. Oyelaran reviewed the consent form."),
        await any_desk.told("The audit is led by Miriam Oyelaran."),
        await any_desk.told("Prefers tea.", subject="Dr. Oyelaran"),
    ]
    await any_desk.told("Priya called in the morning.")

    assert await any_desk.found(subject=asked) == told[::-1]


@pytest.mark.parametrize("asked", ["Adeyemi", "Prof. Adeyemi", "prof adeyemi"])
async def test_a_name_in_small_letters_is_one_behind_a_title(any_desk: Desk, asked: str) -> None:
    told = [
        await any_desk.told("met prof adeyemi about the grant"),
        await any_desk.told("dr. adeyemi wants it by May"),
        await any_desk.told("likes tea", subject="prof adeyemi"),
        await any_desk.told("Adeyemi called."),
    ]

    assert await any_desk.found(subject=asked) == told[::-1]


KEYS = (
    "The phone number of the plumber Raphaël is 555 0101.",
    "We gave Delphine the spare keys.",
    "Every Wednesday Delphine brings the children back.",
    "The Rest of the rent is due in May.",
    "Bread needs flour.",
)


@pytest.mark.parametrize(
    ("question", "reason"),
    [
        ("phone number of delphine", "No note about Delphine states the phone number"),
        ("delphine's phone number?", "No note about Delphine states the phone number"),
        ("phone number of raphael", None),
        ("phone number of the rest", None),  # a word of a list
    ],
)
async def test_who_types_small_letters_alone_means_the_names_that_notes_have(
    any_desk: Desk, question: str, reason: str | None
) -> None:
    for content in KEYS:
        await any_desk.told(content)
    await any_desk.evolve()

    answer = await any_desk("recall", query=question)

    assert str(answer.get("reason", "")).partition(";")[0] == (reason or "")


async def test_beside_capitals_and_where_notes_have_it_as_a_word_it_is_none(desk: Desk) -> None:
    for content in KEYS:
        await desk.told(content)
    await desk.evolve()
    beside = await desk("recall", query="Does Raphaël have the phone number of delphine?")
    await desk.told("A delphine is a dolphin in an old book.")

    answer = await desk("recall", query="phone number of delphine")

    assert "Delphine" not in str(beside.get("reason"))
    assert (answer["verdict"], notes(answer)[0]["content"]) == ("found", KEYS[0])


async def test_a_word_in_small_letters_without_a_title_is_no_name(desk: Desk) -> None:
    await desk.told("Asked the doctor about bad sleep.")
    called = await desk.told("Bad called.")

    assert await desk.found(subject="Bad") == [called]


async def test_two_people_with_one_first_name_are_not_one(any_desk: Desk) -> None:
    silva = await any_desk.told("The boat belongs to Ana Silva.")
    costa = await any_desk.told("The house was sold by Ana Costa.")
    alone = await any_desk.told("Ana called about the boat.")

    both = await any_desk("recall", subject="Ana")

    assert ids(both) == [alone, costa, silva]
    assert set(pick(both, "about", "several")) == {"Ana Silva", "Ana Costa"}  # pyright: ignore[reportArgumentType]
    assert await any_desk.found(subject="Ana Silva") == [silva]


@pytest.mark.parametrize(
    "told",
    [
        "Miriam is also known as Mimi.",
        "Miriam, aka Mimi, leads the audit.",
        "Mimi is short for Miriam.",
        "Miriam is also called Mimi.",
        "Miriam, better known as Mimi, leads the audit.",
        "Miriam goes by Mimi.",
        "Miriam's nickname is Mimi.",
        "Miriams Spitzname ist Mimi.",
        "Miriam heißt auch Mimi.",
        "Miriam wird Mimi genannt.",
        "Miriam, conocida como Mimi, dirige la auditoría.",
        "Miriam también se llama Mimi.",
        "Miriam, dite Mimi, dirige l'audit.",
        "Miriam s'appelle aussi Mimi.",
        "Miriam is Dr. Mimi.",
    ],
)
async def test_a_note_that_tells_another_name_makes_two_one(any_desk: Desk, told: str) -> None:
    joins = await any_desk.told(told)
    mimi = await any_desk.told("Mimi plays the cello.")

    assert await any_desk.found(subject="Miriam") == [mimi, joins]
    assert await names_told(any_desk, "Mimi") == {"Miriam", "Mimi"}


@pytest.mark.parametrize("asked", ["Tobi", "Tobias", "Tobias Renner"])
async def test_a_short_name_has_the_relations_of_the_whole_one(any_desk: Desk, asked: str) -> None:
    told = [
        await any_desk.told("My colleague Tobias Renner is the brother of Lea Renner."),
        await any_desk.told("Tobi is short for Tobias."),
        await any_desk.told("Tobi plays the cello."),
    ]

    answer = await any_desk("recall", subject=asked)

    assert ids(answer) == told[::-1]
    lines = pick(answer, "about", "relations")
    assert [pick(line, "line") for line in lines] == [  # pyright: ignore[reportGeneralTypeIssues]
        "brother of Lea Renner",
        "colleague of the user",
    ]


async def test_a_short_name_of_several_has_the_relations_of_none(any_desk: Desk) -> None:
    await any_desk.told("My colleague Tobias Renner called.")
    await any_desk.told("My neighbour Tobias Kranz called.")
    await any_desk.told("Tobi is short for Tobias.")

    about = pick(await any_desk("recall", subject="Tobi"), "about")

    assert isinstance(about, dict)
    assert set(about["several"]) == {"Tobias Renner", "Tobias Kranz"}
    assert "relations" not in about


async def test_a_whole_name_whose_short_one_others_have_too_is_of_one(any_desk: Desk) -> None:
    await any_desk.told("Tobias Renner is the brother of Lea Renner.")
    await any_desk.told("Tobias Renner is also called Tobias.")
    await any_desk.told("Tobias Kranz called.")

    about = pick(await any_desk("recall", subject="Tobias Renner"), "about")

    assert isinstance(about, dict)
    assert "several" not in about
    assert [pick(line, "line") for line in about["relations"]] == ["brother of Lea Renner"]


async def test_a_name_is_told_by_a_trusted_note_alone(desk: Desk) -> None:
    await desk.told("Miriam is also known as Mallory.", source="https://example.org/page")
    miriam = await desk.told("Miriam plays the cello.")
    await desk.told("Mallory keeps the keys.")

    assert miriam in await desk.found(subject="Miriam")
    assert await names_told(desk, "Miriam") == {"Miriam"}


async def test_the_names_of_the_profile_are_i(any_desk: Desk) -> None:
    profile = await any_desk.told("The user is Jonas Weber.", kind="core")
    nuts = await any_desk.told("Is allergic to nuts.", subject="user")
    review = await any_desk.told("The review was done by Jonas.")
    sister = await any_desk.told("My sister Lena lives in Lyon.", subject="user")
    await any_desk.told("Ben counted boats.")

    for asked in ("I", "user", "Jonas", "Jonas Weber"):
        assert await any_desk.found(subject=asked) == [profile, sister, review, nuts], asked
    lines = pick(await any_desk("recall", subject="Jonas"), "about", "relations")
    assert [pick(line, "line") for line in lines] == ["sister: Lena"]  # pyright: ignore[reportGeneralTypeIssues]


@pytest.mark.parametrize(
    "told",
    [
        "User prefers dark mode.",
        "Run `SELECT Name FROM Customers` first.",
        "```\nclass LedgerClient:\n    pass\n```",
        "Tests failed on main.",
        "Bread needs flour.",
        "Besichtigung am Montag um zehn Uhr, mit der Wohnungsgeberbestätigung.",
    ],
)
async def test_roles_code_and_sentence_starts_are_no_entities(desk: Desk, told: str) -> None:
    note_id = await desk.told(told)
    await desk.evolve()

    assert (await stored(desk, note_id)).entities == ()


OWN = (
    "My name is Farid Haddad.",
    "I live in Lyon.",
    "The user works as a piano tuner.",
    "My doctor is Dr. Salma Orsini.",
    "Ich trinke keinen Kaffee.",
    "Mon bureau est au deuxième étage.",
    "Trabajo como afinador los martes.",
)
OF_OTHERS = (
    ("Ana said “I moved to Nantes”.", {}),
    ("I moved to Nantes and my sister followed.", {"subject": "Ana"}),
    ("I can help with my tools.", {"subject": "assistant"}),
    ("My name is Mallory and I keep the keys.", {"source": "https://example.org/page"}),
    ("Priya: I moved to Oslo, my flat is small.", {}),
    ("> I quit my job\nAnswered by mail.", {}),
    ("Should I move to Nantes?", {}),
    ("Part I of the report is done.", {}),
    ("Zwei Karten zu je 59,90 sind bei der Kasse und warten.", {}),
    ("La cuota es de 30 euros al mes y el contrato vence en junio.", {}),
    ("Users log in with a code, the user sees a form.", {}),
)


async def test_without_a_profile_i_am_who_tells_of_themselves_and_nobody_who_is_quoted(
    any_desk: Desk,
) -> None:
    told = [await any_desk.told(content) for content in OWN]
    named = await any_desk.told("The piano at the school was tuned by Farid.")
    for content, more in OF_OTHERS:
        await any_desk.told(content, **more)

    [name, *others] = told
    for asked in ("me", "I", "the user", "Farid", "Farid Haddad", "moi", "ich"):
        assert await any_desk.found(subject=asked) == [name, named, *others[::-1]], asked


@pytest.mark.parametrize(
    "asked",
    [
        "Who am I?",
        "What's my name?",
        "Wer bin ich?",
        "我是谁？",
        "Comment est-ce que je m'appelle ?",
    ],
)
async def test_who_i_am_is_told_without_a_profile_by_my_name_and_no_web_page(
    desk: Desk, asked: str
) -> None:
    told = [await desk.told(content) for content in OWN]
    for content, more in OF_OTHERS:
        await desk.told(content, **more)

    answer = await desk("recall", query=asked)

    assert ids(answer)[0] == told[0]
    assert set(told) <= set(ids(answer))
    assert not [note for note in notes(answer) if "My name is Mallory" in str(note["content"])]


ABOUT_ME = (
    "What do you know about me?",
    "Tell me everything you know about me",
    "Was weißt du über mich?",
    "Que sais-tu sur moi ?",
    "¿Qué sabes de mí?",
    "你知道我的哪些事？",
    "你了解我什么？",
    "私のことを何か知っていますか？",
)


async def test_all_about_me_is_what_the_subject_me_gives(any_desk: Desk) -> None:
    await any_desk.told("Answers in metric units.", kind="core")
    for content in OWN:
        await any_desk.told(content)
    await any_desk.told("The tram was late.")

    of_me = await any_desk.found(subject="me")
    assert len(of_me) == len(OWN) + 1
    for asked in ABOUT_ME:
        assert await any_desk.found(query=asked) == of_me, asked


async def test_what_we_tell_of_family_and_home_is_of_the_user_and_no_work(desk: Desk) -> None:
    own = [
        await desk.told(content)
        for content in (
            "Our daughter Petronella starts at the academy.",
            "Our house has a leaking roof.",
            "We moved to Ghent in June.",
            "Unsere Tochter Lotte geht ins Internat.",
            "Notre jardin est inondé.",
            "Nuestra casa tiene goteras.",
        )
    ]
    for content in (
        "We deploy on Mondays.",
        "Our API listens on 8080.",
        "Our house style forbids passive voice.",
        "Our child processes leak memory.",
        "Unser Server läuft auf Debian.",
    ):
        await desk.told(content)

    answer = await desk("recall", query="What do you know about me?")

    assert set(ids(answer)) == set(own)
    about = pick(answer, "about")
    assert isinstance(about, dict)
    told = {str(pick(one, "line")) for one in about["relations"]}
    assert told == {"daughter: Petronella", "daughter: Lotte", "moved to Ghent"}


async def test_a_name_on_a_web_page_or_in_a_quotation_is_not_the_users(desk: Desk) -> None:
    for content, more in OF_OTHERS:
        await desk.told(content, **more)
    await desk.told('The clerk wrote "My name is Mallory".')
    await desk.told("Mallory keeps the keys.")

    assert ids(await desk("recall", subject="me")) == []


TALK = """Rosalind: The trustees met again on Tuesday, did you hear what became of the sails?
Ewan: I only heard that they had asked for offers. How many did you get in the end?
Rosalind: Three, from Norfolk, Kent and Holland, and the one from Norfolk was taken.
Ewan: I thought you would take the Dutch one. For how much will they do the work?
Rosalind: For 23,400 pounds, with the scaffolding, which I find rather cheap.
Ewan: Good, I feared it would be more. When do you think that they can begin?
Rosalind: They told me in April, if the oak for the stocks is dry enough by then.
Ewan: Then I shall ask my brother whether he can lend us the crane in April."""


async def test_a_talk_told_with_a_subject_is_found_whole_by_it(any_desk: Desk) -> None:
    told = await any_desk("remember", content=TALK, subject="windmill")
    await any_desk.told("Ewan mends the barn.", tags=["barn"])

    answer = await any_desk("recall", query="Which offer was taken?", subject="Windmill")

    found = await any_desk.found(subject="windmill", limit=20)
    assert {pick(told, "note_id"), pick(told, "parts", 2)} < set(found)
    assert len(found) == 8
    assert "Norfolk was taken" in str(pick(answer, "notes", 0, "content"))
    assert await any_desk.found(subject="gist") == []


@pytest.mark.parametrize("asked", ["Miriam Oyelaran", "miriam oyelaran"])
async def test_a_whole_name_in_small_letters_finds_what_its_parts_find(
    desk: Desk, asked: str
) -> None:
    told = [await desk.told(content) for content in ABOUT_OYELARAN]
    told.append(await desk.told("Miriam likes tea."))

    assert set(await desk.found(subject=asked, limit=20)) == set(told)


@pytest.mark.parametrize("also", [{"tags": ["tea"]}, {"kind": "core"}, {"until": "2020"}])
async def test_a_name_of_somebody_known_is_not_denied_for_another_filter(
    desk: Desk, also: dict[str, object]
) -> None:
    await desk.told("Miriam Oyelaran runs the audit.", subject="Miriam Oyelaran")
    await desk.told("Ben drinks it", tags=["tea"])

    answer = await desk("recall", subject="Miriam", **also)

    assert answer["reason"] == "No note matches all the filters."


async def test_a_namespace_of_what_was_superseded_is_not_said_to_be_empty(desk: Desk) -> None:
    older = await desk.told("Ben drinks tea", namespace="user")
    link = {"to": older, "relation": "supersedes"}
    await desk.told("Ben drinks coffee", namespace="proj", links=[link])

    answer = await desk("recall", query="What does Ben drink?", namespace="user")

    said = "Namespace 'user' holds no current notes. Most are in 'proj'."
    assert str(answer["reason"]).startswith(said)
