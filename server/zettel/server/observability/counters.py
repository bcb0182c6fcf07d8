"""What a process counts of itself: the calls' outcomes, evolution's runs, refusals.

Nothing is counted unless somebody serves the figures: see `metrics`.
"""

from contextvars import ContextVar
from dataclasses import dataclass
from typing import Literal, Protocol

from zettel.storage.errors import ZettelError
from zettel.storage.notes import Run

Outcome = Literal["ok", "error", "failed", "cancelled"]
"""`error`: the caller's affair, answered with the next step; `failed`: ours, see the log."""


@dataclass(slots=True, kw_only=True)
class RequestRecord:
    """A request in progress, and how it ended."""

    method: str
    """Of the protocol, such as `tools/call`; `unknown` for any other."""
    tool: str = ""
    """One of the four, or `unknown`; empty unless one is called."""
    transport: str
    outcome: Outcome = "ok"
    error: str = ""
    """Kind of what went wrong: the name of an error's class, or the protocol's code."""
    seconds: float = 0.0


class Counters(Protocol):
    """Keeps count. Called on the event loop; each must return at once."""

    def began(self, deed: RequestRecord) -> None:
        """A request has come."""
        ...

    def ended(self, deed: RequestRecord) -> None:
        """It is over."""
        ...

    def ran(self, run: Run) -> None:
        """Evolution has ended a run in this process."""
        ...

    def refused(self, reason: str) -> None:
        """Somebody was turned away.

        Args:
            reason: One of a few words of ours, never the caller's.
        """
        ...

    def connected(self, kind: str, by: int) -> None:
        """Conversations were opened, or closed if fewer than none.

        Args:
            kind: `stdio`, or the path of an HTTP request.
            by: How many more.
        """
        ...


class NoCounters:
    """A tally that keeps none."""

    def began(self, deed: RequestRecord) -> None:
        """A request has come."""

    def ended(self, deed: RequestRecord) -> None:
        """It is over."""

    def ran(self, run: Run) -> None:
        """Evolution has ended a run."""

    def refused(self, reason: str) -> None:
        """Somebody was turned away."""

    def connected(self, kind: str, by: int) -> None:
        """Conversations were opened or closed."""


current: ContextVar[RequestRecord | None] = ContextVar("current", default=None)
"""The request that is being carried out."""


def went_wrong(error: BaseException) -> None:
    """Note what kept the request that is being carried out from being done."""
    deed = current.get()
    if deed is not None:
        deed.outcome = "error" if isinstance(error, ZettelError) else "failed"
        deed.error = type(error).__name__
