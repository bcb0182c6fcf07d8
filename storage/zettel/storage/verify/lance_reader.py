"""Decodes files of Lance's format to texts, bytes and vectors, with pylance.

pylance is an extra (`zettel-mcp[verify]`): import this module only after `require_extra`.
"""

# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownParameterType=false
# pyright: reportUnknownArgumentType=false
# (pyarrow ships no types, pylance some)

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import lance
import numpy as np
import pyarrow as pa
from lance.file import LanceFileReader
from numpy.typing import NDArray

BATCH_ROWS = 4096
"""Rows decoded at a time: some 10 MB of notes."""

NOTE_ID_COLUMN = "note_id"
"""Column with the id of a row's note."""


class UndecodableError(ValueError):
    """A file cannot be decoded; the text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaf:
    """One column of a batch, with all lists and structs flattened."""

    column: str
    """Dotted."""
    rows: NDArray[np.int64]
    """Row of the file of each value, shape `(n,)`."""
    texts: list[str] | None = None
    blobs: list[bytes] | None = None
    vectors: NDArray[np.float32] | None = None
    """Shape `(n, dim)`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnBatch:
    """Some rows of a file."""

    owners: Mapping[int, str]
    """Row of the file -> id of its note; empty for a file without ids."""
    leaves: tuple[Leaf, ...]


def read_columns(file: Path) -> set[str]:
    """Names of a file's columns.

    Raises:
        UndecodableError: It is damaged, or has another format.
        FileNotFoundError: It is gone.
    """
    return set(_open(file).metadata().schema.names)


def read_metadata(file: Path) -> dict[str, str]:
    """A file's metadata; raises as `read_columns`."""
    noted: Mapping[bytes, bytes] = _open(file).metadata().schema.metadata or {}
    return {name.decode(): value.decode() for name, value in noted.items()}


def read_batches(file: Path) -> Iterator[ColumnBatch]:
    """Everything in a file, deleted rows too, without numbers and times.

    Raises:
        UndecodableError: It is damaged, has another format, or columns of other types.
        FileNotFoundError: It is gone.
    """
    first = 0
    try:
        for batch in _open(file).read_all(batch_size=BATCH_ROWS).to_batches():
            yield _opened(batch, first)
            first += batch.num_rows
    except (OSError, RuntimeError, ValueError) as error:
        raise _undecodable(file, error) from error


def read_deletions(file: Path) -> None:
    """Check that an `.arrow` deletion file contains only numbers.

    Raises:
        UndecodableError: It does not, or cannot be read.
        FileNotFoundError: It is gone.
    """
    try:
        table = pa.ipc.open_file(file.read_bytes()).read_all()
    except pa.ArrowInvalid as error:
        raise _undecodable(file, error) from error
    for column in table.schema:
        if not pa.types.is_integer(column.type):
            message = f"column {column.name} of type {column.type}"
            raise UndecodableError(message)


def live_rows(table: Path) -> dict[str, NDArray[np.int64]]:
    """Name of each data file of a table's newest version -> its undeleted rows.

    Raises:
        UndecodableError: The table cannot be opened.
    """
    try:
        dataset = lance.dataset(_uri(table))
        rows = dataset.scanner(columns=[], with_row_address=True).to_table()
        fragments = [(f.fragment_id, f.metadata.files) for f in dataset.get_fragments()]
    except (OSError, RuntimeError, ValueError) as error:
        raise _undecodable(table, error) from error
    addresses = rows["_rowaddr"].to_numpy().astype(np.uint64)
    fragment_of, offsets = addresses >> np.uint64(32), addresses & np.uint64(0xFFFFFFFF)
    return {
        Path(file.path).name: np.sort(offsets[fragment_of == fragment].astype(np.int64))
        for fragment, files in fragments
        for file in files
    }


