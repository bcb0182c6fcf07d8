"""Lets requests in by their access token: plain `Authorization: Bearer`, nothing of OAuth.

A 401 that named OAuth's metadata would make clients with a static token log in instead (Claude
Code: anthropics/claude-code issues 38972, 47424, 56357, 80785).
"""

import anyio
from mcp.server.auth.provider import AccessToken
from starlette.authentication import BaseUser, UnauthenticatedUser
from starlette.responses import PlainTextResponse, Response
from starlette.types import Scope

from zettel.server.auth.token_store import KEY, Tokens, parse_tokens
from zettel.server.auth.tokens import Token, recognized
from zettel.server.protocol.principal import Bearer
from zettel.server.runtime.clock import Clock, utc_now
from zettel.server.runtime.runtime import Runtime
from zettel.server.transports.http.access import LOOK_S, METRICS, AccessControl, presented
from zettel.storage.errors import ZettelError

MISSING = "An access token is needed: send Authorization: Bearer TOKEN."
REFUSED = "This access token is unknown, revoked or expired."
ONLY_METRICS = "For /metrics make a token of its own: zettel token create --metrics."
AGAIN_S = 0.02
"""Seconds between two looks for a token that is not known: whoever makes some up has the store read
no more often."""
REMEDY = " The person who runs this server makes one with zettel token create."


class TokenAccess(AccessControl):
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

    def admits(self, user: BaseUser) -> bool:
        """Whether one who came in may stay."""
        if not isinstance(user, Bearer):
            return not self._needed
        token_id = user.known.token_id if isinstance(user.known, Token) else ""
        known = (token for token in self._tokens if token.token_id == token_id)
        return any(token.state(self._clock()) == "active" for token in known)

    async def needs_token(self) -> bool:
        """Whether who comes now needs an access token, as far as the store can be read."""
        try:
            await self.look()
        except ZettelError:
            return self._always
        return self._needed

    @property
    def everybody(self) -> bool:
        """Whether it is known that whoever reaches the server may come in."""
        return self._looked > float("-inf") and not self._needed

    @property
    def _needed(self) -> bool:
        # Revoked ones count: revoking the last one must not let everybody in.
        return self._always or bool(self._tokens)

    async def refusal(self, scope: Scope) -> Response | None:
        """The answer to who may not come in; notes down who may."""
        text = presented(scope)
        try:
            await self.look()
            token = self._known(text)
            if self._needed and text and token is None:
                # It may have been made a moment ago.
                await self._look(AGAIN_S)
                token = self._known(text)
        except ZettelError as error:
            return PlainTextResponse(str(error), 503, {"retry-after": "1"})
        if not self._needed:
            scope["user"] = UnauthenticatedUser()
            return None
        if token is not None:
            access = AccessToken(token="", client_id=token.token_id, scopes=[])
            scope["user"] = Bearer(token, access)
            return None if token.metrics is (scope["path"] == METRICS) else _wrong_place(token)
        # RFC 6750, section 3.1: who presented nothing is told no error code.
        challenge = 'Bearer error="invalid_token"' if text else "Bearer"
        told = (REFUSED if text else MISSING) + REMEDY
        return PlainTextResponse(told, 401, {"www-authenticate": challenge})

    async def look(self) -> None:
        """Read the tokens, unless that was done just now.

        Raises:
            ZettelError: The store cannot be read.
        """
        await self._look(LOOK_S)

    def _known(self, text: str) -> Token | None:
        return recognized(self._tokens, text, self._clock()) if text else None

    async def _look(self, holds_s: float) -> None:
        async with self._looking:
            began = anyio.current_time()
            if began - self._looked < holds_s:
                return
            memory = await self._runtime.memory()
            raw = await memory.store.get_meta(KEY)
            if raw != self._raw:
                self._raw, self._tokens = raw, parse_tokens(raw)
            self._looked = began


def _wrong_place(token: Token) -> Response:
    text = "This access token is for /metrics alone." if token.metrics else ONLY_METRICS
    challenge = 'Bearer error="insufficient_scope"'
    return PlainTextResponse(text, 403, {"www-authenticate": challenge})
