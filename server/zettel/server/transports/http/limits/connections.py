"""HTTP connections: how many there are, and how long a client may take.

Uvicorn's protocol serves a connection, and waits without limit for the rest of a request and for a
client that does not read. `HttpConnection` stands in front of it and ends such connections. At the
bound the connection that has been without a request longest makes room, as in nginx
(`ngx_drain_connections`), so that silent connections keep no client out.
"""

import asyncio
from http import HTTPStatus
from typing import Any

import anyio
import uvicorn
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from zettel.server.config.limits import Limits
from zettel.server.transports.http.limits.rejections import Reason, Rejections

HEAD_MAX_BYTES = 16_384
"""Of a request's head: h11's default, and twice what nginx takes for one header."""
ACCEPT_BACKLOG = 100
"""Connections accepted at once (asyncio's default); uvicorn's 2,048 exceed most file limits."""
SURPLUS_CONNECTIONS = 32
"""Connections above the bound that get a 503; further ones are closed without an answer."""
CONNECTION_RETRY_S = 5
"""`Retry-After` where no connection is free: an idle one lasts as long."""


class Connections:
    """All connections of one server."""

    def __init__(self, limits: Limits, rejections: Rejections) -> None:
        self.slow_s = limits.slow_seconds
        self.rejections = rejections
        self._max = limits.max_connections
        self._open = dict["HttpConnection", None]()

    def __len__(self) -> int:
        return len(self._open)

    def add(self, new: "HttpConnection") -> bool:
        """Register a connection; False if there is no room for it."""
        self._open[new] = None
        if len(self._open) <= self._max:
            return True
        idle = next((other for other in self._open if other.idle and other is not new), None)
        if idle is not None:
            idle.cut("connections")
            return True
        self.rejections.count("connections")
        if len(self._open) > self._max + SURPLUS_CONNECTIONS:
            new.abort()
        return False

    def remove(self, connection: "HttpConnection") -> None:
        """Unregister a connection."""
        self._open.pop(connection, None)


class ServerConfig(uvicorn.Config):
    """Uvicorn's configuration with bounded connections.

    Args:
        app: The application.
        connections: All of the server.
        certificate: PEM file, for HTTPS.
        key: PEM file.
        grace_s: Time for open requests to end at shutdown.
    """

    def __init__(
        self,
        app: ASGIApp,
        connections: Connections,
        *,
        certificate: str = "",
        key: str = "",
        grace_s: int = 1,
    ) -> None:
        self.connections = connections
        super().__init__(
            app,
            http=HttpConnection,
            ws="none",
            log_config=None,
            access_log=False,
            backlog=ACCEPT_BACKLOG,
            timeout_graceful_shutdown=grace_s,
            ssl_certfile=certificate or None,
            ssl_keyfile=key or None,
            h11_max_incomplete_event_size=HEAD_MAX_BYTES,
        )


