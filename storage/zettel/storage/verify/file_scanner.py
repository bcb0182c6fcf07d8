"""Searches one file of a store: decoded, and as raw bytes."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from zettel.storage.verify.file_kinds import (
    LANCE_KINDS,
    TOKEN_COLUMN,
    kind_of,
    strange_columns,
    table_of,
)
from zettel.storage.verify.fst import FstError, read_keys
from zettel.storage.verify.lance_reader import (
    ColumnBatch,
    Leaf,
    UndecodableError,
    read_batches,
    read_columns,
    read_deletions,
    read_metadata,
    tokens_of,
)
from zettel.storage.verify.patterns import BREAK, VECTOR, SearchPattern, SearchPatterns, fold_words
from zettel.storage.verify.report import ErasureQuery, FileKind, MatchKind

FOOTER_BYTES = 16
"""Position of the manifest (64 bits), format version (2 x 16), `LANC` (lance-table 13.0)."""
LANCE_MAGIC = b"LANC"

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
"""Wire types of protocol buffers (protobuf.dev, "Encoding"); groups are not used."""


def is_manifest(data: bytes) -> bool:
    """Whether these bytes are messages, each after its 32-bit length, and Lance's footer.

    Text in protocol buffers is uncompressed, so a search of the bytes finds it; were a later Lance
    to compress it, this check of the framing would fail.
    """
    if len(data) < FOOTER_BYTES or not data.endswith(LANCE_MAGIC):
        return False
    at, end = 0, len(data) - FOOTER_BYTES
    while at < end:
        size = int.from_bytes(data[at : at + 4], "little")
        if at + 4 + size > end or not is_message(data[at + 4 : at + 4 + size]):
            return False
        at += 4 + size
    return at == end


def is_message(data: bytes) -> bool:
    """Whether these bytes are exactly the fields of one protocol buffer message."""
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        wire = key & 7
        if key >> 3 == 0:
            return False
        if wire == _VARINT:
            _, at = _varint(data, at)
        elif wire == _BYTES:
            size, at = _varint(data, at)
            at += size
        elif wire in {_FIXED64, _FIXED32}:
            at += 8 if wire == _FIXED64 else 4
        else:
            return False
    return at == len(data)


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """A number and the offset after it; beyond the end if it is truncated."""
    value = shift = 0
    while at < len(data):
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
    return value, len(data) + 1


TEXT_COLUMN = "text"
"""The column of the full-text index."""

TOLERANCE = 1e-3
"""Maximum distance of two vectors of one text: batches move the packaged model's by 1e-6."""
_NEAR = 1e-2
"""Distance below which float32's rounding is not trusted."""

READ_CHUNK_BYTES = 1 << 24
"""Bytes of a large file read at a time."""
READ_OVERLAP_BYTES = 64
"""Bytes read again at the start of a chunk: more than any verbatim piece has."""

_ROARING = (b"\x3a\x30", b"\x3b\x30")
"""First bytes of a 32-bit roaring bitmap (RoaringFormatSpec: cookies 12346 and 12347)."""

_NO_ROWS = np.zeros(0, dtype=np.int64)


@dataclass(frozen=True, slots=True)
class FileMatch:
    """Where a piece was found in a file."""

    needle: SearchPattern
    column: str = ""
    note_id: str = ""
    live: bool = False


@dataclass(slots=True, kw_only=True)
class FileScan:
    """The matches in one file."""

    path: str
    kind: FileKind
    size: int = 0
    hits: Counter[FileMatch] = field(default_factory=Counter[FileMatch])
    terms: dict[str, set[str]] = field(default_factory=dict[str, set[str]])
    """Settings of a full-text index -> terms of the query's texts in its vocabulary."""
    others_words: set[str] = field(default_factory=set[str])
    """Words, by white space, in the full-text column of other live notes."""
    problem: str = ""
    """Why it could not be decoded; empty if it was."""


