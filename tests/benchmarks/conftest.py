"""Invented data in each format, and the fake server's command."""

import json
from pathlib import Path

import pytest
from pydantic import JsonValue
from tests.benchmarks import fake_zettel
from tests.starting import interpreter

Line = dict[str, JsonValue]

_CHAT: Line = {"conversation": "Chat 1", "session": "s1"}
CHAT_DOCUMENTS: list[Line] = [
    {**_CHAT, "id": "a", "time": "2024-01-01T10:00:00", "speaker": "Ann", "text": "I keep bees"},
    {**_CHAT, "id": "b", "time": "2024-01-01T10:00:01", "speaker": "Bo", "text": "Look at this",
     "caption": "a red kite"},
    {**_CHAT, "id": "c", "time": "2024-01-01T10:00:02", "speaker": "Ann", "text": "I keep bees"},
]  # fmt: skip
CHAT_QUERIES: list[Line] = [
    {"id": "q1", "conversation": "Chat 1", "question": "Who has bees?", "category": "single",
     "answer": 1, "evidence": ["c"], "answerable": True, "asked_at": "2024-02-01T00:00:00"},
    {"id": "q2", "conversation": "Chat 1", "question": "What colour was the kite?",
     "category": "photo", "answer": "red", "evidence": ["b"], "answerable": True},
    {"id": "q3", "conversation": "Chat 1", "question": "Zebras?", "category": "trap",
     "answer": None, "evidence": [], "answerable": False},
]  # fmt: skip

_BELIEF: Line = {"conversation": "me", "session": "seed", "time": "2024-01-01T00:00:00Z",
           "aliases": [], "superseded_by": None, "pinned": False}  # fmt: skip
BELIEFS: list[Line] = [
    {**_BELIEF, "id": "new", "speaker": "ann", "text": "Paints in oil", "name": "paint_medium",
     "aliases": ["canvas", "brush"], "scope": ["art"], "status": "active", "pinned": True},
    {**_BELIEF, "id": "old", "speaker": "ann", "text": "Painted in watercolour", "name": "paint",
     "scope": ["art"], "status": "superseded", "superseded_by": "new"},
    {**_BELIEF, "id": "oldest", "speaker": "ann", "text": "Drew in chalk", "name": "chalk",
     "scope": ["art"], "status": "superseded", "superseded_by": "old"},
    {**_BELIEF, "id": "garden", "speaker": "ann", "text": "Waters with a brush", "name": "g",
     "scope": ["home"], "status": "active"},
    {**_BELIEF, "id": "other", "speaker": "eve", "text": "Paints in oil", "name": "e",
     "scope": ["art"], "status": "active"},
]  # fmt: skip
BELIEF_QUERIES: list[Line] = [
    {"id": "p1", "conversation": "me", "question": "Which brush?", "category": "alias",
     "answer": None, "evidence": ["new"], "must_include": ["new"],
     "must_exclude": ["garden", "other", "old", "new"], "scope": ["art"], "answerable": True},
    {"id": "p2", "conversation": "me", "question": "  ", "category": "edge", "answer": None,
     "evidence": [], "must_include": [], "must_exclude": [], "scope": ["home"],
     "answerable": False},
]  # fmt: skip

PASSAGES: list[Line] = [
    {"id": "x1", "conversation": "book", "session": "book", "time": "2024-01-01T00:00:00",
     "speaker": "narrator", "text": "the ship sailed at dawn"},
    {"id": "x2", "conversation": "book", "session": "book", "time": "2024-01-01T00:01:00",
     "speaker": "narrator", "text": "a storm broke the mast"},
]  # fmt: skip
ORDER_QUERIES: list[Line] = [
    {"id": "o1", "conversation": "book", "question": "Which passage came first? A: ... B: ...",
     "parts": ["storm broke", "sailed at dawn"], "category": "gap-2", "answer": "B",
     "evidence": ["x1", "x2"], "answerable": True},
]  # fmt: skip


def write_folder(folder: Path, documents: list[Line], queries: list[Line]) -> Path:
    folder.mkdir(exist_ok=True)
    for name, lines in (("documents.jsonl", documents), ("queries.jsonl", queries)):
        text = "".join(f"{json.dumps(line)}\n" for line in lines)
        (folder / name).write_text(text, encoding="utf-8")
    return folder


@pytest.fixture
def chat_folder(tmp_path: Path) -> Path:
    return write_folder(tmp_path / "chats", CHAT_DOCUMENTS, CHAT_QUERIES)


@pytest.fixture
def belief_folder(tmp_path: Path) -> Path:
    return write_folder(tmp_path / "beliefs", BELIEFS, BELIEF_QUERIES)


@pytest.fixture
def order_folder(tmp_path: Path) -> Path:
    return write_folder(tmp_path / "books", PASSAGES, ORDER_QUERIES)


@pytest.fixture
def fake_command(tmp_path: Path) -> Path:
    command = tmp_path / "zettel"
    script = f'#!/bin/sh\nexec "{interpreter()}" "{fake_zettel.__file__}" "$@"\n'
    command.write_text(script, encoding="utf-8")
    command.chmod(0o755)
    return command
