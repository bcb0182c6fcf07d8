"""Who was turned away, and why: counted for those who watch, logged without flooding the log."""

import logging
import time
from collections import Counter
from collections.abc import Callable
from typing import Literal

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


class TurnedAway:
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
