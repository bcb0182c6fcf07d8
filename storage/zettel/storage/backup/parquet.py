"""Reads a backup's Parquet parts in bounded memory, whoever made them.

The sizes in a footer are claims, and a few bytes can decode to gigabytes: a page that decompresses
far, a dictionary's longest entry repeated for every row, one list of millions of nulls. Therefore
the header of every page is read before any page is decompressed, texts are decoded as dictionaries
and weighed before they are spread out, and rows come in small batches.
"""

# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownParameterType=false
# pyright: reportUnknownArgumentType=false, reportAttributeAccessIssue=false
# (pyarrow ships no types; pyarrow.compute makes its functions when imported)

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

FOOTER_MAX_BYTES = 1 << 20
"""A part of notes has 12 kB."""
THRIFT_MAX_ELEMENTS = 10_000
COLUMNS_MAX = 256
ROW_GROUPS_MAX = 16
PART_MAX_BYTES = 1 << 30
"""Decompressed pages of a part: 4,000 notes of the greatest length have half of it."""
PAGES_MAX_BYTES = 512 << 20
"""The largest pages of all columns, which are in memory at once."""
VECTORS_MAX_BYTES = 256 << 20
"""The vectors of a part: those of 4,000 notes of the greatest length, of 384 values each."""
ROW_MAX_ELEMENTS = 4_096
"""Elements of any list of a row; of its vectors, too."""
LIST_MAX_VALUES = 1 << 20
"""Elements of one list column in a part."""
BATCH_MAX_BYTES = 128 << 20
"""Texts of a batch; those of 128 notes of the greatest length take 50 MB."""

_WRITER = "parquet-cpp-arrow version "
_CODECS = ("ZSTD", "UNCOMPRESSED")
_WIDTHS = {"BOOLEAN": 1, "INT32": 4, "INT64": 8, "FLOAT": 4, "DOUBLE": 8, "BYTE_ARRAY": 4}
"""Bytes of a decoded value; a text has an index into its dictionary."""
_PLAIN, _OLD_DICTIONARY, _RLE, _DICTIONARY = 0, 2, 3, 8
_ENCODINGS = (_PLAIN, _OLD_DICTIONARY, _RLE, _DICTIONARY)
"""Of values; the others that Parquet has can expand a few bytes without end."""
_DICTIONARY_PAGE = 2
_PAGES = {0: (5, 2), 3: (8, 4)}
"""Kind of a page of values -> the fields of its header's struct, and of the encoding in that."""

_BOOLEANS, _I32, _I64, _BINARY, _STRUCT = (1, 2), 5, 6, 8, 12
"""Field types of Thrift's compact protocol, as a page's header has them."""

UNREADABLE = (pa.ArrowException, KeyError, OSError, ValueError)
"""Errors of `read_rows`."""


def read_rows(
    content: bytes,
    schema: pa.Schema,
    *,
    rows: int,
    batch_rows: int,
    row_max_values: int = ROW_MAX_ELEMENTS,
) -> Iterator[pa.Table]:
    """The rows of a part, a batch at a time, in the columns of a schema.

    Args:
        content: One Parquet file, as `to_parquet` writes it.
        schema: The columns to read and their types.
        rows: The number of rows it must have.
        batch_rows: Most rows of a batch.
        row_max_values: Most values that the rows' lists have on average, vectors' included.

    Raises:
        ValueError: It is no such file, has another number of rows, or is too large.
        pa.ArrowException, KeyError, OSError: It cannot be decoded.
    """
    footer = int.from_bytes(content[-8:-4], "little")
    expect(footer <= FOOTER_MAX_BYTES, f"its footer has {footer:,} bytes")
    buffer = pa.BufferReader(content)
    metadata = _open(buffer, []).metadata
    expect(metadata.num_rows == rows, f"it has {metadata.num_rows} rows, not {rows}")
    texts = _check_metadata(content, metadata, row_max_values)
    opened = _open(buffer, texts)
    for field in opened.schema_arrow:
        _check_type(field)
    for batch in opened.iter_batches(batch_rows, columns=schema.names, use_threads=False):
        longest = max(map(_longest, batch.columns), default=0)
        expect(longest <= ROW_MAX_ELEMENTS, f"a list has {longest:,} elements")
        weight = sum(_weight(column) for column in batch.columns)
        expect(weight <= BATCH_MAX_BYTES, f"{batch.num_rows} rows hold {weight:,} bytes of text")
        yield pa.Table.from_batches([batch]).select(schema.names).cast(schema)


