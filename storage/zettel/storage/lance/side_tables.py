"""Usage, runs and the named values of `meta`."""

# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownParameterType=false
# pyright: reportUnknownArgumentType=false, reportUnknownLambdaType=false
# (pyarrow ships no types, lancedb some)

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import pyarrow as pa
from lancedb import AsyncTable

from zettel.storage.lance.predicates import all_of, equals, one_of, text_literal, time_literal
from zettel.storage.lance.rows import utc
from zettel.storage.lance.table import LanceTable, Tables
from zettel.storage.notes import Run, Usage
from zettel.storage.store import Recalled


async def usage_of(tables: Tables, note_ids: Sequence[str]) -> dict[str, Usage]:
    """Implement `NoteStore.usage_of`."""
    if not note_ids:
        return {}
    where = all_of("recall_count > 0", one_of("note_id", note_ids))
    table = await tables.usage.select(_columns(tables.usage), where=where)
    records = table.to_pylist()
    for record in records:
        record["recalled_at"] = utc(record["recalled_at"])
    return {record["note_id"]: Usage(**record) for record in records}


async def reinforce(tables: Tables, recalled: Sequence[Recalled]) -> None:
    """Implement `NoteStore.reinforce`.

    Missing rows are inserted with a count of 0, then one update adds to all rows at once. LanceDB
    evaluates it again on the version it commits to, so nothing is lost.
    """
    gone = tables.ledger.erased(more.note_id for more in recalled)
    recalled = [more for more in recalled if more.note_id not in gone]
    if not recalled:
        return
    async with tables.usage.writing():
        ids = [more.note_id for more in recalled]
        found = await tables.usage.select(["note_id"], where=one_of("note_id", ids))
        there = set(found.column("note_id").to_pylist())
        first = [_unused(more) for more in recalled if more.note_id not in there]
        if first:
            await tables.usage.merge(_table(tables.usage, first))
        gain, at, recalls = (
            _by_note(ids, values)
            for values in (
                [repr(more.gain) for more in recalled],
                [time_literal(more.at) for more in recalled],
                [str(more.recalls) for more in recalled],
            )
        )
        added = {
            "strength": f"strength + {gain}",
            "recalled_at": f"greatest(recalled_at, {at})",
            "recall_count": f"recall_count + {recalls}",
        }
        where = one_of("note_id", ids)
        await tables.usage.commit(lambda handle: handle.update(updates_sql=added, where=where))


def _unused(more: Recalled) -> Mapping[str, object]:
    unused = Usage(note_id=more.note_id, strength=more.initial, recalled_at=more.at, recall_count=0)
    return asdict(unused)


def _by_note(note_ids: Sequence[str], values: Sequence[str]) -> str:
    """An expression for each note's own value (Lance has no `CASE`); 40 ms for 500 notes."""
    ids = ", ".join(map(text_literal, note_ids))
    return f"array_element([{', '.join(values)}], cast(array_position([{ids}], note_id) AS bigint))"


async def add_run(tables: Tables, run: Run) -> None:
    """Implement `StoreAdmin.add_run`."""
    async with tables.runs.writing():
        await tables.runs.merge(_run_row(tables, run), replace_where="")


def _run_row(tables: Tables, run: Run) -> pa.Table:
    counts = [{"name": name, "n": n} for name, n in run.counts.items()]
    return _table(tables.runs, [{**asdict(run), "counts": counts}])


async def newest_runs(tables: Tables, *, limit: int) -> list[Run]:
    """Implement `StoreAdmin.runs`."""
    order = ("started_at", "run_id")
    table = await tables.runs.select(
        _columns(tables.runs), order=order, descending=True, limit=limit
    )
    return read_runs(table.to_pylist())


def read_runs(records: list[dict[str, Any]]) -> list[Run]:
    """Runs from rows of the table."""
    for record in records:
        record["started_at"] = utc(record["started_at"])
        record["ended_at"] = utc(record["ended_at"])
        record["counts"] = {count["name"]: count["n"] for count in record["counts"]}
    return [Run(**record) for record in records]


async def get_meta(meta: LanceTable, key: str) -> str | None:
    """Implement `NoteStore.get_meta`."""
    table = await meta.answered(meta.select(["value"], where=equals("key", key)))
    values: list[str] = table.column("value").to_pylist()
    return values[0] if values else None


async def meta_keys(meta: LanceTable, sort: str) -> list[str]:
    """Implement `StoreAdmin.meta_keys`."""
    keys: list[str] = (await meta.select(["key"])).column("key").to_pylist()
    return sorted(key for key in keys if key.partition("@")[0] == sort)


async def swap_meta(meta: LanceTable, key: str, *, expected: str | None, value: str | None) -> bool:
    """Implement `NoteStore.swap_meta` against every process on the store.

    LanceDB evaluates a write's condition again on the version it commits to, so exactly one of
    several swaps from one value touches a row.
    """
    if expected == value:
        return await get_meta(meta, key) == value
    async with meta.writing():
        touched = await _swap(meta, key, expected, value)
        if meta.place.exact_counts:
            return touched == 1
        return await get_meta(meta, key) == value


async def read_meta(meta: LanceTable, keys: Sequence[str]) -> dict[str, str]:
    """The values of those of the keys that are there, at one moment."""
    table = await meta.select(["key", "value"], where=one_of("key", keys))
    return dict(zip(*(table.column(name).to_pylist() for name in ("key", "value")), strict=True))


async def put_meta(meta: LanceTable, values: Mapping[str, str]) -> None:
    """Insert or replace values unconditionally, in one commit: for the lock's holder alone."""
    rows = [{"key": key, "value": value} for key, value in values.items()]
    async with meta.writing():
        await meta.merge(_table(meta, rows), replace_where="")


async def _swap(meta: LanceTable, key: str, expected: str | None, value: str | None) -> int:
    """Try the swap; returns the number of rows it touched."""
    if expected is None:
        return (await meta.merge(_table(meta, [{"key": key, "value": value}]))).inserted
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
