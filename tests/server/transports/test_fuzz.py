"""Whatever is sent through whatever door: answered in words, nothing half done, and it goes on.

A longer hunt: `make test ARGS="tests/server/transports/test_fuzz.py --hypothesis-profile=long"`.
"""

import itertools
import json
import socket
import sys
from collections.abc import AsyncGenerator, Callable, Generator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import anyio
import httpx2
import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal
from hypothesis import HealthCheck, given, settings
from mcp import Client
from mcp.shared.exceptions import MCPError
from pydantic import JsonValue
from tests.server import doors
from tests.server.doors import STREAMS_LEFT_OPEN
from tests.server.fuzz import TELLTALES, calls, garbage, odd_messages
from tests.server.processes import INITIALIZE, INITIALIZED, Launcher, shake_hands
from tests.storage.in_memory.store import DictStore
from tests.tools.conftest import Desk

from zettel.server.config.settings import load_engine_settings
from zettel.server.engine.engine_lock import EngineLock
from zettel.server.engine.ipc.connect import dial
from zettel.server.engine.ipc.handshake import session_hello
from zettel.server.engine.ipc.rendezvous import Rendezvous
from zettel.server.engine.listener import EngineListener
from zettel.server.protocol.server import ClientDefaults, create_server
from zettel.server.runtime.runtime import Runtime
from zettel.server.runtime.shutdown import Shutdown
from zettel.storage.embedding.hashing import HashEmbedder
from zettel.storage.notes import Note
from zettel.storage.store import NoteFilter
from zettel.tools.state.memory import Memory

pytestmark = [
    STREAMS_LEFT_OPEN,
    pytest.mark.skipif(sys.platform == "win32", reason="sockets of POSIX"),
]

PATIENCE_S = 60
EXAMPLES = settings.default.max_examples if settings.default else 100
JSON = {"accept": "application/json, text/event-stream", "content-type": "application/json"}


def some(share: float) -> settings:
    """So much of the usual hunt."""
    return settings(
        max_examples=max(1, round(EXAMPLES * share)),
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )


@pytest.fixture(scope="module")
def portal() -> Iterator[BlockingPortal]:
    """A loop beside Hypothesis, which drives without one."""
    with start_blocking_portal("asyncio") as opened:
        yield opened


def telltales(said: str) -> list[str]:
    """What an answer says of the server's inside."""
    return [mark for mark in TELLTALES if mark in said]


async def half_done(store: DictStore) -> list[str]:
    """Notes whose revisions do not follow each other, or whose links lead nowhere."""
    notes = await store.find(NoteFilter(states=(), derived=None), limit=100_000)
    ids = {note.note_id for note in notes}
    broken = [note.note_id for note in notes if {link.to for link in note.links} - ids]
    for note in notes:
        history: list[Note] = await store.revisions(note.note_id)
        if [revision.rev for revision in history] != list(range(1, len(history) + 1)):
            broken.append(note.note_id)
    return broken


@asynccontextmanager
async def desk() -> AsyncGenerator[tuple[Client, DictStore]]:
    """A client in memory, and the store behind it."""
    store = DictStore()
    behind = Desk(memory=Memory(store=store, embedder=HashEmbedder()))
    server = create_server(behind, ClientDefaults(transport="test", namespace="proj"))
    async with Client(server) as client:
        yield client, store


def test_whatever_arguments_a_tool_is_given_it_answers_in_words(portal: BlockingPortal) -> None:
    with portal.wrap_async_context_manager(desk()) as (client, store):

        async def ask(name: str, arguments: dict[str, JsonValue]) -> str:
            try:
                return (await client.call_tool(name, arguments)).model_dump_json()
            except MCPError as error:
                return str(error)
            except UnicodeEncodeError:
                # This client cannot send it; others can, and do so below.
                return ""

        @some(1.5)
        @given(calls)
        def hunt(call: tuple[str, dict[str, JsonValue]]) -> None:
            said = portal.call(ask, *call)
            # An error names the value that it refuses, and Hypothesis knows our constants.
            assert [mark for mark in telltales(said) if mark not in json.dumps(call)] == []

        hunt()
        assert '"is_error":false' in portal.call(ask, "recall", dict[str, JsonValue]())
        assert portal.call(half_done, store) == []


