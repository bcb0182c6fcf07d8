"""Progress of a verb, reported to a listener in the context and not through its parameters."""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from contextvars import ContextVar

AT_WORK = "at work"
"""Progress of a verb that has reported nothing yet."""

Listener = Callable[[str], None]


def _nobody(_words: str) -> None:
    return None


_hear: ContextVar[Listener] = ContextVar("hear", default=_nobody)


@contextmanager
def reporting_to(hear: Listener) -> Generator[None]:
    """Call `hear` with all progress reported from the body."""
    token = _hear.set(hear)
    try:
        yield
    finally:
        _hear.reset(token)


def report_progress(words: str) -> None:
    """Report what is being done: counts and steps, never a note's text."""
    _hear.get()(words)
