"""Change notifications in both eras: `resources/subscribe`, and streams of `subscriptions/listen`.

Nobody subscribes to what they cannot read: the older era is told so, the newer one is not honoured.
"""

from collections.abc import Callable
from contextlib import ExitStack

from mcp.server import ServerRequestContext
from mcp.server.subscriptions import ListenHandler
from mcp.shared.exceptions import MCPError
from mcp.types import (
    INVALID_PARAMS,
    EmptyResult,
    SubscribeRequestParams,
    SubscriptionsListenRequestParams,
    SubscriptionsListenResult,
    UnsubscribeRequestParams,
)

from zettel.server.feed import Feed
from zettel.server.refusals import refused, wrong_uri
from zettel.server.resources import HISTORY, NOTE, PROFILE, STATS, reading_of
from zettel.server.subscribers import Connection, Stream
from zettel.storage.errors import ZettelError
from zettel.storage.limit_errors import TooManySubscriptionsError
from zettel.tools.caller import Caller

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

    def __init__(self, feed: Feed, caller_of: CallerOf, *, ends_streams: bool) -> None:
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
