"""How much one may ask of the server: told with when to come again, and nobody else is kept out."""

# Answers are JSON of the tools' own shapes.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false

import json
import re
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime

import anyio
import httpx2
import pytest
from mcp import Client
from mcp.client.sse import sse_client
from mcp.client.streamable_http import streamable_http_client
from pydantic import JsonValue
from tests.server.bounded import Bounded, bounded
from tests.server.doors import STREAMS_LEFT_OPEN, House
from tests.server.processes import INITIALIZE

from zettel.server.auth import static_tokens
from zettel.server.config.limits import LEAST_REQUEST
from zettel.server.protocol.schemas import Arguments
from zettel.server.runtime.dispatch import dispatch
from zettel.tools.caller import Caller
from zettel.tools.state.memory import Memory

MESSAGE = b'{"jsonrpc":"2.0","id":7,"method":"ping","params":{"a":"%s"}}'
LIST: dict[str, JsonValue] = {"jsonrpc": "2.0", "id": 2, "method": "tools/list"}


@dataclass
class Gate:
    """Holds up calls until it is opened."""

    opened: anyio.Event = field(default_factory=anyio.Event)
    waiting: int = 0
    came: list[str] = field(default_factory=list[str])
    """Principals, in their order."""

    async def dispatch(
        self, memory: Memory, caller: Caller, arguments: Arguments, *, now: datetime
    ) -> Mapping[str, object]:
        """Carry a call out once the gate is open."""
        self.waiting += 1
        self.came.append(caller.origin.principal)
        await self.opened.wait()
        return await dispatch(memory, caller, arguments, now=now)

    async def holds(self, calls: int) -> None:
        """Wait until it holds so many."""
        with anyio.fail_after(20):
            while self.waiting < calls:
                await anyio.lowlevel.checkpoint()


@asynccontextmanager
async def connected(server: Bounded, header: dict[str, str]) -> AsyncGenerator[Client]:
    """An MCP client over HTTP."""
    async with server.http(header) as http:
        way = streamable_http_client(f"{server.url}/mcp", http_client=http)
        async with Client(way) as client:
            yield client


async def open_session(http: httpx2.AsyncClient) -> httpx2.Response:
    """Open a session of the handshake era."""
    return await http.post("/mcp", json=INITIALIZE)


def of(opened: httpx2.Response) -> dict[str, str]:
    """The header that names a session."""
    return {"mcp-session-id": opened.headers["mcp-session-id"]}


def error_of(answer: httpx2.Response) -> str:
    """What a refusal says to the agent."""
    return str(answer.json()["error"]["message"])


