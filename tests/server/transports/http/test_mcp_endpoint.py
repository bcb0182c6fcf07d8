"""What no client may send over HTTP, and how each is refused.

Sections named are those of MCP 2025-11-25 and 2026-07-28, basic/transports, and of RFC 9110.
"""

import json
import socket
from collections.abc import Mapping
from datetime import datetime

import anyio
import anyio.lowlevel
import httpx2
import pytest
from anyio import to_thread
from pydantic import JsonValue
from starlette.types import Message, Receive, Scope, Send
from tests.server.doors import STREAMS_LEFT_OPEN, Doors, House, opened
from tests.server.processes import INITIALIZE, tool_call
from tests.storage.in_memory.store import DictStore

from zettel.server.protocol.schemas import Arguments
from zettel.server.runtime.dispatch import dispatch
from zettel.server.transports.http.open_requests import OpenRequests
from zettel.storage.store import NoteFilter
from zettel.tools.caller import Caller
from zettel.tools.language.marks import find_marks
from zettel.tools.state.memory import Memory

pytestmark = STREAMS_LEFT_OPEN

PATIENCE_S = 30
JSON = {"accept": "application/json, text/event-stream", "content-type": "application/json"}
META: dict[str, JsonValue] = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientInfo": {"name": "raw", "version": "1"},
    "io.modelcontextprotocol/clientCapabilities": {},
}
MODERN = {"mcp-protocol-version": "2026-07-28", "mcp-method": "tools/list"}
LIST: dict[str, JsonValue] = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "tools/list",
    "params": {"_meta": META},
}
CALL = tool_call(2, "recall")
NOBODYS = "0" * 32
LATER = {**MODERN, "mcp-protocol-version": "2027-01-01"}

OWN = {"mcp-session-id": "OWN"}
"""Stands for the session that the test has opened."""

Row = tuple[int, str, str, Mapping[str, str], Mapping[str, JsonValue]]

REFUSED: dict[str, Row] = {
    # Sending messages: the client MUST include both types in Accept. RFC 9110, 15.5.7 and 15.5.16.
    "one type accepted": (406, "POST", "/mcp", {**OWN, "accept": "text/html"}, CALL),
    "no type accepted, modern": (406, "POST", "/mcp", {**MODERN, "accept": "text/html"}, LIST),
    "a stream not accepted": (406, "GET", "/mcp", {**OWN, "accept": "text/html"}, {}),
    "text": (415, "POST", "/mcp", {**OWN, "content-type": "text/plain"}, CALL),
    "text, modern": (415, "POST", "/mcp", {**MODERN, "content-type": "text/plain"}, LIST),
    "text, sse": (415, "POST", f"/messages/?session_id={NOBODYS}", {"content-type": "a/b"}, CALL),
    # Session management: 400 without an id, 404 where there is no such session.
    "no session": (400, "POST", "/mcp", {}, CALL),
    "no session, stream": (400, "GET", "/mcp", {}, {}),
    "no session, end": (400, "DELETE", "/mcp", {}, {}),
    "nobody's session": (404, "POST", "/mcp", {"mcp-session-id": NOBODYS}, CALL),
    "nobody's session, stream": (404, "GET", "/mcp", {"mcp-session-id": NOBODYS}, {}),
    "nobody's session, end": (404, "DELETE", "/mcp", {"mcp-session-id": NOBODYS}, {}),
    "no session, sse": (400, "POST", "/messages/", {}, CALL),
    "a session that is none, sse": (400, "POST", "/messages/?session_id=x%0aERROR", {}, CALL),
    "nobody's session, sse": (404, "POST", f"/messages/?session_id={NOBODYS}", {}, CALL),
    # Protocol version header: an unsupported one MUST be answered with 400.
    "unsupported version": (
        400, "POST", "/mcp", {**OWN, "mcp-protocol-version": "1999-01-01"}, CALL),
    # 2026-07-28, header validation: 400 where header and body do not say the same.
    "another version": (400, "POST", "/mcp", LATER, LIST),
    "another method": (400, "POST", "/mcp", {**MODERN, "mcp-method": "tools/call"}, LIST),
    "no method": (400, "POST", "/mcp", {"mcp-protocol-version": "2026-07-28"}, LIST),
    "no version, modern": (400, "POST", "/mcp", {}, LIST),
    # RFC 9110, 15.5.6.
    "PUT": (405, "PUT", "/mcp", {**OWN}, {}),
    "a stream, modern": (405, "GET", "/mcp", MODERN, {}),
    "an end, modern": (405, "DELETE", "/mcp", MODERN, {}),
    "POST of a stream": (405, "POST", "/sse", {}, CALL),
    "GET of messages": (405, "GET", f"/messages/?session_id={NOBODYS}", {}, {}),
}  # fmt: skip