def _open(buffer: pa.BufferReader, texts: list[str]) -> pq.ParquetFile:
    buffer.seek(0)
    return pq.ParquetFile(
        buffer,
        read_dictionary=texts,
        pre_buffer=False,
        thrift_string_size_limit=FOOTER_MAX_BYTES,
        thrift_container_size_limit=THRIFT_MAX_ELEMENTS,
        arrow_extensions_enabled=False,
    )


def _check_metadata(content: bytes, metadata: pq.FileMetaData, row_max_values: int) -> list[str]:
    """Check the pages of every column; returns the paths of the columns that hold text."""
    expect(str(metadata.created_by).startswith(_WRITER), "another program wrote it")
    expect(metadata.num_columns <= COLUMNS_MAX, f"it has {metadata.num_columns} columns")
    expect(metadata.num_row_groups <= ROW_GROUPS_MAX, "it has too many row groups")
    total, at_once = 0, 0
    values = dict.fromkeys(range(metadata.num_columns), 0)
    texts = list[str]()
    for column in values:
        form = metadata.schema.column(column)
        largest = 0
        for group in range(metadata.num_row_groups):
            chunk = metadata.row_group(group).column(column)
            read = _check_chunk(content, chunk)
            total, largest = total + read.raw_bytes, max(largest, read.largest)
            values[column] += read.values
            if form.max_repetition_level == 0:
                count = metadata.row_group(group).num_rows
                expect(read.values == count, f"{form.path} has {read.values} values of {count}")
        at_once += largest
        expect(form.physical_type in _WIDTHS, f"{form.path} holds {form.physical_type}")
        if form.physical_type == "BYTE_ARRAY":
            texts.append(form.path)
        if form.max_repetition_level:
            size = values[column] * _WIDTHS[form.physical_type]
            is_vectors = form.max_repetition_level > 1
            fits = size <= VECTORS_MAX_BYTES if is_vectors else values[column] <= LIST_MAX_VALUES
            fits = fits and values[column] <= metadata.num_rows * row_max_values
            expect(fits, f"{form.path} has {values[column]:,} values")
    expect(total <= PART_MAX_BYTES, f"it would decompress to {total:,} bytes")
    expect(at_once <= PAGES_MAX_BYTES, f"its pages would decompress to {at_once:,} bytes")
    return texts


@dataclass(frozen=True, slots=True)
class _Read:
    """The pages of a column chunk, by their headers."""

    raw_bytes: int
    """Decompressed."""
    largest: int
    """Decompressed bytes of its dictionary and its largest page."""
    values: int


def _check_chunk(content: bytes, chunk: pq.ColumnChunkMetaData) -> _Read:
    expect(chunk.compression in _CODECS, f"{chunk.path_in_schema} is packed otherwise")
    expect(not chunk.file_path, f"{chunk.path_in_schema} names another file")
    start = chunk.data_page_offset
    if chunk.has_dictionary_page and 0 < (chunk.dictionary_page_offset or 0) < start:
        start = chunk.dictionary_page_offset
    end = start + chunk.total_compressed_size
    expect(0 < start <= end <= len(content), f"{chunk.path_in_schema} is cut short")
    raw = largest = values = dictionary = 0
    while start < end:
        header, after = _header(content, start, end)
        size, packed = _number(header, 2), _number(header, 3)
        start = after + packed
        expect(start <= end, f"a page of {chunk.path_in_schema} is cut short")
        raw += size
        kind = _number(header, 1)
        if kind == _DICTIONARY_PAGE:
            dictionary = max(dictionary, size)
            continue
        fields = _PAGES.get(kind)
        if fields is None:
            raise _damaged()
        said = _struct(header, fields[0])
        encoding = _number(said, fields[1])
        expect(encoding in _ENCODINGS, f"{chunk.path_in_schema} has encoding {encoding}")
        values += _number(said, 1)
        largest = max(largest, size)
    return _Read(raw, largest + dictionary, values)


