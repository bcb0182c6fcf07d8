"""Unix sockets addressed from their folder, so that no path exceeds the length limit; loopback TCP.

Changes the working directory for a moment: only for processes without a second thread.
Standard library only.
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
        # A directory that may be entered but not read cannot be returned to.
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


@contextmanager
def _closed_on_error(family: socket.AddressFamily) -> Generator[socket.socket]:
    """A new stream socket, closed if the body raises an `OSError`."""
    made = socket.socket(family, socket.SOCK_STREAM)
    try:
        yield made
    except OSError:
        made.close()
        raise


def connect_unix(folder: str, name: str) -> socket.socket:
    """Connect to the socket of a folder.

    Raises:
        OSError: No process listens there, or access is denied.
    """
    with _closed_on_error(socket.AF_UNIX) as connection, _inside(folder):
        connection.connect(name)
    return connection


def listen_unix(folder: str, name: str) -> socket.socket:
    """Listen on a socket in a folder, replacing one that was left behind.

    Raises:
        OSError: The file system has no sockets, or access is denied.
    """
    draft = f"{name}.{os.getpid()}"
    with _closed_on_error(socket.AF_UNIX) as listening, _inside(folder):
        with suppress(FileNotFoundError):
            os.unlink(draft)
        listening.bind(draft)
        os.chmod(draft, 0o600)
        listening.listen(SOCKET_BACKLOG)
        # Renamed last: a name that exists belongs to a listening socket.
        os.replace(draft, name)
    return listening


def connect_loopback(port: int) -> socket.socket:
    """Connect to a port of this machine.

    Raises:
        OSError: No process listens there.
    """
    with _closed_on_error(socket.AF_INET) as connection:
        connection.connect(("127.0.0.1", port))
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def listen_loopback() -> socket.socket:
    """Listen on any free port of this machine.

    Raises:
        OSError: Access to sockets is denied.
    """
    with _closed_on_error(socket.AF_INET) as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(SOCKET_BACKLOG)
    return listening
