"""Calls of a command to an engine that has answered its hello: one line there, one back.

`{"call": name, "arguments": {…}}` is answered with `{"answer": {…}}`, or with `{"error": {…}}`: its
classes from the error's own up, its text, and its fields. Standard library only.
"""

import json

from zettel.server.engine.ipc.connect import EngineConnection
from zettel.server.engine.ipc.handshake import Message, read_object


class EngineGoneError(Exception):
    """The engine ended before it had answered."""


class EngineCalls:
    """The calls of one command.

    Args:
        connection: Was opened with `calls_hello`.
    """

    def __init__(self, connection: EngineConnection) -> None:
        self._sock = connection.sock
        self._lines = connection.sock.makefile("rb")

    def call(self, name: str, arguments: Message) -> Message:
        """The line that answers a call.

        Raises:
            EngineGoneError: There was no answer; the call may have been carried out.
        """
        try:
            self._sock.sendall(json.dumps({"call": name, "arguments": arguments}).encode() + b"\n")
            return read_object(self._lines.readline())
        except (OSError, ValueError):
            raise EngineGoneError from None

    def close(self) -> None:
        """End the connection."""
        self._lines.close()
        self._sock.close()


def calls_hello(hello: Message) -> Message:
    """The hello of a command, from that of a client."""
    return {**hello, "want": "calls", "session": ""}
