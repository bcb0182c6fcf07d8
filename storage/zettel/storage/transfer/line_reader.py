"""Reads an export as JSON lines and makes a backup of it, which is restored as any other.

So an import has a restore's checks, bounds and merging. What is damaged is named by its line here,
before anything is written to a store.
"""

# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownParameterType=false
# pyright: reportUnknownArgumentType=false
# (pyarrow ships no types)

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from hashlib import sha256
from pathlib import Path

import pyarrow as pa
from pydantic import ValidationError

from zettel.storage.backup.archive import ArchiveWriter, writing
from zettel.storage.backup.create import PART_BYTES, ArchiveSink
from zettel.storage.backup.errors import ExportDamagedError, NewerBackupError
from zettel.storage.backup.manifest import (
    COUNTED,
    FORMAT_VERSION,
    MAX_EMBED_DIM,
    META,
    NOTES,
    PART_ROWS,
    RUNS,
    TEXT_MAX_CHARACTERS,
    USAGE,
    Manifest,
)
from zettel.storage.backup.parquet import expect
from zettel.storage.backup.reader import NOTE_MAX_PASSAGES, ProblemOf, check_row
from zettel.storage.errors import first_line
from zettel.storage.lance.rows import to_table
from zettel.storage.lance.schema import META as META_TABLE
from zettel.storage.lance.schema import RUNS as RUNS_TABLE
from zettel.storage.lance.schema import USAGE as USAGE_TABLE
from zettel.storage.lance.schema import notes_table
from zettel.storage.notes import Note
from zettel.storage.progress import ReportProgress
from zettel.storage.revisions import DERIVED_FIELDS, NoteRow, check_vectors
from zettel.storage.transfer.json_lines import (
    COUNTED_TYPES,
    LINES,
    LINES_FORMAT,
    LINES_VERSION,
    ExportedErasure,
    ExportedNote,
    ExportedRun,
    ExportedUsage,
    ExportedValue,
    ExportEnd,
    ExportHeader,
    ExportLine,
    vectors_of,
)

RECORD_MAX_BYTES = 64 << 20
"""Of a line: vectors of a note take 2 MB at the length of the packaged model."""
TOLD_LINES = 500
"""Lines between two reports of progress."""
INT32_END = 1 << 31
"""First number that the columns of `rev` and `stage` do not hold."""
_NO_MODEL, _NO_DIM = "", 1
"""Of a backup made of an export without vectors: a store's own model differs."""


@dataclass(frozen=True, slots=True)
class _Numbered:
    """A line and its number, the first one is 1."""

    number: int
    line: ExportLine
    size: int


