"""Backing up a LanceDB store: every table at one moment, while others write.

Versions of LanceDB tables never change, so this needs no engine, model or cooperation.
"""

# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownParameterType=false
# pyright: reportUnknownArgumentType=false, reportUnknownLambdaType=false
# (pyarrow ships no types, lancedb some)

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Protocol, TypeVar

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from anyio import to_thread
from lancedb import AsyncTable

from zettel.storage.backup.archive import ArchiveWriter, writing
from zettel.storage.backup.drafts import check_target
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
    USAGE,
    Manifest,
)
from zettel.storage.errors import StoreUnavailableError
from zettel.storage.lance.errors import is_stale, unavailable
from zettel.storage.lance.predicates import all_of, one_of
from zettel.storage.lance.schema import EMBED_MODEL, SCHEMA_VERSION, VECTORS
from zettel.storage.lance.side_tables import add_run
from zettel.storage.lance.table import MAX_ROWS, LanceTable, Tables
from zettel.storage.notes import BEGUN, Run, State
from zettel.storage.progress import ReportProgress

PART_BYTES = 64 << 20
"""Bytes of a part's rows, uncompressed; it is over by one batch of LanceDB's at most."""
CONSISTENT_READ_ATTEMPTS = 200
"""Tries to read all tables between two commits; one takes 2 ms."""
LOCAL_KEYS = (
    *("schema_version", "embed_model", "embed_dim", "vector_set", "reembedding"),
    *("upkeep", "lease:evolution", "previews", "erasing"),
    *("lease:reembedding", "lease:import", "restoring"),
    *("conditional_puts", "erased", "vector_index"),
)
"""Keys of `meta` that the manifest contains or that concern only this store's processes."""


def is_local(key: str) -> bool:
    """Whether a value of `meta` is not backed up; `previews@…` are those of a tenant."""
    return key.partition("@")[0] in LOCAL_KEYS


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """The part of a store to copy."""

    namespaces: tuple[str, ...] = ()
    """Empty for all."""
    history: bool = True
    """Also closed revisions, and notes that were forgotten."""
    vectors: bool = True

    @property
    def is_all(self) -> bool:
        """Whether no note and no revision is left out; else only notes, usage and runs count."""
        return self.history and not self.namespaces

    @property
    def predicate(self) -> str:
        """Chooses the rows of the notes; empty for all."""
        inside = one_of("namespace", self.namespaces) if self.namespaces else ""
        return all_of(inside, "" if self.history else f"current AND state != '{State.FORGOTTEN}'")


EVERYTHING_STORED = Selection()


class RowSink(Protocol):
    """Takes the rows of a store, table by table: notes, usage, runs, then the others."""

    def add_rows(self, table: str, rows: pa.Table) -> None:
        """Take some rows, at least one; called in a thread. `rows` may lack the vectors."""
        ...

    def add_erasures(self, lines: bytes) -> None:
        """Take the ledger of erasures: JSON lines."""
        ...


class ArchiveSink:
    """Writes rows as the parts of a backup."""

    def __init__(self, archive: ArchiveWriter) -> None:
        self._archive = archive

    def add_rows(self, table: str, rows: pa.Table) -> None:
        """Append a part."""
        self._archive.add(table, to_parquet(rows), rows=rows.num_rows)

    def add_erasures(self, lines: bytes) -> None:
        """Append the part with the erasures."""
        self._archive.add(ERASURES, lines, rows=lines.count(b"\n"))


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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Copy:
    """A copy in progress."""

    sink: RowSink
    chosen: Selection
    run_id: str
    tell: ReportProgress
    counted: TableCounts = field(default_factory=TableCounts)
    notes: set[str] = field(default_factory=set[str])
    """Ids of the copied notes, where not all are."""
    runs: set[str] = field(default_factory=set[str])
    """Ids of the runs that made their copied revisions, where not all are."""

    def part_of(self, table: str, rows: pa.Table) -> pa.Table:
        """The rows that belong to the selection; notes were chosen when they were read."""
        if self.chosen.is_all or table not in (NOTES, USAGE, RUNS):
            return rows
        if table == NOTES:
            self.notes.update(rows.column("note_id").to_pylist())
            self.runs.update(rows.column("run_id").to_pylist())
            return rows
        key, kept = ("note_id", self.notes) if table == USAGE else ("run_id", self.runs)
        return _where(rows, [name in kept for name in rows.column(key).to_pylist()])


