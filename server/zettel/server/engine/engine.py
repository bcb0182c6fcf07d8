"""The engine process of a store: listener, runtime, and the conditions under which it exits."""

import logging
from collections.abc import Awaitable, Callable
from functools import partial

import anyio

from zettel.server.config.settings import Settings
from zettel.server.engine.engine_lock import EngineLock
from zettel.server.engine.listener import EngineListener
from zettel.server.engine.store_watch import (
    shut_down_when_evicted,
    shut_down_without_temporary_folder,
)
from zettel.server.runtime.factories import installed_factories
from zettel.server.runtime.open_files import raise_open_files
from zettel.server.runtime.runtime import Runtime
from zettel.server.runtime.shutdown import Shutdown, shut_down_on_signal
from zettel.server.runtime.threads import share_among_threads
from zettel.storage.errors import ZettelError
from zettel.storage.store import NoteFilter

logger = logging.getLogger(__name__)

DRAIN_S = 5.0
"""Seconds open calls may take after a shutdown request; clients repeat the rest elsewhere."""

EMPTY_MAX_IDLE_MINUTES = 10.0
"""Minutes after which an engine leaves at the latest if its store holds no note."""


async def serve_engine(settings: Settings, engine_lock: EngineLock) -> None:
    """Serve the clients of a store until it is idle or a shutdown is requested."""
    share_among_threads()
    raise_open_files()
    shutdown = Shutdown(patience_s=DRAIN_S)
    runtime = Runtime(
        settings.store, installed_factories(settings, still_there=engine_lock.store_is_there)
    )
    listener = EngineListener(engine_lock, settings, runtime, shutdown)
    async with anyio.create_task_group() as tasks, runtime.running():
        tasks.start_soon(shut_down_on_signal, shutdown)
        tasks.start_soon(
            shut_down_when_idle, listener, partial(idle_s, runtime, settings), shutdown
        )
        tasks.start_soon(shut_down_when_evicted, engine_lock, shutdown)
        tasks.start_soon(shut_down_without_temporary_folder, shutdown)
        logger.info("engine of store=%r listens on %s", settings.store, engine_lock.endpoint)
        await listener.serve()
        tasks.cancel_scope.cancel()
    engine_lock.release()
    await listener.close()
    logger.info("the engine has stopped")


async def idle_s(runtime: Runtime, settings: Settings) -> float:
    """Seconds that an engine stays without clients: long with notes, for the day's next session."""
    idle_minutes = settings.idle_minutes
    if idle_minutes > EMPTY_MAX_IDLE_MINUTES and not await _holds_notes(runtime):
        idle_minutes = EMPTY_MAX_IDLE_MINUTES
    return idle_minutes * 60


async def _holds_notes(runtime: Runtime) -> bool:
    if runtime.status != "ok":
        return False
    try:
        memory = await runtime.memory()
        return bool(await memory.admin.count(NoteFilter(states=())))
    except ZettelError:
        # A store that cannot be read is no reason to stay.
        return False


async def shut_down_when_idle(
    listener: EngineListener, idle_s: Callable[[], Awaitable[float]], shutdown: Shutdown
) -> None:
    """Request shutdown after a time without clients and without work.

    `idle_s` is asked for anew whenever the time may be over.
    """
    until = listener.idle_until(await idle_s())
    while until > anyio.current_time():
        await anyio.sleep_until(until)
        until = listener.idle_until(await idle_s())
    logger.info("the engine is idle")
    shutdown.request()
