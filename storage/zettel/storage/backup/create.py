"""Backing up a LanceDB store: every table at one moment, while others write.

Versions of LanceDB tables never change, so this needs no engine, model or cooperation.
"""

# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownParameterType=false
# pyright: reportUnknownArgumentType=false, reportUnknownLambdaType=false
# (pyarrow ships no types, lancedb some)

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from anyio import to_thread
from lancedb import AsyncTable

from zettel.storage.backup.archive import ArchiveWriter, check_target, writing
from zettel.storage.backup.errors import BackupUnwritableError
from zettel.storage.backup.manifest import (
    COUNTED,
    ERASURES,
    FORMAT_VERSION,
    META,
    NOTES,
    PART_ROWS,
    RUNS,
    TABLES,
    Manifest,
)
from zettel.storage.errors import StoreUnavailableError
from zettel.storage.lance.errors import is_stale, unavailable
from zettel.storage.lance.schema import SCHEMA_VERSION
from zettel.storage.lance.side_tables import put_run
from zettel.storage.lance.table import MAX_ROWS, LanceTable, Tables
from zettel.storage.notes import Run
from zettel.storage.progress import ReportProgress

PART_BYTES = 64 << 20
"""Bytes of a part's rows, uncompressed; it is over by one batch of LanceDB's at most."""
CONSISTENT_READ_ATTEMPTS = 200
"""Tries to read all tables between two commits; one takes 2 ms."""
LOCAL_KEYS = (
    *("schema_version", "embed_model", "embed_dim"),
    *("upkeep", "lease:evolution", "previews", "erasing"),
)
"""Keys of `meta` that the manifest contains or that concern only this store's processes."""


def is_local(key: str) -> bool:
    """Whether a value of `meta` is not backed up; `previews@…` are those of a tenant."""
    return key.partition("@")[0] in LOCAL_KEYS


@dataclass(slots=True)
class TableCounts:
    """Rows in the parts, counted while writing."""

    rows: dict[str, int] = field(default_factory=dict[str, int])
    current: int = 0
    namespaces: set[str] = field(default_factory=set[str])


class VersionGoneError(Exception):
    """Another process dropped the version being read."""

    def __init__(self, cause: Exception) -> None:
        self.cause = cause
        super().__init__(str(cause))


async def copy_tables(
    tables: Tables, writer: ArchiveWriter, *, run_id: str, tell: ReportProgress
) -> TableCounts:
    """Copy every table at one moment into parts, then the erasures recorded by then."""
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
    tell: ReportProgress,
) -> None:
    name, total = table.spec.name, await handle.count_rows()
    reader = await handle.query().limit(MAX_ROWS).to_batches(max_batch_length=PART_ROWS)
    gathered: list[pa.RecordBatch] = []
    tell(name, 0, total)
    async for batch in reader:
        gathered.append(batch)
        if (
            sum(piece.num_rows for piece in gathered) >= PART_ROWS
            or sum(piece.nbytes for piece in gathered) >= PART_BYTES
        ):
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
    """Versions at which all tables were current at once.

    LanceDB has no snapshot over tables. If no other table changed between two reads, all were
    current when the version of `notes` was read in between.

    Raises:
        StoreUnavailableError: The others changed every time.
    """
    others = tables.all()[1:]
    for _ in range(CONSISTENT_READ_ATTEMPTS):
        before = [await table.version() for table in others]
        notes = await tables.notes.version()
        if before == [await table.version() for table in others]:
            return dict(zip(TABLES, (notes, *before), strict=True))
    raise StoreUnavailableError(
        tables.place.uri, "never stood still for a moment", "Make the backup again later."
    )


BACKUP = "backup"
"""`Run.kind` of a backup."""
BEGUN = "begun"
"""`Run.outcome` until the file is complete: it may already contain what is erased later."""
COPY_ATTEMPTS = 5
"""Tries before the versions read are dropped: only erasure drops them at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupSummary:
    """A finished backup."""

    backup_id: str
    """`Run.run_id` of its record; ends with the file's name."""
    manifest: Manifest
    bytes: int
    recorded: bool
    """Whether the store could record it; a full or read-only one cannot."""


