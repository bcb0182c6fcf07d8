"""Access by tokens of an authorization server: an OAuth 2.1 resource server.

The server's public keys are read when a token needs them, then cached; its JWT access tokens
(RFC 9068) are verified with them. Uses the SDK's parts, not its wiring
(`streamable_http_app(auth=...)`), which covers `/mcp` only, reports an absent token as an invalid
one (against RFC 6750, section 3.1) and names no scope.
"""

import logging
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from time import monotonic

import anyio
import httpx2
import jwt
from mcp.client.auth.utils import build_oauth_authorization_server_metadata_discovery_urls
from mcp.server.auth.provider import AccessToken, TokenVerifier
from mcp.server.auth.routes import build_resource_metadata_url, create_protected_resource_routes
from pydantic import AnyHttpUrl, ConfigDict, JsonValue, TypeAdapter
from starlette.authentication import BaseUser
from starlette.responses import PlainTextResponse, Response
from starlette.types import Scope

from zettel.server.config.addresses import encrypted, without_password
from zettel.server.config.settings import SCOPE_CLAIM, Settings
from zettel.server.protocol.principal import Bearer
from zettel.server.runtime.clock import Clock, utc_now
from zettel.server.transports.http.access import METRICS_PATH, AccessControl, presented
from zettel.storage.access import Access
from zettel.storage.errors import ServingError
from zettel.tools.caller import is_reserved
from zettel.tools.validation import NAMESPACE

KEYS_FRESH_S = 300.0
"""Time for which cached keys are used unchecked (`lifespan` of PyJWT's own client)."""
KEYS_MAX_AGE_S = 3600.0
"""Time for which cached keys are used while the issuer does not answer; bounds the trust in a
withdrawn key."""
PAUSE_S = 10.0
"""Shortest time between two reads, however many unknown key ids are presented."""
KEYS_TIMEOUT_S = 5.0
"""Of one read, all its requests together."""
ANSWER_MAX_BYTES = 256_000
"""A key has about 400 (RSA of 2048 bits) to 3,000 (with certificates)."""

_Json = dict[str, JsonValue]

OK = 200
_json: TypeAdapter[_Json] = TypeAdapter(_Json)

logger = logging.getLogger(__name__)


class IssuerUnavailableError(ServingError):
    """The keys of an authorization server cannot be read."""

    def __init__(self, issuer: str) -> None:
        self.issuer = issuer
        super().__init__(
            f"The keys of {issuer} cannot be read now, so no token of it can be checked. Try again"
            f" in {PAUSE_S:.0f} seconds; the server's log says more."
        )


class IssuerKeys:
    """The keys of one authorization server.

    Args:
        issuer: URL of the server.
        address: URL of its keys; empty to read it from its metadata.
        now: Monotonic clock, seconds.
    """

    def __init__(
        self, issuer: str, address: str = "", *, now: Callable[[], float] = monotonic
    ) -> None:
        self._issuer, self._address, self._now = issuer, address, now
        self._keys: dict[str, _Json] = {}
        self._read_at = self._tried_at = float("-inf")
        self._reading = anyio.Lock()

    async def find(self, key_id: str) -> _Json | None:
        """The key (RFC 7517) with an id; None if the server has none.

        Raises:
            IssuerUnavailableError: The keys cannot be read.
        """
        if not self._needs_read(key_id):
            return self._keys[key_id]
        async with self._reading:
            if self._needs_read(key_id) and self._now() - self._tried_at >= PAUSE_S:
                await self._read_keys()
        kept = self._now() - self._read_at < KEYS_MAX_AGE_S
        heard = self._read_at >= self._tried_at
        if not kept or (key_id not in self._keys and not heard):
            raise IssuerUnavailableError(self._issuer)
        return self._keys.get(key_id)

    def _needs_read(self, key_id: str) -> bool:
        return key_id not in self._keys or self._now() - self._read_at >= KEYS_FRESH_S

    async def _read_keys(self) -> None:
        self._tried_at = self._now()
        try:
            with anyio.fail_after(KEYS_TIMEOUT_S):
                async with httpx2.AsyncClient(timeout=KEYS_TIMEOUT_S) as http:
                    address = self._address or await _discover(http, self._issuer)
                    self._keys = _keys_of(await _read(http, address))
        except (httpx2.HTTPError, httpx2.InvalidURL, TimeoutError, ValueError) as error:
            # Their address may hold a password or a key, and so do the library's errors.
            what = without_password(str(error) or type(error).__name__)
            logger.warning("the keys of %s could not be read: %s", self._issuer, what)
        else:
            self._read_at = self._tried_at


async def _discover(http: httpx2.AsyncClient, issuer: str) -> str:
    """URL of the keys, from the metadata (RFC 8414, or OpenID Connect Discovery)."""
    for address in build_oauth_authorization_server_metadata_discovery_urls(issuer, issuer):
        try:
            found = await _read(http, address)
        except ValueError:  # no metadata there
            continue
        keys = found.get("jwks_uri")
        # RFC 8414, section 3.3: metadata of another issuer must not be used.
        if found.get("issuer") == issuer and isinstance(keys, str) and encrypted(keys):
            return keys
    msg = "no metadata of it names an issuer of this name and an encrypted jwks_uri"
    raise ValueError(msg)


async def _read(http: httpx2.AsyncClient, address: str) -> _Json:
    """Read a JSON object of bounded size, without following redirects.

    Raises:
        ValueError: There is none.
    """
    body = bytearray()
    # Uncompressed: compressed bytes could expand to any size.
    wanted = {"accept": "application/json", "accept-encoding": "identity"}
    async with http.stream("GET", address, headers=wanted) as response:
        if response.status_code != OK:
            msg = f"{address} answers {response.status_code}"
            raise ValueError(msg)
        async for chunk in response.aiter_raw():
            body += chunk
            if len(body) > ANSWER_MAX_BYTES:
                msg = f"{address} answers more than {ANSWER_MAX_BYTES} bytes"
                raise ValueError(msg)
    return _json.validate_json(bytes(body))


