"""Months of an agent's work: read, played at their dates, and scored."""

import json
from pathlib import Path

import pytest
from benchmarks.month.__main__ import DATA, main
from benchmarks.month.play import Asked, play
from benchmarks.month.records import NoteLine, Question, Sort, read_month
from benchmarks.month.report import figures, write_misses, write_report
from benchmarks.retrieval.errors import DataError
from pydantic import JsonValue

from zettel.storage.embedding.hashing import HashEmbedder

MONTH: list[dict[str, JsonValue]] = [
    {"type": "session", "id": "s1", "at": "2026-03-02T09:00:00+01:00", "project": "atlas"},
    {"type": "remember", "ref": "n1", "content": "The release leaves on Friday", "tags": ["plan"]},
    {"type": "remember", "ref": "n2", "content": "Ana paints houses in Lyon", "subject": "Ana"},
    {"type": "session", "id": "s2", "at": "2026-03-09T09:00:00+01:00"},
    {
        "type": "remember",
        "ref": "n3",
        "content": "The release leaves on Monday",
        "changes": {"ref": "n1", "settled": True},
    },
    {
        "type": "ask",
        "id": "q1",
        "question": "When does the release leave?",
        "gold": ["n3"],
        "stale": ["n1"],
        "sort": "change",
    },
    {"type": "ask", "id": "q2", "question": "Qwxz?", "gold": [], "sort": "never"},
]


def written(tmp_path: Path, *lines: dict[str, JsonValue]) -> Path:
    path = tmp_path / "month.jsonl"
    path.write_text("".join(f"{json.dumps(line)}\n" for line in lines), encoding="utf-8")
    return path


def asked(sort: Sort, refs: list[str], verdict: str = "found", **given: JsonValue) -> Asked:
    line = {"type": "ask", "id": "q", "question": "?", "gold": ["a"], "sort": sort, **given}
    return Asked(
        question=Question.model_validate(line),
        verdict="found" if verdict == "found" else "uncertain",
        refs=refs,
        tokens=100,
        text_share=0.8,
    )


@pytest.mark.parametrize("path", sorted(DATA.glob("*.jsonl")), ids=lambda path: path.stem)
def test_every_month_has_sixty_notes_and_questions_in_dated_sessions(path: Path) -> None:
    month = read_month(path)

    assert sum(isinstance(line, NoteLine) for line in month) >= 60
    assert sum(isinstance(line, Question) for line in month) >= 60


@pytest.mark.parametrize("path", sorted(DATA.glob("*.jsonl")), ids=lambda path: path.stem)
def test_every_question_of_a_month_has_right_notes_that_are_not_old_unless_nobody_told_it(
    path: Path,
) -> None:
    month = read_month(path)
    questions = [line for line in month if isinstance(line, Question)]
    refs = [line.ref for line in month if isinstance(line, NoteLine)]

    assert not [q.id for q in questions if bool(q.gold) == (q.sort == "never")]
    assert not [q.id for q in questions if set(q.gold) & set(q.stale)]
    assert len({q.id for q in questions}) == len(questions)
    assert len(set(refs)) == len(refs)


@pytest.mark.slow
async def test_a_month_is_told_at_its_dates_settled_as_offered_and_asked(tmp_path: Path) -> None:
    month, said = read_month(written(tmp_path, *MONTH)), list[str]()

    played = await play(month, HashEmbedder(), tmp_path / "store", said.append)

    change, never = played.asked
    assert said == ["session s1", "session s2"]
    assert played.changes == {"n3": True}
    # Settled: the old value is not shown at all.
    assert change.refs[0] == "n3"
    assert "n1" not in change.refs
    assert not never.question.gold
    assert change.tokens > 0 < change.text_share < 1


async def test_a_part_of_a_text_that_is_kept_in_several_answers_for_it(tmp_path: Path) -> None:
    talk = "\n".join(
        f"{who}: {words}"
        for who, words in (
            ("Ana", "Did you call the roofer about the loose tiles over the porch, as we said?"),
            ("Ben", "I did, he comes on Thursday with his son and brings the slates himself."),
            ("Ana", "And do you know what he wants for it? I would like to pay him at once."),
            ("Ben", "He wants nothing before he has seen it, I asked him twice about a sum."),
            ("Ana", "Then I need our ladder for the gutter, do you know where we keep it now?"),
            ("Ben", "I keep the ladder behind the cider press, you will have to move the barrels."),
            ("Ana", "You could have told me, I looked for it in the shed for half an hour!"),
            ("Ben", "I am sorry, we had no room in the shed since you bought the canoe."),
        )
    )
    told: dict[str, JsonValue] = {"type": "remember", "ref": "talk", "content": talk}
    question = "Where do we keep the ladder, behind the cider press?"
    ask: dict[str, JsonValue] = {"type": "ask", "id": "q", "question": question, "sort": "fact"}
    month = read_month(written(tmp_path, MONTH[0], told, {**ask, "gold": ["talk"]}))

    played = await play(month, HashEmbedder(), tmp_path / "store", lambda _: None)

    assert len(talk) > 500
    assert set(played.asked[0].refs) == {"talk"}
    assert len(played.asked[0].refs) > 1


def test_what_is_first_stale_unsure_or_wrongly_found_is_counted() -> None:
    right, late = asked("fact", ["a", "b"]), asked("fact", ["b", "c", "d", "a"], "uncertain")
    stale = asked("change", ["old", "a"], stale=["old"])
    never = asked("never", ["b"], gold=[])
    half = asked("two", ["a"], gold=["a", "b"], all=True)

    found = figures([right, late, stale, never, half])

    assert found["right first"] == 2 / 4
    assert found["right in three"] == 3 / 4
    assert found["complete"] == 0
    assert found["stale above current"] == 1
    assert found["wrongly unsure"] == 1 / 4
    assert found["wrongly found"] == 1


async def test_the_report_names_what_went_wrong(tmp_path: Path) -> None:
    played = await play(
        read_month(written(tmp_path, *MONTH)), HashEmbedder(), tmp_path / "store", lambda _: None
    )
    played.asked.append(asked("fact", ["b"]))
    played.changes["n9"] = False

    report = write_report({"made": played})
    misses = write_misses(played)

    assert "| changes named | 1 of 2 |" in report
    assert "| fact | 0 of 1 |" in report
    assert "not first" in misses
    assert "changes not named: n9" in misses


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ({"type": "tell", "ref": "n1"}, "line 1"),
        ({"type": "ask", "id": "q", "question": "?", "gold": ["n7"], "sort": "fact"}, "n7"),
    ],
)
def test_a_line_that_cannot_be_used_is_named(
    tmp_path: Path, line: dict[str, JsonValue], problem: str
) -> None:
    with pytest.raises(DataError, match=problem):
        read_month(written(tmp_path, line))


def test_the_command_ends_with_1_where_a_month_cannot_be_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(written(tmp_path, {"type": "tell"}))]) == 1
    assert "line 1" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize(
    ("without", "rows"),
    [
        ("moves", ["newest_first", "step_first"]),
        ("steps", ["construct and later", "link and later", "compare and later"]),
    ],
)
def test_the_report_says_what_each_part_and_step_is_worth(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], without: str, rows: list[str]
) -> None:
    assert main([str(written(tmp_path, *MONTH)), "--without", without]) == 0

    printed = capsys.readouterr().out
    assert "| nothing | 100.0 | 100.0 |" in printed
    assert all(f"\n| {row} | " in printed for row in rows)
