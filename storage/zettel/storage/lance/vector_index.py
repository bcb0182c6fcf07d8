"""The index over the notes' vectors: made and dropped by upkeep, unlike those of `lance_schema`.

LanceDB 0.40 cannot train it without a vector, and fails to optimise a table whose index has none.
It is exact: one partition of whole vectors side by side, which are read in 3 ms where lists of
vectors take 23 (20,000 notes). Should stores outgrow that, smaller kinds of index need
`refine_factor`: cosine distances of an unrefined IVF_SQ or IVF_RQ come back doubled.
"""

# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownParameterType=false
# pyright: reportUnknownArgumentType=false, reportUnknownLambdaType=false
# (pyarrow ships no types, lancedb some)

from lancedb.index import IvfFlat

from zettel.storage.lance.table import LanceTable

COLUMN = "vectors"
NAME = "vectors_idx"
"""As LanceDB names the index of a column."""

WORTH_IT = 1_000
"""Revisions with vectors from which there is an index: without one, 1,000 take 7 ms to search."""

MOST_PARTS = 20
"""Parts from which it is made anew: each upkeep adds one, and a search looks into all of them."""


def vector_index() -> IvfFlat:
    """How the index is made."""
    return IvfFlat(distance_type="cosine", num_partitions=1)


async def tend_vector_index(notes: LanceTable) -> None:
    """Make, renew or drop the index, whichever is due. Call it before the table is optimised.

    Raises:
        StoreUnavailableError: It could not be done.
    """
    worth_it = await notes.count("embed_model <> ''") >= WORTH_IT
    stats = await notes.read(lambda handle: handle.index_stats(NAME))
    if worth_it and (stats is None or (stats.num_indices or 0) > MOST_PARTS):
        async with notes.writing():
            await notes.commit(lambda handle: handle.create_index(COLUMN, config=vector_index()))
    elif not worth_it and stats is not None:
        await drop_vector_index(notes)


async def renew_vector_index(notes: LanceTable) -> None:
    """Make the index anew if there is one: its parts keep vectors of rows that are gone.

    Raises:
        StoreUnavailableError: It could not be done.
    """
    await drop_vector_index(notes)
    await tend_vector_index(notes)


async def drop_vector_index(notes: LanceTable) -> None:
    """Search without the index until upkeep makes it anew; nothing if there is none.

    Raises:
        StoreUnavailableError: It could not be done.
    """
    indices = await notes.read(lambda handle: handle.list_indices())
    if any(index.name == NAME for index in indices):
        async with notes.writing():
            await notes.commit(lambda handle: handle.drop_index(NAME))
