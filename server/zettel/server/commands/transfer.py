"""`zettel export` and what brings an export back: notes in files of other formats."""

import os
import re
import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from anyio import to_thread

from zettel.server.commands.backup import (
    RestoreResult,
    check_restore,
    restore_checked,
)
from zettel.server.commands.moving import all_names, check_known
from zettel.server.commands.output import (
    CLI_PRINCIPAL,
    UNRECORDED,
    Output,
    number_of,
    printable,
)
from zettel.server.config.settings import Settings
from zettel.server.engine.ipc.version import VERSION
from zettel.server.runtime.clock import utc_now
from zettel.server.runtime.factories import opened_as_it_is
from zettel.server.runtime.leadership import new_run_id
from zettel.storage.backup.archive import checked
from zettel.storage.backup.create import EXPORT, Selection, begin_record
from zettel.storage.backup.errors import (
    BackupDamagedError,
    BackupTooLargeError,
    ExportDamagedError,
)
from zettel.storage.backup.manifest import NOTES
from zettel.storage.errors import InvalidArgumentError
from zettel.storage.lance.schema import SCHEMA_VERSION
from zettel.storage.lance.table import Tables
from zettel.storage.notes import Run
from zettel.storage.progress import ReportProgress
from zettel.storage.transfer.export import ExportSummary, ExportTarget, MakeSink, export
from zettel.storage.transfer.graphml import GraphMlSink
from zettel.storage.transfer.json_lines import (
    LINES_FORMAT,
    LINES_VERSION,
    ExportHeader,
    JsonLinesSink,
    VectorsOf,
)
from zettel.storage.transfer.line_reader import to_backup
from zettel.storage.transfer.parquet_tables import PARQUET_TABLES, ParquetSink
from zettel.tools.doctor.validity import problem_of
from zettel.tools.validation import check_namespace

STANDARD_OUTPUT = Path("-")
"""As a file's name."""
JSONL, PARQUET, GRAPHML = "jsonl", "parquet", "graphml"
HEADER_MAX_BYTES = 10_000
"""Read to see whether a file is an export."""
_GRAPHML = re.compile(rb"\s*(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)?<graphml", re.DOTALL)
NOTES_FILE = "notes.parquet"
"""In a folder that an export as Parquet wrote."""
ENTRY_NAME_BYTES = 64
"""Of a zip, in which the first entry's name stands (APPNOTE.TXT 4.3.7); a backup's is a table's."""
OWN_FORMAT = "zettel"
"""What an export of Zettel's is called among the formats that are imported."""
FILE_FORMATS = (JSONL, PARQUET, GRAPHML)
"""Each is also a file's suffix."""


def is_export(path: Path) -> bool:
    """Whether a file begins as JSON lines of an export do."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return f'"{LINES_FORMAT}"'.encode() in file.readline(HEADER_MAX_BYTES)


def check_no_export(path: Path) -> None:
    """Check that what is to be restored can be read and is no export.

    Raises:
        InvalidArgumentError: It is not there, no file, empty or not readable, or an export.
    """
    if how := _unreadable(path):
        problem = f"{str(path)!r} {how}"
        raise InvalidArgumentError("FILE", problem, "Name a file that zettel backup wrote.")
    if is_export(path):
        problem = f"{str(path)!r} is an export, no backup"
        raise InvalidArgumentError("FILE", problem, "Pass it to zettel import.")


def _unreadable(path: Path) -> str:
    """Why a file cannot be read; empty if it can."""
    try:
        if path.exists() and not path.is_file():  # opening a pipe would wait for a writer
            return "is no file"
        with path.open("rb") as file:
            return "" if file.read(1) else "is empty"
    except FileNotFoundError:
        return "is not there"
    except OSError as error:
        return f"cannot be read ({error.strerror})"


def check_importable(path: Path) -> None:
    """Check that what is to be imported is neither a backup nor an export that does not come back.

    Raises:
        InvalidArgumentError: It is one of these.
    """
    file = path / NOTES_FILE if path.is_dir() else path
    if not file.is_file() or not os.access(file, os.R_OK):
        return
    with file.open("rb") as opened:
        first = opened.read(HEADER_MAX_BYTES)
    if first.startswith(b"PK") and b".parquet" in first[:ENTRY_NAME_BYTES]:
        problem = f"{str(path)!r} is a backup, no export"
        raise InvalidArgumentError("SOURCE", problem, "Pass it to zettel restore.")
    if first.startswith(b"PAR1") or _GRAPHML.match(first):
        problem = f"{str(path)!r} is Parquet or GraphML, which is not brought back"
        remedy = "Export JSON lines instead (zettel export notes.jsonl), or restore a backup."
        raise InvalidArgumentError("SOURCE", problem, remedy)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportRequest:
    """The options of the command line."""

    file: Path
    """Absolute, or `STANDARD_OUTPUT`."""
    format: str | None = None
    """None for the one that the file's suffix names."""
    namespaces: tuple[str, ...] = ()
    """Empty for all."""
    current: bool = False
    vectors: bool = False
    force: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportResult:
    """A finished export."""

    request: ExportRequest
    format: str
    history: bool
    """Whether earlier revisions are in it."""
    done: ExportSummary


