"""Change notifications in both protocol eras: subscriptions and their subscribers."""

from collections.abc import Awaitable, Callable
from contextlib import ExitStack

import anyio
from mcp.server import ServerRequestContext
from mcp.server.subscriptions import ListenHandler, ResourceUpdated, ServerEvent
from mcp.shared.exceptions import MCPError
from mcp.types import (
    INVALID_PARAMS,
    EmptyResult,
    SubscribeRequestParams,
    SubscriptionsListenRequestParams,
    SubscriptionsListenResult,
    UnsubscribeRequestParams,
)

from zettel.server.protocol.change_feed import ChangeFeed
from zettel.server.protocol.errors import refused, wrong_uri
from zettel.server.protocol.limit_errors import TooManySubscriptionsError
from zettel.server.protocol.resources import HISTORY, NOTE, PROFILE, STATS, reading_of
from zettel.storage.errors import ZettelError
from zettel.tools.caller import Caller

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


MOST = 256
"""Resources that one connection, or one stream, may be told of."""

_STATE = "zettel.subscriptions"
"""Where a connection of the older era keeps its own."""

CallerOf = Callable[[ServerRequestContext], Caller]


class Subscriptions:
    """The subscriptions through one server object.

    Args:
        feed: Finds out what has changed.
        caller_of: Who sent a request.
        ends_streams: Whether streams are ended in good order when the process is to leave. Not
            those of attachments: what is open there goes on at the next engine.
    """

    def __init__(self, feed: ChangeFeed, caller_of: CallerOf, *, ends_streams: bool) -> None:
        self._feed = feed
        self._caller_of = caller_of
        self._ends_streams = ends_streams

    async def subscribe(
        self, context: ServerRequestContext, params: SubscribeRequestParams
    ) -> EmptyResult:
        """Tell a connection of the older era of a resource's changes from now on.

        Raises:
            MCPError: It cannot be read, or there are too many.
        """
        mine = self._of_connection(context)
        if params.uri not in mine:
            stop = await self._watch(context, params.uri, mine.tell(params.uri), len(mine))
            mine.add(params.uri, stop)
        return EmptyResult()

    async def unsubscribe(
        self, context: ServerRequestContext, params: UnsubscribeRequestParams
    ) -> EmptyResult:
        """Tell it no more; not an error if nothing was told."""
        self._of_connection(context).remove(params.uri)
        return EmptyResult()

    async def listen(
        self, context: ServerRequestContext, params: SubscriptionsListenRequestParams
    ) -> SubscriptionsListenResult:
        """Serve one stream, until the client ends it or the process does.

        Raises:
            MCPError: Memory cannot be read.
        """
        bus, wanted = Stream(), params.notifications.resource_subscriptions or ()
        with ExitStack() as stopping:
            honoured: list[str] = []
            for uri in dict.fromkeys(wanted):
                try:
                    stop = await self._watch(context, uri, bus.tell(uri), len(honoured))
                except MCPError as error:
                    if error.code != INVALID_PARAMS:
                        raise
                    # Not there, not for this caller, or one too many: it is not honoured.
                    continue
                stopping.callback(stop)
                honoured.append(uri)
            narrowed = params.notifications.model_copy(
                update={"resource_subscriptions": honoured or None}
            )
            handler = ListenHandler(bus)
            if self._ends_streams:
                stopping.callback(self._feed.on_end(handler.close))
            return await handler(context, params.model_copy(update={"notifications": narrowed}))

    async def _watch(
        self, context: ServerRequestContext, uri: str, tell: Callable[[], None], held: int
    ) -> Callable[[], None]:
        reading = reading_of(uri)
        if reading is None:
            raise wrong_uri(uri, f"Subscribe to {NOTE}, {HISTORY}, {PROFILE} or {STATS}.")
        try:
            if held >= MOST:
                raise TooManySubscriptionsError(MOST)
            return await self._feed.watch(self._caller_of(context), reading, tell)
        except ZettelError as error:
            raise refused(error, uri=uri) from None

    def _of_connection(self, context: ServerRequestContext) -> Connection:
        # The SDK hands its handlers no other way to the connection they serve.
        connection = context.session._connection  # pyright: ignore[reportPrivateUsage]
        mine = connection.state.get(_STATE)
        if not isinstance(mine, Connection):
            mine = connection.state[_STATE] = Connection(context.session.send_resource_updated)
            connection.exit_stack.callback(mine.close)
            self._feed.start_soon(mine.run)
        return mine
