"""Carrying lines between a client's pipes and the engine, whatever becomes of the engine.

One thread, no buffer without a bound, nothing that blocks: a client that does not read holds up
its own answers only. Part of the attachment: imports next to nothing.
"""

import os
import select
import socket
from collections.abc import Callable

from zettel.server.engine.attachment.replay_log import ReplayLog
from zettel.server.engine.ipc.connect import EngineConnection, RefusedError
from zettel.server.engine.ipc.message_limits import EDGE, MAX_MESSAGE
from zettel.server.engine.ipc.rendezvous import UnattachableError

CHUNK = 65_536
"""Bytes read at once: the capacity of a Linux pipe."""

HIGH_WATER = 4 * CHUNK
"""Bytes waiting for a reader above which the writer is not read from."""

TICK_S = 2.0
"""Seconds between two looks at whether anybody still waits for us."""


class LineSplitter:
    """Whole lines out of a byte stream, newlines included, blank ones left out.

    Of a line above `MAX_MESSAGE` only the edges are kept, which hold its id; between them goes
    white space, so that the engine finds it too long as well, and answers it.
    """

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._size = 0

    def feed(self, chunk: bytes) -> list[bytes]:
        """Take some bytes; the lines that end in them."""
        whole: list[bytes] = []
        *ended, rest = chunk.split(b"\n")
        for piece in ended:
            self._keep(piece)
            whole += self.end()
        self._keep(rest)
        return whole

    def end(self) -> list[bytes]:
        """End the line that is being read: the line, if it says anything."""
        line, size = b"".join(self._pieces), self._size
        self._pieces, self._size = [], 0
        if size > MAX_MESSAGE:
            return [line[:EDGE] + b" " * MAX_MESSAGE + line[EDGE:] + b"\n"]
        return [line + b"\n"] if line.strip() else []

    def _keep(self, piece: bytes) -> None:
        self._size += len(piece)
        self._pieces.append(piece)
        if self._size > MAX_MESSAGE:
            kept = b"".join(self._pieces)
            self._pieces = [kept[:EDGE], kept[EDGE:][-EDGE:]]


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
        self._journal = ReplayLog()
        self._from_client, self._from_engine = LineSplitter(), LineSplitter()
        self._to_client, self._to_engine = bytearray(), bytearray()
        self._client_ended = False
        self._engine: socket.socket | None = None
        self._deaf = False
        self._connect(line)

    def run(self) -> None:
        """Carry until the client has left and everything it asked is answered."""
        while not self._is_done():
            if self._engine is None and self._journal.waiting:
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
        gone = self._engine is None and not self._journal.waiting
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
        self._to_engine = bytearray(b"".join(self._journal.replay()))

    def _attach_again(self) -> None:
        try:
            self._connect(self._reattach())
        except (RefusedError, UnattachableError) as error:
            why = f"Zettel's engine stopped, and there is no other: {error}. Then call again."
            self._to_client += b"".join(self._journal.give_up(None, why))

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
            chunk = os.read(self._in, CHUNK)
        except OSError:
            chunk = b""
        self._client_ended = not chunk
        for line in self._from_client.feed(chunk) if chunk else self._from_client.end():
            self._journal.heard(line)
            # Without an engine it waits in the journal, if it wants an answer.
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
            written = self._engine.send(memoryview(self._to_engine)[:CHUNK])
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
            chunk = self._engine.recv(CHUNK)
        except BlockingIOError:
            return
        except OSError:
            chunk = b""
        if not chunk:
            self._engine.close()
            self._engine = None
            self._to_engine.clear()
            self._to_client += b"".join(self._journal.died())
            return
        for line in self._from_engine.feed(chunk):
            if self._journal.answered(line):
                self._to_client += line
