"""Access by tokens of the store: `Authorization: Bearer` without OAuth.

A 401 that names OAuth metadata makes clients with a static token log in instead (Claude Code:
anthropics/claude-code issues 38972, 47424, 56357, 80785).
"""

import anyio
from mcp.server.auth.provider import AccessToken
from starlette.authentication import BaseUser, UnauthenticatedUser
from starlette.responses import PlainTextResponse, Response
from starlette.types import Scope

from zettel.server.auth.token_store import TOKENS_KEY, Tokens, parse_tokens
from zettel.server.auth.tokens import Token, recognized
from zettel.server.protocol.principal import Bearer
from zettel.server.runtime.clock import Clock, utc_now
from zettel.server.runtime.runtime import Runtime
from zettel.server.transports.http.access import (
    METRICS_PATH,
    TOKENS_FRESH_S,
    AccessControl,
    presented,
    through_proxy,
)
from zettel.storage.errors import StoreUnavailableError, ZettelError

TOKEN_MISSING = "An access token is needed: send Authorization: Bearer TOKEN."
TOKEN_REFUSED = "This access token is unknown, revoked or expired."
ONLY_METRICS = "For /metrics make a token of its own: zettel token create --metrics."
PROXY_REFUSED = (
    "This request came through a proxy, and this server has no access tokens: it answers programs"
    " of its own machine only. The person who runs it hands out tokens with zettel token create"
    " --name NAME --namespace NAMESPACE (docs/remote.md)."
)
UNKNOWN_TOKEN_READ_S = 0.02
"""Shortest time between two reads of the store because of unknown tokens."""
TOKENS_READ_MAX_S = 10.0
"""Longest time that requests wait for the tokens; a bucket that hangs would keep them for minutes.
A recall from a bucket takes a tenth of a second (`benchmarks/RESULTS.md`)."""
TOKEN_REMEDY = (
    " The person who runs this server makes one with zettel token create --name NAME --namespace"
    " NAMESPACE."
)


class TokenAccess(AccessControl):
    """Admits requests with tokens of the store.

    With `always`, a token is needed even if the store never had one.
    """

    def __init__(self, runtime: Runtime, *, always: bool = False, clock: Clock = utc_now) -> None:
        self._runtime = runtime
        self._always = always
        self._clock = clock
        self._raw: str | None = None
        self._tokens: Tokens = ()
        self._read_at = float("-inf")
        self._reading = anyio.Lock()

    def admits(self, user: BaseUser) -> bool:
        """Whether an admitted user's requests may go on."""
        if not isinstance(user, Bearer):
            return not self._needed
        token_id = user.known.token_id if isinstance(user.known, Token) else ""
        known = (token for token in self._tokens if token.token_id == token_id)
        return any(token.state(self._clock()) == "active" for token in known)

    async def needs_token(self) -> bool:
        """Whether a new request needs a token, as far as the store can be read."""
        try:
            await self.look()
        except ZettelError:
            return self._always
        return self._needed

    @property
    def everybody(self) -> bool:
        """Whether every request is known to be admitted without a token."""
        return self._read_at > float("-inf") and not self._needed

    @property
    def _needed(self) -> bool:
        # Revoked ones count: revoking the last one must not open the server.
        return self._always or bool(self._tokens)

    async def refusal(self, scope: Scope) -> Response | None:
        """The answer to a request that is not admitted; else sets the scope's `user`."""
        text = presented(scope)
        try:
            await self.look()
            token = self._known(text)
            if self._needed and text and token is None:
                # It may be new.
                await self._read(UNKNOWN_TOKEN_READ_S)
                token = self._known(text)
        except ZettelError as error:
            return PlainTextResponse(str(error), 503, {"retry-after": "1"})
        if not self._needed:
            if through_proxy(scope):
                return PlainTextResponse(PROXY_REFUSED, 403)
            scope["user"] = UnauthenticatedUser()
            return None
        if token is not None:
            access = AccessToken(token="", client_id=token.token_id, scopes=[])
            scope["user"] = Bearer(token, access)
            return None if token.metrics is (scope["path"] == METRICS_PATH) else _wrong_path(token)
        # RFC 6750, section 3.1: no error code without a token.
        challenge = 'Bearer error="invalid_token"' if text else "Bearer"
        body = (TOKEN_REFUSED if text else TOKEN_MISSING) + TOKEN_REMEDY
        return PlainTextResponse(body, 401, {"www-authenticate": challenge})

    async def look(self) -> None:
        """Read the tokens, unless they were read just now.

        Raises:
            ZettelError: The store cannot be read.
        """
        await self._read(TOKENS_FRESH_S)

    def _known(self, text: str) -> Token | None:
        return recognized(self._tokens, text, self._clock()) if text else None

    async def _read(self, max_age_s: float) -> None:
        memory = await self._runtime.memory()
        try:
            # Those who wait for their turn, too: each would wait as long again.
            with anyio.fail_after(TOKENS_READ_MAX_S):
                async with self._reading:
                    now = anyio.current_time()
                    if now - self._read_at < max_age_s:
                        return
                    raw = await memory.store.get_meta(TOKENS_KEY)
                    if raw != self._raw:
                        self._raw, self._tokens = raw, parse_tokens(raw)
                    self._read_at = now
        except TimeoutError as error:
            remedy = "Send the same request again."
            raise StoreUnavailableError(self._runtime.place, "does not answer", remedy) from error


def _wrong_path(token: Token) -> Response:
    text = "This access token is for /metrics alone." if token.metrics else ONLY_METRICS
    challenge = 'Bearer error="insufficient_scope"'
    return PlainTextResponse(text, 403, {"www-authenticate": challenge})
