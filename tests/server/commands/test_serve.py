"""`zettel serve`: one port for Streamable HTTP, SSE and health."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import anyio
import httpx2
import pytest
from anyio import to_thread
from mcp import Client
from mcp.client.sse import sse_client
from mcp.types import CallToolResult
from tests.server.doors import House
from tests.server.processes import Launcher, Served

from zettel.server.commands import serve
from zettel.server.commands.serve import listen, serve_http
from zettel.server.config.settings import Settings
from zettel.server.engine.ipc.file_lock import try_lock
from zettel.server.engine.ipc.rendezvous import Rendezvous
from zettel.server.engine.ipc.spawn import EXIT_HELD, EXIT_USAGE
from zettel.server.observability.request_log import Counters
from zettel.server.protocol.malformed import MAX_MESSAGE
from zettel.server.protocol.schemas import Arguments
from zettel.server.runtime.dispatch import dispatch
from zettel.server.runtime.factories import Factories
from zettel.server.runtime.runtime import Runtime
from zettel.server.runtime.shutdown import Shutdown
from zettel.storage.errors import PortBusyError
from zettel.storage.store import NoteFilter
from zettel.tools.caller import Caller
from zettel.tools.state.memory import Memory


@pytest.fixture(params=["auto", "legacy"])
def mode(request: pytest.FixtureRequest) -> str:
    """The protocol's era."""
    return str(request.param)


@pytest.fixture(params=["http", "sse"])
def transport(request: pytest.FixtureRequest) -> str:
    """The way in."""
    return str(request.param)


def client_of(served: Served, transport: str, mode: str) -> Client:
    """A client that comes in one way."""
    if transport == "sse":
        return Client(sse_client(f"{served.url}/sse"), mode=mode)
    return Client(f"{served.url}/mcp", mode=mode)


STARTED = """
import sys
import zettel.server.commands.serve
import zettel.server.runtime.dispatch
import zettel.server.runtime.scheduler
import zettel.storage.lance.store
print(*sorted({"lancedb", "scipy", "sklearn", "torch", "transformers"} & sys.modules.keys()))
"""


def get(url: str, **headers: str) -> tuple[int, str]:
    """Status and body of a GET."""
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers)) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


async def test_a_note_told_one_way_is_recalled_every_way(
    served: Served, transport: str, mode: str
) -> None:
    async with client_of(served, transport, mode) as client:
        assert len((await client.list_tools()).tools) == 4
        told = await client.call_tool("remember", {"content": f"told by {transport} {mode}"})
        found = await client.call_tool("recall", {"note_ids": told.structured_content["note_id"]})
    detail = {"note_ids": told.structured_content["note_id"], "detail": "full"}
    async with client_of(served, "http", "auto") as other:
        full = await other.call_tool("recall", detail)

    assert told.structured_content["namespace"] == "user"
    assert found.structured_content["verdict"] == "found"
    assert f"'transport': '{transport}'" in str(full.structured_content)


def test_the_welcome_names_endpoints_data_and_snippets(served: Served) -> None:
    health = json.loads(get(f"{served.url}/health")[1])

    for needed in (f"{served.url}/mcp", f"{served.url}/sse", health["store"], "mcpServers",
                   "claude mcp add"):  # fmt: skip
        assert needed in served.welcome


def test_health_says_ok_with_version_and_model(served: Served) -> None:
    status, body = get(f"{served.url}/health")

    assert status == 200
    assert json.loads(body).items() >= {"status": "ok", "model_ready": True}.items()
    assert json.loads(body)["version"]


@pytest.mark.parametrize("path", ["/health", "/mcp", "/sse"])
def test_a_foreign_host_or_origin_is_turned_away(served: Served, path: str) -> None:
    status, body = get(f"{served.url}{path}", Host="evil.example")
    assert (status, "--allowed-host NAME" in body) == (421, True)
    status, body = get(f"{served.url}{path}", Origin="http://evil.example")
    assert (status, "--allowed-origin ORIGIN" in body) == (403, True)


