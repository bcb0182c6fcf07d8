"""Backing a LanceDB store up: every table as it stood at one moment, while others write.

The tables are read, not asked of an engine: a version of a LanceDB table never changes, so whoever
serves the store need not know, and a backup works where no engine or model does.
"""

# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownParameterType=false
# pyright: reportUnknownArgumentType=false, reportUnknownLambdaType=false
# (pyarrow ships no types, lancedb some)

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from anyio import to_thread

from zettel.storage.backup.archive import ArchiveWriter, Tell, check_target, writing
from zettel.storage.backup.consistent_copy import TableCounts, VersionGoneError, copy_tables
from zettel.storage.backup.errors import BackupUnwritableError
from zettel.storage.backup.manifest import COUNTED, FORMAT_VERSION, Manifest
from zettel.storage.errors import StoreUnavailableError
from zettel.storage.lance.errors import unavailable
from zettel.storage.lance.schema import SCHEMA_VERSION
from zettel.storage.lance.side_tables import put_run
from zettel.storage.lance.table import Tables
from zettel.storage.notes import Run

BACKUP = "backup"
"""`Run.kind` of a backup."""
BEGUN = "begun"
"""`Run.outcome` until the file is whole: from then on it may hold what is erased later."""
READS = 5
"""Tries to read the versions caught before somebody drops them: only erasure does so at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupSummary:
    """A finished backup."""

    backup_id: str
    """`Run.run_id` of its record; ends with the file's name."""
    manifest: Manifest
    bytes: int
    recorded: bool
    """Whether the store could note it down; a full or read-only one cannot."""


async def back_up(
    tables: Tables,
    file: Path,
    *,
    force: bool,
    run: Run,
    made_by: str,
    clock: Callable[[], datetime],
    tell: Tell,
) -> BackupSummary:
    """Write a backup and record it in `runs`: first as begun, so that no erasure overlooks it.

    Args:
        tables: The store's.
        file: Where; it appears when it is whole.
        force: Whether a file that is there may be replaced.
        run: The record: who and since when; counts and outcome are filled in.
        made_by: Zettel's version.
        clock: What time it is.
        tell: Told table, rows done, rows in all.

    Raises:
        BackupExistsError: There is such a file, and not `force`.
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
    """What a backup is made with."""

    tables: Tables
    run: Run
    made_by: str
    tell: Tell


async def _written(job: _Job, file: Path, *, force: bool) -> Manifest:
    for attempt in range(READS):
        try:
            with writing(file, force=force) as writer:
                manifest = _manifest(
                    job,
                    await copy_tables(job.tables, writer, run_id=job.run.run_id, tell=job.tell),
                    writer,
                )
                await to_thread.run_sync(writer.finish, manifest)
        except VersionGoneError as error:
            if attempt + 1 == READS:
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
    """Write the record as it now stands; False if the store cannot be written."""
    try:
        await put_run(tables, run)
    except StoreUnavailableError:
        return False
    return True


def _check_outside(file: Path, tables: Tables) -> None:
    """A backup inside the store would be part of what is backed up, measured and deleted."""
    directory = tables.place.directory
    if directory is not None and file.resolve().is_relative_to(directory.resolve()):
        raise BackupUnwritableError(file, "it would lie inside the store")


def started(name: str, run_id: str, who: str, now: datetime) -> Run:
    """The record of a backup that begins; the file's name ends its id, and no text is in it.

    Args:
        name: The file's, without its folder.
        run_id: A new one.
        who: Who asked.
        now: When.
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
