"""What a table's files say of its newest version: whether it changed, and how."""

import os
import time
from pathlib import Path

import regex as re

STAMP_SETTLED_S = 3.0
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
    if time.time_ns() - found.st_mtime_ns < STAMP_SETTLED_S * 1e9:
        return None
    return (found.st_dev, found.st_ino, found.st_mtime_ns)


_NAME = re.compile(rb"\d+-[0-9a-f-]{36}\.txn")
"""Of a version's transaction, in its manifest."""

_OPERATION = re.compile(
    rb"(?:\x08[\x80-\xff]*[\x00-\x7f])?\x12\x24[0-9a-f-]{36}([\x80-\xff])([\x00-\x7f])"
)
"""A transaction begins with the version it was made from, its UUID, and its operation's key
(lance 13.0, `Transaction` in protos/transaction.proto; protobuf's wire format)."""

_REARRANGES = frozenset({103, 104, 107})
"""Numbers of the operations that leave every row as it is: CreateIndex (which drops one, too),
Rewrite, ReserveFragments."""

_LAST = 2**64 - 1
"""A version's manifest is named by what is left to this (lance 13.0, `ManifestNamingScheme.V2`)."""


def rearranges(directory: Path, table: str, version: int) -> bool:
    """Whether a version holds the very rows of the one before; False also if it cannot be told."""
    folder = directory / f"{table}.lance"
    try:
        manifest = (folder / "_versions" / f"{_LAST - version:020}.manifest").read_bytes()
        names = set(_NAME.findall(manifest))
        if len(names) != 1:
            return False
        with (folder / "_transactions" / names.pop().decode()).open("rb") as file:
            found = _OPERATION.match(file.read(64))
    except OSError:
        return False
    return found is not None and _number(*found.groups()) in _REARRANGES


def _number(low: bytes, high: bytes) -> int:
    """A field's number, from its key of two bytes."""
    return ((low[0] & 0x7F) | high[0] << 7) >> 3
