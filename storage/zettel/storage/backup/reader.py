"""Reading a backup that a stranger may have made: in bounded memory, and checked row by row.

A hash in the manifest proves that the file is as it was written, not that Zettel wrote it.
"""

# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownParameterType=false
# pyright: reportUnknownArgumentType=false, reportUnknownLambdaType=false
# (pyarrow ships no types)

import math
from collections.abc import Callable, Iterator, Mapping

import pyarrow as pa

from zettel.storage.backup.archive import BackupFile
from zettel.storage.backup.errors import BackupDamagedError, BackupTooLargeError
from zettel.storage.backup.manifest import META, NOTES, PART_MAX_ROWS, RUNS, USAGE, Manifest, Part
from zettel.storage.backup.parquet import ROW_MAX_ELEMENTS, UNREADABLE, expect, read_rows
from zettel.storage.errors import first_line
from zettel.storage.ids import is_id
from zettel.storage.lance.rows import read_notes, read_vectors
from zettel.storage.lance.schema import META as META_TABLE
from zettel.storage.lance.schema import RUNS as RUNS_TABLE
from zettel.storage.lance.schema import USAGE as USAGE_TABLE
from zettel.storage.lance.schema import notes_table
from zettel.storage.notes import Note
from zettel.storage.progress import ReportProgress
from zettel.storage.revisions import check_vectors

NOTES_PER_BATCH = 128
NOTE_MAX_PASSAGES = 1_024
"""Vectors of a note: one of the greatest length has some 500 at most."""
RUN_TEXT_MAX_CHARACTERS = 600
"""Of a run's texts; its id may end with a file's name and a namespace."""
RUN_MAX_COUNTS = 256
META_MAX_CHARACTERS = 4 << 20
"""Of a value: a thousand access tokens take 400,000."""
USAGE_MAX = 1e12
"""Recalls of a note, and days of its strength."""

ProblemOf = Callable[[Note], str]
"""What is wrong with a stored note; empty if a tool or evolution could have made it."""


class BackupReader:
    """Reads a checked backup; each part's hash is checked once more."""

    def __init__(self, backup: BackupFile, tell: ReportProgress) -> None:
        self.backup, self.tell = backup, tell

    def of(
        self, name: str, schema: pa.Schema, step: str, *, batch_rows: int = PART_MAX_ROWS
    ) -> Iterator[pa.Table]:
        """The rows of a table, batch by batch, in the columns of its schema."""
        parts = self.backup.manifest.of(name)
        total, done = sum(part.rows for part in parts), 0
        for part in parts:
            self.tell(step, done, total)
            for rows in self._read(part, schema, batch_rows):
                yield rows
                done += rows.num_rows
        self.tell(step, done, total)

    def notes(self, step: str) -> Iterator[pa.Table]:
        """The rows of the notes."""
        schema = notes_table(self.backup.manifest.embed_dim).schema
        return self.of(NOTES, schema, step, batch_rows=NOTES_PER_BATCH)

    def read_notes(self, step: str) -> Iterator[Note]:
        """Every revision, without its vectors."""
        for rows in self.notes(step):
            try:
                yield from read_notes(rows)
            except (ValueError, TypeError, KeyError) as error:
                raise self.damaged(NOTES, f"a row is no valid note ({error})") from error

    def damaged(self, place: str, problem: str) -> BackupDamagedError:
        """The error for a part with invalid content."""
        return BackupDamagedError(self.backup.path, place, problem)

    def _read(self, part: Part, schema: pa.Schema, batch_rows: int) -> Iterator[pa.Table]:
        content = self.backup.read(part)
        try:
            most = max(ROW_MAX_ELEMENTS, NOTE_MAX_PASSAGES * self.backup.manifest.embed_dim)
            yield from read_rows(
                content, schema, rows=part.rows, batch_rows=batch_rows, row_max_values=most
            )
        except UNREADABLE as error:
            raise self.damaged(
                part.name, f"its columns are not a store's ({first_line(error)})"
            ) from error


class SoundBackup(BackupFile):
    """A backup in which every row is one that a store may have. Made by `examined`."""


