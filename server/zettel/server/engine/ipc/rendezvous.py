"""Where the clients of a store and its engine find each other: a folder, and a record in it.

For a directory that is `<store>/.engine/`. Not a place under the platform's runtime directory: MCP
clients hand a child hardly any environment, so two of them would compute two places. Other stores
(`s3://`, `db://`) meet in a folder that is found from the user's id alone.

Part of the attachment: imports next to nothing.
"""

import json
import os
import stat

from zettel.server.engine.ipc.handshake import Message, read_object
from zettel.server.engine.ipc.store_path import is_directory

ENGINE_FOLDER = ".engine"
"""As in `zettel.storage.location`, which is too heavy to be imported here."""

SOCKET = "engine.sock"
LOCK = "engine.lock"
"""Held by the engine for its whole life."""
SPAWN_LOCK = "spawn.lock"
"""Held by whoever starts or replaces an engine: it saves work, and lets nobody in between."""
RECORD = "engine.json"
LOG = "engine.log"


class UnattachableError(Exception):
    """No engine can be reached or started from here; the text says why, and what to set.

    The attachment catches it and serves its client itself.
    """


class Rendezvous:
    """The meeting place of one store.

    Args:
        store: In its one spelling.
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
        """Path of what an engine tells about itself."""
        return os.path.join(self.folder, RECORD)

    @property
    def log(self) -> str:
        """Path of the log of an engine that an attachment started."""
        return os.path.join(self.folder, LOG)

    def folder_elsewhere(self) -> str:
        """The folder outside the store: for places that are no directory or hold no sockets."""
        from hashlib import blake2b  # noqa: PLC0415  heavy, and never for a usual store

        name = blake2b(os.fsencode(self.store), digest_size=10).hexdigest()
        return os.path.join(runtime_folder(), name)

    def prepare(self) -> None:
        """Make the folder, for its owner alone.

        Raises:
            UnattachableError: It cannot be made, or belongs to somebody else.
        """
        try:
            if is_directory(self.store):
                os.makedirs(self.store, mode=0o700, exist_ok=True)
                make_private(self.folder)
            else:
                self.prepare_elsewhere()
        except OSError as error:
            problem = f"{error.filename or self.folder} cannot be used: {error.strerror or error}"
            raise UnattachableError(problem) from None

    def prepare_elsewhere(self) -> str:
        """Make the folder outside the store, and return it.

        Raises:
            OSError: It cannot be made, or belongs to somebody else.
        """
        folder = self.folder_elsewhere()
        make_private(os.path.dirname(folder))
        make_private(folder)
        return folder

    def is_trustworthy(self) -> bool:
        """Whether nobody but this user can have put a socket there."""
        if is_directory(self.store):
            return _is_own(self.folder)
        return is_private(os.path.dirname(self.folder)) and is_private(self.folder)

    def read_record(self) -> Message:
        """What the engine wrote, or the last one before it; empty if there is nothing to read."""
        try:
            with open(self.record, "rb") as file:
                return read_object(file.read())
        except (OSError, ValueError):
            return {}

    def write_record(self, record: Message) -> None:
        """Replace the record in one step; readable by its owner alone, for it may hold a secret."""
        draft = f"{self.record}.{os.getpid()}"
        fd = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with open(fd, "wb") as file:
            file.write(json.dumps(record).encode())
        os.replace(draft, self.record)


def runtime_folder() -> str:
    """A private folder of this user's, found without the environment."""
    uid = os.getuid()
    given = f"/run/user/{uid}"
    if is_private(given):
        return os.path.join(given, "zettel")
    return f"/tmp/zettel-{uid}"


def make_private(folder: str) -> None:
    """Make a folder that only this user can enter; one that exists is checked and closed.

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
    """Whether a folder is this user's, no link, and closed to everybody else."""
    return _is_own(folder) and not stat.S_IMODE(os.lstat(folder).st_mode) & 0o077


def _is_own(folder: str) -> bool:
    try:
        found = os.lstat(folder)
    except OSError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid()
