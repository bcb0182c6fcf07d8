"""What recall says of why it is not sure agrees with the notes that it shows."""

import pytest
from tests.tools.conftest import Desk, notes


async def told(desk: Desk, *contents: str) -> None:
    for content in contents:
        await desk.told(content)


async def test_what_the_user_says_of_themselves_without_a_subject_is_theirs(desk: Desk) -> None:
    await desk.told("The user answers short, in English", kind="core", subject="user")
    await desk.told("The user has no calls at noon", subject="user")
    await told(desk, "Brass band of Lindach: I play the euphonium", "Ilse sings alto in the choir")

    answer = await desk("recall", query="Which instrument do I play in the brass band?")

    assert "euphonium" in str(notes(answer)[0]["content"])
    assert answer["verdict"] == "found"


@pytest.mark.parametrize("who", ["my mother", "my sister"])
async def test_what_the_user_says_of_themselves_is_not_told_of_their_family(
    desk: Desk, who: str
) -> None:
    await desk.told("The user answers short, in English", kind="core", subject="user")
    await desk.told("The user has no calls at noon", subject="user")
    await told(desk, "Brass band of Lindach: I play the euphonium", "Ilse sings alto in the choir")

    answer = await desk("recall", query=f"Which instrument does {who} play in the brass band?")

    assert answer["verdict"] == "uncertain"


@pytest.mark.parametrize(
    ("note", "question"),
    [
        ("My new dentist is Dr. Lang, phone 0316 654321", "What is my dentist's phone number?"),
        ("The dentist is Dr. Lang, phone 0316 654321", "What is my dentist's phone number?"),
        ("Unser Zahnarzt ist Dr. Lang, Telefon 0316 654321", "Telefonnummer von meinem Zahnarzt?"),
    ],
)
async def test_who_is_something_to_the_user_is_told_by_notes_without_a_subject_too(
    desk: Desk, note: str, question: str
) -> None:
    await desk.told("The user has no calls at noon", subject="user")
    await told(desk, note, "Ilse sings alto in the choir", "The boiler is serviced in May")

    answer = await desk("recall", query=question)

    assert notes(answer)[0]["content"] == note
    assert answer["verdict"] == "found"


async def test_who_is_something_to_another_is_not_so_to_the_user(desk: Desk) -> None:
    await desk.told("The user has no calls at noon", subject="user")
    await desk.told("My dentist is Dr. Lang, phone 0316 654321", subject="Ilse")
    await told(desk, "The boiler is serviced in May")

    answer = await desk("recall", query="What is my dentist's phone number?")

    assert answer["verdict"] == "uncertain"


async def test_what_another_says_is_not_the_users(desk: Desk) -> None:
    await desk.told("The user answers short, in English", kind="core", subject="user")
    await desk.told("Brass band of Lindach: I play the euphonium", subject="Ilse")

    answer = await desk("recall", query="Which instrument do I play in the brass band?")

    assert answer["verdict"] == "uncertain"


async def test_that_nothing_is_stated_is_not_said_of_notes_with_a_number_that_may_be_it(
    desk: Desk,
) -> None:
    await told(desk, "Tuula has the boathouse at the lake", "The mast of the dinghy broke")
    question = "What is the number plate of Tuula's trailer at the boathouse?"
    before = await desk("recall", query=question)

    await told(desk, "Tuula has the boathouse at the lake, trailer 7-41 stands there")
    after = await desk("recall", query=question)

    assert before["reason"] == "No note states the number plate; these are the nearest."
    assert after["reason"] == "No note plainly states the number plate; these are the nearest."


async def test_what_a_shown_note_states_of_another_is_denied_of_the_asked_one_alone(
    desk: Desk,
) -> None:
    await told(
        desk,
        "Get three offers for a hay baler: Vogel & Sohn, Kranich, Brill.",
        "Vogel & Sohn: hay baler 41,800 euros, in May",
        "Kranich: hay baler, used, 37,200 euros",
        "The cat sleeps in the barn",
    )

    answer = await desk("recall", query="What does the hay baler of Brill cost?")

    assert answer["verdict"] == "uncertain"
    assert (
        answer["reason"] == "No note about Brill states the amount of money; these are the nearest."
    )


async def test_what_can_be_told_in_many_ways_is_not_found_in_a_note_of_another_alone(
    desk: Desk,
) -> None:
    await told(
        desk,
        "Derek runs the boiler in the basement of Lindenhof",
        "The windows of Rosenhof are new",
        "The cat sleeps in the barn",
    )

    of_lindenhof, of_rosenhof = [
        await desk("recall", query=f"Who runs the boiler in the basement of {house}?")
        for house in ("Lindenhof", "Rosenhof")
    ]

    assert of_lindenhof["verdict"] == "found"
    assert of_rosenhof["verdict"] == "uncertain"
    assert (
        of_rosenhof["reason"] == "No note about Rosenhof is sure to answer; these are the nearest."
    )


@pytest.mark.parametrize(
    ("title", "question"),
    [
        ("Frau", "What is Frau Amsel-Rieck's mobile number?"),
        ("Mrs", "What is Mrs Amsel-Rieck's mobile number?"),
        ("Madame", "What is Madame Amsel-Rieck's mobile number?"),
    ],
)
async def test_a_title_is_no_name_that_others_have_too(
    desk: Desk, title: str, question: str
) -> None:
    await told(
        desk,
        f"{title} Amsel-Rieck is the contact at the joinery",
        f"{title} Lorch is at the insurance, mobile 0171 555 0318",
        "The cat sleeps in the barn",
    )

    answer = await desk("recall", query=question)

    assert answer["verdict"] == "uncertain"
    assert "about Amsel-Rieck" in str(answer["reason"])


