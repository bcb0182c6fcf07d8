"""Exports of conversations, made from their documented form."""

import json
import zipfile
from pathlib import Path

CHATGPT: list[object] = [
    {
        "conversation_id": "c-1",
        "title": "Trip to Porto",
        "create_time": 1760000000.5,
        "current_node": "n4",
        "mapping": {
            "n0": {"id": "n0", "message": None, "parent": None, "children": ["n1"]},
            "n1": {
                "id": "n1",
                "parent": "n0",
                "children": ["n2", "n3"],
                "message": {
                    "id": "m1",
                    "author": {"role": "user"},
                    "create_time": 1760000001.0,
                    "content": {"content_type": "text", "parts": ["My sister lives in Porto."]},
                },
            },
            "n2": {
                "id": "n2",
                "parent": "n1",
                "children": [],
                "message": {
                    "id": "m2",
                    "author": {"role": "assistant"},
                    "create_time": 1760000002.0,
                    "content": {"content_type": "text", "parts": ["An answer that was redone."]},
                },
            },
            "n3": {
                "id": "n3",
                "parent": "n1",
                "children": ["n4"],
                "message": {
                    "id": "m3",
                    "author": {"role": "tool"},
                    "create_time": 1760000003.0,
                    "content": {"content_type": "text", "parts": ["search results"]},
                },
            },
            "n4": {
                "id": "n4",
                "parent": "n3",
                "children": [],
                "message": {
                    "id": "m4",
                    "author": {"role": "assistant"},
                    "create_time": None,
                    "content": {
                        "content_type": "multimodal_text",
                        "parts": [{"asset_pointer": "file-service://x"}, "Porto has six bridges."],
                    },
                },
            },
        },
    }
]

CLAUDE: list[object] = [
    {
        "uuid": "u-1",
        "name": "Cello",
        "created_at": "2026-03-01T10:00:00.123456Z",
        "updated_at": "2026-03-01T10:05:00Z",
        "account": {"uuid": "a"},
        "chat_messages": [
            {
                "uuid": "u-1-1",
                "sender": "human",
                "text": "Old field",
                "content": [
                    {"type": "text", "text": "I play the cello on Thursdays."},
                    {"type": "tool_use", "name": "search"},
                ],
                "created_at": "2026-03-01T10:00:01Z",
                "attachments": [{"file_name": "a.txt", "extracted_content": "long"}],
            },
            {"uuid": "u-1-2", "sender": "assistant", "text": "Noted.", "created_at": "bad"},
            {"uuid": "u-1-3", "sender": "human", "text": "", "content": []},
        ],
    }
]


def zipped(path: Path, conversations: object) -> Path:
    """An export as it is downloaded."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("user.json", "{}")
        archive.writestr("export/conversations.json", json.dumps(conversations))
    return path
