"""Lets requests in by their access token: plain `Authorization: Bearer`, nothing of OAuth.

A 401 that named OAuth's metadata would make clients with a static token log in instead (Claude
Code: anthropics/claude-code issues 38972, 47424, 56357, 80785).
"""

import logging

import anyio
from starlette.authentication import BaseUser, UnauthenticatedUser
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from zettel.server.clock import Clock, utc_now
from zettel.server.principal import Bearer
from zettel.server.runtime import Runtime
from zettel.server.streams import Streams
from zettel.server.token_book import KEY, Tokens, parse_tokens
from zettel.server.tokens import recognized
from zettel.storage.errors import ZettelError

logger = logging.getLogger(__name__)

LOOK_S = 0.4
"""Seconds for which a look at the tokens holds: one that is revoked is out within a second."""
OPEN_PATHS = ("/health",)
"""For those who only want to know whether the server lives."""
WELL_KNOWN = "/.well-known/"
"""Where clients look for OAuth; nothing is there, and they must be told so, not be turned away."""
MISSING = "An access token is needed: send Authorization: Bearer TOKEN."
REFUSED = "This access token is unknown, revoked or expired."
REMEDY = " The person who runs this server makes one with zettel token create."


class Gatekeeper:
    """Who may come in, as the store's tokens say now.

    Args:
        runtime: Has the store.
        always: Whether a token is needed even if the store never had one.
        clock: What time it is.
    """

    def __init__(self, runtime: Runtime, *, always: bool = False, clock: Clock = utc_now) -> None:
        self._runtime = runtime
        self._always = always
        self._clock = clock
        self._raw: str | None = None
        self._tokens: Tokens = ()
        self._looked = float("-inf")
        self._looking = anyio.Lock()

    def wrap(self, app: ASGIApp) -> ASGIApp:
        """Guard an application."""

        async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
            path = scope.get("path", "")
            if scope["type"] == "http" and path not in OPEN_PATHS:
                refusal = None if path.startswith(WELL_KNOWN) else await self._refusal(scope)
                if refusal is not None:
                    await refusal(scope, receive, send)
                    return
            await app(scope, receive, send)

        return wrapped

    async def watch(self, streams: Streams) -> None:
        """End what is open and may not be any more, until cancelled."""
        while True:
            await anyio.sleep(LOOK_S)
            if not streams.some_open:
                continue
            try:
                await self._look()
            except ZettelError:
                # What cannot be read serves nobody; requests are told.
                logger.warning("the access tokens could not be read", exc_info=True)
            except Exception:
                logger.exception("the access tokens could not be read")
            streams.end_refused(self.admits)

    def admits(self, user: BaseUser) -> bool:
        """Whether one who came in may stay."""
        if not isinstance(user, Bearer):
            return not self._needed
        known = (token for token in self._tokens if token.token_id == user.known.token_id)
        return any(token.state(self._clock()) == "active" for token in known)

    async def needs_token(self) -> bool:
        """Whether who comes now needs an access token, as far as the store can be read."""
        try:
            await self._look()
        except ZettelError:
            return self._always
        return self._needed

    @property
    def _needed(self) -> bool:
        # Revoked ones count: revoking the last one must not let everybody in.
        return self._always or bool(self._tokens)

    async def _refusal(self, scope: Scope) -> Response | None:
        """The answer to who may not come in; notes down who may."""
        try:
            await self._look()
        except ZettelError as error:
            return PlainTextResponse(str(error), 503, {"retry-after": "1"})
        if not self._needed:
            scope["user"] = UnauthenticatedUser()
            return None
        presented = _presented(scope)
        token = recognized(self._tokens, presented, self._clock()) if presented else None
        if token is not None:
            scope["user"] = Bearer(token)
            return None
        # RFC 6750, section 3.1: who presented nothing is told no error code.
        challenge = 'Bearer error="invalid_token"' if presented else "Bearer"
        text = (REFUSED if presented else MISSING) + REMEDY
        return PlainTextResponse(text, 401, {"www-authenticate": challenge})

    async def _look(self) -> None:
        """Read the tokens, unless that was done just now."""
        async with self._looking:
            began = anyio.current_time()
            if began - self._looked < LOOK_S:
                return
            memory = await self._runtime.memory()
            raw = await memory.store.get_meta(KEY)
            if raw != self._raw:
                self._raw, self._tokens = raw, parse_tokens(raw)
            self._looked = began


def _presented(scope: Scope) -> str:
    """The token of a request; empty if there is none, or more than one."""
    values = [value for name, value in scope["headers"] if name == b"authorization"]
    if len(values) != 1:
        return ""
    scheme, _, token = values[0].decode("latin-1").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""
