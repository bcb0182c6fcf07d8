"""The benchmark of evolution: what each step is worth, and whether notes carry the day asked."""

from pathlib import Path

import pytest
from benchmarks.evolution.days import Days, carried_days
from benchmarks.evolution.measure import measure
from benchmarks.evolution.report import write_report
from benchmarks.retrieval.data import Dataset, Document, Question

from zettel.storage.hash_embedder import HashEmbedder

FRIDAY = "2023-07-14"


def made(answer: str, content: str = "Last Fri I took the kids to a workshop") -> Dataset:
    return Dataset(
        name="made",
        documents=(
            Document(
                document_id="d",
                conversation="c",
                session="s",
                time="2023-07-15T13:51:01",
                speaker="Mel",
                content=content,
            ),
        ),
        questions=(
            Question(
                question_id="q",
                conversation="c",
                text="When did Mel go to the workshop?",
                category="temporal",
                evidence=("d",),
                answer=answer,
            ),
        ),
    )


@pytest.mark.parametrize(
    "answer", ["14 July 2023", "July 14, 2023", "The Friday before 15 July 2023", "14 July, 2023."]
)
def test_a_day_is_carried_by_what_the_note_calls_it(answer: str) -> None:
    assert carried_days(made(answer)) == Days(asked=1, resolved=1, told_then=0)


@pytest.mark.parametrize("answer", ["July 2023", "two days before 5 July 2023", "", "31 June 2023"])
def test_what_is_no_day_is_not_counted(answer: str) -> None:
    assert carried_days(made(answer)) == Days(asked=0, resolved=0, told_then=0)


def test_a_day_that_only_the_notes_own_date_tells_is_not_resolved() -> None:
    same_day = made("15 July 2023", "We are just around the corner")

    assert carried_days(same_day) == Days(asked=1, resolved=0, told_then=1)


async def test_every_step_is_measured_and_what_was_told_is_kept(tmp_path: Path) -> None:
    measured = await measure(
        made(FRIDAY), HashEmbedder(), tmp_path / "store", progress=lambda line: None
    )

    assert list(measured.by_steps)[-1] == "consolidate"
    assert {answers.mean() for answers in measured.by_steps.values()} == {1.0}
    assert (measured.folding.told_twice, measured.folding.lost) == (1, 0)
    assert "| + consolidate | 100.00 | 100.00 |" in write_report("made", measured)
