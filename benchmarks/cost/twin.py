"""The bare side: a LanceDB table with the same columns, indices and rows, and nothing around it."""

# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportUnknownParameterType=false
# (pyarrow ships no types, lancedb some)

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
from lancedb import AsyncConnection, AsyncTable, Session, connect_async
from lancedb.query import MatchQuery
from numpy.typing import NDArray

from benchmarks.cost.fill import Filling
from zettel.storage.lance.maintenance import KEEP_VERSIONS
from zettel.storage.lance.open import INDEX_CACHE_BYTES, METADATA_CACHE_BYTES
from zettel.storage.lance.rows import to_table
from zettel.storage.lance.schema import VECTORS, notes_table
from zettel.storage.lance.vector_index import VECTOR_INDEX_MIN_ROWS, vector_index
from zettel.storage.revisions import NoteRow, next_revision
from zettel.storage.store import Change, NewNote, Vectors

CLOSES = "target.current AND NOT source.current"
"""What the store's own merge asks, or two processes could revise one note twice."""
SHOWN = ("note_id", "content", "subject", "happened_at")
"""What a bare query reads of a note: the least that an answer could be made of."""


class Twin:
    """Rows written by hand. Made by `open_twin`; rows are Arrow before any clock starts."""

    def __init__(self, table: AsyncTable, *, schema: pa.Schema, dim: int) -> None:
        self._table = table
        self._schema = schema
        self._dim = dim

    async def fill(self, filling: Filling) -> None:
        """Write the notes in the same commits as the store, and optimise."""
        for batch in filling.batches():
            await self.add(self.rows([NoteRow(note=e.note, vectors=e.vectors) for e in batch]))
        if len(filling.entries) >= VECTOR_INDEX_MIN_ROWS:
            await self._table.create_index(VECTORS, config=vector_index())
        await self.optimise()

    def rows(self, rows: Sequence[NoteRow]) -> pa.Table:
        """Rows as Arrow, with every column of the store's table."""
        return to_table(rows, schema=self._schema, dim=self._dim)

    def both_rows(self, old: NewNote, content: str, vectors: Vectors) -> pa.Table:
        """The two rows of a revision with new content: the closed one and the new one."""
        new = replace(old.note, rev=old.note.rev + 1, content=content)
        closed, following = next_revision(
            old.note, Change(note=new, vectors=vectors), model_id=old.note.embed_model
        )
        return self.rows(
            [
                NoteRow(note=closed, vectors=old.vectors),
                NoteRow(note=following, vectors=vectors),
            ]
        )

    async def add(self, rows: pa.Table) -> None:
        """One bare `add`."""
        await self._table.add(rows)

    async def merge(self, rows: pa.Table) -> None:
        """One bare `merge_insert`."""
        merge = self._table.merge_insert("row_id").use_index(False)
        merge = merge.when_matched_update_all(where=CLOSES).when_not_matched_insert_all()
        await merge.execute(rows)  # pyright: ignore[reportGeneralTypeIssues] typed as if sync

    async def nearest(
        self, vector: NDArray[np.float32], *, limit: int, where: str = "current"
    ) -> int:
        """One bare vector search with a predicate; how many came."""
        search = self._table.query().nearest_to(vector).column(VECTORS).distance_type("cosine")
        found = await search.where(where).select([*SHOWN]).limit(limit).to_arrow()
        return found.num_rows

    async def matching(self, query: str, *, limit: int, where: str = "current") -> int:
        """One bare full-text query with a predicate; how many came."""
        words = MatchQuery(query, "text")  # pyright: ignore[reportCallIssue] its defaults are pydantic's
        search = self._table.query().nearest_to_text(words).where(where)
        return (await search.select([*SHOWN]).limit(limit).to_arrow()).num_rows

    async def optimise(self) -> None:
        """The upkeep the store gets, at the same moments."""
        await self._table.optimize(cleanup_older_than=KEEP_VERSIONS)


async def open_twin(folder: Path, *, dim: int) -> Twin:
    """Make an empty table just as the store makes its own: keys, indices, caches, consistency."""
    database, spec = await _connect(folder), notes_table(dim)
    table = await database.create_table(spec.name, schema=spec.schema)
    for column, config in spec.indices:
        await table.create_index(column, config=config)
    return Twin(table, schema=spec.schema, dim=dim)


async def open_beside(store: Path, *, dim: int) -> Twin:
    """A store's own table without anything around it: the same rows and indices, to be read."""
    spec = notes_table(dim)
    table = await (await _connect(store)).open_table(spec.name)
    return Twin(table, schema=spec.schema, dim=dim)


async def _connect(folder: Path) -> AsyncConnection:
    caches = Session(
        index_cache_size_bytes=INDEX_CACHE_BYTES, metadata_cache_size_bytes=METADATA_CACHE_BYTES
    )
    return await connect_async(str(folder), read_consistency_interval=timedelta(0), session=caches)
