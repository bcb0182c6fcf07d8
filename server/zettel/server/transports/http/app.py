"""The web application: `/mcp` (Streamable HTTP), `/sse` (SSE), `/health`, `/metrics`, the page.

The endpoints of MCP are the SDK's, behind checks that it lacks.
"""

import json
import math
import re
from collections.abc import AsyncGenerator, Awaitable, Callable, Hashable, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Protocol
from urllib.parse import quote

import anyio
from mcp.server import Server, ServerRequestContext
from mcp.server.sse import SseServerTransport
from mcp.server.streamable_http import GET_STREAM_KEY, MCP_SESSION_ID_HEADER
from mcp.server.transport_security import TransportSecurityMiddleware, TransportSecuritySettings
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
from starlette.applications import Starlette
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from zettel.server.config.addresses import is_loopback
from zettel.server.config.limits import Limits
from zettel.server.config.settings import Settings
from zettel.server.protocol.limit_errors import LeavingError, TooManyCallsError, TooSlowError
from zettel.server.protocol.malformed import RejectedMessage, parse_message, rejection, too_long
from zettel.server.protocol.principal import NAMESPACE_PARAMETER, namespace_of
from zettel.server.protocol.schemas import Arguments, Reading, RecallArguments
from zettel.server.protocol.server import ClientDefaults, Engine, create_server, version
from zettel.server.protocol.subscriptions import ChangeFeed
from zettel.server.runtime.runtime import Runtime
from zettel.server.transports.http.access import AccessControl, through_proxy
from zettel.server.transports.http.limits.admission import BODY, REFUSAL, Admission, replay
from zettel.server.transports.http.limits.fair_queue import FairQueue
from zettel.server.transports.http.limits.rejections import Reason, Rejections
from zettel.server.transports.http.limits.sessions import principal_of
from zettel.server.transports.http.metrics import Metrics
from zettel.server.transports.http.open_requests import OpenRequests
from zettel.storage.errors import ZettelError
from zettel.tools.caller import Caller

