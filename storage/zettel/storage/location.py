"""A store's location: its address, capabilities, directory and lock."""

import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

import anyio
from filelock import FileLock, Timeout

from zettel.storage.errors import MissingStoreError, StoreUnavailableError

ENGINE_FOLDER = ".engine"
"""Folder of a directory store for locks, the engine's socket and its logs."""

LOCK_FILE = "store.lock"

CLOUD = "db://"
"""How the name of a store in LanceDB Cloud begins."""

STORE_LOCK_POLL_S = 0.05
"""Seconds between attempts to take the lock."""

STORE_LOCK_WAIT_S = 60.0
"""How long to wait for a process that creates or maintains the store: the longest seen, x 3."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreLocation:
    """A store's address and what LanceDB can do there."""

    uri: str
    """Path or URI that LanceDB connects to."""
    directory: Path | None
    """Absolute; None if it is not a local directory."""
    declares_keys: bool = True
    """Whether a table's key can be declared (LanceDB Cloud keeps its own)."""
    optimises: bool = True
    """Whether Zettel compacts (LanceDB Cloud does it itself)."""
    exact_counts: bool = True
    """Whether a write returns the number of rows it touched (older LanceDB Cloud: 0)."""

    @property
    def is_cloud(self) -> bool:
        """Whether it is a name in LanceDB Cloud or Enterprise, whose files nobody sees."""
        return self.uri.startswith(CLOUD)

    @property
    def is_object_store(self) -> bool:
        """Whether it is `s3://`, `gs://` or the like: files, but not on this machine."""
        return self.directory is None and not self.is_cloud


def read_place(text: str) -> StoreLocation:
    """Parse a path, `~` path, `file://` URI, object-store URI or `db://` name."""
    if text.startswith(CLOUD):
        return StoreLocation(
            uri=text, directory=None, declares_keys=False, optimises=False, exact_counts=False
        )
    if text.startswith("file://"):
        text = unquote(text.removeprefix("file://").removeprefix("localhost"))
        if sys.platform == "win32":
            text = text.removeprefix("/")
    elif "://" in text:
        return StoreLocation(uri=text, directory=None)
    try:
        directory = Path(text).expanduser().absolute()
    except RuntimeError as error:
        raise StoreUnavailableError(
            text, f"cannot be found: {error}", "Write the path of your home directory out."
        ) from error
    return StoreLocation(uri=str(directory), directory=directory)


def prepare(place: StoreLocation) -> None:
    """Create a directory store's folders for their owner alone; an existing one keeps its mode.

    Raises:
        StoreUnavailableError: The path is a file, or cannot be created or written.
    """
    if place.directory is None:
        return
    try:
        place.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        (place.directory / ENGINE_FOLDER).mkdir(mode=0o700, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        raise StoreUnavailableError(
            place.directory, "is a file, or lies below one", "Point ZETTEL_STORE at a directory."
        ) from error
    except OSError as error:
        raise _unusable(place.directory, error) from error


def check_there(place: StoreLocation) -> None:
    """Check that a directory store exists, without creating anything.

    Raises:
        MissingStoreError: There is no such directory.
    """
    if place.directory is not None and not place.directory.exists():
        raise MissingStoreError(place.uri)


@asynccontextmanager
async def hold(place: StoreLocation, *, wait_s: float) -> AsyncGenerator[bool]:
    """Hold the store's lock against every other process.

    A location without a directory has no lock; declared keys and retries protect it.

    `wait_s` is how long to wait for another holder; 0 tries once.

    Yields:
        False if another holder kept it all that time.

    Raises:
        StoreUnavailableError: The lock file cannot be created.
    """
    if place.directory is None:
        yield True
        return
    # Not bound to a thread: the event loop may hand the holder to another one.
    lock = FileLock(place.directory / ENGINE_FOLDER / LOCK_FILE, mode=0o600, thread_local=False)
    held = False
    with anyio.move_on_after(wait_s):
        # A lock of another process can only be asked for.
        while not (held := _try(lock, place.directory)) and wait_s > 0:  # noqa: ASYNC110
            await anyio.sleep(STORE_LOCK_POLL_S)
    try:
        yield held
    finally:
        lock.release()


@asynccontextmanager
async def hold_or_refuse(place: StoreLocation) -> AsyncGenerator[None]:
    """Hold the store's lock, waiting `STORE_LOCK_WAIT_S` for another holder.

    Raises:
        StoreUnavailableError: The other holder kept it all that time.
    """
    async with hold(place, wait_s=STORE_LOCK_WAIT_S) as held:
        if not held:
            raise StoreUnavailableError(
                place.uri,
                f"has been locked by another process for {STORE_LOCK_WAIT_S:.0f} s",
                "Wait for it to finish, or stop it, then try again.",
            )
        yield


def _try(lock: FileLock, directory: Path) -> bool:
    try:
        lock.acquire(blocking=False)
    except Timeout:
        return False
    except OSError as error:
        raise _unusable(directory, error) from error
    return True


def _unusable(directory: Path, error: OSError) -> StoreUnavailableError:
    return StoreUnavailableError(
        directory,
        f"cannot be used: {error.strerror or error}",
        "Make it writable and leave space on its disk, or point ZETTEL_STORE elsewhere.",
    )
