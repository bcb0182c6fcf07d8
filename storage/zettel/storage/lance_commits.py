"""Whether anybody has committed to a table since, told from its directory alone."""

import os
import time
from pathlib import Path

SETTLED_S = 3.0
"""Age from which a directory's time tells: two commits may share one on a file system that counts
in 2 s (FAT), 1 s (HFS+) or the kernel's ticks."""

Stamp = tuple[int, int, int]
"""Device, inode and time of a directory."""


def commits_stamp(directory: Path, table: str) -> Stamp | None:
    """What every commit to a table changes, since each adds a manifest to one directory.

    A recall asks seven times for the version. LanceDB lists the directory for it: 0.2 ms and two
    threads, where this takes 5 microseconds and nobody.

    Args:
        directory: Of the store.
        table: Its name.

    Returns:
        None if it cannot be told, or was changed so recently that the next commit may look alike.
    """
    try:
        found = os.stat(directory / f"{table}.lance" / "_versions")
    except OSError:
        return None
    if time.time_ns() - found.st_mtime_ns < SETTLED_S * 1e9:
        return None
    return (found.st_dev, found.st_ino, found.st_mtime_ns)
