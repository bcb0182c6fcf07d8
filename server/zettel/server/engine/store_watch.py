"""An engine never outlives its store: when it is removed, the engine leaves and writes nothing."""

import logging
import os
from collections.abc import Mapping

import anyio

from zettel.server.engine.engine_lock import EngineLock
from zettel.server.protocol.schemas import Arguments
from zettel.server.protocol.server import Engine
from zettel.server.runtime.shutdown import Shutdown
from zettel.tools.caller import Caller

logger = logging.getLogger(__name__)

STORE_POLL_S = 2.0
"""Seconds between two looks at whether the store is still there."""


async def shut_down_when_evicted(engine_lock: EngineLock, shutdown: Shutdown) -> None:
    """Ask when clients cannot find this engine any more; leave at once when its store is gone."""
    while True:
        leave_without_store(engine_lock)
        if shutdown.requested.is_set():
            # It has been withdrawn because the engine leaves.
            return
        if not engine_lock.hold():
            logger.warning("clients cannot find the engine any more")
            shutdown.request()
            return
        # No event tells of another process's rm.
        await anyio.sleep(STORE_POLL_S)


def leave_without_store(engine_lock: EngineLock) -> None:
    """Leave, now, if the store's directory is gone: to write would be to make it anew, in ruins."""
    if engine_lock.store_is_there():
        return
    logger.warning("the store was removed")
    logging.shutdown()
    os._exit(0)


class StoreWatch:
    """Carries out calls on a store that is still there; a client asks the next engine otherwise.

    Args:
        engine: What carries them out.
        engine_lock: On the store.
    """

    def __init__(self, engine: Engine, engine_lock: EngineLock) -> None:
        self._engine = engine
        self._engine_lock = engine_lock

    async def call(self, arguments: Arguments, caller: Caller) -> Mapping[str, object]:
        """Carry out one tool call."""
        leave_without_store(self._engine_lock)
        return await self._engine.call(arguments, caller)
