"""One conversation over newline-delimited messages, on a pipe or on an engine's socket."""

from collections import deque
from collections.abc import Awaitable, Callable
from typing import Literal

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from mcp.server import Server
from mcp.server.runner import serve_loop
from mcp.shared.message import SessionMessage
from mcp.types import (
    JSONRPCError,
    JSONRPCMessage,
    JSONRPCNotification,
    JSONRPCRequest,
    JSONRPCResponse,
    RequestId,
)

from zettel.server.engine.ipc.lines import MAX_MESSAGE, LineSplitter
from zettel.server.protocol.malformed import RejectedMessage, parse_message, too_long
from zettel.server.runtime.shutdown import SIGNAL_DRAIN_S, Shutdown

ReceiveBytes = Callable[[], Awaitable[bytes]]
"""The next available bytes; empty at the end of the stream."""


class LineReader:
    """Splits a byte stream at newlines; a line that is too long becomes a `RejectedMessage`."""

    def __init__(self, receive: ReceiveBytes) -> None:
        self._receive = receive
        self._splitter = LineSplitter()
        self._ready: deque[bytes] = deque()
        self._ended = False

    async def next_line(self) -> bytes | RejectedMessage | None:
        """The next line that is not blank, without its newline; None at the end of the stream.

        A last line without a newline counts.
        """
        while not self._ready:
            if self._ended:
                return None
            chunk = await self._receive()
            self._ended = not chunk
            self._ready += self._splitter.feed(chunk) if chunk else self._splitter.end()
        line = self._ready.popleft().removesuffix(b"\n")
        return too_long(line, line) if len(line) > MAX_MESSAGE else line


SendLine = Callable[[bytes], Awaitable[None]]
"""Writes one whole line, newline included; safe to call from several tasks."""


UNAWAITED_METHODS = frozenset({"subscriptions/listen"})
"""Requests that stay open until the client or the server ends them; not waited for."""


OPEN_MAX_REQUESTS = 256
"""Of one client. At this bound no more is read of it until one is answered, so that a client that
does not read its answers cannot fill the memory of the engine that others share."""


class OpenRequestIds:
    """Ids of unanswered requests, which the end of a conversation waits for."""

    def __init__(self) -> None:
        self._ids: set[RequestId] = set()
        self._settled, self._room = anyio.Event(), anyio.Event()
        self._settled.set()
        self._room.set()

    def saw(self, message: JSONRPCMessage) -> None:
        """Record a message from either side."""
        if isinstance(message, JSONRPCRequest):
            if message.method in UNAWAITED_METHODS:
                return
            self._ids.add(message.id)
            if self._settled.is_set():
                self._settled = anyio.Event()
            if len(self._ids) >= OPEN_MAX_REQUESTS and self._room.is_set():
                self._room = anyio.Event()
        elif isinstance(message, JSONRPCNotification):
            if message.method == "notifications/cancelled":
                # A cancelled request is never answered.
                self._drop((message.params or {}).get("requestId"))
        else:
            self._drop(message.id)

    async def settled(self) -> None:
        """Wait until every request was answered or cancelled."""
        await self._settled.wait()

    async def room(self) -> None:
        """Wait until fewer than `OPEN_MAX_REQUESTS` are unanswered."""
        await self._room.wait()

    def _drop(self, request_id: object) -> None:
        if isinstance(request_id, str | int):
            self._ids.discard(request_id)
        if len(self._ids) < OPEN_MAX_REQUESTS:
            self._room.set()
        if not self._ids:
            self._settled.set()


async def converse(
    server: Server,
    reader: LineReader,
    send_line: SendLine,
    *,
    protocol: Literal["auto", "legacy"],
    shutdown: Shutdown,
) -> None:
    """Serve one client until its stream or the process ends, then until its calls are answered.

    `legacy` serves only protocol versions with the initialize handshake. `shutdown` ends reading,
    and bounds the time that open calls may take then.
    """
    read_send, read_receive = anyio.create_memory_object_stream[SessionMessage | Exception](0)
    write_send, write_receive = anyio.create_memory_object_stream[SessionMessage](0)
    unanswered = OpenRequestIds()

    async def read() -> None:
        async with read_send:
            async with anyio.create_task_group() as waiting:
                waiting.start_soon(_cancel_when, shutdown.requested, waiting.cancel_scope)
                await _read_messages(reader, read_send, send_line, unanswered)
                waiting.cancel_scope.cancel()
            await shutdown.drain(unanswered.settled)

    async with anyio.create_task_group() as writing:
        writing.start_soon(_write_messages, write_receive, send_line, unanswered)
        async with write_send, anyio.create_task_group() as reading:
            reading.start_soon(read)
            await _serve(server, read_receive, write_send, protocol)
            reading.cancel_scope.cancel()
        # The last answer may still be in the stream; bounded for a client that does not read.
        writing.cancel_scope.deadline = anyio.current_time() + SIGNAL_DRAIN_S


async def _serve(
    server: Server,
    incoming: MemoryObjectReceiveStream[SessionMessage | Exception],
    outgoing: MemoryObjectSendStream[SessionMessage],
    protocol: Literal["auto", "legacy"],
) -> None:
    if protocol == "legacy":
        await serve_loop(server, incoming, outgoing, lifespan_state={})
    else:
        await server.run(incoming, outgoing, server.create_initialization_options())


async def _cancel_when(event: anyio.Event, scope: anyio.CancelScope) -> None:
    await event.wait()
    scope.cancel()


async def _read_messages(
    reader: LineReader,
    messages: MemoryObjectSendStream[SessionMessage | Exception],
    send_line: SendLine,
    unanswered: OpenRequestIds,
) -> None:
    while (line := await reader.next_line()) is not None:
        parsed = line if isinstance(line, RejectedMessage) else parse_message(line)
        if isinstance(parsed, RejectedMessage):
            await send_line(_line_of(parsed.answer()))
            continue
        unanswered.saw(parsed)
        try:
            await messages.send(SessionMessage(parsed))
        except (anyio.BrokenResourceError, anyio.ClosedResourceError):
            return
        await unanswered.room()


async def _write_messages(
    messages: MemoryObjectReceiveStream[SessionMessage],
    send_line: SendLine,
    unanswered: OpenRequestIds,
) -> None:
    async with messages:
        async for outgoing in messages:
            await send_line(_line_of(outgoing.message))
            if isinstance(outgoing.message, JSONRPCResponse | JSONRPCError):
                unanswered.saw(outgoing.message)


def _line_of(message: JSONRPCMessage) -> bytes:
    return message.model_dump_json(by_alias=True, exclude_unset=True).encode() + b"\n"
