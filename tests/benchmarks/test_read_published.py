"""Benchmarks in the formats in which their authors publish them, read from invented samples."""

import json
from pathlib import Path

import pytest
from benchmarks.retrieval.errors import DataError
from benchmarks.retrieval.read import read_dataset
from tests.benchmarks.conftest import Line


def turn(role: str, content: str, timestamp: str = "Dec 15, 2025, 06:11:23") -> Line:
    return {"role": role, "content": content, "timestamp": timestamp, "dialogue_turn": 0}


HALUMEM: Line = {
    "uuid": "u1",
    "persona_info": "Name: Ann Bee",
    "sessions": [
        {
            "start_time": "Dec 15, 2025, 06:11:23",
            "end_time": "Dec 15, 2025, 08:00:00",
            "dialogue_turn_num": 2,
            "dialogue": [
                turn("user", "I keep four bee hives in Linz."),
                turn("assistant", "Five hives, how nice!"),
                turn("user", "My sister Mia paints kites."),
                turn("assistant", "Lovely."),
            ],
            "memory_points": [
                {
                    "index": 1,
                    "memory_content": "Ann keeps four hives in Linz.",
                    "memory_type": "Persona Memory",
                    "memory_source": "primary",
                    "is_update": "False",
                    "original_memories": [],
                    "importance": 0.75,
                    "timestamp": "Dec 15, 2025, 08:00:00",
                },
                {
                    "index": 2,
                    "memory_content": "Ann keeps five hives.",
                    "memory_type": "Persona Memory",
                    "memory_source": "interference",
                    "is_update": "False",
                    "original_memories": [],
                },
            ],
            "questions": [
                {
                    "question": "How many hives does Ann keep?",
                    "answer": "Four.",
                    "evidence": [
                        {
                            "memory_content": "Ann keeps four hives in Linz.",
                            "memory_type": "Persona Memory",
                        }
                    ],
                    "difficulty": "easy",
                    "question_type": "Basic Fact Recall",
                },
                {
                    "question": "Which car does Ann drive?",
                    "answer": "That was never said.",
                    "evidence": [],
                    "difficulty": "easy",
                    "question_type": "Memory Boundary",
                },
            ],
        },
        {
            "start_time": "Jan 02, 2026, 10:00:00",
            "end_time": "Jan 02, 2026, 11:00:00",
            "dialogue": [
                turn("user", "The hives are in Wels now, all four.", "Jan 02, 2026, 10:00:00"),
            ],
            "memory_points": [
                {
                    "memory_content": "Ann's four hives are in Wels.",
                    "memory_source": "primary",
                    "is_update": "True",
                    "original_memories": ["Ann keeps four hives in Linz."],
                }
            ],
        },
    ],
}
CONVERSATION: Line = {
    "id": "c1",
    "containsEvidence": True,
    "messages": [
        {"speaker": "User", "text": "My budget is 5k."},
        {"speaker": "Assistant", "text": "Noted."},
        {"speaker": "User", "text": "Make that 7k."},
    ],
}
CONVOMEM_ITEM: Line = {
    "question": "What is my budget?",
    "answer": "7k",
    "message_evidences": [{"speaker": "user", "text": "Make that 7k."}],
    "conversations": [CONVERSATION],
    "category": "Finance",
    "scenario_description": "A budget.",
}


def write_halumem(tmp_path: Path, *users: Line) -> Path:
    path = tmp_path / "HaluMem-Medium.jsonl"
    path.write_text("\n".join(map(json.dumps, users)), encoding="utf-8")
    return path


def test_halumem_tells_the_dialogues_turn_by_turn(tmp_path: Path) -> None:
    dataset = read_dataset(write_halumem(tmp_path, HALUMEM, {**HALUMEM, "uuid": "u2"}))

    first = dataset.documents[0]
    assert (first.document_id, first.session, first.speaker) == ("u1/0/0", "u1/0", "user")
    assert first.time == "2025-12-15T06:11:23+00:00"
    assert [d.document_id for d in dataset.documents if d.conversation == "u1"] == [
        *("u1/0/0", "u1/0/1", "u1/0/2", "u1/0/3", "u1/1/0"),
    ]
    assert {d.conversation for d in dataset.documents} == {"u1", "u2"}


