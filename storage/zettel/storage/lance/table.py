"""A LanceDB table with retries, conflict handling and syncing."""

# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownParameterType=false
# pyright: reportUnknownArgumentType=false, reportUnknownLambdaType=false
# (pyarrow ships no types, lancedb some)

import ctypes
import math
import os
import sys
from collections import Counter, OrderedDict
from collections.abc import AsyncGenerator, Awaitable, Callable, Hashable, Sequence
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from random import random
from typing import TypeVar

import anyio
import pyarrow as pa
from anyio import to_thread
from lancedb import AsyncConnection, AsyncTable
from lancedb.query import ColumnOrdering

from zettel.storage.erasure.ledger import Ledger
from zettel.storage.errors import StoreUnavailableError
from zettel.storage.lance.cache.note_cache import CurrentRows
from zettel.storage.lance.cache.resident import ResidentNotes
from zettel.storage.lance.cache.text_index import TextIndex
from zettel.storage.lance.cache.versions import NamespaceVersions, Stamp, commits_stamp
from zettel.storage.lance.errors import (
    NO_ANSWER,
    is_conflict,
    is_other_vectors,
    is_stale,
    unavailable,
)
from zettel.storage.lance.schema import TableSpec
from zettel.storage.lance.table_folder import written_folder
from zettel.storage.location import StoreLocation
from zettel.storage.notes import Note
from zettel.storage.read_view import ViewLostError, current_view
from zettel.storage.revisions import NoteRow

Sync = Callable[[Path], None]
"""Returns when the directory's file system has written everything to its disk."""


def sync_file_system(directory: Path) -> None:
    """Write the directory's file system to its disk; `syncfs` on Linux, `sync` elsewhere.

    12 ms a commit instead of 5 ms at the median on a busy disk.

    Raises:
        OSError: The disk failed, or the system has no such call (Windows).
    """
    if sys.platform == "linux":
        _syncfs(directory)
    elif sys.platform == "win32":
        message = "this system cannot sync a whole disk"
        raise OSError(message)
    else:
        os.sync()


def _syncfs(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        if ctypes.CDLL(None, use_errno=True).syncfs(descriptor) != 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number), str(directory))
    finally:
        os.close(descriptor)


_T = TypeVar("_T")

MAX_ROWS = 2**31 - 1
"""Highest limit LanceDB Cloud takes; a search without one returns 10 rows."""

COMMIT_RETRY_PAUSES_S = (0.1, 0.2, 0.4, 0.8, 1.6)
"""Before each retry of a write that lost to another: enough against 3 busy writers."""


CLOUD_INDEX_WAIT = timedelta(minutes=5)
"""How long LanceDB Cloud may take to build the indices of an empty table."""

READ_ATTEMPTS = 5
"""Tries of a read: an erasure drops the versions in use twice within some 300 ms."""


ANSWER_MAX_S = 25.0
"""Seconds that a small read may take where a store is no directory: more than the 20 s in which a
request is repeated, less than the 30 s of a recall, whose error then names the store. Without a
bound Lance lists a store that hangs six times, in 3 minutes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged:
    """Counts of a merge."""

    replaced: int
    """Rows."""
    inserted: int
    """Rows."""
    version: int
    """The version it created."""


@dataclass(slots=True, eq=False)
class Snapshot:
    """A handle that reads one version of a table."""

    handle: AsyncTable
    version: int
    tidy: Callable[[], None]
    """Closes the handles that nobody reads by any more."""
    readers: int = 0
    """Views that see it."""

    def release(self) -> None:
        """End a view's reading."""
        self.readers -= 1
        self.tidy()


