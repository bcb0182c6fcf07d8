"""Bounds and ownership of the sessions of the handshake era over HTTP.

The SDK keeps a session for half an hour after its last request, even if its owner's token has
ended. Here it is ended by the `DELETE` with which a client would end it.
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
from zettel.server.transports.http.limits.rejections import RETRY_S, Rejections, refusal

SESSION_HEADER, VERSION_HEADER = b"mcp-session-id", b"mcp-protocol-version"
SESSION_IDLE_S = 30 * 60.0
"""Time without a request after which a session ends: the SDK's default."""


def principal_of(scope: Scope) -> Hashable:
    """The identity of a request's user; None for the local user."""
    user = scope.get("user")
    if not isinstance(user, AuthenticatedUser):
        return None
    return tuple(authorization_context(user).values())


@dataclass(eq=False, slots=True, kw_only=True)
class _Session:
    principal: Hashable
    used: float
    active: int = 1
    """Requests in progress."""
    session_id: bytes = b""
    delete_scope: Scope = field(default_factory=dict[str, object])
    """Scope of the request that ends the session."""


class Sessions:
    """All sessions of one server.

    The SDK ends a session that is idle for `idle_s`.
    """

    def __init__(
        self,
        limits: Limits,
        rejections: Rejections,
        *,
        idle_s: float = SESSION_IDLE_S,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self.idle_s = idle_s
        self._limits = limits
        self._rejections = rejections
        self._now = now
        self._known = dict[bytes, _Session]()
        self._opening = set[_Session]()
        self._app: ASGIApp | None = None
        self._tasks: TaskGroup | None = None

    @property
    def any_open(self) -> bool:
        """Whether there is a session."""
        return bool(self._known)

    @asynccontextmanager
    async def running(self, app: ASGIApp) -> AsyncGenerator[None]:
        """End sessions of `app` in the background while the body runs."""
        self._app = app
        async with anyio.create_task_group() as self._tasks:
            yield
            self._tasks.cancel_scope.cancel()

    def end_refused(self, may_return: Callable[[BaseUser], bool]) -> None:
        """End the sessions of users for whom `may_return` is false."""
        for session in tuple(self._known.values()):
            user = session.delete_scope.get("user")
            if isinstance(user, BaseUser) and not may_return(user):
                self._end(session)

    async def handle(self, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        """Middleware before the SDK's endpoint."""
        session_id = _header(scope, SESSION_HEADER)
        version = (_header(scope, VERSION_HEADER) or b"").decode("latin-1")
        if session_id is not None:
            await self._continue(app, self._known.get(session_id), scope, receive, send)
        elif scope["method"] != "POST" or (version and version not in HANDSHAKE_PROTOCOL_VERSIONS):
            await app(scope, receive, send)
        elif refused := self._no_room(principal_of(scope)):
            await refused(scope, receive, send)
        else:
            await self._open(app, scope, receive, send)

    async def _continue(
        self, app: ASGIApp, session: _Session | None, scope: Scope, receive: Receive, send: Send
    ) -> None:
        if session is None or session.principal != principal_of(scope):
            await app(scope, receive, send)
            return

        async def send_watched(message: Message) -> None:
            ended = scope["method"] == "DELETE" and message.get("status") == 200
            if ended or message.get("status") == 404:
                self._known.pop(session.session_id, None)
            await send(message)

        session.active += 1
        await self._run(app, session, scope, receive, send_watched)

    async def _open(self, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        session = _Session(principal=principal_of(scope), used=self._now())
        self._opening.add(session)

        async def send_watched(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] < 400:
                given = _header(message, SESSION_HEADER)
                if given is not None:
                    session.session_id, session.delete_scope = given, _delete_scope(scope, given)
                    self._known[given] = session
                    self._make_room(session)
            await send(message)

        try:
            await self._run(app, session, scope, receive, send_watched)
        finally:
            self._opening.discard(session)

    async def _run(
        self, app: ASGIApp, session: _Session, scope: Scope, receive: Receive, send: Send
    ) -> None:
        try:
            await app(scope, receive, send)
        finally:
            session.active -= 1
            session.used = self._now()

    def _no_room(self, principal: Hashable) -> Response | None:
        """The refusal of another session where none of the principal's can be replaced."""
        limits = self._limits
        own = [session for session in self._known.values() if session.principal == principal]
        if any(not session.active for session in own):
            return None
        opening = sum(session.principal == principal for session in self._opening)
        if principal is not None and len(own) + opening >= limits.max_sessions_each:
            status, text = 429, f"There are {limits.max_sessions_each} sessions in use; end some."
        elif len(self._known) + len(self._opening) >= limits.max_sessions:
            status, text = 503, "The server has as many sessions as it takes."
        else:
            return None
        self._rejections.count("sessions", principal)
        return refusal(status, text, RETRY_S)

    def _make_room(self, new: _Session) -> None:
        """If there are too many sessions, end the principal's one that is idle longest."""
        now = self._now()
        self._known = {
            session_id: session
            for session_id, session in self._known.items()
            # The SDK has ended the others.
            if session.active or now - session.used <= self.idle_s
        }
        own = [each for each in self._known.values() if each.principal == new.principal]
        too_many = new.principal is not None and len(own) > self._limits.max_sessions_each
        if too_many or len(self._known) > self._limits.max_sessions:
            idle = (session for session in own if not session.active)
            longest = min(idle, key=lambda session: session.used, default=None)
            if longest is not None:
                self._rejections.count("sessions", new.principal)
                self._end(longest)

    def _end(self, session: _Session) -> None:
        del self._known[session.session_id]
        assert self._tasks is not None
        self._tasks.start_soon(self._delete, session)

    async def _delete(self, session: _Session) -> None:
        assert self._app is not None

        async def receive() -> Message:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(_message: Message) -> None:
            return

        await self._app(session.delete_scope, receive, send)


def _delete_scope(scope: Scope, session_id: bytes) -> Scope:
    """The scope of a `DELETE` of the session, without the opening request's other headers."""
    kept = ("type", "asgi", "http_version", "scheme", "server", "path", "raw_path", "root_path")
    headers = [(SESSION_HEADER, session_id)]
    if host := _header(scope, b"host"):
        headers.append((b"host", host))
    return {
        **{name: scope[name] for name in kept if name in scope},
        "method": "DELETE",
        "query_string": b"",
        "headers": headers,
        "user": scope.get("user"),
    }


def _header(scope: Scope | Message, wanted: bytes) -> bytes | None:
    return next((value for name, value in scope["headers"] if name == wanted), None)
