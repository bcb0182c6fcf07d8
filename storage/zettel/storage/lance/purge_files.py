"""Removing deleted rows from a store's files: LanceDB's deletion is only a mark.

Knows Lance's directory layout (lancedb 0.40, lance 13): a deleted row keeps its bytes until its
fragment has no live row, a version keeps its files until it is dropped, an index its entries until
it is rebuilt, and no version names the files of a killed writer. `test_purge_files.py` fails if a
newer LanceDB differs.
"""

# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownParameterType=false
# pyright: reportUnknownArgumentType=false, reportUnknownLambdaType=false
# (pyarrow ships no types, lancedb some)

from collections.abc import Iterable, Sequence
from datetime import timedelta
from pathlib import Path
from time import time
from uuid import UUID

import anyio
from anyio import to_thread
from lancedb import AsyncTable

from zettel.storage.erasable import Purge
from zettel.storage.errors import StoreUnavailableError
from zettel.storage.lance.errors import is_conflict
from zettel.storage.lance.files import remove
from zettel.storage.lance.maintenance import mark_upkeep, renew_vector_index
from zettel.storage.lance.snapshot import remove_unused
from zettel.storage.lance.table import LanceTable, Tables
from zettel.storage.location import hold

PURGE_LOCK_WAIT_S = 20.0
"""How long to wait for another maintaining process; 100,000 notes take it 10 s."""
DROPPED_VERSION_AGE = timedelta(milliseconds=1)
"""Drops all versions but the newest; with 0, LanceDB 0.40 warns at every call."""
FRAGMENTS_PER_COMMIT = 200
"""Fragments in one predicate."""
SETTLE_S = (0.05, 0.2, 0.8)
"""Pauses in which a writer can finish its commit."""
SEARCHED_MAX_IDS = 64
"""Ids searched in every byte of the store."""

ABANDONED_FILE_AGE_S = 60.0
"""Age in seconds from which no commit can still name a file. Commits without the store's lock take
milliseconds, a bulk write of 50,000 notes seconds; a file removed too early is lost for good."""

_NAMED = ("data/*", "_indices/*/*", "_transactions/*", "_versions/*#*", "_versions/.*")
"""Files that contain rows, ids or column names; deletion files contain only numbers."""
_FRAGMENT_BITS = 32
"""A row's address is its fragment's number, then its position (without stable row ids)."""


async def purge(tables: Tables, note_ids: Sequence[str], *, meta: bool) -> Purge:
    """Implement `StoreAdmin.purge`; its time grows with the notes that share a fragment.

    It can be killed and repeated at any point; every step leaves a whole table.
    """
    if not tables.place.optimises:
        return Purge(done=False, why="LanceDB Cloud removes deleted rows by itself, when it likes")
    async with hold(tables.place, wait_s=PURGE_LOCK_WAIT_S) as held:
        if not held:
            return Purge(done=False, why="another process tends the store")
        if await _copies_in_use(tables):
            return Purge(done=False, why="a dry run holds a copy of the store's files")
        chosen = (tables.meta,) if meta else (tables.notes, tables.usage)
        began = time()
        try:
            for table in chosen:
                await _rewrite(table, tables)
        except StoreUnavailableError as error:
            if error.__cause__ is not None and is_conflict(error.__cause__):
                return Purge(done=False, why="others write without a pause")
            raise
        await mark_upkeep(tables.all())
        # Orders and previews in `meta` name the ids until that table is cleaned, as the last one.
        places = _folders(chosen) if not meta else [tables.place.directory]
        return await _verified(chosen, [place for place in places if place], note_ids, began)


async def _rewrite(table: LanceTable, tables: Tables) -> None:
    """Move every row that shares a fragment with a deleted one, then drop everything old."""
    # Setting a value to itself writes the row elsewhere and marks the old one.
    same = {table.spec.schema.names[1]: table.spec.schema.names[1]}
    # Never cancelled: a cancelled commit leaves a file that verification waits a minute for.
    for where in await _shared(table):
        async with table.writing():
            await table.commit(lambda t, w=where: t.update(updates_sql=same, where=w))
    async with table.writing():
        await table.commit(_drop_old)
    # Beyond a million rows compaction leaves fragments, and index parts over several, as they are.
    await table.build_indices()
    if table is tables.notes:
        await renew_vector_index(table)
    async with table.writing():
        # The newest transaction must not name deleted rows.
        await table.commit(lambda handle: handle.delete("false"))
        await table.commit(_drop_old)


async def _drop_old(handle: AsyncTable) -> None:
    await handle.optimize(cleanup_older_than=DROPPED_VERSION_AGE)