async def chunks(size: int) -> AsyncGenerator[bytes]:
    """A body of unknown length."""
    yield MESSAGE[:40]
    for _ in range(size // 65_536 + 1):
        yield b"a" * 65_536


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_body_that_is_too_long_is_refused_and_not_kept(chunked: bool) -> None:
    async with bounded(max_request_bytes=LEAST_REQUEST) as server, server.http() as http:
        fits = await http.post("/mcp", content=MESSAGE % (b"a" * (LEAST_REQUEST - 100)))
        long = chunks(4 * LEAST_REQUEST) if chunked else MESSAGE % (b"a" * LEAST_REQUEST)
        refused = await http.post("/mcp", content=long)

    assert fits.status_code == 400  # no session
    assert refused.status_code == 413
    assert "longer than 262,144 bytes" in error_of(refused)
    assert server.counts == {"request_size": 1}


async def test_bodies_that_are_on_their_way_share_a_bounded_memory() -> None:
    async with bounded(max_request_bytes=LEAST_REQUEST) as server:
        ana, ben = await server.token("ana"), await server.token("ben")
        go_on = anyio.Event()
        statuses = list[int]()

        async def unfinished() -> AsyncGenerator[bytes]:
            yield b"a" * (LEAST_REQUEST - 100)
            await go_on.wait()

        async def send(http: httpx2.AsyncClient) -> None:
            statuses.append((await http.post("/mcp", content=unfinished())).status_code)

        async with server.http(ana) as hers, server.http(ben) as his:
            async with anyio.create_task_group() as tasks:
                for _ in range(6):
                    tasks.start_soon(send, hers)
                with anyio.fail_after(20):
                    while not server.counts.get("request_memory"):
                        await anyio.lowlevel.checkpoint()
                assert (await his.post("/mcp", json=INITIALIZE)).status_code == 200
                go_on.set()

    assert 1 <= statuses.count(503) <= 5


async def test_who_asks_too_often_is_told_when_to_come_again_and_others_go_on(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with bounded(rate_per_minute=6) as server:
        ana, ben = await server.token("ana"), await server.token("ben")
        async with server.http(ana) as hers, server.http(ben) as his:
            opened = await open_session(hers)
            for _ in range(5):
                assert (await hers.post("/mcp", json=LIST, headers=of(opened))).status_code == 200
            refused = await hers.post("/mcp", json=LIST, headers=of(opened))
            other = await open_session(his)
            ended = await hers.request("DELETE", "/mcp", headers=of(opened))

    assert refused.status_code == 429
    assert 1 <= int(refused.headers["retry-after"]) <= 10
    assert f"Try again in {refused.headers['retry-after']} s." in error_of(refused)
    assert (other.status_code, ended.status_code) == (200, 200)
    assert server.counts == {"rate": 1}
    (line,) = (record.getMessage() for record in caplog.records if "turned" in record.msg)
    assert re.fullmatch(r"turned away: reason=rate principal='\w+' times=1", line)


async def test_the_local_user_has_no_rate() -> None:
    async with bounded(rate_per_minute=1) as server, server.http() as http:
        assert [(await open_session(http)).status_code for _ in range(5)] == [200] * 5


@STREAMS_LEFT_OPEN
async def test_over_sse_a_refusal_comes_where_its_client_reads() -> None:
    async with bounded(rate_per_minute=4) as server:
        header = await server.token("ana")
        async with Client(sse_client(f"{server.url}/sse", headers=header), mode="legacy") as ana:
            # The stream, `initialize` and `notifications/initialized` were three.
            assert (await ana.list_tools()).tools
            with pytest.raises(Exception, match="Try again in"):
                await ana.call_tool("recall", {})


@STREAMS_LEFT_OPEN
async def test_requests_in_progress_of_one_token_are_bounded() -> None:
    async with bounded(max_connections_each=1) as server:
        ana, ben = await server.token("ana"), await server.token("ben")
        async with server.http(ana) as hers, hers.stream("GET", "/sse"):
            refused = await open_session(hers)
            async with server.http(ben) as his:
                other = await open_session(his)

    assert (refused.status_code, refused.headers["retry-after"]) == (429, "5")
    assert other.status_code == 200


async def test_one_caller_cannot_take_all_turns() -> None:
    gate = Gate()
    async with bounded(House(dispatch=gate.dispatch), max_calls=3, max_calls_each=2) as server:
        ana, ben = await server.token("ana"), await server.token("ben")
        async with connected(server, ana) as hers, connected(server, ben) as his:
            refused = list[str]()

            async def recall(client: Client) -> None:
                result = await client.call_tool("recall", {})
                if result.is_error:
                    refused.append(str(result.content[0]))

            async with anyio.create_task_group() as tasks:
                for _ in range(5):
                    tasks.start_soon(recall, hers)
                await gate.holds(2)
                tasks.start_soon(recall, his)
                await gate.holds(3)
                with anyio.fail_after(20):
                    while not refused:
                        await anyio.lowlevel.checkpoint()
                gate.opened.set()

    assert len(refused) == 1
    assert "Try again in 5 s" in refused[0]
    assert gate.came == ["ana", "ana", "ben", "ana", "ana"]
    assert server.counts == {"calls": 1}


async def test_a_recall_that_takes_too_long_is_told_to_narrow() -> None:
    gate = Gate()
    async with bounded(House(dispatch=gate.dispatch), recall_seconds=0.2) as server:
        async with connected(server, {}) as client:
            slow = await client.call_tool("recall", {"query": "x"})
            with pytest.raises(Exception, match="Narrow it"):
                await client.read_resource("memory://stats")
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(client.call_tool, "remember", {"content": "kept"})
                await gate.holds(3)
                gate.opened.set()
            # From here on how quick this machine is decides nothing.
            limits = server.admission.limits
            server.admission.limits = limits.model_copy(update={"recall_seconds": 60})
            found = await client.call_tool("recall", {"query": "kept"})

    assert slow.is_error
    assert "longer than the 0.2 s" in str(slow.content[0])
    assert "kept" in json.dumps(found.structured_content)
    assert server.counts == {"recall_time": 2}


async def test_too_many_sessions_cost_their_owner_the_one_idle_longest() -> None:
    async with bounded(max_sessions_each=2) as server:
        ana, ben = await server.token("ana"), await server.token("ben")
        async with server.http(ana) as hers, server.http(ben) as his:
            first, other = await open_session(hers), await open_session(his)
            second = await open_session(hers)
            await hers.post("/mcp", json=LIST, headers=of(first))
            third = await open_session(hers)
            # Beside a server's timer of 0.1 s `wait_all_tasks_blocked` may wait for ever.
            with anyio.fail_after(20):
                while (await hers.post("/mcp", json=LIST, headers=of(second))).status_code != 404:
                    await anyio.lowlevel.checkpoint()
            statuses = [
                (await http.post("/mcp", json=LIST, headers=of(session))).status_code
                for http, session in ((hers, first), (hers, third), (his, other))
            ]

    assert statuses == [200, 200, 200]


async def test_a_request_with_somebody_elses_session_changes_nothing_about_it() -> None:
    async with bounded() as server:
        ana, ben = await server.token("ana"), await server.token("ben")
        async with server.http(ana) as hers, server.http(ben) as his:
            session = of(await open_session(hers))
            statuses = [
                (await his.request(method, "/mcp", json=LIST, headers=session)).status_code
                for method in ("POST", "DELETE")
            ]
            # Forgotten here, it would outlive its token.
            held = server.admission.sessions.any_open
            mine = await hers.post("/mcp", json=LIST, headers=session)

    assert statuses == [404, 404]
    assert held
    assert mine.status_code == 200


async def test_where_all_sessions_are_in_use_no_other_is_opened() -> None:
    async with bounded(max_sessions=1) as server, server.http() as http:
        session = of(await open_session(http))
        async with http.stream("GET", "/mcp", headers=session):
            refused = await open_session(http)
        modern = await http.post("/mcp", json=LIST, headers={"mcp-protocol-version": "2026-07-28"})

    assert (refused.status_code, refused.headers["retry-after"]) == (503, "5")
    assert modern.status_code == 400  # as without any bound: it lacks what the era asks for


def _sdk_sessions(server: Bounded) -> int:
    # What is freed is the SDK's, and it has no public count of it.
    return len(server.servers[0].session_manager._server_instances)  # pyright: ignore[reportPrivateUsage]


async def test_a_revoked_token_leaves_no_session_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(static_tokens, "TOKENS_FRESH_S", 0.05)
    async with bounded() as server:
        ana, ben = await server.token("ana"), await server.token("ben")
        async with server.http(ana) as hers, server.http(ben) as his:
            mine = [await open_session(hers) for _ in range(3)]
            theirs = await open_session(his)
            await server.revoke("ana")
            with anyio.fail_after(20):
                while _sdk_sessions(server) > 1:
                    await anyio.lowlevel.checkpoint()
            kept = await his.post("/mcp", json=LIST, headers=of(theirs))

    assert len({of(session)["mcp-session-id"] for session in mine}) == 3
    assert kept.status_code == 200


async def test_who_waits_when_the_server_ends_is_told_and_what_runs_is_finished() -> None:
    gate = Gate()
    async with bounded(House(dispatch=gate.dispatch), max_calls=1) as server:
        async with connected(server, {}) as client, server.http() as http:
            results, late = dict[str, str](), httpx2.Response(0)

            async def tell(content: str) -> None:
                result = await client.call_tool("remember", {"content": content})
                results[content] = str(result.content[0])

            await client.list_tools()
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(tell, "running")
                await gate.holds(1)
                tasks.start_soon(tell, "waiting")
                with anyio.fail_after(20):
                    while not server.admission.queue.waiting:
                        await anyio.lowlevel.checkpoint()
                server.admission.leave()
                late = await http.get("/sse")
                with anyio.fail_after(20):
                    while "waiting" not in results:
                        await anyio.lowlevel.checkpoint()
                gate.opened.set()

    assert "stored" in results["running"]
    assert "again in 5 s" in results["waiting"]
    assert (late.status_code, late.headers["retry-after"]) == (503, "5")
