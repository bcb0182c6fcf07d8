"""Ends requests that would never end by themselves, or that may not go on."""

from collections.abc import Callable

import anyio
from starlette.authentication import BaseUser
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from zettel.server.transports.http.limits.sessions import Sessions

AGAIN = b"5"
"""Seconds after which a server that left may be back."""
LEAVING, REFUSED = 503, 401
"""What a request is answered that had no answer yet: the server leaves, or its token is over."""


class OpenRequests:
    """All requests in progress of one application."""

    def __init__(self) -> None:
        self._open: dict[anyio.CancelScope, Scope] = {}
        self._refused: set[anyio.CancelScope] = set()
        self._sessions: Sessions | None = None
        self._ended = False

    @property
    def some_open(self) -> bool:
        """Whether any request is in progress, or may come back to a session."""
        return bool(self._open) or (self._sessions is not None and self._sessions.some_open)

    def hold(self, sessions: Sessions) -> None:
        """End sessions as well with those who opened them."""
        self._sessions = sessions

    def end(self) -> None:
        """End every response in progress: cleanly if it has begun, with 503 if not.

        Whoever still comes, on a connection that is open, is answered with 503 as well.
        """
        self._ended = True
        for scope in tuple(self._open):
            scope.cancel()

    def end_refused(
        self, admits: Callable[[BaseUser], bool], may_return: Callable[[BaseUser], bool]
    ) -> None:
        """End those of people who may not stay: cleanly if a response has begun, with 401 if not.

        Args:
            admits: Whether one who was let in may stay; nobody else is asked about.
            may_return: Whether their sessions wait for them.
        """
        for cancelling, request in tuple(self._open.items()):
            user = request.get("user")
            if isinstance(user, BaseUser) and not admits(user):
                self._refused.add(cancelling)
                cancelling.cancel()
        if self._sessions is not None:
            self._sessions.end_refused(may_return)

    def wrap(self, app: ASGIApp) -> ASGIApp:
        """Keep account of an application's requests."""

        async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
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
                # What is being written finishes even now, and uvicorn does not wait for all of it.
                await progress.finish(LEAVING)

        return wrapped

    async def _serve(
        self, app: ASGIApp, scope: Scope, receive: Receive, progress: "_Progress"
    ) -> None:
        with anyio.CancelScope() as request:
            self._open[request] = scope
            try:
                await app(scope, receive, progress.send)
            finally:
                del self._open[request]
        if request.cancelled_caught:
            await progress.finish(REFUSED if request in self._refused else LEAVING)
        self._refused.discard(request)


class _Progress:
    """How far a response has come."""

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
            headers = [(b"retry-after", AGAIN)] if status == LEAVING else []
            await self._send({"type": "http.response.start", "status": status, "headers": headers})
        await self._send({"type": "http.response.body", "body": b"", "more_body": False})
