"""Each format, read from invented data."""

import json
from pathlib import Path

import pytest
from benchmarks.retrieval.data import Document
from benchmarks.retrieval.errors import DataError
from benchmarks.retrieval.read import read_dataset
from pydantic import JsonValue
from tests.benchmarks.conftest import BELIEFS, CHAT_DOCUMENTS, CHAT_QUERIES, Line, write_folder

LOCOMO: list[Line] = [
    {
        "sample_id": "conv-1",
        "conversation": {
            "speaker_a": "Ann",
            "speaker_b": "Bo",
            "session_2": [{"speaker": "Bo", "dia_id": "D2:1", "text": "Hello again"}],
            "session_2_date_time": "12:05 am on 1 January, 2024",
            "session_1": [
                {"speaker": "Ann", "dia_id": "D1:1", "text": "I keep bees"},
                {"speaker": "Bo", "dia_id": "D1:2", "text": "", "blip_caption": "a kite"},
            ],
            "session_1_date_time": "1:56 pm on 8 May, 2023",
        },
        "event_summary": {"anything": []},
        "qa": [
            {"question": "Bees?", "answer": 3, "evidence": ["D1:1; D:2:1"], "category": 1},
            {"question": "When?", "answer": "May", "evidence": ["D1:02", "D9:9"], "category": 2},
            {"question": "Trap?", "adversarial_answer": "x", "evidence": ["D1:1"], "category": 5},
        ],
    }
]
LONGMEMEVAL: list[Line] = [
    {
        "question_id": "g1",
        "question_type": "single-session-user",
        "question": "Which tea?",
        "answer": "green",
        "question_date": "2023/05/30 (Tue) 23:40",
        "haystack_session_ids": ["s1", "s1"],
        "haystack_dates": ["2023/05/20 (Sat) 02:21", "2023/05/21 (Sun) 10:00"],
        "haystack_sessions": [
            [
                {"role": "user", "content": "I drink green tea", "has_answer": True},
                {"role": "assistant", "content": " ", "has_answer": False},
            ],
            [{"role": "assistant", "content": "Noted."}],
        ],
        "answer_session_ids": ["s1"],
    },
    {
        "question_id": "g2_abs",
        "question_type": "single-session-user",
        "question": "Which coffee?",
        "answer": "unknown",
        "question_date": "2023/05/30 (Tue) 23:40",
        "haystack_session_ids": [],
        "haystack_dates": [],
        "haystack_sessions": [],
        "answer_session_ids": [],
    },
]


def write_json(path: Path, value: list[Line]) -> Path:
    path.write_text(json.dumps(value), encoding="utf-8")
    return path


def test_a_folder_becomes_documents_with_captions_and_questions(chat_folder: Path) -> None:
    dataset = read_dataset(chat_folder)

    assert dataset.name == "chats"
    assert dataset.documents[1] == Document(
        document_id="b",
        conversation="Chat 1",
        session="s1",
        time="2024-01-01T10:00:01",
        speaker="Bo",
        content="Look at this [photo: a red kite]",
    )
    assert [d.place for d in dataset.documents] == ["Chat 1"] * 3
    assert dataset.questions[0].asked_at == "2024-02-01T00:00:00"
    assert [question.answerable for question in dataset.questions] == [True, True, False]
    assert not dataset.withheld


def test_beliefs_come_with_tags_and_names_the_superseded_one_first(belief_folder: Path) -> None:
    dataset = read_dataset(belief_folder)

    by_id = {document.document_id: document for document in dataset.documents}
    assert list(by_id) == ["oldest", "old", "new", "garden", "other"]
    assert by_id["new"].supersedes == ("old",)
    assert by_id["new"].kind == "core"
    assert by_id["new"].tags == ("art",)
    assert by_id["new"].context == "paint medium, also called: canvas, brush"
    assert by_id["garden"].context == "g"


def test_anothers_belief_lives_elsewhere_and_is_withheld(belief_folder: Path) -> None:
    dataset = read_dataset(belief_folder)

    assert {d.place for d in dataset.documents} == {"me", "me/eve"}
    assert dataset.withheld == {"old", "oldest", "other"}


