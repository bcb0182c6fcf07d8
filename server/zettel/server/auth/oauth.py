"""Access by tokens of an authorization server: an OAuth 2.1 resource server.

Uses the SDK's parts, not its wiring (`streamable_http_app(auth=...)`), which covers `/mcp` only,
reports an absent token as an invalid one (against RFC 6750, section 3.1) and names no scope.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from mcp.server.auth.routes import build_resource_metadata_url, create_protected_resource_routes
from pydantic import AnyHttpUrl, ConfigDict, JsonValue, TypeAdapter
from starlette.authentication import BaseUser
from starlette.responses import PlainTextResponse, Response
from starlette.types import Scope

from zettel.server.auth.access_jwt import AccessJwtVerifier
from zettel.server.auth.jwks import PAUSE_S, IssuerKeys, IssuerUnavailableError
from zettel.server.config.settings import SCOPE_CLAIM, Settings
from zettel.server.protocol.principal import Bearer
from zettel.server.runtime.clock import Clock, utc_now
from zettel.server.transports.http.access import METRICS_PATH, AccessControl, presented
from zettel.storage.access import Access
from zettel.tools.validation import NAMESPACE

OAUTH_TOKEN_MISSING = "An access token is needed."
OAUTH_TOKEN_REFUSED = "This access token is not one of {issuer} for this server, or is over."
NOTHING = "This access token grants no namespace here: {claim} has no entry zettel:NAMESPACE."
NO_METRICS = "This access token is not for /metrics: {claim} has no entry zettel-metrics."
OAUTH_REMEDY = " Get one from {issuer}."

SCP = "scp"
"""Name of the claim `scope` (RFC 9068) at Microsoft Entra ID and Okta."""

METRICS_ENTRY = "zettel-metrics"

_ENTRY = re.compile(rf"zettel:({NAMESPACE.pattern})(:ro)?")

# Issuers are compared exactly, so that no trailing slash may be added.
_URL = TypeAdapter(AnyHttpUrl, config=ConfigDict(url_preserve_empty_path=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """The rights of an admitted token."""

    name: str
    """The token's `sub`, recorded as the origin of notes."""
    default_namespace: str
    reach: Access
    expires_at: int
    """Seconds since 1970, UTC."""
    metrics: bool = False
    """Whether it opens `/metrics`."""


class OAuthAccess(AccessControl):
    """Admits requests with tokens of one authorization server.

    Args:
        settings: Name the server and its tokens' claim.
        keys: Of the server; None for those of the settings.
        clock: The current time.
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
        """The answer to a request that is not admitted; else sets the scope's `user`."""
        token = presented(scope)
        if not token:
            return self._refused(401, OAUTH_TOKEN_MISSING + OAUTH_REMEDY)
        try:
            access = await self._verifier.verify_token(token)
        except IssuerUnavailableError as error:
            return PlainTextResponse(str(error), 503, {"retry-after": f"{PAUSE_S:.0f}"})
        if access is None or access.subject is None or access.expires_at is None:
            return self._refused(401, OAUTH_TOKEN_REFUSED + OAUTH_REMEDY, "invalid_token")
        claim = self._settings.oauth_claim
        grant = grant_of(
            access.claims or {}, claim, subject=access.subject, expires_at=access.expires_at
        )
        if scope["path"] == METRICS_PATH:
            if grant is None or not grant.metrics:
                return self._refused(403, NO_METRICS, "insufficient_scope")
        elif grant is None or not grant.reach.reads:
            return self._refused(403, NOTHING, "insufficient_scope")
        scope["user"] = Bearer(grant, access)
        return None

    async def look(self) -> None:
        """Nothing to read: a token carries its own end."""

    def admits(self, user: BaseUser) -> bool:
        """Whether the user's token has not ended."""
        known = user.known if isinstance(user, Bearer) else None
        return isinstance(known, Grant) and known.expires_at > self._clock().timestamp()

    def may_return(self, user: BaseUser) -> bool:
        """Always: clients come back with a refreshed token of the same person and client."""
        return isinstance(user, Bearer)

    def _refused(self, status: int, text: str, error: str = "") -> Response:
        """A refusal that names the metadata (RFC 6750, section 3; RFC 9728, section 5.1)."""
        parts = [f'error="{error}"' if error else "", self._scope, self._where]
        challenge = f"Bearer {', '.join(part for part in parts if part)}"
        filled = text.format(issuer=self._settings.oauth_issuer, claim=self._settings.oauth_claim)
        return PlainTextResponse(filled, status, {"www-authenticate": challenge})


def grant_of(
    claims: Mapping[str, JsonValue], claim: str, *, subject: str, expires_at: int
) -> Grant | None:
    """Read what a token grants; None if it grants nothing here.

    The default is the first writable namespace, since authorization servers do not keep the order
    of requested scopes.

    Args:
        claims: Of a valid token.
        claim: Name of the claim with the entries, a list or separated by spaces.
        subject: Owner of the token.
        expires_at: Seconds since 1970, UTC.
    """
    reads, writes, metrics = list[str](), list[str](), False
    for entry in _entries(claims, claim):
        metrics = metrics or entry == METRICS_ENTRY
        if found := _ENTRY.fullmatch(entry):
            reads.append(found[1])
            if not found[2]:
                writes.append(found[1])
    if not reads and not metrics:
        return None
    reach = Access(reads=frozenset(reads), writes=frozenset(writes))
    return Grant(
        name=subject,
        default_namespace=next(iter((*writes, *reads)), ""),
        reach=reach,
        expires_at=expires_at,
        metrics=metrics,
    )


def _entries(claims: Mapping[str, JsonValue], claim: str) -> Iterator[str]:
    value = claims.get(claim)
    if value is None and claim == SCOPE_CLAIM:
        value = claims.get(SCP)
    if value is None:
        value = _inside(dict(claims), claim.split("."))
    if isinstance(value, str):
        yield from value.split()
    elif isinstance(value, list):
        yield from (entry for entry in value if isinstance(entry, str))


def _inside(value: JsonValue, path: list[str]) -> JsonValue:
    """The value at a path, such as Keycloak's `resource_access.zettel.roles`."""
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value
