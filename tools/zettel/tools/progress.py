"""Progress of a verb, reported to a listener in the context and not through its parameters."""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from contextvars import ContextVar

AT_WORK = "at work"
"""Progress of a verb that has reported nothing yet."""

Listener = Callable[[str], None]


_listener: ContextVar[Listener] = ContextVar("progress_listener", default=lambda _words: None)


@contextmanager
def reporting_to(listener: Listener) -> Generator[None]:
    """Call `listener` with all progress reported from the body."""
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)


def report_progress(words: str) -> None:
    """Report what is being done: counts and steps, never a note's text."""
    _listener.get()(words)
