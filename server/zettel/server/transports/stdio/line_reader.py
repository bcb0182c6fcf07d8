"""Lines out of a byte stream, none longer than a message may be."""

from collections import deque
from collections.abc import Awaitable, Callable

from zettel.server.protocol.malformed import EDGE, MAX_MESSAGE, RejectedMessage, too_long

ReceiveBytes = Callable[[], Awaitable[bytes]]
"""The next bytes, as many as there are; empty at the end of the stream."""


class LineReader:
    """Splits a byte stream at newlines; a line that is too long becomes a `RejectedMessage`."""

    def __init__(self, receive: ReceiveBytes) -> None:
        self._receive = receive
        self._ready: deque[bytes | RejectedMessage] = deque()
        self._pieces: list[bytes] = []
        self._size = 0
        self._ended = False

    async def next_line(self) -> bytes | RejectedMessage | None:
        """The next line without its newline, blank ones left out; None at the end of the stream.

        A last line without a newline counts.
        """
        while not self._ready:
            if self._ended:
                return None
            chunk = await self._receive()
            if not chunk:
                self._ended = True
                self._finish_line()
                continue
            *whole, rest = chunk.split(b"\n")
            for piece in whole:
                self._keep(piece)
                self._finish_line()
            self._keep(rest)
        return self._ready.popleft()

    def _keep(self, piece: bytes) -> None:
        self._size += len(piece)
        if self._size <= MAX_MESSAGE:
            self._pieces.append(piece)
            return
        # Of a line that is refused anyway, only what may hold its id is worth memory.
        kept = b"".join(self._pieces) + piece
        self._pieces = [kept[:EDGE], kept[EDGE:][-EDGE:]]

    def _finish_line(self) -> None:
        pieces, self._pieces = self._pieces, []
        size, self._size = self._size, 0
        line = b"".join(pieces)
        if size > MAX_MESSAGE:
            self._ready.append(too_long(line, line))
        elif line.strip():
            self._ready.append(line)
