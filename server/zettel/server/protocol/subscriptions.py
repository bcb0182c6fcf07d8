"""Change notifications in both protocol eras: one feed per process, and its subscribers.

The feed polls the store's version, so that changes by evolution and by other processes are seen
as well; it does not poll while there are no subscriptions.
"""

import json
import logging
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

import anyio
from anyio.abc import TaskGroup
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

from zettel.server.protocol.errors import as_mcp_error, unknown_uri
from zettel.server.protocol.limit_errors import TooManySubscriptionsError
from zettel.server.protocol.resources import (
    HISTORY_URI,
    NOTE_URI,
    PROFILE_URI,
    STATS_URI,
    parse_uri,
)
from zettel.server.protocol.schemas import (
    Arguments,
    HistoryReading,
    NoteReading,
    Reading,
    RevsReading,
    VersionReading,
)
from zettel.storage.errors import NoteNotFoundError, ZettelError
from zettel.tools.caller import Caller

logger = logging.getLogger(__name__)

CHANGE_POLL_S = 1.0
"""Seconds between two looks at the store's version: no event tells of another process's commit.
One's own is looked for at once."""

PROCESS_MAX_SUBSCRIPTIONS = 10_000
"""Subscriptions of one process; a client that needs more reads the store."""
TOKEN_MAX_SUBSCRIPTIONS = PROCESS_MAX_SUBSCRIPTIONS // 4
"""Of one access token, so that none takes all."""

Call = Callable[[Arguments, Caller], Awaitable[Mapping[str, object]]]
ChangeCallback = Callable[[], None]
"""Told that the resource may have changed: on the event loop, and must return at once."""


@dataclass(eq=False, slots=True, kw_only=True)
class _Subscription:
    """One resource, watched for one caller."""

    caller: Caller
    reading: Reading
    tell: ChangeCallback
    mark: str
    """What stood there when it was last looked at."""


