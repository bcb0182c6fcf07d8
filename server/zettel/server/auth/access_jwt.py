"""Whether a text is an access token of one authorization server for this one: RFC 9068's JWT."""

from collections.abc import Mapping

import jwt
from mcp.server.auth.provider import AccessToken, TokenVerifier

from zettel.server.auth.jwks import IssuerKeys
from zettel.server.runtime.clock import Clock, utc_now

ALGORITHMS = (
    *("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    *("ES256", "ES384", "ES512", "EdDSA"),
)
"""Signatures by a key pair only (RFC 7518, RFC 8037). With a shared secret (`HS256`) the public
key, which everybody has, would sign; `none` signs nothing (RFC 8725, section 2.1)."""
LEEWAY_S = 30
"""Seconds by which the clocks may differ for `nbf` and `iat` (RFC 7519, section 4.1.5: "usually no
more than a few minutes"). The end, `exp`, is the end."""
TYPES = ("at+jwt", "application/at+jwt", "jwt")
"""RFC 9068, section 2.1; plain JWT is what Keycloak, Auth0 and Entra ID say of access tokens."""
SUBJECT_LENGTH = 255
"""ASCII characters (OpenID Connect Core 1.0, section 2)."""
CLIENT_CLAIMS = ("client_id", "azp", "appid", "cid")
"""Of RFC 9068, then of OpenID Connect, Entra ID and Okta."""


class AccessJwtVerifier(TokenVerifier):
    """Checks tokens; keeps none.

    Args:
        keys: The authorization server's.
        issuer: What a token's `iss` must be.
        audience: What its `aud` must hold; a slash at the end aside, as clients add one.
        clock: What time it is.
    """

    def __init__(
        self, keys: IssuerKeys, *, issuer: str, audience: str, clock: Clock = utc_now
    ) -> None:
        self._keys, self._issuer, self._clock = keys, issuer, clock
        bare = audience.removesuffix("/")
        self._audiences = (bare, f"{bare}/")

    async def verify_token(self, token: str) -> AccessToken | None:
        """What a token says, the token itself left out; None if it is none, or not for us.

        Raises:
            IssuerUnavailableError: Its key cannot be had.
        """
        try:
            # Unpacked twice: nobody is asked for keys because of what cannot be right.
            unchecked = jwt.decode_complete(token, options={"verify_signature": False})
            algorithm, key_id = _signed_how(unchecked["header"])
            if unchecked["payload"].get("iss") != self._issuer:
                return None
            described = await self._keys.find(key_id)
            if described is None or described.get("alg", algorithm) != algorithm:
                return None
            key = jwt.PyJWK(dict(described), algorithm)
            return self._said(self._checked(token, key, algorithm))
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

    def _said(self, claims: Mapping[str, object]) -> AccessToken | None:
        ends, subject = claims["exp"], str(claims["sub"])
        bounded = 0 < len(subject) <= SUBJECT_LENGTH and subject.isprintable()
        if not isinstance(ends, int | float) or not bounded or _says_who(claims):
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


def _signed_how(header: Mapping[str, object]) -> tuple[str, str]:
    """The algorithm and the id of the key, as a token says itself.

    Raises:
        InvalidTokenError: It is no access token, or nobody could check it.
    """
    kind, algorithm, key_id = header.get("typ"), header.get("alg"), header.get("kid")
    known = kind is None or (isinstance(kind, str) and kind.lower() in TYPES)
    if not known or algorithm not in ALGORITHMS or not isinstance(key_id, str):
        raise jwt.InvalidTokenError
    return str(algorithm), key_id


def _says_who(claims: Mapping[str, object]) -> bool:
    """Whether it tells a client who logged in, and lets nobody in anywhere.

    An ID token has a type of its own at Keycloak, and a digest of the access or code beside it
    elsewhere (OpenID Connect Core 1.0, section 3.3.2.11).
    """
    return claims.get("typ", "Bearer") != "Bearer" or "at_hash" in claims or "c_hash" in claims
