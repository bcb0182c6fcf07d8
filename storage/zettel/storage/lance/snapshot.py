"""A copy of a directory store for dry runs, made of hard links.

Lance only adds and removes files, so changes in one directory leave the other's files as they are.
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
    hold_or_refuse,
    prepare,
    read_place,
)

SNAPSHOT_PREFIX = "preview-"
"""Prefix of a snapshot's folder in the store's `.engine`."""
SNAPSHOT_LEFTOVER_AGE_S = 3600.0
"""Age in seconds from which a snapshot's maker counts as dead."""
VERSIONS_FOLDER = "_versions"
IN_USE_FILE = "in-use.lock"
"""File of a snapshot that its maker keeps locked."""

_NO_LINKS = frozenset({errno.EPERM, errno.EXDEV, errno.EMLINK, errno.ENOTSUP, errno.ENOSYS})
"""Errors of file systems without hard links, or without another one to this file."""


@asynccontextmanager
async def snapshot(place: str, *, now: datetime) -> AsyncGenerator[Path]:
    """Copy the store for as long as the context lasts.

    Others may write meanwhile: each table is copied at one of its versions. Maintenance waits.

    Yields:
        The directory of the copy, a store of its own.

    Raises:
        StoreUnavailableError: The store is no directory, is missing, stayed locked, or its disk
            has no room for the copy.
    """
    known = read_place(place)
    directory = await to_thread.run_sync(_directory, known)
    async with hold_or_refuse(known):
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
    """Remove snapshots whose maker was killed; returns how many.

    Snapshots made or written after `before`, in seconds since the epoch, are kept.
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
    """Remove snapshots whose maker has died; returns whether one in use is left."""
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
    """When it was made or last written: a long run commits every few seconds."""
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
    """Link the manifests first, so that every file they name exists.

    Nothing else of `_versions` is linked: its hint file may name a later version.
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
    except FileNotFoundError:  # of an old version, or an unfinished file
        return
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        shutil.copy2(source, target)


def _remove(copy: Path) -> None:
    shutil.rmtree(copy, ignore_errors=True)