class LanceTable:
    """One table of one store, safe among tasks and processes.

    Reads see the newest version, or that of the running task's read view. Methods that read or
    write raise `StoreUnavailableError` if that fails for good.

    Args:
        handle: Opened with `read_consistency_interval=0`, or other processes' rows go unseen.
        reopen: Opens the table once more, for reading an earlier version.
        spec: Name, key, schema and indices.
        place: The store's location.
        sync: Makes a commit survive a power failure; None leaves that to the system.
        jitter: Share of a pause to wait, in `[0, 1)`, so that losers do not meet again.
    """

    def __init__(
        self,
        handle: AsyncTable,
        *,
        reopen: Callable[[], Awaitable[AsyncTable]],
        spec: TableSpec,
        place: StoreLocation,
        sync: Sync | None = None,
        jitter: Callable[[], float] = random,
    ) -> None:
        self.spec = spec
        self._reopen = reopen
        self._handle = handle
        self.place = place
        self._sync = sync
        self._jitter = jitter
        self._lock = anyio.Lock()
        self._version = -1
        self._stamp: Stamp | None = None
        self._snapshots = dict[int, Snapshot]()

    async def read(self, fetch: Callable[[AsyncTable], Awaitable[_T]]) -> _T:
        """Run a read of the newest version, or of that which the task's read view sees.

        Raises:
            ViewLostError: An erasure dropped the view's version.
        """
        seen = await self._seen()
        if seen is None:
            return await self._read_newest(fetch)
        try:
            return await fetch(seen.handle)
        except (RuntimeError, OSError, ValueError) as error:
            if isinstance(error, ValueError) and not is_other_vectors(error):
                raise
            if not is_stale(error):
                raise unavailable(self.place.uri, error) from error
            raise ViewLostError(unavailable(self.place.uri, error)) from error

    async def _read_newest(self, fetch: Callable[[AsyncTable], Awaitable[_T]]) -> _T:
        """Run a read, again if another process deleted the version it was reading."""
        for left in reversed(range(READ_ATTEMPTS)):
            try:
                if left < READ_ATTEMPTS - 1:
                    await self._handle.checkout_latest()
                return await fetch(self._handle)
            except (RuntimeError, OSError, ValueError) as error:
                if isinstance(error, ValueError) and not is_other_vectors(error):
                    raise
                if not left or not is_stale(error):
                    raise unavailable(self.place.uri, error) from error
        raise AssertionError

    async def answered(self, small_read: Awaitable[_T]) -> _T:
        """The answer to a small read, in time; a bound of a write would leave it in doubt.

        Raises:
            StoreUnavailableError: The location does not answer.
        """
        with anyio.move_on_after(math.inf if self.place.directory else ANSWER_MAX_S):
            return await small_read
        late = TimeoutError(NO_ANSWER)
        raise unavailable(self.place.uri, late) from late

    async def select(
        self,
        columns: Sequence[str],
        *,
        where: str = "",
        order: Sequence[str] = (),
        descending: bool = False,
        limit: int = MAX_ROWS,
        offset: int = 0,
        addressed: bool = False,
    ) -> pa.Table:
        """Read some columns of the matching rows.

        Args:
            columns: They include those of `order`, or LanceDB cannot plan it.
            where: Predicate; empty for all rows.
            order: Columns to sort by, the most significant first; empty for no order.
            descending: Sort in descending order.
            limit: Maximum number of rows.
            offset: Number of rows to skip first.
            addressed: Adds `_rowid`, valid until the row is moved or changed.
        """
        if limit <= 0:
            empty = self.spec.schema.empty_table().select(list(columns))
            return empty.append_column("_rowid", [[]]) if addressed else empty

        async def fetch(handle: AsyncTable) -> pa.Table:
            query = handle.query().select([self.spec.column(name) for name in columns])
            if addressed:
                query = query.with_row_id()
            if where:
                query = query.where(where)
            if order:
                query = query.order_by(
                    [ColumnOrdering(column_name=c, ascending=not descending) for c in order]
                )
            return await query.limit(min(limit, MAX_ROWS)).offset(offset).to_arrow()

        return self.spec.as_named(await self.read(fetch))

    async def count(self, where: str = "") -> int:
        """Number of matching rows."""
        return await self.read(lambda handle: handle.count_rows(where or None))

    async def version(self) -> int:
        """Number of the version that reads see; every commit makes one."""
        seen = await self._seen()
        return await self.newest_version() if seen is None else seen.version

    async def newest_version(self) -> int:
        """Number of the newest version, whatever the read view sees."""
        directory = self.place.directory
        # Taken first: what is committed while LanceDB looks gives another stamp to the next call.
        stamp = commits_stamp(directory, self.spec.name) if directory else None
        if stamp is None or stamp != self._stamp:
            newest = self._read_newest(lambda handle: handle.version())
            self._version = await self.answered(newest)
            self._stamp = stamp
        return self._version

    @property
    def snapshots(self) -> frozenset[int]:
        """Versions that are open: those that views see, and the newest seen."""
        return frozenset(self._snapshots)

    async def _seen(self) -> Snapshot | None:
        """What the task's read view sees; None for the newest version at each read."""
        view = current_view() if self.spec.viewed else None
        return None if view is None else await view.fix(self, self._newest_snapshot)

    async def _newest_snapshot(self) -> Snapshot:
        """The newest version for one more view, most often as the last view had it."""
        for left in reversed(range(READ_ATTEMPTS)):
            version = await self.newest_version()
            if version not in self._snapshots:
                try:
                    await self._open_snapshot(version)
                except (RuntimeError, OSError, ValueError) as error:
                    if left and is_stale(error):
                        continue
                    raise unavailable(self.place.uri, error) from error
            found = self._snapshots[version]
            found.readers += 1
            return found
        raise AssertionError

    async def _open_snapshot(self, version: int) -> None:
        unread = [known for known, one in self._snapshots.items() if not one.readers]
        # Taken out meanwhile, as other views must not begin to read by it.
        known = self._snapshots.pop(unread[0]) if unread else None
        handle = known.handle if known else await self._reopen()
        try:
            await handle.checkout(version)
        except BaseException:
            handle.close()
            raise
        if version in self._snapshots:  # another view was as quick
            handle.close()
        else:
            self._snapshots[version] = Snapshot(handle, version, self._close_unread)

    def _close_unread(self) -> None:
        """Close the snapshots without readers, except for the newest of all."""
        newest = max(self._snapshots, default=0)
        for version, one in tuple(self._snapshots.items()):
            if not one.readers and version != newest:
                self._snapshots.pop(version).handle.close()

    @asynccontextmanager
    async def writing(self) -> AsyncGenerator[None]:
        """Exclude this process's other writers, and finish even if the caller is cancelled.

        A cancelled write is not undone: it may commit unseen.
        """
        with anyio.CancelScope(shield=True):
            async with self._lock:
                yield

    @property
    def busy(self) -> bool:
        """Whether a writer of this process holds the table, possibly the caller."""
        return self._lock.locked()

    @asynccontextmanager
    async def tending(self) -> AsyncGenerator[None]:
        """Exclude this process's writers during work that may be cancelled at any time."""
        async with self._lock:
            yield

    async def commit(self, change: Callable[[AsyncTable], Awaitable[_T]]) -> _T:
        """Run one commit, again while others commit first.

        Call it inside `writing`, unless it changes no row.

        Raises:
            StoreUnavailableError: The table's folder is gone, or the disk failed.
        """
        with self._written_folder():
            result = await self._commit(change)
        await self.sync()
        return result

    async def try_commit(self, change: Callable[[AsyncTable], Awaitable[object]]) -> bool:
        """Run a commit that changes no row beside the writers; False if one of them was first."""
        with self._written_folder():
            try:
                await change(self._handle)
            except (RuntimeError, OSError) as error:
                if not is_conflict(error) and not is_stale(error):
                    raise unavailable(self.place.uri, error) from error
                return False
        return True

    def _written_folder(self) -> AbstractContextManager[None]:
        directory, uri = self.place.directory, self.place.uri
        if directory is None:
            return nullcontext()
        return written_folder(directory / f"{self.spec.name}.lance", uri)

    async def sync(self) -> None:
        """Sync what was written, if syncing is on."""
        directory = self.place.directory
        if self._sync is None or directory is None:
            return
        try:
            await to_thread.run_sync(self._sync, directory)
        except OSError as error:
            raise StoreUnavailableError(
                directory,
                f"was written, but could not be synced to its disk: {error.strerror or error}",
                "Check the disk, or leave durability at its default.",
            ) from error

    async def _commit(self, change: Callable[[AsyncTable], Awaitable[_T]]) -> _T:
        for pause_s in COMMIT_RETRY_PAUSES_S:
            try:
                return await change(self._handle)
            except (RuntimeError, OSError, ValueError) as error:
                if isinstance(error, ValueError) and not is_other_vectors(error):
                    raise
                if not is_conflict(error) and not is_stale(error):
                    raise unavailable(self.place.uri, error) from error
            await anyio.sleep(pause_s * self._jitter())
            await self._read_newest(lambda handle: handle.checkout_latest())
        try:
            return await change(self._handle)
        except (RuntimeError, OSError) as error:
            raise unavailable(self.place.uri, error) from error

    async def insert(self, rows: pa.Table) -> int:
        """Append rows in one commit and return its version. Call it inside `writing`."""
        stored = self.spec.as_stored(rows)
        return (await self.commit(lambda handle: handle.add(stored))).version

    async def merge(
        self, rows: pa.Table, *, replace_where: str | None = None, insert: bool = True
    ) -> Merged:
        """Replace and insert rows by the table's key in one commit. Call it inside `writing`.

        The key's index stays unused: with it, LanceDB 0.40 lets two processes insert one key.

        Args:
            rows: Whole rows, each key once.
            replace_where: Matched rows to replace, over `target.` and `source.` columns as named on
                the disk; empty for all, None for none.
            insert: Whether to insert rows whose key is missing.
        """
        stored = self.spec.as_stored(rows)

        async def change(handle: AsyncTable) -> Merged:
            builder = handle.merge_insert(self.spec.key).use_index(False)
            if replace_where is not None:
                builder = builder.when_matched_update_all(where=replace_where or None)
            if insert:
                builder = builder.when_not_matched_insert_all()
            # "null": a row that waits for embedding has no vectors, which is not a bad one.
            merged = builder.execute(stored, on_bad_vectors="null")
            result = await merged  # pyright: ignore[reportGeneralTypeIssues] typed as if sync
            return Merged(
                replaced=result.num_updated_rows,
                inserted=result.num_inserted_rows,
                version=result.version,
            )

        return await self.commit(change)

    async def build_indices(self) -> None:
        """Build every index of the table, replacing those that exist."""
        for column, config in self.spec.indices:
            async with self.writing():
                await self.commit(lambda t, c=column, how=config: t.create_index(c, config=how))
        if self.place.is_cloud:
            # It builds them later, and full text fails without its own.
            names = [f"{column}_idx" for column, _ in self.spec.indices]
            await self.read(lambda t: t.wait_for_index(names, timeout=CLOUD_INDEX_WAIT))

    def close(self) -> None:
        """Release the table's caches."""
        while self._snapshots:
            self._snapshots.popitem()[1].handle.close()
        self._handle.close()


