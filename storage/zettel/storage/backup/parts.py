"""The parts of a backup as Arrow tables."""

# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownParameterType=false
# pyright: reportUnknownArgumentType=false, reportUnknownLambdaType=false
# (pyarrow ships no types)

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.parquet as pq

from zettel.storage.backup.archive import BackupFile, Tell
from zettel.storage.backup.errors import BackupDamagedError
from zettel.storage.backup.manifest import NOTES, Part
from zettel.storage.lance.rows import read_notes
from zettel.storage.lance.schema import notes_table
from zettel.storage.notes import Note


class BackupReader:
    """Reads a checked backup; each part is compared with its hash once more.

    Args:
        backup: The file.
        tell: Told step, rows done, rows in all.
    """

    def __init__(self, backup: BackupFile, tell: Tell) -> None:
        self.backup, self.tell = backup, tell

    def of(self, name: str, schema: pa.Schema, step: str) -> Iterator[pa.Table]:
        """The rows of a table, part by part, in the columns of its schema."""
        parts = self.backup.manifest.of(name)
        total, done = sum(part.rows for part in parts), 0
        for part in parts:
            self.tell(step, done, total)
            yield self._read(part, schema)
            done += part.rows
        self.tell(step, done, total)

    def notes(self, step: str) -> Iterator[pa.Table]:
        """The rows of the notes."""
        return self.of(NOTES, notes_table(self.backup.manifest.embed_dim).schema, step)

    def read_notes(self, step: str) -> Iterator[Note]:
        """Every revision, without its vectors."""
        for rows in self.notes(step):
            try:
                yield from read_notes(rows)
            except (ValueError, TypeError, KeyError) as error:
                raise self.damaged(NOTES, f"it holds what is no note ({error})") from error

    def damaged(self, place: str, problem: str) -> BackupDamagedError:
        """The error of a part that is whole and yet wrong."""
        return BackupDamagedError(self.backup.path, place, problem)

    def _read(self, part: Part, schema: pa.Schema) -> pa.Table:
        content = self.backup.read(part)
        try:
            rows = pq.read_table(pa.BufferReader(content)).select(schema.names).cast(schema)
        except (pa.ArrowException, KeyError, OSError) as error:
            problem = f"its columns are not a store's ({str(error).splitlines()[0]})"
            raise self.damaged(part.name, problem) from error
        if rows.num_rows != part.rows:
            problem = f"it has {rows.num_rows} rows, the manifest says {part.rows}"
            raise self.damaged(part.name, problem)
        return rows
