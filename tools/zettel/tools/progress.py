"""What a verb is at, said to whoever listens; what it is handed does not grow for it."""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from contextvars import ContextVar

AT_WORK = "at work"
"""Said by nobody: what is told of a verb that has said nothing yet."""

Listener = Callable[[str], None]


def _nobody(_words: str) -> None:
    return None


_hear: ContextVar[Listener] = ContextVar("hear", default=_nobody)


@contextmanager
def reporting_to(hear: Listener) -> Generator[None]:
    """Have `hear` called with what is said by everything called from here."""
    token = _hear.set(hear)
    try:
        yield
    finally:
        _hear.reset(token)


def report_progress(words: str) -> None:
    """Say what is being done: counts and steps, never a note's text."""
    _hear.get()(words)
