"""Those who are told of changes: a connection of the older era, and one stream of the newer.

Neither holds up the look that finds the changes, nor grows while its client does not read.
"""

from collections.abc import Awaitable, Callable

import anyio
from mcp.server.subscriptions import ResourceUpdated, ServerEvent

Stop = Callable[[], None]
Send = Callable[[str], Awaitable[None]]


class Stream:
    """What a stream's handler takes for the server's bus: the changes for this one stream."""

    def __init__(self) -> None:
        self._listener: Callable[[ServerEvent], None] | None = None
        self._early: dict[str, None] = {}

    def tell(self, uri: str) -> Callable[[], None]:
        """What tells the stream that a resource has changed."""

        def tell() -> None:
            if self._listener is None:
                self._early[uri] = None
            else:
                self._listener(ResourceUpdated(uri=uri))

        return tell

    async def publish(self, event: ServerEvent) -> None:
        """Pass an event on."""
        if self._listener is not None:
            self._listener(event)

    def subscribe(self, listener: Callable[[ServerEvent], None]) -> Stop:
        """Pass events on from now on, and what came before first."""
        self._listener = listener
        for uri in self._early:
            listener(ResourceUpdated(uri=uri))

        def stop() -> None:
            self._listener = None

        return stop


class Connection:
    """The subscriptions of one connection of the older era.

    Args:
        send: Sends one notification; may wait for the client.
    """

    def __init__(self, send: Send) -> None:
        self._send = send
        self._stops: dict[str, Stop] = {}
        self._changed: dict[str, None] = {}
        self._news = anyio.Event()
        self._closed = anyio.CancelScope()

    def __contains__(self, uri: str) -> bool:
        return uri in self._stops

    def __len__(self) -> int:
        return len(self._stops)

    def add(self, uri: str, stop: Stop) -> None:
        """Keep a subscription, with what ends it."""
        if self._closed.cancel_called or uri in self._stops:
            # Closed, or asked for twice at once, while it was looked whether it can be read.
            stop()
        else:
            self._stops[uri] = stop

    def remove(self, uri: str) -> None:
        """End one, if there is one."""
        if stop := self._stops.pop(uri, None):
            stop()
        self._changed.pop(uri, None)

    def tell(self, uri: str) -> Callable[[], None]:
        """What tells the connection that a resource has changed."""

        def tell() -> None:
            self._changed[uri] = None
            self._news.set()

        return tell

    def close(self) -> None:
        """End all: the client has left."""
        for uri in tuple(self._stops):
            self.remove(uri)
        self._closed.cancel()

    async def run(self) -> None:
        """Send what has changed, each resource once however often it has, until closed."""
        with self._closed:
            while True:
                await self._news.wait()
                self._news = anyio.Event()
                while self._changed:
                    uri = next(iter(self._changed))
                    del self._changed[uri]
                    await self._send(uri)
