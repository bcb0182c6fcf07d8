"""A copy of a directory store to try things on: hard links, so that it costs next to nothing.

Lance never writes into a file that is there: it adds files and removes names. So two directories
may share files, and what is done to the one leaves the other's bytes as they are.
"""

import errno
import os
import shutil
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from tempfile import mkdtemp

import anyio
from anyio import to_thread
from filelock import FileLock, Timeout

from zettel.storage.errors import StoreUnavailableError
from zettel.storage.location import (
    ENGINE_FOLDER,
    StoreLocation,
    check_there,
    hold,
    prepare,
    read_place,
)

SNAPSHOT_PREFIX = "preview-"
"""How the folder of a snapshot begins, in the store's `.engine`."""
SNAPSHOT_LEFTOVER_AGE_S = 3600.0
"""Age in seconds from which a snapshot's maker is taken to have died."""
LOCK_WAIT_S = 60.0
"""How long to wait for a process that tends the store, in seconds."""
VERSIONS_FOLDER = "_versions"
IN_USE_FILE = "in-use.lock"
"""File of a snapshot that its maker keeps locked."""

_NO_LINKS = frozenset({errno.EPERM, errno.EXDEV, errno.EMLINK, errno.ENOTSUP, errno.ENOSYS})
"""What a file system answers that knows no hard links, or no more of them."""


@asynccontextmanager
async def snapshot(place: str, *, now: datetime) -> AsyncGenerator[Path]:
    """A copy of the store as it stands, gone when the context ends.

    Others may write meanwhile: each table is caught at one of its versions. Upkeep waits.

    Args:
        place: The store, as `open_store` takes it.
        now: What the age of earlier snapshots is measured against, to remove forgotten ones.

    Yields:
        The directory of the copy, a store of its own.
    """
    known = read_place(place)
    directory = await to_thread.run_sync(_directory, known)
    async with hold(known, wait_s=LOCK_WAIT_S) as held:
        if not held:
            raise StoreUnavailableError(
                known.uri,
                f"has been locked by another process for {LOCK_WAIT_S:.0f} s",
                "Wait for it to finish, or stop it, then try again.",
            )
        try:
            copy, in_use = await to_thread.run_sync(_make, directory, now.timestamp())
        except OSError as error:
            problem = f"could not be copied for a preview: {error.strerror or error}"
            remedy = "Leave space on its disk, then try again."
            raise StoreUnavailableError(known.uri, problem, remedy) from error
    try:
        yield copy
    finally:
        in_use.release()
        with anyio.CancelScope(shield=True):
            await to_thread.run_sync(_remove, copy)


def remove_forgotten(directory: Path, *, before: float) -> int:
    """Remove snapshots whose maker was killed.

    Args:
        directory: The store's.
        before: Seconds since the epoch; a snapshot made or written to later may be in use.

    Returns:
        How many there were.
    """
    removed = 0
    for old in (directory / ENGINE_FOLDER).glob(f"{SNAPSHOT_PREFIX}*"):
        try:
            forgotten = _last_used(old) < before
        except FileNotFoundError:
            continue
        if forgotten:
            _remove(old)
            removed += 1
    return removed


def remove_unused(directory: Path) -> bool:
    """Remove snapshots whose maker has died, however young, under the store's lock.

    Args:
        directory: The store's.

    Returns:
        Whether one is left that somebody uses.
    """
    left = False
    for copy in (directory / ENGINE_FOLDER).glob(f"{SNAPSHOT_PREFIX}*"):
        lock = FileLock(copy / IN_USE_FILE, thread_local=False)
        try:
            lock.acquire(blocking=False)
        except (Timeout, OSError):  # in use, or gone meanwhile
            left = left or copy.exists()
            continue
        lock.release()
        _remove(copy)
    return left


def _last_used(copy: Path) -> float:
    """When it was made, or written to last: a long run commits every few seconds."""
    return max(path.stat().st_mtime for path in (copy, *copy.glob(f"*.lance/{VERSIONS_FOLDER}")))


def _directory(place: StoreLocation) -> Path:
    if place.directory is None:
        raise StoreUnavailableError(
            place.uri,
            "is no directory on this machine, and only such a store can be copied for a preview",
            "Run zettel evolve --once; zettel undo takes back what it did.",
        )
    check_there(place)
    prepare(place)
    return place.directory


def _make(directory: Path, now: float) -> tuple[Path, FileLock]:
    remove_forgotten(directory, before=now - SNAPSHOT_LEFTOVER_AGE_S)
    copy = Path(mkdtemp(prefix=SNAPSHOT_PREFIX, dir=directory / ENGINE_FOLDER))
    in_use = FileLock(copy / IN_USE_FILE, thread_local=False)
    try:
        in_use.acquire()
        for table in sorted(directory.glob("*.lance")):
            _link_table(table, copy / table.name)
    except BaseException:
        in_use.release()
        _remove(copy)
        raise
    return copy, in_use


def _link_table(source: Path, target: Path) -> None:
    """Link the manifests first: the files that one names are there before it is.

    Of `_versions` nothing else: the hint beside the manifests may be of a version to come.
    """
    (target / VERSIONS_FOLDER).mkdir(parents=True)
    for manifest in source.glob(f"{VERSIONS_FOLDER}/*.manifest"):
        _link(manifest, target / VERSIONS_FOLDER / manifest.name)
    for folder, subfolders, names in os.walk(source):
        if VERSIONS_FOLDER in subfolders:
            subfolders.remove(VERSIONS_FOLDER)
        into = target / Path(folder).relative_to(source)
        into.mkdir(exist_ok=True)
        for name in names:
            _link(Path(folder, name), into / name)


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except FileNotFoundError:  # of an old version, or a file that was never finished
        return
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        shutil.copy2(source, target)


def _remove(copy: Path) -> None:
    shutil.rmtree(copy, ignore_errors=True)
