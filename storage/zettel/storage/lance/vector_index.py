"""The index over the vectors: exact in a store that may be held in memory, quantised beyond.

Both are over whole tables, and a filter is applied before the search. Lance searches the rows that
came since the index was made one by one, so it may lag behind.
"""

# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownParameterType=false
# pyright: reportUnknownArgumentType=false, reportUnknownLambdaType=false
# (pyarrow ships no types, lancedb some)

import json
from dataclasses import dataclass

import anyio
from lancedb.index import IvfFlat, IvfRq, IvfSq

from zettel.storage.lance.cache.note_cache import CACHE_MAX_ROWS
from zettel.storage.lance.cache.resident import NAMESPACE_MAX_ROWS
from zettel.storage.lance.counts import rows_of_namespaces
from zettel.storage.lance.schema import EMBED_MODEL, VECTORS, TableSpec
from zettel.storage.lance.side_tables import get_meta, put_meta
from zettel.storage.lance.table import LanceTable, Tables
from zettel.storage.store import NoteFilter

VECTOR_INDEX_MIN_ROWS = 1_000
"""Embedded revisions from which the index exists; without one, 1,000 take 7 ms to search."""
VECTOR_INDEX_MAX_PARTS = 20
"""Parts from which it is made anew: maintenance adds one each time, a search reads all."""
QUANTISED_MIN_ROWS = CACHE_MAX_ROWS
"""Embedded revisions from which it is quantised; the notes of a smaller store are in memory."""
TRAINED_MAX_DRIFT = 0.5
"""Share of the rows it was trained on that may come, new or revised, or go before it is trained
anew: its partitions, made for fewer rows, take as much longer to search."""

EXACT_MAX_ROWS = NAMESPACE_MAX_ROWS
"""Revisions of a scope that is searched without a quantised index: those of one that is kept in
memory are ranked exactly, and an answer must not depend on what is in memory."""
REFINED_HITS = 800
"""Hits by quantised vectors whose whole vectors are compared at least: recall@10 and @100 of 0.99
and above among 300,000 clustered vectors of 384 dimensions; 400 take 10 ms less, and of vectors far
apart only 0.87 of a hundred are found."""
PROBED_ROWS = 100_000
"""Revisions of a scope whose partitions are searched at least; of fewer, all partitions are."""
PROBED_MIN_PARTS = 40
"""Least partitions searched: a third of a million rows."""
PARTITION_VECTORS = 8_192
"""Vectors of a partition as LanceDB makes them (`target_partition_size` of IVF_RQ)."""


def vector_index() -> IvfFlat:
    """The exact index: one partition of whole vectors, 3 ms at 20,000 notes."""
    return IvfFlat(distance_type="cosine", num_partitions=1)


def quantised_index() -> IvfRq:
    """One bit a dimension (RaBitQ), which takes whole bytes of them: 64 bytes for 384 dimensions.

    Always refined: LanceDB 0.40 doubles its cosine distances otherwise, and `byte_index`'s.
    IVF_PQ and HNSW take minutes to be built for 100,000 vectors on two cores.
    """
    return IvfRq(distance_type="cosine", target_partition_size=PARTITION_VECTORS)


def byte_index() -> IvfSq:
    """One byte a dimension: as exact once refined, for what `quantised_index` cannot take."""
    return IvfSq(distance_type="cosine", target_partition_size=PARTITION_VECTORS)


_FLAT, _BITS, _BYTES = "IVF_FLAT", "IVF_RQ", "IVF_SQ"
_CONFIGS = {_FLAT: vector_index, _BITS: quantised_index, _BYTES: byte_index}
_TRAINED = "vector_index"
"""Key in `meta`: index -> rows it was trained on, as JSON."""


def vector_index_name(notes: TableSpec) -> str:
    """LanceDB's name for the index of the vectors."""
    return f"{notes.column(VECTORS)}_idx"


