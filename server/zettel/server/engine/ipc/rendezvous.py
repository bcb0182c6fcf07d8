"""The folder where the clients of a store find its engine, and the engine's record in it.

`<store>/.engine/` for a directory; for other stores (`s3://`, `db://`) a folder derived from the
user's id. Environment variables are not used: MCP clients pass different ones to their children.
Standard library only.
"""

import json
import os
import stat

from zettel.server.engine.ipc.file_lock import PASSING_ERRORS
from zettel.server.engine.ipc.handshake import Message, read_object
from zettel.server.engine.ipc.store_path import is_directory

ENGINE_FOLDER = ".engine"
"""As in `zettel.storage.location`, which is too slow to import here."""

SOCKET = "engine.sock"
LOCK = "engine.lock"
"""Held by the engine from start to exit."""
SPAWN_LOCK = "spawn.lock"
"""Held while an engine is being started or replaced, by one process at a time."""
RECORD = "engine.json"
LOG = "engine.log"


class UnattachableError(Exception):
    """No engine can be reached or started from here; the text says why.

    The attachment then serves its client in its own process.
    """


class Rendezvous:
    """The meeting place of one store.

    Args:
        store: Canonical.
    """

    def __init__(self, store: str) -> None:
        self.store = store
        self.folder = (
            os.path.join(store, ENGINE_FOLDER) if is_directory(store) else self.folder_elsewhere()
        )

    @property
    def spawn_lock(self) -> str:
        """Path of the lock for starting an engine."""
        return os.path.join(self.folder, SPAWN_LOCK)

    @property
    def lock(self) -> str:
        """Path of the engine's lock."""
        return os.path.join(self.folder, LOCK)

    @property
    def record(self) -> str:
        """Path of the engine's record."""
        return os.path.join(self.folder, RECORD)

    @property
    def log(self) -> str:
        """Path of the engine's log."""
        return os.path.join(self.folder, LOG)

    def folder_elsewhere(self) -> str:
        """The folder outside the store, for stores that are no directory or cannot hold sockets."""
        from hashlib import blake2b  # noqa: PLC0415  slow, and not needed for a directory

        name = blake2b(os.fsencode(self.store), digest_size=10).hexdigest()
        return os.path.join(runtime_folder(), name)

    def prepare(self) -> None:
        """Create the folder, accessible by its owner only.

        Raises:
            UnattachableError: It cannot be created, or belongs to another user.
        """
        try:
            if is_directory(self.store):
                os.makedirs(self.store, mode=0o700, exist_ok=True)
                make_private(self.folder)
            else:
                self.prepare_elsewhere()
        except OSError as error:
            problem = f"{error.filename or self.folder} cannot be used: {error.strerror or error}"
            raise UnattachableError(problem) from error

    def prepare_elsewhere(self) -> str:
        """Create the folder outside the store, and return it.

        Raises:
            OSError: It cannot be created, or belongs to another user.
        """
        folder = self.folder_elsewhere()
        make_private(os.path.dirname(folder))
        make_private(folder)
        return folder

    def is_trustworthy(self) -> bool:
        """Whether only this user can have created a socket there."""
        if is_directory(self.store):
            return _is_own(self.folder)
        return is_private(os.path.dirname(self.folder)) and is_private(self.folder)

    def read_record(self) -> Message:
        """The record of the current or the last engine; empty if it cannot be read."""
        try:
            return self.look_up_record()
        except OSError:
            return {}

    def look_up_record(self) -> Message:
        """The record of the current or the last engine; empty if there is none.

        Raises:
            OSError: The system cannot look at present; another attempt may succeed.
        """
        try:
            with open(self.record, "rb") as file:
                return read_object(file.read())
        except ValueError:
            return {}
        except OSError as error:
            if error.errno in PASSING_ERRORS:
                raise
            return {}

    def write_record(self, record: Message) -> None:
        """Replace the record atomically; readable by its owner only, as it may hold a secret."""
        draft = f"{self.record}.{os.getpid()}"
        fd = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with open(fd, "wb") as file:
            file.write(json.dumps(record).encode())
        os.replace(draft, self.record)


def runtime_folder() -> str:
    """A private folder of this user, independent of the environment."""
    uid = os.getuid()
    given = f"/run/user/{uid}"
    if is_private(given):
        return os.path.join(given, "zettel")
    return f"/tmp/zettel-{uid}"


def make_private(folder: str) -> None:
    """Create a folder with mode 0700; an existing one is checked and its mode corrected.

    Raises:
        OSError: It cannot be made, or is not this user's.
    """
    try:
        os.mkdir(folder, 0o700)
    except FileExistsError:
        pass
    if not _is_own(folder):
        raise PermissionError(1, "it belongs to another user", folder)
    if not is_private(folder):
        os.chmod(folder, 0o700)


def is_private(folder: str) -> bool:
    """Whether a folder belongs to this user, is no link, and is closed to all other users."""
    return _is_own(folder) and not stat.S_IMODE(os.lstat(folder).st_mode) & 0o077


def _is_own(folder: str) -> bool:
    try:
        found = os.lstat(folder)
    except OSError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid()
