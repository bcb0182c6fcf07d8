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

from zettel.storage.errors import StoreUnavailableError
from zettel.storage.lance.errors import is_conflict
from zettel.storage.lance.files import count_old_versions, disk_bytes, remove_leftovers
from zettel.storage.lance.side_tables import get_meta, put_meta
from zettel.storage.lance.table import LanceTable, Tables
from zettel.storage.lance.vector_index import QUANTISED_MIN_ROWS, index_vectors
from zettel.storage.location import StoreLocation, hold
from zettel.storage.store import StoreStats

KEEP_VERSIONS = timedelta(minutes=15)
"""Age below which a table version is kept for readers in a scan (lance#6607)."""

_MARK = "upkeep"
"""Key in `meta`: the version of each table after the last maintenance, as JSON."""


async def upkeep(tables: Tables) -> bool:
    """Implement `StoreAdmin.upkeep`; other processes' writers may have to try again.

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
    """Compact one table; False if other processes committed first again and again.

    This process's writers wait for it, of a large table only if they were first once: compacting a
    million rows takes 16 s.
    """
    try:
        if table is tables.notes:
            await index_vectors(tables, tables.notes.spec)
        if await table.count() >= QUANTISED_MIN_ROWS and await table.try_commit(_optimise):
            return True
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
