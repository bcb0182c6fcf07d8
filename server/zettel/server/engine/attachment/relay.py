"""Relays lines between a client's pipes and the engine, and replays them to the next engine.

One thread, bounded buffers, no blocking calls: a client that does not read delays only its own
answers. Standard library only.
"""

import json
import os
import select
import socket
from collections.abc import Callable, Iterable

from zettel.server.engine.ipc.connect import EngineConnection, RefusedError
from zettel.server.engine.ipc.handshake import Message
from zettel.server.engine.ipc.lines import CHUNK_BYTES, LineSplitter, id_at_the_edges
from zettel.server.engine.ipc.rendezvous import UnattachableError

INTERNAL_ERROR = -32603
"""JSON-RPC error code."""

REPLAY_ID = "zettel-replay"
"""Prefix of the ids of replayed requests that were answered before; answers are dropped."""

LASTING_METHOD = "subscriptions/listen"
"""Open until the client ends it: replayed to each engine, but no engine is started for it."""

MAX_REPLAYED_SUBSCRIPTIONS = 256
"""Replayed subscriptions: as many as an engine allows per connection."""

DIED_TWICE = (
    "Zettel's engine stopped twice during this call. What the call was to change may have been"
    " stored. It is safe to make the same call again."
)

Id = int | str


class ReplayLog:
    """The unanswered requests, the legacy handshake and the subscriptions of one client."""

    def __init__(self) -> None:
        self._open: dict[Id, bytes] = {}
        self._listening: dict[Id, bytes] = {}
        self._subscribed: dict[str, Message] = {}
        self._died_under: set[Id] = set()
        self._initialize: Message | None = None
        # Until it is answered: some clients use an id again.
        self._initialize_id: Id | None = None
        self._initialized = b""

    @property
    def waiting(self) -> bool:
        """Whether a request is unanswered."""
        return bool(self._open)

    def heard(self, line: bytes) -> None:
        """Record a line from the client, its newline included."""
        message = _read(line)
        if message is None:
            broken_id = id_at_the_edges(line.removesuffix(b"\n"))
            if broken_id is not None:
                self._open[broken_id] = line
            return
        method = message.get("method")
        if method is None:
            return
        request_id = _id_of(message)
        if request_id is not None:
            self._note_subscription(method, message)
            self._open[request_id] = line
            self._died_under.discard(request_id)
            if method == "initialize":
                self._initialize, self._initialize_id = message, request_id
            elif request_id == self._initialize_id:
                self._initialize_id = None
        elif method == "notifications/initialized":
            self._initialized = line
        elif method == "notifications/cancelled":
            # A cancelled request is never answered.
            self._close(_cancelled(message))

    def answered(self, line: bytes) -> bool:
        """Record a line from the engine; False if it is not for the client."""
        message = _read(line) if b'"id"' in line else None
        if message is None or "method" in message:
            return True
        answered_id = _id_of(message)
        if isinstance(answered_id, str) and answered_id.startswith(REPLAY_ID):
            return False
        self._close(answered_id)
        return True

    def died(self) -> list[bytes]:
        """Record the engine's death; error answers to the calls under which two engines died."""
        for key in [key for key in self._open if _lasts(self._open[key])]:
            self._listening[key] = self._open.pop(key)
        given_up = [key for key in self._open if key in self._died_under]
        self._died_under.update(self._open)
        return self.give_up(given_up, DIED_TWICE)

    def give_up(self, ids: Iterable[Id] | None, why: str) -> list[bytes]:
        """Answer requests with an error.

        `ids` is None for all open requests.

        Returns:
            One line per request, newline included.
        """
        lines: list[bytes] = []
        for key in tuple(self._open if ids is None else ids):
            error = {"code": INTERNAL_ERROR, "message": why}
            lines.append(json.dumps({"jsonrpc": "2.0", "id": key, "error": error}).encode() + b"\n")
            self._close(key)
        return lines

    def replay(self) -> list[bytes]:
        """The first lines for a new engine: handshake, subscriptions, open requests."""
        rest = dict(self._open)
        lines: list[bytes] = []
        if self._initialize_id is not None:
            lines.append(rest.pop(self._initialize_id))
        elif self._initialize is not None:
            lines.append(json.dumps({**self._initialize, "id": REPLAY_ID}).encode() + b"\n")
        if self._initialized:
            lines.append(self._initialized)
        for count, message in enumerate(self._subscribed.values()):
            again = json.dumps({**message, "id": f"{REPLAY_ID}-{count}"}).encode() + b"\n"
            lines.append(again)
        return [*lines, *self._listening.values(), *rest.values()]

    def _note_subscription(self, method: object, message: Message) -> None:
        """Record a subscription, even one that is refused: the replayed answer is dropped."""
        params = message.get("params")
        uri = params.get("uri") if isinstance(params, dict) else None
        if not isinstance(uri, str):
            return
        if method == "resources/subscribe" and len(self._subscribed) < MAX_REPLAYED_SUBSCRIPTIONS:
            self._subscribed[uri] = message
        elif method == "resources/unsubscribe":
            self._subscribed.pop(uri, None)

    def _close(self, key: object) -> None:
        if isinstance(key, int | str):
            self._listening.pop(key, None)
            self._open.pop(key, None)
            self._died_under.discard(key)
        if key == self._initialize_id:
            self._initialize_id = None


