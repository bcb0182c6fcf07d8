"""Somebody at the engine's socket: what they say first, and the lines both ways."""

import json

import anyio
from anyio.abc import ByteStream
from pydantic import BaseModel, Field

from zettel.server.hello import Message
from zettel.server.lines import LineReader

CHUNK = 65_536
"""Bytes read at once."""


class Hello(BaseModel):
    """A client's first line."""

    zettel: int
    want: str
    store: str
    version: str = ""
    secret: str = ""
    cwd: str = ""
    home: str = ""
    session: str = Field(default="", max_length=256)
    pid: int = 0
    settings: dict[str, str] = Field(default_factory=dict[str, str])


class Visitor:
    """Somebody who is connected, and the lines between us."""

    def __init__(self, stream: ByteStream) -> None:
        self._stream = stream
        self._turn = anyio.Lock()
        self.reader = LineReader(self._receive)

    async def _receive(self) -> bytes:
        try:
            return await self._stream.receive(CHUNK)
        except (anyio.EndOfStream, anyio.BrokenResourceError, anyio.ClosedResourceError):
            return b""

    async def send(self, message: Message) -> None:
        """Send a message of our own."""
        await self.send_line(json.dumps(message).encode() + b"\n")

    async def send_line(self, line: bytes) -> None:
        """Send one whole line; it is dropped when the client is gone."""
        async with self._turn:
            try:
                await self._stream.send(line)
            except (anyio.BrokenResourceError, anyio.ClosedResourceError):
                return
