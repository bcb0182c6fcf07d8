"""The MCP server object, through a client in memory, in both protocol eras."""

import json
import logging
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from mcp import Client
from mcp.types import CallToolResult, TextContent, Tool
from pydantic import JsonValue
from tests.server.engines import ListeningEngine

from zettel.server.observability.logs import LogLine
from zettel.server.protocol.schemas import RecallArguments
from zettel.server.protocol.server import ClientDefaults, create_server
from zettel.storage.errors import NoteNotFoundError

DOOR = ClientDefaults(transport="stdio", namespace="here", session="s1")
SELF_EXPLAINING = {
    ("recall", "subject"), ("recall", "tags"), ("recall", "kind"), ("recall", "session"),
    ("recall", "until"),
    ("recall", "limit"), ("recall", "max_tokens"), ("recall", "namespace"),
    ("forget", "note_ids"), ("forget", "query"), ("forget", "subject"), ("forget", "tags"),
    ("forget", "session"), ("forget", "until"), ("forget", "erase"), ("forget", "undo"),
    ("forget", "confirm"), ("forget", "namespace"),
    ("remember", "tags"), ("remember", "session"), ("remember", "valid_until"),
    ("update", "note_id"), ("update", "content"), ("update", "context"), ("update", "subject"),
    ("update", "tags"), ("update", "kind"), ("update", "happened_at"), ("update", "valid_until"),
    ("update", "correction"), ("update", "restore_rev"), ("update", "expected_rev"),
    ("update", "reason"),
}  # fmt: skip
"""Arguments whose name, tool and neighbours say it all; tokens are dear."""


@pytest.fixture(params=["auto", "legacy"])
def mode(request: pytest.FixtureRequest) -> str:
    """The protocol's era."""
    return str(request.param)


@asynccontextmanager
async def connected(engine: ListeningEngine, mode: str = "auto") -> AsyncGenerator[Client]:
    """A client of a server around the engine."""
    async with Client(create_server(engine, DOOR), mode=mode) as client:
        yield client


def text_of(result: CallToolResult) -> str:
    """The one text of a result."""
    (content,) = result.content
    assert isinstance(content, TextContent)
    return content.text


def walk(node: JsonValue) -> list[dict[str, JsonValue]]:
    """Every object of a schema, properties' maps left out."""
    if isinstance(node, list):
        return [found for item in node for found in walk(item)]
    if not isinstance(node, dict):
        return []
    inner: list[dict[str, JsonValue]] = []
    for key, value in node.items():
        if key == "properties" and isinstance(value, dict):
            inner += [found for item in value.values() for found in walk(item)]
        else:
            inner += walk(value)
    return [node, *inner]


async def listed(engine: ListeningEngine, mode: str = "auto") -> list[Tool]:
    """The tools a client sees."""
    async with connected(engine, mode) as client:
        return (await client.list_tools()).tools


async def test_exactly_four_tools_are_listed(engine: ListeningEngine, mode: str) -> None:
    names = [tool.name for tool in await listed(engine, mode)]

    assert names == ["remember", "recall", "update", "forget"]


async def test_the_four_tools_cost_at_most_a_thousand_tokens(engine: ListeningEngine) -> None:
    characters = sum(
        len(tool.name)
        + len(tool.description or "")
        + len(json.dumps(tool.input_schema, ensure_ascii=False, separators=(",", ":")))
        for tool in await listed(engine)
    )

    assert characters / 4 <= 1_000


async def test_input_schemas_speak_the_dialect_every_client_accepts(
    engine: ListeningEngine,
) -> None:
    for tool in await listed(engine):
        for node in walk(tool.input_schema):
            assert not node.keys() & {"title", "format", "anyOf", "$ref", "$defs", "minimum"}
            assert node.get("type") != "null"
            assert node.get("type") != "object" or node.get("properties")


async def test_every_argument_that_needs_it_is_described(engine: ListeningEngine) -> None:
    for tool in await listed(engine):
        for name, schema in tool.input_schema["properties"].items():
            assert "description" in schema or (tool.name, name) in SELF_EXPLAINING


async def test_annotations_say_what_a_client_may_do_unasked(engine: ListeningEngine) -> None:
    hints = {tool.name: tool.annotations for tool in await listed(engine)}

    assert {name: hint.read_only_hint for name, hint in hints.items() if hint} == {
        "remember": False, "recall": True, "update": False, "forget": False
    }  # fmt: skip
    assert [name for name, hint in hints.items() if hint and hint.destructive_hint] == ["forget"]
    assert all(hint and hint.idempotent_hint for hint in hints.values())
    assert not any(hint and hint.open_world_hint for hint in hints.values())


