"""Who may come in over HTTP and SSE: what is so whoever makes the tokens."""

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

LOOK_S = 0.4
"""Seconds for which a look at the tokens holds: one that is revoked is out within a second."""
OPEN_PATHS = ("/health", "/health/live", "/health/ready")
"""For those who only want to know whether the server lives."""
METRICS = "/metrics"
"""For whoever was let in for it: what it tells is of all tenants together."""
WELL_KNOWN = "/.well-known/"
"""Where clients look for OAuth: they must be told what is there, and that nothing is."""


class AccessControl(ABC):
    """Lets requests in, and out what may not go on."""

    routes: tuple[BaseRoute, ...] = ()
    """What it answers itself, to those who are not in yet."""

    async def needs_token(self) -> bool:
        """Whether who comes now needs an access token, as far as that can be known."""
        return True

    @property
    def everybody(self) -> bool:
        """Whether it is known that whoever reaches the server may come in."""
        return False

    @abstractmethod
    async def refusal(self, scope: Scope) -> Response | None:
        """The answer to who may not come in; notes down who may as the scope's user."""

    @abstractmethod
    def admits(self, user: BaseUser) -> bool:
        """Whether one who came in may stay."""

    def may_return(self, user: BaseUser) -> bool:
        """Whether one who came in may go on with their session, if not with what is open."""
        return self.admits(user)

    @abstractmethod
    async def look(self) -> None:
        """Find out what has changed, before those who are in are asked about.

        Raises:
            ZettelError: It cannot be found out.
        """

    def wrap(self, app: ASGIApp) -> ASGIApp:
        """Guard an application."""

        async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
            path = scope.get("path", "")
            if scope["type"] == "http" and path not in OPEN_PATHS:
                refusal = None if path.startswith(WELL_KNOWN) else await self.refusal(scope)
                if refusal is not None:
                    await refusal(scope, receive, send)
                    return
            await app(scope, receive, send)

        return wrapped

    async def watch(self, streams: OpenRequests) -> None:
        """End what is open and may not be any more, until cancelled."""
        while True:
            await anyio.sleep(LOOK_S)
            if not streams.some_open:
                continue
            try:
                await self.look()
            except ZettelError:
                # What cannot be read serves nobody; requests are told.
                logger.warning("the access tokens could not be read", exc_info=True)
            except Exception:
                logger.exception("the access tokens could not be read")
            streams.end_refused(self.admits, self.may_return)


def presented(scope: Scope) -> str:
    """The bearer token of a request; empty if there is none, or more than one."""
    values = [value for name, value in scope["headers"] if name == b"authorization"]
    if len(values) != 1:
        return ""
    scheme, _, token = values[0].decode("latin-1").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""
