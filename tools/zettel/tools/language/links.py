"""Links and HTML that carry data out, or code in, when somebody shows or follows them."""

import re
from collections.abc import Iterator
from html import unescape
from urllib.parse import unquote

_IMAGE = re.compile(
    r"!\[[^\[\]\n]{0,300}\]\(\s{0,8}<?([^)\s]{1,4000})"
    r"|<(?:img|image|source|video|audio|input)\b[^<>]{0,300}?\bsrc\s{0,8}=\s{0,8}[\"']?([^\"'\s<>]{1,4000})"
)
"""An image is fetched as soon as it is shown."""
_DEFINITION = re.compile(r"^ {0,3}\[[^\[\]\n]{1,100}\]:\s{0,8}(\S{1,4000})", re.MULTILINE)
_LINK = re.compile(
    r"\]\(\s{0,8}<?([^)\s]{1,4000})"
    r"|\b(?:href|src|action|data|formaction|xlink:href)\s{0,8}=\s{0,8}[\"']?([^\"'\s<>]{1,4000})"
)
_PLACEHOLDER = re.compile(
    r"\{[^{}]{1,80}\}|<[^<>]{1,80}>?|\[[^\[\]]{1,80}\]?|\$\([^()]{1,80}\)|\$[a-z_]+|%s\b"
    r"|=(?=[a-z_]*[a-z]{3})(?:(?:user|your|the|insert|all|full|chat|api|secret|data|stolen|leaked)[_+ -]?)+"
    r"(?:here|data|key|secret|history|token|password|conversation|prompt|messages?|memory|context|info|content)s?\b"
)
_CARRIER = re.compile(
    r"(?:^|[?&;])(?:data|payload|leak|exfil\w*|secrets?|password|passwd|pwd|conversation|chat|history|"
    r"memory|memories|notes?|prompt|context|cookies?|credentials?|api_?key|env|stolen|dump|"
    r"user_?data|userdata|b64|base64|content|answer|response|output|messages)=[^&]"
)
"""Parameters of a query that carry what a reader knows."""
_OPAQUE = re.compile(r"=(?=[^&]*[a-z])[a-z0-9+/_%-]{80,}")
_SIGNED = re.compile(r"[?&](?:x-amz-|sig=|se=|jwt=|expires=|token=)")
"""Addresses of stores that sign what they serve."""
_SCRIPT_ADDRESS = re.compile(
    r"(?:\]\(\s{0,8}<?|[\"'=]\s{0,8}|^\s{0,8}|[(<]\s{0,8})"
    r"(?:(?:javascript|vbscript|livescript):(?=\S)|data:\s{0,8}(?:text/html|text/javascript|application/x?html|image/svg))",
    re.MULTILINE,
)
_SCRIPT_CALL = re.compile(r"\b(?:javascript|vbscript):\s{0,8}[\w$.%]{1,80}\s{0,8}[(=]")
_HANDLER = re.compile(
    r"<[a-z!/][^<>]{0,300}[\s/\"']on[a-z]{3,25}\s{0,8}=\s{0,8}(?!\{)[\"']?[^\"'<>]{0,300}[(=.\[`]"
)
_ACTIVE = re.compile(
    r"<\s{0,8}(?:iframe|frame|object|embed|applet|base|link\s{1,8}[^<>]{0,200}import)\b[^<>]{0,300}(?:https?:|//|data:|javascript:|srcdoc)"
    r"|<\s{0,8}meta\b[^<>]{0,200}refresh[^<>]{0,200}url\s{0,8}="
    r"|<\s{0,8}form\b[^<>]{0,200}action\s{0,8}=\s{0,8}[\"']?(?:https?:)?//"
    r"|<\s{0,8}script\b[^<>]{0,200}src\s{0,8}=\s{0,8}[\"']?(?:https?:)?//"
    r"|<\s{0,8}svg\b[^<>]{0,200}onload"
)
_SCRIPT = re.compile(r"<\s{0,8}script\b[^<>]{0,200}>")
_SCRIPT_DEED = re.compile(
    r"document\.(?:cookie|location|write)|window\.location|\bfetch\s{0,4}\(|xmlhttprequest|sendbeacon"
    r"|\beval\s{0,4}\(|\batob\s{0,4}\(|new\s{1,4}image|\balert\s{0,4}\(|localstorage|importscripts"
)


def has_hostile_link(text: str) -> bool:
    """Whether a text holds an address or HTML made to carry data out or to run code."""
    if not any(sign in text for sign in "(<=:"):
        return False
    lower = unescape(text).lower() if "&" in text else text.lower()
    return (
        _runs_code(lower)
        or any(map(_carries_data, _images(lower)))
        or any(map(_has_placeholder, _links(lower)))
    )


def _runs_code(lower: str) -> bool:
    if any(pattern.search(lower) for pattern in (_SCRIPT_ADDRESS, _SCRIPT_CALL, _HANDLER, _ACTIVE)):
        return True
    return bool(_SCRIPT.search(lower) and _SCRIPT_DEED.search(lower))


def _images(lower: str) -> Iterator[str]:
    for found in _IMAGE.finditer(lower):
        yield found[1] or found[2]
    if "![" in lower:
        for found in _DEFINITION.finditer(lower):
            yield found[1]


def _links(lower: str) -> Iterator[str]:
    for found in _LINK.finditer(lower):
        yield found[1] or found[2]


def _query(address: str) -> str | None:
    """The query and fragment of an address of another machine; None without any."""
    if not address.startswith(("http:", "https:", "//", "ftp:")):
        return None
    _, _, query = address.partition("?")
    return f"?{unquote(query)}" if query else None


def _carries_data(address: str) -> bool:
    """Whether an image's address holds a place for data, or data."""
    query = _query(address)
    if query is None:
        return address.startswith(("http", "//")) and bool(_PLACEHOLDER.search(unquote(address)))
    if _PLACEHOLDER.search(query) or _CARRIER.search(query):
        return True
    return bool(_OPAQUE.search(query)) and not _SIGNED.search(query)


def _has_placeholder(address: str) -> bool:
    """Whether a link's query holds a place for what the reader knows."""
    query = _query(address)
    return query is not None and bool(_PLACEHOLDER.search(query) and _CARRIER.search(query))
