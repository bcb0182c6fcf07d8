"""One web application: `/mcp` (Streamable HTTP), `/sse` and `/messages/` (SSE), `/health`."""

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

from mcp.server import Server
from mcp.server.sse import SseServerTransport
from mcp.server.transport_security import TransportSecuritySettings
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from zettel.server.exposure import is_loopback
from zettel.server.feed import Feed
from zettel.server.gatekeeper import Gatekeeper
from zettel.server.guard import Guard
from zettel.server.http_messages import HttpMessages
from zettel.server.protocol import Door, Engine, create_server, version
from zettel.server.runtime import Runtime
from zettel.server.settings import Settings
from zettel.server.sse_messages import AnswersUnparsable, answer_unparsable
from zettel.server.streams import Streams

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
    gatekeeper: Gatekeeper,
    *,
    namespace: str,
    security: TransportSecuritySettings,
    streams: Streams,
    make_server: Callable[[Engine, Door, Feed], Server] = create_server,
) -> ASGIApp:
    """Make the application.

    Args:
        runtime: The process's one runtime; the application neither starts nor ends it.
        gatekeeper: Knows who may come in.
        namespace: Where callers who name none read and write.
        security: Which `Host` and `Origin` headers pass.
        streams: Ends open streams when the process is to leave.
        make_server: Makes the server object of each transport; the conformance suite's is its own.
    """
    http_server = make_server(runtime, Door(transport="http", namespace=namespace), runtime.feed)
    http_app = http_server.streamable_http_app(transport_security=security)
    sse_server = make_server(runtime, Door(transport="sse", namespace=namespace), runtime.feed)
    answer_unparsable(sse_server)
    sse = SseServerTransport("/messages/", security)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncGenerator[None]:
        async with http_server.session_manager.run():
            yield

    async def health(_request: Request) -> Response:
        return _health(runtime)

    routes = [
        Route("/health", health),
        *map(_of_whole_messages, http_app.routes),
        Route("/sse", _SseEndpoint(sse_server, sse), methods=["GET"]),
        Mount("/messages/", AnswersUnparsable(sse.handle_post_message)),
    ]
    app = gatekeeper.wrap(Starlette(routes=routes, lifespan=lifespan))
    return Guard(streams.wrap(app), security)


def _of_whole_messages(route: BaseRoute) -> BaseRoute:
    """A route of the SDK's application; `/mcp` behind what it leaves unanswered itself."""
    if isinstance(route, Route) and route.path == "/mcp":
        return Route(route.path, HttpMessages(route.app))
    return route


def _health(runtime: Runtime) -> Response:
    status = runtime.status
    body: dict[str, object] = {
        "status": status,
        "version": version(),
        "store": runtime.place,
        "model_ready": runtime.model_ready,
    }
    if runtime.problem:
        body["problem"] = runtime.problem
    return JSONResponse(body, status_code=200 if status == "ok" else 503)


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
