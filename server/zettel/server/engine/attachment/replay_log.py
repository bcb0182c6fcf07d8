"""What a client has said that a second engine must hear if the first one dies.

Part of the attachment: imports next to nothing.
"""

import json
from collections.abc import Iterable

from zettel.server.engine.ipc.handshake import Message
from zettel.server.engine.ipc.message_limits import id_at_the_edges

INTERNAL_ERROR = -32603
"""Of JSON-RPC."""

REPLAY_ID = "zettel-replay"
"""How the id begins of what is said again and was answered before; its answer is for nobody."""

LISTEN = "subscriptions/listen"
"""A request that lasts: each engine hears it, but none is started for its sake once one has ended:
without an engine nothing changes."""

SUBSCRIBED = 256
"""Subscriptions that are said again: as many as an engine grants one connection."""

DIED_AGAIN = (
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
        return self.give_up(given_up, DIED_AGAIN)

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
        if method == "resources/subscribe" and len(self._subscribed) < SUBSCRIBED:
            self._subscribed[uri] = message
        elif method == "resources/unsubscribe":
            self._subscribed.pop(uri, None)

    def _close(self, key: object) -> None:
        if isinstance(key, int | str):
            self._listening.pop(key, None)
            self._open.pop(key, None)
            self._died_under.discard(key)


def _lasts(line: bytes) -> bool:
    message = _read(line) if LISTEN.encode() in line else None
    return message is not None and message.get("method") == LISTEN


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
