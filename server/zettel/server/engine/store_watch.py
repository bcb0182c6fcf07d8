"""Stops an engine whose store was removed or that clients cannot find, before it writes."""

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
"""Seconds between two checks that the store exists; a removal raises no event."""


async def shut_down_when_evicted(engine_lock: EngineLock, shutdown: Shutdown) -> None:
    """Request shutdown when clients cannot find this engine; exit at once if the store is gone."""
    while True:
        leave_without_store(engine_lock)
        if shutdown.requested.is_set():
            # The socket was withdrawn by the shutdown itself.
            return
        if not engine_lock.hold():
            logger.warning("clients cannot find the engine any more")
            shutdown.evicted = True
            shutdown.request()
            return
        await anyio.sleep(STORE_POLL_S)


async def shut_down_without_temporary_folder(shutdown: Shutdown) -> None:
    """Request shutdown when TMPDIR is gone, as with the shell of the client that started this.

    Calls would fail; the next engine does without the variable.
    """
    while True:
        if not _has_temporary_folder():
            logger.warning("the temporary directory was removed")
            shutdown.request()
            return
        await anyio.sleep(STORE_POLL_S)


def _has_temporary_folder() -> bool:
    folder = os.environ.get("TMPDIR")
    return folder is None or os.path.isdir(folder)


def leave_without_store(engine_lock: EngineLock) -> None:
    """Exit if the store's directory is gone: a write would recreate it incomplete."""
    if engine_lock.store_is_there():
        return
    logger.warning("the store was removed")
    logging.shutdown()
    os._exit(0)


class StoreWatch:
    """Checks that the store exists before each call; otherwise the process exits."""

    def __init__(self, engine: Engine, engine_lock: EngineLock) -> None:
        self._engine = engine
        self._engine_lock = engine_lock

    async def call(self, arguments: Arguments, caller: Caller) -> Mapping[str, object]:
        """Carry out one tool call."""
        leave_without_store(self._engine_lock)
        return await self._engine.call(arguments, caller)