def examined(
    backup: BackupFile, *, problem_of: ProblemOf, room: int | None, tell: ReportProgress
) -> SoundBackup:
    """Read a checked backup once, before anything is written, and check every row.

    `room` is the free bytes where its rows are to be stored; None if that is unknown.

    Raises:
        BackupDamagedError: A row is none that Zettel could have written.
        BackupTooLargeError: Its rows need more than `room`.
    """
    parts, needed = BackupReader(backup, tell), 0
    seen = set[str]()
    for table, rows in _batches(parts):
        needed += rows.nbytes
        if room is not None and needed > room:
            raise BackupTooLargeError(backup.path, needed, room)
        try:
            if table == NOTES:
                _check_notes(rows, backup.manifest, problem_of, seen)
            else:
                for record in rows.to_pylist():
                    check_row(table, record)
        except (ValueError, TypeError, KeyError, OverflowError, AttributeError) as error:
            problem = f"a row is none of a store's ({first_line(error)})"
            raise parts.damaged(table, problem) from error
    return SoundBackup(backup.path, backup.manifest)


def _batches(parts: BackupReader) -> Iterator[tuple[str, pa.Table]]:
    for table, spec in ((RUNS, RUNS_TABLE), (USAGE, USAGE_TABLE), (META, META_TABLE)):
        for rows in parts.of(table, spec.schema, "examining"):
            yield table, rows
    for rows in parts.notes("examining"):
        yield NOTES, rows


def _check_notes(rows: pa.Table, manifest: Manifest, problem_of: ProblemOf, seen: set[str]) -> None:
    keys: list[str] = rows.column("row_id").to_pylist()
    for note, vectors, key in zip(read_notes(rows), read_vectors(rows), keys, strict=True):
        if problem := problem_of(note):
            raise ValueError(problem)
        expect(key == note.row_id, "a revision's key is another one's")
        expect(key not in seen, "a revision is there twice")
        seen.add(key)
        if vectors is not None:
            expect(len(vectors) <= NOTE_MAX_PASSAGES, f"a note has {len(vectors)} vectors")
            check_vectors(vectors, dim=manifest.embed_dim)


def _check_usage(record: Mapping[str, object]) -> None:
    strength, count = record["strength"], record["recall_count"]
    expect(is_id(str(record["note_id"])), "a use is of no note")
    expect(isinstance(strength, float) and _within(strength), "a strength is out of range")
    expect(isinstance(count, int) and _within(count), "a count is out of range")
    expect(record["recalled_at"] is not None, "a time is missing")


def _check_run(record: Mapping[str, object]) -> None:
    for name in ("run_id", "kind", "who", "outcome"):
        _check_text(record[name], RUN_TEXT_MAX_CHARACTERS)
    expect(None not in (record["started_at"], record["ended_at"]), "a time is missing")
    counts = record["counts"]
    expect(isinstance(counts, list) and len(counts) <= RUN_MAX_COUNTS, "a run counts too much")
    for count in counts if isinstance(counts, list) else ():
        _check_text(count["name"], RUN_TEXT_MAX_CHARACTERS)
        expect(isinstance(count["n"], int), "a count is missing")


def _check_meta(record: Mapping[str, object]) -> None:
    _check_text(record["key"], RUN_TEXT_MAX_CHARACTERS)
    _check_text(record["value"], META_MAX_CHARACTERS)


_ROW_CHECKS: Mapping[str, Callable[[Mapping[str, object]], None]] = {
    USAGE: _check_usage,
    RUNS: _check_run,
    META: _check_meta,
}


def check_row(table: str, record: Mapping[str, object]) -> None:
    """Check a row of `usage`, `runs` or `meta`.

    Raises:
        ValueError, TypeError, KeyError, AttributeError: No store could have it.
    """
    _ROW_CHECKS[table](record)


def _check_text(value: object, most: int) -> None:
    fits = isinstance(value, str) and len(value) <= most and "\x00" not in value
    expect(fits, "a text is missing, too long or holds NUL")


def _within(value: float) -> bool:
    return math.isfinite(value) and 0 <= value <= USAGE_MAX