async def index_vectors(tables: Tables, spec: TableSpec) -> None:
    """Create, train anew or drop the index as needed, before the table is optimised.

    `spec` is a table's with the vectors of any set. LanceDB 0.40 cannot train the index without a
    vector, nor optimise a table whose index has none. Writers do not wait: what they write
    meanwhile is searched without the index until the next maintenance.
    """
    notes, name = tables.notes, vector_index_name(spec)
    rows = await notes.count(f"{spec.column(EMBED_MODEL)} <> ''")
    stats = await notes.read(lambda handle: handle.index_stats(name))
    if rows < VECTOR_INDEX_MIN_ROWS:
        if stats is not None:
            await drop_vector_index(notes, spec)
        return
    dim = spec.schema.field(VECTORS).type.value_type.list_size
    kind = (_BYTES if dim % 8 else _BITS) if rows >= QUANTISED_MIN_ROWS else _FLAT
    if (
        stats is None
        or stats.index_type != kind
        or (stats.num_indices or 0) > VECTOR_INDEX_MAX_PARTS
    ):
        await _build(tables, spec, kind, rows)
    elif kind != _FLAT:
        trained = (await _trained(tables)).get(name, rows)
        if abs(rows - trained) > TRAINED_MAX_DRIFT * trained:
            await _build(tables, spec, kind, rows)


async def _build(tables: Tables, spec: TableSpec, kind: str, rows: int) -> None:
    column = spec.column(VECTORS)
    config = _CONFIGS[kind]()
    await tables.notes.commit(
        lambda handle: handle.create_index(column, config=config)  # pyright: ignore[reportArgumentType]: it takes IvfSq
    )
    if kind != _FLAT:
        trained = {**await _trained(tables), vector_index_name(spec): rows}
        await put_meta(tables.meta, {_TRAINED: json.dumps(trained)})


async def _trained(tables: Tables) -> dict[str, int]:
    return json.loads(await get_meta(tables.meta, _TRAINED) or "{}")


async def renew_vector_index(tables: Tables) -> None:
    """Make the index anew if there is one: its parts keep vectors of deleted rows.

    Never cancelled: a cancelled commit leaves files that an erasure waits a minute for.
    """
    with anyio.CancelScope(shield=True):
        await drop_vector_index(tables.notes, tables.notes.spec)
        await index_vectors(tables, tables.notes.spec)


async def drop_vector_index(notes: LanceTable, spec: TableSpec) -> None:
    """Drop the index if there is one; maintenance makes it anew."""
    name = vector_index_name(spec)
    indices = await notes.read(lambda handle: handle.list_indices())
    if any(index.name == name for index in indices):
        async with notes.writing():
            await notes.commit(lambda handle: handle.drop_index(name))


@dataclass(frozen=True, slots=True)
class Probing:
    """How a quantised index is searched."""

    refine: int
    """Factor on the hits whose whole vectors are compared."""
    parts: int
    """Least partitions searched; more, if these hold too few hits that pass the filter."""


EXACT_INDEX = Probing(0, 0)
"""Of an index of whole vectors, or of none: there is nothing to choose."""


async def probing_of(tables: Tables, where: NoteFilter, *, hits: int) -> Probing | None:
    """How to search a scope by the index; None for a small scope, which is searched without it."""
    if not tables.place.optimises or await _kind(tables) in ("", _FLAT):
        return EXACT_INDEX
    rows = await rows_of_namespaces(tables, where.namespaces)
    if rows <= EXACT_MAX_ROWS or where.note_ids or where.sessions:
        return None
    every = 2 * (await rows_of_namespaces(tables, ()) // PARTITION_VECTORS + 1)
    narrow = where.tags or where.kinds or where.subject or where.since or where.until
    parts = every if narrow else int(every * PROBED_ROWS / rows)
    return Probing(-(-REFINED_HITS // hits), min(every, max(parts, PROBED_MIN_PARTS)))


async def _kind(tables: Tables) -> str:
    """The kind of index that the version has which is read; empty for none."""
    version = await tables.notes.version()
    known, kind = tables.facts.index_kind
    if known != version:
        name = vector_index_name(tables.notes.spec)
        stats = await tables.notes.read(lambda handle: handle.index_stats(name))
        kind = "" if stats is None else stats.index_type
        tables.facts.index_kind = (version, kind)
    return kind
