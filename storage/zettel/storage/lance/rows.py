"""Conversion between notes and rows of the `notes` table."""

# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownParameterType=false
# pyright: reportUnknownArgumentType=false, reportUnknownLambdaType=false
# (pyarrow ships no types, lancedb some)

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TypedDict

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from zettel.storage.ids import EPOCH
from zettel.storage.lance.schema import vectors_type
from zettel.storage.notes import (
    NEEDS_REVIEW,
    Kind,
    Link,
    Note,
    Origin,
    Outline,
    Span,
    State,
    fold_hash,
)
from zettel.storage.revisions import NoteRow
from zettel.storage.search_text import compose_text
from zettel.storage.store import Vectors

_PLAIN = (
    *("note_id", "rev", "namespace", "current", "content", "context", "subject", "session"),
    *("source", "summary", "corrected", "importance", "trust", "changed_by", "change", "reason"),
    *("run_id", "embed_model", "stage"),
)
_LISTS = ("tags", "keywords", "entities", "questions")
_TIMES = ("happened_at", "valid_from", "valid_until", "known_from", "known_to", "ended_at")
_LINK_TIMES = ("made_at", "valid_from", "valid_until")

NOTE_COLUMNS = (
    *(*_PLAIN, *_LISTS, *_TIMES),
    *("kind", "state", "times", "derived_by", "links", "origin"),
)
"""The fields of `Note`: all columns except vectors and computed ones."""

_OUTLINE_TEXTS = ("note_id", "namespace", "session", "subject", "kind", "content", "source")
_OUTLINE_LISTS = ("tags", "entities")
OUTLINE_COLUMNS = (
    *_OUTLINE_TEXTS,
    *_OUTLINE_LISTS,
    "happened_at",
    "valid_until",
    "times",
    "origin",
    "trust",
)

_KINDS = {kind.value: kind for kind in Kind}


def to_table(rows: Sequence[NoteRow], *, schema: pa.Schema, dim: int) -> pa.Table:
    """Rows as Arrow with exactly the columns of `schema`, whose last is `vectors`."""
    plain = schema.remove(schema.get_field_index("vectors"))
    table = pa.Table.from_pylist([_as_record(row.note) for row in rows], schema=plain)
    vectors = to_vectors_column([row.vectors for row in rows], dim)
    return table.append_column(schema.field("vectors"), vectors)


def read_notes(table: pa.Table) -> list[Note]:
    """Notes of a table that has `NOTE_COLUMNS`, in its order."""
    notes: list[Note] = []
    for record in table.select(list(NOTE_COLUMNS)).to_pylist():
        record.update({name: tuple(record[name]) for name in _LISTS})
        record.update({name: _utc_or_none(record[name]) for name in _TIMES})
        # Null in a row that was written while this set of vectors was being made.
        record["embed_model"] = record["embed_model"] or ""
        record["kind"], record["state"] = Kind(record["kind"]), State(record["state"])
        record["times"] = _spans(record["times"])
        record["derived_by"] = {k: v for k, v in record["derived_by"].items() if v is not None}
        for link in record["links"]:
            link.update({name: _utc_or_none(link[name]) for name in _LINK_TIMES})
        record["links"] = tuple(Link(**link) for link in record["links"])
        record["origin"] = Origin(**record["origin"])
        notes.append(Note(**record))
    return notes


def read_vectors(table: pa.Table) -> list[Vectors | None]:
    """The `vectors` column: per row a float32 array `(passages, dim)`, or None."""
    return [_as_array(value) for value in table.column("vectors")]


def read_passages(table: pa.Table, dim: int) -> tuple[NDArray[np.integer], Vectors]:
    """Passages per row, `(rows,)`, and all of them row by row, `(passages, dim)`."""
    column = table.column("vectors").combine_chunks()
    flat: Vectors = column.flatten().flatten().to_numpy()
    counts = column.value_lengths().fill_null(0).to_numpy()
    return counts, flat.reshape(-1, dim)