class ExportReader:
    """Reads the lines of an export and checks each."""

    def __init__(self, file: Path, problem_of: ProblemOf, tell: ReportProgress) -> None:
        self._file, self._problem_of, self._tell = file, problem_of, tell
        self._seen = set[str]()
        self.header = self._read_header()
        self.dim = self.header.vectors.dim if self.header.vectors else _NO_DIM

    def damaged(self, place: int | str, problem: str) -> ExportDamagedError:
        """The error for invalid content."""
        where = f"line {place}" if isinstance(place, int) else place
        return ExportDamagedError(self._file, where, problem)

    def records(self) -> Iterator[_Numbered]:
        """Every line between header and end.

        Raises:
            ExportDamagedError: A line is none that Zettel could have written, or lines are missing.
        """
        counts, ended = dict.fromkeys(COUNTED_TYPES, 0), False
        for number, line, digest, size in self._lines():
            if ended:
                raise self.damaged(number, "it comes after the last line")
            if isinstance(line, ExportEnd):
                self._check_end(number, line, counts, digest)
                ended = True
            elif number > 1:
                try:
                    self._check(line)
                except (ValueError, TypeError) as error:
                    raise self.damaged(number, first_line(error)) from error
                counts[line.type] += 1
                yield _Numbered(number, line, size)
        if not ended:
            raise self.damaged("its end", "the last line is missing: it was cut short")

    def _read_header(self) -> ExportHeader:
        line = next((line for _, line, _, _ in self._lines()), None)
        if not isinstance(line, ExportHeader) or line.format != LINES_FORMAT:
            raise self.damaged(1, f"it is no header of a {LINES_FORMAT}")
        if line.version > LINES_VERSION:
            raise NewerBackupError(self._file, f"format {line.version}")
        texts = (line.export_id, line.made_at, line.made_by)
        try:
            datetime.fromisoformat(line.made_at)
            expect(max(map(len, texts)) <= TEXT_MAX_CHARACTERS, "a text is too long")
            expect(line.schema_version >= 0, "its schema version is negative")
            if line.vectors:
                expect(1 <= line.vectors.dim <= MAX_EMBED_DIM, "its vectors' length is unusable")
        except ValueError as error:
            raise self.damaged(1, first_line(error)) from error
        return line

    def _lines(self) -> Iterator[tuple[int, ExportLine, str, int]]:
        """Number, line, SHA-256 of all bytes before it, and its size."""
        done, number, before = 0, 0, sha256()
        try:
            with self._file.open("rb") as raw:
                total = self._file.stat().st_size
                while read := raw.readline(RECORD_MAX_BYTES):
                    number, done = number + 1, done + len(read)
                    if number % TOLD_LINES == 0:
                        self._tell("reading", done, total)
                    yield number, self._parsed(number, read), before.hexdigest(), len(read)
                    before.update(read)
                self._tell("reading", done, total)
        except OSError as error:
            raise self.damaged("its name", error.strerror or str(error)) from error

    def _parsed(self, number: int, read: bytes) -> ExportLine:
        if not read.endswith(b"\n") and len(read) >= RECORD_MAX_BYTES:
            problem = f"it is longer than {RECORD_MAX_BYTES:,} bytes"
            raise self.damaged(number, problem)
        try:
            return LINES.validate_json(read, strict=True)
        except ValidationError as error:
            found = error.errors(include_url=False, include_context=False, include_input=False)[0]
            # The first place is the line's type.
            place = ".".join(map(str, found["loc"][1:]))
            problem = f"{place}: {found['msg']}" if place else found["msg"]
            raise self.damaged(number, problem[:200]) from None

    def _check_end(self, number: int, end: ExportEnd, counts: dict[str, int], digest: str) -> None:
        if dict(end.counts) != counts:
            wrong = next(
                name for name in (*counts, *end.counts) if counts.get(name) != end.counts.get(name)
            )
            problem = (
                f"it counts {end.counts.get(wrong, 0)} lines of type {wrong!r}, there are"
                f" {counts.get(wrong, 0)}"
            )
            raise self.damaged(number, problem)
        if end.sha256 and end.sha256 != digest:
            problem = (
                "the lines before it are not those that were written: their SHA-256 differs. If you"
                " changed them on purpose, take sha256 out of this line"
            )
            raise self.damaged(number, problem)

    def _check(self, line: ExportLine) -> None:
        match line:
            case ExportedNote():
                self._check_note(line)
            case ExportedUsage() | ExportedRun() | ExportedValue():
                table, record = _as_row(line)
                check_row(table, record)
            case ExportedErasure():
                expect("receipt_id" in line.receipt, "it is no record of an erasure")
            case _:
                expect(False, f"a {line.type} is in the wrong place")

    def _check_note(self, note: ExportedNote) -> None:
        expect(all(moment.tzinfo is not None for moment in _moments(note)), "a time has no zone")
        expect(max(note.rev, note.stage) < INT32_END, "a number is too large")
        expect(set(note.derived_by) <= set(DERIVED_FIELDS), "derived_by names an unknown field")
        if problem := self._problem_of(note):
            raise ValueError(problem)
        expect(self.header.history or note.current, "an export without history has old revisions")
        expect(note.row_id not in self._seen, "a revision is there twice")
        self._seen.add(note.row_id)
        if note.vectors is not None:
            expect(self.header.vectors is not None, "the header says that there are no vectors")
            vectors = vectors_of(note, self.dim)
            assert vectors is not None
            expect(len(vectors) <= NOTE_MAX_PASSAGES, f"a note has {len(vectors)} vectors")
            check_vectors(vectors, dim=self.dim)


def _moments(note: Note) -> Iterator[datetime]:
    own = (note.happened_at, note.valid_from, note.valid_until, note.known_from)
    links = (m for link in note.links for m in (link.made_at, link.valid_from, link.valid_until))
    spans = (moment for span in note.times for moment in (span.start, span.end))
    found = (*own, note.known_to, note.ended_at, *links, *spans)
    return (moment for moment in found if moment is not None)