class HttpConnection(asyncio.Protocol):
    """One connection: passes everything to uvicorn's protocol and limits the client's time."""

    def __init__(
        self,
        config: uvicorn.Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        assert isinstance(config, ServerConfig)
        self._all = config.connections
        self._protocol = H11Protocol(config, server_state, app_state, _loop)
        self._app: ASGIApp = self._protocol.app  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]: the same in uvicorn's types
        self._protocol.app = self._serve  # pyright: ignore[reportAttributeAccessIssue]
        self._loop = self._protocol.loop
        self._reading: asyncio.TimerHandle | None = None
        self._writing: asyncio.TimerHandle | None = None
        self._active = 0
        self._unread_body = self._paused = False
        self._begin_head()

    @property
    def idle(self) -> bool:
        """Whether no request is in progress."""
        return not self._active

    def cut(self, reason: Reason) -> None:
        """Count the reason and end the connection at once."""
        self._all.rejections.count(reason)
        self._all.remove(self)
        self.abort()

    def abort(self) -> None:
        """Close the connection, discarding what the client has not read."""
        if self._transport.get_write_buffer_size():
            self._transport.abort()
        else:
            # An orderly close, so that a client's connection pool notices it.
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Register the connection, and start the time for its first request."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._protocol.connection_made(transport)
        if not self._all.add(self):
            self._app = _answer_no_room
        self._start_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        """Unregister the connection."""
        self._all.remove(self)
        self._stop_reading()
        self._stop_writing()
        self._protocol.connection_lost(exc)

    def eof_received(self) -> None:
        """Pass it on."""
        self._protocol.eof_received()

    def data_received(self, data: bytes) -> None:
        """Pass it on, unless it makes a request's head too long."""
        if self.idle:
            self._start_reading()
            if self._is_head_too_long(data):
                self._all.rejections.count("header_size")
                text = f"The request's head is longer than {HEAD_MAX_BYTES:,} bytes. Send less."
                self._refuse(431, text)
                return
        self._protocol.data_received(data)

    def pause_writing(self) -> None:
        """Start the client's time to read what it was sent."""
        self._protocol.pause_writing()
        self._paused = True
        self._stop_writing()
        self._start_writing()

    def resume_writing(self) -> None:
        """Stop that time."""
        self._protocol.resume_writing()
        self._paused = False
        self._stop_writing()

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the application; its reads of the body end after `slow_s` in all."""
        self._stop_reading()
        self._active += 1
        headers = {name for name, _ in scope["headers"]}
        unread = bool(headers & {b"content-length", b"transfer-encoding"})
        ends_at, slow, started = float("inf"), False, False

        async def receive_in_time() -> Message:
            nonlocal unread, ends_at, slow
            if not unread:
                return await receive()
            ends_at = min(ends_at, anyio.current_time() + self._all.slow_s)
            with anyio.move_on_after(ends_at - anyio.current_time()):
                message = await receive()
                unread = message.get("more_body", False)
                return message
            slow = True
            return {"type": "http.disconnect"}

        async def send_noted(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._app(scope, receive_in_time, send_noted)
            if slow:
                self._all.rejections.count("slow_request")
                if started:
                    self.abort()
                else:
                    close = {"connection": "close"}
                    await PlainTextResponse(self._slow_text(), 408, close)(scope, receive, send)
        finally:
            self._active -= 1
            self._unread_body = unread
            self._begin_head()
            self._start_writing()

    def _begin_head(self) -> None:
        self._head_bytes, self._head_end, self._head_complete = 0, b"", False

    def _is_head_too_long(self, data: bytes) -> bool:
        """Count the bytes of a head; not those that may be the rest of the last request's body."""
        if self._unread_body or self._head_complete:
            return False
        end = self._head_end + data
        ends = [at for mark in (b"\r\n\r\n", b"\n\n") if (at := end.find(mark)) >= 0]
        self._head_complete = bool(ends)
        self._head_bytes += min(ends, default=len(end)) - len(self._head_end)
        self._head_end = end[-3:]
        return self._head_bytes > HEAD_MAX_BYTES

    def _start_reading(self) -> None:
        if self._reading is None:
            self._reading = self._loop.call_later(self._all.slow_s, self._end_slow_head)

    def _stop_reading(self) -> None:
        if self._reading is not None:
            self._reading.cancel()
            self._reading = None

    def _end_slow_head(self) -> None:
        self._all.rejections.count("slow_request")
        if self._unread_body:
            self.abort()
        else:
            self._refuse(408, self._slow_text())

    def _start_writing(self) -> None:
        if self._writing is None and self._transport.get_write_buffer_size():
            self._writing = self._loop.call_later(self._all.slow_s, self._end_slow_reader)

    def _stop_writing(self) -> None:
        if self._writing is not None:
            self._writing.cancel()
            self._writing = None

    def _end_slow_reader(self) -> None:
        self._writing = None
        if self._paused or self._transport.is_closing():
            if self._transport.get_write_buffer_size():
                self.cut("slow_reader")
        else:
            self._start_writing()

    def _slow_text(self) -> str:
        return f"The request took longer than {self._all.slow_s:g} s. Send it anew."

    def _refuse(self, status: int, text: str) -> None:
        """Answer in place of uvicorn, which has seen no whole request, and close."""
        if self._transport.is_closing():
            return
        body = text.encode()
        head = (
            f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n"
            "content-type: text/plain; charset=utf-8\r\n"
            f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
        )
        self._transport.write(head.encode() + body)
        self._transport.close()
        self._start_writing()


async def _answer_no_room(scope: Scope, receive: Receive, send: Send) -> None:
    text = f"The server has as many connections as it takes. Try again in {CONNECTION_RETRY_S} s."
    headers = {"retry-after": str(CONNECTION_RETRY_S), "connection": "close"}
    await PlainTextResponse(text, 503, headers)(scope, receive, send)
