"""Reads the state of a store: narrow columns, indices, fragments, files."""

# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownParameterType=false
# pyright: reportUnknownArgumentType=false, reportUnknownLambdaType=false
# pyright: reportAttributeAccessIssue=false
# (pyarrow ships no types, lancedb some; pyarrow.compute makes its functions when imported)

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
from anyio import to_thread
from lancedb import AsyncTable

from zettel.storage.doctor.facts import FileFacts, IndexFacts, RowFacts, StoreFacts, TableFacts
from zettel.storage.lance.files import (
    count_leftovers,
    damaged_manifests,
    empty_index_files,
    tables_with_empty_data,
)
from zettel.storage.lance.maintenance import old_versions
from zettel.storage.lance.rows import NOTE_COLUMNS, read_notes, utc
from zettel.storage.lance.schema import VECTORS
from zettel.storage.lance.table import MAX_ROWS, LanceTable, Tables
from zettel.storage.location import StoreLocation, hold_or_refuse
from zettel.storage.notes import DERIVED_FROM, EVOLUTION, Note
from zettel.storage.read_view import in_one_view

_NARROW = ("row_id", "note_id", "rev", "current", "known_from", "known_to", "embed_model")


async def look_at_files(place: StoreLocation) -> FileFacts:
    """Files that a crash left in a store's directory; the store need not open.

    Raises:
        StoreUnavailableError: Some are incomplete, and another process keeps the store's lock.
    """
    if place.directory is None:
        return FileFacts()
    seen = await to_thread.run_sync(_read_files, place.directory)
    if not seen.keeps_shut:
        return seen
    async with hold_or_refuse(place):
        # Again: the first ones may have been of maintenance that was still writing.
        return await to_thread.run_sync(_read_files, place.directory)


def _read_files(directory: Path) -> FileFacts:
    return FileFacts(
        damaged_manifests=len(damaged_manifests(directory)),
        empty_data=len(tables_with_empty_data(directory)),
        empty_index_files=len(empty_index_files(directory, "notes")),
        leftovers=count_leftovers(directory),
    )


@in_one_view
async def look_at_tables(tables: Tables) -> StoreFacts:
    """Read the narrow columns of every row and the state of the tables, each of one version."""
    meta = await tables.meta.select(["key", "value"])
    old = await old_versions(tables.place)
    return StoreFacts(
        rows=await _rows(tables.notes),
        tables=tuple([await _table(table) for table in tables.all()]),
        indices=await _indices(tables.notes),
        model_id=tables.model_id,
        old_versions=sum(old.values()),
        meta=dict(
            zip(meta.column("key").to_pylist(), meta.column("value").to_pylist(), strict=True)
        ),
    )


ROWS_PER_BATCH = 256
"""Rows whose texts are in memory at once."""


async def find_invalid(tables: Tables, problem_of: Callable[[Note], str]) -> tuple[str, ...]:
    """Rows of notes that cannot be read or have a problem: the key of each, with the problem.

    `problem_of` says what is wrong with a note; empty for nothing.
    """
    columns = [tables.notes.spec.column(name) for name in ("row_id", *NOTE_COLUMNS)]

    async def fetch(handle: AsyncTable) -> tuple[str, ...]:
        query = handle.query().select(columns).limit(MAX_ROWS)
        found = list[str]()
        async for batch in await query.to_batches(max_batch_length=ROWS_PER_BATCH):
            rows = tables.notes.spec.as_named(pa.Table.from_batches([batch]))
            found += await to_thread.run_sync(_invalid, rows, problem_of)
        return tuple(found)

    return await tables.notes.read(fetch)


def _invalid(rows: pa.Table, problem_of: Callable[[Note], str]) -> list[str]:
    keys: list[str] = rows.column("row_id").to_pylist()
    problems = [_problem(rows.slice(at, 1), problem_of) for at in range(rows.num_rows)]
    return [f"{key}: {said}" for key, said in zip(keys, problems, strict=True) if said]


def _problem(row: pa.Table, problem_of: Callable[[Note], str]) -> str:
    try:
        (note,) = read_notes(row)
    except (ValueError, TypeError, KeyError, OverflowError, AttributeError):
        return "one of its fields is missing or unknown"
    return problem_of(note)


async def _rows(notes: LanceTable) -> tuple[RowFacts, ...]:
    # Not the vectors themselves: only whether a row has any.
    bare = await notes.select(["row_id"], where=f"{notes.spec.column(VECTORS)} IS NULL")
    without = set(bare.column("row_id").to_pylist())
    table = await notes.select([*_NARROW, "links", "link_ids", "state", "origin"])
    return await to_thread.run_sync(_read, table, without)


def _read(table: pa.Table, without: set[str]) -> tuple[RowFacts, ...]:
    return tuple(
        RowFacts(
            row_id=row["row_id"],
            note_id=row["note_id"],
            rev=row["rev"],
            current=row["current"],
            known_from=row["known_from"] and utc(row["known_from"]),
            known_to=row["known_to"] and utc(row["known_to"]),
            embed_model=row["embed_model"] or "",
            has_vectors=row["row_id"] not in without,
            links=tuple(link["to"] for link in row["links"] or ()),
            link_ids=tuple(row["link_ids"] or ()),
            state=row["state"],
            premises=_premises(row["links"] or (), row["origin"] or {}),
        )
        for row in table.to_pylist()
    )


def _premises(links: Iterable[Mapping[str, object]], origin: Mapping[str, str]) -> tuple[str, ...]:
    if origin.get("transport") == EVOLUTION:
        return ()
    standing = (k for k in links if k["relation"] == DERIVED_FROM and k["valid_until"] is None)
    return tuple(str(link["to"]) for link in standing)


async def _table(table: LanceTable) -> TableFacts:
    keys = (await table.select([table.spec.key])).column(table.spec.key)
    counted = pc.value_counts(keys).field("counts")
    return TableFacts(
        name=table.spec.name,
        doubled_keys=pc.sum(pc.greater(counted, 1)).as_py() or 0,
        small_fragments=await table.read(_small_fragments),
    )


async def _small_fragments(handle: AsyncTable) -> int:
    stats: Mapping[str, Mapping[str, int]] = await handle.stats()  # pyright: ignore[reportAssignmentType] typed as object
    return stats["fragment_stats"]["num_small_fragments"]


async def _indices(notes: LanceTable) -> tuple[IndexFacts, ...]:
    there = {index.columns[0]: index.name for index in await notes.read(lambda t: t.list_indices())}
    wanted = [column for column, _ in notes.spec.indices]
    found: list[IndexFacts] = []
    for column in dict.fromkeys((*wanted, *there)):
        name = there.get(column)
        if name is None:
            found.append(IndexFacts(table=notes.spec.name, column=column, there=False))
            continue
        stats = await notes.read(lambda t, name=name: t.index_stats(name))
        unindexed = stats.num_unindexed_rows if stats else 0
        found.append(
            IndexFacts(table=notes.spec.name, column=column, there=True, unindexed=unindexed)
        )
    return tuple(found)
