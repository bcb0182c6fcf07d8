"""Refuses what a foreign web page may have sent, or two readers read as different requests.

On every path, before anything else.
"""

from mcp.server.transport_security import TransportSecurityMiddleware, TransportSecuritySettings
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send


class HostCheck:
    """Checks `Host` and `Origin` of every request: 421 and 403 where they are not ours.

    One with two lengths is refused, and its connection closed: a proxy that goes by the other one
    would take what follows for somebody else's request (RFC 9112, section 6.1).

    Args:
        app: What is guarded.
        settings: Which headers pass.
    """

    def __init__(self, app: ASGIApp, settings: TransportSecuritySettings) -> None:
        self._app = app
        self._security = TransportSecurityMiddleware(settings)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the request pass, or answer it."""
        if scope["type"] == "http":
            if {b"content-length", b"transfer-encoding"} <= {name for name, _ in scope["headers"]}:
                ambiguous = PlainTextResponse("Two lengths", 400, {"connection": "close"})
                await ambiguous(scope, receive, send)
                return
            refusal = await self._security.validate_request(Request(scope))
            if refusal is not None:
                await refusal(scope, receive, send)
                return
        await self._app(scope, receive, send)
