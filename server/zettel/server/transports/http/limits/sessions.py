"""The sessions of the handshake era over HTTP: whose they are, how many, and when they end.

The SDK keeps each for half an hour after its last request, whoever opened it and whatever became of
their token. It is ended here by the request with which a client would end it.
"""

import time
from collections.abc import AsyncGenerator, Callable, Hashable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import anyio
from anyio.abc import TaskGroup
from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser, authorization_context
from mcp.types.version import HANDSHAKE_PROTOCOL_VERSIONS
from starlette.authentication import BaseUser
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from zettel.server.config.limits import Limits
from zettel.server.transports.http.limits.rejections import AGAIN_S, Rejections, refusal

SESSION, ERA = b"mcp-session-id", b"mcp-protocol-version"
IDLE_S = 30 * 60.0
"""Seconds without a request after which a session ends: the SDK's default."""


def whose(scope: Scope) -> Hashable:
    """What tells one who came in from others; None for the local user."""
    user = scope.get("user")
    if not isinstance(user, AuthenticatedUser):
        return None
    return tuple(authorization_context(user).values())


@dataclass(eq=False, slots=True, kw_only=True)
class _Session:
    who: Hashable
    used: float
    busy: int = 1
    """Requests in progress."""
    session_id: bytes = b""
    ending: Scope = field(default_factory=dict[str, object])
    """Of the request that ends it."""


class Sessions:
    """All sessions of one server.

    Args:
        limits: How many there may be.
        turned_away: Told who could not open one.
        idle_s: Seconds after which the application ends one by itself.
        now: Seconds of a clock that never goes back.
    """

    def __init__(
        self,
        limits: Limits,
        turned_away: Rejections,
        *,
        idle_s: float = IDLE_S,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self.idle_s = idle_s
        self._limits = limits
        self._turned_away = turned_away
        self._now = now
        self._held = dict[bytes, _Session]()
        self._opening = set[_Session]()
        self._app: ASGIApp | None = None
        self._tasks: TaskGroup | None = None

    @property
    def some_open(self) -> bool:
        """Whether there is any."""
        return bool(self._held)

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """End sessions in the background for as long as the body runs."""
        async with anyio.create_task_group() as self._tasks:
            yield
            self._tasks.cancel_scope.cancel()

    def wrap(self, app: ASGIApp) -> ASGIApp:
        """Keep account of the sessions of the application that serves them."""
        self._app = app
        return _Counted(self._serve)

    def end_refused(self, may_return: Callable[[BaseUser], bool]) -> None:
        """End those of people who may not come back, and free what they hold."""
        for session in tuple(self._held.values()):
            user = session.ending.get("user")
            if isinstance(user, BaseUser) and not may_return(user):
                self._end(session)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        assert self._app is not None
        session_id = _header(scope, SESSION)
        era = (_header(scope, ERA) or b"").decode("latin-1")
        if session_id is not None:
            await self._go_on(self._app, self._held.get(session_id), scope, receive, send)
        elif scope["method"] != "POST" or (era and era not in HANDSHAKE_PROTOCOL_VERSIONS):
            await self._app(scope, receive, send)
        elif refused := self._no_room(whose(scope)):
            await refused(scope, receive, send)
        else:
            await self._open(self._app, scope, receive, send)

    async def _go_on(
        self, app: ASGIApp, session: _Session | None, scope: Scope, receive: Receive, send: Send
    ) -> None:
        if session is None or session.who != whose(scope):
            await app(scope, receive, send)
            return

        async def watched(message: Message) -> None:
            ended = scope["method"] == "DELETE" and message.get("status") == 200
            if ended or message.get("status") == 404:
                self._held.pop(session.session_id, None)
            await send(message)

        session.busy += 1
        try:
            await app(scope, receive, watched)
        finally:
            session.busy -= 1
            session.used = self._now()

    async def _open(self, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        session = _Session(who=whose(scope), used=self._now())
        self._opening.add(session)

        async def watched(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] < 400:
                given = _header(message, SESSION)
                if given is not None:
                    session.session_id, session.ending = given, _ending(scope, given)
                    self._held[given] = session
                    self._make_room(session)
            await send(message)

        try:
            await app(scope, receive, watched)
        finally:
            self._opening.discard(session)
            session.busy -= 1
            session.used = self._now()

    def _no_room(self, who: Hashable) -> Response | None:
        """The answer to who may not open another one, because none of theirs can make room."""
        limits = self._limits
        mine = [session for session in self._held.values() if session.who == who]
        if any(not session.busy for session in mine):
            return None
        opening = sum(session.who == who for session in self._opening)
        if who is not None and len(mine) + opening >= limits.max_sessions_each:
            status, text = 429, f"There are {limits.max_sessions_each} sessions in use; end some."
        elif len(self._held) + len(self._opening) >= limits.max_sessions:
            status, text = 503, "The server has as many sessions as it takes."
        else:
            return None
        self._turned_away.count("sessions", str(who or ""))
        return refusal(status, text, AGAIN_S)

    def _make_room(self, new: _Session) -> None:
        """End who has been idle longest among the sessions of one who has too many."""
        for session in [s for s in self._held.values() if self._is_over(s)]:
            # The SDK has ended it.
            del self._held[session.session_id]
        mine = [session for session in self._held.values() if session.who == new.who]
        too_many = new.who is not None and len(mine) > self._limits.max_sessions_each
        if too_many or len(self._held) > self._limits.max_sessions:
            idle = (session for session in mine if not session.busy)
            longest = min(idle, key=lambda session: session.used, default=None)
            if longest is not None:
                self._turned_away.count("sessions", str(new.who or ""))
                self._end(longest)

    def _is_over(self, session: _Session) -> bool:
        return not session.busy and self._now() - session.used > self.idle_s

    def _end(self, session: _Session) -> None:
        del self._held[session.session_id]
        assert self._tasks is not None
        self._tasks.start_soon(self._delete, session)

    async def _delete(self, session: _Session) -> None:
        assert self._app is not None

        async def nothing() -> Message:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def nobody(_message: Message) -> None:
            return

        await self._app(session.ending, nothing, nobody)


def _ending(scope: Scope, session_id: bytes) -> Scope:
    """The request that ends a session, without what else the one that opened it brought."""
    kept = ("type", "asgi", "http_version", "scheme", "server", "path", "raw_path", "root_path")
    headers = [(SESSION, session_id)]
    if host := _header(scope, b"host"):
        headers.append((b"host", host))
    return {
        **{name: scope[name] for name in kept if name in scope},
        "method": "DELETE",
        "query_string": b"",
        "headers": headers,
        "user": scope.get("user"),
    }


def _header(scope: Scope, wanted: bytes) -> bytes | None:
    return next((value for name, value in scope["headers"] if name == wanted), None)


class _Counted:
    """An ASGI application that a route takes for one."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request."""
        await self._app(scope, receive, send)
