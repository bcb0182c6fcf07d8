"""Connections that are slow, idle, too many or no HTTP: nobody holds one for nothing."""

import asyncio
import socket

import anyio
import pytest
from anyio.abc import SocketStream
from tests.server.bounded import Bounded, bounded, read_all

from zettel.server.auth import static_tokens

HEALTH = b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
POST = b"POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"


async def drip(stream: SocketStream, part: bytes) -> None:
    """Send something again and again, until the server has hung up."""
    try:
        while True:
            await stream.send(part)
            await anyio.sleep(0.02)
    except (anyio.BrokenResourceError, anyio.ClosedResourceError):
        return


async def dripped(server: Bounded, start: bytes, part: bytes) -> bytes:
    """What is answered to one who starts a request and then only drips."""
    async with await server.connect() as stream, anyio.create_task_group() as tasks:
        await stream.send(start)
        tasks.start_soon(drip, stream, part)
        heard = await read_all(stream)
        tasks.cancel_scope.cancel()
        return heard
    raise AssertionError


@pytest.mark.parametrize(
    ("start", "part"),
    [
        (b"", b"G"),
        (b"GET /health HTTP/1.1\r\n", b"x: y\r\n"),
        (POST + b"Content-Length: 1000\r\n\r\n", b" "),
        (POST + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
    ],
)
async def test_a_request_that_drips_is_ended_with_408(start: bytes, part: bytes) -> None:
    async with bounded(slow_seconds=0.3) as server:
        heard = await dripped(server, start, part)

        assert heard.startswith(b"HTTP/1.1 408")
        assert b"longer than 0.3 s" in heard
        assert server.counts == {"slow_request": 1}
        assert len(server.connections) == 0


async def test_one_who_connects_and_says_nothing_is_hung_up_on() -> None:
    async with bounded(slow_seconds=0.2) as server, await server.connect() as stream:
        assert (await read_all(stream)).startswith(b"HTTP/1.1 408")


async def test_who_was_refused_cannot_hold_on_by_sending_the_rest_of_the_body(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # The token is seen at once, not after what was looked up before it has gone stale.
    monkeypatch.setattr(static_tokens, "TOKENS_FRESH_S", 0.001)
    async with bounded(slow_seconds=0.3) as server:
        await server.token("ana")
        heard = await dripped(server, POST + b"Content-Length: 1000000\r\n\r\n", b" ")

        assert heard.startswith(b"HTTP/1.1 401")
        assert len(server.connections) == 0


async def test_the_second_request_of_a_connection_has_its_time_too() -> None:
    async with bounded(slow_seconds=0.3) as server, await server.connect() as stream:
        await stream.send(HEALTH)
        assert (await stream.receive()).startswith(b"HTTP/1.1 200")
        await stream.send(b"GET /health HT")
        assert b"HTTP/1.1 408" in await read_all(stream)


@pytest.mark.parametrize("end", [b"", b"\r\n\r\n"])
async def test_a_head_that_is_too_long_is_refused_as_such(end: bytes) -> None:
    async with bounded() as server, await server.connect() as stream:
        await stream.send(b"GET /health HTTP/1.1\r\nhost: 127.0.0.1\r\nx: " + b"y" * 20_000 + end)

        assert (await read_all(stream)).startswith(b"HTTP/1.1 431")
        assert server.counts == {"header_size": 1}


async def test_what_is_no_http_is_refused() -> None:
    async with bounded() as server, await server.connect() as stream:
        await stream.send(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n")

        assert (await read_all(stream)).startswith(b"HTTP/1.1 400")


async def test_one_who_asks_and_does_not_read_is_cut_off() -> None:
    loop = asyncio.get_running_loop()
    async with bounded(slow_seconds=0.4) as server:
        # Not a stream of anyio's, which reads whether or not anybody asks it to.
        with socket.socket() as raw:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
            raw.setblocking(False)
            await loop.sock_connect(raw, ("127.0.0.1", server.port))
            with anyio.fail_after(20), pytest.raises(ConnectionError):
                while True:
                    await loop.sock_sendall(raw, HEALTH * 20)

        assert server.counts == {"slow_reader": 1}
        assert len(server.connections) == 0


async def test_an_idle_connection_makes_room_for_one_that_asks() -> None:
    async with bounded(max_connections=3) as server:
        silent = [await server.connect() for _ in range(6)]
        async with server.http() as http:
            answer = await http.get("/health")

        assert answer.status_code == 200
        assert len(server.connections) <= 3
        assert server.counts["connections"] >= 4
        for stream in silent:
            await stream.aclose()


async def test_when_all_connections_are_in_use_one_more_is_told_when_to_come_again() -> None:
    async with bounded(max_connections=2) as server, server.http() as http:
        async with http.stream("GET", "/sse") as one, http.stream("GET", "/sse") as two:
            refused = await http.get("/health")
            statuses = (one.status_code, two.status_code, refused.status_code)

        assert statuses == (200, 200, 503)
        assert refused.headers["retry-after"] == "5"
        assert server.counts == {"connections": 1}
        with anyio.fail_after(20):
            while (await http.get("/health")).status_code != 200:
                await anyio.lowlevel.checkpoint()
