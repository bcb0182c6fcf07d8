"""The certificate that the server would show, looked at before it is shown."""

import ssl
from datetime import datetime, timedelta
from pathlib import Path

from zettel.server.config.settings import Settings
from zettel.storage.errors import InvalidArgumentError

SOON = timedelta(days=14)
"""A warning ahead: automatic renewal tries at 30 days (certbot's default), so that has failed."""


def tls_refusals(settings: Settings, now: datetime) -> list[InvalidArgumentError]:
    """Why the TLS files cannot be used; nothing if they can, or if there are none.

    Args:
        settings: Name them.
        now: Timezone-aware.
    """
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
    until, _ = _facts(cert)
    if until <= now:
        problem = f"{cert!r} has expired, at {until:%Y-%m-%dT%H:%M:%SZ}: no client would come in"
        return [InvalidArgumentError("tls_cert", problem, "Renew it, then start the server.")]
    return []


def tls_warnings(settings: Settings, now: datetime) -> list[str]:
    """What is to be said of TLS files that can be used.

    Args:
        settings: Name them, and the names that clients use.
        now: Timezone-aware.
    """
    if not settings.tls_cert:
        return []
    warnings = list[str]()
    until, names = _facts(settings.tls_cert)
    if until - now < SOON:
        warnings.append(
            f"The certificate {settings.tls_cert!r} expires at {until:%Y-%m-%dT%H:%M:%SZ}: renew"
            " it, and restart the server, which reads it once."
        )
    unnamed = [host for host in settings.allowed_hosts if not _covers(names, host.split(":")[0])]
    if unnamed:
        warnings.append(
            f"The certificate {settings.tls_cert!r} is for {', '.join(sorted(names)) or 'no name'},"
            f" not for {', '.join(unnamed)}: clients that use this name turn away."
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
        problem = f"{path!r} cannot be read ({error.strerror})"
        return [InvalidArgumentError(name, problem, "Pass a PEM file that this user can read.")]
    return []


def _facts(path: str) -> tuple[datetime, set[str]]:
    """Until when the certificate holds, and the names and addresses it is for."""
    from cryptography import x509  # noqa: PLC0415  heavy, and few serve TLS themselves

    cert = x509.load_pem_x509_certificates(Path(path).read_bytes())[0]
    try:
        found = cert.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return cert.not_valid_after_utc, set()
    addresses = map(str, found.get_values_for_type(x509.IPAddress))
    return cert.not_valid_after_utc, {*found.get_values_for_type(x509.DNSName), *addresses}


def _covers(names: set[str], host: str) -> bool:
    """Whether clients take a certificate for a host (RFC 6125: a star stands for one label)."""
    folded, rest = host.lower(), host.lower().partition(".")[2]
    return bool({folded, f"*.{rest}"} & {name.lower() for name in names})
