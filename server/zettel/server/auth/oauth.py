"""Lets requests in by an authorization server's tokens: this one is an OAuth 2.1 resource server.

The SDK's own wiring (`streamable_http_app(auth=...)`) guards `/mcp` alone, calls a request without
a token an invalid one (against RFC 6750, section 3.1) and names no scope. So its parts are used:
its verifier's contract, its sessions' binding to who opened them, its metadata (RFC 9728).
"""

from mcp.server.auth.routes import build_resource_metadata_url, create_protected_resource_routes
from pydantic import AnyHttpUrl, ConfigDict, TypeAdapter
from starlette.authentication import BaseUser
from starlette.responses import PlainTextResponse, Response
from starlette.types import Scope

from zettel.server.auth.access_jwt import AccessJwtVerifier
from zettel.server.auth.grants import Grant, grant_of
from zettel.server.auth.jwks import PAUSE_S, IssuerKeys, IssuerUnavailableError
from zettel.server.config.settings import Settings
from zettel.server.protocol.principal import Bearer
from zettel.server.runtime.clock import Clock, utc_now
from zettel.server.transports.http.access import METRICS, AccessControl, presented

MISSING = "An access token is needed."
REFUSED = "This access token is not one of {issuer} for this server, or is over."
NOTHING = "This access token grants no namespace here: {claim} has no entry zettel:NAMESPACE."
NO_METRICS = "This access token is not for /metrics: {claim} has no entry zettel-metrics."
REMEDY = " Get one from {issuer}."

# A trailing slash of ours would not be the issuer's, and issuers are compared to the letter.
_URL = TypeAdapter(AnyHttpUrl, config=ConfigDict(url_preserve_empty_path=True))


class OAuthAccess(AccessControl):
    """Who may come in, as one authorization server's tokens say.

    Args:
        settings: Name the server, and where its tokens say what.
        keys: The server's; None for those the settings lead to.
        clock: What time it is.
    """

    def __init__(
        self, settings: Settings, *, keys: IssuerKeys | None = None, clock: Clock = utc_now
    ) -> None:
        self._settings, self._clock = settings, clock
        resource = _URL.validate_python(settings.oauth_resource)
        issuer, scopes = settings.oauth_issuer, settings.oauth_scopes.split()
        self._verifier = AccessJwtVerifier(
            keys or IssuerKeys(issuer, settings.oauth_jwks),
            issuer=issuer,
            audience=settings.oauth_audience or settings.oauth_resource,
            clock=clock,
        )
        self._where = f'resource_metadata="{build_resource_metadata_url(resource)}"'
        self._scope = f'scope="{" ".join(scopes)}"' if scopes else ""
        self.routes = tuple(
            create_protected_resource_routes(
                resource_url=resource,
                authorization_servers=[_URL.validate_python(issuer)],
                scopes_supported=scopes or None,
                resource_name="Zettel",
            )
        )

    async def refusal(self, scope: Scope) -> Response | None:
        """The answer to who may not come in; notes down who may."""
        token = presented(scope)
        if not token:
            return self._refused(401, MISSING + REMEDY)
        try:
            access = await self._verifier.verify_token(token)
        except IssuerUnavailableError as error:
            return PlainTextResponse(str(error), 503, {"retry-after": f"{PAUSE_S:.0f}"})
        if access is None or access.subject is None or access.expires_at is None:
            return self._refused(401, REFUSED + REMEDY, "invalid_token")
        claim = self._settings.oauth_claim
        grant = grant_of(
            access.claims or {}, claim, subject=access.subject, expires_at=access.expires_at
        )
        if scope["path"] == METRICS:
            if grant is None or not grant.metrics:
                return self._refused(403, NO_METRICS, "insufficient_scope")
        elif grant is None or not grant.reach.reads:
            return self._refused(403, NOTHING, "insufficient_scope")
        scope["user"] = Bearer(grant, access)
        return None

    async def look(self) -> None:
        """Nothing changes: a token says itself when it is over."""

    def admits(self, user: BaseUser) -> bool:
        """Whether one who came in may stay: until the token is over."""
        known = user.known if isinstance(user, Bearer) else None
        return isinstance(known, Grant) and known.expires_at > self._clock().timestamp()

    def may_return(self, user: BaseUser) -> bool:
        """Everybody may, with a refreshed token of the same person and client."""
        return isinstance(user, Bearer)

    def _refused(self, status: int, text: str, error: str = "") -> Response:
        """Say why, and where a token is to be had (RFC 6750, section 3; RFC 9728, section 5.1)."""
        said = [f'error="{error}"' if error else "", self._scope, self._where]
        challenge = f"Bearer {', '.join(part for part in said if part)}"
        filled = text.format(issuer=self._settings.oauth_issuer, claim=self._settings.oauth_claim)
        return PlainTextResponse(filled, status, {"www-authenticate": challenge})
