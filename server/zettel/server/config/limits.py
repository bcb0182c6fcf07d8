"""How much may be asked of the server: what a person can set of it.

The bounds "each" are of one access token. Where none is needed, whoever reaches the port is the
local user, for whom only the bounds in all hold.
"""

from pydantic import BaseModel, Field

from zettel.server.engine.ipc.lines import MAX_MESSAGE

LEAST_REQUEST = 262_144
"""Bytes of the longest note there may be (32,768 characters), each of them written `\\uXXXX`, with
room for its other fields."""

LIMITS_EXPECTED = {
    "max_request_bytes": f"a whole number from {LEAST_REQUEST} to {MAX_MESSAGE}",
    "slow_seconds": "a number of seconds above 0",
    "max_connections": "a whole number above 0",
    "max_connections_each": "a whole number above 0",
    "max_sessions": "a whole number above 0",
    "max_sessions_each": "a whole number above 0",
    "max_calls": "a whole number above 0",
    "max_calls_each": "a whole number above 0",
    "rate_per_minute": "a whole number, 0 for no bound",
    "recall_seconds": "a number of seconds above 0",
    "quota_notes": "a whole number above 0",
    "quota_bytes": "a whole number above 0",
}
"""What a setting must look like, for the message about one that does not."""


class Limits(BaseModel):
    """Bounds of HTTP and SSE, and quotas of the store."""

    max_request_bytes: int = Field(default=MAX_MESSAGE, ge=LEAST_REQUEST, le=MAX_MESSAGE)
    """Of one request's body."""
    slow_seconds: float = Field(default=30.0, gt=0)
    """That a client may take to send a request's head, then its body, and to take what it is
    sent. nginx gives each 60, counted from the last byte (`client_header_timeout` and the like);
    these are counted from the first."""
    max_connections: int = Field(default=500, ge=1)
    """In all; below the 1,024 files that most systems let a process open."""
    max_connections_each: int = Field(default=64, ge=1)
    """Requests in progress of one token, streams among them."""
    max_sessions: int = Field(default=1_000, ge=1)
    max_sessions_each: int = Field(default=100, ge=1)
    """Sessions of the handshake era over HTTP; some 40 KB each."""
    max_calls: int = Field(default=64, ge=1)
    max_calls_each: int = Field(default=16, ge=1)
    """Calls and readings carried out at once."""
    rate_per_minute: int = Field(default=1_200, ge=0)
    """Requests of one token, and so many at once after a pause; 0 is no bound."""
    recall_seconds: float = Field(default=30.0, gt=0)
    """That one recall, or the reading of one resource, may take: half of what clients wait by
    default (MCP TypeScript SDK: 60)."""
    quota_notes: int | None = Field(default=None, ge=1)
    quota_bytes: int | None = Field(default=None, ge=1)
    """Of one namespace, however they come in; None is no bound."""
