"""Opening a LanceDB store: create it once, refuse what this Zettel must not touch."""

# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownParameterType=false
# pyright: reportUnknownArgumentType=false, reportUnknownLambdaType=false
# (pyarrow ships no types, lancedb some)

import logging
from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from anyio import to_thread
from lancedb import AsyncConnection, AsyncTable, Session, connect_async

from zettel.storage.erasure.ledger import ledger_of
from zettel.storage.errors import NewerStoreError, OtherModelError, StoreUnavailableError
from zettel.storage.lance.cache.note_cache import NoteCache
from zettel.storage.lance.errors import unavailable
from zettel.storage.lance.files import (
    damaged_manifests,
    empty_index_files,
    is_only_begun,
    remove,
    remove_damaged_manifests,
    tables_with_empty_data,
)
from zettel.storage.lance.maintenance import drop_vector_index, mark_upkeep
from zettel.storage.lance.schema import META, RUNS, SCHEMA_VERSION, USAGE, TableSpec, notes_table
from zettel.storage.lance.side_tables import get_meta, put_meta, swap_meta
from zettel.storage.lance.table import LanceTable, Sync, Tables
from zettel.storage.location import (
    StoreLocation,
    check_there,
    hold_or_refuse,
    nothing_there,
    prepare,
)

INDEX_CACHE_BYTES = 16 << 20
METADATA_CACHE_BYTES = 4 << 20
"""LanceDB fills them with what versions long gone were read by, up to the last byte: a process that
was told 1,500 notes one by one, 500 of them updated, gave back 97 MB when it closed a store with
caps of 64 and 32 MB. What every call needs is in memory by itself. A hammered server is flat with
these after 150 s; with twice as much it still grew after 300 (`make soak`), and a recall among
20,000 notes took as long (`make bench-cost`)."""

SCHEMA_KEY = "schema_version"
MODEL_KEY = "embed_model"
DIM_KEY = "embed_dim"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Site:
    """Where tables are opened and made, and what they are given along."""

    database: AsyncConnection
    place: StoreLocation
    sync: Sync | None

    def table(self, handle: AsyncTable, spec: TableSpec) -> LanceTable:
        """A table with the precautions its every use needs."""
        return LanceTable(handle, spec=spec, place=self.place, sync=self.sync)


async def open_tables(
    place: StoreLocation,
    *,
    model_id: str | None,
    dim: int = 0,
    create: bool = True,
    sync: Sync | None = None,
    erasures: Path | None = None,
) -> Tables:
    """Open a store's tables, creating them if there are none and that is wished.

    Args:
        place: Where the store lives.
        model_id: The embedding model, fingerprint included; None for whichever the store has.
        dim: Length of its vectors; not looked at without a model.
        create: Whether to make a store where there is none; never without a model.
        sync: Called after every commit to make it outlast a loss of power; None for not.
        erasures: Directory of the ledger's copy outside the store; None for none.

    Raises:
        StoreUnavailableError: The place cannot be used.
        NewerStoreError: A newer Zettel wrote the store; nothing was touched.
        OtherModelError: Another model wrote its vectors; nothing was touched.
    """
    if not create:
        await to_thread.run_sync(check_there, place)
    await to_thread.run_sync(prepare, place)
    healed = Counter(empty_manifests=await repair_manifests(place))
    database = await _connect(place)
    site = _Site(database=database, place=place, sync=sync)
    healed["unreadable_versions"] = await repair_versions(database, place)
    if not await _is_made(site):
        if not create or model_id is None:
            raise nothing_there(place)
        async with hold_or_refuse(place):
            if not await _is_made(site):
                await _create(site, model_id=model_id, dim=dim)
    meta = await _open(site, META)
    await _check_version(meta, place)
    if model_id is None:
        model_id, dim = await _model(meta)
    await _check_model(meta, place, model_id=model_id, dim=dim)
    notes = await _open(site, notes_table(dim))
    healed["empty_index_files"] = await repair_indices(notes)
    return Tables(
        database=database,
        place=place,
        model_id=model_id,
        dim=dim,
        healed=healed,
        resident=NoteCache(dim),
        ledger=ledger_of(place, erasures),
        notes=notes,
        usage=await _open(site, USAGE),
        runs=await _open(site, RUNS),
        meta=meta,
    )


