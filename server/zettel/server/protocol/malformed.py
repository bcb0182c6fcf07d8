"""Error answers to messages that the SDK cannot parse and would drop without an answer."""

import json
from codecs import BOM_UTF8
from dataclasses import dataclass

from mcp.types import (
    INVALID_REQUEST,
    PARSE_ERROR,
    ErrorData,
    JSONRPCError,
    JSONRPCMessage,
    JSONRPCNotification,
    RequestId,
    jsonrpc_message_adapter,
)
from pydantic import JsonValue, ValidationError

from zettel.server.engine.ipc.lines import EDGE, MAX_MESSAGE, id_at_the_edges


@dataclass(frozen=True, slots=True, kw_only=True)
class RejectedMessage:
    """The error answer to an invalid message, and its id."""

    request_id: RequestId | None
    error: ErrorData

    def answer(self) -> JSONRPCError:
        """The answer as a message."""
        return JSONRPCError(jsonrpc="2.0", id=self.request_id, error=self.error)


def parse_message(raw: bytes) -> JSONRPCMessage | RejectedMessage:
    """Parse one message as the SDK does, or describe what is wrong with it.

    Args:
        raw: One message without its newline; at most `MAX_MESSAGE` bytes.
    """
    try:
        raw.decode()
        message = jsonrpc_message_adapter.validate_json(raw, by_name=False)
    except UnicodeDecodeError as error:
        return _rejected(raw, PARSE_ERROR, f"byte {error.start} is not UTF-8")
    except (ValidationError, RecursionError):
        return _diagnosed(raw)
    if isinstance(message, JSONRPCNotification) and b'"id"' in raw and "id" in json.loads(raw):
        # The SDK takes a request with an invalid id (1.5, true) for a notification.
        return _diagnosed(raw)
    return message


def too_long(start: bytes, end: bytes = b"", *, most: int = MAX_MESSAGE) -> RejectedMessage:
    """The answer to a message of more than `most` bytes, of which only the edges are known."""
    problem = f"it is longer than {most:,} bytes; send less at a time"
    return _rejected(start[:EDGE] + b"\0" + end[-EDGE:], INVALID_REQUEST, problem)


def rejection(request_id: RequestId | None, code: int, problem: str) -> RejectedMessage:
    """The answer to a valid message that is rejected."""
    return RejectedMessage(request_id=request_id, error=_error(code, problem))


def _diagnosed(raw: bytes) -> RejectedMessage:
    if raw.startswith(BOM_UTF8):
        # `json.loads` reads it as JSON, which it is not (RFC 8259, section 8.1).
        whole = raw.removeprefix(BOM_UTF8)
        return _rejected(whole, PARSE_ERROR, "it begins with a byte order mark")
    try:
        message: JsonValue = json.loads(raw)
    except RecursionError:
        return _rejected(raw, PARSE_ERROR, "it is nested too deep")
    except ValueError as error:
        where = f" at character {error.pos}" if isinstance(error, json.JSONDecodeError) else ""
        return _rejected(raw, PARSE_ERROR, f"it is not JSON{where}")
    if isinstance(message, list):
        return _rejected(b"", INVALID_REQUEST, "batches are not part of MCP; send one at a time")
    if not isinstance(message, dict):
        return _rejected(b"", INVALID_REQUEST, "it is not a JSON object")
    return _named(message, raw)


def _named(message: dict[str, JsonValue], raw: bytes) -> RejectedMessage:
    given = message.get("id")
    known = given if isinstance(given, str | int) and not isinstance(given, bool) else None
    if isinstance(known, str) and _broken(known):
        known = None
    if "id" in message and known is None:
        problem = "its id is neither a whole number nor text"
    elif b"\\u" in raw and _broken(message):
        problem = "it holds half a surrogate pair"
    else:
        problem = "it is not a JSON-RPC 2.0 request, notification or response, or nested too deep"
    return rejection(known, INVALID_REQUEST, problem)


def _broken(value: object) -> bool:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except (UnicodeEncodeError, RecursionError):
        return True
    return False


def _rejected(raw: bytes, code: int, problem: str) -> RejectedMessage:
    return rejection(id_at_the_edges(raw), code, problem)


def _error(code: int, problem: str) -> ErrorData:
    text = f"Message not understood: {problem}. Send one UTF-8 JSON-RPC 2.0 object."
    return ErrorData(code=code, message=text)