class FileScanner:
    """Searches files."""

    def __init__(self, wanted: ErasureQuery, needles: SearchPatterns) -> None:
        self._ids = frozenset(wanted.ids)
        self._text = "\n".join(wanted.texts)
        self._needles = needles
        self._terms = dict[str, set[str]]()

    def look(self, directory: Path, path: str, live: NDArray[np.int64] = _NO_ROWS) -> FileScan:
        """Search one file.

        Args:
            directory: The store's.
            path: Of the file, below it, with `/`.
            live: Rows of a data file that are in the newest version of its table, ascending.

        Raises:
            FileNotFoundError: It is gone.
        """
        file = directory / path
        seen = FileScan(path=path, kind=kind_of(path), size=file.stat().st_size)
        self._bytes(seen, path.encode("utf-8", "surrogateescape"))
        for chunk in _chunks(file):
            self._bytes(seen, chunk)
        if seen.size:
            try:
                self._decode(file, seen, live)
            except UndecodableError as error:
                seen.problem = str(error)
        return seen

    def _decode(self, file: Path, seen: FileScan, live: NDArray[np.int64]) -> None:
        if seen.kind in LANCE_KINDS:
            self._pages(file, seen, live)
        elif seen.kind is FileKind.TEMPORARY and file.parent.name == "data":
            self._pages(file, seen, live)
        elif seen.kind is FileKind.DELETION and file.suffix == ".arrow":
            read_deletions(file)
        else:
            self._plain(file.read_bytes(), seen)

    def _plain(self, data: bytes, seen: FileScan) -> None:
        """Search an uncompressed file, after checking that it is one."""
        if seen.kind is FileKind.MANIFEST and not (is_manifest(data) or _is_json(data)):
            raise UndecodableError("it is no manifest of a known format")
        if seen.kind is FileKind.TRANSACTION and not is_message(data):
            raise UndecodableError("it is no transaction of a known format")
        if seen.kind is FileKind.DELETION and not data.startswith(_ROARING):
            raise UndecodableError("it is no bitmap of a known format")
        if seen.kind is FileKind.TEMPORARY and not is_manifest(data):
            raise UndecodableError("it is unfinished")
        if seen.kind is FileKind.OTHER and table_of(seen.path):
            raise UndecodableError("LanceDB is not known to write such a file")
        if seen.kind is FileKind.OTHER and not _is_text(data):
            raise UndecodableError("it is neither LanceDB's nor Zettel's, and no plain text")
        words = fold_words(data.decode("utf-8", "replace").replace(BREAK, " ")).encode()
        for at, _ in self._needles.in_words.find(words):
            seen.hits[FileMatch(self._needles.words[at])] += 1

    def _pages(self, file: Path, seen: FileScan, live: NDArray[np.int64]) -> None:
        if seen.kind in LANCE_KINDS - {FileKind.DATA}:
            strange = strange_columns(seen.path, read_columns(file))
            if strange:
                message = f"columns {', '.join(sorted(strange))} are not known"
                raise UndecodableError(message)
        for batch in read_batches(file):
            for leaf in batch.leaves:
                for needle, row in self._in_leaf(leaf):
                    owner = batch.owners.get(row, "")
                    hit = FileMatch(needle, leaf.column, owner, _has(live, row))
                    seen.hits[hit] += 1
                if leaf.column == TOKEN_COLUMN:
                    self._vocabulary(file, seen, leaf)
                if leaf.column == TEXT_COLUMN and leaf.texts is not None and self._text:
                    seen.others_words |= self._of_others(batch, leaf, live)

    def _bytes(self, seen: FileScan, data: bytes) -> None:
        for at, _ in self._needles.in_bytes.find(data):
            seen.hits[FileMatch(self._needles.verbatim[at])] += 1

    def _in_leaf(self, leaf: Leaf) -> Iterator[tuple[SearchPattern, int]]:
        """Matches in a column, with their rows in the file."""
        needles = self._needles
        if leaf.vectors is not None:
            yield from self._in_vectors(leaf.vectors, leaf.rows)
        if leaf.blobs is not None:
            ends = np.cumsum([len(blob) for blob in leaf.blobs])
            for at, offset in needles.in_bytes.find(b"".join(leaf.blobs)):
                blob = np.searchsorted(ends, offset, side="right")
                if offset + len(needles.verbatim[at].form) <= ends[blob]:
                    yield needles.verbatim[at], int(leaf.rows[blob])
        if leaf.texts is None or not any(leaf.texts):
            return
        joined = BREAK.join(text.replace(BREAK, " ") for text in leaf.texts)
        for data, matcher, known in (
            (joined.encode("utf-8", "surrogatepass"), needles.in_bytes, needles.verbatim),
            (fold_words(joined).encode("utf-8", "surrogatepass"), needles.in_words, needles.words),
        ):
            breaks = np.flatnonzero(np.frombuffer(data, dtype=np.uint8) == 0)
            for at, offset in matcher.find(data):
                yield known[at], int(leaf.rows[np.searchsorted(breaks, offset)])

    def _in_vectors(
        self, vectors: NDArray[np.float32], rows: NDArray[np.int64]
    ) -> Iterator[tuple[SearchPattern, int]]:
        """Vectors near a queried one, with their windows, and their rows.

        Another note that has the vector thereby explains the windows in the file's bytes.
        """
        needles = self._needles
        for place in _near(vectors, needles.vectors):
            row, told = int(rows[place]), vectors[place].astype("<f4").tobytes()
            yield VECTOR, row
            for number, _ in needles.in_bytes.find(told):
                if needles.verbatim[number].what is MatchKind.VECTOR:
                    yield needles.verbatim[number], row

    def _vocabulary(self, file: Path, seen: FileScan, leaf: Leaf) -> None:
        """Terms of the query's texts in a full-text index."""
        noted = read_metadata(file.with_name("metadata.lance"))
        params = noted.get("params", "")
        if noted.get("token_set_format") != "fst" or not params:
            raise UndecodableError("its vocabulary is of an unknown format")
        if params not in self._terms:
            self._terms[params] = tokens_of(self._text, params)
        try:
            keys = {key.decode() for blob in leaf.blobs or () for key in read_keys(blob)}
        except FstError as error:
            message = f"its vocabulary cannot be read: {error}"
            raise UndecodableError(message) from error
        seen.terms.setdefault(params, set()).update(keys & self._terms[params])

    def _of_others(self, batch: ColumnBatch, leaf: Leaf, live: NDArray[np.int64]) -> set[str]:
        rows = zip(leaf.rows.tolist(), leaf.texts or (), strict=True)
        texts = (t for r, t in rows if batch.owners.get(r, "") not in self._ids and _has(live, r))
        return set("\n".join(texts).split())


