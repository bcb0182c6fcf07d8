"""The past of random histories: both stores find what walking back through each one finds."""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.storage.in_memory.store import DictStore
from tests.storage.samples import DAY, DIM, MODEL, NOW, make_note, tend

from zettel.storage.lance.store import LanceStore, open_store
from zettel.storage.notes import Note, State
from zettel.storage.store import Change, NewNote, NoteFilter


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One revision of a random history; days count from `NOW`."""

    true_from: int
    until: int | None
    stamp: str
    state: State


turns = st.builds(
    Turn,
    true_from=st.integers(0, 6),
    until=st.one_of(st.none(), st.integers(1, 6)),
    stamp=st.sampled_from(["ended", "ended", "ended", "corrected", ""]),
    state=st.sampled_from([State.ACTIVE, State.ACTIVE, State.SUPERSEDED, State.FORGOTTEN]),
)


@pytest.fixture(scope="module")
async def lance_shared(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[LanceStore]:
    """One store for all examples; each uses a namespace of its own."""
    directory = tmp_path_factory.mktemp("histories")
    opened = await open_store(str(directory), model_id=MODEL, dim=DIM)
    yield opened
    await opened.close()


examples = count()
SHOWN = (State.ACTIVE, State.SUPERSEDED)


def meant(rows: Sequence[Note], valid: datetime, known: datetime | None) -> str | None:
    """The past row by walking back from what was known; the plainest reading of the protocol."""
    then = [row for row in rows if known is None or row.known_from <= known]
    if not then or then[-1].valid_from <= valid or then[-1].state not in SHOWN:
        return None
    if then[-1].valid_until is not None and then[-1].valid_until <= valid:
        return None
    for row in reversed(then[:-1]):
        if row.ended_at is not None and not row.corrected and row.valid_from <= valid:
            return row.row_id if row.valid_until is None or valid < row.valid_until else None
    return None


@pytest.mark.slow
@settings(max_examples=25, deadline=None)
@given(
    histories=st.lists(st.lists(turns, min_size=1, max_size=5), min_size=1, max_size=6),
    asked=st.lists(st.tuples(st.integers(-1, 7), st.integers(0, 6)), min_size=4, max_size=4),
)
async def test_both_stores_find_the_past_that_walking_back_finds(
    lance_shared: LanceStore,
    histories: Sequence[Sequence[Turn]],
    asked: Sequence[tuple[int, int]],
) -> None:
    await tend(lance_shared, examples)
    namespace = make_note().note_id
    model = DictStore(model_id=MODEL)
    notes = [make_note(str(number), namespace=namespace) for number in range(len(histories))]
    for rev in range(1, 1 + max(map(len, histories))):
        changes = [
            _change(note, rev, history[rev - 1])
            for note, history in zip(notes, histories, strict=True)
            if rev <= len(history)
        ]
        for store in (model, lance_shared):
            if rev == 1:
                await store.write(new=[NewNote(note=change.note) for change in changes])
            else:
                assert not (await store.write(changes=changes)).lost
    rows = [await model.revisions(note.note_id) for note in notes]
    for day, hour in asked:
        valid, known = NOW + day * DAY, NOW + timedelta(hours=hour) if hour else None
        found = (meant(of_note, valid, known) for of_note in rows)
        expected = tuple(sorted(row_id for row_id in found if row_id is not None))
        where = NoteFilter(namespaces=(namespace,), valid_at=valid, known_at=known, states=SHOWN)
        assert await model.rows_true_at(where) == expected
        assert await lance_shared.rows_true_at(where) == expected


def _change(note: Note, rev: int, turn: Turn) -> Change:
    start = NOW + turn.true_from * DAY
    revision = replace(
        note,
        rev=rev,
        valid_from=start,
        valid_until=None if turn.until is None else NOW + turn.until * DAY,
        known_from=NOW + timedelta(hours=rev),
        state=turn.state,
    )
    return Change(
        note=revision,
        ended_at=start if turn.stamp == "ended" else None,
        corrected=turn.stamp == "corrected",
    )
