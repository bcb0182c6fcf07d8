"""Bounds that a request must keep before it is served: rate, number, size, memory.

Checked in the order of their cost: a refused request was neither read nor parsed.
"""

import time
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Hashable
from contextlib import asynccontextmanager

import anyio
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from zettel.server.config.limits import Limits
from zettel.server.transports.http.limits.fair_queue import FairQueue
from zettel.server.transports.http.limits.rejections import RETRY_S, Reason, Rejections, refusal
from zettel.server.transports.http.limits.sessions import Sessions, principal_of
from zettel.tools.concurrency import KeyedLock

HELD_MAX_BODIES = 8
"""Largest bodies held at once; one principal may hold a quarter of their bytes. The SDK and the
parser hold each some three times over."""
LONG_BODY = 8_192
"""Bytes from which bodies of one principal are passed on one after another: parsing and refusing a
long one keeps the event loop for some milliseconds, and eight at once keep it from everybody else
(`make bench-neighbours`, "a deep argument"). A note of the usual length is a tenth of that."""
LONG_BODY_PAUSE_S = 0.02
"""Seconds between two of them, for everybody else: twice what a short call takes there."""
BODY = "zettel.body"
"""Key in a POST's scope: its whole body; one byte or more too long for `/messages/` only."""
REFUSAL = "zettel.refusal"
"""Key in a request's scope: text of a refusal that its sender reads on another stream."""
REFUSED = "zettel.refused"
"""Key in a request's scope: what makes the answer to a refused request, where JSON-RPC is none that
its sender reads; called as `refusal`."""
MESSAGES_PATH = "/messages/"
KEPT_MAX_BUCKETS = 1_024
"""Buckets at which full ones are dropped before another is added."""

_Refused = tuple[int, str, float, Reason]
"""HTTP status, text, seconds to wait, reason."""


class RateLimit:
    """A token bucket per principal, kept as the moment at which it is full again.

    The generic cell rate algorithm (ITU-T I.371, annex A, virtual scheduling).

    `per_minute`, the requests of each principal, is also the size of a bucket.
    """

    def __init__(self, per_minute: int, now: Callable[[], float] = time.monotonic) -> None:
        self._step_s = 60.0 / per_minute
        self._now = now
        self._full_at: dict[Hashable, float] = {}

    @property
    def kept(self) -> int:
        """Number of buckets in memory."""
        return len(self._full_at)

    def wait_s(self, principal: Hashable) -> float:
        """Take one from the principal's bucket; if it is empty, seconds until it is not."""
        now = self._now()
        full_at = max(self._full_at.get(principal, now), now) + self._step_s
        if full_at - now > 60.0 + 1e-9:
            return full_at - now - 60.0
        if len(self._full_at) >= KEPT_MAX_BUCKETS and principal not in self._full_at:
            self._full_at = {name: at for name, at in self._full_at.items() if at > now}
        self._full_at[principal] = full_at
        return 0.0


