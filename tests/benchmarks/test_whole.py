"""The same talk told turn by turn and whole: what is told, and what counts as shown."""

from pathlib import Path

import pytest
from benchmarks.retrieval.read import read_dataset
from benchmarks.retrieval.whole import (
    BUDGETS,
    WAYS,
    Shown,
    WholeResult,
    as_transcripts,
    is_shown,
    write_whole_report,
)

TURN = "Hey Mel! I have moved to Lyon, and I work at the port. How are you?"


def test_each_session_becomes_one_text_with_a_line_for_each_turn(chat_folder: Path) -> None:
    dataset = read_dataset(chat_folder)
    first = dataset.documents[0]
    session = [d for d in dataset.documents if d.session == first.session]

    told = as_transcripts(dataset)

    assert told.documents[0].content == "\n".join(f"{d.speaker}: {d.content}" for d in session)
    assert (told.documents[0].time, told.documents[0].session) == (first.time, first.session)
    assert told.documents[0].conversation != first.conversation
    assert {q.conversation for q in told.questions} == {d.conversation for d in told.documents}


@pytest.mark.parametrize(
    ("quoted", "shown"),
    [
        (["mel: " + TURN.lower()], True),
        (["i have moved to lyon, and i work at the port. …"], True),
        (["hey mel!", "how are you?"], False),
        (["i have moved"], False),
        ([], False),
    ],
)
def test_a_turn_is_shown_where_half_of_it_is_quoted(quoted: list[str], shown: bool) -> None:
    assert is_shown(TURN, quoted) is shown


def test_the_report_sets_the_ways_of_telling_side_by_side(chat_folder: Path) -> None:
    half = [Shown(evidence=0.5, tokens=400), Shown(evidence=1.0, tokens=500)]
    answers = {way: dict[int, list[Shown]]((budget, half) for budget in BUDGETS) for way in WAYS}
    result = WholeResult(
        answers=answers, calls=dict.fromkeys(WAYS, 3), seconds=dict.fromkeys(WAYS, 2.0)
    )

    report = write_whole_report(
        read_dataset(chat_folder), result, command="bench --whole", machine="here"
    )

    assert "| evidence shown within | turn by turn | told whole |" in report
    assert "| 500 tokens | 75.0 % (450) | 75.0 % (450) |" in report
    assert "told whole: 3 calls of remember in 2 s" in report
