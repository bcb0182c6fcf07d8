"""Files that appear under their name when they are complete, readable by their owner alone."""

import glob
import os
import secrets
import stat
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from time import time
from typing import BinaryIO

from zettel.storage.backup.errors import BackupExistsError, BackupUnwritableError
from zettel.storage.errors import ZettelError

DRAFT_LEFTOVER_AGE_S = 3600.0
"""Age in seconds from which an unfinished file is that of a killed process."""


def check_target(file: Path, *, force: bool, replaceable: bool = True) -> None:
    """Check before any work whether a file may be written there.

    What is not `replaceable` is left as it is even with `force`.

    Raises:
        BackupExistsError: A file exists, and not `force`.
        BackupUnwritableError: It is a directory or a device, or its parent is missing.
    """
    if file.exists() and not file.is_file():
        what = "a directory" if file.is_dir() else "no file but a device or a pipe"
        raise BackupUnwritableError(file, f"it is {what} that is there already")
    if not file.parent.is_dir():
        raise BackupUnwritableError(file, f"there is no directory {str(file.parent)!r}")
    if not (force and replaceable) and os.path.lexists(file):
        raise BackupExistsError(file, replaceable=replaceable)


@contextmanager
def drafted(file: Path, *, force: bool) -> Generator[BinaryIO]:
    """Write a file, readable by its owner alone; it gets its name when the body has ended.

    Raises:
        BackupExistsError: A file has appeared, and not `force`.
        BackupUnwritableError: The disk is full or not writable.
    """
    draft = file.with_name(f".{file.name}.{secrets.token_hex(4)}.part")
    try:
        _remove_killed(file)
        descriptor = os.open(draft, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with open(descriptor, "w+b") as raw:
                yield raw
                raw.flush()
                os.fsync(raw.fileno())
            _name(draft, file, force=force)
        finally:
            with suppress(FileNotFoundError):
                draft.unlink()
    except ZettelError:  # of the store, or there is a file by now
        raise
    except OSError as error:
        raise BackupUnwritableError(file, error.strerror or str(error)) from error


@contextmanager
def drafted_folder(folder: Path) -> Generator[Path]:
    """Fill a new folder, readable by its owner alone; it gets its name when the body has ended.

    Raises:
        BackupExistsError: Something with that name has appeared.
        BackupUnwritableError: The disk is full or not writable.
    """
    try:
        with TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}.") as draft:
            filled = Path(draft, folder.name)
            filled.mkdir(mode=0o700)
            yield filled
            if os.path.lexists(folder):
                raise BackupExistsError(folder, replaceable=False)
            filled.rename(folder)
    except ZettelError:
        raise
    except OSError as error:
        raise BackupUnwritableError(folder, error.strerror or str(error)) from error


def _name(draft: Path, file: Path, *, force: bool) -> None:
    """Give a finished file its name, durably."""
    if force:
        os.replace(draft, file)
    else:
        try:
            os.link(draft, file)
        except FileExistsError:
            raise BackupExistsError(file) from None
        except OSError:  # a file system without hard links
            if os.path.lexists(file):
                raise BackupExistsError(file) from None
            os.replace(draft, file)
    if hasattr(os, "O_DIRECTORY"):
        folder = os.open(file.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _remove_killed(file: Path) -> None:
    """Remove drafts of this file whose writer was killed: they contain notes' text."""
    for old in file.parent.glob(f".{glob.escape(file.name)}.????????.part"):
        with suppress(FileNotFoundError):
            found = old.lstat()
            if stat.S_ISREG(found.st_mode) and found.st_mtime < time() - DRAFT_LEFTOVER_AGE_S:
                old.unlink()
