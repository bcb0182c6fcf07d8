"""Whose home, work or doctor a note tells: its author's, or that of whom it labels or quotes."""

# Answers are JSON of the tools' own shapes.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportUnknownMemberType=false

from collections.abc import Mapping

import pytest
from tests.tools.conftest import Desk, ids, notes

from zettel.storage.store import NoteFilter
from zettel.tools.language.speakers import find_speech, speaker_at
from zettel.tools.ranking.corpus import make_corpus
from zettel.tools.recall.search import ask

STORED = ("I live in Lyon.", "I work at Siemens.", "My landlord is Mr Aubert.")
OF_OTHERS = (
    "Ana: I moved to Oslo",
    "Ana wrote: I moved to Oslo.",
    "Ana says: »I moved to Oslo«",
    "Ana said “I moved to Oslo”.",
    "Yesterday Priya told me on the phone: I live in Oslo now.",
    "[10:31] ana: I work at Bosch now",
    "<tomek> I work at Bosch now",
    "**Dr. Orsini:** I no longer work at Siemens",
    "Mail from Aude Kerbiriou: I live in Brest now.",
    "Jörg schreibt: „I live in Ulm now“",
    "> I live in Ulm now\nAnswered by mail.",
    "My sister wrote: I moved to Rome.",
    "Ana Silva:\nI moved to Oslo.\nMy landlord is Mrs Kos now.",
)


def changed(answer: Mapping[str, object]) -> list[str]:
    """The candidates that tell a fact otherwise."""
    candidates = answer.get("candidates", [])
    assert isinstance(candidates, list)
    return [
        str(one["content"])
        for one in candidates
        if "otherwise" in str(one["why"]) or "change" in str(one["why"])
    ]


@pytest.mark.parametrize("told", OF_OTHERS)
async def test_what_somebody_else_says_of_themselves_changes_nothing_of_the_user(
    desk: Desk, told: str
) -> None:
    for content in STORED:
        await desk.told(content, happened_at="2026-01-05")

    answer = await desk("remember", content=told)
    await desk.evolve()

    assert changed(answer) == []
    [note] = notes(await desk("recall", note_ids=[str(answer["note_id"])]))
    assert "supersede" not in str(note.get("links"))


@pytest.mark.parametrize(
    "told",
    [
        "I moved to Oslo",
        "Update: I moved to Oslo",
        "Correction: I live in Oslo.",
        "User: I moved to Oslo",
        "The user moved to Oslo.",
        "2026-11-02: I moved to Oslo",
        "My address: I live in Oslo",
        "Ana asked about it. I live in Oslo now.",
        "User insists: I live in Oslo now",
    ],
)
async def test_what_the_user_says_under_a_label_changes_what_is_stored_of_the_user(
    desk: Desk, told: str
) -> None:
    await desk.told("I live in Lyon.", happened_at="2026-01-05")

    assert changed(await desk("remember", content=told)) == ["I live in Lyon."]


async def test_what_somebody_says_changes_what_they_said_before(desk: Desk) -> None:
    await desk.told("I live in Lyon.", happened_at="2026-01-05")
    await desk.told("Ana: I live in Rome", happened_at="2026-01-05")

    answer = await desk("remember", content="Ana wrote: I moved to Oslo.")

    assert changed(answer) == ["Ana: I live in Rome"]


async def test_a_labelled_line_tells_of_its_speaker_in_all_that_is_known(desk: Desk) -> None:
    told = [
        await desk.told("Ana: My sister is Eva."),
        await desk.told("Ana wrote: I live in Oslo."),
    ]

    ana = await desk("recall", subject="Ana")

    about = ana["about"]
    assert isinstance(about, dict)
    assert [one["line"] for one in about["relations"]] == ["lives in Oslo", "sister: Eva"]
    assert ids(ana) == told[::-1]
    assert await desk.found(subject="me") == []


@pytest.mark.parametrize(
    ("text", "speaker"),
    [
        ("Work: I am a nurse", None),
        ("TODO: I must call", None),
        ("Meeting with Bo: I lead it", None),
        ("Assistant: I can help", "assistant"),
        ("Speaker 1: I see", "Speaker 1"),
        ("安娜：我 I see", "安娜"),
        ("地址：我 I see", None),
        ("“I see”, it read", ""),
        ("Mme Thévenaz a écrit : I see", "Thévenaz"),
        ("Joaquín escribe: I see", "Joaquín"),
        ("Ana:\nshort\n\nI see", None),
    ],
)
def test_a_field_is_no_speaker_and_a_name_is_one(text: str, speaker: str | None) -> None:
    assert speaker_at(find_speech(text), text.index("I ")) == speaker


async def test_a_question_quotes_somebody_without_being_about_the_one_who_asks(desk: Desk) -> None:
    await desk.told("I live in Lyon.", subject="user")
    await desk.told("Wants a room for her piano.", subject="Ana")
    known = make_corpus(await desk.memory.store.outlines(NoteFilter(), limit=9))

    quoted = ask("What did Ana mean by “my flat is too small”?", known, desk.now)
    asked = ask("“Where is my flat?”", known, desk.now)

    assert (quoted.subject, quoted.asks_self) == ("ana", False)
    assert (asked.subject, asked.asks_self) == ("user", True)


@pytest.mark.parametrize(
    ("subject", "stored"), [("Me", "user"), ("the user", "user"), ("ich", "ich"), ("moi", "moi")]
)
async def test_english_words_for_the_user_are_stored_as_user_and_others_as_told(
    desk: Desk, subject: str, stored: str
) -> None:
    note_id = await desk.told("Likes tea.", subject=subject)

    [note] = notes(await desk("recall", note_ids=[note_id]))
    assert note["subject"] == stored
    assert await desk.found(subject="me") == [note_id]
