"""Who wants to be told when a resource changes, and the one look that finds out for all of them.

It looks at the store instead of listening to the verbs: so evolution's changes are seen, and those
of other processes. Nobody looks while nobody wants to know.
"""

import json
import logging
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass

import anyio
from anyio.abc import TaskGroup

from zettel.server.protocol.limit_errors import TooManySubscriptionsError
from zettel.server.protocol.schemas import (
    Arguments,
    HistoryReading,
    NoteReading,
    Reading,
    RevsReading,
    VersionReading,
)
from zettel.storage.errors import NoteNotFoundError
from zettel.tools.caller import Caller

logger = logging.getLogger(__name__)

LOOK_S = 1.0
"""Seconds between two looks at the store's version: no event tells of another process's commit.
One's own is looked for at once."""

MOST = 10_000
"""Subscriptions of one process; a client that needs more reads the store."""
MOST_EACH = MOST // 4
"""Of one access token, so that none takes all."""

Call = Callable[[Arguments, Caller], Awaitable[Mapping[str, object]]]
Tell = Callable[[], None]
"""Told that the resource may have changed: on the event loop, and must return at once."""


@dataclass(eq=False, slots=True, kw_only=True)
class _Watch:
    """One resource, watched for one caller."""

    caller: Caller
    reading: Reading
    tell: Tell
    mark: str
    """What stood there when it was last looked at."""


class ChangeFeed:
    """All subscriptions of one process.

    Args:
        call: Carries readings out, as the caller who subscribed.
    """

    def __init__(self, call: Call) -> None:
        self._call = call
        self._watches: set[_Watch] = set()
        self._news = anyio.Event()
        self._some = anyio.Event()
        self._version: object = None
        self._tasks: TaskGroup | None = None
        self._endings: set[Callable[[], None]] = set()

    @property
    def watching(self) -> int:
        """How many subscriptions there are."""
        return len(self._watches)

    async def watch(self, caller: Caller, reading: Reading, tell: Tell) -> Callable[[], None]:
        """Have `tell` called whenever what is read may have changed.

        Returns:
            Ends it; may be called more than once.

        Raises:
            ZettelError: The caller cannot read it now.
            TooManySubscriptionsError: There are `MOST` already, or `MOST_EACH` of one token.
        """
        if len(self._watches) >= MOST:
            raise TooManySubscriptionsError(MOST)
        who = caller.origin.principal
        if caller.reach and self._watched_by(who) >= MOST_EACH:
            raise TooManySubscriptionsError(MOST_EACH)
        [mark] = await self._marks(caller, [reading])
        if not mark:
            raise NoteNotFoundError(_note_id(reading))
        watch = _Watch(caller=caller, reading=reading, tell=tell, mark=mark)
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
                with anyio.move_on_after(LOOK_S):
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