async def test_instructions_reach_the_client(engine: ListeningEngine, mode: str) -> None:
    async with connected(engine, mode) as client:
        assert (client.instructions or "").startswith("Zettel is your long-term memory.")


async def test_text_and_structured_content_carry_the_same_answer(
    engine: ListeningEngine, mode: str
) -> None:
    engine.answer = {"verdict": "found", "now": "2026-11-20", "notes": [{"note_id": "ü"}]}
    async with connected(engine, mode) as client:
        result = await client.call_tool("recall", {"query": "tea"})

    assert result.structured_content == engine.answer
    assert text_of(result) == '{"verdict":"found","now":"2026-11-20","notes":[{"note_id":"ü"}]}'


async def test_the_engine_hears_the_arguments_and_who_calls(
    engine: ListeningEngine, mode: str
) -> None:
    engine.answer = {"verdict": "found", "now": "2026-11-20", "notes": []}
    async with connected(engine, mode) as client:
        await client.call_tool("recall", {"query": "tea", "limit": "3", "tags": "a"})

    ((arguments, caller),) = engine.calls
    assert arguments == RecallArguments(query="tea", limit=3, tags=["a"])
    assert (caller.namespace, caller.session) == ("here", "s1")
    assert (caller.origin.client, caller.origin.transport) == ("mcp", "stdio")
    assert caller.origin.principal == "local"


async def test_an_expected_error_is_a_result_the_agent_reads(
    engine: ListeningEngine, mode: str
) -> None:
    engine.failure = NoteNotFoundError("nope")
    async with connected(engine, mode) as client:
        result = await client.call_tool("update", {"note_id": "nope", "content": "x"})

    assert result.is_error
    assert text_of(result) == str(engine.failure)


async def test_a_bug_is_logged_and_leaks_nothing(
    engine: ListeningEngine, mode: str, caplog: pytest.LogCaptureFixture
) -> None:
    engine.failure = RuntimeError("secret path /etc")
    async with connected(engine, mode) as client:
        result = await client.call_tool("remember", {"content": "x"})

    assert result.is_error
    assert "secret" not in text_of(result)
    assert "safe to make the same call again" in text_of(result)
    assert "secret path" in caplog.text


async def test_an_unknown_argument_reaches_no_verb(engine: ListeningEngine, mode: str) -> None:
    async with connected(engine, mode) as client:
        result = await client.call_tool("recall", {"qury": "tea"})

    assert result.is_error
    assert "Did you mean 'query'?" in text_of(result)
    assert engine.calls == []


async def test_an_unknown_tool_names_the_nearest(engine: ListeningEngine, mode: str) -> None:
    async with connected(engine, mode) as client:
        result = await client.call_tool("remeber", {})

    assert result.is_error
    assert "Did you mean 'remember'?" in text_of(result)


async def test_half_a_surrogate_pair_costs_one_call_only(engine: ListeningEngine) -> None:
    async with connected(engine) as client:
        value = await client.call_tool("remember", {"content": "a\ud800"})
        name = await client.call_tool("remember", {"content": "a", "b\ud800": 1})

    assert value.is_error
    assert "content: it holds half a surrogate pair" in text_of(value)
    assert name.is_error


async def test_the_log_names_tool_and_outcome_but_no_word_of_the_note(
    engine: ListeningEngine, caplog: pytest.LogCaptureFixture
) -> None:
    engine.failure = NoteNotFoundError("x")
    with caplog.at_level(logging.INFO, logger="zettel"):
        async with connected(engine) as client:
            await client.call_tool("remember", {"content": "the launch code is 4711"})

    [told] = [LogLine("text").format(record) for record in caplog.records]
    assert "tool=remember outcome=error error=NoteNotFoundError milliseconds=" in told
    assert "launch" not in told + caplog.text


async def test_the_first_answer_keeps_its_own_notice_behind_the_servers() -> None:
    engine = ListeningEngine({"note_id": "7", "rev": 1, "changed": {}, "notice": "The plan stays."})
    door = replace(DOOR, notice="Two settings are not in force.")

    async with Client(create_server(engine, door)) as client:
        told = [
            json.loads(text_of(await client.call_tool("update", {"note_id": "7"})))["notice"]
            for _ in range(2)
        ]

    assert told == ["Two settings are not in force. The plan stays.", "The plan stays."]
