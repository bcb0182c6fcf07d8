"""What must be so before an authorization server's tokens are trusted."""

from urllib.parse import urlsplit

from zettel.server.config.addresses import encrypted
from zettel.server.config.settings import Settings
from zettel.storage.errors import InvalidArgumentError


def oauth_refusals(settings: Settings) -> list[InvalidArgumentError]:
    """Why tokens could be neither got nor trusted with these settings."""
    if settings.oauth_issuer:
        return [*_of_the_resource(settings), *_of_the_addresses(settings)]
    needless = ("oauth_resource", "oauth_audience", "oauth_scopes", "oauth_jwks")
    return [
        InvalidArgumentError(
            "setting oauth_issuer",
            f"{name} is set, but no authorization server is",
            "Set ZETTEL_OAUTH_ISSUER to what its tokens' iss says, or take it out.",
        )
        for name in needless
        if getattr(settings, name)
    ]


def _of_the_resource(settings: Settings) -> list[InvalidArgumentError]:
    if settings.oauth_resource:
        return []
    problem = "there is an authorization server, but clients cannot say what the token is for"
    remedy = "Set ZETTEL_OAUTH_RESOURCE to this server's address, https://memory.example.org."
    return [InvalidArgumentError("setting oauth_resource", problem, remedy)]


def _of_the_addresses(settings: Settings) -> list[InvalidArgumentError]:
    found = list[InvalidArgumentError]()
    for name in ("oauth_issuer", "oauth_resource", "oauth_jwks"):
        url: str = getattr(settings, name)
        # RFC 8414, section 2 and RFC 9728, section 1.2; keys may lie behind a query.
        if url and (_is_spoiled(url, query=name == "oauth_jwks") or not encrypted(url)):
            problem = f"{url!r} cannot be used"
            remedy = "Pass an https:// address (http:// on this machine only), no query in it."
            found.append(InvalidArgumentError("setting " + name, problem, remedy))
    return found


def _is_spoiled(url: str, *, query: bool) -> bool:
    """Whether it has a part that such an address may not have, or is none."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return True
    return bool(parts.fragment or (parts.query and not query))
