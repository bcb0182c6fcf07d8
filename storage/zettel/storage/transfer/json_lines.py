"""An export as JSON lines: one record a line, each with a `type`.

The first line is the header, the last one has the counts, so that a file that was cut short is
noticed. Times are ISO 8601 in UTC; fields with their default value are left out.
"""

# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownParameterType=false
# pyright: reportUnknownArgumentType=false
# (pyarrow ships no types)

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime
from hashlib import sha256
from typing import Annotated, BinaryIO, ClassVar, Literal

import numpy as np
import pyarrow as pa
from pydantic import ConfigDict, Field, JsonValue, TypeAdapter

from zettel.storage.backup.manifest import NOTES, RUNS, USAGE
from zettel.storage.lance.rows import read_notes, read_vectors, utc
from zettel.storage.lance.schema import VECTORS
from zettel.storage.lance.side_tables import read_runs
from zettel.storage.notes import Kind, Note, Run, State, Usage
from zettel.storage.store import Vectors

LINES_FORMAT = "zettel-export"
LINES_VERSION = 1
"""Raised when an older Zettel could misread the lines."""

_STRICT = ConfigDict(extra="forbid", ser_json_bytes="base64", val_json_bytes="base64")


@dataclass(frozen=True, slots=True, kw_only=True)
class VectorsOf:
    """The model of exported vectors."""

    model: str
    """Name and weights' fingerprint."""
    dim: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportHeader:
    """The first line."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    type: Literal["header"] = "header"
    format: str
    version: int
    export_id: str
    made_at: str
    """ISO 8601, UTC."""
    made_by: str
    """Zettel's version."""
    schema_version: int
    namespaces: tuple[str, ...]
    """Those exported; empty for all."""
    history: bool
    """False for notes as they were at that moment, without earlier revisions."""
    vectors: VectorsOf | None
    """None for an export without vectors."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportedNote(Note):
    """One revision. These four fields are written even with their default value."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    rev: int  # pyright: ignore[reportGeneralTypeIssues] required here
    current: bool  # pyright: ignore[reportGeneralTypeIssues] required here
    kind: Kind  # pyright: ignore[reportGeneralTypeIssues] required here
    state: State  # pyright: ignore[reportGeneralTypeIssues] required here
    type: Literal["note"] = "note"
    vectors: bytes | None = None
    """Base64 of float32, little-endian, of shape `(passages, dim)`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportedUsage(Usage):
    """How often a note was recalled."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    type: Literal["usage"] = "usage"


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportedRun(Run):
    """One run."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    type: Literal["run"] = "run"


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportedValue:
    """One named value of the store: other names of namespaces, access tokens' hashes, and so on."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    type: Literal["value"] = "value"
    key: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportedErasure:
    """One entry of the ledger of erasures: salted hashes, no text and no ids."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    type: Literal["erasure"] = "erasure"
    receipt: dict[str, JsonValue]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportEnd:
    """The last line."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    type: Literal["end"] = "end"
    counts: Mapping[str, int]
    """Lines of each type between header and end."""
    sha256: str = ""
    """Hex, of all bytes before this line; empty in a file that somebody changed on purpose."""


ExportLine = (
    ExportHeader
    | ExportedNote
    | ExportedUsage
    | ExportedRun
    | ExportedValue
    | ExportedErasure
    | ExportEnd
)

LINES = TypeAdapter[ExportLine](Annotated[ExportLine, Field(discriminator="type")])
COUNTED_TYPES: tuple[str, ...] = ("note", "usage", "run", "value", "erasure")
_NOTE_FIELDS = [field.name for field in fields(Note)]
_RUN_FIELDS = [field.name for field in fields(Run)]


class JsonLinesSink:
    """Writes a store's rows as lines."""

    def __init__(self, raw: BinaryIO, header: ExportHeader) -> None:
        self._raw, self._hash = raw, sha256()
        self._has_vectors = header.vectors is not None
        self._counts = dict.fromkeys(COUNTED_TYPES, 0)
        self._write(header)

    def add_rows(self, table: str, rows: pa.Table) -> None:
        """Write a line for each row."""
        for line in self._lines(table, rows):
            self._put(line)

    def add_erasures(self, lines: bytes) -> None:
        """Write a line for each entry of the ledger."""
        for line in lines.splitlines():
            try:
                receipt = json.loads(line)
            except ValueError:  # cut short by a crash; readers of the ledger skip it, too
                continue
            self._put(ExportedErasure(receipt=receipt))

    def finish(self) -> Mapping[str, int]:
        """Write the last line; returns the counts."""
        self._write(ExportEnd(counts=self._counts, sha256=self._hash.hexdigest()))
        return self._counts

    def close(self) -> None:
        """Nothing is held but the file, which is its opener's."""

    def _lines(self, table: str, rows: pa.Table) -> Iterable[ExportLine]:
        if table == NOTES:
            notes = read_notes(rows)
            vectors = read_vectors(rows) if VECTORS in rows.column_names else [None] * len(notes)
            return (self._note(note, own) for note, own in zip(notes, vectors, strict=True))
        records = rows.to_pylist()
        if table == USAGE:
            return (_usage(**record) for record in records)
        if table == RUNS:
            runs = read_runs(records)
            return (
                ExportedRun(**{name: getattr(run, name) for name in _RUN_FIELDS}) for run in runs
            )
        return (ExportedValue(**record) for record in records)

    def _note(self, note: Note, vectors: Vectors | None) -> ExportedNote:
        line = ExportedNote(**{name: getattr(note, name) for name in _NOTE_FIELDS})
        if not self._has_vectors:
            return replace(line, embed_model="")
        return replace(line, vectors=None if vectors is None else vectors.astype("<f4").tobytes())

    def _put(self, line: ExportLine) -> None:
        self._counts[line.type] += 1
        self._write(line)

    def _write(self, line: ExportLine) -> None:
        own = LINES.dump_json(line, exclude={"type"}, exclude_defaults=True)
        written = b'{"type":"%s",%s\n' % (line.type.encode(), own[1:])
        self._hash.update(written)
        self._raw.write(written)


def _usage(
    *, recalled_at: datetime, note_id: str, strength: float, recall_count: int
) -> ExportLine:
    return ExportedUsage(
        note_id=note_id,
        strength=strength,
        recalled_at=utc(recalled_at),
        recall_count=recall_count,
    )


def vectors_of(line: ExportedNote, dim: int) -> Vectors | None:
    """The vectors of a line: float32, shape `(passages, dim)`.

    Raises:
        ValueError: They have another length.
    """
    if line.vectors is None:
        return None
    return np.frombuffer(line.vectors, "<f4").reshape(-1, dim)
