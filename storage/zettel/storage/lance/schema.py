"""The tables of a LanceDB store: columns, keys and indices."""

# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownParameterType=false
# pyright: reportUnknownArgumentType=false, reportUnknownLambdaType=false
# (pyarrow ships no types, lancedb some)

from collections.abc import Mapping
from dataclasses import dataclass, field

import pyarrow as pa
from lancedb.index import FTS, Bitmap, BTree, LabelList

from zettel.storage.revisions import DERIVED_FIELDS

SCHEMA_VERSION = 1
"""Of a new store and of a backup; raised when an older Zettel could misread them."""
REEMBEDDED_SCHEMA_VERSION = 2
"""Of a store whose vectors are, or were, made anew: they may be in columns with other names."""

FIRST_VECTOR_SET = 1
"""Number of the vectors of a new store. Each re-embedding has the next one, never used before."""
VECTORS, EMBED_MODEL = "vectors", "embed_model"
"""Columns of the first set; those of another one end with its number."""

TIME = pa.timestamp("us", "UTC")

_KEY_MARK = {b"lance-schema:unenforced-primary-key:position": b"1"}
"""Lance's field metadata of a declared key, set at creation."""

IndexConfig = BTree | Bitmap | LabelList | FTS


@dataclass(frozen=True, slots=True, kw_only=True)
class TableSpec:
    """One table."""

    name: str
    key: str
    schema: pa.Schema
    """Its first field is the key."""
    indices: tuple[tuple[str, IndexConfig], ...] = ()
    """Column and configuration; created on the empty table."""
    stored_as: Mapping[str, str] = field(default_factory=dict[str, str])
    """Name of a column of `schema` -> its name on the disk, where they differ."""
    viewed: bool = True
    """Whether a read view sees one version of it; False for what processes agree on by it."""

    def column(self, name: str) -> str:
        """The name on the disk of a column of the schema."""
        return self.stored_as.get(name, name)

    def as_stored(self, rows: pa.Table) -> pa.Table:
        """Rows with the columns' names on the disk."""
        return rows.rename_columns([self.column(name) for name in rows.schema.names])

    def as_named(self, rows: pa.Table) -> pa.Table:
        """Rows read from the disk with the names of `schema`."""
        names = {stored: name for name, stored in self.stored_as.items()}
        return rows.rename_columns([names.get(name, name) for name in rows.schema.names])


def _text(name: str, *, key: bool = False) -> pa.Field:
    return pa.field(name, pa.string(), nullable=False, metadata=_KEY_MARK if key else None)


def _texts(name: str) -> pa.Field:
    return pa.field(name, pa.list_(pa.string()))


def _time(name: str) -> pa.Field:
    return pa.field(name, TIME)


LINK_TYPE = pa.struct(
    [
        ("to", pa.string()),
        ("relation", pa.string()),
        ("weight", pa.float64()),
        ("reason", pa.string()),
        ("made_by", pa.string()),
        ("made_at", TIME),
        ("valid_from", TIME),
        ("valid_until", TIME),
    ]
)

SPAN_TYPE = pa.struct([("start", TIME), ("end", TIME), ("phrase", pa.string())])

ORIGIN_TYPE = pa.struct(
    [("client", pa.string()), ("transport", pa.string()), ("principal", pa.string())]
)

DERIVED_BY_TYPE = pa.struct([(name, pa.string()) for name in DERIVED_FIELDS])


def vectors_type(dim: int) -> pa.DataType:
    """A list of passages, each float32 of length `dim`; LanceDB scores a row by its best one."""
    return pa.list_(pa.list_(pa.float32(), dim))


def _note_fields() -> list[pa.Field]:
    """Every column of a revision except the vectors; the key comes first."""
    identity = [_text("row_id", key=True), _text("note_id"), pa.field("rev", pa.int32())]
    place = [_text("namespace"), pa.field("current", pa.bool_())]
    words = [_text("content"), _text("fold_hash"), _text("context"), _text("subject")]
    words += [_texts("tags"), _text("kind"), _text("session"), _text("source")]
    derived = [_texts("keywords"), _texts("entities"), pa.field("times", pa.list_(SPAN_TYPE))]
    derived += [_texts("questions"), _text("summary"), pa.field("derived_by", DERIVED_BY_TYPE)]
    graph = [pa.field("links", pa.list_(LINK_TYPE)), _texts("link_ids")]
    valid = [_time("happened_at"), _time("valid_from"), _time("valid_until")]
    known = [_time("known_from"), _time("known_to")]
    closed = [_time("ended_at"), pa.field("corrected", pa.bool_())]
    life = [_text("state"), pa.field("importance", pa.float64())]
    provenance = [pa.field("origin", ORIGIN_TYPE), pa.field("trust", pa.float64())]
    provenance += [_text("changed_by"), _text("change"), _text("reason"), _text("run_id")]
    search = [_text("text"), _text(EMBED_MODEL), pa.field("stage", pa.int32())]
    return [
        *(identity + place + words + derived + graph),
        *(valid + known + closed + life + provenance + search),
    ]


def text_index() -> FTS:
    """All scripts, English stems and stop words, accents folded; no positions, so no phrases.

    Only `icu/split` finds words in Chinese and Japanese sentences and parts of `foo_bar`.
    """
    return FTS(base_tokenizer="icu/split", stem=True, ascii_folding=True, with_position=False)


def vector_columns(number: int) -> dict[str, str]:
    """The two columns of a set of vectors: name in the schema -> name on the disk.

    A process reads and writes by name the columns of the set it opened the store with, so that it
    cannot meet the vectors of another model, even of equal length.
    """
    if number == FIRST_VECTOR_SET:
        return {}
    return {name: f"{name}_{number}" for name in (VECTORS, EMBED_MODEL)}


def notes_table(dim: int, vector_set: int = FIRST_VECTOR_SET) -> TableSpec:
    """One row is one revision; the vector index belongs to `maintenance`, not to `indices`."""
    columns = ("row_id", "note_id", "session", "happened_at", "fold_hash")
    trees: list[tuple[str, IndexConfig]] = [(column, BTree()) for column in columns]
    maps: list[tuple[str, IndexConfig]] = [(c, Bitmap()) for c in ("namespace", "current", "state")]
    labels: list[tuple[str, IndexConfig]] = [(c, LabelList()) for c in ("tags", "link_ids")]
    return TableSpec(
        name="notes",
        key="row_id",
        schema=pa.schema([*_note_fields(), pa.field(VECTORS, vectors_type(dim))]),
        indices=(*trees, *maps, *labels, ("text", text_index())),
        stored_as=vector_columns(vector_set),
    )


USAGE = TableSpec(
    name="usage",
    key="note_id",
    schema=pa.schema(
        [
            _text("note_id", key=True),
            pa.field("strength", pa.float64()),
            _time("recalled_at"),
            pa.field("recall_count", pa.int64()),
        ]
    ),
)
"""Recalls of each note, apart from `notes` so that counting makes no revision."""

RUNS = TableSpec(
    name="runs",
    key="run_id",
    schema=pa.schema(
        [
            _text("run_id", key=True),
            _text("kind"),
            _text("who"),
            _time("started_at"),
            _time("ended_at"),
            pa.field("counts", pa.list_(pa.struct([("name", pa.string()), ("n", pa.int64())]))),
            _text("outcome"),
        ]
    ),
)
"""One row per evolution run, erasure or administrative command."""

META = TableSpec(
    name="meta",
    key="key",
    schema=pa.schema([_text("key", key=True), _text("value")]),
    viewed=False,
)
"""Named values: schema version, embedding model, leases."""