def test_whatever_is_posted_is_answered_with_a_message_or_refused(portal: BlockingPortal) -> None:
    store, number = DictStore(), itertools.count(1_000)

    async def post(raw: bytes, url: str, headers: dict[str, str]) -> tuple[int, str]:
        async with httpx2.AsyncClient(timeout=PATIENCE_S) as http:
            answer = await http.post(url, content=raw, headers=JSON | headers)
            return answer.status_code, answer.text

    async def session(url: str) -> dict[str, str]:
        async with httpx2.AsyncClient(timeout=PATIENCE_S) as http:
            answer = await http.post(url, json=INITIALIZE, headers=JSON)
            return {"mcp-session-id": answer.headers["mcp-session-id"]}

    with portal.wrap_async_context_manager(doors.opened(doors.House(store=store))) as opened:
        url = f"{opened.url}/mcp"
        modern = {"mcp-protocol-version": "2026-07-28", "mcp-method": "tools/call"}
        mine = portal.call(session, url)

        @some(0.6)
        @given(garbage)
        def hunt(raw: bytes) -> None:
            for headers in (mine, modern, {}):
                status, said = portal.call(post, raw, url, headers)
                assert status < 500
                assert telltales(said) == []

        hunt()
        ping = {"jsonrpc": "2.0", "id": next(number), "method": "ping"}
        status, said = portal.call(post, json.dumps(ping).encode(), url, mine)

        assert (status, '"result":{}' in said) == (200, True)
        assert portal.call(half_done, store) == []


@pytest.mark.slow
def test_whatever_is_posted_to_a_stream_of_events_the_next_request_is_answered(
    portal: BlockingPortal,
) -> None:
    store, numbers = DictStore(), itertools.count(10**6)
    with (
        portal.wrap_async_context_manager(doors.opened(doors.House(store=store))) as opened,
        httpx2.Client(timeout=PATIENCE_S) as http,
        http.stream("GET", f"{opened.url}/sse") as stream,
    ):
        events = (line[6:] for line in stream.iter_lines() if line.startswith("data: "))
        where = f"{opened.url}{next(events)}"

        def post(raw: bytes) -> None:
            answer = http.post(where, content=raw, headers=JSON)
            assert answer.status_code < 500
            assert telltales(answer.text) == []

        post(json.dumps(INITIALIZE).encode())
        next(events)
        post(json.dumps(INITIALIZED).encode())

        @some(0.4)
        @given(garbage)
        def hunt(raw: bytes) -> None:
            number = next(numbers)
            post(raw)
            post(json.dumps({"jsonrpc": "2.0", "id": number, "method": "ping"}).encode())
            while (answer := json.loads(event := next(events))).get("id") != number:
                assert telltales(event) == []
            assert answer["result"] == {}

        hunt()
        assert portal.call(half_done, store) == []


@dataclass
class LineDoor:
    """A conversation in lines with somebody who must answer each request."""

    say: Callable[[bytes], object]
    heard: IO[bytes]
    pings: Iterator[int]

    def answers_to(self, raw: bytes) -> list[str]:
        """Say something, then ask whether anybody is there; what was answered meanwhile."""
        number = next(self.pings)
        ping: dict[str, JsonValue] = {"jsonrpc": "2.0", "id": number, "method": "ping"}
        self.say(raw + b"\n" + json.dumps(ping).encode() + b"\n")
        answers = list[str]()
        while line := self.heard.readline():
            answer = json.loads(line)
            if answer.get("id") == number:
                assert answer["result"] == {}
                return answers
            assert answer["jsonrpc"] == "2.0"
            answers.append(line.decode())
        raise AssertionError(raw)


