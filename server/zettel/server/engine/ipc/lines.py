"""Messages as lines: their bounds, how a byte stream is cut into them, and a broken one's id.

Shared by the attachment and the engine. Standard library only.
"""

import re

CHUNK_BYTES = 65_536
"""Bytes read at once: the capacity of a Linux pipe."""

MAX_MESSAGE = 4 * 1024 * 1024
"""Bytes of one message: what the SDK allows an HTTP body."""

EDGE = 512
"""Bytes at either end of a broken message in which its own id, not an inner one, is searched."""

ID_AT_THE_START = re.compile(
    rb'\s*\{\s*(?:"(?:jsonrpc|method)"\s*:\s*"[^"\\]*"\s*,\s*)*"id"\s*:\s*(\d{1,18}|"[^"\\]*")\s*,'
)
ID_AT_THE_END = re.compile(rb',\s*"id"\s*:\s*(\d{1,18}|"[^"\\]*")\s*\}\s*$')


def id_at_the_edges(raw: bytes) -> int | str | None:
    """The id of a message that is not JSON, or too long to be read."""
    found = ID_AT_THE_START.match(raw[:EDGE]) or ID_AT_THE_END.search(raw[-EDGE:])
    token = found.group(1).decode("ascii", "ignore") if found else ""
    return int(token) if token.isdecimal() else token.strip('"') or None


class LineSplitter:
    """Cuts a byte stream into whole lines, newlines included, without blank ones.

    Of a line above `MAX_MESSAGE` bytes only the edges are kept, which hold its id, with white
    space between them: the next reader finds it too long as well, and answers it.
    """

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._size = 0

    def feed(self, chunk: bytes) -> list[bytes]:
        """The lines that end in these bytes."""
        whole: list[bytes] = []
        *ended, rest = chunk.split(b"\n")
        for piece in ended:
            self._keep(piece)
            whole += self.end()
        self._keep(rest)
        return whole

    def end(self) -> list[bytes]:
        """The rest of the stream as a line, unless it is blank."""
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
