"""A read view: every read of one answer sees one version of each table."""

from collections.abc import Awaitable, Callable, Coroutine, Generator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime
from functools import wraps
from typing import ParamSpec, Protocol, TypeVar

import anyio

from zettel.storage.errors import StoreUnavailableError, ZettelError
from zettel.storage.notes import Note, Outline
from zettel.storage.store import NoteFilter

_T = TypeVar("_T")
_P = ParamSpec("_P")

VIEW_ATTEMPTS = 5
"""Tries of an answer: an erasure drops the versions in use twice within some 300 ms."""


class ViewLostError(StoreUnavailableError):
    """The version that a view sees was dropped by an erasure; a new view sees the next one.

    Args:
        error: What a read without a view would have raised.
    """

    def __init__(self, error: StoreUnavailableError) -> None:
        ZettelError.__init__(self, str(error))
        self.place = error.place


class Fixed(Protocol):
    """What a view sees of a table."""

    def release(self) -> None:
        """Called once, when the view closes."""
        ...


_F = TypeVar("_F", bound=Fixed)


@dataclass(slots=True)
class SeenNotes:
    """What a view has read already of its version of the notes, to be asked for again."""

    outlines: dict[NoteFilter, dict[str, Outline]] = field(
        default_factory=dict[NoteFilter, dict[str, Outline]]
    )
    """Filter -> outlines of notes that pass it, by id: they were read together with hits."""
    addresses: dict[str, int] = field(default_factory=dict[str, int])
    """Note id -> where the store has its current revision."""
    linking: list[tuple[datetime | None, frozenset[str], list[Note]]] = field(
        default_factory=list[tuple[datetime | None, frozenset[str], list[Note]]]
    )
    """A moment, or None for now; ids; and the notes that then have links to any of these."""


class ReadView:
    """One version of each table that was read in it, from the table's first read on.

    What is committed later, by this process or another, is left to the next view.
    """

    def __init__(self) -> None:
        self._lock = anyio.Lock()
        self._fixed = dict[object, Fixed]()
        self._closed = False
        self.seen = SeenNotes()

    @property
    def closed(self) -> bool:
        """Whether its answer is made; tasks that began in it and go on see what is newest."""
        return self._closed

    async def fix(self, table: object, newest: Callable[[], Awaitable[_F]]) -> _F:
        """What this view sees of a table, by `newest` when it is read first."""
        if table not in self._fixed:
            async with self._lock:
                if table not in self._fixed:
                    self._fixed[table] = await newest()
        return self._fixed[table]  # pyright: ignore[reportReturnType]: made by the same table

    def close(self) -> None:
        """Release what was fixed."""
        self._closed = True
        while self._fixed:
            self._fixed.popitem()[1].release()


_VIEW = ContextVar[ReadView | None]("view", default=None)


def current_view() -> ReadView | None:
    """The open view of the running task; None if it sees what is newest."""
    view = _VIEW.get()
    return None if view is None or view.closed else view


@contextmanager
def read_view() -> Generator[None]:
    """Let the reads of the body, also in tasks that it starts, see one version of each table.

    A view within a view is that view.

    Raises:
        ViewLostError: An erasure dropped that version.
    """
    if current_view() is not None:
        yield
        return
    view = ReadView()
    token = _VIEW.set(view)
    try:
        yield
    finally:
        _VIEW.reset(token)
        view.close()


@contextmanager
def outside_views() -> Generator[None]:
    """Let the reads of the body see what is newest."""
    token = _VIEW.set(None)
    try:
        yield
    finally:
        _VIEW.reset(token)


def in_one_view(read: Callable[_P, Awaitable[_T]]) -> Callable[_P, Coroutine[None, None, _T]]:
    """Let a function make its answer in one view, again if an erasure dropped what that saw.

    It raises `StoreUnavailableError` if versions are dropped again and again.

    Args:
        read: Makes the answer; leaves nothing behind before its last read.
    """

    @wraps(read)
    async def seen(*args: _P.args, **kwargs: _P.kwargs) -> _T:
        for left in reversed(range(VIEW_ATTEMPTS if current_view() is None else 1)):
            try:
                with read_view():
                    return await read(*args, **kwargs)
            except ViewLostError:
                if not left:
                    raise
        raise AssertionError

    return seen