async def back_up(
    tables: Tables,
    file: Path,
    *,
    force: bool,
    run: Run,
    made_by: str,
    clock: Callable[[], datetime],
    tell: ReportProgress,
) -> BackupSummary:
    """Write a backup and record it in `runs`, first as begun, so that no erasure overlooks it.

    Args:
        tables: The store's.
        file: Its name; it appears when it is complete.
        force: Whether an existing file may be replaced.
        run: The record; counts and outcome are filled in.
        made_by: Zettel's version.
        clock: Current time.
        tell: Called with table, rows done, rows in all.

    Raises:
        BackupExistsError: The file exists, and not `force`.
        BackupUnwritableError: It cannot be written.
        StoreUnavailableError: The store cannot be read.
    """
    await to_thread.run_sync(lambda: check_target(file, force=force))
    _check_outside(file, tables)
    recorded = await _record(tables, run)
    try:
        job = _Job(tables=tables, run=run, made_by=made_by, tell=tell)
        manifest = await _written(job, file, force=force)
    except BaseException:
        if recorded:
            await _record(tables, replace(run, outcome="failed", ended_at=clock()))
        raise
    done = replace(run, outcome="done", ended_at=clock(), counts=manifest.counts)
    recorded = recorded and await _record(tables, done)
    size = (await to_thread.run_sync(file.stat)).st_size
    return BackupSummary(backup_id=run.run_id, manifest=manifest, bytes=size, recorded=recorded)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Job:
    """The inputs of a backup."""

    tables: Tables
    run: Run
    made_by: str
    tell: ReportProgress


async def _written(job: _Job, file: Path, *, force: bool) -> Manifest:
    for attempt in range(COPY_ATTEMPTS):
        try:
            with writing(file, force=force) as writer:
                manifest = _manifest(
                    job,
                    await copy_tables(job.tables, writer, run_id=job.run.run_id, tell=job.tell),
                    writer,
                )
                await to_thread.run_sync(writer.finish, manifest)
        except VersionGoneError as error:
            if attempt + 1 == COPY_ATTEMPTS:
                raise unavailable(job.tables.place.uri, error.cause) from error
        else:
            return manifest
    raise AssertionError


def _manifest(job: _Job, counted: TableCounts, writer: ArchiveWriter) -> Manifest:
    return Manifest(
        version=FORMAT_VERSION,
        backup_id=job.run.run_id,
        made_at=job.run.started_at.isoformat(),
        made_by=job.made_by,
        schema_version=SCHEMA_VERSION,
        embed_model=job.tables.model_id,
        embed_dim=job.tables.dim,
        counts={
            "notes": counted.current,
            "namespaces": len(counted.namespaces),
            **{name: counted.rows[table] for name, table in COUNTED.items()},
        },
        parts=tuple(writer.parts),
    )


async def _record(tables: Tables, run: Run) -> bool:
    """Write the record; False if the store cannot be written."""
    try:
        await put_run(tables, run)
    except StoreUnavailableError:
        return False
    return True


def _check_outside(file: Path, tables: Tables) -> None:
    """Reject a file inside the store: it would be backed up, measured and deleted with it."""
    directory = tables.place.directory
    if directory is not None and file.resolve().is_relative_to(directory.resolve()):
        raise BackupUnwritableError(file, "it would lie inside the store")


def begin_record(name: str, run_id: str, who: str, now: datetime) -> Run:
    """The record of a backup that begins; the file's name ends its id.

    Args:
        name: The file's, without its folder.
        run_id: A new one.
        who: Who requested it.
        now: Current time.
    """
    return Run(
        run_id=f"{run_id}-{name}",
        kind=BACKUP,
        who=who,
        started_at=now,
        ended_at=now,
        counts={},
        outcome=BEGUN,
    )
