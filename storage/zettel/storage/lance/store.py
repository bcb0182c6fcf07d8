"""The LanceDB store: a directory, an object store or LanceDB Cloud behind `Store`.

Importing this module imports lancedb, which takes seconds: not at start-up.
"""

# ruff: noqa: D102 - each method is documented in the contract

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from pathlib import Path

import numpy as np
from anyio import to_thread
from numpy.typing import NDArray

from zettel.storage.erasable import Erasure, Order, Purge, Receipt
from zettel.storage.lance import (
    erase,
    maintenance,
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
from zettel.storage.notes import Facets, Hit, Near, Note, Outline, Run, Usage
from zettel.storage.store import (
    Change,
    NamespaceSize,
    NewNote,
    NoteFilter,
    Recalled,
    Store,
    StoreStats,
    Vectors,
    Written,
)


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


class LanceStore(Store):
    """Notes in LanceDB tables. Made by `open_store`; any number may share one location."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    @property
    def place(self) -> str:
        return self._tables.place.uri

    @property
    def tables(self) -> Tables:
        """Its tables, for backup, restore and doctor."""
        return self._tables

    async def write(
        self, *, new: Sequence[NewNote] = (), changes: Sequence[Change] = ()
    ) -> Written:
        return await writes.write_notes(self._tables, new=new, changes=changes)

    async def get(self, note_ids: Sequence[str]) -> list[Note]:
        return await search.get_notes(self._tables, note_ids)

    async def find(self, where: NoteFilter, *, limit: int, offset: int = 0) -> list[Note]:
        return await search.find_notes(self._tables, where, limit=limit, offset=offset)

    async def count(self, where: NoteFilter) -> int:
        return await search.count_notes(self._tables, where)

    async def match_text(
        self, query: str, where: NoteFilter, *, limit: int, counted: Sequence[str] = ()
    ) -> list[Hit]:
        return await search.match_text(self._tables, query, where, limit=limit, counted=counted)

    async def match_vectors(
        self, vector: NDArray[np.float32], where: NoteFilter, *, limit: int
    ) -> list[Hit]:
        return await search.match_vectors(self._tables, vector, where, limit=limit)

    async def nearest(
        self, vector: NDArray[np.float32], where: NoteFilter, *, limit: int, least: float = -1.0
    ) -> list[Near]:
        return await search.nearest(self._tables, vector, where, limit=limit, least=least)

    async def outlines(self, where: NoteFilter, *, limit: int) -> list[Outline]:
        return await search.outlines(self._tables, where, limit=limit)

    async def rows_true_at(self, where: NoteFilter) -> tuple[str, ...]:
        return await search.rows_true_at(self._tables, where)

    async def linking_to(
        self,
        note_ids: Sequence[str],
        *,
        known_at: datetime | None = None,
        relations: Collection[str] = (),
    ) -> list[Note]:
        return await search.linking_to(
            self._tables, note_ids, known_at=known_at, relations=relations
        )

    async def sample(self, where: NoteFilter, *, size: int) -> list[Outline]:
        return await search.sample(self._tables, where, size=size)

    async def facets(self, where: NoteFilter) -> Facets:
        return await search.facets(self._tables, where)

    async def revisions(self, note_id: str) -> list[Note]:
        return await search.revisions_of(self._tables, note_id)

    async def revisions_of_run(self, run_id: str) -> list[Note]:
        return await search.revisions_of_run(self._tables, run_id)

    async def passages_at(self, row_ids: Sequence[str]) -> dict[str, Vectors]:
        return await search.passages_at(self._tables, row_ids)

    async def latest(self, namespaces: Sequence[str] = ()) -> datetime | None:
        return await search.latest(self._tables, namespaces)

    async def passages_of(self, note_ids: Sequence[str]) -> dict[str, Vectors]:
        return await search.passages_of(self._tables, note_ids)

    async def version(self, namespaces: Sequence[str] = ()) -> int:
        if namespaces:
            return await reads.version_of(self._tables, namespaces)
        return await self._tables.notes.version()

    async def embed(self, vectors: Sequence[tuple[Note, Vectors]], *, model: str) -> None:
        await writes.embed_notes(self._tables, vectors, model=model)

    async def mark(self, notes: Sequence[Note], *, stage: int) -> None:
        await writes.mark_notes(self._tables, notes, stage=stage)

    async def usage_of(self, note_ids: Sequence[str]) -> dict[str, Usage]:
        return await side_tables.usage_of(self._tables, note_ids)

    async def reinforce(self, recalled: Sequence[Recalled]) -> None:
        await follow_ledger(self._tables)
        await side_tables.reinforce(self._tables, recalled)

    async def add_run(self, run: Run) -> None:
        await side_tables.add_run(self._tables, run)

    async def runs(self, *, limit: int) -> list[Run]:
        return await side_tables.newest_runs(self._tables, limit=limit)

    async def get_meta(self, key: str) -> str | None:
        return await side_tables.get_meta(self._tables.meta, key)

    async def swap_meta(self, key: str, *, expected: str | None, value: str | None) -> bool:
        return await side_tables.swap_meta(self._tables.meta, key, expected=expected, value=value)

    async def erase_rows(
        self, orders: Sequence[Order], *, clock: Callable[[], datetime]
    ) -> list[Receipt]:
        return await erase.erase_rows(self._tables, orders, clock=clock)

    async def purge(self, note_ids: Sequence[str], *, meta: bool = False) -> Purge:
        purged = await erase.purge(self._tables, note_ids, meta=meta)
        await reads.keep_resident(self._tables)
        return purged

    async def put_receipt(self, receipt: Receipt) -> None:
        await erase.put_receipt(self._tables, receipt, goes_on=True)

    async def meta_keys(self, sort: str) -> list[str]:
        return await side_tables.meta_keys(self._tables.meta, sort)

    async def receipts(self) -> list[Receipt]:
        await follow_ledger(self._tables)
        return await to_thread.run_sync(self._tables.ledger.receipts)

    async def erased(self, note_ids: Sequence[str]) -> dict[str, Erasure]:
        await follow_ledger(self._tables)
        return await to_thread.run_sync(self._tables.ledger.erased, note_ids)

    async def relapsed(self) -> tuple[str, ...]:
        return await erase.relapsed(self._tables)

    async def superseding(self) -> list[Note]:
        return await repair.superseding(self._tables)

    async def heal(self, *, now: datetime) -> Mapping[str, int]:
        healed = await repair.heal(self._tables, now=now)
        await reads.keep_resident(self._tables)
        return healed

    async def upkeep(self) -> bool:
        tended = await maintenance.upkeep(self._tables)
        await reads.keep_resident(self._tables)
        return tended

    async def size_of(self, namespace: str) -> NamespaceSize:
        return await search.size_of(self._tables, namespace)

    async def stats(self) -> StoreStats:
        return await maintenance.stats(self._tables)

    async def close(self) -> None:
        for table in self._tables.all():
            table.close()
        self._tables.database.close()
