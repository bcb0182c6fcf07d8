"""All requests in progress, so that shutdown and a revoked token can end them."""

from collections.abc import Callable

import anyio
from starlette.authentication import BaseUser
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from zettel.server.transports.http.limits.sessions import Sessions

RESTART_RETRY_S = b"5"
"""`Retry-After` of a server that is about to end."""
LEAVING, REFUSED = 503, 401
"""Status for a request without a response: the server ends, or the token has ended."""


class OpenRequests:
    """All requests in progress of one application."""

    def __init__(self) -> None:
        self._open: dict[anyio.CancelScope, Scope] = {}
        self._refused: set[anyio.CancelScope] = set()
        self._sessions: Sessions | None = None
        self._ended = False
        self._left = anyio.Event()

    @property
    def any_open(self) -> bool:
        """Whether there is a request in progress or a session."""
        return bool(self._open) or (self._sessions is not None and self._sessions.any_open)

    def include(self, sessions: Sessions) -> None:
        """End these sessions together with their owners' requests."""
        self._sessions = sessions

    def end(self) -> None:
        """End every response in progress: cleanly if it has begun, else with 503.

        Later requests on open connections are answered with 503 as well.
        """
        self._ended = True
        for scope in tuple(self._open):
            scope.cancel()
        self._note_if_left()

    async def left(self) -> None:
        """Wait, after `end`, for the requests that could not be ended at once: commits."""
        await self._left.wait()

    def _note_if_left(self) -> None:
        if self._ended and not self._open:
            self._left.set()

    def end_refused(
        self, admits: Callable[[BaseUser], bool], may_return: Callable[[BaseUser], bool]
    ) -> None:
        """End the requests of refused users: cleanly if a response has begun, else with 401.

        Args:
            admits: Whether a user's requests may go on.
            may_return: Whether a user's sessions are kept.
        """
        for cancelling, request in tuple(self._open.items()):
            user = request.get("user")
            if isinstance(user, BaseUser) and not admits(user):
                self._refused.add(cancelling)
                cancelling.cancel()
        if self._sessions is not None:
            self._sessions.end_refused(may_return)

    async def handle(self, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        """Middleware: keep the request among the open ones while it is served."""
        if scope["type"] != "http":
            await app(scope, receive, send)
            return
        progress = _Progress(send)
        if self._ended:
            await progress.finish(LEAVING)
            return
        try:
            await self._serve(app, scope, receive, progress)
        except anyio.get_cancelled_exc_class():
            if not self._ended:
                raise
            # A write in progress finishes, but uvicorn may cancel this task before.
            await progress.finish(LEAVING)

    async def _serve(
        self, app: ASGIApp, scope: Scope, receive: Receive, progress: "_Progress"
    ) -> None:
        request = anyio.CancelScope()
        self._open[request] = scope
        try:
            with request:
                await app(scope, receive, progress.send)
            if request.cancelled_caught:
                await progress.finish(REFUSED if request in self._refused else LEAVING)
        finally:
            del self._open[request]
            self._refused.discard(request)
            self._note_if_left()


class _Progress:
    """The progress of one response."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._begun = False
        self._finished = False

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._begun = True
        elif message["type"] == "http.response.body":
            self._finished = not message.get("more_body", False)
        await self._send(message)

    async def finish(self, status: int) -> None:
        if self._finished:
            return
        if not self._begun:
            headers = [(b"retry-after", RESTART_RETRY_S)] if status == LEAVING else []
            await self._send({"type": "http.response.start", "status": status, "headers": headers})
        await self._send({"type": "http.response.body", "body": b"", "more_body": False})