def _chunks(file: Path) -> Iterator[bytes]:
    with file.open("rb") as opened:
        last = b""
        while chunk := opened.read(READ_CHUNK_BYTES):
            yield last + chunk
            last = chunk[-READ_OVERLAP_BYTES:]


def _near(vectors: NDArray[np.float32], wanted: NDArray[np.float64]) -> NDArray[np.int64]:
    """Indices of the vectors that match a queried text, once per match."""
    if not len(wanted) or wanted.shape[1] != vectors.shape[1]:
        return _NO_ROWS
    squares = (vectors**2).sum(axis=1)[:, None] + (wanted**2).sum(axis=1).astype(np.float32)
    rough = squares - 2 * (vectors @ wanted.T.astype(np.float32))
    row, which = np.nonzero(rough < _NEAR**2)
    exact = np.linalg.norm(vectors[row].astype(np.float64) - wanted[which], axis=1)
    return row[exact <= TOLERANCE]


def _has(rows: NDArray[np.int64], row: int) -> bool:
    at = np.searchsorted(rows, row)
    return bool(at < len(rows) and rows[at] == row)


def _is_json(data: bytes) -> bool:
    try:
        return isinstance(json.loads(data), Mapping)
    except ValueError:
        return False


def _is_text(data: bytes) -> bool:
    try:
        return "\x00" not in data.decode()
    except UnicodeDecodeError:
        return False