async def copy_tables(
    tables: Tables,
    sink: RowSink,
    *,
    run_id: str,
    tell: ReportProgress,
    chosen: Selection = EVERYTHING_STORED,
) -> TableCounts:
    """Copy every table at one moment, then the erasures recorded by then.

    The copy's own record, `run_id`, is left out.

    Raises:
        VersionGoneError: Another process dropped the versions; begin again with another sink.
        StoreUnavailableError: The store cannot be read.
    """
    moment = await _one_moment(tables)
    copy = _Copy(sink=sink, chosen=chosen, run_id=run_id, tell=tell)
    counted = copy.counted
    counted.rows.update(dict.fromkeys((*TABLES, ERASURES), 0))
    for table in tables.all():
        name = table.spec.name
        if name == META and not chosen.is_all:
            continue
        try:
            with await tables.database.open_table(name) as handle:
                await handle.checkout(moment[name])
                await _copy_table(handle, table, copy)
        except (RuntimeError, OSError, ValueError) as error:
            if isinstance(error, StoreUnavailableError | BackupUnwritableError):
                raise
            if is_stale(error):
                raise VersionGoneError(error) from error
            if isinstance(error, OSError) and error.errno is not None:  # the file's, not Lance's
                raise
            raise unavailable(tables.place.uri, error) from error
    erasures = await to_thread.run_sync(tables.ledger.own_lines) if chosen.is_all else b""
    counted.rows[ERASURES] = erasures.count(b"\n")
    if erasures:
        await to_thread.run_sync(sink.add_erasures, erasures)
    return counted


async def _copy_table(handle: AsyncTable, table: LanceTable, copy: _Copy) -> None:
    name = table.spec.name
    schema = table.spec.schema
    if name == NOTES and not copy.chosen.vectors:
        schema = schema.remove(schema.get_field_index(VECTORS))
    where = copy.chosen.predicate if name == NOTES else ""
    total = await handle.count_rows(where or None)
    query = handle.query().select([table.spec.column(column) for column in schema.names])
    query = query.where(where) if where else query
    reader = await query.limit(MAX_ROWS).to_batches(max_batch_length=PART_ROWS)
    gathered: list[pa.RecordBatch] = []
    done = 0
    copy.tell(name, 0, total)
    async for batch in reader:
        gathered.append(batch)
        rows = sum(piece.num_rows for piece in gathered)
        if rows >= PART_ROWS or sum(piece.nbytes for piece in gathered) >= PART_BYTES:
            await _add(table, schema, gathered, copy)
            gathered, done = [], done + rows
            copy.tell(name, done, total)
    if gathered:
        await _add(table, schema, gathered, copy)
    copy.tell(name, total, total)


async def _add(
    table: LanceTable, schema: pa.Schema, batches: list[pa.RecordBatch], copy: _Copy
) -> None:
    """Pass gathered rows on."""
    name, counted = table.spec.name, copy.counted
    read = pa.Table.from_batches(batches)
    rows = table.spec.as_named(read.select([table.spec.column(name) for name in schema.names]))
    if name == NOTES:
        rows = _with_models(rows)
    rows = copy.part_of(name, rows.cast(schema))
    if name == RUNS:  # not its own record: that says nothing before it is done
        rows = _where(rows, [key != copy.run_id for key in rows.column("run_id").to_pylist()])
    elif name == META:
        rows = _where(rows, [not is_local(key) for key in rows.column("key").to_pylist()])
    elif name == NOTES:
        counted.current += sum(rows.column("current").to_pylist())
        counted.namespaces |= set(rows.column("namespace").unique().to_pylist())
    if rows.num_rows:
        counted.rows[name] += rows.num_rows
        await to_thread.run_sync(copy.sink.add_rows, name, rows)


