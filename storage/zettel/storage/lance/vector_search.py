"""The notes nearest to a vector: from memory where that knows them, else from the table."""

# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownParameterType=false
# pyright: reportUnknownArgumentType=false, reportUnknownLambdaType=false
# (pyarrow ships no types, lancedb some)

from dataclasses import replace

import numpy as np
import pyarrow as pa
from lancedb import AsyncTable
from lancedb.query import AsyncVectorQuery
from numpy.typing import NDArray

from zettel.storage.lance.cache_loader import resident_version
from zettel.storage.lance.predicates import predicate
from zettel.storage.lance.search import as_hits, outlines
from zettel.storage.lance.table import MAX_ROWS, Tables
from zettel.storage.notes import Hit, Near
from zettel.storage.revisions import check_vectors
from zettel.storage.store import NoteFilter

SPARE = 4
"""Times the wished number of notes that the vector index is asked for. LanceDB 0.40 takes ten
passages for each, so 12 nearest notes are among 480 passages: exact, unless fewer than 12 notes
fill these, each with more than 40 passages nearer than the twelfth's best."""

FEW = 200
"""Hits up to which `match_vectors` asks the index: of 20,000 notes 18 ms instead of 67."""


async def match_vectors(
    tables: Tables, vector: NDArray[np.float32], where: NoteFilter, *, limit: int
) -> list[Hit]:
    """Do what `NoteStore.match_vectors` promises; many hits past the index, which misses some."""
    check_vectors(vector[np.newaxis], dim=tables.dim)
    if limit <= 0:
        return []
    version = await resident_version(tables)
    known = tables.resident.nearest(version, vector, where, limit=limit)
    if known is not None:
        return known
    few = limit <= FEW

    async def fetch(handle: AsyncTable) -> pa.Table:
        search = _by_cosine(handle, vector, where).select(["note_id", "_distance"])
        search = search if few else search.bypass_vector_index()
        return await search.limit(min(limit * SPARE if few else limit, MAX_ROWS)).to_arrow()

    table = await tables.notes.read(fetch)
    return as_hits(table, _cosines(table))[:limit]


async def nearest(
    tables: Tables, vector: NDArray[np.float32], where: NoteFilter, *, limit: int, least: float
) -> list[Near]:
    """Do what `NoteStore.nearest` promises."""
    hits = await match_vectors(tables, vector, where, limit=limit)
    scores = {hit.note_id: hit.score for hit in hits if hit.score >= least}
    if not scores:
        return []
    # The filter once more: what has changed since may be none of them now.
    told = await outlines(tables, replace(where, note_ids=tuple(scores)), limit=len(scores))
    near = [Near(outline, scores[outline.note_id]) for outline in told]
    return sorted(near, key=lambda near: (-near.score, near.outline.note_id))


def _by_cosine(
    handle: AsyncTable, vector: NDArray[np.float32], where: NoteFilter
) -> AsyncVectorQuery:
    search = handle.query().nearest_to(vector).column("vectors").distance_type("cosine")
    return search.where(predicate(where))


def _cosines(table: pa.Table) -> list[float]:
    return [1.0 - distance for distance in table.column("_distance").to_pylist()]
