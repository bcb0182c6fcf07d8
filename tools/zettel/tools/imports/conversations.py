"""Exports of conversations: ChatGPT's and Claude's `conversations.json`, or the zip with it."""

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from zettel.storage.errors import InvalidArgumentError
from zettel.storage.notes import Kind
from zettel.tools.imports.drafts import (
    Draft,
    Skipped,
    SourcePart,
    as_list,
    as_mapping,
    as_moment,
    as_text,
)
from zettel.tools.imports.files import json_items, opened_member, unreadable

_NAMES = re.compile(r"conversations(?:-\d{1,4})?\.json", re.IGNORECASE)
_SPEAKERS = {"user": "user", "human": "user", "assistant": "assistant"}
"""Roles whose turns are kept -> the note's subject."""


class _Turn(NamedTuple):
    key: str
    role: str
    text: str
    moment: object


def _conversations(path: Path) -> Iterator[Mapping[str, object]]:
    found = False
    with opened_member(path, _NAMES) as streams:
        for stream in streams:
            found = True
            for _, item in json_items(stream, path):
                yield as_mapping(item)
    if not found:
        problem = "holds no conversations.json"
        raise unreadable(path, problem, "Name the zip as it was downloaded.")


def _first_has(path: Path, name: str) -> bool:
    if not (path.is_file() or path.is_dir()):
        return False
    if path.is_file() and path.suffix.lower() not in (".json", ".zip"):
        return False
    try:
        return any(name in fields for fields in islice(_conversations(path), 1))
    except InvalidArgumentError:
        return False


def detect_chatgpt(path: Path) -> bool:
    """Whether the first conversation is a tree of messages."""
    return _first_has(path, "mapping")


def detect_claude(path: Path) -> bool:
    """Whether the first conversation is a list of `chat_messages`."""
    return _first_has(path, "chat_messages")


def read_chatgpt(path: Path) -> Iterator[SourcePart]:
    """A turn is a note; of a conversation with branches, the branch that was shown last."""
    for number, fields in enumerate(_conversations(path), 1):
        key = as_text(fields.get("conversation_id")) or as_text(fields.get("id"))
        mapping = as_mapping(fields.get("mapping"))
        turns = [_chatgpt_turn(node) for node in _shown(mapping, fields.get("current_node"))]
        yield from _drafts(
            key, fields, [turn for turn in turns if turn], f"conversation {number}", "title"
        )


def _shown(mapping: Mapping[str, object], last: object) -> list[Mapping[str, object]]:
    """The nodes from the root to the last one; all of them if that is not named."""
    if not isinstance(last, str) or last not in mapping:
        return [as_mapping(node) for node in mapping.values()]
    path, at = dict[str, Mapping[str, object]](), last
    while at in mapping and at not in path:  # a tree may lead in a circle
        path[at] = as_mapping(mapping[at])
        at = as_text(path[at].get("parent"))
    return list(path.values())[::-1]


def _chatgpt_turn(node: Mapping[str, object]) -> _Turn | None:
    message = as_mapping(node.get("message"))
    role = as_text(as_mapping(message.get("author")).get("role"))
    content = as_mapping(message.get("content"))
    if as_text(content.get("content_type")) not in ("text", "multimodal_text"):
        return None
    # Parts that are no texts stand for pictures and recordings, which an export has as files.
    text = "\n".join(part for each in as_list(content.get("parts")) if (part := as_text(each)))
    key = as_text(message.get("id")) or as_text(node.get("id"))
    return _Turn(key, role, text, message.get("create_time"))


def read_claude(path: Path) -> Iterator[SourcePart]:
    """A turn is a note; attachments are left out."""
    for number, fields in enumerate(_conversations(path), 1):
        messages = map(as_mapping, as_list(fields.get("chat_messages")))
        turns = [_claude_turn(message) for message in messages]
        key = as_text(fields.get("uuid"))
        yield from _drafts(key, fields, turns, f"conversation {number}", "name")


def _claude_turn(message: Mapping[str, object]) -> _Turn:
    blocks = [as_mapping(block) for block in as_list(message.get("content"))]
    texts = [as_text(block.get("text")) for block in blocks if block.get("type") == "text"]
    text = "\n".join(filter(None, texts)) or as_text(message.get("text"))
    key, role = as_text(message.get("uuid")), as_text(message.get("sender"))
    return _Turn(key, role, text, message.get("created_at"))


def _drafts(
    key: str, fields: Mapping[str, object], turns: Sequence[_Turn], where: str, title: str
) -> Iterator[SourcePart]:
    if not key:
        yield Skipped(where=where, reason="a conversation without an id")
        return
    begun = as_moment(fields.get("create_time")) or as_moment(fields.get("created_at"))
    for number, turn in enumerate(turns, 1):
        if turn.role not in _SPEAKERS:
            if turn.text:
                yield Skipped(
                    where=f"{where}, turn {number}", reason="no turn of a person or model"
                )
        elif not turn.text:
            yield Skipped(where=f"{where}, turn {number}", reason="a turn without a text")
        else:
            yield Draft(
                key=f"{key}\n{turn.key or number}",
                content=turn.text,
                kind=Kind.EPISODIC,
                subject=_SPEAKERS[turn.role],
                context=as_text(fields.get(title)),
                session=key,
                happened_at=as_moment(turn.moment) or begun,
            )
