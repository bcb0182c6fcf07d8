"""What the SDK cannot parse on `POST /messages/` is answered where the client waits: its stream.

The SDK answers such a POST with 400 and tells the stream nothing, so a client that reads only the
stream would wait for ever. In its place the conversation gets a request of our own with the same
id, whose answer is the error.
"""

import json

from mcp.server import Server, ServerRequestContext
from mcp.shared.exceptions import MCPError
from mcp.types import EmptyResult, RequestParams
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from zettel.server.bodies import read_body, replay
from zettel.server.unparsable import MAX_MESSAGE, Rejected, parse_message, too_long

METHOD = "zettel/unparsable"


class UnparsableParams(RequestParams):
    """What is wrong with the message this request stands for."""

    code: int
    problem: str


async def _answer(_context: ServerRequestContext, params: UnparsableParams) -> EmptyResult:
    raise MCPError(code=params.code, message=params.problem)


def answer_unparsable(server: Server) -> None:
    """Teach a server object to answer the requests that stand for unparsable messages."""
    server.add_request_handler(METHOD, UnparsableParams, _answer)


class AnswersUnparsable:
    """Puts a request that is answered with an error in the place of a message that is none.

    Args:
        app: The SDK's `POST /messages/`.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the message on, parsable in any case."""
        if scope["type"] != "http" or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        body = await read_body(receive)
        if body is None:
            return
        parsed = parse_message(body) if len(body) <= MAX_MESSAGE else too_long(body, body)
        if isinstance(parsed, Rejected):
            if parsed.request_id is None:
                await PlainTextResponse(parsed.error.message, 400)(scope, receive, send)
                return
            body = _stand_in(parsed, body)
        scope["headers"] = [
            *((name, value) for name, value in scope["headers"] if name != b"content-length"),
            (b"content-length", str(len(body)).encode()),
        ]
        await self._app(scope, replay(body, receive), send)


def _stand_in(rejected: Rejected, body: bytes) -> bytes:
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