def hunt_lines(door: LineDoor, share: float) -> None:
    @some(share)
    @given(garbage)
    def hunt(raw: bytes) -> None:
        for answer in door.answers_to(raw):
            assert telltales(answer) == []

    hunt()


def test_whatever_stands_on_standard_input_the_next_request_is_answered(tmp_path: Path) -> None:
    with ExitStack() as running:
        process = Launcher(store=tmp_path / "store", running=running).spawn()
        shake_hands(process)
        assert process.popen.stdout is not None

        def say(raw: bytes) -> None:
            process.stdin.write(raw)
            process.stdin.flush()

        hunt_lines(LineDoor(say, process.popen.stdout, itertools.count(10**6)), 0.4)
        assert process.popen.poll() is None


@dataclass(frozen=True)
class Engine:
    """An engine's listener, in this process."""

    place: Rendezvous
    store: DictStore


@asynccontextmanager
async def engine_at(folder: Path, ipc: str) -> AsyncGenerator[Engine]:
    """Open one; everybody is sent home at the end."""
    place, store = Rendezvous(str(folder / "store")), DictStore()
    place.prepare()
    (folder / "store" / "config.toml").write_text('model = "hash"\n', encoding="utf-8")
    engine_lock = EngineLock.take(place, ipc)
    assert engine_lock is not None
    engine_lock.announce()
    # Of those who hang on without a word, none is waited for.
    shutdown, runtime = Shutdown(0), Runtime(place.store, doors.House(store=store).factories())
    desk = EngineListener(engine_lock, load_engine_settings(place.store), runtime, shutdown)
    async with runtime.running(), anyio.create_task_group() as tasks:
        await runtime.settled()
        tasks.start_soon(desk.serve)
        yield Engine(place, store)
        shutdown.request()
    engine_lock.release()
    await desk.close()


@contextmanager
def conversation(engine: Engine) -> Generator[LineDoor]:
    """Come in as a client."""
    line = dial(engine.place, session_hello(engine.place.store, {}))
    assert line is not None
    line.sock.settimeout(PATIENCE_S)
    with line.sock, line.sock.makefile("rb") as heard:
        for message in (INITIALIZE, INITIALIZED):
            line.sock.sendall(json.dumps(message).encode() + b"\n")
        heard.readline()
        yield LineDoor(line.sock.sendall, heard, itertools.count(10**6))


def stranger(engine: Engine) -> socket.socket:
    """A connection on which nothing was said."""
    record = engine.place.read_record()
    port = record.get("port")
    if isinstance(port, int):
        return socket.create_connection(("127.0.0.1", port), PATIENCE_S)
    line = socket.socket(socket.AF_UNIX)
    line.connect(str(Path(engine.place.folder) / "engine.sock"))
    return line


@pytest.mark.parametrize("ipc", ["unix", pytest.param("tcp", marks=pytest.mark.slow)])
def test_whatever_an_engine_is_told_it_goes_on(
    portal: BlockingPortal, tmp_path: Path, ipc: str, caplog: pytest.LogCaptureFixture
) -> None:
    with portal.wrap_async_context_manager(engine_at(tmp_path, ipc)) as engine:
        with conversation(engine) as door:
            hunt_lines(door, 0.6)

        @some(0.2)
        @given(odd_messages)
        def hang_up(raw: bytes) -> None:
            with stranger(engine) as line:
                line.sendall(raw[: len(raw) // 2])
            with stranger(engine) as line:
                line.sendall(raw + b"\n")

        hang_up()
        with conversation(engine) as door:
            assert door.answers_to(b"") == []
        assert portal.call(half_done, engine.store) == []

    assert [r.getMessage() for r in caplog.records if r.levelname == "ERROR"] == []
