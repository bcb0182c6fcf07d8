"""A read view: the reads of one answer ask for a table's version once."""

from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar

_VIEW = ContextVar[dict[object, tuple[int, int]] | None]("view", default=None)
"""Table -> the version seen first, and how many commits of this process it had then."""


@contextmanager
def read_view() -> Generator[None]:
    """Let the reads of the body, also in tasks that it starts, see one version of a table.

    That is the newest one at the first read. What other processes commit meanwhile is left to the
    next answer, as far as the notes are in memory; own commits are seen.
    """
    token = _VIEW.set({})
    try:
        yield
    finally:
        _VIEW.reset(token)


def seen_version(table: object, commits: int) -> int | None:
    """The version that this view has seen of a table; None if it has to be asked for.

    Args:
        table: The table.
        commits: How many commits this process has made to it.
    """
    version, then = (_VIEW.get() or {}).get(table, (0, -1))
    return version if then == commits else None


def keep_version(table: object, commits: int, version: int) -> None:
    """Let the rest of this view see a version of a table; `commits` from before it was read."""
    view = _VIEW.get()
    if view is not None:
        view[table] = (version, commits)