def _keys_of(found: _Json) -> dict[str, _Json]:
    """The signing keys of a set, by id."""
    listed = found.get("keys")
    keys = dict[str, _Json]()
    for key in listed if isinstance(listed, list) else ():
        if isinstance(key, dict) and key.get("use", "sig") == "sig":
            key_id = key.get("kid")
            if isinstance(key_id, str):
                keys[key_id] = key
    if not keys:
        msg = "no key that signs and has an id is there"
        raise ValueError(msg)
    return keys


ALGORITHMS = (
    *("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    *("ES256", "ES384", "ES512", "EdDSA"),
)
"""Signatures by a key pair only (RFC 7518, RFC 8037): with `HS256` the public key could sign, and
`none` signs nothing (RFC 8725, section 2.1)."""
LEEWAY_S = 30
"""Clock difference allowed for `nbf` and `iat` (RFC 7519, section 4.1.5), but not for `exp`."""
TYPES = ("at+jwt", "application/at+jwt", "jwt")
"""RFC 9068, section 2.1; plain JWT is the type at Keycloak, Auth0 and Entra ID."""
SUBJECT_LENGTH = 255
"""ASCII characters (OpenID Connect Core 1.0, section 2)."""
CLIENT_CLAIMS = ("client_id", "azp", "appid", "cid")
"""Of RFC 9068, then of OpenID Connect, Entra ID and Okta."""


class AccessJwtVerifier(TokenVerifier):
    """Verifies tokens; keeps none.

    Args:
        keys: Of the authorization server.
        issuer: Required `iss`.
        audience: Required in `aud`, with or without a slash at the end.
        clock: The current time.
    """

    def __init__(
        self, keys: IssuerKeys, *, issuer: str, audience: str, clock: Clock = utc_now
    ) -> None:
        self._keys, self._issuer, self._clock = keys, issuer, clock
        bare = audience.removesuffix("/")
        self._audiences = (bare, f"{bare}/")

    async def verify_token(self, token: str) -> AccessToken | None:
        """The claims of a token, without the token itself; None if it is not valid here.

        Raises:
            IssuerUnavailableError: The issuer's keys cannot be read.
        """
        try:
            # Parsed before verification, so that a malformed token causes no request for keys.
            unchecked = jwt.decode_complete(token, options={"verify_signature": False})
            algorithm, key_id = _algorithm_and_key_id(unchecked["header"])
            if unchecked["payload"].get("iss") != self._issuer:
                return None
            described = await self._keys.find(key_id)
            if described is None or described.get("alg", algorithm) != algorithm:
                return None
            key = jwt.PyJWK(dict(described), algorithm)
            return self._access_token(self._checked(token, key, algorithm))
        except (jwt.PyJWTError, RecursionError):
            return None

    def _checked(self, token: str, key: jwt.PyJWK, algorithm: str) -> Mapping[str, object]:
        return jwt.decode(
            token,
            key,
            algorithms=[algorithm],
            issuer=self._issuer,
            audience=self._audiences,
            leeway=LEEWAY_S,
            options={
                "require": ["iss", "aud", "exp", "sub"],
                "enforce_minimum_key_length": True,
            },
        )

    def _access_token(self, claims: Mapping[str, object]) -> AccessToken | None:
        ends, subject = claims["exp"], str(claims["sub"])
        bounded = 0 < len(subject) <= SUBJECT_LENGTH and subject.isprintable()
        if not isinstance(ends, int | float) or not bounded or _is_id_token(claims):
            return None
        expires_at = int(ends)
        if expires_at <= self._clock().timestamp():
            return None
        clients = (claims.get(name) for name in CLIENT_CLAIMS)
        client = next((name for name in clients if isinstance(name, str) and name), subject)
        return AccessToken(
            token="",
            client_id=client,
            scopes=[],
            expires_at=expires_at,
            subject=subject,
            claims=dict(claims),
        )


def _algorithm_and_key_id(header: Mapping[str, object]) -> tuple[str, str]:
    """The algorithm and the key id that a token names.

    Raises:
        InvalidTokenError: It is no access token, or its signature cannot be verified.
    """
    kind, algorithm, key_id = header.get("typ"), header.get("alg"), header.get("kid")
    known = kind is None or (isinstance(kind, str) and kind.lower() in TYPES)
    if not known or algorithm not in ALGORITHMS or not isinstance(key_id, str):
        raise jwt.InvalidTokenError
    return str(algorithm), key_id


def _is_id_token(claims: Mapping[str, object]) -> bool:
    """Whether it is an ID token: by its type at Keycloak, else by a digest of access token or code.

    OpenID Connect Core 1.0, section 3.3.2.11.
    """
    return claims.get("typ", "Bearer") != "Bearer" or "at_hash" in claims or "c_hash" in claims


OAUTH_TOKEN_MISSING = "An access token is needed."
OAUTH_TOKEN_REFUSED = "This access token is not one of {issuer} for this server, or is over."
NOTHING = "This access token grants no namespace here: {claim} has no entry zettel:NAMESPACE."
NO_METRICS = "This access token is not for /metrics: {claim} has no entry zettel-metrics."
RESERVED = (
    "The subject of this access token is a name that Zettel gives itself, so what it stored could"
    " not be told from the server's own work. Let {issuer} issue tokens with another sub."
)
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
        if is_reserved(access.subject):
            return self._refused(403, RESERVED)
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
