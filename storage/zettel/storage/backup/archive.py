"""A backup's file: a zip of uncompressed parts and a manifest, written completely or not at all.

Any zip program opens it, and any Parquet reader its parts.
"""

import os
import struct
import zipfile
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

from zettel.storage.backup.drafts import drafted
from zettel.storage.backup.errors import (
    BackupDamagedError,
    NewerBackupError,
)
from zettel.storage.backup.manifest import (
    ERASURES,
    MANIFEST,
    LaterFormatError,
    Manifest,
    Part,
    read_manifest,
    write_manifest,
)
from zettel.storage.progress import ReportProgress

MANIFEST_BYTES = 16 << 20
"""Maximum size of a manifest: `MAX_PARTS` parts take 10 MB."""
DIRECTORY_BYTES = 8 << 20
"""Maximum size of a zip's list of its entries: those of `MAX_PARTS` parts take 5 MB."""
_END, _END_64 = struct.Struct("<4s4H2LH"), struct.Struct("<4sQ2H2L4Q")
"""The last records of a zip, and of one above 4 GB (PKWARE APPNOTE, 4.3.16 and 4.3.14)."""
_END_64_DISTANCE = _END.size + 20 + _END_64.size
"""Bytes from that record of a zip above 4 GB to the file's end, a locator between them."""
_DATE = (1980, 1, 1, 0, 0, 0)
"""The zip format's first date; the manifest has the backup's own."""

_UNREADABLE = (
    *(zipfile.BadZipFile, zipfile.LargeZipFile, ValueError, RuntimeError, KeyError, EOFError),
    *(struct.error, OSError, OverflowError, IndexError),
)
"""Errors of zipfile for damaged files (CPython 3.11 to 3.13)."""