class Admission:
    """The bounds of one server's HTTP and SSE."""

    def __init__(self, limits: Limits, rejections: Rejections) -> None:
        self.limits = limits
        self.rejections = rejections
        self.sessions = Sessions(limits, rejections)
        self.queue = FairQueue(limits.max_calls, limits.max_calls_each)
        self._rate = RateLimit(limits.rate_per_minute) if limits.rate_per_minute else None
        self._open = Counter[Hashable]()
        self._held_bytes = Counter[Hashable]()
        self._long_bodies = KeyedLock()
        self._leaving = False

    def leave(self) -> None:
        """From now on refuse calls, queued ones included, and new streams."""
        self._leaving = True
        self.queue.leave()

    async def handle(self, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        """Middleware: pass a request of an authenticated user on within the bounds."""
        # Requests for health and metadata have no `user`.
        if scope["type"] != "http" or "user" not in scope:
            await app(scope, receive, send)
            return
        principal = principal_of(scope)
        if refused := self._refused(scope, principal):
            await self._answer(refused, principal, scope, receive, send)
            return
        self._open[principal] += 1
        try:
            await self._read(app, principal, scope, receive, send)
        finally:
            _subtract(self._open, principal, 1)

    def _refused(self, scope: Scope, principal: Hashable) -> _Refused | None:
        if self._leaving and scope["method"] == "GET":
            # Calls are refused by the engine, in words that reach an agent; other POSTs are
            # served, since clients ask for the tools' schemas while an answer is still to come.
            return 503, "The server is about to end.", RETRY_S, "leaving"
        if principal is None or scope["method"] == "DELETE":
            # Ending a session frees memory.
            return None
        most = self.limits.max_connections_each
        if self._open[principal] >= most:
            text = f"This access token has {most} requests in progress; end some."
            return 429, text, RETRY_S, "requests_at_once"
        wait_s = 0.0 if self._rate is None else self._rate.wait_s(principal)
        if not wait_s:
            return None
        text = f"This access token has sent {self.limits.rate_per_minute} requests in a minute."
        if scope["path"].startswith(MESSAGES_PATH):
            self.rejections.count("rate", principal)
            scope[REFUSAL] = f"{text} Try again in {max(1, round(wait_s))} s."
            return None
        return 429, text, wait_s, "rate"

    async def _read(
        self, app: ASGIApp, principal: Hashable, scope: Scope, receive: Receive, send: Send
    ) -> None:
        """Read the body within the bounds and pass the request on."""
        if scope["method"] != "POST":
            await app(scope, receive, send)
            return
        body, more, size = bytearray(), True, 0
        refused = self._too_large(scope, principal, _declared_length(scope))
        try:
            # Of a too long body for /messages/, which is refused on the stream, this is enough.
            while more and not refused and size <= self.limits.max_request_bytes:
                message = await receive()
                if message["type"] != "http.request":
                    return
                part = message.get("body", b"")
                self._held_bytes[principal] += len(part)
                size += len(part)
                body += part
                more = message.get("more_body", False)
                refused = self._too_large(scope, principal, size)
            if refused:
                await self._answer(refused, principal, scope, receive, send)
                return
            scope[BODY] = bytes(body)
            body.clear()
            async with self._turn(principal, size):
                await app(scope, replay(scope[BODY], receive), send)
        finally:
            _subtract(self._held_bytes, principal, size)

    @asynccontextmanager
    async def _turn(self, principal: Hashable, size: int) -> AsyncGenerator[None]:
        if principal is None or size < LONG_BODY:
            yield
            return
        async with self._long_bodies.hold(principal):
            yield
            await anyio.sleep(LONG_BODY_PAUSE_S)

    async def _answer(
        self, refused: _Refused, principal: Hashable, scope: Scope, receive: Receive, send: Send
    ) -> None:
        status, text, retry_s, reason = refused
        self.rejections.count(reason, principal)
        answer: Callable[[int, str, float], Response] = scope.get(REFUSED, refusal)
        await answer(status, text, retry_s)(scope, receive, send)

    def _too_large(self, scope: Scope, principal: Hashable, length: int) -> _Refused | None:
        most = self.limits.max_request_bytes
        if length > most and not scope["path"].startswith(MESSAGES_PATH):
            text = f"The request's body is longer than {most:,} bytes. Send less at a time."
            return 413, text, 0.0, "request_size"
        held, whole = self._held_bytes, HELD_MAX_BODIES * most
        if held.total() > whole or (principal is not None and held[principal] > whole // 4):
            text = "The server holds as much of unanswered requests as it can."
            return 503, text, 1.0, "request_memory"
        return None


def replay(body: bytes, receive: Receive) -> Receive:
    """A `receive` that returns a whole body first, then what follows it."""
    pending: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive_again() -> Message:
        return pending.pop() if pending else await receive()

    return receive_again


def _declared_length(scope: Scope) -> int:
    lengths = (value for name, value in scope["headers"] if name == b"content-length")
    length = next(lengths, b"0")
    return int(length) if length.isdigit() else 0


def _subtract(counts: "Counter[Hashable]", principal: Hashable, number: int) -> None:
    counts[principal] -= number
    if not counts[principal]:
        del counts[principal]
