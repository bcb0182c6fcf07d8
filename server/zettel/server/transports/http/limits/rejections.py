"""Rejections of HTTP requests: the answer a client gets, the counter, the log line."""

import logging
import math
import time
from collections import Counter
from collections.abc import Callable
from typing import Literal

from mcp.types import INTERNAL_ERROR, INVALID_REQUEST, ErrorData, JSONRPCError
from starlette.responses import Response

logger = logging.getLogger(__name__)

LOG_EVERY_S = 10.0
"""Seconds between two lines about one reason: a flood is to fill no disk."""

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
    """Counts of all that one server refused for being too much.

    Args:
        tell: Told the reason of each; metrics count there.
        now: Seconds of a clock that never goes back.
    """

    def __init__(
        self,
        tell: Callable[[str], None] = lambda reason: None,
        *,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self.counts = Counter[Reason]()
        """Since the process began."""
        self._tell = tell
        self._now = now
        self._told: dict[Reason, float] = {}

    def count(self, reason: Reason, who: str = "") -> None:
        """Take note of a refusal.

        Args:
            reason: Which bound it was.
            who: The principal, where one is known.
        """
        self.counts[reason] += 1
        self._tell(reason)
        now = self._now()
        if now - self._told.get(reason, float("-inf")) >= LOG_EVERY_S:
            self._told[reason] = now
            counted = self.counts[reason]
            logger.warning("turned away: reason=%s principal=%r times=%d", reason, who, counted)


AGAIN_S = 5.0
"""Seconds after which a bound that others fill is worth another try."""


def refusal(status: int, text: str, again_s: float = 0.0) -> Response:
    """A refusal as HTTP and JSON-RPC have it.

    Args:
        status: Of HTTP.
        text: What is wrong, as whole sentences.
        again_s: Seconds after which the same request may do; 0 if it never will.
    """
    headers = dict[str, str]()
    if again_s:
        seconds = max(1, math.ceil(again_s))
        headers["retry-after"] = str(seconds)
        text = f"{text} Try again in {seconds} s."
    code = INVALID_REQUEST if status == 413 else INTERNAL_ERROR
    # The request's id is not known; clients put in that of the request they sent (SDK).
    error = JSONRPCError(jsonrpc="2.0", id=None, error=ErrorData(code=code, message=text))
    body = error.model_dump_json(by_alias=True, exclude_unset=True)
    return Response(body, status, headers, "application/json")
