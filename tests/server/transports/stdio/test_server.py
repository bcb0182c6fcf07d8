"""A spawned `zettel` on its pipes, in both eras, through everything a client may do to it."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from mcp import Client
from mcp.types import CallToolResult
from pydantic import JsonValue
from tests.server.processes import (
    INITIALIZE,
    PATIENCE_S,
    Launcher,
    environment,
    shake_hands,
    tool_call,
)

from zettel.server.protocol.malformed import MAX_MESSAGE


@pytest.fixture(params=["auto", "legacy"])
def mode(request: pytest.FixtureRequest) -> str:
    """The protocol's era."""
    return str(request.param)


def structured(result: CallToolResult) -> dict[str, JsonValue]:
    """The answer of a call that went well."""
    assert not result.is_error, result.content
    answer: dict[str, JsonValue] = result.structured_content
    return answer


def error_of(message: Mapping[str, JsonValue]) -> str:
    """The text of an error answer."""
    error = message["error"]
    assert isinstance(error, dict)
    return str(error["message"])


async def test_remember_recall_update_and_forget(zettel: Launcher, mode: str) -> None:
    parameters = replace(zettel, fresh=mode == "auto").parameters()
    async with Client(parameters, mode=mode) as client:
        told = structured(
            await client.call_tool("remember", {"content": "Ana keeps bees", "subject": "Ana"})
        )
        note_id = told["note_id"]
        found = structured(await client.call_tool("recall", {"query": "Who keeps bees?"}))
        changed = structured(
            await client.call_tool("update", {"note_id": note_id, "content": "Ana keeps wasps"})
        )
        gone = structured(await client.call_tool("forget", {"note_ids": note_id}))
        after = structured(await client.call_tool("recall", {"query": "Who keeps wasps?"}))

    assert told["status"] == "stored"
    assert found["verdict"] == "found"
    assert "Ana keeps wasps" in str(changed["changed"])
    assert gone["status"] == "forgotten"
    assert after["notes"] == []


async def test_two_processes_see_each_others_notes_on_the_next_call(zettel: Launcher) -> None:
    one, two = Client(zettel.parameters()), Client(zettel.parameters())
    async with one, two:
        for index in range(5):
            for teller, reader in ((one, two), (two, one)):
                told = structured(
                    await teller.call_tool("remember", {"content": f"fact {index} {id(teller)}"})
                )
                read = structured(await reader.call_tool("recall", {"note_ids": told["note_id"]}))
                assert read["verdict"] == "found"
        listed = structured(await one.call_tool("recall", {"since": "2000", "limit": 100}))

    notes = listed["notes"]
    assert isinstance(notes, list)
    assert len(notes) == 10


async def test_a_store_that_is_a_file_fails_each_call_and_no_more(
    zettel: Launcher, mode: str
) -> None:
    zettel.store.touch()
    async with Client(zettel.parameters(), mode=mode) as client:
        for _ in range(2):
            result = await client.call_tool("remember", {"content": "x"})
            assert result.is_error
            assert "is a file" in str(result.content)
        assert len((await client.list_tools()).tools) == 4
        zettel.store.unlink()
        mended = await client.call_tool("remember", {"content": "x"})

    assert not mended.is_error


def test_initialize_is_answered_before_store_and_model_are_there(zettel: Launcher) -> None:
    process = zettel.spawn(ZETTEL_MODEL="all-MiniLM-L6-v2", ZETTEL_LOG_LEVEL="info")
    process.say(INITIALIZE)
    answer = process.hear()
    stderr = process.popen.stderr
    assert stderr is not None
    os.set_blocking(stderr.fileno(), False)

    assert "result" in answer
    assert b"is open" not in (stderr.read() or b"")


@pytest.mark.slow
def test_a_note_told_before_the_model_is_there_is_kept(zettel: Launcher) -> None:
    process = zettel.spawn(ZETTEL_MODEL="all-MiniLM-L6-v2")
    shake_hands(process)
    process.say(tool_call(2, "remember", content="Ana keeps bees"))
    process.hear()
    process.say(tool_call(3, "recall", query="bees"))

    assert "Ana keeps bees" in json.dumps(process.hear())


