"""Rejections of HTTP requests: the answer a client gets, the counter, the log line."""

import logging
import math
import time
from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from typing import Literal, cast

from mcp.types import INTERNAL_ERROR, INVALID_REQUEST, ErrorData, JSONRPCError
from starlette.responses import Response

logger = logging.getLogger(__name__)

LOG_INTERVAL_S = 10.0
"""Between two log lines of one reason, so that a flood fills no disk."""
RETRY_S = 5.0
"""`Retry-After` of a bound that others may free."""

Reason = Literal[
    "leaving",
    "rate",
    "requests_at_once",
    "request_size",
    "request_memory",
    "slow_request",
    "slow_reader",
    "header_size",
    "connections",
    "sessions",
    "calls",
    "recall_time",
]


class Rejections:
    """Counters of what one server rejected.

    `report` is called with the reason of each; for the metrics.
    """

    def __init__(
        self,
        report: Callable[[str], None] = lambda reason: None,
        *,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self.counts = Counter[Reason]()
        """Since the process began."""
        self._report = report
        self._now = now
        self._logged_at: dict[Reason, float] = {}

    def count(self, reason: Reason, principal: Hashable = None) -> None:
        """Count a rejection, and log it unless its reason was logged just now.

        `principal` is a name or `principal_of` a request; None for the local user.
        """
        self.counts[reason] += 1
        self._report(reason)
        now = self._now()
        if now - self._logged_at.get(reason, float("-inf")) >= LOG_INTERVAL_S:
            self._logged_at[reason] = now
            name, times = _name(principal), self.counts[reason]
            logger.warning("turned away: reason=%s principal=%r times=%d", reason, name, times)


def _name(principal: Hashable) -> str:
    parts: Sequence[object] = (principal,)
    if isinstance(principal, tuple):
        parts = cast("tuple[object, ...]", principal)
    return " ".join(str(part) for part in parts if part)


def refusal(status: int, text: str, retry_s: float = 0.0) -> Response:
    """A refusal as HTTP and JSON-RPC have it.

    `text` is whole sentences; the same request may pass after `retry_s` seconds; 0 is never.
    """
    text, headers = with_wait(text, retry_s)
    code = INVALID_REQUEST if status == 413 else INTERNAL_ERROR
    # The request's id is not known; clients put in that of the request they sent (SDK).
    error = JSONRPCError(jsonrpc="2.0", id=None, error=ErrorData(code=code, message=text))
    body = error.model_dump_json(by_alias=True, exclude_unset=True)
    return Response(body, status, headers, "application/json")


def with_wait(text: str, retry_s: float) -> tuple[str, dict[str, str]]:
    """The text and the headers of a refusal that say when to try again; 0 seconds is never."""
    if not retry_s:
        return text, {}
    seconds = max(1, math.ceil(retry_s))
    return f"{text} Try again in {seconds} s.", {"retry-after": str(seconds)}
