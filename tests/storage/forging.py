"""Backups that were tampered with and hashed again, as an attacker does who knows the format."""

# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownParameterType=false
# pyright: reportUnknownArgumentType=false
# (pyarrow ships no types)

import json
import zipfile
from collections.abc import Callable, Mapping
from hashlib import sha256
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from zettel.storage.backup.create import to_parquet
from zettel.storage.backup.manifest import COUNTED, MANIFEST
from zettel.storage.lance.schema import RUNS

Record = dict[str, object]


def forge(file: Path, table: str, content: bytes, *, rows: int) -> None:
    """Put a part in place of a table's own, with a manifest that names it."""
    with zipfile.ZipFile(file) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    manifest = json.loads(entries.pop(MANIFEST))
    ending = "jsonl" if table == "erasures" else "parquet"
    part = {"name": f"{table}-00000.{ending}", "table": table, "rows": rows, "bytes": len(content),
            "sha256": sha256(content).hexdigest()}  # fmt: skip
    manifest["parts"] = [known for known in manifest["parts"] if known["table"] != table] + [part]
    manifest["counts"] |= {name: rows for name, held in COUNTED.items() if held == table}
    entries = {known["name"]: entries.get(known["name"], b"") for known in manifest["parts"]}
    entries[part["name"]] = content
    write(file, entries | {MANIFEST: json.dumps(manifest).encode()})


def write(file: Path, entries: Mapping[str, bytes]) -> None:
    """Write a zip of uncompressed entries."""
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in entries.items():
            archive.writestr(name, content)


def part_of(file: Path, table: str) -> bytes:
    """The first part of a table."""
    with zipfile.ZipFile(file) as archive:
        return archive.read(f"{table}-00000.parquet")


def change_rows(file: Path, table: str, change: Callable[[list[Record]], object]) -> None:
    """Forge a part from its own rows after a change of them."""
    rows = pq.read_table(pa.BufferReader(part_of(file, table)))
    records = rows.to_pylist()
    change(records)
    free = pa.schema([field.with_nullable(True) for field in rows.schema])
    made = pa.Table.from_pylist(records, schema=free)
    forge(file, table, to_parquet(made), rows=made.num_rows)


def add_run(file: Path, record: Record) -> None:
    """Put a run into a backup."""
    forge(file, "runs", to_parquet(pa.Table.from_pylist([record], schema=RUNS.schema)), rows=1)


def change_columns(file: Path, table: str, change: Callable[[pa.Table], pa.Table]) -> int:
    """Forge a part from its own columns after a change of them; returns its bytes."""
    made = change(pq.read_table(pa.BufferReader(part_of(file, table))))
    sink = pa.BufferOutputStream()
    pq.write_table(made, sink, compression="zstd", use_dictionary=len(made) > 1)
    content = sink.getvalue().to_pybytes()
    forge(file, table, content, rows=made.num_rows)
    return len(content)


def repeated(text: str, rows: int) -> pa.Array:
    """A text for every row, kept once."""
    return pa.DictionaryArray.from_arrays(pa.nulls(rows, pa.int32()).fill_null(0), pa.array([text]))


def in_every_row(rows: pa.Table, count: int, texts: Mapping[str, str]) -> pa.Table:
    """The first row so often, with some texts in place of its own."""
    made = rows.take(pa.nulls(count, pa.int32()).fill_null(0))
    columns = {text: repeated(text, count) for text in set(texts.values())}
    for name, text in texts.items():
        made = made.set_column(made.schema.get_field_index(name), name, columns[text])
    return made


def many_texts_in_every_row(rows: pa.Table) -> pa.Table:
    """7 MB in each of 2,000 rows: 14 GB from some kilobytes."""
    return in_every_row(rows, 2_000, {"content": "A" * 7_000_000})


def pages_that_grow(rows: pa.Table) -> pa.Table:
    """One row of 18 texts of 64 MB: 1.2 GB."""
    texts = ("content", "context", "subject", "session", "source", "summary", "kind", "state",
             "changed_by", "change", "reason", "run_id", "text", "embed_model", "namespace",
             "fold_hash", "note_id", "row_id")  # fmt: skip
    return in_every_row(rows, 1, dict.fromkeys(texts, "A" * (64 << 20)))


def a_list_without_end(rows: pa.Table) -> pa.Table:
    """A note with 20 million tags."""
    count = 20_000_000
    tags = pa.ListArray.from_arrays(pa.array([0, count], pa.int32()), repeated("", count))
    made = rows.slice(0, 1)
    return made.set_column(made.schema.get_field_index("tags"), "tags", tags)


def vectors_without_end(rows: pa.Table) -> pa.Table:
    """A note with five million vectors of four values."""
    count = 5_000_000
    values = repeated_number(4 * count)
    vectors = pa.FixedSizeListArray.from_arrays(values, 4)
    lists = pa.ListArray.from_arrays(pa.array([0, count], pa.int32()), vectors)
    made = rows.slice(0, 1)
    return made.set_column(made.schema.get_field_index("vectors"), "vectors", lists)


def repeated_number(count: int) -> pa.Array:
    """A half, so often."""
    return pa.nulls(count, pa.float32()).fill_null(0.5)


BOMBS = (many_texts_in_every_row, pages_that_grow, a_list_without_end, vectors_without_end)
