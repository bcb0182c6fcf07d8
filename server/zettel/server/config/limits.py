"""The bounds of a server that can be set.

Bounds named `each` are of one access token; without tokens only the total bounds hold.
"""

from pydantic import BaseModel, Field

from zettel.server.engine.ipc.lines import MAX_MESSAGE

LEAST_REQUEST = 262_144
"""Bytes of the longest note there may be (32,768 characters), each of them written `\\uXXXX`, with
room for its other fields."""
DEFAULT_REQUEST = 1_048_576
"""Room for a call whose every field is as long as it may be. A body is parsed on the event loop,
where everybody waits: 4 MiB of JSON took 0.5 to 1.9 s on a busy machine (`make
bench-neighbours`)."""

RATE_MAX_PER_MINUTE = 1_000_000
"""More than one process answers."""

LIMITS_EXPECTED = {
    "max_request_bytes": f"a whole number from {LEAST_REQUEST} to {MAX_MESSAGE}",
    "slow_seconds": "a number of seconds above 0",
    "max_connections": "a whole number above 0",
    "max_connections_each": "a whole number above 0",
    "max_sessions": "a whole number above 0",
    "max_sessions_each": "a whole number above 0",
    "max_calls": "a whole number above 0",
    "max_calls_each": "a whole number above 0",
    "rate_per_minute": f"a whole number from 0, which is no bound, to {RATE_MAX_PER_MINUTE}",
    "recall_seconds": "a number of seconds above 0",
    "quota_notes": "a whole number above 0",
    "quota_bytes": "a whole number above 0",
}
"""The form of each setting, for error messages."""


class Limits(BaseModel):
    """Bounds of HTTP and SSE, and quotas of the store."""

    max_request_bytes: int = Field(default=DEFAULT_REQUEST, ge=LEAST_REQUEST, le=MAX_MESSAGE)
    """Bytes of one request's body."""
    slow_seconds: float = Field(default=30.0, gt=0)
    """Seconds that a client may take to send a request's head, then its body, and to take what it
    is sent. nginx gives each 60, counted from the last byte (`client_header_timeout` and the like);
    these are counted from the first."""
    max_connections: int = Field(default=500, ge=1)
    """Connections in all; keep it below the number of files that the process may open (`ulimit -n`,
    1,024 on most systems)."""
    max_connections_each: int = Field(default=64, ge=1)
    """Requests in progress of one access token, streams among them."""
    max_sessions: int = Field(default=1_000, ge=1)
    """Sessions of the protocol's older (handshake) era over HTTP, in all; some 40 KB each."""
    max_sessions_each: int = Field(default=100, ge=1)
    """Sessions of the older era over HTTP of one access token."""
    max_calls: int = Field(default=64, ge=1)
    """Calls and resource readings carried out at once over HTTP and SSE; others wait up to 5 s."""
    max_calls_each: int = Field(default=16, ge=1)
    """Calls and resource readings carried out at once of one access token."""
    rate_per_minute: int = Field(default=1_200, ge=0, le=RATE_MAX_PER_MINUTE)
    """Requests a minute of one access token, and as many at once after a pause; 0 is no bound."""
    recall_seconds: float = Field(default=30.0, gt=0)
    """Seconds that one recall, or the reading of one resource, may take over HTTP and SSE: half of
    what clients wait by default (MCP TypeScript SDK: 60)."""
    quota_notes: int | None = Field(default=None, ge=1)
    """Notes that one namespace may hold, forgotten ones included; without a value there is no
    bound. See docs/limits.md#quotas."""
    quota_bytes: int | None = Field(default=None, ge=1)
    """Bytes of text that one namespace may hold, earlier revisions included; without a value there
    is no bound. See docs/limits.md#quotas."""
