"""Every table of a store as it stood at one moment, copied into the parts of a backup."""

# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownParameterType=false
# pyright: reportUnknownArgumentType=false, reportUnknownLambdaType=false
# (pyarrow ships no types, lancedb some)

from collections.abc import Mapping
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.parquet as pq
from anyio import to_thread
from lancedb import AsyncTable

from zettel.storage.backup.archive import ArchiveWriter, Tell
from zettel.storage.backup.errors import BackupUnwritableError
from zettel.storage.backup.manifest import ERASURES, META, NOTES, RUNS, TABLES
from zettel.storage.errors import StoreUnavailableError
from zettel.storage.lance.errors import is_stale, unavailable
from zettel.storage.lance.table import MAX_ROWS, LanceTable, Tables

PART_ROWS = 2_000
"""Rows of one part: at 3 kB a revision with its vectors some 6 MB, at the longest notes 100 MB."""
MOMENTS = 200
"""Tries to catch all tables between two commits; one takes 2 ms."""
LOCAL_KEYS = (
    *("schema_version", "embed_model", "embed_dim"),
    *("upkeep", "lease:evolution", "previews", "erasing"),
)
"""Of `meta`: what the manifest says, and what concerns this store's own processes alone."""


def is_local(key: str) -> bool:
    """Whether a value of `meta` stays where it is; `previews@…` are those of a tenant."""
    return key.partition("@")[0] in LOCAL_KEYS


@dataclass(slots=True)
class TableCounts:
    """What the parts hold, counted as they are written."""

    rows: dict[str, int] = field(default_factory=dict[str, int])
    current: int = 0
    namespaces: set[str] = field(default_factory=set[str])


class VersionGoneError(Exception):
    """Somebody dropped the version being read."""

    def __init__(self, cause: Exception) -> None:
        self.cause = cause
        super().__init__(str(cause))


async def copy_tables(
    tables: Tables, writer: ArchiveWriter, *, run_id: str, tell: Tell
) -> TableCounts:
    """Read every table at one moment into parts, and after it what was erased by then."""
    moment = await _one_moment(tables)
    counted = TableCounts()
    for table in tables.all():
        name = table.spec.name
        counted.rows[name] = 0
        try:
            with await tables.database.open_table(name) as handle:
                await handle.checkout(moment[name])
                await _copy_table(handle, table, writer, counted, run_id, tell)
        except (RuntimeError, OSError, ValueError) as error:
            if isinstance(error, StoreUnavailableError | BackupUnwritableError):
                raise
            if is_stale(error):
                raise VersionGoneError(error) from error
            if isinstance(error, OSError) and error.errno is not None:  # the file's, not Lance's
                raise
            raise unavailable(tables.place.uri, error) from error
    erasures = await to_thread.run_sync(tables.ledger.own_lines)
    counted.rows[ERASURES] = erasures.count(b"\n")
    if erasures:
        await to_thread.run_sync(
            lambda: writer.add(ERASURES, erasures, rows=counted.rows[ERASURES])
        )
    return counted


async def _copy_table(
    handle: AsyncTable,
    table: LanceTable,
    writer: ArchiveWriter,
    counted: TableCounts,
    run_id: str,
    tell: Tell,
) -> None:
    name, total = table.spec.name, await handle.count_rows()
    reader = await handle.query().limit(MAX_ROWS).to_batches(max_batch_length=PART_ROWS)
    gathered: list[pa.RecordBatch] = []
    tell(name, 0, total)
    async for batch in reader:
        gathered.append(batch)
        if sum(piece.num_rows for piece in gathered) >= PART_ROWS:
            await _add(table, gathered, writer, counted, run_id)
            gathered = []
            tell(name, counted.rows[name], total)
    if gathered:
        await _add(table, gathered, writer, counted, run_id)
    tell(name, total, total)


async def _add(
    table: LanceTable,
    batches: list[pa.RecordBatch],
    writer: ArchiveWriter,
    counted: TableCounts,
    run_id: str,
) -> None:
    """Write gathered rows as one part."""
    name = table.spec.name
    rows = pa.Table.from_batches(batches).select(table.spec.schema.names).cast(table.spec.schema)
    if name == RUNS:  # not its own record: that says nothing before it is done
        rows = rows.filter([key != run_id for key in rows.column(table.spec.key).to_pylist()])
    elif name == META:
        rows = rows.filter([not is_local(key) for key in rows.column("key").to_pylist()])
    elif name == NOTES:
        counted.current += sum(rows.column("current").to_pylist())
        counted.namespaces |= set(rows.column("namespace").unique().to_pylist())
    if rows.num_rows:
        counted.rows[name] += rows.num_rows
        await to_thread.run_sync(lambda: writer.add(name, to_parquet(rows), rows=rows.num_rows))


def to_parquet(rows: pa.Table) -> bytes:
    """Rows as one Parquet file."""
    sink = pa.BufferOutputStream()
    pq.write_table(rows, sink, compression="zstd")
    return sink.getvalue().to_pybytes()


async def _one_moment(tables: Tables) -> Mapping[str, int]:
    """Versions at which all tables stood at once.

    LanceDB has no snapshot over tables. But if none of the others has moved between two looks,
    all stood as they are when the version of `notes` was read in between.

    Raises:
        StoreUnavailableError: The others never stood still.
    """
    others = tables.all()[1:]
    for _ in range(MOMENTS):
        before = [await table.version() for table in others]
        notes = await tables.notes.version()
        if before == [await table.version() for table in others]:
            return dict(zip(TABLES, (notes, *before), strict=True))
    raise StoreUnavailableError(
        tables.place.uri, "never stood still for a moment", "Make the backup again later."
    )