def test_only_what_status_scope_or_owner_decides_is_forbidden(belief_folder: Path) -> None:
    assert read_dataset(belief_folder).questions[0].forbidden == ("garden", "other", "old")


def test_an_order_question_keeps_its_parts_and_answer(order_folder: Path) -> None:
    question = read_dataset(order_folder).questions[0]

    assert question.parts == ("storm broke", "sailed at dawn")
    assert question.answer == "B"


def test_locomo_sessions_come_in_order_with_a_time_for_each_turn(tmp_path: Path) -> None:
    dataset = read_dataset(write_json(tmp_path / "locomo10.json", LOCOMO))

    assert dataset.name == "locomo10"
    assert [(d.document_id, d.session, d.time) for d in dataset.documents] == [
        ("conv-1/D1:1", "conv-1/D1", "2023-05-08T13:56:00+00:00"),
        ("conv-1/D1:2", "conv-1/D1", "2023-05-08T13:56:01+00:00"),
        ("conv-1/D2:1", "conv-1/D2", "2024-01-01T00:05:00+00:00"),
    ]
    assert dataset.documents[1].content == "[photo: a kite]"


def test_locomo_evidence_is_read_in_every_spelling_it_has(tmp_path: Path) -> None:
    questions = read_dataset(write_json(tmp_path / "locomo10.json", LOCOMO)).questions

    assert [q.category for q in questions] == ["multi-hop", "temporal", "adversarial"]
    assert questions[0].evidence == ("conv-1/D1:1", "conv-1/D2:1")
    assert questions[1].evidence == ("conv-1/D1:2",)
    assert [q.answerable for q in questions] == [True, True, False]
    assert questions[0].asked_at == "2024-01-02T00:05:00+00:00"


def test_longmemeval_gives_each_question_a_conversation(tmp_path: Path) -> None:
    dataset = read_dataset(write_json(tmp_path / "oracle.json", LONGMEMEVAL))

    assert [(d.document_id, d.speaker, d.time) for d in dataset.documents] == [
        ("g1/0-s1/0", "user", "2023-05-20T02:21:00+00:00"),
        ("g1/1-s1/0", "assistant", "2023-05-21T10:00:00+00:00"),
    ]
    assert dataset.questions[0].evidence == ("g1/0-s1/0",)
    assert dataset.questions[0].asked_at == "2023-05-30T23:40:00+00:00"
    assert [question.answerable for question in dataset.questions] == [True, False]


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError):
        read_dataset(tmp_path / "nowhere.json")


def test_a_folder_without_the_two_files_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError):
        read_dataset(tmp_path)


@pytest.mark.parametrize("text", ["[]", "[{}]", "{}", "no json", '[{"sample_id": "x"}]'])
def test_a_file_in_no_known_format_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "odd.json"
    path.write_text(text, encoding="utf-8")

    with pytest.raises(DataError):
        read_dataset(path)


def test_a_locomo_date_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    sample = json.loads(json.dumps(LOCOMO).replace("1:56 pm on 8 May, 2023", "one fine day"))

    with pytest.raises(DataError):
        read_dataset(write_json(tmp_path / "locomo10.json", sample))


def test_a_malformed_line_is_named_by_its_number(tmp_path: Path) -> None:
    broken: dict[str, JsonValue] = {"id": "x"}
    folder = write_folder(tmp_path / "f", CHAT_DOCUMENTS, [*CHAT_QUERIES, broken])

    with pytest.raises(DataError) as caught:
        read_dataset(folder)

    assert caught.value.place == f"{folder / 'queries.jsonl'}:4"


def test_an_id_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "f", [CHAT_DOCUMENTS[0]] * 2, CHAT_QUERIES)

    with pytest.raises(DataError):
        read_dataset(folder)


def test_beliefs_that_supersede_each_other_are_refused(tmp_path: Path) -> None:
    circle = [{**BELIEFS[0], "superseded_by": "old"}, BELIEFS[1]]

    with pytest.raises(DataError):
        read_dataset(write_folder(tmp_path / "f", circle, CHAT_QUERIES))
