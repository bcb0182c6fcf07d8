"""One web application: `/mcp` (Streamable HTTP), `/sse` (SSE), `/health`, `/metrics`."""

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from functools import partial

from mcp.server import Server
from mcp.server.sse import SseServerTransport
from mcp.server.transport_security import TransportSecuritySettings
from starlette.applications import Starlette
from starlette.routing import Mount, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from zettel.server.config.addresses import is_loopback
from zettel.server.config.limits import Limits
from zettel.server.config.settings import Settings
from zettel.server.protocol.server import ClientDefaults, Engine, create_server
from zettel.server.protocol.subscriptions import ChangeFeed
from zettel.server.runtime.runtime import Runtime
from zettel.server.transports.http.access import AccessControl
from zettel.server.transports.http.health import health_routes
from zettel.server.transports.http.host_check import HostCheck
from zettel.server.transports.http.limits.admission import Admission
from zettel.server.transports.http.limits.limited_engine import LimitedEngine
from zettel.server.transports.http.limits.rejections import Rejections
from zettel.server.transports.http.mcp_endpoint import McpEndpoint
from zettel.server.transports.http.metrics import Metrics
from zettel.server.transports.http.open_requests import OpenRequests
from zettel.server.transports.http.sse_endpoint import MalformedMessages, answer_unparsable

LOOPBACK_NAMES = ("127.0.0.1", "localhost", "[::1]")


def allowed(settings: Settings) -> TransportSecuritySettings:
    """Which `Host` and `Origin` headers pass: those of this machine, and those that are set.

    All others are a web page's that reaches for the server through a browser (DNS rebinding).
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
    gatekeeper: AccessControl,
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
        runtime: The process's one runtime; the application neither starts nor ends it.
        gatekeeper: Knows who may come in.
        namespace: Where callers who name none read and write.
        security: Which `Host` and `Origin` headers pass.
        streams: Ends open streams when the process is to leave.
        admission: How much may be asked; None for the defaults.
        make_server: Makes the server object of each transport; the conformance suite's is its own.
        metrics: What `/metrics` shows; None for no such path.
    """
    admission = admission or Admission(Limits(), Rejections())
    engine, sessions = LimitedEngine(runtime, admission), admission.sessions
    most = admission.limits.max_request_bytes
    doors = [
        ClientDefaults(transport=t, namespace=namespace, counters=runtime.counters)
        for t in ("http", "sse")
    ]
    http_server, sse_server = (make_server(engine, door, runtime.feed) for door in doors)
    http_server.streamable_http_app(
        transport_security=security,
        max_request_body_size=most,
        session_idle_timeout=sessions.idle_s,
        max_sessions=None,
    )
    manager = http_server.session_manager
    answer_unparsable(sse_server)
    sse = SseServerTransport("/messages/", security)
    streams.hold(sessions)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncGenerator[None]:
        async with manager.run(), sessions.running():
            yield

    routes = [
        *health_routes(runtime, gatekeeper),
        *gatekeeper.routes,
        *([Route("/metrics", partial(metrics.scraped, runtime))] if metrics else []),
        Route("/mcp", McpEndpoint(sessions.wrap(manager.handle_request), most)),
        Route("/sse", _SseEndpoint(sse_server, sse), methods=["GET"]),
        Mount("/messages/", MalformedMessages(sse.handle_post_message, most)),
    ]
    app = gatekeeper.wrap(admission.wrap(Starlette(routes=routes, lifespan=lifespan)))
    guarded = HostCheck(streams.wrap(app), security)
    return metrics.wrap(guarded) if metrics else guarded


class _SseEndpoint:
    """`GET /sse`: one conversation for as long as the client holds the stream."""

    def __init__(self, server: Server, sse: SseServerTransport) -> None:
        self._server = server
        self._sse = sse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve the stream."""
        async with self._sse.connect_sse(scope, receive, send) as (incoming, outgoing):
            options = self._server.create_initialization_options()
            await self._server.run(incoming, outgoing, options)
