"""A table's patience: which failures it tries again, and how often."""

from dataclasses import replace
from pathlib import Path

import pytest
from lancedb import AsyncTable
from tests.storage.samples import DIM, MODEL, add, make_note, revised

from zettel.storage.errors import StoreUnavailableError
from zettel.storage.lance.open import open_tables
from zettel.storage.lance.store import LanceStore
from zettel.storage.lance.table import COMMIT_RETRY_PAUSES_S, READ_ATTEMPTS, LanceTable
from zettel.storage.location import read_place

STALE = "lance error: Not found: notes.lance/data/0110.lance"
CONFLICT = "lance error: Retryable commit conflict for version 7"


class Failing:
    """A call that fails with the given texts in turn, then counts rows."""

    def __init__(self, *texts: str) -> None:
        self.calls = 0
        self._texts = texts

    async def __call__(self, handle: AsyncTable) -> int:
        """Fail or count."""
        self.calls += 1
        if self.calls <= len(self._texts):
            raise RuntimeError(self._texts[self.calls - 1])
        return await handle.count_rows()


@pytest.fixture
async def table(tmp_path: Path) -> LanceTable:
    """A real, empty table that waits no time between attempts."""
    tables = await open_tables(read_place(str(tmp_path)), model_id=MODEL, dim=DIM)
    handle = await tables.database.open_table("usage")
    return LanceTable(
        handle,
        reopen=lambda: tables.database.open_table("usage"),
        spec=tables.usage.spec,
        place=tables.place,
        jitter=lambda: 0.0,
    )


async def test_where_counts_mean_nothing_the_rows_say_what_took_effect(tmp_path: Path) -> None:
    place = replace(read_place(str(tmp_path)), exact_counts=False)
    store = LanceStore(await open_tables(place, model_id=MODEL, dim=DIM))
    note, taken = make_note("kept"), make_note("taken")
    await add(store, note, taken)
    await store.write(changes=[revised(taken, "by another")])

    written = await store.write(changes=[revised(note, "changed"), revised(taken, "too late")])

    assert [row.row_id for row in written.stored] == [f"{note.note_id}@2"]
    assert written.lost == (taken.note_id,)
    assert await store.swap_meta("k", expected=None, value="a")
    assert not await store.swap_meta("k", expected=None, value="b")
    assert await store.swap_meta("k", expected="a", value=None)
    await store.close()


async def test_a_read_of_a_dropped_version_is_done_once_more(table: LanceTable) -> None:
    call = Failing(STALE)

    assert await table.read(call) == 0
    assert call.calls == 2


@pytest.mark.parametrize(
    ("texts", "calls"), [((STALE,) * READ_ATTEMPTS, READ_ATTEMPTS), ((CONFLICT,), 1), (("?",), 1)]
)
async def test_a_read_that_fails_otherwise_or_again_is_an_error(
    table: LanceTable, texts: tuple[str, ...], calls: int
) -> None:
    call = Failing(*texts)

    with pytest.raises(StoreUnavailableError):
        await table.read(call)

    assert call.calls == calls


async def test_a_commit_that_loses_is_tried_until_it_wins(table: LanceTable) -> None:
    call = Failing(*[CONFLICT, STALE] * 2)

    assert await table.commit(call) == 0
    assert call.calls == 5


async def test_a_commit_that_always_loses_is_an_error_in_the_end(table: LanceTable) -> None:
    call = Failing(*[CONFLICT] * 99)

    with pytest.raises(StoreUnavailableError):
        await table.commit(call)

    assert call.calls == len(COMMIT_RETRY_PAUSES_S) + 1


async def test_a_commit_that_cannot_succeed_is_not_tried_again(table: LanceTable) -> None:
    call = Failing("No space left on device (os error 28)")

    with pytest.raises(StoreUnavailableError):
        await table.commit(call)

    assert call.calls == 1
