"""What cannot be done, as a protocol error: for whatever is no tool call."""

from mcp.shared.exceptions import MCPError
from mcp.types import INTERNAL_ERROR, INVALID_PARAMS

from zettel.storage.errors import StoreError, ZettelError

SHOWN = 200
"""Characters of a client's own words that an error repeats."""


def refused(error: ZettelError, *, uri: str = "") -> MCPError:
    """An expected error, in its own words.

    Args:
        error: What cannot be done.
        uri: Of the resource it was asked of; empty if none was.
    """
    code = INTERNAL_ERROR if isinstance(error, StoreError) else INVALID_PARAMS
    data = {"uri": sendable(uri)[:SHOWN]} if uri else None
    return MCPError(code=code, message=sendable(str(error)), data=data)


def wrong_uri(uri: str, remedy: str) -> MCPError:
    """There is no such resource, for anybody (resource not found: -32602, SEP-2164)."""
    shown = sendable(uri)[:SHOWN]
    return MCPError(
        code=INVALID_PARAMS, message=f"No resource {shown!r}. {remedy}", data={"uri": shown}
    )


def sendable(text: str) -> str:
    """The text, without what no JSON text can hold."""
    return text.encode("utf-8", "backslashreplace").decode()
