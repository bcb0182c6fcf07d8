"""How long work reports how far it has come."""

from collections.abc import Callable

ReportProgress = Callable[[str, int, int], None]
"""Step, amount done, total amount (0 if unknown)."""


def no_progress(_step: str, _done: int, _total: int) -> None:
    """Report nothing."""
