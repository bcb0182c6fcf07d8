"""What must be so before an authorization server's tokens are trusted."""

from urllib.parse import urlsplit

from zettel.server.settings import Settings
from zettel.storage.errors import InvalidArgumentError

LOOPBACK = ("localhost", "127.0.0.1", "::1")


def encrypted(url: str) -> bool:
    """Whether nobody on the way can change what is read there: TLS, or this machine."""
    try:
        parts = urlsplit(url)
        return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)
    except ValueError:
        return False


def check_oauth(settings: Settings) -> None:
    """Refuse settings with which tokens could be neither got nor trusted.

    Raises:
        InvalidArgumentError: One is missing, or its address cannot be used.
    """
    if not settings.oauth_issuer:
        for name in ("oauth_resource", "oauth_audience", "oauth_scopes", "oauth_jwks"):
            if getattr(settings, name):
                problem = f"{name} is set, but no authorization server is"
                remedy = "Set ZETTEL_OAUTH_ISSUER to what its tokens' iss says, or take it out."
                raise InvalidArgumentError("setting oauth_issuer", problem, remedy)
        return
    if not settings.oauth_resource:
        problem = "there is an authorization server, but clients cannot say what the token is for"
        remedy = "Set ZETTEL_OAUTH_RESOURCE to this server's address, https://memory.example.org."
        raise InvalidArgumentError("setting oauth_resource", problem, remedy)
    for name in ("oauth_issuer", "oauth_resource", "oauth_jwks"):
        url: str = getattr(settings, name)
        # RFC 8414, section 2 and RFC 9728, section 1.2; keys may lie behind a query.
        parts = urlsplit(url)
        spoiled = bool(parts.fragment or (parts.query and name != "oauth_jwks"))
        if url and (spoiled or not encrypted(url)):
            problem = f"{url!r} cannot be used"
            remedy = "Pass an https:// address (http:// on this machine only), no query in it."
            raise InvalidArgumentError("setting " + name, problem, remedy)
