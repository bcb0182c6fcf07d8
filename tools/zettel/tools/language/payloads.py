"""Content that is known by its characters: unseen ones, terminal controls, links, templates.

Invisible characters within words, what a terminal obeys, links and HTML that carry data out or code
in when somebody shows or follows them, and marks of chat templates, of tool calls and of commands
that destroy.
"""

import re
from collections.abc import Iterator
from html import unescape
from urllib.parse import unquote

import regex

_SUSPECT = re.compile(
    "[\u034f\u061c\u115f\u1160\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff"
    "\uffa0\ufff9-\ufffb\U0001d173-\U0001d17a\U000e0000-\U000e01ef]"
)
"""All that the patterns below begin with: a text without any of it is done with."""
_TAG_BLOCK = regex.compile(r"[\U000e0000-\U000e007f]+")
_FLAG = regex.compile(r"\U0001f3f4[\U000e0030-\U000e0039\U000e0061-\U000e007a]{1,16}\U000e007f")
"""The flag of a region, as of England: the one use of tags in honest text (UTS 51)."""
_SELECTORS = regex.compile(r"[\ufe00-\ufe0f\U000e0100-\U000e01ef]{2,}")
"""Honest text has one selector behind a character, never a run of them."""
_OVERRIDES = regex.compile(r"[\u202d\u202e]")
_EMBEDDINGS = regex.compile(r"[\u202a-\u202c\u2066-\u2069]")
_RIGHT_TO_LEFT = regex.compile(r"[\p{Bidi_Class=R}\p{Bidi_Class=AL}]")
_UNSEEN = (
    # Never seen in honest text, but for the Hangul and Mongolian fillers in their own script.
    r"[\u2061-\u2064\u206a-\u206f\ufff9-\ufffb\U0001d173-\U0001d17a]"
    r"|(?<![\u1100-\u11ff\ua960-\ua97f\ud7b0-\ud7ff\uac00-\ud7a3])[\u115f\u1160\u3164\uffa0]"
    r"|(?<!\p{Mongolian})\u180e"
)
_BROAD = r"[\p{Latin}\p{Cyrillic}\p{Greek}\p{Armenian}\p{Hebrew}\p{Han}\p{Nd}]"
_WITHIN_WORDS = (
    # Arabic, Indic and emoji sequences need joiners, Thai and Khmer break lines by spaces without
    # width: these scripts do not.
    rf"{_BROAD}[\u200b-\u200f\u2060\ufeff\u061c\u034f]+(?={_BROAD})"
    r"|[\u200b-\u200f\u2060\ufeff]{4,}"
    r"|(?<!^)\ufeff(?=\p{L})"
)
_HIDDEN = regex.compile(f"{_UNSEEN}|{_WITHIN_WORDS}")
_TERMINAL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f\x80-\x84\x86-\x9f]|[^\r\n]\r+(?=[^\r\n])")
"""C0 and C1 controls but white space and NEL, and a return to the start of a written line."""


def hides_characters(text: str) -> bool:
    """Whether a text holds characters that are not shown, other than honest joiners and flags."""
    if text.isascii() or not _SUSPECT.search(text):
        return False
    plain = _FLAG.sub("", text)
    return bool(
        _TAG_BLOCK.search(plain)
        or _SELECTORS.search(plain)
        or _OVERRIDES.search(plain)
        or _HIDDEN.search(plain)
        or (_EMBEDDINGS.search(plain) and not _RIGHT_TO_LEFT.search(plain))
    )


def controls_terminal(text: str) -> bool:
    """Whether a text holds control characters that a terminal obeys."""
    return _TERMINAL.search(text) is not None


def read_hidden(text: str) -> str:
    """The words written in tags and in variation selectors, which nobody sees."""
    if text.isascii() or not _SUSPECT.search(text):
        return ""
    tags = "".join(_TAG_BLOCK.findall(_FLAG.sub("", text)))
    written = "".join(
        chr(ord(tag) - 0xE0000) for tag in tags if "\U000e0020" <= tag <= "\U000e007e"
    )
    numbers = bytes(map(_selector_number, "".join(_SELECTORS.findall(text))))
    return f"{written}\n{numbers.decode('utf-8', 'ignore')}".strip()


