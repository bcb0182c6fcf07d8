"""How long a message may be, and whose it is when it cannot be parsed.

The attachment and the engine must agree on it. Imports next to nothing.
"""

import re

MAX_MESSAGE = 4 * 1024 * 1024
"""Bytes of one message: what the SDK allows an HTTP body."""

EDGE = 512
"""Bytes at either end of a broken message in which its own id can be told from one inside it."""

ID_AT_THE_START = re.compile(
    rb'\s*\{\s*(?:"(?:jsonrpc|method)"\s*:\s*"[^"\\]*"\s*,\s*)*"id"\s*:\s*(\d{1,18}|"[^"\\]*")\s*,'
)
ID_AT_THE_END = re.compile(rb',\s*"id"\s*:\s*(\d{1,18}|"[^"\\]*")\s*\}\s*$')


def id_at_the_edges(raw: bytes) -> int | str | None:
    """The id of a message that is no JSON, or too long to be read."""
    found = ID_AT_THE_START.match(raw[:EDGE]) or ID_AT_THE_END.search(raw[-EDGE:])
    token = found.group(1).decode("ascii", "ignore") if found else ""
    return int(token) if token.isdecimal() else token.strip('"') or None