LAST_EVENT_ID = b"last-event-id"
"""Asks for the missed events of a broken stream. None are kept, so the header is dropped, as it may
be (MCP 2025-11-25, transports, resumability and redelivery); the SDK would answer 500."""
UNPARSABLE_METHOD = "zettel/unparsable"
_SESSION_IN_URL = re.compile(rb"session_id=[0-9a-fA-F]{32}")
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
    """`GET /sse`: one conversation, as long as the stream is open."""

    def __init__(self, server: Server, sse: SseServerTransport) -> None:
        self._server = server
        self._sse = sse
        server.add_request_handler(UNPARSABLE_METHOD, UnparsableParams, _raise_unparsable)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve the stream."""
        posting = _naming(namespace_of(scope), send)
        async with self._sse.connect_sse(scope, receive, posting) as (incoming, outgoing):
            options = self._server.create_initialization_options()
            await self._server.run(incoming, outgoing, options)


def _naming(namespace: str, send: Send) -> Send:
    """Have the messages of a stream posted to a URL that names the namespace as the stream's does.

    The SDK tells that URL in the stream's first event, with nothing in it but the session.
    """
    if not namespace:
        return send
    told = False

    async def with_namespace(message: Message) -> None:
        nonlocal told
        body = message.get("body", b"")
        if not told and b"session_id=" in body:
            told = True
            named = f"&{NAMESPACE_PARAMETER}={quote(namespace)}".encode()
            message = {**message, "body": _SESSION_IN_URL.sub(rb"\g<0>" + named, body, count=1)}
        await send(message)

    return with_namespace


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


LOOPBACK_NAMES = ("127.0.0.1", "localhost", "[::1]")
DEGRADED_TEXT = "meaning is not searched: the embedding model is loading or could not be loaded"
"""Recall by words alone goes on and says so: no reason for a 503."""

Handler = Callable[[ASGIApp, Scope, Receive, Send], Awaitable[None]]
"""Serves a request in front of an application."""


class MountedPage(Protocol):
    """A page for people, beside the endpoints for programs."""

    @property
    def routes(self) -> Sequence[BaseRoute]:
        """Its paths."""
        ...

    async def handle(self, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        """Middleware: identify who asks for one of its paths."""
        ...


_REASONS: Mapping[type[Exception], Reason] = {
    TooManyCallsError: "calls",
    LeavingError: "leaving",
    TooSlowError: "recall_time",
}


def allowed(settings: Settings) -> TransportSecuritySettings:
    """The accepted `Host` and `Origin` headers: this machine's, and those of the settings.

    Others may be sent by a foreign web page through a browser (DNS rebinding).
    """
    host = settings.host
    own = (f"[{host}]" if ":" in host and not host.startswith("[") else host,)
    names = sorted({*LOOPBACK_NAMES, *(own if is_loopback(host) else ())})
    hosts = [form for name in names for form in (name, f"{name}:*")]
    scheme = "https" if settings.tls_cert else "http"
    origins = [f"{scheme}://{form}" for form in hosts]
    further = [form for name in settings.allowed_hosts for form in (name, f"{name}:*")]
    return TransportSecuritySettings(
        enable_dns_rebinding_protection=True,
        allowed_hosts=[*hosts, *further],
        allowed_origins=[*origins, *settings.allowed_origins],
    )


_READ_BY_PAGES = (MCP_SESSION_ID_HEADER, "www-authenticate", "retry-after")
"""Headers of an answer that a web application of another origin may read."""


def create_app(
    runtime: Runtime,
    access: AccessControl,
    *,
    namespace: str,
    security: TransportSecuritySettings,
    streams: OpenRequests,
    admission: Admission | None = None,
    make_server: Callable[[Engine, ClientDefaults, ChangeFeed], Server] = create_server,
    metrics: Metrics | None = None,
    make_page: Callable[[Engine], MountedPage] | None = None,
    origins: Sequence[str] = (),
) -> ASGIApp:
    """Make the application.

    Args:
        runtime: Of the process; started and ended by the caller.
        access: Admits requests.
        namespace: Of callers who name none.
        security: Accepted `Host` and `Origin` headers.
        streams: Ends open requests at shutdown.
        admission: Bounds of requests; None for the defaults.
        make_server: Makes the server object of each transport; the conformance suite has its own.
        origins: Of web applications that may call it from a browser.
        metrics: Shown on `/metrics`; None for no such path.
        make_page: Makes the page at `/`; None for none.
    """
    admission = admission or Admission(Limits(), Rejections())
    limits, sessions = admission.limits, admission.sessions
    engine = LimitedEngine(runtime, admission.queue, admission.rejections, limits.recall_seconds)
    page = make_page(engine) if make_page else None
    http_server, sse_server = (
        make_server(
            engine,
            ClientDefaults(transport=transport, namespace=namespace, counters=runtime.counters),
            runtime.feed,
        )
        for transport in ("http", "sse")
    )
    http_server.streamable_http_app(
        transport_security=security,
        max_request_body_size=limits.max_request_bytes,
        session_idle_timeout=sessions.idle_s,
        max_sessions=None,
    )
    manager = http_server.session_manager
    sse = SseServerTransport("/messages/", security)
    streams.include(sessions)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncGenerator[None]:
        async with manager.run(), sessions.running(manager.handle_request):
            yield

    ready = partial(_answer_readiness, runtime, access)
    routes: list[BaseRoute] = [
        Route("/health", ready),
        Route("/health/live", _answer_liveness),
        Route("/health/ready", ready),
        *access.routes,
        *([Route("/metrics", partial(metrics.scraped, runtime))] if metrics else []),
        Route("/mcp", McpEndpoint(partial(sessions.handle, manager.handle_request))),
        Route("/sse", SseEndpoint(sse_server, sse), methods=["GET"]),
        Mount("/messages/", MessagesEndpoint(sse.handle_post_message, limits.max_request_bytes)),
        *(page.routes if page else ()),
    ]
    outer: list[Handler] = [
        *([metrics.handle] if metrics else []),
        HostCheck(security).handle,
    ]
    inner: list[Handler] = [
        streams.handle,
        *([page.handle] if page else []),
        access.handle,
        admission.handle,
    ]
    app: ASGIApp = Starlette(routes=routes, lifespan=lifespan)
    for handle in reversed(inner):
        app = _Middleware(app, handle)
    if origins:
        # Before the token is asked for: a browser asks by OPTIONS, without one.
        app = CORSMiddleware(
            app,
            allow_origins=origins,
            allow_methods=("GET", "POST", "DELETE"),
            allow_headers=("*",),
            expose_headers=_READ_BY_PAGES,
        )
    for handle in reversed(outer):
        app = _Middleware(app, handle)
    return app


class _Middleware:
    """One handler in front of an application; an object, since uvicorn takes no partial for one."""

    def __init__(self, app: ASGIApp, handle: Handler) -> None:
        self._app = app
        self._handle = handle

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request."""
        await self._handle(self._app, scope, receive, send)


