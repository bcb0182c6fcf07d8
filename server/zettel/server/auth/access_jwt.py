"""Verification of JWT access tokens (RFC 9068) of one authorization server."""

from collections.abc import Mapping

import jwt
from mcp.server.auth.provider import AccessToken, TokenVerifier

from zettel.server.auth.jwks import IssuerKeys
from zettel.server.runtime.clock import Clock, utc_now

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
