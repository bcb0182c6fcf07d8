"""Making a store open again whose machine lost power: LanceDB 0.40 never syncs its files.

All of it looks at file names and sizes first and does nothing more to a sound store.
"""

# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownParameterType=false
# pyright: reportUnknownArgumentType=false, reportUnknownLambdaType=false
# (pyarrow ships no types, lancedb some)

import logging

from anyio import to_thread
from lancedb import AsyncConnection, AsyncTable

from zettel.storage.errors import StoreUnavailableError
from zettel.storage.lance.errors import unavailable
from zettel.storage.lance.files import (
    damaged_manifests,
    empty_index_files,
    remove,
    remove_damaged_manifests,
    tables_with_empty_data,
)
from zettel.storage.lance.table import LanceTable
from zettel.storage.lance.vector_index import drop_vector_index
from zettel.storage.location import StoreLocation, hold_or_refuse

logger = logging.getLogger(__name__)


async def mend_manifests(place: StoreLocation) -> int:
    """Remove damaged manifests, so that each table opens at the newest version that has one.

    Returns:
        How many were removed.

    Raises:
        StoreUnavailableError: Another process keeps the store locked.
    """
    directory = place.directory
    if directory is None or not await to_thread.run_sync(damaged_manifests, directory):
        return 0
    async with hold_or_refuse(place):
        removed = await to_thread.run_sync(remove_damaged_manifests, directory)
    logger.warning("removed damaged table versions: %d", len(removed))
    return len(removed)


async def mend_versions(database: AsyncConnection, place: StoreLocation) -> int:
    """Step back from versions whose data files a power failure left empty.

    Only a table that has an empty file and cannot be read is touched: the newest version that
    can be read becomes the newest of all. What was written after it is lost; it was not whole.

    Returns:
        How many versions were stepped over.

    Raises:
        StoreUnavailableError: A table cannot be opened, or the store stays locked.
    """
    if place.directory is None:
        return 0
    stepped = 0
    for name in await to_thread.run_sync(tables_with_empty_data, place.directory):
        try:
            with await database.open_table(name) as handle:
                if await _is_readable(handle):
                    continue
                async with hold_or_refuse(place):
                    stepped += await _step_back(handle)
        except StoreUnavailableError:
            raise
        except (RuntimeError, OSError, ValueError) as error:
            raise unavailable(place.uri, error) from error
    if stepped:
        logger.warning("stepped back over unreadable table versions: %d", stepped)
    return stepped


async def mend_indices(table: LanceTable) -> int:
    """Build a table's indices anew if files of theirs were left empty.

    A power failure can do that to an index in use; a kill in the middle of upkeep to one that
    never came into use. Which it was would not change what to do: 1 s at 20,000 notes.

    Returns:
        How many files were empty.

    Raises:
        StoreUnavailableError: An index cannot be built, or the store stays locked.
    """
    directory, name = table.place.directory, table.spec.name
    if directory is None or not await to_thread.run_sync(empty_index_files, directory, name):
        return 0
    async with hold_or_refuse(table.place):
        # Looked for again: the first ones may have been an upkeep's that was still writing.
        empty = await to_thread.run_sync(empty_index_files, directory, name)
        if not empty:
            return 0
        await table.build_indices()
        await drop_vector_index(table)
        await to_thread.run_sync(remove, empty)
    logger.warning("built indices of %s anew, empty files: %d", name, len(empty))
    return len(empty)


async def _step_back(handle: AsyncTable) -> int:
    """Restore the newest version that can be read; returns how many were passed over."""
    await handle.checkout_latest()
    versions = sorted((v["version"] for v in await handle.list_versions()), reverse=True)
    for stepped, version in enumerate(versions):
        await handle.checkout(version)
        if await _is_readable(handle):
            if stepped:
                await handle.restore()
            return stepped
    return 0


async def _is_readable(handle: AsyncTable) -> bool:
    """Whether every data and deletion file opens: reading one short column needs them all."""
    key = (await handle.schema()).names[0]
    try:
        await handle.query().select([key]).to_arrow()
    except (RuntimeError, OSError):
        return False
    return True