async def export_once(
    settings: Settings, request: ExportRequest, tell: ReportProgress
) -> ExportResult:
    """Write the notes of a store into a file, while other processes may use it.

    Raises:
        InvalidArgumentError: There is no such format, or it takes no such option.
        UnknownNameError: There is no such namespace.
        BackupError: The file exists, or cannot be written.
        StoreError: The store cannot be read.
    """
    form = chosen_format(request)
    names = tuple(dict.fromkeys(map(check_namespace, request.namespaces)))
    is_stream = request.file == STANDARD_OUTPUT
    is_folder = form == PARQUET and not is_stream and request.file.suffix != f".{PARQUET}"
    if request.vectors and form == GRAPHML:
        problem, remedy = "a graph has no place for them", "Leave it out, or pass another format."
        raise InvalidArgumentError("vectors", problem, remedy)
    history = form == JSONL or is_folder
    name = "stdout" if is_stream else request.file.name
    async with opened_as_it_is(settings) as store:
        await check_known(store, names)
        chosen = Selection(
            namespaces=await all_names(store, names),
            history=history and not request.current,
            vectors=request.vectors,
        )
        now = utc_now()
        run_id = new_run_id(now, kind=EXPORT)
        run = begin_record(name, run_id, CLI_PRINCIPAL, now, kind=EXPORT)
        done = await export(
            store.tables,
            ExportTarget(
                file=None if is_stream else request.file,
                stream=sys.stdout.buffer,
                tables=PARQUET_TABLES if is_folder else (),
                file_suffix=f".{PARQUET}",
                force=request.force,
            ),
            _sink_maker(store.tables, form, chosen, run),
            chosen=chosen,
            run=run,
            clock=utc_now,
            tell=tell,
        )
    return ExportResult(request=request, format=form, history=chosen.history, done=done)


def chosen_format(request: ExportRequest) -> str:
    """The format that is asked for, or that the file's suffix names.

    Raises:
        InvalidArgumentError: There is no such format, or neither says one.
    """
    is_stream = request.file == STANDARD_OUTPUT
    form = request.format or (JSONL if is_stream else request.file.suffix.removeprefix("."))
    if form not in FILE_FORMATS:
        problem = f"{form[:40]!r} is no format" if form else "it is not said"
        named = f"Pass one of {', '.join(FILE_FORMATS)}, or a file with that suffix"
        remedy = f"{named}; --format markdown writes a folder of a file a note."
        raise InvalidArgumentError("format", problem, remedy)
    return form


def _sink_maker(tables: Tables, form: str, chosen: Selection, run: Run) -> MakeSink:
    dim = tables.dim if chosen.vectors else None
    if form == PARQUET:
        return partial(ParquetSink, dim=dim)
    if form == GRAPHML:
        return lambda files: GraphMlSink(files[NOTES])
    header = ExportHeader(
        format=LINES_FORMAT,
        version=LINES_VERSION,
        export_id=run.run_id,
        made_at=run.started_at.isoformat(),
        made_by=VERSION,
        schema_version=SCHEMA_VERSION,
        namespaces=chosen.namespaces,
        history=chosen.history,
        vectors=VectorsOf(model=tables.model_id, dim=dim) if dim else None,
    )
    return lambda files: JsonLinesSink(files[NOTES], header)


def export_output(result: ExportResult) -> Output:
    """The printed result of an export."""
    request, done = result.request, result.done
    # A note's revisions are a row each.
    called = {"note": "revision", "notes": "revision"} if result.history else {}
    counts = ", ".join(
        number_of(n, called.get(name, name.removesuffix("s")).replace("usage", "usage record"))
        for name, n in done.counts.items()
        if n
    )
    text = f"{request.file}: {counts or 'no notes'}. It holds notes' text; only you can read it."
    if not result.history:
        text += " Earlier revisions are not in it: zettel backup keeps everything."
    if not done.recorded:
        text += f" {UNRECORDED}"
    data = {
        "file": str(request.file),
        "format": result.format,
        "export_id": done.export_id,
        "counts": dict(done.counts),
        "recorded": done.recorded,
    }
    return Output(data, printable(text))


async def import_lines(
    settings: Settings,
    file: Path,
    namespace: str | None,
    tell: ReportProgress,
    *,
    with_tokens: bool = False,
) -> RestoreResult:
    """Bring an export as JSON lines back, checked whole before anything is written.

    `namespace` takes all notes, in a store that may hold others; None needs an empty store.

    Raises:
        InvalidArgumentError: Tokens are asked for, and a namespace is named.
        BackupError: The file is damaged, or the store has notes and no namespace is named.
        StoreError: The store or its model cannot be used.
    """
    check_restore(namespace, with_tokens=with_tokens)
    with TemporaryDirectory(prefix="zettel-") as folder:
        target = Path(folder, "import.zettel")
        make = partial(to_backup, problem_of=problem_of, tell=tell)
        await to_thread.run_sync(make, file, target)
        try:
            whole = await to_thread.run_sync(checked, target, tell)
            return await restore_checked(
                settings, whole, file, namespace, tell, with_tokens=with_tokens
            )
        except BackupDamagedError as error:
            raise ExportDamagedError(file, error.place, error.problem) from error
        except BackupTooLargeError as error:
            raise BackupTooLargeError(file, error.needed, error.room) from error
