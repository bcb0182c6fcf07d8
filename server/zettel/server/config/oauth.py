"""What a person can set so that an authorization server's tokens (OAuth 2.1) are taken."""

from typing import Annotated

from pydantic import Field
from pydantic_settings import BaseSettings

SCOPE_CLAIM = "scope"
"""Where RFC 9068, section 2.2.3 has a token name what it is for."""

_URL = Annotated[str, Field(pattern=r"^(https?://[^\s\"\\]+)?$")]

OAUTH_EXPECTED = {
    "oauth_issuer": "the https:// address that the tokens' iss says, to the letter",
    "oauth_resource": "the https:// address that clients reach this server by, without a path",
    "oauth_jwks": "the https:// address of the authorization server's public keys",
    "oauth_claim": "the name of a claim",
    "oauth_scopes": "scopes, with spaces between them",
}
"""What such a setting must look like, for the message about one that does not."""


class OAuthSettings(BaseSettings):
    """Where tokens come from and what they say; a part of `Settings`."""

    oauth_issuer: _URL = ""
    """Authorization server whose access tokens are taken in place of the store's, written exactly
    as their `iss`; empty for tokens of the store. See
    docs/remote.md#tokens-of-an-authorization-server."""
    oauth_resource: _URL = ""
    """This server's address as clients reach it, such as `https://memory.example.org`; `/mcp` and
    `/sse` lie below it."""
    oauth_audience: str = ""
    """Value that the tokens' `aud` holds; empty for `oauth_resource`."""
    oauth_claim: str = Field(default=SCOPE_CLAIM, min_length=1)
    """Claim that names namespaces, with entries `zettel:NAMESPACE` and `zettel:NAMESPACE:ro`; dots
    lead inwards (`resource_access.zettel.roles`), `scp` stands in for `scope`."""
    oauth_scopes: str = Field(default="", pattern=r"^[!#-\[\]-~ ]*$")
    """Scopes, with spaces between them, that clients are asked to request (RFC 6749, section
    3.3)."""
    oauth_jwks: _URL = ""
    """Address of the keys that sign tokens; empty to take it from the issuer's metadata."""