def _where(rows: pa.Table, kept: list[bool]) -> pa.Table:
    return rows.filter(pa.array(kept, pa.bool_()))


def _with_models(rows: pa.Table) -> pa.Table:
    """The rows with an empty name for a model that is null."""
    models = pc.fill_null(rows.column(EMBED_MODEL), "")
    return rows.set_column(rows.schema.get_field_index(EMBED_MODEL), EMBED_MODEL, models)


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


BACKUP, EXPORT = "backup", "export"
"""`Run.kind` of a backup, and of another copy of notes in a file."""
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

    Counts and outcome of the record are filled in.

    Raises:
        BackupExistsError: The file exists, and not `force`.
        BackupUnwritableError: It cannot be written.
        StoreUnavailableError: The store cannot be read.
    """
    await to_thread.run_sync(lambda: check_target(file, force=force))
    check_outside(file, tables)

    async def write() -> Manifest:
        with writing(file, force=force) as writer:
            sink = ArchiveSink(writer)
            counted = await copy_tables(tables, sink, run_id=run.run_id, tell=tell)
            manifest = _manifest(tables, run, made_by, counted, writer)
            await to_thread.run_sync(writer.finish, manifest)
        return manifest

    manifest, recorded = await recorded_copy(
        tables, run, write, clock=clock, counts_of=lambda made: made.counts
    )
    size = (await to_thread.run_sync(file.stat)).st_size
    return BackupSummary(backup_id=run.run_id, manifest=manifest, bytes=size, recorded=recorded)


_T = TypeVar("_T")


async def recorded_copy(
    tables: Tables,
    run: Run,
    write: Callable[[], Awaitable[_T]],
    *,
    clock: Callable[[], datetime],
    counts_of: Callable[[_T], Mapping[str, int]],
) -> tuple[_T, bool]:
    """Write a copy of a store and record it in `runs`, first as begun.

    Counts and outcome of the record are filled in. `write` is called again when the versions it
    read were dropped.

    Returns:
        What `write` returned, and whether the store could record it.

    Raises:
        StoreUnavailableError: The store cannot be read.
    """
    recorded = await _record(tables, run)
    try:
        made = await _again_if_gone(tables, write)
    except BaseException:
        if recorded:
            await _record(tables, replace(run, outcome="failed", ended_at=clock()))
        raise
    done = replace(run, outcome="done", ended_at=clock(), counts=counts_of(made))
    return made, recorded and await _record(tables, done)


async def _again_if_gone(tables: Tables, write: Callable[[], Awaitable[_T]]) -> _T:
    for attempt in range(COPY_ATTEMPTS):
        try:
            return await write()
        except VersionGoneError as error:
            if attempt + 1 == COPY_ATTEMPTS:
                raise unavailable(tables.place.uri, error.cause) from error
    raise AssertionError


def _manifest(
    tables: Tables, run: Run, made_by: str, counted: TableCounts, writer: ArchiveWriter
) -> Manifest:
    return Manifest(
        version=FORMAT_VERSION,
        backup_id=run.run_id,
        made_at=run.started_at.isoformat(),
        made_by=made_by,
        schema_version=SCHEMA_VERSION,
        embed_model=tables.model_id,
        embed_dim=tables.dim,
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
        await add_run(tables, run)
    except StoreUnavailableError:
        return False
    return True


def check_outside(file: Path, tables: Tables) -> None:
    """Reject a file inside the store: it would be backed up, measured and deleted with it.

    Raises:
        BackupUnwritableError: It lies there.
    """
    directory = tables.place.directory
    if directory is not None and file.resolve().is_relative_to(directory.resolve()):
        raise BackupUnwritableError(file, "it would lie inside the store")


def begin_record(name: str, run_id: str, who: str, now: datetime, *, kind: str = BACKUP) -> Run:
    """The record of a backup or an export that begins; the file's name ends its id.

    A file that is not complete may already contain what is erased later.
    """
    return Run(
        run_id=f"{run_id}-{name}",
        kind=kind,
        who=who,
        started_at=now,
        ended_at=now,
        counts={},
        outcome=BEGUN,
    )
