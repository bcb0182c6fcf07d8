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
"""Of JSON-RPC."""

REPLAY_ID = "zettel-replay"
"""How the id begins of what is said again and was answered before; its answer is for nobody."""

LASTING_METHOD = "subscriptions/listen"
"""A request that lasts: each engine hears it, but none is started for its sake once one has ended:
without an engine nothing changes."""

MAX_REPLAYED_SUBSCRIPTIONS = 256
"""Subscriptions that are said again: as many as an engine grants one connection."""

DIED_TWICE = (
    "Zettel's engine stopped twice during this call. What the call was to change may have been"
    " stored. It is safe to make the same call again."
)

Id = int | str


class ReplayLog:
    """The requests that have no answer yet, the older era's handshake, and what was subscribed."""

    def __init__(self) -> None:
        self._open: dict[Id, bytes] = {}
        self._listening: dict[Id, bytes] = {}
        self._subscribed: dict[str, Message] = {}
        self._died_under: set[Id] = set()
        self._initialize: Message | None = None
        self._initialize_id: Id | None = None
        self._initialized = b""

    @property
    def waiting(self) -> bool:
        """Whether a request has no answer yet."""
        return bool(self._open)

    def heard(self, line: bytes) -> None:
        """Take note of a line from the client, its newline included."""
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
        elif method == "notifications/initialized":
            self._initialized = line
        elif method == "notifications/cancelled":
            # What was cancelled is never answered.
            self._close(_cancelled(message))

    def answered(self, line: bytes) -> bool:
        """Take note of a line from the engine; False if it is not for the client."""
        message = _read(line) if b'"id"' in line else None
        if message is None or "method" in message:
            return True
        answered_id = _id_of(message)
        if isinstance(answered_id, str) and answered_id.startswith(REPLAY_ID):
            return False
        self._close(answered_id)
        return True

    def died(self) -> list[bytes]:
        """The engine is gone: the lines that tell the client which calls are given up."""
        for key in [key for key in self._open if _lasts(self._open[key])]:
            self._listening[key] = self._open.pop(key)
        given_up = [key for key in self._open if key in self._died_under]
        self._died_under.update(self._open)
        return self.give_up(given_up, DIED_TWICE)

    def give_up(self, ids: Iterable[Id] | None, why: str) -> list[bytes]:
        """Answer requests with an error.

        Args:
            ids: Which; None for all that are open.
            why: What the client is told.

        Returns:
            A line for each, newline included.
        """
        lines: list[bytes] = []
        for key in tuple(self._open if ids is None else ids):
            error = {"code": INTERNAL_ERROR, "message": why}
            lines.append(json.dumps({"jsonrpc": "2.0", "id": key, "error": error}).encode() + b"\n")
            self._close(key)
        return lines

    def replay(self) -> list[bytes]:
        """What a new engine must hear before anything else: the handshake, the open requests."""
        rest = dict(self._open)
        lines: list[bytes] = []
        if self._initialize is not None:
            assert self._initialize_id is not None
            unanswered = rest.pop(self._initialize_id, b"")
            again = json.dumps({**self._initialize, "id": REPLAY_ID}).encode() + b"\n"
            lines.append(unanswered or again)
        if self._initialized:
            lines.append(self._initialized)
        for count, message in enumerate(self._subscribed.values()):
            again = json.dumps({**message, "id": f"{REPLAY_ID}-{count}"}).encode() + b"\n"
            lines.append(again)
        return [*lines, *self._listening.values(), *rest.values()]

    def _note_subscription(self, method: object, message: Message) -> None:
        """Know what is subscribed to; a refusal the next engine repeats, to nobody."""
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
            # Half a surrogate pair: the engine answers under no id.
            return None
    return found


HIGH_WATER = 4 * CHUNK_BYTES
"""Bytes waiting for a reader above which the writer is not read from."""

TICK_S = 2.0
"""Seconds between two looks at whether anybody still waits for us."""


class Relay:
    """The client's pipes on one side, an engine on the other, another engine when that one dies.

    Args:
        line: To the first engine.
        reattach: Comes to another one.
        patience: Called regularly; does not return if nobody waits for an answer any more.
        fds: Where the client is read and written.
    """

    def __init__(
        self,
        line: EngineConnection,
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
        self._connect(line)

    def run(self) -> None:
        """Carry until the client has left and everything it asked is answered."""
        while not self._is_done():
            if self._engine is None and self._replay_log.waiting:
                self._attach_again()
                continue
            self._say_end()
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

    def _connect(self, line: EngineConnection) -> None:
        self._engine = line.sock
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

    def _say_end(self) -> None:
        """Hand the end of the client's input on, once all before it has gone."""
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
            # Without an engine it waits in the replay_log, if it wants an answer.
            if self._engine is not None and not self._deaf:
                self._to_engine += line

    def _write_client(self) -> bool:
        """Write some of what waits; False if nobody reads it."""
        try:
            # So much goes into a pipe that can be written to without blocking.
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
            # Dying; what it has answered before can still be read.
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