async def _connect(place: StoreLocation) -> AsyncConnection:
    caches = Session(
        index_cache_size_bytes=INDEX_CACHE_BYTES, metadata_cache_size_bytes=METADATA_CACHE_BYTES
    )
    try:
        # Consistency 0: with any other value an update misses rows another process added.
        return await connect_async(
            place.uri, read_consistency_interval=timedelta(0), session=caches
        )
    except (RuntimeError, OSError, ValueError) as error:
        raise unavailable(place.uri, error) from error


async def _is_made(site: _Site) -> bool:
    try:
        names = (await site.database.list_tables()).tables
    except (RuntimeError, OSError, ValueError) as error:
        raise unavailable(site.place.uri, error) from error
    directory = site.place.directory
    if META.name not in names or (
        directory is not None and await to_thread.run_sync(is_only_begun, directory, META.name)
    ):
        return False
    return await get_meta(await _open(site, META), SCHEMA_KEY) is not None


async def _open(site: _Site, spec: TableSpec) -> LanceTable:
    try:
        handle = await site.database.open_table(spec.name)
    except (RuntimeError, OSError, ValueError) as error:
        raise unavailable(site.place.uri, error) from error
    return site.table(handle, spec)


async def _create(site: _Site, *, model_id: str, dim: int) -> None:
    """Create what is missing, the schema version last: until then the store counts as unmade."""
    notes = await _make(site, notes_table(dim))
    others = [await _make(site, spec) for spec in (USAGE, RUNS, META)]
    await notes.build_indices()
    meta = others[-1]
    await put_meta(meta, MODEL_KEY, model_id)
    await put_meta(meta, DIM_KEY, str(dim))
    await mark_upkeep((notes, *others))
    await swap_meta(meta, SCHEMA_KEY, expected=None, value=str(SCHEMA_VERSION))


async def _make(site: _Site, spec: TableSpec) -> LanceTable:
    schema = spec.schema
    if not site.place.declares_keys:
        key = schema.field(spec.key)
        schema = schema.set(schema.get_field_index(spec.key), key.remove_metadata())
    try:
        handle = await site.database.create_table(spec.name, schema=schema, exist_ok=True)
    except (RuntimeError, OSError, ValueError) as error:
        raise unavailable(site.place.uri, error) from error
    table = site.table(handle, spec)
    await table.make_last()
    return table


async def _check_version(meta: LanceTable, place: StoreLocation) -> None:
    version = int(await get_meta(meta, SCHEMA_KEY) or 0)
    if version > SCHEMA_VERSION:
        raise NewerStoreError(place.uri, version, SCHEMA_VERSION)


async def _model(meta: LanceTable) -> tuple[str, int]:
    """The model a store was made with, and the length of its vectors."""
    return await get_meta(meta, MODEL_KEY) or "", int(await get_meta(meta, DIM_KEY) or 0)


async def _check_model(meta: LanceTable, place: StoreLocation, *, model_id: str, dim: int) -> None:
    found, found_dim = await _model(meta)
    if (found, found_dim) != (model_id, dim):
        raise OtherModelError(
            place.uri, f"{found} ({found_dim} dimensions)", f"{model_id} ({dim} dimensions)"
        )


logger = logging.getLogger(__name__)


async def repair_manifests(place: StoreLocation) -> int:
    """Remove damaged manifests, so that each table opens at the newest version that has one.

    Returns:
        How many were removed.
    """
    directory = place.directory
    if directory is None or not await to_thread.run_sync(damaged_manifests, directory):
        return 0
    async with hold_or_refuse(place):
        removed = await to_thread.run_sync(remove_damaged_manifests, directory)
    logger.warning("removed damaged table versions: %d", len(removed))
    return len(removed)


async def repair_versions(database: AsyncConnection, place: StoreLocation) -> int:
    """Step back from versions whose data files a power failure left empty.

    Only a table that has an empty file and cannot be read is touched: the newest version that
    can be read becomes the newest of all. What was written after it is lost; it was not whole.

    Returns:
        How many versions were stepped over.
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


async def repair_indices(table: LanceTable) -> int:
    """Build a table's indices anew if files of theirs were left empty.

    A power failure can do that to an index in use; a kill in the middle of upkeep to one that
    never came into use. Which it was would not change what to do: 1 s at 20,000 notes.

    Returns:
        How many files were empty.
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
