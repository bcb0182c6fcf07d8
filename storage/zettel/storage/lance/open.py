"""Opening a LanceDB store: creation, version and model checks, recovery after a power failure."""

# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownParameterType=false
# pyright: reportUnknownArgumentType=false, reportUnknownLambdaType=false
# (pyarrow ships no types, lancedb some)

import logging
import os
from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path

from anyio import to_thread
from lancedb import AsyncConnection, AsyncTable, Session, connect_async

from zettel.storage.erasure.ledger import ledger_of
from zettel.storage.errors import (
    MissingStoreError,
    NewerStoreError,
    OtherModelError,
    StoreUnavailableError,
)
from zettel.storage.lance.cache.resident import ResidentNotes
from zettel.storage.lance.errors import unavailable
from zettel.storage.lance.files import (
    damaged_manifests,
    empty_index_files,
    is_only_begun,
    remove,
    remove_damaged_manifests,
    tables_with_empty_data,
)
from zettel.storage.lance.ledger_rows import follow_ledger
from zettel.storage.lance.maintenance import mark_upkeep
from zettel.storage.lance.probe import (
    HELD,
    OBJECT_STORE_OPTIONS,
    probed_key,
    refuse_lost_commits,
)
from zettel.storage.lance.schema import (
    FIRST_VECTOR_SET,
    META,
    REEMBEDDED_SCHEMA_VERSION,
    RUNS,
    SCHEMA_VERSION,
    USAGE,
    TableSpec,
    notes_table,
)
from zettel.storage.lance.side_tables import get_meta, put_meta, read_meta, swap_meta
from zettel.storage.lance.table import LanceTable, Sync, Tables
from zettel.storage.lance.vector_index import drop_vector_index
from zettel.storage.location import (
    StoreLocation,
    check_there,
    hold_or_refuse,
    prepare,
)

INDEX_CACHE_BYTES = 16 << 20
METADATA_CACHE_BYTES = 4 << 20
"""LanceDB fills these caches up to the limit; larger ones made no call faster (`make soak`)."""

CLOUD_REGION = "us-east-1"
"""The client's default."""

SCHEMA_KEY = "schema_version"
MODEL_KEY = "embed_model"
DIM_KEY = "embed_dim"
SET_KEY = "vector_set"
"""Key in `meta`: number of the set of vectors in use; absent for the first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Site:
    """Where tables are opened and created, and their common arguments."""

    database: AsyncConnection
    place: StoreLocation
    sync: Sync | None

    def table(self, handle: AsyncTable, spec: TableSpec) -> LanceTable:
        """Wrap a handle."""
        return LanceTable(
            handle,
            reopen=partial(self.database.open_table, spec.name),
            spec=spec,
            place=self.place,
            sync=self.sync,
        )


async def open_tables(
    place: StoreLocation,
    *,
    model_id: str | None,
    dim: int = 0,
    create: bool = True,
    sync: Sync | None = None,
    erasures: Path | None = None,
) -> Tables:
    """Open a store's tables, creating missing ones on request.

    Args:
        place: The store's location.
        model_id: The embedding model with its fingerprint; None accepts the store's own.
        dim: Length of its vectors; ignored without a model.
        create: Whether to create a missing store; never without a model.
        sync: Called after every commit so that it survives a power failure; None for not.
        erasures: Directory of the ledger's copy outside the store; None for none.

    Raises:
        StoreUnavailableError: The location cannot be used.
        NewerStoreError: A newer Zettel wrote the store; nothing was changed.
        OtherModelError: Another model made its vectors; nothing was changed.
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
            raise MissingStoreError(place.uri)
        if place.is_object_store:
            await refuse_lost_commits(place, None)
        async with hold_or_refuse(place):
            if not await _is_made(site):
                await _create(site, model_id=model_id, dim=dim)
    meta = await _open(site, META)
    await _check_version(meta, place)
    if place.is_object_store and model_id is not None:
        await refuse_lost_commits(place, meta)
    found = await read_vectors_in_use(meta)
    if model_id is not None and (found.model_id, found.dim) != (model_id, dim):
        asked = f"{model_id} ({dim} dimensions)"
        raise OtherModelError(place.uri, found.model_id, asked, dim=found.dim)
    notes = await _open(site, notes_table(found.dim, found.number))
    healed["empty_index_files"] = await repair_indices(notes)
    tables = Tables(
        database=database,
        place=place,
        model_id=found.model_id,
        dim=found.dim,
        vector_set=found.number,
        healed=healed,
        resident=ResidentNotes(found.dim),
        ledger=ledger_of(place, erasures),
        notes=notes,
        usage=await _open(site, USAGE),
        runs=await _open(site, RUNS),
        meta=meta,
    )
    await follow_ledger(tables)
    return tables