async def session_of(http: httpx2.AsyncClient, doors: Doors) -> dict[str, str]:
    """Open a session of the older era; the header that names it."""
    opened_one = await http.post(f"{doors.url}/mcp", json=INITIALIZE, headers=JSON)
    return {"mcp-session-id": opened_one.headers["mcp-session-id"]}


async def test_what_the_specification_does_not_allow_is_refused_as_it_says(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Transports: sending messages, session management, protocol version; RFC 9110, 15.5."""
    answered = dict[str, int]()
    async with opened(House()) as doors, httpx2.AsyncClient(timeout=PATIENCE_S) as http:
        own = (await session_of(http, doors))["mcp-session-id"]
        for name, (_, method, path, headers, body) in REFUSED.items():
            sent = JSON | {k: v.replace("OWN", own) for k, v in headers.items()}
            raw = json.dumps(body).encode() if body else b""
            answer = await http.request(method, doors.url + path, content=raw, headers=sent)
            answered[name] = answer.status_code
        good = await http.post(f"{doors.url}/mcp", json=LIST, headers=JSON | MODERN)

    assert answered == {name: row[0] for name, row in REFUSED.items()}
    assert good.status_code == 200
    assert not [record.getMessage() for record in caplog.records if "\n" in record.getMessage()]


async def test_nothing_is_replayed_and_there_is_one_stream_of_a_session() -> None:
    """Transports, resumability (events MAY be kept, none are) and listening for messages."""
    async with opened(House()) as doors, httpx2.AsyncClient(timeout=PATIENCE_S) as http:
        url, headers = f"{doors.url}/mcp", JSON | await session_of(http, doors)
        behind = headers | {"last-event-id": "1"}
        async with http.stream("GET", url, headers=behind) as stream:
            second = await http.get(url, headers=headers)
            wanted = {"jsonrpc": "2.0", "id": 2, "method": "resources/subscribe"}
            asked = wanted | {"params": {"uri": "memory://stats"}}
            subscribed = await http.post(url, json=asked, headers=headers)
            await http.post(url, json=tool_call(3, "remember", content="a"), headers=headers)
            with anyio.fail_after(PATIENCE_S):
                first = await anext(x async for x in stream.aiter_lines() if "data: {" in x)

    assert (stream.status_code, second.status_code, subscribed.status_code) == (200, 409, 200)
    assert "notifications/resources/updated" in first


async def test_of_two_open_requests_with_one_id_the_second_is_refused_and_the_first_answered() -> (
    None
):
    """Basic, requests: an id MUST NOT have been used before within the same session."""
    begun, goes_on = anyio.Event(), anyio.Event()

    async def held(memory: Memory, caller: Caller, arguments: Arguments, **now: object) -> object:
        begun.set()
        await goes_on.wait()
        return await dispatch(memory, caller, arguments, **now)  # pyright: ignore[reportArgumentType, reportUnknownVariableType]  as it was called

    house = House(dispatch=held)  # pyright: ignore[reportArgumentType]  its arguments are passed on
    async with opened(house) as doors, httpx2.AsyncClient(timeout=PATIENCE_S) as http:
        url, mine, other = f"{doors.url}/mcp", *[await session_of(http, doors) for _ in "ab"]
        answers = list[httpx2.Response]()

        async def ask(session: Mapping[str, str]) -> None:
            answers.append(await http.post(url, json=CALL, headers=JSON | dict(session)))

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(ask, mine)
            await begun.wait()
            answers.append(await http.post(url, json={**CALL, "id": "2"}, headers=JSON | mine))
            tasks.start_soon(ask, other)
            goes_on.set()
        await ask(mine)

    again, *answered = answers
    assert again.status_code == 400
    assert again.json()["id"] == "2"
    assert [answer.status_code for answer in answered] == [200, 200, 200]
    assert all('"result"' in answer.text for answer in answered)


class Crowded(DictStore):
    """Gives other calls time between the look for a known note and the write of a new one."""

    async def count(self, where: NoteFilter) -> int:
        """How many notes there were a moment ago."""
        found = await super().count(where)
        for _ in range(50):
            await anyio.lowlevel.checkpoint()
        return found


async def test_a_call_that_is_posted_again_or_at_the_same_time_is_stored_once() -> None:
    """Basic, requests: a client must not reuse an id, and a network may deliver twice."""
    store, together, all_came, came = Crowded(), 8, anyio.Event(), list[Caller]()
    find_marks("told once")  # the first call would load what the others need

    async def crowded(
        memory: Memory, caller: Caller, arguments: Arguments, *, now: datetime
    ) -> Mapping[str, object]:
        came.append(caller)
        if len(came) == together:
            all_came.set()
        await all_came.wait()
        return await dispatch(memory, caller, arguments, now=now)

    house = House(store=store, dispatch=crowded)
    async with opened(house) as doors, httpx2.AsyncClient(timeout=PATIENCE_S) as http:
        headers, answers = JSON | await session_of(http, doors), list[httpx2.Response]()

        async def post(request_id: int) -> None:
            told = tool_call(request_id, "remember", content="told once")
            answers.append(await http.post(f"{doors.url}/mcp", json=told, headers=headers))

        async with anyio.create_task_group() as tasks:
            for request_id in range(together):
                tasks.start_soon(post, request_id)
        for request_id in (0, 7):
            await post(request_id)

    assert len(answers) == together + 2
    assert all('"note_id' in answer.text for answer in answers)
    assert (await store.stats()).revisions == 1


SMUGGLED = (
    b"POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 4\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    b"POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 2\r\nContent-Length: 40\r\n\r\n{}",
    b"POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    b"POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nHost: evil.example\r\nContent-Length: 0\r\n\r\n",
    b"POST /mcp HTTP/1.1\nHost : 127.0.0.1\n\n",
    b"GET http://evil.example/health HTTP/1.1\r\nHost: evil.example\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
)
"""RFC 9112, 6.1 and 6.3: lengths that two readers take differently; names, and what is no HTTP."""


@pytest.mark.parametrize("raw", SMUGGLED)
async def test_what_two_readers_take_differently_is_answered_badly(raw: bytes) -> None:
    """RFC 9112, 6.3: such a request is refused, or the connection closed behind it."""
    async with opened(House()) as doors:
        heard = await to_thread.run_sync(exchanged, doors, raw)
        async with httpx2.AsyncClient(timeout=PATIENCE_S) as http:
            good = await http.post(f"{doors.url}/mcp", json=LIST, headers=JSON | MODERN)

    assert b"HTTP/1.1 2" not in heard
    assert b"Traceback" not in heard
    assert good.status_code == 200


async def test_a_request_with_two_lengths_is_refused_and_its_connection_closed() -> None:
    raw = (
        b"GET /health/live HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 5\r\n"
        b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    )
    async with opened(House()) as doors:
        heard = await to_thread.run_sync(exchanged, doors, raw)

    assert heard.startswith(b"HTTP/1.1 400 ")
    assert b"connection: close" in heard.lower()
    assert heard.endswith(b"Two lengths")


@pytest.mark.parametrize("path", ["/mcp", f"/messages/?session_id={NOBODYS}"], ids=["http", "sse"])
async def test_who_hangs_up_within_a_message_has_said_nothing(
    path: str, caplog: pytest.LogCaptureFixture
) -> None:
    store = DictStore()
    body = json.dumps(tool_call(3, "remember", content="half")).encode()
    headers = {**JSON, "host": "127.0.0.1", "mcp-protocol-version": "2026-07-28"}
    lines = [f"POST {path} HTTP/1.1", *(f"{k}: {v}" for k, v in headers.items())]
    half = "\r\n".join([*lines, f"content-length: {len(body) + 1}", "", ""]).encode() + body
    async with opened(House(store=store)) as doors, httpx2.AsyncClient(timeout=PATIENCE_S) as http:
        await to_thread.run_sync(hang_up_after, doors, half)
        good = await http.post(f"{doors.url}/mcp", json=LIST, headers=JSON | MODERN)

    assert good.status_code == 200
    assert (await store.stats()).revisions == 0
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []


def connected(doors: Doors) -> socket.socket:
    host, _, port = doors.url.removeprefix("http://").partition(":")
    return socket.create_connection((host, int(port)), PATIENCE_S)


def exchanged(doors: Doors, raw: bytes) -> bytes:
    """Everything that is answered until the server closes, or we do."""
    with connected(doors) as line:
        line.sendall(raw)
        line.shutdown(socket.SHUT_WR)
        heard = b""
        try:
            while piece := line.recv(65_536):
                heard += piece
        except ConnectionResetError:
            pass
        return heard


def hang_up_after(doors: Doors, raw: bytes) -> None:
    with connected(doors) as line:
        line.sendall(raw)


async def test_who_comes_when_all_is_ended_is_told_to_come_later() -> None:
    streams, told = OpenRequests(), list[Message]()

    async def answer(_scope: Scope, _receive: Receive, _send: Send) -> None:
        await anyio.sleep_forever()

    async def send(message: Message) -> None:
        told.append(message)

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    streams.end()
    with anyio.fail_after(PATIENCE_S):
        await streams.handle(answer, {"type": "http"}, receive, send)

    assert [message.get("status") for message in told] == [503, None]
