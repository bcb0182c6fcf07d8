"""HTTP connections that nobody can hold on to by being slow, and no more of them than are set.

Uvicorn waits for ever for the rest of a request's head or body, and for a client to take what it is
sent. Here each has its time. When there are too many connections, the one that has been without a
request longest makes room for the next, as nginx does (`ngx_drain_connections`): so opening many
and saying nothing shuts nobody out.
"""

import asyncio
from typing import Any

import h11
import uvicorn
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from zettel.server.config.limits import Limits
from zettel.server.transports.http.limits.rejections import Reason, Rejections

MAX_HEAD = 16_384
"""Bytes of a request's head: h11's own default, and twice what nginx takes for one header."""
BACKLOG = 100
"""Connections taken at once (asyncio's default): so many may be open above the most until it is
seen. Uvicorn's 2,048 would be more than most systems let a process open."""
SURPLUS = 32
"""Connections above the most that are told so; those above them are cut off."""
AGAIN_S = 5
"""Seconds after which one who found no room may come again: an idle connection lasts as long."""


class Connections:
    """All connections of one server.

    Args:
        limits: How many there may be, and how slow.
        turned_away: Told of those that were cut off.
    """

    def __init__(self, limits: Limits, turned_away: Rejections) -> None:
        self.slow_s = limits.slow_seconds
        self.turned_away = turned_away
        self._most = limits.max_connections
        self._open = dict["PatientProtocol", None]()

    def __len__(self) -> int:
        return len(self._open)

    def add(self, new: "PatientProtocol") -> bool:
        """Keep a connection; False if there is no room for it."""
        self._open[new] = None
        if len(self._open) <= self._most:
            return True
        idle = next((other for other in self._open if other.idle and other is not new), None)
        if idle is not None:
            idle.cut("connections")
            return True
        self.turned_away.count("connections")
        if len(self._open) > self._most + SURPLUS:
            new.abort()
        return False

    def remove(self, gone: "PatientProtocol") -> None:
        """Forget a connection."""
        self._open.pop(gone, None)


class PatientConfig(uvicorn.Config):
    """Uvicorn's configuration, for connections that are kept count of.

    Args:
        app: What is served.
        connections: All of one server.
        certificate: PEM file, for HTTPS.
        key: PEM file.
        grace_s: Seconds open requests have to end.
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
            http=PatientProtocol,
            ws="none",
            log_config=None,
            access_log=False,
            backlog=BACKLOG,
            timeout_graceful_shutdown=grace_s,
            ssl_certfile=certificate or None,
            ssl_keyfile=key or None,
            h11_max_incomplete_event_size=MAX_HEAD,
        )


class PatientProtocol(H11Protocol):
    """One connection, whose client has so long for each thing it is to do, and no longer."""

    def __init__(
        self,
        config: uvicorn.Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        assert isinstance(config, PatientConfig)
        super().__init__(config, server_state, app_state, _loop)
        self._all = config.connections
        self._reading: asyncio.TimerHandle | None = None
        self._writing: asyncio.TimerHandle | None = None
        self._phase: object = None

    @property
    def idle(self) -> bool:
        """Whether no request of it is being answered."""
        # None until the first request, whatever uvicorn's types say.
        return not self.cycle or self.cycle.response_complete

    def cut(self, reason: Reason) -> None:
        """End it at once."""
        self._all.turned_away.count(reason)
        self._all.remove(self)
        self.abort()

    def abort(self) -> None:
        """Close it without waiting for the client to take what it was sent."""
        if self.transport.get_write_buffer_size():
            self.transport.abort()
        else:
            # In good order, so that a client that has it in a pool sees it end.
            self.transport.close()

    def connection_made(self, transport: asyncio.Transport) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]: uvicorn's own
        """Keep count of it, and begin to wait for a request."""
        super().connection_made(transport)
        if not self._all.add(self):
            self.app = _no_room
        self._watch_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget it."""
        self._all.remove(self)
        for timer in (self._reading, self._writing):
            if timer is not None:
                timer.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take what the client sends."""
        super().data_received(data)
        self._watch_reading()

    def pause_writing(self) -> None:
        """The client takes less than it is sent: from now on its time runs."""
        super().pause_writing()
        self._watch_writing()

    def resume_writing(self) -> None:
        """It has taken what it was sent."""
        super().resume_writing()
        if self._writing is not None:
            self._writing.cancel()
            self._writing = None

    def on_response_complete(self) -> None:
        """Wait for the next request; or for the client to take the last of this answer."""
        super().on_response_complete()
        self._watch_reading()
        self._watch_closing()

    def timeout_keep_alive_handler(self) -> None:
        """Close a connection that was idle."""
        super().timeout_keep_alive_handler()
        self._watch_closing()

    def shutdown(self) -> None:
        """Close it in good order."""
        super().shutdown()
        self._watch_closing()

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no HTTP, or has too long a head."""
        if self.conn.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
            # An answer has begun, and another one would be taken for the rest of it.
            self.abort()
            return
        if len(self.conn.trailing_data[0]) > MAX_HEAD:
            self._all.turned_away.count("header_size")
            self._refuse(431, f"The request's head is longer than {MAX_HEAD:,} bytes. Send less.")
        else:
            self._refuse(400, msg)

    def _watch_reading(self) -> None:
        """Have the client's time run while a request is on its way, for its head and its body."""
        phase = None if self.transport.is_closing() else self._awaited()
        if phase is self._phase:
            return
        self._phase = phase
        if self._reading is not None:
            self._reading.cancel()
            self._reading = None
        if phase is not None:
            self._reading = self.loop.call_later(self._all.slow_s, self._too_slow)

    def _awaited(self) -> object:
        """What of a request is to come: its head, once begun, its body, or nothing."""
        state = self.conn.their_state
        if state is h11.SEND_BODY:
            return state
        begun = not self.cycle or bool(self.conn.trailing_data[0])
        return state if state is h11.IDLE and begun else None

    def _too_slow(self) -> None:
        if self.flow.read_paused:
            # It is the application that does not take the body.
            self._reading = self.loop.call_later(self._all.slow_s, self._too_slow)
            return
        self._all.turned_away.count("slow_request")
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            self._refuse(408, f"The request took longer than {self._all.slow_s:g} s. Send it anew.")
        else:
            self.abort()

    def _watch_writing(self) -> None:
        if self._writing is None:
            self._writing = self.loop.call_later(self._all.slow_s, self.cut, "slow_reader")

    def _watch_closing(self) -> None:
        if self.transport.is_closing() and self.transport.get_write_buffer_size():
            self._watch_writing()

    def _refuse(self, status: int, text: str) -> None:
        """Answer in place of the application, which is told that the client has gone."""
        body = text.encode()
        head = h11.Response(
            status_code=status,
            headers=[
                (b"content-type", b"text/plain; charset=utf-8"),
                (b"content-length", str(len(body)).encode()),
                (b"connection", b"close"),
            ],
        )
        parts: tuple[h11.Event, ...] = (head, h11.Data(data=body), h11.EndOfMessage())
        self.transport.write(b"".join(self.conn.send(part) or b"" for part in parts))
        if self.cycle:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        self.transport.close()
        self._watch_closing()


async def _no_room(scope: Scope, receive: Receive, send: Send) -> None:
    text = f"The server has as many connections as it takes. Try again in {AGAIN_S} s."
    headers = {"retry-after": str(AGAIN_S), "connection": "close"}
    await PlainTextResponse(text, 503, headers)(scope, receive, send)