class ChangeFeed:
    """All subscriptions of one process.

    Args:
        call: Carries readings out, as the caller who subscribed.
    """

    def __init__(self, call: Call) -> None:
        self._call = call
        self._watches: set[_Subscription] = set()
        self._news = anyio.Event()
        self._some = anyio.Event()
        self._version: object = None
        self._tasks: TaskGroup | None = None
        self._endings: set[Callable[[], None]] = set()

    @property
    def watching(self) -> int:
        """How many subscriptions there are."""
        return len(self._watches)

    async def watch(
        self, caller: Caller, reading: Reading, tell: ChangeCallback
    ) -> Callable[[], None]:
        """Have `tell` called whenever what is read may have changed.

        Returns:
            Ends it; may be called more than once.

        Raises:
            ZettelError: The caller cannot read it now.
            TooManySubscriptionsError: There are `PROCESS_MAX_SUBSCRIPTIONS` already, or
                `TOKEN_MAX_SUBSCRIPTIONS` of one token.
        """
        if len(self._watches) >= PROCESS_MAX_SUBSCRIPTIONS:
            raise TooManySubscriptionsError(PROCESS_MAX_SUBSCRIPTIONS)
        who = caller.origin.principal
        if caller.reach and self._watched_by(who) >= TOKEN_MAX_SUBSCRIPTIONS:
            raise TooManySubscriptionsError(TOKEN_MAX_SUBSCRIPTIONS)
        [mark] = await self._marks(caller, [reading])
        if not mark:
            raise NoteNotFoundError(_note_id(reading))
        watch = _Subscription(caller=caller, reading=reading, tell=tell, mark=mark)
        self._watches.add(watch)
        # What was committed since it was read is found by the next look.
        self._version = None
        self._some.set()
        return lambda: self._watches.discard(watch)

    def wake(self) -> None:
        """Something was committed here."""
        self._news.set()

    def start_soon(self, work: Callable[[], Coroutine[None, None, None]]) -> None:
        """Run something for as long as the process serves, or until it returns."""
        if self._tasks is not None:
            self._tasks.start_soon(work)

    def on_end(self, end: Callable[[], None]) -> Callable[[], None]:
        """Have `end` called when the process is to leave; returns what takes that back."""
        self._endings.add(end)
        return lambda: self._endings.discard(end)

    def end(self) -> None:
        """End in good order what is open: the process is to leave."""
        for end in tuple(self._endings):
            end()

    async def run(self) -> None:
        """Look until cancelled."""
        async with anyio.create_task_group() as self._tasks:
            while True:
                await self._some.wait()
                with anyio.move_on_after(CHANGE_POLL_S):
                    await self._news.wait()
                self._news = anyio.Event()
                if not self._watches:
                    self._some = anyio.Event()
                    continue
                try:
                    await self._look()
                except Exception:
                    # The store may come back; those who wait are told then.
                    logger.warning("changes could not be looked for", exc_info=True)

    def _watched_by(self, who: str) -> int:
        return sum(
            w.caller.reach is not None and w.caller.origin.principal == who for w in self._watches
        )

    async def _look(self) -> None:
        version = (await self._call(VersionReading(), Caller()))["version"]
        if version == self._version:
            return
        watches = tuple(self._watches)
        for caller in {watch.caller for watch in watches}:
            theirs = [watch for watch in watches if watch.caller == caller]
            marks = await self._marks(caller, [watch.reading for watch in theirs])
            for watch, mark in zip(theirs, marks, strict=True):
                if mark != watch.mark:
                    watch.mark = mark
                    watch.tell()
        # Only now: after a failure all is looked at again.
        self._version = version

    async def _marks(self, caller: Caller, readings: Sequence[Reading]) -> list[str]:
        """What tells a resource from itself before a change; empty if it is not there."""
        ids = tuple(dict.fromkeys(i for reading in readings if (i := _note_id(reading))))
        revs: Mapping[str, object] = {}
        if ids:
            revs = await self._call(RevsReading(note_ids=ids), caller)
        whole = {
            reading: await self._whole(caller, reading)
            for reading in dict.fromkeys(r for r in readings if not _note_id(r))
        }
        return [whole.get(r) or str(revs.get(_note_id(r), "")) for r in readings]

    async def _whole(self, caller: Caller, reading: Reading) -> str:
        shown = await self._call(reading, caller)
        return json.dumps({k: v for k, v in shown.items() if k != "now"}, default=str)


def _note_id(reading: Reading) -> str:
    match reading:
        case NoteReading(note_id=note_id) | HistoryReading(note_id=note_id):
            return note_id
        case _:
            return ""


Stop = Callable[[], None]
Send = Callable[[str], Awaitable[None]]


class StreamSubscriptions:
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


class ConnectionSubscriptions:
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


CONNECTION_MAX_SUBSCRIPTIONS = 256
"""Resources that one connection, or one stream, may be told of."""

_CONNECTION_KEY = "zettel.subscriptions"
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
        bus, wanted = StreamSubscriptions(), params.notifications.resource_subscriptions or ()
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
        reading = parse_uri(uri)
        if reading is None:
            raise unknown_uri(
                uri, f"Subscribe to {NOTE_URI}, {HISTORY_URI}, {PROFILE_URI} or {STATS_URI}."
            )
        try:
            if held >= CONNECTION_MAX_SUBSCRIPTIONS:
                raise TooManySubscriptionsError(CONNECTION_MAX_SUBSCRIPTIONS)
            return await self._feed.watch(self._caller_of(context), reading, tell)
        except ZettelError as error:
            raise as_mcp_error(error, uri=uri) from None

    def _of_connection(self, context: ServerRequestContext) -> ConnectionSubscriptions:
        # The SDK hands its handlers no other way to the connection they serve.
        connection = context.session._connection  # pyright: ignore[reportPrivateUsage]
        mine = connection.state.get(_CONNECTION_KEY)
        if not isinstance(mine, ConnectionSubscriptions):
            mine = connection.state[_CONNECTION_KEY] = ConnectionSubscriptions(
                context.session.send_resource_updated
            )
            connection.exit_stack.callback(mine.close)
            self._feed.start_soon(mine.run)
        return mine