def stored_model(directory: Path) -> str:
    """The embedding model in a store's `meta`; empty if it cannot be read."""
    try:
        meta = lance.dataset(_uri(directory / "meta.lance"))
        values = meta.to_table(columns=["value"], filter="key = 'embed_model'")["value"]
    except (OSError, RuntimeError, ValueError):
        return ""
    return next(iter(values.to_pylist()), "")


def tokens_of(text: str, params: str) -> set[str]:
    """The terms that a full-text index stores for a text.

    `params` are the index's settings, the JSON in its metadata.

    Raises:
        UndecodableError: pylance does not know the settings.
    """
    try:
        given = json.loads(params)
        known = {name: given[name] for name in _TOKENIZER if name in given}
        return {token.text for token in lance.tokenize(text, **known)}
    except (OSError, RuntimeError, TypeError, ValueError) as error:
        raise UndecodableError(str(error)) from error


_TOKENIZER = (
    "base_tokenizer",
    "language",
    "max_token_length",
    "lower_case",
    "stem",
    "remove_stop_words",
    "custom_stop_words",
    "ascii_folding",
    "min_ngram_length",
    "max_ngram_length",
    "prefix_only",
    "split_identifiers",
    "split_on_numerics",
    "preserve_original",
    "index_operators",
)
"""Settings of an index that `lance.tokenize` takes."""


def _opened(batch: pa.RecordBatch, first: int) -> ColumnBatch:
    rows = np.arange(first, first + batch.num_rows)
    owners = dict[int, str]()
    if NOTE_ID_COLUMN in batch.schema.names:
        owners = dict(zip(rows.tolist(), batch[NOTE_ID_COLUMN].to_pylist(), strict=True))
    leaves = (
        leaf
        for name, column in zip(batch.schema.names, batch.columns, strict=True)
        for leaf in _leaves(name, column, rows)
    )
    return ColumnBatch(owners=owners, leaves=tuple(leaves))


def _leaves(column: str, array: pa.Array, rows: NDArray[np.int64]) -> Iterator[Leaf]:
    """Flatten an array to its values with their rows."""
    kind = array.type
    if pa.types.is_struct(kind):
        for field, child in zip(kind, array.flatten(), strict=True):
            yield from _leaves(f"{column}.{field.name}", child, rows)
    elif pa.types.is_list(kind) or pa.types.is_large_list(kind):
        lengths = array.value_lengths().fill_null(0).to_numpy(zero_copy_only=False)
        yield from _leaves(column, array.flatten(), np.repeat(rows, lengths))
    elif pa.types.is_fixed_size_list(kind):
        kept = rows[array.is_valid().to_numpy(zero_copy_only=False)]
        if pa.types.is_floating(kind.value_type):
            numbers = array.flatten().to_numpy(zero_copy_only=False).astype(np.float32)
            shaped = numbers.reshape(-1, kind.list_size)
            yield Leaf(column=column, rows=kept, vectors=shaped)
        else:
            yield from _leaves(column, array.flatten(), np.repeat(kept, kind.list_size))
    elif pa.types.is_dictionary(kind):
        yield from _leaves(column, array.dictionary_decode(), rows)
    elif pa.types.is_string(kind) or pa.types.is_large_string(kind):
        yield Leaf(column=column, rows=rows, texts=[text or "" for text in array.to_pylist()])
    elif pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        yield Leaf(column=column, rows=rows, blobs=[blob or b"" for blob in array.to_pylist()])
    elif not (pa.types.is_primitive(kind) or pa.types.is_null(kind)):
        message = f"column {column} of type {kind}"
        raise UndecodableError(message)


def _open(file: Path) -> LanceFileReader:
    try:
        return LanceFileReader(_uri(file))
    except (OSError, RuntimeError, ValueError) as error:
        raise _undecodable(file, error) from error


def _uri(path: Path) -> str:
    return path.absolute().as_uri()


def _undecodable(file: Path, error: Exception) -> Exception:
    """The error to raise, without Lance's own message, which could quote content."""
    if not file.exists():
        return FileNotFoundError(str(file))
    return UndecodableError(f"pylance {lance.__version__} cannot read it ({type(error).__name__})")