def _lasts(line: bytes) -> bool:
    message = _read(line) if LASTING_METHOD.encode() in line else None
    return message is not None and message.get("method") == LASTING_METHOD


def _read(line: bytes) -> Message | None:
    """A JSON object; None for anything else."""
    try:
        message: Message = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return message if type(message) is dict else None


def _cancelled(message: Message) -> object:
    params = message.get("params")
    return params.get("requestId") if isinstance(params, dict) else None


def _id_of(message: Message) -> Id | None:
    found = message.get("id")
    if isinstance(found, bool) or not isinstance(found, int | str):
        return None
    if isinstance(found, str) and not found.isascii():
        try:
            found.encode()
        except UnicodeEncodeError:
            # Half a surrogate pair: the engine's answer has no id.
            return None
    return found


HIGH_WATER = 4 * CHUNK_BYTES
"""Buffered bytes above which the source is not read."""

TICK_S = 2.0
"""Seconds between two checks whether the client process still exists."""


class Relay:
    """Connects the client's pipes to an engine, and to the next one when that dies.

    `reattach` connects to the next engine; `patience` is called regularly, and exits the process if
    the client is gone.
    """

    def __init__(
        self,
        connection: EngineConnection,
        reattach: Callable[[], EngineConnection],
        patience: Callable[[], None],
        fds: tuple[int, int] = (0, 1),
    ) -> None:
        self._reattach = reattach
        self._patience = patience
        self._in, self._out = fds
        self._replay_log = ReplayLog()
        self._from_client, self._from_engine = LineSplitter(), LineSplitter()
        self._to_client, self._to_engine = bytearray(), bytearray()
        self._client_ended = False
        self._engine: socket.socket | None = None
        self._deaf = False
        self._connect(connection)

    def run(self) -> None:
        """Relay until the client has disconnected and all its requests are answered."""
        while not self._is_done():
            if self._engine is None and self._replay_log.waiting:
                self._attach_again()
                continue
            self._forward_end()
            self._patience()
            readable, writable, _ = select.select(*self._wanted(), [], TICK_S)
            if self._out in writable and not self._write_client():
                return
            if self._engine in writable:
                self._write_engine()
            if self._engine in readable:
                self._read_engine()
            if self._in in readable:
                self._read_client()

    def _is_done(self) -> bool:
        gone = self._engine is None and not self._replay_log.waiting
        return self._client_ended and gone and not self._to_client

    def _wanted(self) -> tuple[list[int | socket.socket], list[int | socket.socket]]:
        readable: list[int | socket.socket] = []
        writable: list[int | socket.socket] = []
        if not self._client_ended and len(self._to_engine) < HIGH_WATER:
            readable.append(self._in)
        if self._to_client:
            writable.append(self._out)
        if self._engine is not None:
            if len(self._to_client) < HIGH_WATER:
                readable.append(self._engine)
            if self._to_engine and not self._deaf:
                writable.append(self._engine)
        return readable, writable

    def _connect(self, connection: EngineConnection) -> None:
        self._engine = connection.sock
        self._engine.setblocking(False)
        self._deaf = False
        self._from_engine = LineSplitter()
        self._to_engine = bytearray(b"".join(self._replay_log.replay()))

    def _attach_again(self) -> None:
        try:
            self._connect(self._reattach())
        except (RefusedError, UnattachableError) as error:
            why = f"Zettel's engine stopped, and there is no other: {error}. Then call again."
            self._to_client += b"".join(self._replay_log.give_up(None, why))

    def _forward_end(self) -> None:
        """Forward the end of the client's input after all data before it."""
        if self._client_ended and self._engine is not None and not self._to_engine:
            if not self._deaf:
                self._deaf = True
                try:
                    self._engine.shutdown(socket.SHUT_WR)
                except OSError:
                    return

    def _read_client(self) -> None:
        try:
            chunk = os.read(self._in, CHUNK_BYTES)
        except OSError:
            chunk = b""
        self._client_ended = not chunk
        for line in self._from_client.feed(chunk) if chunk else self._from_client.end():
            self._replay_log.heard(line)
            # Without an engine, a request waits in the replay log.
            if self._engine is not None and not self._deaf:
                self._to_engine += line

    def _write_client(self) -> bool:
        """Write some buffered bytes; False if the client has closed its end."""
        try:
            # A writable pipe takes PIPE_BUF bytes without blocking.
            written = os.write(self._out, self._to_client[: select.PIPE_BUF])
        except OSError:
            return False
        del self._to_client[:written]
        return True

    def _write_engine(self) -> None:
        assert self._engine is not None
        try:
            written = self._engine.send(memoryview(self._to_engine)[:CHUNK_BYTES])
        except BlockingIOError:
            return
        except OSError:
            # Stopping; its earlier answers can still be read.
            self._deaf = True
            return
        del self._to_engine[:written]

    def _read_engine(self) -> None:
        assert self._engine is not None
        try:
            chunk = self._engine.recv(CHUNK_BYTES)
        except BlockingIOError:
            return
        except OSError:
            chunk = b""
        if not chunk:
            self._engine.close()
            self._engine = None
            self._to_engine.clear()
            self._to_client += b"".join(self._replay_log.died())
            return
        for line in self._from_engine.feed(chunk):
            if self._replay_log.answered(line):
                self._to_client += line
