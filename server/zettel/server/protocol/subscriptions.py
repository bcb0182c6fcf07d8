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
from mcp.server.context import CallNext, HandlerResult
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
    FingerprintsReading,
    HistoryReading,
    NoteReading,
    Reading,
    VersionReading,
)
from zettel.storage.access import Access
from zettel.storage.errors import NoteNotFoundError, ZettelError
from zettel.tools.caller import Caller

logger = logging.getLogger(__name__)

CHANGE_POLL_S = 1.0
"""Seconds between two checks of the store's version, for commits of other processes."""

PROCESS_MAX_SUBSCRIPTIONS = 10_000
"""Subscriptions of one process; a client that needs more reads the store."""
TOKEN_MAX_SUBSCRIPTIONS = PROCESS_MAX_SUBSCRIPTIONS // 4
"""Subscriptions of one access token."""

Call = Callable[[Arguments, Caller], Awaitable[Mapping[str, object]]]
ChangeCallback = Callable[[], None]
"""Called on the event loop when the resource may have changed; must not block."""


@dataclass(eq=False, slots=True, kw_only=True)
class _Subscription:
    """One resource, subscribed to by one caller."""

    caller: Caller
    reading: Reading
    notify: ChangeCallback
    fingerprint: str
    """Of the resource at the last check."""


class ChangeFeed:
    """All subscriptions of one process.

    `call` carries out readings with the subscriber's access.
    """

    def __init__(self, call: Call) -> None:
        self._call = call
        self._subscriptions: set[_Subscription] = set()
        self._news = anyio.Event()
        self._some = anyio.Event()
        self._version: object = None
        self._tasks: TaskGroup | None = None
        self._endings: set[Callable[[], None]] = set()

    @property
    def watching(self) -> int:
        """Number of subscriptions."""
        return len(self._subscriptions)

    async def watch(
        self, caller: Caller, reading: Reading, notify: ChangeCallback
    ) -> Callable[[], None]:
        """Subscribe: `notify` is called whenever the result of `reading` may have changed.

        Returns:
            Ends the subscription; may be called more than once.

        Raises:
            ZettelError: The caller cannot read it now.
            TooManySubscriptionsError: There are `PROCESS_MAX_SUBSCRIPTIONS` already, or
                `TOKEN_MAX_SUBSCRIPTIONS` of one token.
        """
        if len(self._subscriptions) >= PROCESS_MAX_SUBSCRIPTIONS:
            raise TooManySubscriptionsError(PROCESS_MAX_SUBSCRIPTIONS)
        principal = caller.origin.principal
        if caller.reach and self._subscribed_by(principal) >= TOKEN_MAX_SUBSCRIPTIONS:
            raise TooManySubscriptionsError(TOKEN_MAX_SUBSCRIPTIONS)
        [fingerprint] = await self._fingerprints(caller, [reading])
        if not fingerprint:
            raise NoteNotFoundError(_note_id(reading))
        new = _Subscription(caller=caller, reading=reading, notify=notify, fingerprint=fingerprint)
        self._subscriptions.add(new)
        # The next check finds what was committed since the reading.
        self._version = None
        self._some.set()
        return lambda: self._subscriptions.discard(new)

    def wake(self) -> None:
        """This process has committed something: check now."""
        self._news.set()

    def start_soon(self, work: Callable[[], Coroutine[None, None, None]]) -> None:
        """Start a task that is cancelled with the feed."""
        if self._tasks is not None:
            self._tasks.start_soon(work)

    def on_end(self, end: Callable[[], None]) -> Callable[[], None]:
        """Call `end` at shutdown; returns a function that removes it again."""
        self._endings.add(end)
        return lambda: self._endings.discard(end)

    def end(self) -> None:
        """Call all `on_end` functions: the process is shutting down."""
        for end in tuple(self._endings):
            end()

    async def run(self) -> None:
        """Check for changes until cancelled."""
        async with anyio.create_task_group() as self._tasks:
            while True:
                await self._some.wait()
                with anyio.move_on_after(CHANGE_POLL_S):
                    await self._news.wait()
                self._news = anyio.Event()
                if not self._subscriptions:
                    self._some = anyio.Event()
                    continue
                try:
                    await self._check()
                except Exception:
                    # The store may recover; the next check catches up.
                    logger.warning("the check for changes failed", exc_info=True)

    def _subscribed_by(self, principal: str) -> int:
        return sum(
            s.caller.reach is not None and s.caller.origin.principal == principal
            for s in self._subscriptions
        )

    async def _check(self) -> None:
        version = (await self._call(VersionReading(), Caller()))["version"]
        if version == self._version:
            return
        subscriptions = tuple(self._subscriptions)
        for caller in {each.caller for each in subscriptions}:
            group = [each for each in subscriptions if each.caller == caller]
            fingerprints = await self._fingerprints(caller, [each.reading for each in group])
            for each, fingerprint in zip(group, fingerprints, strict=True):
                if fingerprint != each.fingerprint:
                    each.fingerprint = fingerprint
                    each.notify()
        # Only now: after a failure everything is checked again.
        self._version = version

    async def _fingerprints(self, caller: Caller, readings: Sequence[Reading]) -> list[str]:
        """One text per resource that differs after a change; empty if the resource is missing."""
        found = {
            reading: await self._whole(caller, reading)
            for reading in dict.fromkeys(r for r in readings if not _note_id(r))
        }
        for kind in (NoteReading, HistoryReading):
            ids = tuple(dict.fromkeys(r.note_id for r in readings if isinstance(r, kind)))
            if ids:
                asked = FingerprintsReading(note_ids=ids, links=kind is NoteReading)
                of_notes = await self._call(asked, caller)
                found |= {kind(note_id=note_id): str(text) for note_id, text in of_notes.items()}
        return [found.get(reading, "") for reading in readings]

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
    """The event bus of one stream, as the SDK's handler expects it."""

    def __init__(self) -> None:
        self._listener: Callable[[ServerEvent], None] | None = None
        self._early: dict[str, None] = {}

    def tell(self, uri: str) -> Callable[[], None]:
        """A function that reports a change of the resource to the stream."""

        def tell() -> None:
            if self._listener is None:
                self._early[uri] = None
            else:
                self._listener(ResourceUpdated(uri=uri))

        return tell

    async def publish(self, event: ServerEvent) -> None:
        """Forward an event."""
        if self._listener is not None:
            self._listener(event)

    def subscribe(self, listener: Callable[[ServerEvent], None]) -> Stop:
        """Forward events from now on, after those that arrived earlier."""
        self._listener = listener
        for uri in self._early:
            listener(ResourceUpdated(uri=uri))

        def stop() -> None:
            self._listener = None

        return stop


