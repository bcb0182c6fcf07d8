"""Memory as resources: what recall would show a caller, and nothing else."""

import json
from collections.abc import AsyncGenerator

import pytest
from mcp import Client
from mcp.shared.exceptions import MCPError
from mcp.types import INVALID_PARAMS, TextResourceContents
from pydantic import JsonValue
from tests.server.doors import ERAS, STREAMS_LEFT_OPEN, TRANSPORTS, House, opened
from tests.storage.in_memory.store import DictStore
from tests.tools.conftest import Desk, opened_desk, pick

from zettel.storage.embedding.hashing import HashEmbedder
from zettel.tools.state.memory import Memory

pytestmark = STREAMS_LEFT_OPEN


@pytest.fixture
async def desk() -> AsyncGenerator[Desk]:
    memory = Memory(store=DictStore(), embedder=HashEmbedder())
    async with opened_desk(memory) as opened:
        yield opened


async def read(client: Client | None, uri: str) -> dict[str, JsonValue]:
    assert client is not None
    [contents] = (await client.read_resource(uri)).contents
    assert isinstance(contents, TextResourceContents)
    assert (contents.uri, contents.mime_type) == (uri, "application/json")
    shown: dict[str, JsonValue] = json.loads(contents.text)
    return shown


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("mode", ERAS)
async def test_a_note_is_listed_by_template_and_read_through_every_door(
    transport: str, mode: str
) -> None:
    async with opened(House()) as doors, doors.client(transport, mode) as client:
        told = await client.call_tool("remember", {"content": "Ana lives in Lyon"})
        note_id = str(pick(told.structured_content, "note_id"))
        listed = [resource.uri for resource in (await client.list_resources()).resources]
        templates = (await client.list_resource_templates()).resource_templates
        note = await read(client, f"memory://note/{note_id}")
        history = await read(client, f"memory://note/{note_id}/history")

    assert listed == ["memory://profile", "memory://stats"]
    assert [template.uri_template for template in templates] == [
        "memory://note/{id}", "memory://note/{id}/history", "memory://profile/{namespace}"
    ]  # fmt: skip
    assert (note["content"], note["origin"]) == (
        "Ana lives in Lyon",
        {"client": "mcp", "transport": transport, "principal": "local"},
    )
    assert [pick(history, "revisions", 0, "change"), history["note_id"]] == ["remember", note_id]


async def test_what_was_read_may_be_kept_by_nobody_and_a_list_by_everybody(desk: Desk) -> None:
    assert desk.client is not None
    read_one = await desk.client.read_resource("memory://stats")
    listed = await desk.client.list_resources()

    assert (read_one.ttl_ms, read_one.cache_scope) == (0, "private")
    assert (listed.ttl_ms, listed.cache_scope) == (3_600_000, "public")


async def test_a_note_comes_whole_with_its_links_and_is_not_strengthened(desk: Desk) -> None:
    old = await desk.told("Ana lives in Paris", subject="Ana")
    long = "Ana lives in Lyon. " * 1_500
    new = await desk.told(long, links=[{"to": old, "relation": "causes"}])
    note = await read(desk.client, f"memory://note/{new.lower()}")

    assert (note["content"], note["namespace"]) == (long, "proj")
    assert "excerpt" not in note
    assert pick(note, "links", 0, "note_id") == old
    assert not desk.memory.usage.dirty


async def test_a_note_says_as_recall_does_that_its_premise_is_gone(desk: Desk) -> None:
    premise = await desk.told("Clay from Ulm needs 1,300 degrees")
    link = {"to": premise, "relation": "derived_from"}
    conclusion = await desk.told("We buy the big kiln", links=[link])
    before = await read(desk.client, f"memory://note/{conclusion}")
    await desk("forget", note_ids=[premise])

    after = await read(desk.client, f"memory://note/{conclusion}")
    recalled = await desk("recall", note_ids=[conclusion])

    assert "premise" not in before
    assert after["premise"] == f"derived from {premise}, which was forgotten"
    assert after["premise"] == pick(recalled, "notes", 0, "premise")


async def test_text_that_was_read_is_not_remembered_as_news(desk: Desk) -> None:
    told = await desk.told("Ana lives in Lyon", happened_at="2026-11-01")
    await desk.told("Bo likes tea", happened_at="2026-11-02")
    desk.later(hours=1)
    await read(desk.client, f"memory://note/{told}")
    again = await desk("remember", content="- Ana lives in Lyon")

    assert (again["status"], again["note_id"]) == ("already_known", told)


async def test_the_history_says_what_each_revision_changed(desk: Desk) -> None:
    note_id = await desk.told("Ana lives in Paris")
    await desk("update", note_id=note_id, content="Ana lives in Lyon", reason="moved")
    history = await read(desk.client, f"memory://note/{note_id}/history")

    assert pick(history, "revisions", 1, "reason") == "moved"
    assert pick(history, "revisions", 1, "changed", "content") == [
        "Ana lives in Paris", "Ana lives in Lyon"
    ]  # fmt: skip


async def test_the_profile_is_what_recall_shows_of_it_and_of_one_namespace(desk: Desk) -> None:
    mine = await desk.told("Tabs, not spaces", kind="core")
    everywhere = await desk.told("Call me Bo", kind="core", namespace="user")
    elsewhere = await desk.told("Deploys on Fridays", kind="core", namespace="other")
    await desk.told("Ana lives in Lyon")

    profile = await read(desk.client, "memory://profile")
    other = await read(desk.client, "memory://profile/other")

    assert {pick(profile, "notes", i, "note_id") for i in (0, 1)} == {mine, everywhere}
    assert [pick(other, "notes", i, "note_id") for i in (0, 1)] == [elsewhere, everywhere]


async def test_the_counts_are_of_the_namespaces_recall_looks_in(desk: Desk) -> None:
    await desk.told("Ana lives in Lyon", subject="Ana", tags=["home"])
    await desk.told("Call me Bo", kind="core", namespace="user")
    await desk.told("Secret", namespace="other", subject="Zora", tags=["hidden"])
    stats = await read(desk.client, "memory://stats")

    assert stats["notes"] == {"proj": 1, "user": 1}
    assert stats["kinds"] == {"core": 1, "episodic": 1}
    assert (stats["subjects"], stats["tags"]) == ({"Ana": 1}, {"home": 1})


NOT_THERE = (
    "memory://note/01ARZ3NDEKTSV4RRFFQ69G5FAV",
    "memory://note/01ARZ3NDEKTSV4RRFFQ69G5FAV/history",
    "memory://note/nope",
    "memory://notes",
    "memory://profile/NO!",
    "file:///etc/passwd",
)


@pytest.mark.parametrize("mode", ERAS)
async def test_what_is_not_there_is_an_invalid_parameter_that_names_the_uri(mode: str) -> None:
    async with opened(House()) as doors, doors.client("stdio", mode) as client:
        for uri in NOT_THERE:
            with pytest.raises(MCPError) as refused:
                await client.read_resource(uri)

            assert refused.value.code == INVALID_PARAMS
            assert refused.value.data == {"uri": uri}


async def test_a_forgotten_note_is_not_there(desk: Desk) -> None:
    note_id = await desk.told("Ana lives in Lyon")
    await desk("forget", note_ids=[note_id])

    for uri in (f"memory://note/{note_id}", f"memory://note/{note_id}/history"):
        with pytest.raises(MCPError, match="was forgotten") as refused:
            await read(desk.client, uri)
        assert refused.value.code == INVALID_PARAMS