@pytest.mark.parametrize(
    "question",
    [
        "How much memory do I request for gridding?",
        "What is the phone number of my ship?",
        "What is the password of my locker?",
    ],
)
async def test_one_note_about_the_user_does_not_make_all_others_about_somebody_else(
    desk: Desk, question: str
) -> None:
    await told(
        desk,
        "Gridding takes 64 GB of memory on the big nodes",
        "The ship leaves from Tromsø; its phone number is 0316 654321",
        "The locker in the changing room has the password heron-12",
        "The cat sleeps in the barn",
        "Coffee in the canteen is free before nine",
    )
    await desk.told("The assay needs two days", subject="Turid Eikeland")
    before = await desk("recall", query=question)

    await desk.told("I take vitamin D every morning", subject="user")
    after = await desk("recall", query=question)

    assert before["verdict"] == "found"
    assert after["verdict"] == "found"
    assert notes(after)[0]["note_id"] == notes(before)[0]["note_id"]


@pytest.mark.parametrize(
    ("question", "verdict"),
    [
        ("Quand est né Bruno ?", "found"),
        ("Quand est né le neveu de Bruno ?", "uncertain"),
        ("Quelles allergies a Anouk ?", "found"),
        ("Quelles allergies a Bruno ?", "uncertain"),
        ("Quand est né mon neveu ?", "uncertain"),
    ],
)
async def test_a_note_of_whom_is_asked_that_states_it_in_words_for_nothing_else_answers(
    desk: Desk, question: str, verdict: str
) -> None:
    await desk.told("The user lives in Roanne. Born 3 March 1982.", kind="core")
    await told(
        desk,
        "Anouk has been allergic to peanuts ever since she was a child, and carries a pen for it",
        "Bruno, born in 1990, avoids the motorway and keeps the accounts of the boat club in React",
        "The windows of Rosenhof are new",
        "The cat sleeps in the barn",
        "Coffee in the canteen is free before nine",
    )

    assert (await desk("recall", query=question))["verdict"] == verdict


async def test_a_name_with_an_apposition_is_not_called_by_it(desk: Desk) -> None:
    await told(
        desk,
        "Anouk, born in 1990, keeps the keys and the accounts of the boat club by the harbour",
        "Anouk: allergic to peanuts",
        "Anouk's sister Lea plays the cello",
        "The windows of Rosenhof are new",
        "The cat sleeps in the barn",
    )

    answer = await desk("recall", query="Quand est née Anouk ?")

    assert answer["verdict"] == "found"


async def test_to_a_question_in_two_steps_a_note_of_the_name_found_first_answers(
    desk: Desk,
) -> None:
    await told(
        desk,
        "Hanneke's colleague is Odalys",
        "Odalys, project of the colleague: Timo, boiler and basement",
        "The windows of Rosenhof are new",
        "The cat sleeps in the barn",
    )

    answer = await desk(
        "recall", query="Who runs the boiler of the project of Hanneke's colleague?"
    )

    assert answer["verdict"] == "found"


@pytest.mark.parametrize(
    ("content", "question", "whom"),
    [
        ("Ben's birthday is on 3 March.", "When is my birthday?", "the user"),
        ("Ben's phone number is 0151 2345.", "What is my phone number?", "the user"),
        ("My daughter Lotte is allergic to hazelnuts.", "What am I allergic to?", "the user"),
        ("My brother Jonas turned 40 on 3 May.", "How old am I?", "the user"),
        ("Mein Bruder Jonas hat am 3. Mai Geburtstag.", "Wann habe ich Geburtstag?", "the user"),
        ("Johanna's mother turns 70 in May.", "How old is Johanna?", "Johanna"),
    ],
)
async def test_what_somebody_else_has_does_not_answer_what_is_asked_of_the_user(
    desk: Desk, content: str, question: str, whom: str
) -> None:
    await told(desk, content, "The deploy takes four minutes", "The garden needs water")

    answer = await desk("recall", query=question)

    assert answer["verdict"] == "uncertain"
    assert f"about somebody else, not {whom}" in str(answer["reason"])


@pytest.mark.parametrize(
    ("content", "question"),
    [
        ("I live in Freiburg, near the river.", "Where do I live?"),
        ("Lives in Graz, Hauptstrasse 5", "Where do I live?"),
        ("My daughter Lotte is allergic to hazelnuts.", "What is my daughter allergic to?"),
        ("My brother and I are allergic to hazelnuts.", "What am I allergic to?"),
        ("Johanna turns 70 in May.", "How old is Johanna?"),
        ("Siemens is the employer since 2019.", "Who is my employer?"),
        ("Meine Frau und wir alle wohnen in Graz.", "Wo wohne ich?"),
        ("Johanna's husband Karl and she live in Graz.", "Where does Johanna live?"),
    ],
)
async def test_what_the_user_told_of_themselves_or_nobody_is_named_in_answers(
    desk: Desk, content: str, question: str
) -> None:
    await told(desk, content, "The deploy takes four minutes", "The garden needs water")

    assert (await desk("recall", query=question))["verdict"] == "found"


async def test_the_name_that_the_user_told_is_the_users(desk: Desk) -> None:
    await told(desk, "My name is Ben.", "Ben's birthday is on 3 March.", "The garden needs water")

    assert (await desk("recall", query="When is my birthday?"))["verdict"] == "found"
