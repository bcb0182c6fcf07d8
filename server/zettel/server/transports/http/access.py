"""Access control for HTTP and SSE, independent of the token type."""

import logging
from abc import ABC, abstractmethod

import anyio
from starlette.authentication import BaseUser
from starlette.responses import Response
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from zettel.server.transports.http.open_requests import OpenRequests
from zettel.storage.errors import ZettelError

logger = logging.getLogger(__name__)

TOKENS_FRESH_S = 0.4
"""Time for which read tokens are used again: a revoked one is refused within a second."""
OPEN_PATHS = ("/health", "/health/live", "/health/ready")
"""Paths that need no token."""
METRICS_PATH = "/metrics"
"""Needs a token of its own, since its figures are of all tenants together."""
ADMITTED = "zettel.admitted"
"""Key in a request's scope: it was let in before, by the login of the page."""
WELL_KNOWN = "/.well-known/"
"""Where clients look for OAuth metadata, before they have a token."""


class AccessControl(ABC):
    """Admits requests, and ends those whose user is no longer admitted."""

    routes: tuple[BaseRoute, ...] = ()
    """Answered without a token."""

    async def needs_token(self) -> bool:
        """Whether a new request needs an access token, as far as that is known."""
        return True

    @property
    def everybody(self) -> bool:
        """Whether every request is known to be admitted without a token."""
        return False

    @abstractmethod
    async def refusal(self, scope: Scope) -> Response | None:
        """The answer to a request that is not admitted; else sets the scope's `user`."""

    @abstractmethod
    def admits(self, user: BaseUser) -> bool:
        """Whether an admitted user's requests may go on."""

    def may_return(self, user: BaseUser) -> bool:
        """Whether an admitted user's sessions may go on."""
        return self.admits(user)

    @abstractmethod
    async def look(self) -> None:
        """Read what `admits` depends on.

        Raises:
            ZettelError: It cannot be read.
        """

    async def handle(self, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        """Middleware: pass admitted requests on."""
        path = scope.get("path", "")
        is_open = path in OPEN_PATHS or path.startswith(WELL_KNOWN) or ADMITTED in scope
        if scope["type"] == "http" and not is_open and (refusal := await self.refusal(scope)):
            await refusal(scope, receive, send)
            return
        await app(scope, receive, send)

    async def watch(self, streams: OpenRequests) -> None:
        """End open requests that are no longer admitted, until cancelled."""
        while True:
            await anyio.sleep(TOKENS_FRESH_S)
            if not streams.any_open:
                continue
            try:
                await self.look()
            except ZettelError:
                # Requests get the same error as their answer.
                logger.warning("the access tokens could not be read", exc_info=True)
            except Exception:
                logger.exception("the access tokens could not be read")
            streams.end_refused(self.admits, self.may_return)


PROXY_HEADERS = frozenset(
    {b"forwarded", b"via", b"x-real-ip", b"x-client-ip", b"true-client-ip", b"cf-connecting-ip"}
)
"""Added by proxies (RFC 7239; RFC 9110, section 7.6.3; nginx, Akamai, Cloudflare)."""
PROXY_HEADER_PREFIX = b"x-forwarded-"


def through_proxy(scope: Scope) -> bool:
    """Whether a request says that a proxy passed it on, so that it may be of another machine."""
    names = {name.lower() for name, _ in scope["headers"]}
    return bool(names & PROXY_HEADERS) or any(
        name.startswith(PROXY_HEADER_PREFIX) for name in names
    )


def presented(scope: Scope) -> str:
    """The bearer token of a request; empty without exactly one."""
    values = [value for name, value in scope["headers"] if name == b"authorization"]
    if len(values) != 1:
        return ""
    scheme, _, token = values[0].decode("latin-1").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""