def read_outlines(table: pa.Table) -> list[Outline]:
    """Outlines of a table that has `OUTLINE_COLUMNS`, in its order.

    By column, because a recall reads thousands: 5 ms for 2,000 instead of 12.
    """
    columns = [table.column(name).to_pylist() for name in (*_OUTLINE_TEXTS, *_OUTLINE_LISTS)]
    spans = _times_column(table.column("times"))
    principals = table.column("origin").combine_chunks().field("principal").to_pylist()
    trusts = table.column("trust").to_pylist()
    moments = [table.column(n).cast(pa.int64()).to_pylist() for n in ("happened_at", "valid_until")]
    return [
        Outline(
            note_id=note_id,
            namespace=namespace,
            session=session,
            subject=subject,
            happened_at=_instant(happened),
            kind=_KINDS[kind],
            content=content,
            tags=tuple(tags),
            entities=tuple(entities),
            times=times,
            valid_until=None if until is None else _instant(until),
            principal=principal,
            source=source,
            trust=trust,
        )
        for note_id, namespace, session, subject, kind, content, source, tags, entities, (
            happened,
            until,
        ), times, principal, trust in zip(
            *columns, zip(*moments, strict=True), spans, principals, trusts, strict=True
        )
    ]


def _times_column(column: pa.ChunkedArray) -> list[tuple[Span, ...]]:
    """Spans of each row; few rows have any."""
    found: list[tuple[Span, ...]] = [()] * len(column)
    for row, length in enumerate(column.combine_chunks().value_lengths().to_pylist()):
        if length:
            found[row] = _spans(column[row].as_py())
    return found


def _instant(microseconds: int) -> datetime:
    return EPOCH + timedelta(microseconds=microseconds)


class _SpanRecord(TypedDict):
    """One element of the column `times`."""

    start: datetime
    end: datetime
    phrase: str


def utc(instant: datetime) -> datetime:
    """The same instant in Python's own UTC, without a time zone database."""
    return instant.astimezone(UTC)


def _utc_or_none(instant: datetime | None) -> datetime | None:
    return None if instant is None else utc(instant)


def _spans(records: Sequence[_SpanRecord]) -> tuple[Span, ...]:
    return tuple(
        Span(start=utc(t["start"]), end=utc(t["end"]), phrase=t["phrase"]) for t in records
    )


def _as_record(note: Note) -> Mapping[str, object]:
    return {
        **{name: getattr(note, name) for name in (*_PLAIN, *_LISTS, *_TIMES)},
        "row_id": note.row_id,
        "kind": note.kind.value,
        "state": note.state.value,
        "times": [{"start": t.start, "end": t.end, "phrase": t.phrase} for t in note.times],
        "derived_by": dict(note.derived_by),
        "links": [_link_record(link) for link in note.links],
        "link_ids": [*sorted({link.to for link in note.links}), *([NEEDS_REVIEW] * note.open)],
        "origin": {
            "client": note.origin.client,
            "transport": note.origin.transport,
            "principal": note.origin.principal,
        },
        "fold_hash": fold_hash(note.content),
        "text": compose_text(note),
    }


def _link_record(link: Link) -> Mapping[str, object]:
    return {
        "to": link.to,
        "relation": link.relation,
        "weight": link.weight,
        "reason": link.reason,
        "made_by": link.made_by,
        "made_at": link.made_at,
        "valid_from": link.valid_from,
        "valid_until": link.valid_until,
    }


def to_vectors_column(vectors: Sequence[Vectors | None], dim: int) -> pa.Array:
    """The column `vectors`; null for None."""
    present = [array for array in vectors if array is not None]
    flat = np.concatenate(present) if present else np.empty((0, dim), np.float32)
    passages = pa.FixedSizeListArray.from_arrays(pa.array(flat.reshape(-1)), dim)
    starts = np.cumsum([0, *(0 if array is None else len(array) for array in vectors)])
    waiting = pa.array([array is None for array in vectors], pa.bool_())
    column = pa.ListArray.from_arrays(pa.array(starts, pa.int32()), passages, mask=waiting)
    return column.cast(vectors_type(dim))


def _as_array(value: pa.ListScalar) -> Vectors | None:
    if not value.is_valid:
        return None
    passages = value.values
    flat: Vectors = passages.flatten().to_numpy()
    return flat.reshape(len(passages), -1)