async def _connect(place: StoreLocation) -> AsyncConnection:
    caches = Session(
        index_cache_size_bytes=INDEX_CACHE_BYTES, metadata_cache_size_bytes=METADATA_CACHE_BYTES
    )
    try:
        # Consistency 0: with any other value an update misses rows another process added.
        return await connect_async(
            place.uri,
            read_consistency_interval=timedelta(0),
            session=caches,
            storage_options=OBJECT_STORE_OPTIONS if place.is_object_store else None,
            # For db:// alone; the client reads no variable by itself.
            api_key=os.environ.get("LANCEDB_API_KEY") if place.is_cloud else None,
            region=os.environ.get("LANCEDB_REGION") or CLOUD_REGION,
            host_override=os.environ.get("LANCEDB_HOST_OVERRIDE"),
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
    """Create what is missing, the schema version last: until then the store counts as missing."""
    notes = await _make(site, notes_table(dim))
    others = [await _make(site, spec) for spec in (USAGE, RUNS, META)]
    await notes.build_indices()
    meta = others[-1]
    held = {probed_key(site.place): HELD} if site.place.is_object_store else {}
    await put_meta(meta, {MODEL_KEY: model_id, DIM_KEY: str(dim), **held})
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
    await table.sync()
    return table


async def _check_version(meta: LanceTable, place: StoreLocation) -> None:
    version = int(await get_meta(meta, SCHEMA_KEY) or 0)
    if version > REEMBEDDED_SCHEMA_VERSION:
        raise NewerStoreError(place.uri, version, REEMBEDDED_SCHEMA_VERSION)


@dataclass(frozen=True, slots=True, kw_only=True)
class VectorsInUse:
    """The set of vectors that a store is searched with."""

    number: int
    model_id: str
    dim: int


async def read_vectors_in_use(meta: LanceTable) -> VectorsInUse:
    """The record in `meta`, read at one moment: one commit changes all of it."""
    values = await read_meta(meta, (MODEL_KEY, DIM_KEY, SET_KEY))
    return VectorsInUse(
        number=int(values.get(SET_KEY) or FIRST_VECTOR_SET),
        model_id=values.get(MODEL_KEY, ""),
        dim=int(values.get(DIM_KEY) or 0),
    )


logger = logging.getLogger(__name__)


async def repair_manifests(place: StoreLocation) -> int:
    """Remove damaged manifests, so that each table opens at its newest whole version.

    LanceDB 0.40 never syncs its files, so a power failure can leave them empty. Like the functions
    below it reads file names and sizes first and does nothing more to a sound store.

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

    Only a table that has an empty file and cannot be read is changed: its newest readable version
    is restored. What was written after it is lost.

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
    """Rebuild a table's indices if some of their files are empty: 1 s at 20,000 notes.

    Returns:
        How many files were empty.
    """
    directory, name = table.place.directory, table.spec.name
    if directory is None or not await to_thread.run_sync(empty_index_files, directory, name):
        return 0
    async with hold_or_refuse(table.place):
        # Again: the first ones may have been of maintenance that was still writing.
        empty = await to_thread.run_sync(empty_index_files, directory, name)
        if not empty:
            return 0
        await table.build_indices()
        await drop_vector_index(table, table.spec)
        await to_thread.run_sync(remove, empty)
    logger.warning("built indices of %s anew, empty files: %d", name, len(empty))
    return len(empty)


async def _step_back(handle: AsyncTable) -> int:
    """Restore the newest readable version; returns how many were stepped over."""
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
    """Whether every data and deletion file opens: one short column needs them all."""
    key = (await handle.schema()).names[0]
    try:
        await handle.query().select([key]).to_arrow()
    except (RuntimeError, OSError):
        return False
    return True
