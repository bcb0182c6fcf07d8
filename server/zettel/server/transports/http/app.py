"""The web application: `/mcp` (Streamable HTTP), `/sse` (SSE), `/health`, `/metrics`."""

import math
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from functools import partial

import anyio
from mcp.server import Server
from mcp.server.sse import SseServerTransport
from mcp.server.transport_security import TransportSecurityMiddleware, TransportSecuritySettings
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from zettel.server.config.addresses import is_loopback
from zettel.server.config.limits import Limits
from zettel.server.config.settings import Settings
from zettel.server.protocol.limit_errors import LeavingError, TooManyCallsError, TooSlowError
from zettel.server.protocol.schemas import Arguments, Reading, RecallArguments
from zettel.server.protocol.server import ClientDefaults, Engine, create_server, version
from zettel.server.protocol.subscriptions import ChangeFeed
from zettel.server.runtime.runtime import Runtime
from zettel.server.transports.http.access import AccessControl
from zettel.server.transports.http.endpoints import McpEndpoint, MessagesEndpoint, SseEndpoint
from zettel.server.transports.http.limits.admission import Admission
from zettel.server.transports.http.limits.fair_queue import FairQueue
from zettel.server.transports.http.limits.rejections import Reason, Rejections
from zettel.server.transports.http.metrics import Metrics
from zettel.server.transports.http.open_requests import OpenRequests
from zettel.storage.errors import ZettelError
from zettel.tools.caller import Caller

LOOPBACK_NAMES = ("127.0.0.1", "localhost", "[::1]")
DEGRADED_TEXT = "meaning is not searched: the embedding model is loading or could not be loaded"
"""Recall by words alone goes on and says so: no reason for a 503."""

Handler = Callable[[ASGIApp, Scope, Receive, Send], Awaitable[None]]
"""Serves a request in front of an application."""


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
        metrics: Shown on `/metrics`; None for no such path.
    """
    admission = admission or Admission(Limits(), Rejections())
    limits, sessions = admission.limits, admission.sessions
    engine = LimitedEngine(runtime, admission.queue, admission.rejections, limits.recall_seconds)
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
    routes = [
        Route("/health", ready),
        Route("/health/live", _answer_liveness),
        Route("/health/ready", ready),
        *access.routes,
        *([Route("/metrics", partial(metrics.scraped, runtime))] if metrics else []),
        Route("/mcp", McpEndpoint(partial(sessions.handle, manager.handle_request))),
        Route("/sse", SseEndpoint(sse_server, sse), methods=["GET"]),
        Mount("/messages/", MessagesEndpoint(sse.handle_post_message, limits.max_request_bytes)),
    ]
    middleware: list[Handler] = [
        *([metrics.handle] if metrics else []),
        HostCheck(security).handle,
        streams.handle,
        access.handle,
        admission.handle,
    ]
    app: ASGIApp = Starlette(routes=routes, lifespan=lifespan)
    for handle in reversed(middleware):
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


class HostCheck:
    """Rejects cross-origin (DNS rebinding) and ambiguous-length (request smuggling) requests.

    The former get 421 (`Host`) or 403 (`Origin`), the latter 400 and the end of the connection
    (RFC 9112, section 6.1).

    Args:
        settings: Accepted headers.
    """

    def __init__(self, settings: TransportSecuritySettings) -> None:
        self._security = TransportSecurityMiddleware(settings)

    async def handle(self, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        """Middleware: pass the request on, or reject it."""
        if scope["type"] == "http":
            refusal = None
            if {b"content-length", b"transfer-encoding"} <= {name for name, _ in scope["headers"]}:
                refusal = PlainTextResponse("Two lengths", 400, {"connection": "close"})
            if refusal := refusal or await self._security.validate_request(Request(scope)):
                await refusal(scope, receive, send)
                return
        await app(scope, receive, send)


class LimitedEngine:
    """Runs calls through a fair queue, and readings with a timeout.

    Args:
        runtime: Carries the calls out.
        queue: Of the server.
        rejections: Counts the refused calls.
        recall_s: Longest time of one recall or reading.
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


async def _answer_readiness(runtime: Runtime, access: AccessControl, _request: Request) -> Response:
    """`/health` and `/health/ready`: whether the store answers; details only where all may read."""
    status = await _status(runtime, access)
    body: dict[str, object] = {"status": status}
    if status == "ok" and not runtime.model_ready:
        body["degraded"] = DEGRADED_TEXT
    if access.everybody:
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
