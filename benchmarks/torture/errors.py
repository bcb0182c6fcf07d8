"""What may become of one call besides an answer.

TortureError
├── SendAgainError    the server says: it may have been stored, and is safe to send again
├── CallFailedError   any other error, or the end of the connection
│   └── RefusedError      the tool itself said no
└── NeverHappenedError  what was to be struck never showed itself
"""


class TortureError(Exception):
    """Anything that is not the answer that was asked for."""


class SendAgainError(TortureError):
    """The engine died a second time under the call; the same call is to be made again."""


class CallFailedError(TortureError):
    """The client got no answer it could use.

    Args:
        problem: The error's text, or how the connection ended.
    """

    def __init__(self, problem: str) -> None:
        super().__init__(problem)


class RefusedError(CallFailedError):
    """The tool answered with an error: it was reached, and says what it did not do."""


class NeverHappenedError(TortureError):
    """A moment did not come.

    Args:
        moment: What was waited for.
        seconds: How long.
    """

    def __init__(self, moment: str, seconds: float) -> None:
        super().__init__(f"{moment} was not seen within {seconds:.0f} seconds")
