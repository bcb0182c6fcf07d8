"""How long work reports how far it has come."""

from collections.abc import Awaitable, Callable

ReportProgress = Callable[[str, int, int], None]
"""Step, amount done, total amount (0 if unknown)."""


Pause = Callable[[], Awaitable[None]]
"""Awaited before each piece of work; returns when nobody waits for an answer."""


def no_progress(_step: str, _done: int, _total: int) -> None:
    """Report nothing."""
