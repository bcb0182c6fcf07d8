"""Ends requests that would never end by themselves, so that a server can leave without a scene."""

import anyio
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class Streams:
    """All requests in progress of one application."""

    def __init__(self) -> None:
        self._open: set[anyio.CancelScope] = set()

    def end(self) -> None:
        """End every response in progress: cleanly if it has begun, with 503 if not."""
        for scope in tuple(self._open):
            scope.cancel()

    def wrap(self, app: ASGIApp) -> ASGIApp:
        """Keep account of an application's requests."""

        async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != "http":
                await app(scope, receive, send)
                return
            progress = _Progress(send)
            with anyio.CancelScope() as request:
                self._open.add(request)
                try:
                    await app(scope, receive, progress.send)
                finally:
                    self._open.discard(request)
            if request.cancelled_caught:
                await progress.finish()

        return wrapped


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

    async def finish(self) -> None:
        if self._finished:
            return
        if not self._begun:
            await self._send({"type": "http.response.start", "status": 503, "headers": []})
        await self._send({"type": "http.response.body", "body": b"", "more_body": False})
