"""The one place that asks what time it is."""

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]
"""Now, UTC, timezone-aware."""


def utc_now() -> datetime:
    """The time, UTC, timezone-aware."""
    return datetime.now(UTC)
