"""Requests that are ended because the server leaves."""

import asyncio

import anyio
import anyio.lowlevel
from starlette.types import Message, Receive, Scope, Send

from zettel.server.transports.http.open_requests import OpenRequests

SCOPE: Scope = {"type": "http", "path": "/mcp"}


async def receive() -> Message:
    """Nothing more comes."""
    await anyio.sleep_forever()
    raise AssertionError


async def test_who_writes_longer_than_the_server_can_wait_is_told_that_it_leaves() -> None:
    streams, sent, written = OpenRequests(), list[Message](), list[str]()
    writing, disk = anyio.Event(), anyio.Event()

    async def app(_scope: Scope, _receive: Receive, _send: Send) -> None:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(commit)

    async def commit() -> None:
        with anyio.CancelScope(shield=True):
            writing.set()
            await disk.wait()
            written.append("whole")

    async def send(message: Message) -> None:
        sent.append(message)

    # As uvicorn has a request: a task that it cancels when its own patience is at an end.
    request = asyncio.ensure_future(streams.handle(app, SCOPE, receive, send))
    await writing.wait()
    streams.end()
    await anyio.lowlevel.checkpoint()
    request.cancel()
    await anyio.lowlevel.checkpoint()
    assert not request.done()
    disk.set()
    await request

    assert written == ["whole"]
    assert [message.get("status") for message in sent] == [503, None]


async def test_a_server_that_leaves_waits_for_a_commit_and_for_nothing_else() -> None:
    streams, sent, disk = OpenRequests(), list[Message](), anyio.Event()

    async def listen(_scope: Scope, _receive: Receive, _send: Send) -> None:
        await anyio.sleep_forever()

    async def commit(_scope: Scope, _receive: Receive, _send: Send) -> None:
        with anyio.CancelScope(shield=True):
            await disk.wait()
        await anyio.lowlevel.checkpoint()

    async def send(message: Message) -> None:
        sent.append(message)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(streams.handle, listen, SCOPE, receive, send)
        tasks.start_soon(streams.handle, commit, SCOPE, receive, send)
        await anyio.wait_all_tasks_blocked()
        streams.end()
        with anyio.move_on_after(0.1) as waiting:
            await streams.left()
        assert waiting.cancelled_caught
        assert len(sent) == 2
        disk.set()
        await streams.left()
        await streams.left()

    assert [message.get("status") for message in sent] == [503, None, 503, None]


async def test_a_server_that_serves_nothing_leaves_at_once() -> None:
    streams = OpenRequests()
    streams.end()

    await streams.left()
