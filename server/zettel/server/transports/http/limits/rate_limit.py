"""A token bucket per principal: so many requests a minute, and so many at once after a pause.

Kept as the generic cell rate algorithm keeps it (ITU-T I.371, annex A, virtual scheduling): one
moment per principal, at which its bucket will be full again. A full one need not be kept. The
libraries of this kind count in windows (`limits`) or make the caller wait (`aiolimiter`).
"""

import time
from collections.abc import Callable, Hashable

SWEPT = 1_024
"""Buckets at which the full ones among them are forgotten, when another is needed."""


class RateLimit:
    """The buckets of one server.

    Args:
        per_minute: Requests of each principal, 1 and up; a bucket holds as many.
        now: Seconds of a clock that never goes back.
    """

    def __init__(self, per_minute: int, now: Callable[[], float] = time.monotonic) -> None:
        self._step_s = 60.0 / per_minute
        self._now = now
        self._full_at: dict[Hashable, float] = {}

    @property
    def kept(self) -> int:
        """How many buckets are kept."""
        return len(self._full_at)

    def wait_s(self, who: Hashable) -> float:
        """Take one from a principal's bucket; if that is empty, seconds until it is not."""
        now = self._now()
        full_at = max(self._full_at.get(who, now), now) + self._step_s
        if full_at - now > 60.0 + 1e-9:
            return full_at - now - 60.0
        if len(self._full_at) >= SWEPT and who not in self._full_at:
            self._full_at = {name: at for name, at in self._full_at.items() if at > now}
        self._full_at[who] = full_at
        return 0.0
