"""What must be so before machines other than this one may reach the server."""

import os

from zettel.server.auth.token_store import read_tokens
from zettel.server.config.addresses import is_loopback
from zettel.server.config.settings import Settings
from zettel.server.engine.ipc.store_path import is_directory, one_spelling
from zettel.server.runtime.clock import utc_now
from zettel.server.runtime.factories import opened
from zettel.storage.errors import HostRefusedError, StoreUnavailableError


async def exposure_refusals(settings: Settings) -> list[HostRefusedError]:
    """All that is missing before machines other than this one may reach the server."""
    if is_loopback(settings.host):
        return []
    missing = list[tuple[str, str]]()
    if not settings.allowed_hosts:
        remedy = "Pass --allowed-host with the name that clients use, such as memory.example.org"
        missing.append(("no name is allowed for it", remedy))
    if not settings.allowed_origins:
        remedy = "Pass --allowed-origin, such as https://memory.example.org"
        missing.append(("no origin of web pages is allowed for it", remedy))
    if not settings.oauth_issuer and not await _has_tokens(settings):
        remedy = (
            "Run zettel token create --name NAME --namespace NAMESPACE, or name an authorization"
            " server (ZETTEL_OAUTH_ISSUER)"
        )
        missing.append(("there is no access token that is in force", remedy))
    return [HostRefusedError(settings.host, problem, remedy) for problem, remedy in missing]


def exposure_warnings(settings: Settings) -> list[str]:
    """What is to be said where others may reach the server."""
    if is_loopback(settings.host) or settings.tls_cert:
        return []
    return [
        f"The server speaks plain HTTP on {settings.host}: access tokens and notes can be read on"
        " their way. Pass --tls-cert and --tls-key, or let nobody reach it but a proxy with TLS."
    ]


async def _has_tokens(settings: Settings) -> bool:
    if not _is_there(settings.store):
        # Sparing the libraries that open one.
        return False
    try:
        async with opened(settings) as memory:
            tokens = await read_tokens(memory.store)
    except StoreUnavailableError:
        # There is none yet, or serving will say what is wrong with it.
        return False
    return any(token.state(utc_now()) == "active" and not token.metrics for token in tokens)


def _is_there(store: str) -> bool:
    """Whether there may be a store; only a directory's absence is seen at once."""
    return not is_directory(store) or os.path.exists(one_spelling(store))