async def test_a_web_application_of_an_allowed_origin_may_call_and_no_other(
    zettel: Launcher,
) -> None:
    ours, others = "https://app.example.org", "https://evil.example.org"
    token = zettel.run("token", "create", "--name", "ana", "--namespace", "ana", "--json")
    bearer = f"Bearer {json.loads(token.stdout)['token']}"
    served = await to_thread.run_sync(lambda: zettel.serve("--allowed-origin", ours))
    asked = {
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization, content-type, mcp-method",
    }
    ping = {"jsonrpc": "2.0", "id": 1, "method": "ping"}

    async with httpx2.AsyncClient() as http:
        allowed, refused = [
            await http.options(f"{served.url}/mcp", headers={"Origin": origin, **asked})
            for origin in (ours, others)
        ]
        answer = await http.post(
            f"{served.url}/mcp", json=ping, headers={"Origin": ours, "Authorization": bearer}
        )
        nobody = await http.post(f"{served.url}/mcp", json=ping, headers={"Origin": ours})

    assert allowed.status_code == 200
    assert allowed.headers["access-control-allow-origin"] == ours
    assert "mcp-method" in allowed.headers["access-control-allow-headers"]
    assert "access-control-allow-credentials" not in allowed.headers
    assert refused.status_code == 403
    assert "access-control-allow-origin" not in refused.headers
    assert answer.headers["access-control-allow-origin"] == ours
    assert answer.status_code != 401
    assert nobody.status_code == 401