class ArchiveWriter:
    """A backup being written."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self.parts: list[Part] = []

    def add(self, table: str, content: bytes, *, rows: int) -> None:
        """Append a part.

        Raises:
            OSError: It cannot be written.
        """
        number = sum(part.table == table for part in self.parts)
        name = f"{table}-{number:05}.{'jsonl' if table == ERASURES else 'parquet'}"
        self._archive.writestr(zipfile.ZipInfo(name, _DATE), content)
        digest = sha256(content).hexdigest()
        part = Part(name=name, table=table, rows=rows, bytes=len(content), sha256=digest)
        self.parts.append(part)

    def finish(self, manifest: Manifest) -> None:
        """Append the manifest."""
        self._archive.writestr(zipfile.ZipInfo(MANIFEST, _DATE), write_manifest(manifest))


@contextmanager
def writing(file: Path, *, force: bool) -> Generator[ArchiveWriter]:
    """Write a backup, readable by its owner alone; it gets its name when it is complete.

    Raises:
        BackupExistsError: A file has appeared, and not `force`.
        BackupUnwritableError: The disk is full or not writable.
    """
    with (
        drafted(file, force=force) as raw,
        zipfile.ZipFile(raw, "w", zipfile.ZIP_STORED) as archive,
    ):
        yield ArchiveWriter(archive)


class BackupFile:
    """A backup to read. Made by `checked`."""

    def __init__(self, path: Path, manifest: Manifest) -> None:
        self.path, self.manifest = path, manifest

    def read(self, part: Part) -> bytes:
        """A part's bytes, checked against its hash each time: the file may change between reads.

        Raises:
            BackupDamagedError: They differ.
        """
        with _opened(self.path) as archive:
            return _read(self.path, archive, part)


def checked(path: Path, tell: ReportProgress) -> BackupFile:
    """Open a backup after checking every byte that counts.

    Raises:
        BackupDamagedError: It is damaged; the error says where.
        NewerBackupError: It has a later format.
    """
    with _opened(path) as archive:
        manifest = _manifest(path, archive)
        _check_names(path, archive, manifest.parts)
        size = path.stat().st_size
        if sum(part.bytes for part in manifest.parts) > size:
            raise BackupDamagedError(path, MANIFEST, f"its parts are larger than {size:,} bytes")
        for done, part in enumerate(manifest.parts):
            tell("checking", done, len(manifest.parts))
            _read(path, archive, part)
    return BackupFile(path, manifest)


@contextmanager
def _opened(path: Path) -> Generator[zipfile.ZipFile]:
    try:
        size = path.stat().st_size
        _check_directory(path)
        archive = zipfile.ZipFile(path)
    except FileNotFoundError as error:
        raise BackupDamagedError(path, "its name", "there is no such file") from error
    except (zipfile.BadZipFile, *_UNREADABLE) as error:
        place = f"its end, after {path.stat().st_size if path.is_file() else 0:,} bytes"
        problem = f"the list of its parts is missing or unreadable ({error}): cut short?"
        raise BackupDamagedError(path, place, problem) from error
    with archive:
        if archive.start_dir > size:
            raise BackupDamagedError(path, "its end", "it is cut short")
        yield archive


def _check_directory(path: Path) -> None:
    """Refuse a list of entries that would take much memory; zipfile reads any.

    Raises:
        ValueError: It is too large, or does not end the file as Zettel's does.
    """
    with path.open("rb") as raw:
        end = raw.seek(0, os.SEEK_END)
        raw.seek(max(0, end - _END.size))
        mark, *_, size, _start, comment = _END.unpack(raw.read(_END.size))
        if mark != b"PK\5\6" or comment:
            message = "the file does not end as a backup does"
            raise ValueError(message)
        if end >= _END_64_DISTANCE:
            raw.seek(end - _END_64_DISTANCE)
            mark, *_, size_64, _start = _END_64.unpack(raw.read(_END_64.size))
            # zipfile believes the record wherever it stands.
            size = max(size, size_64) if mark == b"PK\6\6" else size
    if size > DIRECTORY_BYTES:
        message = f"it would take {size:,} bytes"
        raise ValueError(message)


def _manifest(path: Path, archive: zipfile.ZipFile) -> Manifest:
    try:
        info = archive.getinfo(MANIFEST)
    except KeyError:
        raise BackupDamagedError(path, MANIFEST, "it is missing") from None
    if info.compress_type != zipfile.ZIP_STORED or info.file_size > MANIFEST_BYTES:
        raise BackupDamagedError(path, MANIFEST, "it is not as Zettel writes it")
    try:
        return read_manifest(archive.read(info))
    except LaterFormatError as error:
        raise NewerBackupError(path, f"{error}") from None
    except _UNREADABLE as error:
        raise BackupDamagedError(path, _place(info), _first_line(error)) from error


def _check_names(path: Path, archive: zipfile.ZipFile, parts: Iterable[Part]) -> None:
    there = [info.filename for info in archive.infolist()]
    named = [*(part.name for part in parts), MANIFEST]
    if missing := sorted(set(named) - set(there)):
        problem = f"the manifest names it, the file does not hold it ({len(missing)} missing)"
        raise BackupDamagedError(path, missing[0], problem)
    if surplus := sorted(set(there) - set(named)):
        raise BackupDamagedError(path, surplus[0], "the manifest does not name it")
    if len(there) > len(named):
        raise BackupDamagedError(path, MANIFEST, "a part is there twice")


def _read(path: Path, archive: zipfile.ZipFile, part: Part) -> bytes:
    try:
        info = archive.getinfo(part.name)
    except KeyError:
        raise BackupDamagedError(path, part.name, "it is missing") from None
    place = _place(info)
    if info.compress_type != zipfile.ZIP_STORED or info.file_size != part.bytes:
        problem = f"it has {info.file_size:,} bytes, the manifest says {part.bytes:,}"
        raise BackupDamagedError(path, place, problem)
    try:
        content = archive.read(info)
    except _UNREADABLE as error:
        raise BackupDamagedError(path, place, _first_line(error)) from error
    found = sha256(content).hexdigest()
    if found != part.sha256:
        problem = f"its SHA-256 is {found[:12]}…, the manifest says {part.sha256[:12]}…"
        raise BackupDamagedError(path, place, problem)
    return content


def _place(info: zipfile.ZipInfo) -> str:
    end = info.header_offset + info.file_size
    return f"{info.filename} (from byte {info.header_offset:,} to about {end:,})"


def _first_line(error: BaseException) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]