_NOT_ALLOWED = {
    421: (
        "This request's Host is not a name of this server. The person who runs it allows one with"
        " zettel serve --allowed-host NAME, and sees those allowed with zettel serve --check."
    ),
    403: (
        "This server takes no requests from pages of this Origin. The person who runs it allows one"
        " with zettel serve --allowed-origin ORIGIN, and sees those allowed with zettel serve"
        " --check."
    ),
}
"""What is answered, by status, where a header names nothing that the settings allow."""


class HostCheck:
    """Rejects cross-origin (DNS rebinding) and ambiguous-length (request smuggling) requests.

    The former get 421 (`Host`) or 403 (`Origin`), the latter 400 and the end of the connection
    (RFC 9112, section 6.1).
    """

    def __init__(self, settings: TransportSecuritySettings) -> None:
        self._security = TransportSecurityMiddleware(settings)

    async def handle(self, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        """Middleware: pass the request on, or reject it."""
        if scope["type"] == "http":
            refusal = None
            if {b"content-length", b"transfer-encoding"} <= {name for name, _ in scope["headers"]}:
                refusal = PlainTextResponse("Two lengths", 400, {"connection": "close"})
            if refusal := refusal or await self._rejected(Request(scope)):
                await refusal(scope, receive, send)
                return
        await app(scope, receive, send)

    async def _rejected(self, request: Request) -> Response | None:
        refusal = await self._security.validate_request(request)
        text = _NOT_ALLOWED.get(refusal.status_code) if refusal else None
        return PlainTextResponse(text, refusal.status_code) if refusal and text else refusal


class LimitedEngine:
    """Runs calls through a fair queue, and readings with a timeout.

    `recall_s` is the longest time of one recall or reading.
    """

    def __init__(
        self, runtime: Runtime, queue: FairQueue, rejections: Rejections, recall_s: float
    ) -> None:
        self._runtime = runtime
        self._queue = queue
        self._rejections = rejections
        self._recall_s = recall_s

    async def call(self, arguments: Arguments, caller: Caller) -> Mapping[str, object]:
        """Carry out one tool call or reading.

        Raises:
            LimitError: A bound refuses the call.
            ZettelError: The call fails.
        """
        principal = caller.origin.principal
        try:
            async with self._queue.place(principal, bounded=caller.reach is not None):
                return await self._call_in_time(arguments, caller)
        except (TooManyCallsError, LeavingError, TooSlowError) as error:
            self._rejections.count(_REASONS[type(error)], principal)
            raise

    async def _call_in_time(self, arguments: Arguments, caller: Caller) -> Mapping[str, object]:
        seconds = math.inf
        # Writes are always finished; and before the store is open, waiting for it does not count.
        if isinstance(arguments, RecallArguments | Reading) and self._runtime.status == "ok":
            seconds = self._recall_s
        with anyio.move_on_after(seconds):
            return await self._runtime.call(arguments, caller)
        raise TooSlowError(seconds)


async def _answer_liveness(_request: Request) -> Response:
    """`/health/live`: the process answers."""
    return JSONResponse({"status": "alive"})


async def _answer_readiness(runtime: Runtime, access: AccessControl, request: Request) -> Response:
    """`/health` and `/health/ready`: whether the store answers; details only where all may read."""
    status = await _status(runtime, access)
    body: dict[str, object] = {"status": status}
    if status == "ok" and not runtime.model_ready:
        body["degraded"] = DEGRADED_TEXT
    if access.everybody and not through_proxy(request.scope):
        body |= {"version": version(), "store": runtime.place, "model_ready": runtime.model_ready}
        body |= {"problem": runtime.problem} if runtime.problem else {}
    return JSONResponse(body, status_code=200 if status == "ok" else 503)


async def _status(runtime: Runtime, access: AccessControl) -> str:
    """`ok`, `starting`, `failed` or `leaving`."""
    if runtime.leaving:
        return "leaving"
    if runtime.status == "ok":
        try:
            # An open store may have become unreadable.
            await access.look()
        except ZettelError:
            return "failed"
    return runtime.status
