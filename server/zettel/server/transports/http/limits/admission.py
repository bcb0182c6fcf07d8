"""What a request must keep within before it is served: rate, number, size, room in memory.

The order is that of cost: what is refused was neither read nor parsed.
"""

from collections import Counter
from collections.abc import Hashable

from starlette.types import ASGIApp, Receive, Scope, Send

from zettel.server.config.limits import Limits
from zettel.server.transports.http.limits.bodies import replay
from zettel.server.transports.http.limits.fair_queue import FairQueue
from zettel.server.transports.http.limits.rate_limit import RateLimit
from zettel.server.transports.http.limits.rejections import AGAIN_S, Reason, Rejections, refusal
from zettel.server.transports.http.limits.sessions import Sessions, whose

BODIES = 8
"""Largest bodies that are held at once; one principal may have a quarter of their bytes. The SDK
and the parser hold each some three times over."""
REFUSAL = "zettel.refusal"
"""In a request's scope: the words of the refusal that its sender reads on another stream."""
MESSAGES = "/messages/"

_Refused = tuple[int, str, float, Reason]


class Admission:
    """The bounds of one server's HTTP and SSE.

    Args:
        limits: How much may be asked.
        turned_away: Told of what was refused.
    """

    def __init__(self, limits: Limits, turned_away: Rejections) -> None:
        self.limits = limits
        self.turned_away = turned_away
        self.sessions = Sessions(limits, turned_away)
        self.turns = FairQueue(limits.max_calls, limits.max_calls_each)
        self._rate = RateLimit(limits.rate_per_minute) if limits.rate_per_minute else None
        self._open = Counter[Hashable]()
        self._held = Counter[Hashable]()
        self._leaving = False

    def leave(self) -> None:
        """Refuse calls and streams from now on, and calls that wait: the server is to end."""
        self._leaving = True
        self.turns.leave()

    def wrap(self, app: ASGIApp) -> ASGIApp:
        """Guard an application that knows who came in."""

        async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
            # Who has no `user` was let in to look whether the server lives.
            if scope["type"] != "http" or "user" not in scope:
                await app(scope, receive, send)
                return
            who = whose(scope)
            if refused := self._refused(scope, who):
                await self._answer(refused, who, scope, receive, send)
                return
            self._open[who] += 1
            try:
                await self._read(app, who, scope, receive, send)
            finally:
                _less(self._open, who, 1)

        return wrapped

    def _refused(self, scope: Scope, who: Hashable) -> _Refused | None:
        if self._leaving and scope["method"] == "GET":
            # Calls are told by the engine, in words that reach an agent; what goes with an answer
            # that is still to come (clients ask for the tools' schemas then) is served.
            return 503, "The server is about to end.", AGAIN_S, "leaving"
        if who is None or scope["method"] == "DELETE":
            # Whoever ends a session makes room.
            return None
        most = self.limits.max_connections_each
        if self._open[who] >= most:
            text = f"This access token has {most} requests in progress; end some."
            return 429, text, AGAIN_S, "requests_at_once"
        wait_s = 0.0 if self._rate is None else self._rate.wait_s(who)
        if not wait_s:
            return None
        text = f"This access token has sent {self.limits.rate_per_minute} requests in a minute."
        if scope["path"].startswith(MESSAGES):
            self.turned_away.count("rate", str(who))
            scope[REFUSAL] = f"{text} Try again in {max(1, round(wait_s))} s."
            return None
        return 429, text, wait_s, "rate"

    async def _read(
        self, app: ASGIApp, who: Hashable, scope: Scope, receive: Receive, send: Send
    ) -> None:
        """Read the body within the bounds and pass the request on."""
        if scope["method"] != "POST":
            await app(scope, receive, send)
            return
        body, more, size = bytearray(), True, 0
        refused = self._too_large(scope, who, _declared(scope))
        try:
            # Of one that is too long and whose sender is told on another stream, this is enough.
            while more and not refused and size <= self.limits.max_request_bytes:
                message = await receive()
                if message["type"] != "http.request":
                    return
                part = message.get("body", b"")
                self._held[who] += len(part)
                size += len(part)
                body += part
                more = message.get("more_body", False)
                refused = self._too_large(scope, who, size)
            if refused:
                await self._answer(refused, who, scope, receive, send)
                return
            replayed = replay(bytes(body), receive)
            body.clear()
            await app(scope, replayed, send)
        finally:
            _less(self._held, who, size)

    async def _answer(
        self, refused: _Refused, who: Hashable, scope: Scope, receive: Receive, send: Send
    ) -> None:
        status, text, again_s, reason = refused
        self.turned_away.count(reason, str(who or ""))
        await refusal(status, text, again_s)(scope, receive, send)

    def _too_large(self, scope: Scope, who: Hashable, length: int) -> _Refused | None:
        most = self.limits.max_request_bytes
        if length > most and not scope["path"].startswith(MESSAGES):
            text = f"The request's body is longer than {most:,} bytes. Send less at a time."
            return 413, text, 0.0, "request_size"
        whole = BODIES * most
        if self._held.total() > whole or (who is not None and self._held[who] > whole // 4):
            text = "The server holds as much of unanswered requests as it can."
            return 503, text, 1.0, "request_memory"
        return None


def _declared(scope: Scope) -> int:
    lengths = (value for name, value in scope["headers"] if name == b"content-length")
    length = next(lengths, b"0")
    return int(length) if length.isdigit() else 0


def _less(counts: "Counter[Hashable]", who: Hashable, by: int) -> None:
    counts[who] -= by
    if not counts[who]:
        del counts[who]