def _as_row(line: ExportedUsage | ExportedRun | ExportedValue) -> tuple[str, dict[str, object]]:
    """The table and the row of a line."""
    record = asdict(line)
    del record["type"]
    if isinstance(line, ExportedRun):
        record["counts"] = [{"name": name, "n": n} for name, n in line.counts.items()]
        return RUNS, record
    return (USAGE if isinstance(line, ExportedUsage) else META), record


class _Parts:
    """Gathers lines of each table and appends them as parts of a backup."""

    def __init__(self, reader: ExportReader, writer: ArchiveWriter) -> None:
        self._reader, self._sink = reader, ArchiveSink(writer)
        self._gathered = defaultdict[str, list[_Numbered]](list)
        self._sizes = Counter[str]()
        self._erasures = list[bytes]()
        self.current, self.namespaces = 0, set[str]()

    def add(self, item: _Numbered) -> None:
        """Gather a line."""
        line = item.line
        if isinstance(line, ExportedErasure):
            self._erasures.append(json.dumps(line.receipt, separators=(",", ":")).encode() + b"\n")
            return
        if isinstance(line, ExportedNote):
            self.current += line.current
            self.namespaces.add(line.namespace)
            table = NOTES
        else:
            assert isinstance(line, ExportedUsage | ExportedRun | ExportedValue)
            table = _as_row(line)[0]
        self._gathered[table].append(item)
        self._sizes[table] += item.size
        if len(self._gathered[table]) >= PART_ROWS or self._sizes[table] >= PART_BYTES:
            self._flush(table)

    def finish(self) -> None:
        """Append what is left."""
        for table in list(self._gathered):
            self._flush(table)
        if self._erasures:
            self._sink.add_erasures(b"".join(self._erasures))

    def _flush(self, table: str) -> None:
        items = self._gathered.pop(table)
        del self._sizes[table]
        try:
            rows = self._rows(table, [item.line for item in items])
        except (pa.ArrowException, ValueError, TypeError, OverflowError) as error:
            place = f"lines {items[0].number} to {items[-1].number}"
            raise self._reader.damaged(place, first_line(error)) from error
        self._sink.add_rows(table, rows)

    def _rows(self, table: str, lines: Sequence[ExportLine]) -> pa.Table:
        if table == NOTES:
            dim = self._reader.dim
            notes = [self._row(line) for line in lines if isinstance(line, ExportedNote)]
            return to_table(notes, schema=notes_table(dim).schema, dim=dim)
        schemas = {USAGE: USAGE_TABLE.schema, RUNS: RUNS_TABLE.schema, META: META_TABLE.schema}
        sides = [x for x in lines if isinstance(x, ExportedUsage | ExportedRun | ExportedValue)]
        return pa.Table.from_pylist([_as_row(line)[1] for line in sides], schema=schemas[table])

    def _row(self, line: ExportedNote) -> NoteRow:
        # Without its history, a note begins anew: a revision that is missing would be damage.
        note = line if self._reader.header.history else replace(line, rev=1)
        return NoteRow(note=note, vectors=vectors_of(line, self._reader.dim))


def to_backup(
    file: Path, target: Path, *, problem_of: ProblemOf, tell: ReportProgress
) -> ExportHeader:
    """Make a backup of an export.

    Returns:
        The export's header.

    Raises:
        ExportDamagedError: A line is none that Zettel could have written.
        NewerBackupError: A newer Zettel wrote it.
        BackupUnwritableError: The backup cannot be written.
    """
    reader = ExportReader(file, problem_of, tell)
    header = reader.header
    with writing(target, force=True) as writer:
        parts = _Parts(reader, writer)
        for item in reader.records():
            parts.add(item)
        parts.finish()
        rows = Counter[str]()
        for part in writer.parts:
            rows[part.table] += part.rows
        manifest = Manifest(
            version=FORMAT_VERSION,
            backup_id=header.export_id,
            made_at=header.made_at,
            made_by=header.made_by,
            schema_version=header.schema_version,
            embed_model=header.vectors.model if header.vectors else _NO_MODEL,
            embed_dim=reader.dim,
            counts={
                "notes": parts.current,
                "namespaces": len(parts.namespaces),
                **{name: rows[table] for name, table in COUNTED.items()},
            },
            parts=tuple(writer.parts),
        )
        writer.finish(manifest)
    return header
