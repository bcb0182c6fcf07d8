"""Protocol errors for requests other than tool calls."""

from mcp.shared.exceptions import MCPError
from mcp.types import INTERNAL_ERROR, INVALID_PARAMS

from zettel.server.protocol.json_text import json_safe
from zettel.storage.errors import StoreError, ZettelError

ERROR_SHOWN_CHARS = 200
"""Characters of a client's text that an error repeats."""


def as_mcp_error(error: ZettelError, *, uri: str = "") -> MCPError:
    """An expected error as a protocol error with the same text.

    Args:
        error: Expected.
        uri: Of the requested resource; empty if none was.
    """
    code = INTERNAL_ERROR if isinstance(error, StoreError) else INVALID_PARAMS
    data = {"uri": json_safe(uri)[:ERROR_SHOWN_CHARS]} if uri else None
    return MCPError(code=code, message=json_safe(str(error)), data=data)


def unknown_uri(uri: str, remedy: str) -> MCPError:
    """Error for a URI of no known form (resource not found: -32602, SEP-2164)."""
    shown = json_safe(uri)[:ERROR_SHOWN_CHARS]
    return MCPError(
        code=INVALID_PARAMS, message=f"No resource {shown!r}. {remedy}", data={"uri": shown}
    )
