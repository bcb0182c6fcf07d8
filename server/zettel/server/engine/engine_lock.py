"""Being the one engine of a store: its lock, its socket and its record, until it leaves.

Comes before everything heavy: clients can connect, and wait, while the engine is still importing.
"""

import os
import secrets
import socket
import sys
import time
from collections.abc import Callable
from contextlib import suppress

from zettel.server.engine.ipc.file_lock import is_still, try_lock
from zettel.server.engine.ipc.handshake import Message
from zettel.server.engine.ipc.rendezvous import SOCKET, Rendezvous, UnattachableError
from zettel.server.engine.ipc.sockets import listen_loopback, listen_unix
from zettel.server.engine.ipc.store_path import is_directory
from zettel.server.engine.ipc.version import VERSION

ENGINE_LOCK_WAIT_S = 20.0
"""Seconds to wait for an engine that is leaving: longer than it may take to drain and close."""

ENGINE_LOCK_POLL_S = 0.02
"""Seconds between two tries; no event tells of a lock's release."""


class EngineLock:
    """A lock that is held and a socket that is listened on.

    Made by `take`; `announce` tells clients what they need to know.

    Args:
        place: Where the store's clients look for their engine.
        lock: Descriptor of the held lock.
        listening: The socket, listening.
        folder: Where the socket's name is; None for a TCP port.
    """

    def __init__(
        self, place: Rendezvous, lock: int, listening: socket.socket, folder: str | None
    ) -> None:
        self.place = place
        self.listening = listening
        self.secret = "" if folder else secrets.token_urlsafe(24)
        """What a client must know to come in; empty where the file system keeps strangers out."""
        self._folder = folder
        self._lock = lock
        # Held open, its number is given to no other directory.
        self._store = os.open(place.store, os.O_RDONLY) if is_directory(place.store) else None
        self._url = ""
        self._withdrawn = False

    @classmethod
    def take(
        cls, place: Rendezvous, ipc: str, *, wait_s: float = ENGINE_LOCK_WAIT_S
    ) -> "EngineLock | None":
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
            time.sleep(ENGINE_LOCK_POLL_S)
        # What a dead engine wrote leads clients to a port that may be anybody's by now.
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
        """Where it listens, for people."""
        if self._folder is None:
            return f"tcp 127.0.0.1:{self.listening.getsockname()[1]}"
        return f"unix {os.path.join(self._folder, SOCKET)}"

    def announce(self, url: str = "") -> None:
        """Write the record.

        Args:
            url: Where it listens to HTTP; empty for an engine that an attachment started.
        """
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
        """Whether the store's directory still is the one that was claimed."""
        return self._store is None or is_still(self.place.store, self._store)

    def hold(self) -> bool:
        """See to it that clients find this engine and can start no other; False if they cannot.

        A lock or record that somebody tidied away is made anew.
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
            if self.place.read_record().get("pid") != os.getpid():
                self.announce(self._url)
        except (OSError, UnattachableError):
            return False
        return self._folder is None or os.path.exists(os.path.join(self._folder, SOCKET))

    def withdraw(self) -> None:
        """Let no further client in; those who come wait for the next engine."""
        self._withdrawn = True
        # In a store that was made anew meanwhile, these files are another engine's.
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
        """Let the next engine begin; nothing may be written to the store after it."""
        self.withdraw()
        os.close(self._lock)
        if self._store is not None:
            os.close(self._store)


def _socket_folders(place: Rendezvous) -> list[Callable[[], str]]:
    """Where a socket may be: beside the lock, else outside the store."""
    if sys.platform == "win32":
        return []
    return [lambda: place.folder, place.prepare_elsewhere]
