"""The arms that find notes in the `notes` table."""

# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownParameterType=false
# pyright: reportUnknownArgumentType=false, reportUnknownLambdaType=false
# (pyarrow ships no types, lancedb some)

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from lancedb import AsyncTable
from lancedb.query import AsyncVectorQuery, MatchQuery
from numpy.typing import NDArray

from zettel.storage.lance_current import current_rows
from zettel.storage.lance_filters import all_of, one_of, predicate, text_literal
from zettel.storage.lance_recent import KEPT
from zettel.storage.lance_rows import NOTE_COLUMNS, OUTLINE_COLUMNS, read_notes, read_outlines
from zettel.storage.lance_tables import MAX_ROWS, Tables
from zettel.storage.lance_wide import select_wide
from zettel.storage.notes import Facets, Hit, Near, Note, Outline
from zettel.storage.revisions import check_vectors
from zettel.storage.store import NoteFilter
from zettel.storage.verbatim import held, pieces

_SESSION_ORDER = ("happened_at", "note_id")

SPARE = 4
"""Times the wished number of notes that the vector index is asked for. LanceDB 0.40 takes ten
passages for each, so 12 nearest notes are among 480 passages: exact, unless fewer than 12 notes
fill these, each with more than 40 passages nearer than the twelfth's best."""

FEW = 200
"""Hits up to which `match_vectors` asks the index: of 20,000 notes 18 ms instead of 67."""


async def get_notes(tables: Tables, note_ids: Sequence[str]) -> list[Note]:
    """Do what `NoteStore.get` promises."""
    if not note_ids:
        return []
    if len(note_ids) <= KEPT:
        rows = await current_rows(tables, note_ids)
        return [rows[note_id].note for note_id in note_ids if note_id in rows]
    where = all_of("current", one_of("note_id", note_ids))
    table = await select_wide(tables.notes, NOTE_COLUMNS, where=where)
    found = {note.note_id: note for note in read_notes(table)}
    return [found[note_id] for note_id in note_ids if note_id in found]


async def find_notes(tables: Tables, where: NoteFilter, *, limit: int, offset: int) -> list[Note]:
    """Do what `NoteStore.find` promises."""
    table = await select_wide(
        tables.notes,
        NOTE_COLUMNS,
        where=predicate(where),
        order=_SESSION_ORDER,
        descending=True,
        limit=limit,
        offset=offset,
    )
    return read_notes(table)


async def count_notes(tables: Tables, where: NoteFilter) -> int:
    """Do what `NoteStore.count` promises."""
    return await tables.notes.count(predicate(where))


async def match_text(tables: Tables, query: str, where: NoteFilter, *, limit: int) -> list[Hit]:
    """Do what `NoteStore.match_text` promises; the query is words, never an operator."""
    if limit <= 0 or not query.strip():
        return []

    words = MatchQuery(query, "text")  # pyright: ignore[reportCallIssue] its defaults are pydantic's

    async def fetch(handle: AsyncTable) -> pa.Table:
        search = handle.query().nearest_to_text(words)
        search = search.where(predicate(where)).select(["note_id", "_score"])
        return await search.limit(min(limit, MAX_ROWS)).to_arrow()

    table = await tables.notes.read(fetch)
    hits = _hits(table, table.column("_score").to_pylist())
    return hits or await _verbatim(tables, query, where, limit=limit)


async def _verbatim(tables: Tables, query: str, where: NoteFilter, *, limit: int) -> list[Hit]:
    """Notes that hold parts of the query to the letter: a scan, of the filter's notes only."""
    parts = pieces(query)
    if not parts:
        return []
    holding = " OR ".join(f"contains(lower(text), {text_literal(part)})" for part in parts)
    table = await tables.notes.select(["note_id", "text"], where=all_of(predicate(where), holding))
    return _hits(table, [held(text, parts) for text in table.column("text").to_pylist()])[:limit]


async def match_vectors(
    tables: Tables, vector: NDArray[np.float32], where: NoteFilter, *, limit: int
) -> list[Hit]:
    """Do what `NoteStore.match_vectors` promises; many hits past the index, which misses some."""
    check_vectors(vector[np.newaxis], dim=tables.dim)
    if limit <= 0:
        return []
    few = limit <= FEW

    async def fetch(handle: AsyncTable) -> pa.Table:
        search = _by_cosine(handle, vector, where).select(["note_id", "_distance"])
        search = search if few else search.bypass_vector_index()
        return await search.limit(min(limit * SPARE if few else limit, MAX_ROWS)).to_arrow()

    table = await tables.notes.read(fetch)
    distances = table.column("_distance").to_pylist()
    return _hits(table, [1.0 - distance for distance in distances])[:limit]


async def nearest(
    tables: Tables, vector: NDArray[np.float32], where: NoteFilter, *, limit: int
) -> list[Near]:
    """Do what `NoteStore.nearest` promises, by the index."""
    check_vectors(vector[np.newaxis], dim=tables.dim)
    if limit <= 0:
        return []

    async def fetch(handle: AsyncTable) -> list[Near]:
        # In two steps: of rows no index covers yet every column asked for is read.
        search = _by_cosine(handle, vector, where).select(["note_id", "_distance"]).with_row_id()
        hits = await search.limit(min(limit * SPARE, MAX_ROWS)).to_arrow()
        near = hits.sort_by([("_distance", "ascending"), ("note_id", "ascending")])[:limit]
        scores = dict(
            zip(*(near.column(c).to_pylist() for c in ("note_id", "_distance")), strict=True)
        )
        addresses = near.column("_rowid").to_pylist()
        if not addresses:
            return []
        rows = await handle.take_row_ids(addresses).select([*OUTLINE_COLUMNS]).to_arrow()
        # A row that was changed or moved since is no more at its address, and not the nearest now.
        return [
            Near(o, 1.0 - scores[o.note_id]) for o in read_outlines(rows) if o.note_id in scores
        ]

    found = await tables.notes.read(fetch)
    return sorted(found, key=lambda near: (-near.score, near.outline.note_id))


def _by_cosine(
    handle: AsyncTable, vector: NDArray[np.float32], where: NoteFilter
) -> AsyncVectorQuery:
    search = handle.query().nearest_to(vector).column("vectors").distance_type("cosine")
    return search.where(predicate(where))


async def outlines(tables: Tables, where: NoteFilter, *, limit: int) -> list[Outline]:
    """Do what `NoteStore.outlines` promises."""
    table = await tables.notes.select(
        OUTLINE_COLUMNS, where=predicate(where), order=_SESSION_ORDER, limit=limit
    )
    return read_outlines(table)


async def facets(tables: Tables, where: NoteFilter) -> Facets:
    """Do what `NoteStore.facets` promises."""
    table = await tables.notes.select(["subject", "tags", "namespace"], where=predicate(where))
    subjects = _counts(table.column("subject"))
    subjects.pop("", None)
    return Facets(
        subjects=subjects,
        tags=_counts(table.column("tags").combine_chunks().flatten()),
        namespaces=_counts(table.column("namespace")),
    )


def _counts(values: pa.Array | pa.ChunkedArray) -> dict[str, int]:
    return {entry["values"]: entry["counts"] for entry in values.value_counts().to_pylist()}


def _hits(table: pa.Table, scores: list[float]) -> list[Hit]:
    ids: list[str] = table.column("note_id").to_pylist()
    hits = [Hit(note_id, score) for note_id, score in zip(ids, scores, strict=True)]
    # Equal scores come in any order; the id settles it, so that equal calls get equal answers.
    return sorted(hits, key=lambda hit: (-hit.score, hit.note_id))