class ConnectionSubscriptions:
    """The subscriptions of one connection with a legacy protocol version.

    Args:
        send: Sends one notification; may wait for the client.
    """

    def __init__(self, send: Send) -> None:
        self._send = send
        self._stops: dict[str, Stop] = {}
        self._changed: dict[str, None] = {}
        self._news = anyio.Event()
        self._closed = anyio.CancelScope()
        self.reach: Access | None = None
        """What the caller could read when it last called; None for all."""
        self.changing = anyio.Lock()
        """Held while the subscriptions are fitted to another reach."""

    def __contains__(self, uri: str) -> bool:
        return uri in self._stops

    def __len__(self) -> int:
        return len(self._stops)

    def add(self, uri: str, stop: Stop) -> None:
        """Add a subscription and the function that ends it."""
        if self._closed.cancel_called or uri in self._stops:
            # Closed, or subscribed twice at once, during the first reading.
            stop()
        else:
            self._stops[uri] = stop

    def uris(self) -> tuple[str, ...]:
        """The resources subscribed to."""
        return tuple(self._stops)

    def suspend(self, uri: str) -> None:
        """End the subscription to `uri` until `resume` or `remove`."""
        if stop := self._stops.get(uri):
            stop()

    def resume(self, uri: str, stop: Stop) -> None:
        """Go on with a suspended subscription; its resource may have changed meanwhile."""
        if uri not in self._stops:
            # Removed, or the connection is closed.
            stop()
            return
        self._stops[uri] = stop
        self.tell(uri)()

    def remove(self, uri: str) -> None:
        """End the subscription to `uri`, if there is one."""
        if stop := self._stops.pop(uri, None):
            stop()
        self._changed.pop(uri, None)

    def tell(self, uri: str) -> Callable[[], None]:
        """A function that reports a change of the resource to the connection."""

        def tell() -> None:
            self._changed[uri] = None
            self._news.set()

        return tell

    def close(self) -> None:
        """End all subscriptions: the client has disconnected."""
        for uri in tuple(self._stops):
            self.remove(uri)
        self._closed.cancel()

    async def run(self) -> None:
        """Send changes until closed; several changes of a resource become one notification."""
        with self._closed:
            while True:
                await self._news.wait()
                self._news = anyio.Event()
                while self._changed:
                    uri = next(iter(self._changed))
                    del self._changed[uri]
                    await self._send(uri)


