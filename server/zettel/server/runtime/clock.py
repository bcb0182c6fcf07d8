"""The only place that reads the clock."""

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]
"""Now, UTC, timezone-aware."""


def utc_now() -> datetime:
    """Now."""
    return datetime.now(UTC)
