"""Checks before a port is served: exposure to other machines, TLS, OAuth."""

import os
import ssl
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

from zettel.server.auth.token_store import read_tokens
from zettel.server.config.addresses import encrypted, is_loopback, without_password
from zettel.server.config.settings import Settings
from zettel.server.engine.ipc.store_path import is_directory, one_spelling
from zettel.server.runtime.clock import utc_now
from zettel.server.runtime.factories import opened
from zettel.storage.errors import (
    HostRefusedError,
    InvalidArgumentError,
    MissingStoreError,
    ModelUnavailableError,
    StoreUnavailableError,
)

CERTIFICATE_MIN_LIFETIME = timedelta(days=14)
"""Below it there is a warning: automatic renewal at 30 days (certbot's default) has failed then."""


async def exposure_refusals(settings: Settings) -> list[HostRefusedError]:
    """Everything that is missing for serving other machines."""
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
    """Warnings about serving other machines."""
    if is_loopback(settings.host) or settings.tls_cert:
        return []
    return [
        f"The server speaks plain HTTP on {settings.host}: access tokens and notes can be read on"
        " their way. Pass --tls-cert and --tls-key, or let nobody reach it but a proxy with TLS."
    ]


async def check_store(settings: Settings) -> None:
    """Open a store that is there, as `/health` would tell of it; none yet is no problem.

    Raises:
        StoreError: It cannot be opened.
    """
    if not _may_exist(settings.store):
        return
    # None yet, or what `library_warnings` says.
    with suppress(MissingStoreError, ModelUnavailableError):
        async with opened(settings):
            pass


async def _has_tokens(settings: Settings) -> bool:
    if not _may_exist(settings.store):
        # Without loading the libraries that open one.
        return False
    try:
        async with opened(settings) as memory:
            tokens = await read_tokens(memory.store)
    except StoreUnavailableError:
        # It does not exist yet, or serving reports its problem.
        return False
    return any(token.state(utc_now()) == "active" and not token.metrics for token in tokens)


def _may_exist(store: str) -> bool:
    """Whether there may be a store; only that of a directory is known without opening it."""
    return not is_directory(store) or os.path.isdir(one_spelling(store))


def oauth_refusals(settings: Settings) -> list[InvalidArgumentError]:
    """Errors of the OAuth settings."""
    if settings.oauth_issuer:
        return [*_resource_refusals(settings), *_address_refusals(settings)]
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


def _resource_refusals(settings: Settings) -> list[InvalidArgumentError]:
    if settings.oauth_resource:
        return []
    problem = "there is an authorization server, but clients cannot say what the token is for"
    remedy = "Set ZETTEL_OAUTH_RESOURCE to this server's address, https://memory.example.org."
    return [InvalidArgumentError("setting oauth_resource", problem, remedy)]


def _address_refusals(settings: Settings) -> list[InvalidArgumentError]:
    found = list[InvalidArgumentError]()
    for name in ("oauth_issuer", "oauth_resource", "oauth_jwks"):
        url: str = getattr(settings, name)
        # RFC 8414, section 2 and RFC 9728, section 1.2; keys may lie behind a query or a password.
        # The others are shown to every client.
        private = name == "oauth_jwks"
        if url and (_is_malformed(url, private=private) or not encrypted(url)):
            problem = f"{without_password(url)!r} cannot be used"
            remedy = (
                "Pass an https:// address (http:// on this machine only), no query and no password"
                " in it."
            )
            found.append(InvalidArgumentError("setting " + name, problem, remedy))
    return found


def _is_malformed(url: str, *, private: bool) -> bool:
    """Whether a URL is malformed or has a fragment; a public one, also a query or a password."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return True
    public = parts.query or parts.username is not None or parts.password is not None
    return bool(parts.fragment or (public and not private))


def tls_refusals(settings: Settings, now: datetime) -> list[InvalidArgumentError]:
    """Errors of the TLS files; none if TLS is off."""
    cert, key = settings.tls_cert, settings.tls_key
    if not cert and not key:
        return []
    if not cert or not key:
        name = "tls_key" if cert else "tls_cert"
        return [InvalidArgumentError(name, "it is missing", "Pass both --tls-cert and --tls-key.")]
    unreadable = [problem for name in ("tls_cert", "tls_key") for problem in _read(settings, name)]
    if unreadable:
        return unreadable
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(cert, key)
    except OSError as error:  # ssl.SSLError is one
        problem = f"{cert!r} and its key {key!r} cannot be used ({error})"
        remedy = "Pass a certificate and its private key, both PEM."
        return [InvalidArgumentError("tls_cert", problem, remedy)]
    until, _ = _end_and_names(cert)
    if until <= now:
        problem = f"{cert!r} has expired, at {until:%Y-%m-%dT%H:%M:%SZ}: no client would come in"
        return [InvalidArgumentError("tls_cert", problem, "Renew it, then start the server.")]
    return []


def tls_warnings(settings: Settings, now: datetime) -> list[str]:
    """Warnings about TLS files without errors."""
    if not settings.tls_cert:
        return []
    warnings = list[str]()
    until, names = _end_and_names(settings.tls_cert)
    if until - now < CERTIFICATE_MIN_LIFETIME:
        warnings.append(
            f"The certificate {settings.tls_cert!r} expires at {until:%Y-%m-%dT%H:%M:%SZ}: renew"
            " it, and restart the server, which reads it once."
        )
    unnamed = [host for host in settings.allowed_hosts if not _covers(names, host.split(":")[0])]
    if unnamed:
        warnings.append(
            f"The certificate {settings.tls_cert!r} is for {', '.join(sorted(names)) or 'no name'},"
            f" not for {', '.join(unnamed)}: clients that use this name refuse it."
        )
    if Path(settings.tls_key).stat().st_mode & 0o004:
        warnings.append(
            f"Every user of this machine can read the private key {settings.tls_key!r}. chmod o-r"
            " it, and have a new certificate made."
        )
    return warnings


def _read(settings: Settings, name: str) -> list[InvalidArgumentError]:
    path = str(getattr(settings, name))
    try:
        Path(path).read_bytes()
    except OSError as error:
        # Instead of the file's name somebody may have passed the key itself.
        shown = "its value, which is no path," if "-----BEGIN" in path else repr(path)
        problem = f"{shown} cannot be read ({error.strerror})"
        return [InvalidArgumentError(name, problem, "Pass a PEM file that this user can read.")]
    return []


def _end_and_names(path: str) -> tuple[datetime, set[str]]:
    """The end of a certificate, and the names and addresses it is for."""
    from cryptography import x509  # noqa: PLC0415  heavy, and rarely needed

    cert = x509.load_pem_x509_certificates(Path(path).read_bytes())[0]
    try:
        found = cert.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return cert.not_valid_after_utc, set()
    addresses = map(str, found.get_values_for_type(x509.IPAddress))
    return cert.not_valid_after_utc, {*found.get_values_for_type(x509.DNSName), *addresses}


def _covers(names: set[str], host: str) -> bool:
    """Whether a certificate covers a host (RFC 6125: a star stands for one label)."""
    folded, rest = host.lower(), host.lower().partition(".")[2]
    return bool({folded, f"*.{rest}"} & {name.lower() for name in names})
