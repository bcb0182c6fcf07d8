"""Connects to the engine of a store and sends the hello. Standard library only."""

import errno
import json
import socket
from typing import NamedTuple

from zettel.server.engine.ipc.file_lock import is_locked
from zettel.server.engine.ipc.handshake import Message, read_object
from zettel.server.engine.ipc.rendezvous import SOCKET, Rendezvous, UnattachableError
from zettel.server.engine.ipc.sockets import connect_loopback, connect_unix

HELLO_ANSWER_S = 30.0
"""Seconds an engine may take to answer a hello: it may still be importing."""

FORBIDDEN_ERRNOS = (errno.EPERM, errno.EACCES, errno.EAFNOSUPPORT, errno.EPROTONOSUPPORT)
"""Error numbers with which a sandbox denies a socket."""


class RefusedError(Exception):
    """The engine rejects this client's settings; the text says what to change."""


class EngineConnection(NamedTuple):
    """A connection to an engine that has answered hello."""

    sock: socket.socket
    """Blocking."""
    answer: Message


def dial(place: Rendezvous, hello: Message) -> EngineConnection | None:
    """Connect to the engine of a store and send the hello.

    Returns:
        None if there is no engine, or one that is stopping: try again, or start one.

    Raises:
        RefusedError: The engine rejects this client.
        UnattachableError: There is an engine, but it cannot be reached from here.
    """
    if not place.is_trustworthy():
        return None
    record = place.read_record()
    try:
        reached = _connect(place, record)
    except OSError as error:
        if error.errno in FORBIDDEN_ERRNOS and is_locked(place.lock):
            who = record.get("pid", "unknown")
            problem = f"its engine (process {who}) cannot be reached from here: {error.strerror}"
            raise UnattachableError(problem) from None
        return None
    secret = record.get("secret")
    try:
        answer = _send_hello(reached, hello if secret is None else {**hello, "secret": secret})
    except TimeoutError:
        reached.close()
        who = record.get("pid", "unknown")
        problem = f"its engine (process {who}) does not answer; zettel stop, or kill it"
        raise UnattachableError(problem) from None
    except (OSError, ValueError):
        reached.close()
        return None
    if "refused" in answer:
        reached.close()
        raise RefusedError(str(answer["refused"]))
    return EngineConnection(reached, answer)


def _connect(place: Rendezvous, record: Message) -> socket.socket:
    try:
        return connect_unix(place.folder, SOCKET)
    except OSError:
        # Not beside its lock: the record says where. A dead engine's port may have a new owner.
        elsewhere, port = record.get("socket"), record.get("port")
        try:
            if isinstance(port, int) and is_locked(place.lock):
                return connect_loopback(port)
            if isinstance(elsewhere, str) and elsewhere != place.folder:
                return connect_unix(elsewhere, SOCKET)
        except (OverflowError, ValueError) as error:  # not written by an engine
            raise ConnectionRefusedError from error
        raise


def _send_hello(reached: socket.socket, hello: Message) -> Message:
    """Send the hello and read its answer.

    Raises:
        OSError: The connection ended.
        ValueError: The answer is not an engine's.
    """
    reached.settimeout(HELLO_ANSWER_S)
    reached.sendall(json.dumps(hello).encode() + b"\n")
    received = b""
    # After its answer an engine sends nothing before the next request.
    while not received.endswith(b"\n"):
        chunk = reached.recv(4096)
        if not chunk:
            raise ConnectionResetError
        received += chunk
    reached.settimeout(None)
    answer = read_object(received)
    if "zettel" not in answer:
        raise ValueError
    return answer
