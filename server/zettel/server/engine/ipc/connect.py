"""Reaching the engine of a store and saying hello.

Part of the attachment: imports next to nothing.
"""

import errno
import json
import socket
from typing import NamedTuple

from zettel.server.engine.ipc.file_lock import is_locked
from zettel.server.engine.ipc.handshake import Message, read_object
from zettel.server.engine.ipc.rendezvous import SOCKET, Rendezvous, UnattachableError
from zettel.server.engine.ipc.sockets import connect_loopback, connect_unix

HELLO_ANSWER_S = 30.0
"""Seconds an engine may take to answer hello: it may still be importing on a busy machine."""

FORBIDDEN_ERRNOS = (errno.EPERM, errno.EACCES, errno.EAFNOSUPPORT, errno.EPROTONOSUPPORT)
"""What a sandbox says to a process that wants a socket."""


class RefusedError(Exception):
    """The engine says that this client was started wrongly; the text says what to change."""


class EngineConnection(NamedTuple):
    """A connection to an engine that has answered hello."""

    sock: socket.socket
    """Blocking."""
    answer: Message


def dial(place: Rendezvous, hello: Message) -> EngineConnection | None:
    """Say hello to the engine of a store.

    Returns:
        None if there is no engine, or a dying one: try again, or start one.

    Raises:
        RefusedError: The engine does not serve this client.
        UnattachableError: There is an engine, and it cannot be reached from here.
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
        answer = _say(reached, hello if secret is None else {**hello, "secret": secret})
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
        # Not beside its lock: then it says where. A dead engine's port may be anybody's by now.
        elsewhere, port = record.get("socket"), record.get("port")
        try:
            if isinstance(port, int) and is_locked(place.lock):
                return connect_loopback(port)
            if isinstance(elsewhere, str) and elsewhere != place.folder:
                return connect_unix(elsewhere, SOCKET)
        except (OverflowError, ValueError) as error:  # no engine wrote that record
            raise ConnectionRefusedError from error
        raise


def _say(reached: socket.socket, hello: Message) -> Message:
    """Send hello and read its answer.

    Raises:
        OSError: The connection ended.
        ValueError: What answered is no engine.
    """
    reached.settimeout(HELLO_ANSWER_S)
    reached.sendall(json.dumps(hello).encode() + b"\n")
    heard = b""
    # After its answer an engine says nothing until it is asked.
    while not heard.endswith(b"\n"):
        piece = reached.recv(4096)
        if not piece:
            raise ConnectionResetError
        heard += piece
    reached.settimeout(None)
    answer = read_object(heard)
    if "zettel" not in answer:
        raise ValueError
    return answer
