"""The engine as those who come over HTTP and SSE have it: in turns, and not for ever."""

import math
from collections.abc import Mapping

import anyio

from zettel.server.protocol.limit_errors import LeavingError, TooManyCallsError, TooSlowError
from zettel.server.protocol.schemas import Arguments, Reading, RecallArguments
from zettel.server.runtime.runtime import Runtime
from zettel.server.transports.http.limits.admission import Admission
from zettel.tools.caller import Caller


class LimitedEngine:
    """Carries calls out within a server's bounds.

    Args:
        runtime: Does the work.
        admission: Knows the bounds.
    """

    def __init__(self, runtime: Runtime, admission: Admission) -> None:
        self._runtime = runtime
        self._admission = admission

    async def call(self, arguments: Arguments, caller: Caller) -> Mapping[str, object]:
        """Carry out one tool call or reading once it is the caller's turn.

        Raises:
            LimitError: It is too much, or too much for now.
            ZettelError: It cannot be done.
        """
        who = caller.origin.principal
        refused = self._admission.turned_away
        try:
            async with self._admission.turns.turn(who, bounded=caller.reach is not None):
                return await self._within_time(arguments, caller)
        except TooManyCallsError:
            refused.count("calls", who)
            raise
        except LeavingError:
            refused.count("leaving", who)
            raise
        except TooSlowError:
            refused.count("recall_time", who)
            raise

    async def _within_time(self, arguments: Arguments, caller: Caller) -> Mapping[str, object]:
        seconds = math.inf
        # What writes is finished in any case; and until the store is open, nobody is slow.
        if isinstance(arguments, RecallArguments | Reading) and self._runtime.status == "ok":
            seconds = self._admission.limits.recall_seconds
        with anyio.move_on_after(seconds):
            return await self._runtime.call(arguments, caller)
        raise TooSlowError(seconds)
