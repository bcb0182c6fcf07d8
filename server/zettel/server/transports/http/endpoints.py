"""The endpoints `/mcp`, `/sse` and `/messages/`: the SDK's, behind checks that it lacks."""

import json
import re
from collections.abc import Hashable

from mcp.server import Server, ServerRequestContext
from mcp.server.sse import SseServerTransport
from mcp.server.streamable_http import GET_STREAM_KEY, MCP_SESSION_ID_HEADER
from mcp.shared.exceptions import MCPError
from mcp.types import (
    INTERNAL_ERROR,
    INVALID_REQUEST,
    EmptyResult,
    ErrorData,
    JSONRPCRequest,
    RequestId,
    RequestParams,
)
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from zettel.server.protocol.malformed import RejectedMessage, parse_message, rejection, too_long
from zettel.server.transports.http.limits.admission import BODY, REFUSAL, replay
from zettel.server.transports.http.limits.sessions import principal_of

LAST_EVENT_ID = b"last-event-id"
"""Asks for the missed events of a broken stream. None are kept, so the header is dropped, as it may
be (MCP 2025-11-25, transports, resumability and redelivery); the SDK would answer 500."""
UNPARSABLE_METHOD = "zettel/unparsable"
_SESSION_ID = re.compile(r"[0-9a-fA-F]{32}")


class McpEndpoint:
    """`/mcp`: answers malformed messages, and a second open request with the id of another.

    The SDK answers the former with a validator's text, and the first of the latter never.

    Args:
        app: The SDK's endpoint, behind `Admission`, which has read the body.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._open: set[Hashable] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer it."""
        scope["headers"] = [item for item in scope["headers"] if item[0] != LAST_EVENT_ID]
        if scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        if not _is_json(scope):
            # RFC 9110, section 15.5.16; the SDK answers 400.
            other = rejection(None, INVALID_REQUEST, "its Content-Type is not application/json")
            await _json_response(other, 415)(scope, receive, send)
            return
        parsed = parse_message(scope[BODY])
        if isinstance(parsed, RejectedMessage):
            await _json_response(parsed, 400)(scope, receive, send)
        elif isinstance(parsed, JSONRPCRequest):
            await self._request(parsed.id, scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _request(
        self, request_id: RequestId, scope: Scope, receive: Receive, send: Send
    ) -> None:
        key = _request_key(scope, request_id)
        if key in self._open or str(request_id) == GET_STREAM_KEY:
            problem = f"the id {str(request_id)[:80]!r} is another open request's of this session"
            refused = rejection(request_id, INVALID_REQUEST, problem)
            await _json_response(refused, 400)(scope, receive, send)
            return
        # Without a session ids of different requests may be the same.
        self._open |= {key} if key else set()
        try:
            await self._app(scope, receive, send)
        finally:
            self._open.discard(key)


class SseEndpoint:
    """`GET /sse`: one conversation, as long as the stream is open.

    Args:
        server: Answers the messages.
        sse: The SDK's transport.
    """

    def __init__(self, server: Server, sse: SseServerTransport) -> None:
        self._server = server
        self._sse = sse
        server.add_request_handler(UNPARSABLE_METHOD, UnparsableParams, _raise_unparsable)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve the stream."""
        async with self._sse.connect_sse(scope, receive, send) as (incoming, outgoing):
            options = self._server.create_initialization_options()
            await self._server.run(incoming, outgoing, options)


class UnparsableParams(RequestParams):
    """The error of a message that could not be parsed."""

    code: int
    problem: str


async def _raise_unparsable(
    _context: ServerRequestContext, params: UnparsableParams
) -> EmptyResult:
    raise MCPError(code=params.code, message=params.problem)


class MessagesEndpoint:
    """`POST /messages/`: replaces a malformed message by a request that is answered with its error.

    The SDK answers such a POST with 400, but its client waits on the stream for the answer.

    Args:
        app: The SDK's endpoint, behind `Admission`, which has read the body.
        max_bytes: Of one message.
    """

    def __init__(self, app: ASGIApp, max_bytes: int) -> None:
        self._app = app
        self._max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on a message that can be parsed in any case."""
        if scope["type"] != "http" or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        if not _is_json(scope):
            answer = PlainTextResponse("Content-Type is not application/json", 415)
            await answer(scope, receive, send)
            return
        if not _SESSION_ID.fullmatch(Request(scope).query_params.get("session_id", "")):
            # The SDK would log it unescaped, line breaks included.
            answer = PlainTextResponse("session_id is missing, or none of ours", 400)
            await answer(scope, receive, send)
            return
        body: bytes = scope[BODY]
        fits = len(body) <= self._max_bytes
        parsed = parse_message(body) if fits else too_long(body, body, most=self._max_bytes)
        if REFUSAL in scope and isinstance(parsed, JSONRPCRequest):
            # On a 429 here, clients give up on the stream (SDK, client/sse.py).
            error = ErrorData(code=INTERNAL_ERROR, message=scope[REFUSAL])
            parsed = RejectedMessage(request_id=parsed.id, error=error)
        if isinstance(parsed, RejectedMessage):
            if parsed.request_id is None:
                await PlainTextResponse(parsed.error.message, 400)(scope, receive, send)
                return
            body = _stand_in(parsed, body)
        scope["headers"] = [
            *((name, value) for name, value in scope["headers"] if name != b"content-length"),
            (b"content-length", str(len(body)).encode()),
        ]
        await self._app(scope, replay(body, receive), send)


def _is_json(scope: Scope) -> bool:
    """Whether the content type is JSON, whatever its parameters."""
    declared = Request(scope).headers.get("content-type", "")
    return declared.partition(";")[0].strip().lower() == "application/json"


def _request_key(scope: Scope, request_id: RequestId) -> Hashable:
    """Principal, session and id, None without a session; the SDK takes 1 and "1" for one id."""
    session = Request(scope).headers.get(MCP_SESSION_ID_HEADER)
    return (principal_of(scope), session, str(request_id)) if session else None


def _json_response(rejected: RejectedMessage, status: int) -> Response:
    text = rejected.answer().model_dump_json(by_alias=True, exclude_unset=True)
    return Response(text, status, media_type="application/json")


def _stand_in(rejected: RejectedMessage, body: bytes) -> bytes:
    """A request with the rejected message's id that is answered with its error."""
    params = {
        "_meta": _meta_of(body),
        "code": rejected.error.code,
        "problem": rejected.error.message,
    }
    request = {
        "jsonrpc": "2.0",
        "id": rejected.request_id,
        "method": UNPARSABLE_METHOD,
        "params": params,
    }
    return json.dumps(request).encode()


def _meta_of(body: bytes) -> object:
    """The `_meta` that names the client's protocol, if it can be read."""
    try:
        meta: object = json.loads(body)["params"]["_meta"]
        json.dumps(meta, ensure_ascii=False).encode()
    except (ValueError, KeyError, TypeError, RecursionError):
        return {}
    return meta
