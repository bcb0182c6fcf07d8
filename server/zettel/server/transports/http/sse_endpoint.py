"""What the SDK cannot parse on `POST /messages/` is answered where the client waits: its stream.

The SDK answers such a POST with 400 and tells the stream nothing, so a client that reads only the
stream would wait for ever. In its place the conversation gets a request of our own with the same
id, whose answer is the error.
"""

import json
import re

from mcp.server import Server, ServerRequestContext
from mcp.shared.exceptions import MCPError
from mcp.types import INTERNAL_ERROR, EmptyResult, ErrorData, JSONRPCRequest, RequestParams
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from zettel.server.protocol.malformed import MAX_MESSAGE, RejectedMessage, parse_message, too_long
from zettel.server.transports.http.limits.admission import REFUSAL
from zettel.server.transports.http.limits.bodies import is_json, read_body, replay

METHOD = "zettel/unparsable"
_SESSION = re.compile(r"[0-9a-fA-F]{32}")


class UnparsableParams(RequestParams):
    """What is wrong with the message this request stands for."""

    code: int
    problem: str


async def _answer(_context: ServerRequestContext, params: UnparsableParams) -> EmptyResult:
    raise MCPError(code=params.code, message=params.problem)


def answer_unparsable(server: Server) -> None:
    """Teach a server object to answer the requests that stand for unparsable messages."""
    server.add_request_handler(METHOD, UnparsableParams, _answer)


class MalformedMessages:
    """Puts a request that is answered with an error in the place of a message that is none.

    Args:
        app: The SDK's `POST /messages/`.
        most: Bytes of the longest message.
    """

    def __init__(self, app: ASGIApp, most: int = MAX_MESSAGE) -> None:
        self._app = app
        self._most = most

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the message on, parsable in any case."""
        if scope["type"] != "http" or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        if not is_json(scope):
            await PlainTextResponse("Content-Type is not application/json", 415)(
                scope, receive, send
            )
            return
        if not _SESSION.fullmatch(Request(scope).query_params.get("session_id", "")):
            # The SDK would write it into the log as it is, line breaks and all.
            await PlainTextResponse("session_id is missing, or none of ours", 400)(
                scope, receive, send
            )
            return
        body = await read_body(receive, self._most)
        if body is None:
            return
        short = len(body) <= self._most
        parsed = parse_message(body) if short else too_long(body, body, most=self._most)
        if REFUSAL in scope and isinstance(parsed, JSONRPCRequest):
            # Clients give up on the stream where this is answered with 429 (SDK, client/sse.py).
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


def _stand_in(rejected: RejectedMessage, body: bytes) -> bytes:
    params = {
        "_meta": _envelope(body),
        "code": rejected.error.code,
        "problem": rejected.error.message,
    }
    request = {"jsonrpc": "2.0", "id": rejected.request_id, "method": METHOD, "params": params}
    return json.dumps(request).encode()


def _envelope(body: bytes) -> object:
    """The `_meta` that says which protocol the client speaks, as far as it can be told."""
    try:
        meta: object = json.loads(body)["params"]["_meta"]
        json.dumps(meta, ensure_ascii=False).encode()
    except (ValueError, KeyError, TypeError, RecursionError):
        return {}
    return meta
