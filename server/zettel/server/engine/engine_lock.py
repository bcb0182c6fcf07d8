"""The engine's lock, socket and record, held from its start to its exit.

Imports little: clients can connect and wait while the engine is still importing the rest.
"""

import os
import secrets
import socket
import sys
import time
from collections.abc import Callable
from contextlib import suppress

from zettel.server.engine.ipc.file_lock import PASSING_ERRORS, is_still, try_lock
from zettel.server.engine.ipc.handshake import Message
from zettel.server.engine.ipc.rendezvous import SOCKET, Rendezvous, UnattachableError
from zettel.server.engine.ipc.sockets import listen_loopback, listen_unix
from zettel.server.engine.ipc.store_path import is_directory
from zettel.server.engine.ipc.version import VERSION

ENGINE_LOCK_WAIT_S = 20.0
"""Seconds to wait for an engine that is stopping: longer than its drain and close may take."""

ENGINE_LOCK_POLL_S = 0.02
"""Seconds between two attempts; the release of a file lock raises no event."""


class EngineLock:
    """A held lock and a listening socket; made by `take`, published by `announce`.

    `lock` is the descriptor of the held lock; `folder` has the socket's name, and is None for a TCP
    port.
    """

    def __init__(
        self, place: Rendezvous, lock: int, listening: socket.socket, folder: str | None
    ) -> None:
        self.place = place
        self.listening = listening
        self.secret = "" if folder else secrets.token_urlsafe(24)
        """Sent by clients in their hello; empty where file permissions protect the socket."""
        self._folder = folder
        self._lock = lock
        # Held open so that its inode number is not reused.
        self._store = os.open(place.store, os.O_RDONLY) if is_directory(place.store) else None
        self._url = ""
        self._withdrawn = False

    @classmethod
    def take(
        cls, place: Rendezvous, ipc: str, *, wait_s: float = ENGINE_LOCK_WAIT_S
    ) -> "EngineLock | None":
        """Take the lock and listen.

        Args:
            place: Prepared.
            ipc: `unix` or `tcp`; `tcp` is used anyway where Unix sockets are not available.
            wait_s: Seconds to wait for a previous engine to stop.

        Returns:
            None if another engine held the lock for the whole wait.

        Raises:
            OSError: Neither kind of socket is available, or the lock file cannot be used.
        """
        until = time.monotonic() + wait_s
        while (lock := try_lock(place.lock)) is None:
            if time.monotonic() >= until:
                return None
            time.sleep(ENGINE_LOCK_POLL_S)
        # A dead engine's port may belong to another process by now.
        with suppress(FileNotFoundError):
            os.unlink(place.record)
        for find in _socket_folders(place) if ipc == "unix" else ():
            with suppress(OSError):
                folder = find()
                return cls(place, lock, listen_unix(folder, SOCKET), folder)
        with suppress(OSError):
            os.unlink(os.path.join(place.folder, SOCKET))
        return cls(place, lock, listen_loopback(), None)

    @property
    def endpoint(self) -> str:
        """Address it listens on, for display."""
        if self._folder is None:
            return f"tcp 127.0.0.1:{self.listening.getsockname()[1]}"
        return f"unix {os.path.join(self._folder, SOCKET)}"

    def announce(self, url: str = "") -> None:
        """Write the record."""
        self._url = url
        record: Message = {"pid": os.getpid(), "version": VERSION, "store": self.place.store}
        if self._folder is None:
            record |= {"port": self.listening.getsockname()[1], "secret": self.secret}
        else:
            record["socket"] = self._folder
        if url:
            record["url"] = url
        self.place.write_record(record)

    def store_is_there(self) -> bool:
        """Whether the store's directory is still the one that was locked."""
        return self._store is None or is_still(self.place.store, self._store)

    def hold(self) -> bool:
        """Recreate a lock file or record that was deleted.

        What fails for want of descriptors, memory or space is left to the next call.

        Returns:
            False if clients cannot find this engine, or could start a second one.
        """
        if self._withdrawn:
            return False
        try:
            if not is_still(self.place.lock, self._lock):
                self.place.prepare()
                anew = try_lock(self.place.lock)
                if anew is None:
                    return False
                os.close(self._lock)
                self._lock = anew
            if self.place.look_up_record().get("pid") != os.getpid():
                self.announce(self._url)
            if self._folder is not None:
                os.stat(os.path.join(self._folder, SOCKET))
        except (UnattachableError, OSError) as error:
            return _passes(error.__cause__ or error)
        return True

    def withdraw(self) -> None:
        """Accept no further clients; new ones wait for the next engine."""
        self._withdrawn = True
        # If the store was recreated meanwhile, these files belong to another engine.
        if is_still(self.place.lock, self._lock):
            gone = [self.place.record]
            if self._folder is not None:
                gone.append(os.path.join(self._folder, SOCKET))
            for path in gone:
                with suppress(OSError):
                    os.unlink(path)
            if self._folder is not None and self._folder != self.place.folder:
                with suppress(OSError):
                    os.rmdir(self._folder)
        self.listening.close()

    def release(self) -> None:
        """Allow the next engine to start; no writes to the store may follow."""
        self.withdraw()
        os.close(self._lock)
        if self._store is not None:
            os.close(self._store)


def _socket_folders(place: Rendezvous) -> list[Callable[[], str]]:
    """Functions that prepare a socket's folder: beside the lock, else outside the store."""
    if sys.platform == "win32":
        return []
    return [lambda: place.folder, place.prepare_elsewhere]


def _passes(error: BaseException) -> bool:
    """Whether it is for want of something that may be there at the next call."""
    return isinstance(error, OSError) and error.errno in PASSING_ERRORS