Fields = Mapping[int, object]
"""Id of a Thrift field -> a number, another struct, or None for what is not read."""


def _header(content: bytes, start: int, end: int) -> tuple[Fields, int]:
    """A page's header, and where it ends."""
    reader = _Thrift(content, start, end)
    return reader.struct(0), reader.at


def _number(fields: Fields, name: int) -> int:
    value = fields.get(name)
    if not isinstance(value, int) or not 0 <= value < 1 << 31:
        raise _damaged()
    return value


def _struct(fields: Fields, name: int) -> Fields:
    value = fields.get(name)
    if not isinstance(value, dict):
        raise _damaged()
    return value


class _Thrift:
    """Reads what a page's header may hold of Thrift's compact protocol, and nothing else."""

    def __init__(self, content: bytes, at: int, end: int) -> None:
        self._content, self.at, self._end = content, at, end

    def struct(self, depth: int) -> dict[int, object]:
        """The fields of a struct; a field that comes twice could be read in two ways."""
        fields, name = dict[int, object](), 0
        while head := self._byte():
            name = name + (head >> 4) if head >> 4 else self._signed()
            if name in fields or depth > 2:
                raise _damaged()
            fields[name] = self._value(head & 15, depth)
        return fields

    def _value(self, kind: int, depth: int) -> object:
        if kind in _BOOLEANS:
            return None
        if kind == _I32:
            return self._signed()
        if kind == _I64:
            self._unsigned()
            return None
        if kind == _BINARY:
            length = self._unsigned()
            self.at += length
            return None
        if kind == _STRUCT:
            return self.struct(depth + 1)
        raise _damaged()

    def _byte(self) -> int:
        if self.at >= self._end:
            raise _damaged()
        self.at += 1
        return self._content[self.at - 1]

    def _unsigned(self) -> int:
        value = 0
        for shift in range(0, 70, 7):
            byte = self._byte()
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
        raise _damaged()

    def _signed(self) -> int:
        value = self._unsigned()
        return (value >> 1) ^ -(value & 1)


def _check_type(field: pa.Field) -> None:
    """Refuse a type that would be decoded in another way than `_weight` expects."""
    kind = field.type
    if pa.types.is_dictionary(kind):
        expect(pa.types.is_string(kind.value_type), f"{field.name} is {kind}")
    elif pa.types.is_struct(kind):
        for number in range(kind.num_fields):
            _check_type(kind.field(number))
    elif pa.types.is_list(kind) or pa.types.is_fixed_size_list(kind):
        _check_type(kind.value_field)
    else:
        known = (pa.types.is_integer, pa.types.is_floating, pa.types.is_boolean)
        fits = pa.types.is_timestamp(kind) or any(is_kind(kind) for is_kind in known)
        expect(fits, f"{field.name} is {kind}")


def _weight(array: pa.Array) -> int:
    """Total bytes of the texts in an array, repeats included."""
    if pa.types.is_dictionary(array.type):
        lengths = pc.binary_length(array.dictionary)
        return pc.sum(lengths.take(array.indices).cast(pa.int64())).as_py() or 0
    if pa.types.is_struct(array.type):
        return sum(_weight(array.field(number)) for number in range(array.type.num_fields))
    if pa.types.is_list(array.type) or pa.types.is_fixed_size_list(array.type):
        return 0 if pa.types.is_floating(array.type.value_type) else _weight(array.flatten())
    return 0


def _longest(array: pa.Array) -> int:
    """The most elements that a list of a column has."""
    if not pa.types.is_list(array.type):
        return 0
    return pc.max(pc.list_value_length(array)).as_py() or 0


def expect(fits: bool, problem: str) -> None:
    """Raise a `ValueError` with the problem unless it fits."""
    if not fits:
        raise ValueError(problem)


def _damaged() -> ValueError:
    return ValueError("a page's header is not as Zettel writes it")
