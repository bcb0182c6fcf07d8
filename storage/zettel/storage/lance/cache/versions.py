"""Reading from a table's files whether and how its newest version changed."""

import os
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

import regex as re

STAMP_SETTLED_S = 3.0
"""Age from which a directory's time is unambiguous: file systems count in up to 2 s (FAT)."""

Stamp = tuple[int, int, int]
"""Device, inode and modification time of a directory."""


def commits_stamp(directory: Path, table: str) -> Stamp | None:
    """A stamp that changes with every commit, since each adds a manifest to one directory.

    5 microseconds, where LanceDB's listing takes 0.2 ms; it is needed for every answer.

    Returns:
        None if unknown, or changed so recently that the next commit may look the same.
    """
    try:
        found = os.stat(f"{directory}/{table}.lance/_versions")
    except OSError:
        return None
    if time.time_ns() - found.st_mtime_ns < STAMP_SETTLED_S * 1e9:
        return None
    return (found.st_dev, found.st_ino, found.st_mtime_ns)


_NAME = re.compile(rb"\d+-[0-9a-f-]{36}\.txn")
"""A version's transaction file, as its manifest names it."""

_OPERATION = re.compile(
    rb"(?:\x08[\x80-\xff]*[\x00-\x7f])?\x12\x24[0-9a-f-]{36}([\x80-\xff])([\x00-\x7f])"
)
"""A transaction begins with its base version, UUID and operation key (lance 13.0,
`Transaction` in protos/transaction.proto; protobuf's wire format)."""

_REARRANGES = frozenset({103, 104, 107})
"""Operations that change no row: CreateIndex (also drops), Rewrite, ReserveFragments."""

_LAST = 2**64 - 1
"""A manifest is named by its difference to this (lance 13.0, `ManifestNamingScheme.V2`)."""


def rearranges(directory: Path, table: str, version: int) -> bool:
    """Whether a version has the same rows as the one before; False if unknown."""
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
    """A field's number from its two-byte key."""
    return ((low[0] & 0x7F) | high[0] << 7) >> 3


class NamespaceVersions:
    """The version of a table that changed a namespace last, as far as this process knows.

    What others commit may have changed any of them.
    """

    def __init__(self) -> None:
        self._followed = _UNKNOWN
        self._floor = _UNKNOWN
        self._last = dict[str, int]()

    @property
    def followed(self) -> int:
        """The newest version that is accounted for; -1 at first."""
        return self._followed

    @property
    def by_others(self) -> int:
        """The last version by others, as far as is known; -1 at first."""
        return self._floor

    def wrote(self, version: int, namespaces: Iterable[str]) -> None:
        """Follow a commit of this process to some namespaces."""
        if version == self._followed + 1:
            self._followed = version
            self._last.update(dict.fromkeys(namespaces, version))
        else:
            self.changed(version)

    def changed(self, version: int) -> None:
        """Follow commits that may have changed anything."""
        if version > self._followed:
            self._followed = self._floor = version
            self._last.clear()

    def rearranged(self, version: int) -> None:
        """Follow commits that changed no row."""
        self._followed = max(self._followed, version)

    def of(self, namespaces: Sequence[str]) -> int:
        """The last version that may have changed one of these; of none, any."""
        if not namespaces:
            return self._followed
        return max(self._floor, *(self._last.get(name, _UNKNOWN) for name in namespaces))


_UNKNOWN = -1
