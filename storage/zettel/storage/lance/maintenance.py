"""Maintenance: compaction, indices, removal of old versions and of leftover files."""

# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownParameterType=false
# pyright: reportUnknownArgumentType=false, reportUnknownLambdaType=false
# (pyarrow ships no types, lancedb some)

import json
from collections.abc import Sequence
from datetime import timedelta

from anyio import to_thread
from lancedb import AsyncTable
from lancedb.index import IvfFlat

from zettel.storage.errors import StoreUnavailableError
from zettel.storage.lance.errors import is_conflict
from zettel.storage.lance.files import count_old_versions, disk_bytes, remove_leftovers
from zettel.storage.lance.schema import EMBED_MODEL, VECTORS, TableSpec
from zettel.storage.lance.side_tables import get_meta, put_meta
from zettel.storage.lance.table import LanceTable, Tables
from zettel.storage.location import StoreLocation, hold
from zettel.storage.store import StoreStats

VECTOR_INDEX_MIN_ROWS = 1_000
"""Embedded revisions from which the index exists; without one, 1,000 take 7 ms to search."""

VECTOR_INDEX_MAX_PARTS = 20
"""Parts from which it is rebuilt: maintenance adds one each time, a search reads all."""


def vector_index() -> IvfFlat:
    """The configuration of the exact index: one partition of whole vectors (3 ms at 20,000 notes).

    Smaller kinds need `refine_factor`: unrefined IVF_SQ and IVF_RQ double cosine distances.
    """
    return IvfFlat(distance_type="cosine", num_partitions=1)


def vector_index_name(notes: TableSpec) -> str:
    """LanceDB's name for the index of the vectors."""
    return f"{notes.column(VECTORS)}_idx"


async def maintain_vector_index(notes: LanceTable) -> None:
    """Create, rebuild or drop the index as needed, before the table is optimised.

    LanceDB 0.40 cannot train it without a vector, nor optimise a table whose index has none.
    """
    await index_vectors(notes, notes.spec)


async def index_vectors(notes: LanceTable, spec: TableSpec) -> None:
    """`maintain_vector_index` for the vectors of any set, named by its table's `spec`."""
    embedded = f"{spec.column(EMBED_MODEL)} <> ''"
    worth_it = await notes.count(embedded) >= VECTOR_INDEX_MIN_ROWS
    name, column = vector_index_name(spec), spec.column(VECTORS)
    stats = await notes.read(lambda handle: handle.index_stats(name))
    if worth_it and (stats is None or (stats.num_indices or 0) > VECTOR_INDEX_MAX_PARTS):
        async with notes.writing():
            await notes.commit(lambda handle: handle.create_index(column, config=vector_index()))
    elif not worth_it and stats is not None:
        await _drop_index(notes, name)


async def renew_vector_index(notes: LanceTable) -> None:
    """Rebuild the index if there is one: its parts keep vectors of deleted rows."""
    await drop_vector_index(notes)
    await maintain_vector_index(notes)


async def drop_vector_index(notes: LanceTable) -> None:
    """Drop the index if there is one; maintenance rebuilds it."""
    await _drop_index(notes, vector_index_name(notes.spec))


async def _drop_index(notes: LanceTable, name: str) -> None:
    indices = await notes.read(lambda handle: handle.list_indices())
    if any(index.name == name for index in indices):
        async with notes.writing():
            await notes.commit(lambda handle: handle.drop_index(name))


KEEP_VERSIONS = timedelta(minutes=15)
"""Age below which a table version is kept for readers in a scan (lance#6607)."""

_MARK = "upkeep"
"""Key in `meta`: the version of each table after the last maintenance, as JSON."""


async def upkeep(tables: Tables) -> bool:
    """Implement `StoreAdmin.upkeep`: writers of this process wait, others may retry.

    Returns:
        False if another process maintains the store, or writes without a pause.
    """
    async with hold(tables.place, wait_s=0) as held:
        if not held:
            return False
        if tables.place.directory is not None:
            await to_thread.run_sync(remove_leftovers, tables.place.directory)
        since, old = await commits_since_upkeep(tables), await old_versions(tables.place)
        names = {name for name, commits in since.items() if commits} | old.keys()
        untended = [table for table in tables.all() if table.spec.name in names]
        if untended:
            # LanceDB Cloud compacts by itself.
            for table in untended if tables.place.optimises else ():
                if not await _tend(table, tables):
                    return False
            await mark_upkeep(tables.all())
    return True


async def _tend(table: LanceTable, tables: Tables) -> bool:
    """Compact one table; False if other processes committed first again and again."""
    try:
        if table is tables.notes:
            await maintain_vector_index(table)
        async with table.tending():
            await table.commit(_optimise)
    except StoreUnavailableError as error:
        if error.__cause__ is not None and is_conflict(error.__cause__):
            return False
        raise
    return True


async def mark_upkeep(tables: Sequence[LanceTable]) -> None:
    """Record in `meta`, the last table, the version of each."""
    versions = {table.spec.name: await table.version() for table in tables}
    meta = tables[-1]
    # Writing the mark is itself a commit to `meta`.
    versions[meta.spec.name] += 1
    await put_meta(meta, {_MARK: json.dumps(versions)})


async def stats(tables: Tables) -> StoreStats:
    """Implement `StoreAdmin.stats`; `disk_bytes` is 0 without a directory."""
    directory = tables.place.directory
    disk = 0 if directory is None else await to_thread.run_sync(disk_bytes, directory)
    return StoreStats(
        notes=await tables.notes.count("current"),
        revisions=await tables.notes.count(),
        disk_bytes=disk,
        commits_since_upkeep=max((await commits_since_upkeep(tables)).values()),
        old_versions=sum((await old_versions(tables.place)).values()),
    )


async def old_versions(place: StoreLocation) -> dict[str, int]:
    """Table -> its versions above the retention age without the newest; {} without a directory."""
    directory = place.directory
    if directory is None:
        return {}
    return await to_thread.run_sync(lambda: count_old_versions(directory, age=KEEP_VERSIONS))


async def commits_since_upkeep(tables: Tables) -> dict[str, int]:
    """Table -> versions since the mark."""
    mark: dict[str, int] = json.loads(await get_meta(tables.meta, _MARK) or "{}")
    names = {table.spec.name: await table.version() for table in tables.all()}
    return {name: max(0, version - mark.get(name, 0)) for name, version in names.items()}


async def _optimise(handle: AsyncTable) -> None:
    await handle.optimize(cleanup_older_than=KEEP_VERSIONS)
