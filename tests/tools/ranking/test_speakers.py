"""The speakers of a talk without subjects are read from whom they address by name."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from tests.tools.conftest import Desk, ids

from zettel.storage.notes import Kind, Outline
from zettel.tools.ranking.confidence import find_speakers
from zettel.tools.ranking.corpus import Corpus, make_corpus

START = datetime(2026, 1, 1, tzinfo=UTC)

TALK = (
    "Hi Ben! The pottery class has started on Monday. Do you know it?",
    "No, Ana! Who teaches it?",
    "Zoe does, Ben. She showed us how to make a blue bowl in the pottery class.",
    "Sounds good, Ana. I have fixed the old car at last.",
    "Well done, Ben! Does it still leak?",
    "Not a drop, Ana! My sister called from Oslo, too.",
    "Nice, Ben. How is she?",
    "She is fine, thanks, Ana! We cooked lentils with cumin.",
    "Yum, Ben! I must be off to the pottery class now.",
    "Bye, Ana!",
)
"""Two who take turns: Ana begins."""


async def test_what_the_other_one_said_is_uncertain_though_no_speaker_was_told(desk: Desk) -> None:
    for content in TALK:
        await desk.told(content, session="s1")

    own = await desk("recall", query="When has Ana's pottery class started?")
    others = await desk("recall", query="When has Ben's pottery class started?")

    assert own["verdict"] == "found"
    assert others["verdict"] == "uncertain"
    assert others["reason"] == "Notes about somebody else come nearer than those about Ben."
    assert ids(others)


def talk(said: Sequence[str], *, subject: str = "", session: str = "s1") -> Corpus:
    return make_corpus(
        Outline(
            note_id=f"n{number:02}",
            namespace="p",
            session=session,
            subject=subject,
            happened_at=START + timedelta(minutes=number),
            kind=Kind.EPISODIC,
            content=content,
        )
        for number, content in enumerate(said)
    )


def spoken(name: str, corpus: Corpus) -> tuple[list[int], list[int]]:
    own, others = find_speakers(name, corpus)
    return own.nonzero()[0].tolist(), others.nonzero()[0].tolist()


def test_whoever_is_addressed_speaks_in_the_other_turns() -> None:
    corpus = talk(TALK)

    assert spoken("ben", corpus) == ([1, 3, 5, 7, 9], [0, 2, 4, 6, 8])
    assert spoken("ana", corpus) == ([0, 2, 4, 6, 8], [1, 3, 5, 7, 9])


def test_where_they_do_not_take_turns_nobody_is_taken_for_a_speaker() -> None:
    corpus = talk([*TALK[:4], "Are you there?", *TALK[4:]])

    assert spoken("ben", corpus) == ([], [])


def test_told_speakers_are_not_guessed_and_notes_of_no_session_have_none() -> None:
    assert spoken("ben", talk(TALK, subject="Ana")) == ([], [])
    assert spoken("ben", talk(TALK, session="")) == ([], [])


def test_who_is_only_spoken_of_is_not_addressed() -> None:
    corpus = talk([text.replace("Ben", "you").replace("Zoe", "My friend Ben") for text in TALK])

    assert spoken("ben", corpus) == ([], [])
