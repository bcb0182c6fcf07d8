"""What comes to `/mcp` is one whole message, under an id that nobody else answers to.

Left to the SDK, a client that hangs up within its body is an error in the log, one that asks for
events behind `Last-Event-ID` gets a 500 because none are kept, what is no JSON-RPC is answered with
the validator's own words, and of two open requests with one id the first is never answered.
"""

from collections.abc import Hashable

from mcp.server.streamable_http import GET_STREAM_KEY, MCP_SESSION_ID_HEADER
from mcp.types import INVALID_REQUEST, JSONRPCRequest, RequestId
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from zettel.server.protocol.malformed import RejectedMessage, parse_message, rejection, too_long
from zettel.server.transports.http.limits.bodies import is_json, read_body, replay
from zettel.server.transports.http.limits.sessions import whose

RESUMING = b"last-event-id"
"""Asks for what a broken stream missed; it may be left without effect (MCP 2025-11-25, transports,
resumability and redelivery), for no event is kept."""


class McpEndpoint:
    """Lets through what the SDK answers rightly, and answers the rest.

    Args:
        app: The SDK's `/mcp`.
        most: Bytes of one message.
    """

    def __init__(self, app: ASGIApp, most: int) -> None:
        self._app = app
        self._most = most
        self._open: set[Hashable] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer it."""
        scope["headers"] = [item for item in scope["headers"] if item[0] != RESUMING]
        if scope["method"] != "POST" or _length(scope) > self._most:
            # The SDK answers that without reading it.
            await self._app(scope, receive, send)
            return
        if not is_json(scope):
            # RFC 9110, section 15.5.16; the SDK says 400.
            unread = rejection(None, INVALID_REQUEST, "its Content-Type is not application/json")
            await _refusal(unread, 415)(scope, receive, send)
            return
        body = await read_body(receive, self._most)
        if body is None:
            return
        short = len(body) <= self._most
        parsed = parse_message(body) if short else too_long(body, body, most=self._most)
        if isinstance(parsed, RejectedMessage):
            await _refusal(parsed, 400 if short else 413)(scope, receive, send)
            return
        if isinstance(parsed, JSONRPCRequest):
            await self._ask(parsed.id, body, scope, receive, send)
        else:
            await self._app(scope, replay(body, receive), send)

    async def _ask(
        self, request_id: RequestId, body: bytes, scope: Scope, receive: Receive, send: Send
    ) -> None:
        key = _key(scope, request_id)
        if key in self._open or str(request_id) == GET_STREAM_KEY:
            problem = f"the id {str(request_id)[:80]!r} is another open request's of this session"
            refused = rejection(request_id, INVALID_REQUEST, problem)
            await _refusal(refused, 400)(scope, receive, send)
            return
        # Without a session every request stands alone.
        self._open |= {key} if key else set()
        try:
            await self._app(scope, replay(body, receive), send)
        finally:
            self._open.discard(key)


def _key(scope: Scope, request_id: RequestId) -> Hashable:
    """Whose request it is, in which session; the SDK takes 1 and "1" for the same id."""
    session = Request(scope).headers.get(MCP_SESSION_ID_HEADER)
    return (whose(scope), session, str(request_id)) if session else None


def _length(scope: Scope) -> int:
    """Bytes of the body, as far as the request says."""
    declared = Request(scope).headers.get("content-length", "")
    return int(declared) if declared.isdecimal() else 0


def _refusal(rejected: RejectedMessage, status: int) -> Response:
    text = rejected.answer().model_dump_json(by_alias=True, exclude_unset=True)
    return Response(text, status, media_type="application/json")