def test_what_cannot_be_parsed_is_answered_and_the_next_call_served(zettel: Launcher) -> None:
    process = zettel.spawn()
    shake_hands(process)
    call = b'{"jsonrpc":"2.0","id":%d,"method":"tools/call","params":{"name":"remember",'
    process.say(
        call % 2 + b'"arguments":{"content":"a\\ud800"}}}',
        call % 3 + b'"arguments":{"content":"a\xff"}}}',
        call % 4 + b'"arguments":{"content":"a"}',
        call % 5 + b'"arguments":{"content":"' + b"a" * MAX_MESSAGE + b'"}}}',
        b'[{"jsonrpc":"2.0","id":6,"method":"ping"}]',
        b'{"jsonrpc":"2.0","id":7.5,"method":"ping"}',
    )
    answers = [process.hear() for _ in range(6)]
    process.say({"jsonrpc": "2.0", "id": 8, "method": "ping"})

    assert [answer["id"] for answer in answers] == [2, 3, 4, 5, None, None]
    assert all("Message not understood" in error_of(answer) for answer in answers)
    assert process.hear() == {"jsonrpc": "2.0", "id": 8, "result": {}}


def test_bad_input_is_refused_in_words_and_nothing_is_stored(zettel: Launcher) -> None:
    process = zettel.spawn()
    shake_hands(process)
    bad = [
        tool_call(2, "remember", content="  "),
        tool_call(3, "remember", content="a" * 131_073),
        tool_call(4, "remember", content="a\0b"),
        tool_call(5, "remember", content="a", namespace="../up"),
        tool_call(6, "recall", limit=0),
        tool_call(7, "recall", limit=10**9),
        tool_call(8, "recall", since="2025", until="2024"),
        tool_call(9, "recall", note_ids="nope"),
        tool_call(10, "update", note_id="01ARZ3NDEKTSV4RRFFQ69G5FAV", content="x"),
        tool_call(11, "forget", note_id="x"),
    ]
    process.say(*bad)
    answers = {str(answer["id"]): answer["result"] for answer in (process.hear() for _ in bad)}
    process.say(tool_call(20, "recall"))

    assert answers.keys() == {str(number) for number in range(2, 12)}
    for result in answers.values():
        assert isinstance(result, dict)
        text = str(result["content"])
        assert result["isError"] is True
        assert "pydantic" not in text
        assert "failed inside" not in text
    assert '"notes":[]' in json.dumps(process.hear(), separators=(",", ":"))


def test_legacy_protocol_takes_initialize_after_discover(zettel: Launcher) -> None:
    discover = {
        "jsonrpc": "2.0",
        "id": 0,
        "method": "server/discover",
        "params": {
            "_meta": {
                "io.modelcontextprotocol/protocolVersion": "2026-07-28",
                "io.modelcontextprotocol/clientInfo": {"name": "both", "version": "1"},
                "io.modelcontextprotocol/clientCapabilities": {},
            }
        },
    }
    process = zettel.spawn("--protocol", "legacy")
    process.say(json.dumps(discover).encode())
    refused = process.hear()
    shake_hands(process)

    assert "Method not found" in error_of(refused)


@pytest.mark.slow
def test_what_others_print_does_not_reach_the_client(tmp_path: Path) -> None:
    script = """
import os, subprocess, sys
import anyio
from zettel.server.transports.stdio.server import StdioPipes

async def main():
    pipes = StdioPipes()
    print("stray", flush=True)
    os.write(1, b"stray\\n")
    subprocess.run([sys.executable, "-c", "print('stray'); import sys; print(sys.stdin.read())"])
    await pipes.send_line(b"ours\\n")

anyio.run(main)
"""
    done = subprocess.run(
        [sys.executable, "-c", script],
        input="for us",
        text=True,
        capture_output=True,
        timeout=PATIENCE_S,
        env=environment(tmp_path),
        check=True,
    )

    assert done.stdout == "ours\n"
    assert done.stderr.count("stray") == 3
    assert "for us" not in done.stderr
