"""Network addresses: loopback and encrypted ones."""

import ipaddress
import re
from urllib.parse import urlsplit

_USER_PART = re.compile(r"(?<=://)[^/?#\s]*@")
"""User name and password of an address (RFC 3986, section 3.2.1)."""
_QUERY = re.compile(r"(://[^\s?#'\"]*\?)[^\s#'\"]+")
"""The query of an address, in which some services take a key."""


def is_loopback(host: str) -> bool:
    """Whether a host is reachable from this machine only."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


LOOPBACK = ("localhost", "127.0.0.1", "::1")


def encrypted(url: str) -> bool:
    """Whether a URL uses TLS or stays on this machine."""
    try:
        parts = urlsplit(url)
        return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)
    except ValueError:
        return False


def without_password(text: str) -> str:
    """A text with `***` for the user name and password, and the query, of every address in it."""
    return _QUERY.sub(r"\1***", _USER_PART.sub("***@", text))
