"""What stands beside the notes: usage, runs and the named values of `meta`."""

# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownParameterType=false
# pyright: reportUnknownArgumentType=false, reportUnknownLambdaType=false
# (pyarrow ships no types, lancedb some)

from collections.abc import Mapping, Sequence
from dataclasses import asdict

import pyarrow as pa
from lancedb import AsyncTable
from lancedb.query import ColumnOrdering

from zettel.storage.lance_filters import all_of, equals, one_of
from zettel.storage.lance_rows import utc
from zettel.storage.lance_tables import LanceTable, Tables
from zettel.storage.notes import Run, Usage

_NEWEST_FIRST = [
    ColumnOrdering(column_name=name, ascending=False) for name in ("started_at", "run_id")
]


async def usage_of(tables: Tables, note_ids: Sequence[str]) -> dict[str, Usage]:
    """Do what `NoteStore.usage_of` promises."""
    if not note_ids:
        return {}
    table = await tables.usage.select(_columns(tables.usage), where=one_of("note_id", note_ids))
    records = table.to_pylist()
    for record in records:
        record["recalled_at"] = utc(record["recalled_at"])
    return {record["note_id"]: Usage(**record) for record in records}


async def put_usage(tables: Tables, usages: Sequence[Usage]) -> None:
    """Do what `NoteStore.put_usage` promises; of two for one note the later one counts."""
    newest = {usage.note_id: usage for usage in usages}
    if not newest:
        return
    rows = _table(tables.usage, [asdict(usage) for usage in newest.values()])
    async with tables.usage.writing():
        await tables.usage.merge(rows, replace_where="")


async def add_run(tables: Tables, run: Run) -> None:
    """Do what `NoteStore.add_run` promises."""
    counts = [{"name": name, "n": n} for name, n in run.counts.items()]
    rows = _table(tables.runs, [{**asdict(run), "counts": counts}])
    async with tables.runs.writing():
        await tables.runs.insert(rows)


async def newest_runs(tables: Tables, *, limit: int) -> list[Run]:
    """Do what `NoteStore.runs` promises."""
    table = await tables.runs.select(_columns(tables.runs), order=_NEWEST_FIRST, limit=limit)
    records = table.to_pylist()
    for record in records:
        record["started_at"] = utc(record["started_at"])
        record["ended_at"] = utc(record["ended_at"])
        record["counts"] = {count["name"]: count["n"] for count in record["counts"]}
    return [Run(**record) for record in records]


async def get_meta(meta: LanceTable, key: str) -> str | None:
    """Do what `NoteStore.get_meta` promises."""
    table = await meta.select(["value"], where=equals("key", key))
    values: list[str] = table.column("value").to_pylist()
    return values[0] if values else None


async def swap_meta(meta: LanceTable, key: str, *, expected: str | None, value: str | None) -> bool:
    """Do what `NoteStore.swap_meta` promises, against every process on the store.

    LanceDB evaluates a write's condition again on the version it commits to, so of several
    swaps from one value exactly one touches a row.
    """
    if expected == value:
        return await get_meta(meta, key) == value
    async with meta.writing():
        touched = await _swap(meta, key, expected, value)
        if meta.place.exact_counts:
            return touched == 1
        return await get_meta(meta, key) == value


async def put_meta(meta: LanceTable, key: str, value: str) -> None:
    """Insert or replace a value whatever stands there: for what only the lock's holder writes."""
    async with meta.writing():
        await meta.merge(_table(meta, [{"key": key, "value": value}]), replace_where="")


async def _swap(meta: LanceTable, key: str, expected: str | None, value: str | None) -> int:
    """Try the swap and say how many rows it touched."""
    if expected is None:
        _, inserted = await meta.merge(_table(meta, [{"key": key, "value": value}]))
        return inserted
    stands = all_of(equals("key", key), equals("value", expected))

    async def change(handle: AsyncTable) -> int:
        if value is None:
            deleted = await handle.delete(stands)
            return deleted.num_deleted_rows  # pyright: ignore[reportAttributeAccessIssue] not in its stub
        return (await handle.update({"value": value}, where=stands)).rows_updated

    return await meta.commit(change)


def _columns(table: LanceTable) -> list[str]:
    return table.spec.schema.names


def _table(table: LanceTable, records: Sequence[Mapping[str, object]]) -> pa.Table:
    return pa.Table.from_pylist(list(records), schema=table.spec.schema)
