"""Errors of asking too much: the caller's, later or with less.

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
"""Seconds after which a server that ends is looked for again: it has been started anew by then."""


class TooManySubscriptionsError(LimitError):
    """A client, or all of them together, want to be told of more than the server keeps in mind."""

    def __init__(self, most: int) -> None:
        self.most = most
        super().__init__(
            f"There are {most:,} subscriptions, which is the most. Unsubscribe from some first."
        )


class TooManyCallsError(LimitError):
    """So many calls are being carried out that this one did not get its turn."""

    def __init__(self, again_s: float) -> None:
        self.again_s = again_s
        super().__init__(
            "Too many calls are being carried out at once; nothing was done. Try again in"
            f" {math.ceil(again_s)} s, with fewer calls at a time."
        )


class TooSlowError(LimitError):
    """A question took longer than one may."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        super().__init__(
            f"This took longer than the {seconds:g} s it may take and was stopped. Narrow it: pass"
            " namespace, subject, tags, session, since or until, or a lower limit. The person who"
            " runs this server may raise ZETTEL_RECALL_SECONDS."
        )


class LeavingError(LimitError):
    """The server ends, and takes on nothing more."""

    def __init__(self) -> None:
        self.again_s = LEAVING_RETRY_S
        super().__init__(
            "The server is about to end; nothing was done. Make the same call again in"
            f" {LEAVING_RETRY_S:g} s."
        )
