"""Errors of exceeded limits; the call may succeed later or with less.

LimitError
├── TooManySubscriptionsError  unsubscribe from some first
├── TooManyCallsError          try again in a moment
├── TooSlowError               narrow the question
├── LeavingError               try again: another server takes over
└── QuotaExceededError         erase something, or ask who runs the server
"""

import math

from zettel.storage.errors import LimitError

LEAVING_RETRY_S = 5.0
"""Seconds after which a client may retry when the server shuts down: a restart takes less."""


class TooManySubscriptionsError(LimitError):
    """A client, a token or the process has reached its number of subscriptions."""

    def __init__(self, most: int) -> None:
        self.most = most
        super().__init__(
            f"There are {most:,} subscriptions, which is the most. Unsubscribe from some first."
        )


class TooManyCallsError(LimitError):
    """The queue of calls is full."""

    def __init__(self, again_s: float) -> None:
        self.again_s = again_s
        super().__init__(
            "Too many calls are being carried out at once; nothing was done. Try again in"
            f" {math.ceil(again_s)} s, with fewer calls at a time."
        )


class TooSlowError(LimitError):
    """A call exceeded the time limit."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        super().__init__(
            f"This took longer than the {seconds:g} s it may take and was stopped. Narrow it: pass"
            " namespace, subject, tags, session, since or until, or a lower limit. If narrow calls"
            " take as long, the store does not answer: try again later. The person who runs this"
            " server sees it by zettel doctor, and may raise ZETTEL_RECALL_SECONDS."
        )


class LeavingError(LimitError):
    """The server is shutting down and accepts no calls."""

    def __init__(self) -> None:
        self.again_s = LEAVING_RETRY_S
        super().__init__(
            "The server is about to end; nothing was done. Make the same call again in"
            f" {LEAVING_RETRY_S:g} s."
        )
