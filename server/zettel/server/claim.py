"""Being the one engine of a store: its lock, its socket and its record, until it leaves.

Comes before everything heavy: clients can connect, and wait, while the engine is still importing.
"""

import os
import secrets
import socket
import sys
import time
from contextlib import suppress

from zettel.server.hello import Message
from zettel.server.locks import is_still, try_lock
from zettel.server.rendezvous import SOCKET, Rendezvous
from zettel.server.sockets import listen_loopback, listen_unix
from zettel.server.version import VERSION

LOCK_WAIT_S = 20.0
"""Seconds to wait for an engine that is leaving: longer than it may take to drain and close."""

LOCK_POLL_S = 0.02
"""Seconds between two tries; no event tells of a lock's release."""


class Claim:
    """A lock that is held and a socket that is listened on.

    Made by `take`; `announce` tells clients what they need to know.
    """

    def __init__(self, place: Rendezvous, lock: int, listening: socket.socket) -> None:
        self.place = place
        self.listening = listening
        self.secret = ""
        """What a client must know to come in; empty where the file system keeps strangers out."""
        self._socket_folder: str | None = place.folder
        self._lock = lock
        self._store = _identity(place.store)
        self._record: int | None = None

    @classmethod
    def take(cls, place: Rendezvous, ipc: str, *, wait_s: float = LOCK_WAIT_S) -> "Claim | None":
        """Become the engine.

        Args:
            place: Prepared.
            ipc: `unix` or `tcp`; where there are no Unix sockets it is `tcp` in any case.
            wait_s: How long to wait for an engine before this one to leave, in seconds.

        Returns:
            None if another engine kept the lock all that time.

        Raises:
            OSError: There is no way to lock or to listen.
        """
        until = time.monotonic() + wait_s
        while (lock := try_lock(place.lock)) is None:
            if time.monotonic() >= until:
                return None
            time.sleep(LOCK_POLL_S)
        for folder in _socket_folders(place) if ipc == "unix" else ():
            with suppress(OSError):
                claim = cls(place, lock, listen_unix(folder, SOCKET))
                claim._socket_folder = folder
                return claim
        claim = cls(place, lock, listen_loopback())
        claim._socket_folder = None
        claim.secret = secrets.token_urlsafe(24)
        return claim

    @property
    def endpoint(self) -> str:
        """Where it listens, for people."""
        if self._socket_folder is None:
            return f"tcp 127.0.0.1:{self.listening.getsockname()[1]}"
        return f"unix {os.path.join(self._socket_folder, SOCKET)}"

    def announce(self, url: str = "") -> None:
        """Write the record.

        Args:
            url: Where it listens to HTTP; empty for an engine that an attachment started.
        """
        record: Message = {"pid": os.getpid(), "version": VERSION, "store": self.place.store}
        if self._socket_folder is None:
            record |= {"port": self.listening.getsockname()[1], "secret": self.secret}
        else:
            record["socket"] = self._socket_folder
        if url:
            record["url"] = url
        self.place.write_record(record)
        self._record = os.stat(self.place.record).st_ino

    def store_is_there(self) -> bool:
        """Whether the store's directory still is the one that was claimed."""
        return self._store is None or _identity(self.place.store) == self._store

    def is_intact(self) -> bool:
        """Whether clients still find this engine, and no other can be started beside it."""
        with suppress(OSError):
            same_record = os.stat(self.place.record).st_ino == self._record
            found = self._socket_folder is None or os.path.exists(
                os.path.join(self._socket_folder, SOCKET)
            )
            return same_record and found and is_still(self.place.lock, self._lock)
        return False

    def withdraw(self) -> None:
        """Let no further client in; those who come wait for the next engine."""
        # In a store that was made anew meanwhile, these files are another engine's.
        if is_still(self.place.lock, self._lock):
            gone = [self.place.record]
            if self._socket_folder is not None:
                gone.append(os.path.join(self._socket_folder, SOCKET))
            for path in gone:
                with suppress(OSError):
                    os.unlink(path)
        self.listening.close()

    def release(self) -> None:
        """Let the next engine begin; nothing may be written to the store after it."""
        self.withdraw()
        os.close(self._lock)


def _socket_folders(place: Rendezvous) -> list[str]:
    if sys.platform == "win32":
        return []
    folders = [place.folder]
    elsewhere = place.folder_elsewhere()
    return folders if elsewhere in folders else [*folders, elsewhere]


def _identity(store: str) -> tuple[int, int] | None:
    try:
        found = os.stat(store)
    except OSError:
        return None
    return found.st_dev, found.st_ino