async def _shared(table: LanceTable) -> list[str | None]:
    """Predicates for the rows to move: of fragments that have a file of deletions.

    All rows where there is no directory to look into.
    """
    directory = table.place.directory
    if directory is None:
        return [None]
    folder = directory / f"{table.spec.name}.lance"
    numbers = await to_thread.run_sync(_marked_fragments, folder)
    return [
        " OR ".join(
            f"(_rowid >= {n << _FRAGMENT_BITS} AND _rowid < {(n + 1) << _FRAGMENT_BITS})"
            for n in numbers[start : start + FRAGMENTS_PER_COMMIT]
        )
        for start in range(0, len(numbers), FRAGMENTS_PER_COMMIT)
    ]


def _marked_fragments(folder: Path) -> list[int]:
    """Numbers of the fragments with a deletion file: `_deletions/<fragment>-<version>-<id>`."""
    return sorted({int(path.name.split("-")[0]) for path in folder.glob("_deletions/*-*-*.*")})


async def _copies_in_use(tables: Tables) -> bool:
    directory = tables.place.directory
    return directory is not None and await to_thread.run_sync(remove_unused, directory)


def _folders(tables: Iterable[LanceTable]) -> list[Path]:
    """Those of the tables; none where there is no directory to look into."""
    return [
        table.place.directory / f"{table.spec.name}.lance"
        for table in tables
        if table.place.directory is not None
    ]


async def _verified(
    chosen: Iterable[LanceTable], places: Sequence[Path], note_ids: Sequence[str], began: float
) -> Purge:
    """Check the files on the disk."""
    if not places:
        seen = ("rows rewritten, indices made anew, older versions dropped",)
        return Purge(done=True, verified=seen)
    for folder in _folders(chosen):
        left = await _left_over(folder, began)
        if left:
            return Purge(done=False, why=f"{len(left)} files of an unfinished write are too young")
    sought = note_ids[:: max(1, len(note_ids) // SEARCHED_MAX_IDS)][:SEARCHED_MAX_IDS]
    if held := await to_thread.run_sync(files_holding, places, sought):
        return Purge(done=False, why=f"an id still stands in {held[0].name}")
    return Purge(
        done=True,
        verified=(
            "no row, link or reason names them",
            "every row that shared a fragment was rewritten, every index made anew, every older"
            " version dropped, no file is left that no version names",
            *([f"{len(sought)} of {len(note_ids)} ids searched byte by byte"] if sought else []),
        ),
    )


async def _left_over(folder: Path, began: float) -> Sequence[Path]:
    """Remove what killed or beaten writers have left; returns what may still be committed.

    A running writer has some seconds to name its files; one that was stopped for longer during a
    commit of milliseconds is assumed dead.
    """
    left = await to_thread.run_sync(_suspects, folder, began)
    for pause_s in SETTLE_S:
        if not left:
            break
        await anyio.sleep(pause_s)
        left = await to_thread.run_sync(_suspects, folder, began)
    old = [path for path in left if _written(path) < time() - ABANDONED_FILE_AGE_S]
    await to_thread.run_sync(remove, old)
    return [path for path in left if path not in old]


def _suspects(folder: Path, began: float) -> list[Path]:
    """Files of no version, as old as the pass: younger ones hold nothing that was gone by then."""
    return [path for path in unnamed_files(folder) if 0 < _written(path) <= began]


def _written(path: Path) -> float:
    """Seconds since the epoch; 0 if it was committed and dropped meanwhile."""
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return 0.0


def unnamed_files(folder: Path) -> list[Path]:
    """Files that may hold rows and that no version of the table names.

    A manifest names data files and transactions by their names, and indices, which are folders,
    by the bytes of their UUIDs.
    """
    # Looked for first: what is committed meanwhile is named by the manifests read then.
    files = [path for kind in _NAMED for path in folder.glob(kind) if path.is_file()]
    manifests = [_bytes(path) for path in folder.glob("_versions/*.manifest")]
    return [path for path in files if not any(_mark(path) in raw for raw in manifests)]


def _mark(path: Path) -> bytes:
    if path.parent.parent.name == "_indices":
        return UUID(path.parent.name).bytes
    return path.name.encode()


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:  # an older version, dropped meanwhile
        return b""


def files_holding(folders: Iterable[Path], words: Iterable[str]) -> list[Path]:
    """Files below these folders in which any of the words stands, byte by byte."""
    sought, found = [word.encode() for word in words], list[Path]()
    for path in (path for folder in folders for path in folder.rglob("*") if sought):
        try:
            raw = path.read_bytes() if path.is_file() else b""
        except OSError:  # a socket, or dropped by another process meanwhile
            continue
        if any(word in raw for word in sought):
            found.append(path)
    return found