def test_halumem_asks_for_what_is_to_be_kept_changed_and_answered(tmp_path: Path) -> None:
    questions = read_dataset(write_halumem(tmp_path, HALUMEM)).questions

    assert [(q.category, q.text, q.evidence) for q in questions] == [
        ("extraction", "Ann keeps four hives in Linz.", ("u1/0/0",)),
        ("Basic Fact Recall", "How many hives does Ann keep?", ("u1/0/0",)),
        ("Memory Boundary", "Which car does Ann drive?", ()),
        ("update", "Ann keeps four hives in Linz.", ("u1/1/0",)),
    ]
    assert [q.answerable for q in questions] == [True, True, False, True]
    assert questions[-1].asked_at == "2026-01-02T11:00:00+00:00"


def test_convomem_finds_the_evidence_among_an_items_own_conversations(tmp_path: Path) -> None:
    folder = tmp_path / "user_evidence" / "1_evidence"
    folder.mkdir(parents=True)
    path = folder / "person.json"
    path.write_text(json.dumps({"evidence_items": [CONVOMEM_ITEM]}), encoding="utf-8")

    dataset = read_dataset(path)

    assert [(d.document_id, d.speaker) for d in dataset.documents] == [
        ("person-0/0/0", "user"),
        ("person-0/0/1", "assistant"),
        ("person-0/0/2", "user"),
    ]
    (question,) = dataset.questions
    assert (question.category, question.evidence) == ("user_evidence", ("person-0/0/2",))


def test_convomem_items_of_a_mixed_case_share_its_conversations(tmp_path: Path) -> None:
    folder = tmp_path / "abstention_evidence" / "1_evidence"
    folder.mkdir(parents=True)
    path = folder / "batched_000.json"
    item = {name: value for name, value in CONVOMEM_ITEM.items() if name != "conversations"}
    case: Line = {
        "evidenceItems": [item, item],
        "conversations": [CONVERSATION, CONVERSATION],
        "contextSize": 2,
    }
    path.write_text(json.dumps([case]), encoding="utf-8")

    dataset = read_dataset(path)

    assert len(dataset.documents) == 6
    assert [q.evidence for q in dataset.questions] == [
        ("batched_000-0/0/2", "batched_000-0/1/2")
    ] * 2
    assert not any(question.answerable for question in dataset.questions)


SEGMENTS = """,book_idx,excerpt_idx,segment_idx,segment_1,segment_2,seg1_pos,seg2_pos,\
distance_bin,present_seg1_first
0,7,0,0,They sailed at dawn.,The storm broke.,0,120,62,1
1,7,0,0,They sailed at dawn.,The mast fell.,0,130,83,0
"""
EXCERPTS = f""",book_idx,excerpt_idx,excerpt_pos,excerpt_text
0,7,0,10,"They sailed at dawn. {"Then nothing, all day. " * 30}The storm broke. The mast fell."
1,8,0,10,"Another book."
"""


def test_book_sort_asks_which_segment_of_an_excerpt_came_first(tmp_path: Path) -> None:
    path = tmp_path / "segments_250-s20-n110.csv"
    path.write_text(SEGMENTS, encoding="utf-8")
    (tmp_path / "excerpts_250-s20-n110.csv").write_text(EXCERPTS, encoding="utf-8")

    dataset = read_dataset(path)

    first, second = dataset.documents
    assert first.content.startswith("They sailed") and second.content.endswith("mast fell.")
    assert first.time < second.time
    assert [(q.parts, q.answer) for q in dataset.questions] == [
        (("They sailed at dawn.", "The storm broke."), "A"),
        (("The mast fell.", "They sailed at dawn."), "B"),
    ]


def test_book_sort_without_its_excerpts_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "segments_250-s20-n110.csv"
    path.write_text(SEGMENTS, encoding="utf-8")

    with pytest.raises(DataError):
        read_dataset(path)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.csv", "a,b\n1,2\n"),
        ("segments_1.csv", "book_idx\n1\n"),
        ("h.jsonl", '{"uuid": "u", "sessions": [{}]}'),
        ("c.json", '{"evidence_items": [{}]}'),
        ("d.json", '[{"evidenceItems": [{}]}]'),
    ],
)
def test_a_published_format_with_fields_missing_is_refused(
    tmp_path: Path, name: str, text: str
) -> None:
    (tmp_path / "excerpts_1.csv").write_text("book_idx\n1\n", encoding="utf-8")
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")

    with pytest.raises(DataError):
        read_dataset(path)