CONNECTION_MAX_SUBSCRIPTIONS = 256
"""Subscriptions of one connection or stream."""

_CONNECTION_KEY = "zettel.subscriptions"
"""Key of `ConnectionSubscriptions` in the SDK's connection state."""

CallerOf = Callable[[ServerRequestContext], Caller]


class Subscriptions:
    """The subscriptions through one server object.

    With `ends_streams`, streams end with a result at shutdown; those of attachments are continued
    at the next engine.
    """

    def __init__(self, feed: ChangeFeed, caller_of: CallerOf, *, ends_streams: bool) -> None:
        self._feed = feed
        self._caller_of = caller_of
        self._ends_streams = ends_streams

    async def subscribe(
        self, context: ServerRequestContext, params: SubscribeRequestParams
    ) -> EmptyResult:
        """Subscribe a connection with a legacy protocol version to a resource.

        Raises:
            MCPError: The resource cannot be read, or there are too many subscriptions.
        """
        mine = self._of_connection(context)
        if not mine:
            mine.reach = self._caller_of(context).reach
        if params.uri not in mine:
            stop = await self._watch(context, params.uri, mine.tell(params.uri), len(mine))
            mine.add(params.uri, stop)
            if mine.reach != self._caller_of(context).reach:
                # Another token came in while the resource was read.
                mine.remove(params.uri)
        return EmptyResult()

    async def unsubscribe(
        self, context: ServerRequestContext, params: UnsubscribeRequestParams
    ) -> EmptyResult:
        """End a subscription; no error if there is none."""
        self._of_connection(context).remove(params.uri)
        return EmptyResult()

    async def follow_reach(self, ctx: ServerRequestContext, call_next: CallNext) -> HandlerResult:
        """Middleware: fit a connection's subscriptions to the access token of this request.

        A session of the older era outlives its tokens, and the next one may cover less. Then the
        subscriptions to what it does not cover end, before the request is answered.
        """
        mine = _known(ctx)
        if mine and mine.reach != self._caller_of(ctx).reach:
            await self._fit(mine, self._caller_of(ctx))
        return await call_next(ctx)

    async def _fit(self, mine: ConnectionSubscriptions, caller: Caller) -> None:
        async with mine.changing:
            for uri in mine.uris():
                reading = parse_uri(uri)
                assert reading is not None
                mine.suspend(uri)
                try:
                    stop = await self._feed.watch(caller, reading, mine.tell(uri))
                except ZettelError:
                    mine.remove(uri)
                else:
                    mine.resume(uri, stop)
            mine.reach = caller.reach

    async def listen(
        self, context: ServerRequestContext, params: SubscriptionsListenRequestParams
    ) -> SubscriptionsListenResult:
        """Serve one stream until the client or the process ends it.

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
                    # Missing, not accessible, or one too many: not among the honoured URIs.
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
        self, context: ServerRequestContext, uri: str, notify: ChangeCallback, held: int
    ) -> Callable[[], None]:
        reading = parse_uri(uri)
        if reading is None:
            raise unknown_uri(
                uri, f"Subscribe to {NOTE_URI}, {HISTORY_URI}, {PROFILE_URI} or {STATS_URI}."
            )
        try:
            if held >= CONNECTION_MAX_SUBSCRIPTIONS:
                raise TooManySubscriptionsError(CONNECTION_MAX_SUBSCRIPTIONS)
            return await self._feed.watch(self._caller_of(context), reading, notify)
        except ZettelError as error:
            raise as_mcp_error(error, uri=uri) from None

    def _of_connection(self, context: ServerRequestContext) -> ConnectionSubscriptions:
        # The SDK has no public access to the connection of a request.
        connection = context.session._connection  # pyright: ignore[reportPrivateUsage]
        mine = _known(context)
        if mine is None:
            mine = connection.state[_CONNECTION_KEY] = ConnectionSubscriptions(
                context.session.send_resource_updated
            )
            connection.exit_stack.callback(mine.close)
            self._feed.start_soon(mine.run)
        return mine


def _known(context: ServerRequestContext) -> ConnectionSubscriptions | None:
    """The subscriptions of a request's connection; None if it never had one."""
    mine = context.session._connection.state.get(_CONNECTION_KEY)  # pyright: ignore[reportPrivateUsage]: as in `_of_connection`
    return mine if isinstance(mine, ConnectionSubscriptions) else None
