"""Which commits leave every row as it is: a new LanceDB may write that down in another way."""

# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownArgumentType=false, reportUnknownVariableType=false
# (pyarrow ships no types, lancedb some)

from datetime import timedelta
from pathlib import Path

import lancedb
import pyarrow as pa
import pytest
from lancedb import AsyncTable
from lancedb.index import BTree

from zettel.storage.lance.cache.versions import rearranges

ROWS = pa.table({"a": [1, 2, 3], "b": ["x", "y", "z"]})


@pytest.fixture
async def table(tmp_path: Path) -> AsyncTable:
    """Three rows in two fragments."""
    database = await lancedb.connect_async(tmp_path)
    made = await database.create_table("t", ROWS.slice(0, 2))
    await made.add(ROWS.slice(2))
    return made


async def told(table: AsyncTable, folder: Path, since: int) -> list[bool]:
    return [
        rearranges(folder, "t", number) for number in range(since + 1, await table.version() + 1)
    ]


async def test_compaction_and_indices_leave_the_rows_as_they_are(
    table: AsyncTable, tmp_path: Path
) -> None:
    before = await table.version()
    await table.optimize(cleanup_older_than=timedelta(minutes=15))
    await table.create_index("a", config=BTree())
    await table.add(ROWS)
    added = await table.version()
    await table.optimize(cleanup_older_than=timedelta(minutes=15))
    await table.drop_index("a_idx")

    made = await told(table, tmp_path, before)
    assert len(made) >= 6
    assert [before + 1 + place for place, same in enumerate(made) if not same] == [added]


async def test_every_change_of_a_row_is_seen(table: AsyncTable, tmp_path: Path) -> None:
    before = await table.version()
    await table.add(ROWS)
    await table.update({"b": "'w'"}, where="a = 1")
    await table.delete("a = 2")
    merge = table.merge_insert("a").when_matched_update_all().when_not_matched_insert_all()
    await merge.execute(pa.table({"a": [3, 4], "b": ["p", "q"]}))
    await table.add_columns({"c": "a + 1"})
    await table.add(ROWS, mode="overwrite")

    made = await told(table, tmp_path, before)
    assert len(made) == 6
    assert not any(made)


async def test_what_cannot_be_read_counts_as_a_change(table: AsyncTable, tmp_path: Path) -> None:
    await table.optimize(cleanup_older_than=timedelta(minutes=15))
    version = await table.version()
    assert rearranges(tmp_path, "t", version)

    for path in (tmp_path / "t.lance" / "_transactions").iterdir():
        path.write_bytes(b"\x00" + path.read_bytes())
    assert not rearranges(tmp_path, "t", version)
    for path in (tmp_path / "t.lance" / "_transactions").iterdir():
        path.unlink()
    assert not rearranges(tmp_path, "t", version)
    assert not rearranges(tmp_path, "t", version + 1)
