"""Only subscribers are notified of changes: all transports, both protocol eras."""

from dataclasses import replace

import anyio
import anyio.lowlevel
import pytest
from mcp import Client
from mcp.client.session import IncomingMessage
from mcp.client.subscriptions import ResourceUpdated
from mcp.shared.exceptions import MCPDeprecationWarning, MCPError
from mcp.types import INVALID_PARAMS, ResourceUpdatedNotification, TextResourceContents
from tests.server.doors import STREAMS_LEFT_OPEN, TRANSPORTS, House, opened
from tests.storage.in_memory.store import DictStore
from tests.tools.conftest import pick

from zettel.server.protocol.subscriptions import CONNECTION_MAX_SUBSCRIPTIONS
from zettel.storage.store import Change

pytestmark = [
    STREAMS_LEFT_OPEN,
    # The legacy protocol versions are still served.
    pytest.mark.filterwarnings(f"ignore::{MCPDeprecationWarning.__module__}.MCPDeprecationWarning"),
]

PATIENCE_S = 30
NOWHERE = "memory://note/01ARZ3NDEKTSV4RRFFQ69G5FAV"


class Heard:
    """The notifications of a client of the older era."""

    def __init__(self) -> None:
        self._send, self._receive = anyio.create_memory_object_stream[str](100)

    async def __call__(self, message: IncomingMessage) -> None:
        """Take one."""
        if isinstance(message, ResourceUpdatedNotification):
            await self._send.send(message.params.uri)

    async def next(self) -> str:
        """The next changed resource."""
        with anyio.fail_after(PATIENCE_S):
            return await self._receive.receive()

    def close(self) -> None:
        """Hear no more."""
        self._send.close()
        self._receive.close()


async def shown(client: Client, uri: str) -> str:
    """What a resource says, as JSON."""
    [contents] = (await client.read_resource(uri)).contents
    assert isinstance(contents, TextResourceContents)
    return contents.text


async def told(client: Client, content: str, **arguments: object) -> str:
    answer = await client.call_tool("remember", {"content": content, **arguments})
    return str(pick(answer.structured_content, "note_id"))


async def change(client: Client, note_id: str, content: str) -> None:
    result = await client.call_tool("update", {"note_id": note_id, "content": content})
    assert not result.is_error


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_a_stream_tells_of_what_it_was_opened_for_and_of_nothing_else(
    transport: str,
) -> None:
    async with (
        opened(House()) as doors,
        doors.client("stdio", "auto") as other,
        doors.client(transport, "auto") as client,
    ):
        own_id, other_id = (
            await told(client, "Ana lives in Paris"),
            await told(client, "Bo likes tea"),
        )
        uris = [f"memory://note/{own_id}", "memory://profile", NOWHERE]
        async with client.listen(resource_subscriptions=uris) as changes:
            honoured = changes.honored.resource_subscriptions
            with anyio.fail_after(PATIENCE_S):
                await change(other, own_id, "Ana lives in Lyon")
                events = [await anext(changes)]
                await change(other, other_id, "Bo likes coffee")
                for content in ("Call me Bo", "Tabs, not spaces"):
                    await told(other, content, kind="core", namespace="user")
                    events.append(await anext(changes))

    assert honoured == uris[:2]
    assert events == [ResourceUpdated(uri=uri) for uri in (uris[0], uris[1], uris[1])]


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_a_connection_of_the_older_era_is_told_until_it_unsubscribes(
    transport: str,
) -> None:
    heard = Heard()
    async with (
        opened(House()) as doors,
        doors.client("stdio", "auto") as other,
        doors.client(transport, "legacy", message_handler=heard) as client,
    ):
        assert client.server_capabilities.resources
        assert client.server_capabilities.resources.subscribe
        one, two = await told(client, "Ana lives in Paris"), await told(client, "Bo likes tea")
        for uri in (f"memory://note/{one}", f"memory://note/{two}/history"):
            await client.subscribe_resource(uri)  # pyright: ignore[reportDeprecated]
        await change(other, one, "Ana lives in Lyon")
        first = await heard.next()
        await client.unsubscribe_resource(  # pyright: ignore[reportDeprecated]
            f"memory://note/{one}"
        )
        await change(other, one, "Ana lives in Rome")
        await other.call_tool("forget", {"note_ids": [two]})
        second = await heard.next()
        with pytest.raises(MCPError) as refused:
            await client.subscribe_resource(NOWHERE)  # pyright: ignore[reportDeprecated]
    heard.close()

    assert first == f"memory://note/{one}"
    assert second == f"memory://note/{two}/history"
    assert refused.value.code == INVALID_PARAMS


