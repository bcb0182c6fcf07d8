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
    """The authorization server, as its tokens' `iss` says; empty for tokens of the store."""
    oauth_resource: _URL = ""
    """This server, as its clients reach it: an address that `/mcp` and `/sse` lie below."""
    oauth_audience: str = ""
    """What the tokens' `aud` holds; empty for `oauth_resource`."""
    oauth_claim: str = Field(default=SCOPE_CLAIM, min_length=1)
    """Claim with entries `zettel:NAMESPACE` and `zettel:NAMESPACE:ro`; dots lead inwards."""
    oauth_scopes: str = Field(default="", pattern=r"^[!#-\[\]-~ ]*$")
    """Scopes that clients are told to ask for, with spaces between them (RFC 6749, 3.3)."""
    oauth_jwks: _URL = ""
    """Of the keys that sign tokens; empty to have the issuer's metadata say it."""
