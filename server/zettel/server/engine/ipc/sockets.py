"""Unix sockets reached through their folder, so that no path is too long and none means two.

Part of the attachment: imports next to nothing. Changes the working directory for a moment, so it
is for processes that have no second thread yet.
"""

import os
import socket
from collections.abc import Generator
from contextlib import contextmanager, suppress

SOCKET_BACKLOG = 128


@contextmanager
def _inside(folder: str) -> Generator[None]:
    try:
        here = os.open(".", os.O_RDONLY)
    except OSError:
        # A directory that may be entered but not read: nothing leads back to it.
        here = None
    try:
        os.chdir(folder)
        yield
    finally:
        if here is None:
            os.chdir("/")
        else:
            os.fchdir(here)
            os.close(here)


def connect_unix(folder: str, name: str) -> socket.socket:
    """Connect to the socket of a folder.

    Raises:
        OSError: Nobody listens there, or it may not be reached from here.
    """
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        with _inside(folder):
            connection.connect(name)
    except OSError:
        connection.close()
        raise
    return connection


def listen_unix(folder: str, name: str) -> socket.socket:
    """Listen on a socket in a folder, in the place of any that was left behind there.

    Raises:
        OSError: The folder's file system has no sockets, or this process may have none.
    """
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    draft = f"{name}.{os.getpid()}"
    try:
        with _inside(folder):
            with suppress(FileNotFoundError):
                os.unlink(draft)
            listening.bind(draft)
            os.chmod(draft, 0o600)
            listening.listen(SOCKET_BACKLOG)
            # Whoever finds the name finds somebody who listens.
            os.replace(draft, name)
    except OSError:
        listening.close()
        raise
    return listening


def connect_loopback(port: int) -> socket.socket:
    """Connect to a port of this machine.

    Raises:
        OSError: Nobody listens there.
    """
    connection = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        connection.connect(("127.0.0.1", port))
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except OSError:
        connection.close()
        raise
    return connection


def listen_loopback() -> socket.socket:
    """Listen on any free port of this machine.

    Raises:
        OSError: This process may have no sockets.
    """
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        listening.bind(("127.0.0.1", 0))
        listening.listen(SOCKET_BACKLOG)
    except OSError:
        listening.close()
        raise
    return listening
