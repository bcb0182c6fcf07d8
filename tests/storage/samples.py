"""Notes and vectors for the store's tests."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np

from zettel.storage.ids import new_id
from zettel.storage.notes import Kind, Link, Note, Origin, Span, State
from zettel.storage.store import Change, NewNote, NoteFilter, NoteStore, Recalled, Store, Vectors

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
MODEL = "model@1"
DIM = 4
EVERYTHING = NoteFilter(states=())
TICK = timedelta(microseconds=1)
DAY = timedelta(days=1)

X, Y, Z = ((1.0, 0.0, 0.0, 0.0), (0.0, 1.0, 0.0, 0.0), (0.0, 0.0, 1.0, 0.0))


def make_note(content: str = "bees dance", *, now: datetime = NOW, namespace: str = "home") -> Note:
    """A note told, happening and valid from `now`."""
    return Note(
        note_id=new_id(now),
        namespace=namespace,
        content=content,
        happened_at=now,
        valid_from=now,
        known_from=now,
    )


def unit(*rows: Sequence[float]) -> Vectors:
    """Rows as vectors; each must have length 1."""
    return np.array(rows, dtype=np.float32)


async def add(store: NoteStore, *notes: Note) -> None:
    """Add notes that wait for embedding, in one commit."""
    await store.write(new=[NewNote(note=note) for note in notes])


def revised(note: Note, content: str, *, now: datetime = LATER) -> Change:
    """The change that gives a note other words."""
    return Change(note=replace(note, rev=note.rev + 1, content=content, known_from=now))


def recalled(note_id: str, *, recalls: int = 1, at: datetime = NOW) -> Recalled:
    """A note that came up, each time for a gain of half a day on top of two."""
    return Recalled(note_id=note_id, recalls=recalls, at=at, gain=recalls * 0.5, initial=2.0)


async def ids(store: NoteStore, where: NoteFilter) -> list[str]:
    """Ids of the matches, newest first; `count` must agree."""
    found = [note.note_id for note in await store.find(where, limit=100)]
    assert await store.count(where) == len(found)
    return found


FULL = replace(
    make_note("Ana's bees:\n\tdance \\ 'in' \"May\"; -- 東京 💥 \u202e\x7f"),
    context="about bees",
    subject="Ana",
    tags=("bees", "it's"),
    kind=Kind.SEMANTIC,
    session="s-1",
    source="file:///a%20b",
    keywords=("dance",),
    entities=("Ana", "May"),
    times=(Span(start=NOW, end=LATER, phrase="in May"), Span(start=NOW, end=NOW, phrase="")),
    questions=("Who dances?",),
    summary="bees",
    derived_by={"keywords": "rule", "tags": "agent"},
    links=(
        Link(to="x", relation="similar", weight=1 / 3, reason="r", made_by="rule", made_at=NOW),
        Link(to="y", relation="own word", made_at=NOW, valid_from=NOW, valid_until=LATER),
    ),
    happened_at=datetime(1, 1, 1, tzinfo=UTC),
    valid_until=datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
    state=State.ARCHIVED,
    importance=0.1,
    origin=Origin(client="c", transport="stdio", principal="p"),
    trust=0.7,
    changed_by="c",
    change="remember",
    reason="why",
    run_id="run",
    stage=3,
)


async def tend(store: Store, counting: Iterator[int]) -> None:
    """Tend a store that many examples share, every tenth time: its commits make it slower."""
    if next(counting) % 10 == 9:
        await store.upkeep()
