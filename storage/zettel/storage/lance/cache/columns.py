"""Revisions as numeric columns and a passage matrix, filtered and compared with numpy."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from zettel.storage.ids import EPOCH, told_ms
from zettel.storage.notes import Kind, Note, State
from zettel.storage.store import NoteFilter, Vectors

_N = TypeVar("_N", bound=np.generic)

OPEN_END = np.iinfo(np.int64).max
"""Stands for a missing end, in microseconds since 1970."""

_GONE = -1
_STATES = {state.value: number for number, state in enumerate(State)}
_KINDS = {kind.value: number for number, kind in enumerate(Kind)}
_ROOM = 1_024
COMPARED_MAX_NUMBERS = 4
"""Numbers up to which a column is compared with each."""


class RevisionFacts(NamedTuple):
    """The filterable fields of a revision; times in microseconds since 1970, but `told_ms`."""

    namespace: str
    state: str
    current: bool
    derived: bool
    embedded: bool
    stage: int
    known_from: int
    known_to: int
    valid_from: int
    valid_until: int
    happened_at: int
    told_ms: int
    kind: str
    subject: str


def fact_of(note: Note) -> RevisionFacts:
    """The numbers of a revision."""
    return RevisionFacts(
        namespace=note.namespace,
        state=note.state.value,
        current=note.current,
        derived=note.derived,
        embedded=bool(note.embed_model),
        stage=note.stage,
        known_from=microseconds(note.known_from),
        known_to=microseconds(note.known_to),
        valid_from=microseconds(note.valid_from),
        valid_until=microseconds(note.valid_until),
        happened_at=microseconds(note.happened_at),
        told_ms=told_ms(note.note_id),
        kind=note.kind.value,
        subject=note.subject,
    )


def microseconds(instant: datetime | None) -> int:
    """Since 1970; `OPEN_END` for None."""
    return OPEN_END if instant is None else (instant - EPOCH) // timedelta(microseconds=1)


class FactTable:
    """Revisions by place, 0 and up, in the order they came."""

    def __init__(self) -> None:
        self._numbers = np.empty((0, len(RevisionFacts._fields)), np.int64)
        self._used = 0
        self._namespaces = dict[str, int]()
        self._subjects = dict[str, int]()

    def __len__(self) -> int:
        return self._used

    @property
    def namespaces(self) -> Sequence[str]:
        """Those that any revision is in."""
        return tuple(self._namespaces)

    def rows_in(self, namespaces: Sequence[str]) -> int:
        """Revisions in these namespaces."""
        named = [self._namespaces.get(name, _GONE - 1) for name in namespaces]
        return int(_any_of(self._numbers[: self._used, 0], named).sum()) if named else 0

    def extend(self, facts: Iterable[RevisionFacts]) -> None:
        """Append revisions."""
        rows = list(map(self._row, facts))
        end = self._used + len(rows)
        roomy = with_room(self._numbers, end)
        if roomy is not self._numbers:  # by columns, which is how they are looked at
            self._numbers = np.asfortranarray(roomy)
        if rows:
            self._numbers[self._used : end] = rows
        self._used = end

    def put(self, place: int, fact: RevisionFacts) -> None:
        """Replace the facts of a position."""
        self._numbers[place] = self._row(fact)

    def remove(self, place: int) -> None:
        """Exclude a position from every filter."""
        self._numbers[place, 0] = _GONE

    def meant(
        self, where: NoteFilter, places: Sequence[int] | None = None
    ) -> NDArray[np.bool_] | None:
        """Which positions pass a filter; None if it needs fields that are not here.

        Args:
            where: Its `note_ids` and `sessions` are ignored.
            places: Positions to test; None is all of them.
        """
        if replace(where, note_ids=(), sessions=()) != _asked(where):
            return None
        numbers = self._numbers[: self._used] if places is None else self._numbers[list(places)]
        space, state, current, derived, embedded, stage, *times, kind, subject = numbers.T
        meant = _in_time(where, times) & (space != _GONE)
        if where.known_at is None:
            meant &= current == 1
        if where.namespaces:
            named = [self._namespaces.get(name, _GONE - 1) for name in where.namespaces]
            meant &= _any_of(space, named)
        if where.derived is not None:
            meant &= derived == where.derived
        if where.states:
            meant &= _any_of(state, [_STATES[asked.value] for asked in where.states])
        if where.kinds:
            meant &= _any_of(kind, [_KINDS[asked.value] for asked in where.kinds])
        meant &= _in_progress(where, embedded, stage)
        if where.subject:
            meant &= subject == self._subjects.get(where.subject.lower(), _GONE)
        return meant

    def newest(self, places: NDArray[np.int64], limit: int) -> NDArray[np.int64]:
        """Of these positions those that happened last, with all of one time to the last of them."""
        if len(places) <= limit or limit <= 0:
            return places[:limit]
        happened = self._numbers[places, RevisionFacts._fields.index("happened_at")]
        return places[happened >= np.partition(happened, -limit)[-limit]]

    def latest(self, namespaces: Sequence[str]) -> datetime | None:
        """The newest `known_from` in these namespaces, or in all; None without revisions."""
        moments = self._numbers[: self._used, RevisionFacts._fields.index("known_from")]
        if namespaces:
            named = [self._namespaces.get(name, _GONE - 1) for name in namespaces]
            moments = moments[_any_of(self._numbers[: self._used, 0], named)]
        return EPOCH + timedelta(microseconds=int(moments.max())) if len(moments) else None

    def _row(self, fact: RevisionFacts) -> tuple[int, ...]:
        space = _number(self._namespaces, fact.namespace)
        subject = _number(self._subjects, fact.subject.lower())
        return (space, _STATES[fact.state], *fact[2:-2], _KINDS[fact.kind], subject)


def _number(numbers: dict[str, int], name: str) -> int:
    return numbers.setdefault(name, len(numbers))


def _in_time(where: NoteFilter, times: Sequence[NDArray[np.int64]]) -> NDArray[np.bool_]:
    """Which revisions pass the conditions on times; the columns from `known_from` on."""
    known_from, known_to, valid_from, valid_until, happened_at, told = times
    meant = np.ones(len(told), np.bool_)
    if where.known_at is not None:
        moment = microseconds(where.known_at)
        meant &= (known_from <= moment) & (known_to > moment)
    if where.unexpired_at is not None:
        meant &= valid_until > microseconds(where.unexpired_at)
    if where.ended_at is not None:
        meant &= valid_until <= microseconds(where.ended_at)
    if where.valid_at is not None:
        moment = microseconds(where.valid_at)
        meant &= (valid_from <= moment) & (valid_until > moment)
    if where.since is not None or where.until is not None:
        since = -OPEN_END if where.since is None else microseconds(where.since)
        until = microseconds(where.until)
        happened = (happened_at >= since) & (happened_at <= until)
        # Ids tell milliseconds.
        meant &= happened | ((told >= since // 1_000) & (told <= until // 1_000))
    return meant


def _in_progress(
    where: NoteFilter, embedded: NDArray[np.int64], stage: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Which revisions pass the conditions on what evolution has done with them."""
    meant = np.ones(len(stage), np.bool_)
    if where.unembedded:
        meant &= embedded == 0
    if where.stage_below is not None:
        meant &= stage < where.stage_below
    if where.stage_from is not None:
        meant &= stage >= where.stage_from
    return meant


