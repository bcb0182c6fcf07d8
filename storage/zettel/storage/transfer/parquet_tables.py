"""An export as Parquet: one file of notes, or a folder with a file for each table."""

# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownParameterType=false
# pyright: reportUnknownArgumentType=false
# (pyarrow ships no types)

from collections.abc import Mapping
from contextlib import suppress
from typing import BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from zettel.storage.backup.manifest import NOTES, RUNS, USAGE
from zettel.storage.lance.schema import RUNS as RUNS_TABLE
from zettel.storage.lance.schema import USAGE as USAGE_TABLE
from zettel.storage.lance.schema import VECTORS, notes_table

PARQUET_TABLES = (NOTES, USAGE, RUNS)
"""Tables of a folder; each is a file of that name."""
COMPUTED = ("row_id", "fold_hash", "link_ids", "text")
"""Columns that a store computes of others and searches by; they are left out."""


class ParquetSink:
    """Writes a store's rows into Parquet files.

    Rows of tables without a file are left out; `dim` is None for an export without vectors.
    """

    def __init__(self, files: Mapping[str, BinaryIO], *, dim: int | None) -> None:
        notes = notes_table(dim or 1).schema
        left_out = COMPUTED if dim else (*COMPUTED, VECTORS)
        schemas = {
            NOTES: pa.schema([field for field in notes if field.name not in left_out]),
            USAGE: USAGE_TABLE.schema,
            RUNS: RUNS_TABLE.schema,
        }
        self._writers = {
            table: pq.ParquetWriter(
                file, schemas[table].remove_metadata(), compression="zstd", store_schema=True
            )
            for table, file in files.items()
        }
        self._counts = dict.fromkeys(files, 0)

    def add_rows(self, table: str, rows: pa.Table) -> None:
        """Write a row group."""
        if table in self._writers:
            writer = self._writers[table]
            writer.write_table(rows.select(writer.schema.names).cast(writer.schema))
            self._counts[table] += rows.num_rows

    def add_erasures(self, lines: bytes) -> None:
        """Leave the ledger out: it is for restoring alone."""

    def finish(self) -> Mapping[str, int]:
        """Write the footers; returns the rows of each table."""
        for writer in self._writers.values():
            writer.close()
        return self._counts

    def close(self) -> None:
        """Close what could not be finished, which each writer would try once it is dropped."""
        for writer in self._writers.values():
            with suppress(OSError):
                writer.close()
