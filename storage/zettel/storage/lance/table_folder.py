"""The folder of a table, which others may remove while it is written."""

import os
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from shutil import rmtree

from zettel.storage.errors import StoreUnavailableError
from zettel.storage.lance.errors import unavailable
from zettel.storage.lance.files import manifests_of


@contextmanager
def written_folder(folder: Path, uri: str) -> Generator[None]:
    """Let a commit write into a table's folder, and nothing remain of it if that was removed.

    LanceDB makes the folder anew, and the store's with it, and leaves a table whose older rows are
    missing, which no store opens.

    Raises:
        StoreUnavailableError: The folder is gone or cannot be read, or was removed while it was
            written.
    """
    removed = StoreUnavailableError(uri, "was removed", "Call again: a new store is made.")
    try:
        before, store = folder.stat(), folder.parent.stat()
        # While it is open no other folder can get its number.
        held = os.open(folder, os.O_RDONLY) if os.name == "posix" else -1
    except FileNotFoundError as error:
        raise removed from error
    except OSError as error:
        raise unavailable(uri, error) from error
    gone = False
    try:
        try:
            yield
        finally:
            gone = not _is_still(before, folder)
            if held >= 0:
                os.close(held)
            # With more than one it is a store that somebody else has begun.
            if gone and len(manifests_of(folder)) <= 1:
                rmtree(folder, ignore_errors=True)
                if not _is_still(store, folder.parent):
                    with suppress(OSError):  # what somebody else has begun there stays
                        folder.parent.rmdir()
    except Exception as error:
        if gone:
            raise removed from error
        raise
    if gone:
        raise removed


def _is_still(before: os.stat_result, folder: Path) -> bool:
    try:
        return os.path.samestat(before, folder.stat())
    except FileNotFoundError:
        return False
