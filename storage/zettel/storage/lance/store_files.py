"""The files of a store, in a directory or on an object store: what is in them, and which are left.

This module knows Lance's directory layout (lancedb 0.40, lance 13). LanceDB opens an object store
by itself; listing it takes obstore, which is the same library (Rust's `object_store`), so that one
set of variables and credentials serves both.
"""

# pyright: reportUnknownMemberType=false
# (obstore's listing can also give Arrow of a package that is not installed)

from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import Path, PurePosixPath
from time import time
from typing import TYPE_CHECKING, Protocol
from uuid import UUID

from zettel.storage.lance.errors import unavailable
from zettel.storage.location import StoreLocation
from zettel.storage.progress import ReportProgress

if TYPE_CHECKING:
    from obstore.store import ObjectStore

READ_TOGETHER = 16
"""Objects read at once: each takes some 30 ms, whatever its size."""

COPY_PROGRESS_FILES = 50
"""Files between two progress reports."""

COPY_MAX_LISTINGS = 10
"""Listings of files that writers add and remove meanwhile, as `verify` makes of a directory."""

_NAMED = ("data/*", "_indices/*/*", "_transactions/*", "_versions/*#*", "_versions/.*")
"""Files that contain rows, ids or column names; deletion files contain only numbers."""
_MANIFESTS = "_versions/*.manifest"


class StoreFiles(Protocol):
    """Files below one folder. Every method blocks: call it in a thread."""

    def listing(self) -> Mapping[str, float]:
        """Path, relative and with `/`, of each file -> when it was written.

        In seconds since the epoch, by the clock of the disk or the object store.
        """
        ...

    def contents(self, paths: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        """Each path with its bytes; none for a file that is gone."""
        ...

    def remove(self, paths: Iterable[str]) -> None:
        """Remove files that may be gone."""
        ...

    def now(self) -> float:
        """The time by that clock; on an object store that of the newest object."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderFiles:
    """Files below a directory."""

    folder: Path

    def listing(self) -> Mapping[str, float]:
        """As in the contract."""
        found = dict[str, float]()
        for path in self.folder.rglob("*"):
            if (written := _written(path)) is not None:
                found[path.relative_to(self.folder).as_posix()] = written
        return found

    def contents(self, paths: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        """As in the contract."""
        for path in paths:
            try:
                yield path, (self.folder / path).read_bytes()
            except OSError:  # a socket, or dropped by another process meanwhile
                yield path, b""

    def remove(self, paths: Iterable[str]) -> None:
        """As in the contract."""
        for path in paths:
            (self.folder / path).unlink(missing_ok=True)

    def now(self) -> float:
        """As in the contract."""
        return time()


@dataclass(frozen=True, kw_only=True)
class ObjectFiles:
    """Objects below a store's address; `StoreUnavailableError` if the object store fails.

    Args:
        uri: The store's.
        below: Folder in it; empty for all.
    """

    uri: str
    below: str = ""

    @cached_property
    def _objects(self) -> "ObjectStore":
        # Late: it is there for object stores alone.
        from obstore.store import from_url  # noqa: PLC0415

        return from_url("/".join(filter(None, (self.uri.rstrip("/"), self.below))))

    def listing(self) -> Mapping[str, float]:
        """As in the contract."""
        try:
            return {
                found["path"]: found["last_modified"].timestamp()
                for batch in self._objects.list()
                for found in batch
            }
        except self._failures as error:
            raise unavailable(self.uri, error) from error

    def contents(self, paths: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        """As in the contract."""
        asked = list(paths)
        # In turns: `map` begins with all, and keeps what nobody has taken yet.
        turns = (asked[at : at + READ_TOGETHER] for at in range(0, len(asked), READ_TOGETHER))
        with ThreadPoolExecutor(READ_TOGETHER) as readers:
            for some in turns:
                yield from zip(some, readers.map(self._read, some), strict=True)

    def remove(self, paths: Iterable[str]) -> None:
        """As in the contract."""
        if asked := list(paths):
            try:
                self._objects.delete(asked)
            except self._failures as error:
                raise unavailable(self.uri, error) from error

    def now(self) -> float:
        """As in the contract."""
        return max(self.listing().values(), default=0.0)

    def _read(self, path: str) -> bytes:
        try:
            return bytes(self._objects.get(path).bytes())
        except FileNotFoundError:
            return b""
        except self._failures as error:
            raise unavailable(self.uri, error) from error

    @cached_property
    def _failures(self) -> tuple[type[Exception], ...]:
        from obstore.exceptions import BaseError  # noqa: PLC0415  late, as above

        return (BaseError, OSError, ValueError)


def files_of(place: StoreLocation, table: str = "") -> StoreFiles:
    """The files of a table, or of the whole store; not for LanceDB Cloud, which has none to see."""
    below = f"{table}.lance" if table else ""
    if place.directory is not None:
        return FolderFiles(folder=place.directory / below)
    return ObjectFiles(uri=place.uri, below=below)


def copy_out(files: StoreFiles, directory: Path, *, tell: ReportProgress) -> None:
    """Copy every file, and those that writers add meanwhile, until a listing shows nothing new."""
    copied = dict[str, float]()
    for _ in range(COPY_MAX_LISTINGS):
        listed = files.listing()
        new = [path for path, written in listed.items() if copied.get(path) != written]
        gone = copied.keys() - listed.keys()
        for done, (path, raw) in enumerate(files.contents(new)):
            if done % COPY_PROGRESS_FILES == 0:
                tell("copying objects", done, len(new))
            (directory / path).parent.mkdir(parents=True, exist_ok=True)
            (directory / path).write_bytes(raw)
        for path in gone:
            (directory / path).unlink()
        copied = dict(listed)
        if not new and not gone:
            return


def marked_fragments(table: StoreFiles) -> list[int]:
    """Numbers of the fragments with a deletion file: `_deletions/<fragment>-<version>-<id>`."""
    marks = (PurePosixPath(path) for path in table.listing())
    return sorted({int(p.name.split("-")[0]) for p in marks if p.match("_deletions/*-*-*.*")})


def unnamed_files(table: StoreFiles) -> dict[str, float]:
    """Files that may hold rows and that no version of the table names -> when they were written.

    A manifest names data files and transactions by their names, and indices, which are folders,
    by the bytes of their UUIDs.
    """
    # Listed first: what is committed meanwhile is named by the manifests listed then.
    files = {p: at for p, at in table.listing().items() if any(_is(p, kind) for kind in _NAMED)}
    manifests = [path for path in table.listing() if _is(path, _MANIFESTS)]
    named = [raw for _, raw in table.contents(manifests)]
    return {p: at for p, at in files.items() if not any(_mark(p) in raw for raw in named)}


def _is(path: str, kind: str) -> bool:
    return path.count("/") == kind.count("/") and fnmatchcase(path, kind)


def _mark(path: str) -> bytes:
    parts = PurePosixPath(path)
    if parts.parts[0] == "_indices":
        return UUID(parts.parent.name).bytes
    return parts.name.encode()


def files_holding(files: StoreFiles, words: Sequence[str]) -> list[str]:
    """Paths of the files in which any of the words stands, byte by byte."""
    if not words:
        return []
    sought = [word.encode() for word in words]
    held = files.contents(files.listing())
    return [path for path, raw in held if any(word in raw for word in sought)]


def _written(path: Path) -> float | None:
    """Seconds since the epoch; None if it is no file, or was dropped meanwhile."""
    try:
        return path.stat().st_mtime if path.is_file() else None
    except FileNotFoundError:
        return None
