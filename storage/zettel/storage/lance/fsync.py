"""Making what was written outlast a loss of power: LanceDB 0.40 itself never syncs a file."""

import ctypes
import os
import sys
from collections.abc import Callable
from pathlib import Path

from anyio import to_thread

from zettel.storage.errors import StoreUnavailableError

Sync = Callable[[Path], None]
"""Returns when everything written so far to the directory's file system is on its disk."""


def sync_file_system(directory: Path) -> None:
    """Wait until the directory's file system has written everything down.

    Linux has a call for one file system, `syncfs`; elsewhere `sync` writes down all of them.
    Measured on a busy disk: 12 ms a commit instead of 5 ms at the median, 180 ms at the 95th
    percentile.

    Raises:
        OSError: The disk failed, or this system has no such call (Windows).
    """
    if sys.platform == "linux":
        _syncfs(directory)
    elif sys.platform == "win32":
        message = "this system cannot be told to write a whole disk's changes down"
        raise OSError(message)
    else:
        os.sync()


async def make_last(directory: Path, sync: Sync) -> None:
    """Run the sync in a thread.

    Raises:
        StoreUnavailableError: It failed; what was written stands, but may not outlast a loss of
            power.
    """
    try:
        await to_thread.run_sync(sync, directory)
    except OSError as error:
        raise StoreUnavailableError(
            directory,
            f"was written, but could not be synced to its disk: {error.strerror or error}",
            "Check the disk, or leave durability at its default.",
        ) from error


def _syncfs(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        if ctypes.CDLL(None, use_errno=True).syncfs(descriptor) != 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number), str(directory))
    finally:
        os.close(descriptor)
