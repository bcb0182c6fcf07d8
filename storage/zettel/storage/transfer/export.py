"""Exporting a store's notes into a file of another format, while others write."""

import shutil
from collections.abc import Callable, Generator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryFile
from typing import BinaryIO, Protocol

from anyio import to_thread

from zettel.storage.backup.create import (
    RowSink,
    Selection,
    check_outside,
    copy_tables,
    recorded_copy,
)
from zettel.storage.backup.drafts import check_target, drafted, drafted_folder
from zettel.storage.backup.manifest import NOTES
from zettel.storage.lance.table import Tables
from zettel.storage.notes import Run
from zettel.storage.progress import ReportProgress


class ExportSink(RowSink, Protocol):
    """Writes one format."""

    def finish(self) -> Mapping[str, int]:
        """Write the end; returns the number of records of each type."""
        ...

    def close(self) -> None:
        """Let go of what it holds, also where the end could not be written."""
        ...


MakeSink = Callable[[Mapping[str, BinaryIO]], ExportSink]
"""Makes the writer of a format for some files, by table; a single one is under `NOTES`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportSummary:
    """A finished export."""

    export_id: str
    """`Run.run_id` of its record; ends with the file's name."""
    counts: Mapping[str, int]
    """Records of each type."""
    recorded: bool
    """Whether the store could record it; a full or read-only one cannot."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportTarget:
    """Where an export goes."""

    file: Path | None
    """It appears when it is complete; None for `stream`."""
    stream: BinaryIO
    """Gets the whole export once it is complete, if there is no file."""
    tables: tuple[str, ...] = ()
    """`file` is a folder with a file for each of these tables; empty for a file."""
    file_suffix: str = ""
    """Of the files in a folder."""
    force: bool = False
    """Whether an existing file may be replaced; a folder never is."""


async def export(
    tables: Tables,
    target: ExportTarget,
    make_sink: MakeSink,
    *,
    chosen: Selection,
    run: Run,
    clock: Callable[[], datetime],
    tell: ReportProgress,
) -> ExportSummary:
    """Export notes as they are at one moment, and record it, so that an erasure can name the file.

    Counts and outcome of the record are filled in.

    Raises:
        BackupExistsError: The file exists, and not `force`.
        BackupUnwritableError: It cannot be written.
        StoreUnavailableError: The store cannot be read.
    """
    file = target.file
    if file is not None:
        force, replaceable = target.force, not target.tables
        await to_thread.run_sync(lambda: check_target(file, force=force, replaceable=replaceable))
        check_outside(file, tables)

    async def write() -> Mapping[str, int]:
        with _opened(target) as files, closing(make_sink(files)) as sink:
            await copy_tables(tables, sink, run_id=run.run_id, tell=tell, chosen=chosen)
            return await to_thread.run_sync(sink.finish)

    counts, recorded = await recorded_copy(
        tables, run, write, clock=clock, counts_of=lambda found: found
    )
    return ExportSummary(export_id=run.run_id, counts=counts, recorded=recorded)


@contextmanager
def _opened(target: ExportTarget) -> Generator[Mapping[str, BinaryIO]]:
    if target.file is None:
        # Not at once: what is read may be dropped under way, and then it begins again.
        with TemporaryFile() as whole:
            yield {NOTES: whole}
            whole.seek(0)
            shutil.copyfileobj(whole, target.stream)
            target.stream.flush()
    elif target.tables:
        with drafted_folder(target.file) as folder, ExitStack() as stack:
            yield {
                table: stack.enter_context(
                    drafted(folder / f"{table}{target.file_suffix}", force=False)
                )
                for table in target.tables
            }
    else:
        with drafted(target.file, force=target.force) as raw:
            yield {NOTES: raw}