@dataclass(slots=True, eq=False)
class Insertion:
    """New notes of one call, until they are committed."""

    rows: Sequence[NoteRow]
    shared: bool = False
    """Whether notes of other calls are in the same commit."""
    error: BaseException | None = None
    """What the commit failed with."""


@dataclass(slots=True)
class KeptCount:
    """How many rows of some namespaces pass a filter."""

    namespaces: tuple[str, ...]
    """Empty for all."""
    version: int
    """That changed these last, when they were counted or followed."""
    rows: int
    passes: Callable[[Note], bool] | None
    """Whether a note that was added passes; None if that is not known."""


@dataclass(slots=True)
class SearchFacts:
    """What a search has to know of the `notes` table."""

    index_kind: tuple[int, str] = (-1, "")
    """The version it was read at, and the kind of its vector index, empty for none."""
    counts: OrderedDict[Hashable, KeptCount] = field(
        default_factory=OrderedDict[Hashable, KeptCount]
    )
    """Filter -> how many rows pass; those asked about last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tables:
    """The tables of one store with its fixed properties and its caches."""

    database: AsyncConnection
    place: StoreLocation
    model_id: str
    dim: int
    vector_set: int
    """Number of the set of vectors, which are all of this model."""
    healed: Counter[str]
    """Repairs made while opening, by kind of damage, until `heal` has reported them."""
    notes: LanceTable
    usage: LanceTable
    runs: LanceTable
    meta: LanceTable
    resident: ResidentNotes
    ledger: Ledger
    recent: CurrentRows = field(default_factory=CurrentRows)
    texts: TextIndex = field(default_factory=TextIndex)
    changed: NamespaceVersions = field(default_factory=NamespaceVersions)
    """Versions of `notes`."""
    facts: SearchFacts = field(default_factory=SearchFacts)
    insertions: list[Insertion] = field(default_factory=list[Insertion])
    """New notes that wait for the table's writer; the next commit takes all of them."""

    def all(self) -> tuple[LanceTable, ...]:
        """Every table, `meta` last: maintenance writes its mark there."""
        return (self.notes, self.usage, self.runs, self.meta)
