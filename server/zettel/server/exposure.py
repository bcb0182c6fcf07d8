"""What must be so before machines other than this one may reach the server."""

import ipaddress
import ssl

from zettel.server.clock import utc_now
from zettel.server.oauth_check import check_oauth
from zettel.server.offline import opened
from zettel.server.settings import Settings
from zettel.server.token_book import read_tokens
from zettel.storage.errors import HostRefusedError, InvalidArgumentError, StoreUnavailableError


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches a host."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


async def check_exposure(settings: Settings) -> None:
    """Refuse to be reached by others without tokens, or under names that nobody allowed.

    Raises:
        HostRefusedError: Other machines could reach the host, and something is missing.
        InvalidArgumentError: The TLS files or the settings of OAuth cannot be used.
    """
    _check_tls(settings)
    check_oauth(settings)
    if is_loopback(settings.host):
        return
    if not settings.allowed_hosts:
        remedy = "Pass --allowed-host with the name that clients use, such as memory.example.org"
        raise HostRefusedError(settings.host, "no name is allowed for it", remedy)
    if not settings.allowed_origins:
        remedy = "Pass --allowed-origin, such as https://memory.example.org"
        raise HostRefusedError(settings.host, "no origin of web pages is allowed for it", remedy)
    if not settings.oauth_issuer and not await _has_tokens(settings):
        remedy = (
            "Run zettel token create --name NAME --namespace NAMESPACE, or name an authorization"
            " server (ZETTEL_OAUTH_ISSUER)"
        )
        raise HostRefusedError(settings.host, "there is no access token that is in force", remedy)


def _check_tls(settings: Settings) -> None:
    if bool(settings.tls_cert) is not bool(settings.tls_key):
        name = "tls_key" if settings.tls_cert else "tls_cert"
        raise InvalidArgumentError(name, "it is missing", "Pass both --tls-cert and --tls-key.")
    if settings.tls_cert:
        try:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(settings.tls_cert, settings.tls_key)
        except OSError as error:  # ssl.SSLError is one
            problem = f"{settings.tls_cert!r} and its key cannot be used ({error})"
            remedy = "Pass a certificate and its private key, both PEM."
            raise InvalidArgumentError("tls_cert", problem, remedy) from None


async def _has_tokens(settings: Settings) -> bool:
    try:
        async with opened(settings) as memory:
            tokens = await read_tokens(memory.store)
    except StoreUnavailableError:
        # There is none yet, or serving will say what is wrong with it.
        return False
    return any(token.state(utc_now()) == "active" and not token.metrics for token in tokens)
