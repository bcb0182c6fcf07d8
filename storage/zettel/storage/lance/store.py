"""The LanceDB store: a directory, an object store or LanceDB Cloud behind `Store`.

Importing this module imports lancedb, which takes seconds: not at start-up.
"""

# ruff: noqa: D102 - each method is documented in the contract

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import wraps
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

from anyio import to_thread

from zettel.storage.erasable import Erasure, Purge, Receipt
from zettel.storage.lance import (
    erase,
    maintenance,
    namespace_search,
    reads,
    repair,
    search,
    side_tables,
    writes,
)
from zettel.storage.lance.ledger_rows import follow_ledger
from zettel.storage.lance.open import open_tables
from zettel.storage.lance.table import Tables, sync_file_system
from zettel.storage.location import read_place
from zettel.storage.store import Recalled

_P = ParamSpec("_P")
_T = TypeVar("_T")


async def open_store(
    place: str,
    *,
    model_id: str,
    dim: int,
    create: bool = True,
    durable: bool = False,
    erasures: Path | None = None,
) -> "LanceStore":
    """Open the store at a location, creating a missing one on request.

    Args:
        place: A directory (`~` and `file://` allowed), an object-store URI or a `db://` name.
        model_id: The embedding model of the vectors, with its weights' fingerprint.
        dim: Length of a vector.
        create: Whether to create a missing store.
        durable: Whether every commit survives a power failure, not only the end of the process:
            some 10 ms each. An object store always does.
        erasures: Directory for a copy of the ledger of erasures; None for no copy.

    Raises:
        StoreUnavailableError: It is a file, read-only, full, locked, or holds no store.
        NewerStoreError: A newer Zettel wrote the store.
        OtherModelError: Another embedding model made its vectors.
    """
    tables = await open_tables(
        read_place(place),
        model_id=model_id,
        dim=dim,
        create=create,
        sync=sync_file_system if durable else None,
        erasures=erasures,
    )
    return LanceStore(tables)


async def open_as_it_is(place: str, *, erasures: Path | None = None) -> "LanceStore":
    """Open an existing store with any model's vectors: for administration, not for search.

    Raises:
        StoreUnavailableError: There is no store, or it cannot be used.
        NewerStoreError: A newer Zettel wrote the store.
    """
    return LanceStore(
        await open_tables(read_place(place), model_id=None, create=False, erasures=erasures)
    )


def _on_tables(
    operation: Callable[Concatenate[Tables, _P], _T],
) -> Callable[Concatenate["LanceStore", _P], _T]:
    """Make a method of a function that takes the tables first."""

    @wraps(operation)
    def method(store: "LanceStore", /, *args: _P.args, **kwargs: _P.kwargs) -> _T:
        return operation(store.tables, *args, **kwargs)

    return method


class LanceStore:
    """A `Store` in LanceDB tables. Made by `open_store`; any number may share one location."""

    def __init__(self, tables: Tables) -> None:
        self.tables = tables
        """Also for backup, restore and doctor."""

    @property
    def place(self) -> str:
        return self.tables.place.uri

    write = _on_tables(writes.write_notes)
    embed = _on_tables(writes.embed_notes)
    mark = _on_tables(writes.mark_notes)

    get = _on_tables(search.get_notes)
    find = _on_tables(search.find_notes)
    count = _on_tables(search.count_notes)
    match_text = _on_tables(search.match_text)
    match_vectors = _on_tables(search.match_vectors)
    nearest = _on_tables(search.nearest)
    outlines = _on_tables(search.outlines)
    rows_true_at = _on_tables(search.rows_true_at)
    linking_to = _on_tables(search.linking_to)
    sample = _on_tables(search.sample)
    facets = _on_tables(search.facets)
    revisions = _on_tables(search.revisions_of)
    revisions_of_run = _on_tables(search.revisions_of_run)
    passages_at = _on_tables(search.passages_at)
    passages_of = _on_tables(search.passages_of)
    latest = _on_tables(search.latest)
    size_of = _on_tables(search.size_of)

    usage_of = _on_tables(side_tables.usage_of)
    add_run = _on_tables(side_tables.add_run)
    runs = _on_tables(side_tables.newest_runs)

    erase_rows = _on_tables(erase.erase_rows)
    put_receipt = _on_tables(erase.put_receipt)
    relapsed = _on_tables(erase.relapsed)
    superseding = _on_tables(repair.superseding)
    stats = _on_tables(maintenance.stats)

    async def version(self, namespaces: Sequence[str] = ()) -> int:
        if namespaces:
            return await reads.version_of(self.tables, namespaces)
        return await self.tables.notes.version()

    async def reinforce(self, recalled: Sequence[Recalled]) -> None:
        await follow_ledger(self.tables)
        await side_tables.reinforce(self.tables, recalled)

    async def get_meta(self, key: str) -> str | None:
        return await side_tables.get_meta(self.tables.meta, key)

    async def swap_meta(self, key: str, *, expected: str | None, value: str | None) -> bool:
        return await side_tables.swap_meta(self.tables.meta, key, expected=expected, value=value)

    async def meta_keys(self, sort: str) -> list[str]:
        return await side_tables.meta_keys(self.tables.meta, sort)

    async def purge(self, note_ids: Sequence[str], *, meta: bool = False) -> Purge:
        purged = await erase.purge(self.tables, note_ids, meta=meta)
        await reads.keep_resident(self.tables)
        return purged

    async def receipts(self) -> list[Receipt]:
        await follow_ledger(self.tables)
        return await to_thread.run_sync(self.tables.ledger.receipts)

    async def erased(self, note_ids: Sequence[str]) -> dict[str, Erasure]:
        await follow_ledger(self.tables)
        return await to_thread.run_sync(self.tables.ledger.erased, note_ids)

    async def heal(self, *, now: datetime) -> Mapping[str, int]:
        healed = await repair.heal(self.tables, now=now)
        await reads.keep_resident(self.tables)
        return healed

    async def read_ahead(self) -> None:
        await reads.keep_resident(self.tables)
        await namespace_search.count_words(self.tables)

    async def upkeep(self) -> bool:
        tended = await maintenance.upkeep(self.tables)
        await reads.keep_resident(self.tables)
        await namespace_search.count_words(self.tables)
        return tended

    async def close(self) -> None:
        for table in self.tables.all():
            table.close()
        self.tables.database.close()