async def test_what_a_note_shows_of_others_is_told_when_these_change() -> None:
    async with (
        opened(House()) as doors,
        doors.client("stdio", "auto") as other,
        doors.client("http", "auto") as client,
    ):
        told_first = await told(other, "A leaflet says so of clay from Ulm")
        link = {"to": told_first, "relation": "derived_from"}
        premise = await told(other, "Clay from Ulm needs 1,300 degrees", links=[link])
        link = {"to": premise, "relation": "derived_from"}
        note_id = await told(other, "We buy the big kiln", links=[link])
        uri = f"memory://note/{note_id}"
        async with client.listen(resource_subscriptions=[uri]) as changes:

            async def hears(tool: str, **arguments: object) -> str:
                """That the call changes what the resource shows, and is told."""
                before = await shown(client, uri)
                answer = await other.call_tool(tool, arguments)
                assert not answer.is_error
                with anyio.fail_after(PATIENCE_S):
                    assert await anext(changes) == ResourceUpdated(uri=uri)
                assert await shown(client, uri) != before
                return str(pick(answer.structured_content, "note_id")) if tool == "remember" else ""

            link = {"to": note_id, "relation": "supports"}
            support = await hears("remember", content="Lea approves of it", links=[link])
            await hears("update", note_id=support, content="Lea likes it", correction=True)
            await hears("forget", note_ids=[support])
            await hears("forget", note_ids=[support], undo=True)
            await hears("forget", note_ids=[told_first])
            await hears("forget", note_ids=[premise])


async def test_the_history_of_a_note_is_not_told_of_what_links_to_it() -> None:
    async with opened(House()) as doors, doors.client("stdio", "auto") as client:
        note_id = await told(client, "Ana lives in Paris")
        uris = [f"memory://note/{note_id}{way}" for way in ("/history", "")]
        async with client.listen(resource_subscriptions=uris) as changes:
            link = {"to": note_id, "relation": "supports"}
            await told(client, "Her letters come from there", links=[link])
            with anyio.fail_after(PATIENCE_S):
                assert await anext(changes) == ResourceUpdated(uri=uris[1])
                await change(client, note_id, "Ana lives in Lyon")
                events = [await anext(changes) for _ in uris]

    assert {event.uri for event in events if isinstance(event, ResourceUpdated)} == {*uris}


async def test_what_an_erasure_takes_out_of_a_note_is_told() -> None:
    async with opened(House()) as doors, doors.client("stdio", "auto") as client:
        note_id, gone = (
            await told(client, "Ana lives in Paris"),
            await told(client, "Her letters come from there"),
        )
        link = {"to": gone, "relation": "causes"}
        await client.call_tool("update", {"note_id": note_id, "links": [link]})
        uri = f"memory://note/{note_id}/history"
        async with client.listen(resource_subscriptions=[uri]) as changes:
            before = await shown(client, uri)
            asked = await client.call_tool("forget", {"note_ids": [gone], "erase": True})
            confirm = str(pick(asked.structured_content, "confirm"))
            await client.call_tool("forget", {"confirm": confirm})
            with anyio.fail_after(PATIENCE_S):
                assert await anext(changes) == ResourceUpdated(uri=uri)
            after = await shown(client, uri)

    assert gone in before
    assert gone not in after


async def test_what_no_verb_has_changed_is_told_as_well() -> None:
    store = DictStore()
    async with opened(House(store=store)) as doors, doors.client("stdio", "auto") as client:
        uri = f"memory://note/{await told(client, 'Ana lives in Paris')}"
        async with client.listen(resource_subscriptions=[uri]) as changes:
            [note] = await store.get([uri.rpartition("/")[2]])
            await store.write(changes=[Change(note=replace(note, rev=2, run_id="r"))])
            with anyio.fail_after(PATIENCE_S):
                assert await anext(changes) == ResourceUpdated(uri=uri)


async def test_more_than_one_connection_may_have_is_not_granted() -> None:
    async with opened(House()) as doors, doors.client("stdio", "auto") as client:
        uris = [f"memory://profile/n{number}" for number in range(CONNECTION_MAX_SUBSCRIPTIONS + 1)]
        async with client.listen(resource_subscriptions=uris) as changes:
            assert len(changes.honored.resource_subscriptions or ()) == CONNECTION_MAX_SUBSCRIPTIONS


async def test_a_stream_is_ended_in_good_order_when_the_server_leaves() -> None:
    async with opened(House()) as doors, doors.client("http", "auto") as client:
        async with client.listen(resource_subscriptions=["memory://profile"]) as changes:
            doors.runtime.feed.end()
            with anyio.fail_after(PATIENCE_S):
                assert [change async for change in changes] == []


async def test_who_has_left_is_watched_for_no_longer() -> None:
    async with opened(House()) as doors:
        async with doors.client("stdio", "legacy") as client:
            await client.subscribe_resource("memory://stats")  # pyright: ignore[reportDeprecated]
            assert doors.runtime.feed.watching == 1
        async with doors.client("http", "auto") as client:
            async with client.listen(resource_subscriptions=["memory://stats"]):
                pass
        with anyio.fail_after(PATIENCE_S):
            while doors.runtime.feed.watching:
                await anyio.lowlevel.checkpoint()