def _any_of(column: NDArray[np.int64], numbers: Sequence[int]) -> NDArray[np.bool_]:
    # A comparison is five times as fast as looking up, and most filters name one or two.
    if len(numbers) > COMPARED_MAX_NUMBERS:
        return np.isin(column, numbers)
    return np.logical_or.reduce([column == number for number in numbers])


def _asked(where: NoteFilter) -> NoteFilter:
    """The part of a filter that the table can answer."""
    return NoteFilter(
        namespaces=where.namespaces,
        kinds=where.kinds,
        subject=where.subject,
        states=where.states,
        unexpired_at=where.unexpired_at,
        ended_at=where.ended_at,
        valid_at=where.valid_at,
        since=where.since,
        until=where.until,
        known_at=where.known_at,
        stage_below=where.stage_below,
        stage_from=where.stage_from,
        unembedded=where.unembedded,
        derived=where.derived,
    )


def with_room(array: NDArray[_N], least: int) -> NDArray[_N]:
    """The array if it has that many rows, else a longer copy."""
    if least <= len(array):
        return array
    grown = np.empty((max(least, 2 * len(array), _ROOM), *array.shape[1:]), array.dtype)
    grown[: len(array)] = array
    return grown


class PassageMatrix:
    """Passages of all revisions in one matrix; positions only grow.

    Args:
        passages: float32, `(passages, dim)`, rows of unit length, by position.
        counts: Passages of each position, `(places,)`; 0 while it waits for vectors.
    """

    def __init__(self, passages: Vectors, counts: NDArray[np.integer]) -> None:
        self._passages, self._used = passages, len(passages)
        there = np.flatnonzero(counts)
        ends = np.cumsum(counts)[there]
        # Position and first passage of each that has any, in two arrays for `searchsorted`.
        self._places = there.astype(np.int64)
        self._firsts = (ends - counts[there]).astype(np.int64)
        self._count = len(there)

    def __len__(self) -> int:
        return self._used

    def add(self, place: int, vectors: Vectors) -> None:
        """Append the passages of a position beyond all that have any."""
        end = self._used + len(vectors)
        self._passages = with_room(self._passages, end)
        self._passages[self._used : end] = vectors
        self._places = with_room(self._places, self._count + 1)
        self._firsts = with_room(self._firsts, self._count + 1)
        self._places[self._count], self._firsts[self._count] = place, self._used
        self._used, self._count = end, self._count + 1

    def at(self, place: int) -> Vectors | None:
        """The passages of a position; None if it has none."""
        span = int(np.searchsorted(self._places[: self._count], place))
        if span == self._count or self._places[span] != place:
            return None
        last = span + 1 == self._count
        end = self._used if last else int(self._firsts[span + 1])
        return self._passages[int(self._firsts[span]) : end].copy()

    def cosines(self, vector: NDArray[np.float32]) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """The positions with passages, and the best cosine of each to a unit vector."""
        places, firsts = self._places[: self._count], self._firsts[: self._count]
        if not self._count:
            return places, np.empty(0, np.float32)
        # Not `@`: OpenBLAS uses a second thread, which then spins for 25 ms, and rounds by the
        # row's position. This is as fast, and equal passages have equal cosines.
        return places, np.maximum.reduceat(np.vecdot(self._passages[: self._used], vector), firsts)