async def test_an_answer_does_not_wait_for_the_clients_acknowledgement() -> None:
    told = list[int]()

    async def see(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = writer.get_extra_info("socket")
        told.append(connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
        writer.close()

    with listen("127.0.0.1", 0) as listening:
        server = await asyncio.start_server(see, sock=listening)
        async with server:
            reader, writer = await asyncio.open_connection(*listening.getsockname())
            await reader.read()
            writer.close()

    assert told
    assert all(told)


async def test_http_answers_what_it_cannot_parse(served: Served) -> None:
    headers = {"content-type": "application/json", "accept": "application/json, text/event-stream"}
    async with httpx2.AsyncClient() as http:
        for raw in (b'{"jsonrpc":"2.0","id":2,', b"\xff", b'{"id":1,"method":"a\\ud800"}'):
            answer = await http.post(f"{served.url}/mcp", content=raw, headers=headers)
            assert answer.status_code == 400


async def test_sse_answers_what_it_cannot_parse_on_the_stream(served: Served) -> None:
    headers = {"content-type": "application/json"}
    async with httpx2.AsyncClient() as http, http.stream("GET", f"{served.url}/sse") as stream:
        lines = stream.aiter_lines()
        with anyio.fail_after(20):
            path = await anext(line[6:] async for line in lines if line.startswith("data: /"))

            async def post(raw: bytes) -> int:
                answer = await http.post(f"{served.url}{path}", content=raw, headers=headers)
                return answer.status_code

            initialize = b'{"jsonrpc":"2.0","id":1,"method":"initialize","params":{'
            initialize += b'"protocolVersion":"2025-11-25","capabilities":{},'
            initialize += b'"clientInfo":{"name":"a","version":"1"}}}'
            assert await post(initialize) == 202
            assert await post(b'{"jsonrpc":"2.0","method":"notifications/initialized"}') == 202
            await anext(line async for line in lines if '"id":1' in line)
            assert await post(b'{"jsonrpc":"2.0","id":2,"method":"a\\ud800"}') == 202
            told = await anext(line async for line in lines if '"id":2' in line)
            assert await post(b'{"jsonrpc":"2.0","id":3,"a":"' + b"a" * MAX_MESSAGE) == 202
            long = await anext(line async for line in lines if '"id":3' in line)
            assert await post(b'{"jsonrpc":"2.0"') == 400

    assert "half a surrogate pair" in told
    assert "longer than" in long


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
@pytest.mark.parametrize(
    "number", [pytest.param(signal.SIGTERM, marks=pytest.mark.slow), signal.SIGINT]
)
async def test_a_signal_with_open_streams_ends_it_in_good_order(
    zettel: Launcher, number: signal.Signals
) -> None:
    served = replace(zettel, fresh=number == signal.SIGTERM).serve()
    async with httpx2.AsyncClient() as http, http.stream("GET", f"{served.url}/sse") as stream:
        await anext(stream.aiter_lines())
        async with httpx2.AsyncClient() as other:
            headers = {"accept": "application/json, text/event-stream"}
            initialize = {
                "jsonrpc": "2.0", "id": 1, "method": "initialize",
                "params": {"protocolVersion": "2025-11-25", "capabilities": {},
                           "clientInfo": {"name": "a", "version": "1"}},
            }  # fmt: skip
            opened = await other.post(f"{served.url}/mcp", json=initialize, headers=headers)
            headers["mcp-session-id"] = opened.headers["mcp-session-id"]
            async with other.stream("GET", f"{served.url}/mcp", headers=headers) as listening:
                assert listening.status_code == 200
                served.process.popen.send_signal(number)
                status = await anyio.to_thread.run_sync(served.process.end)

    assert status == 0
    assert served.process.popen.stderr is not None
    errors = served.process.popen.stderr.read().decode()
    assert "Traceback" not in errors
    assert "ERROR" not in errors


@pytest.mark.skipif(sys.platform == "win32", reason="locks of POSIX")
def test_a_server_whose_lock_another_process_has_ends_as_one_that_failed(zettel: Launcher) -> None:
    served = replace(zettel, fresh=True).serve()
    place = Rendezvous(str(zettel.store))
    # As its watch may mend it first.
    other_lock: int | None = None
    while other_lock is None:
        os.unlink(place.lock)
        other_lock = try_lock(place.lock)

    status = served.process.end()
    os.close(other_lock)
    assert served.process.popen.stderr is not None
    told = served.process.popen.stderr.read().decode().splitlines()[-1]

    assert status == EXIT_HELD
    assert told.startswith("zettel: Stopped serving the store")


class Held:
    """Holds calls until `goes_on` is set."""

    def __init__(self) -> None:
        self.begun, self.goes_on = anyio.Event(), anyio.Event()

    async def dispatch(
        self, memory: Memory, caller: Caller, arguments: Arguments, *, now: datetime
    ) -> Mapping[str, object]:
        """Carry a call out."""
        self.begun.set()
        await self.goes_on.wait()
        return await dispatch(memory, caller, arguments, now=now)


async def test_a_server_that_is_to_end_answers_calls_in_progress_and_takes_no_new_ones(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    held, signalled, url = Held(), anyio.Event(), list[str]()
    runtimes, feed_ended = list[Runtime](), list[bool]()
    house = House(dispatch=held.dispatch)

    def installed(_settings: Settings, **_rest: object) -> Factories:
        return house.factories()

    async def ask(shutdown: Shutdown) -> None:
        await signalled.wait()
        shutdown.request()

    def kept(place: str, factories: Factories, *, counters: Counters) -> Runtime:
        runtimes.append(Runtime(place, factories, counters=counters))
        return runtimes[-1]

    monkeypatch.setattr(serve, "installed_factories", installed)
    monkeypatch.setattr(serve, "shut_down_on_signal", ask)
    monkeypatch.setattr(serve, "Runtime", kept)
    ready, told, before = anyio.Event(), list[CallToolResult](), list[object]()
    refused = list[int | bool | None]()

    def announce(base: str, _problem: str, _needs_token: bool) -> None:
        url.append(base)
        ready.set()

    with listen("127.0.0.1", 0) as listening, anyio.fail_after(60):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(serve_http, Settings(), listening, None, announce)
            await ready.wait()
            runtimes[0].feed.on_end(lambda: feed_ended.append(runtimes[0].busy))
            async with Client(f"{url[0]}/mcp") as client, httpx2.AsyncClient() as http:
                # To check its first result it would list them amid the end, which is refused.
                await client.list_tools()

                async def remember() -> None:
                    told.append(await client.call_tool("remember", {"content": "kept"}))

                async with anyio.create_task_group() as calls:
                    calls.start_soon(remember)
                    await held.begun.wait()
                    signalled.set()
                    while (await http.get(f"{url[0]}/health/ready")).status_code != 503:
                        await anyio.lowlevel.checkpoint()
                    before += [*feed_ended, *told]
                    refused += [
                        (await http.get(f"{url[0]}/sse")).status_code,
                        (await client.call_tool("remember", {"content": "late"})).is_error,
                    ]
                    held.goes_on.set()

    assert before == []
    assert refused == [503, True]
    assert [result.is_error for result in told] == [False]
    assert feed_ended == [False]
    assert [note.content for note in await house.store.find(NoteFilter(), limit=9)] == ["kept"]


def test_a_host_others_could_reach_is_refused_with_the_reason(zettel: Launcher) -> None:
    done = zettel.run("serve", "--host", "0.0.0.0", "--port", "0")

    assert done.returncode == 4
    assert "--allowed-host" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_busy_port_is_named(zettel: Launcher) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = zettel.run("serve", "--port", str(port))
        with pytest.raises(PortBusyError):
            listen("127.0.0.1", port)

    assert done.returncode == 3
    assert f"port {port}" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_port_that_is_no_number_is_a_usage_error(zettel: Launcher) -> None:
    assert zettel.run("serve", "--port", "http").returncode == EXIT_USAGE


def test_a_store_that_is_a_file_is_told_while_the_server_lives(
    zettel: Launcher, tmp_path: Path
) -> None:
    zettel.store.touch()
    served = zettel.serve()
    status, body = get(f"{served.url}/health")

    assert "is a file" in served.welcome
    assert status == 503
    assert json.loads(body)["status"] == "failed"


@pytest.mark.slow
def test_what_only_the_model_and_evolution_need_is_not_imported_before_them() -> None:
    done = subprocess.run([sys.executable, "-c", STARTED], capture_output=True, check=True)

    assert done.stdout.decode().split() == ["lancedb"]