def _selector_number(selector: str) -> int:
    point = ord(selector)
    return point - 0xFE00 if point < 0xFE10 else point - 0xE0100 + 16


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
_WHOSE = "user|your|the|insert|all|full|chat|api|secret|data|stolen|leaked"
_CARRIED = (
    "here|data|key|secret|history|token|password|conversation|prompt|messages?|memory|context|info"
    "|content"
)
_PLACEHOLDER = re.compile(
    r"\{[^{}]{1,80}\}|<[^<>]{1,80}>?|\[[^\[\]]{1,80}\]?|\$\([^()]{1,80}\)|\$[a-z_]+|%s\b"
    rf"|=(?:(?:{_WHOSE})[_+ -]?){{1,4}}(?:{_CARRIED})s?\b"
)
_RUN_IN_NAME = re.compile(r"(?:\$\([^()]{1,80}\)|`[^`]{1,80}`)\.[\w-]{1,63}\.")
"""A command whose output becomes a part of a host's name."""
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
        or _RUN_IN_NAME.search(lower) is not None
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


_TEMPLATE_TAGS = (
    "system|assistant|instructions?|system[-_](?:reminder|message|prompt|note)"
    "|tool[-_]?(?:call|calls|result|results|response|use|output)"
    r"|function[-_](?:calls?|results?|response)|antml:\w{1,20}|invoke name=[^<>]{1,80}"
)
_HEADS = "message|prompt|override|note|update|instructions?|command|alert"
_ORDERS = (
    "the user|the assistant|the agent|you|your|user|users|ignore|new|all |from now|override|raise"
    "|grant|enable|disable|comply|answer|forget|do not|never|always|maintenance|delete|send|reveal"
    "|trust|treat|this is|approve|skip|access"
)
"""What follows "system:" in a forged turn, and not in "System: Ubuntu 24.04"."""
_ROLE = r"^[ \t]{0,8}(?:system|developer|admin)[ \t]{0,2}(?:\([^()\n]{0,40}\))?[ \t]{0,2}:"
_TEMPLATE = re.compile(
    "|".join(
        (
            r"<\|[a-z_ ]{2,24}\|>|\[/?inst\]|<</?sys>>|<(?:start|end)_of_turn>",
            rf"</?(?:{_TEMPLATE_TAGS})(?:\s[^<>]{{0,200}})?>",
            rf"\[/?(?:system|developer|admin)(?:\s{{1,3}}(?:{_HEADS})s?(?:\s[#\d]{{1,12}})?)?(?:\s?[-:(][^\[\]\n]{{0,80}})?\]",
            r"^[ \t]{0,8}\#{2,6}[ \t]{0,4}(?:system|assistant|human|instruction|response)\s?:",
            r"^[ \t]{0,8}```(?:system|assistant|instructions?)\b",
            rf"{_ROLE}\s{{0,8}}(?:{_ORDERS})",
            r"^[ \t]{0,8}(?:tool|function)[ _](?:result|output|response|call)s?[ \t]{0,2}:",
            r"^[ \t]{0,8}action[ _]input[ \t]{0,2}:",
            r"\"(?:tool|tool_name|function|recipient_name|name)\"\s{0,4}:\s{0,4}\"[^\"\n]{1,80}\""
            r"\s{0,4},\s{0,4}\"(?:arguments|parameters|args|input|tool_input|params)\"\s{0,4}:",
            r"\brm\s{1,3}-[a-z-]{0,20}r[a-z -]{0,30}\s(?:/|~/?|\$home/?)(?:\s|$|\*|\")",
        )
    ),
    re.MULTILINE,
)
_HUMAN_TURN = re.compile(r"^[ \t]{0,8}human[ \t]{0,2}:", re.MULTILINE)
_ASSISTANT_TURN = re.compile(r"^[ \t]{0,8}assistant[ \t]{0,2}:", re.MULTILINE)
_SHELL = re.compile(r"\|\s{0,4}(?:sudo\s{1,4})?(?:ba|z|da)?sh\b")
_FETCH = re.compile(
    r"\b(?:curl|wget)\b[^\n|]{0,120}(?:http://|ftp://|\d{1,3}\.\d{1,3}\.\d{1,3}\.)"
    r"|base64\s{1,4}(?:-d|--decode)"
)
"""A script from an address without a name or without TLS: installers have both."""


def holds_template(simple: str) -> bool:
    """Whether a text in its simple form holds what only a prompt or an attack has."""
    if _TEMPLATE.search(simple):
        return True
    if _HUMAN_TURN.search(simple) and _ASSISTANT_TURN.search(simple):
        return True
    return bool(_SHELL.search(simple)) and any(
        _SHELL.search(line) and _FETCH.search(line) for line in simple.split("\n")
    )
