"""The engine process of a store: listener, runtime, and the conditions under which it exits."""

import logging

import anyio

from zettel.server.config.settings import Settings
from zettel.server.engine.engine_lock import EngineLock
from zettel.server.engine.listener import EngineListener
from zettel.server.engine.store_watch import shut_down_when_evicted
from zettel.server.runtime.factories import installed_factories
from zettel.server.runtime.runtime import Runtime
from zettel.server.runtime.shutdown import Shutdown, shut_down_on_signal
from zettel.server.runtime.threads import share_among_threads

logger = logging.getLogger(__name__)

DRAIN_S = 5.0
"""Seconds open calls may take after a shutdown request; clients repeat the rest elsewhere."""


async def serve_engine(settings: Settings, engine_lock: EngineLock) -> None:
    """Serve the clients of a store until it is idle or a shutdown is requested."""
    share_among_threads()
    shutdown = Shutdown(patience_s=DRAIN_S)
    runtime = Runtime(
        settings.store, installed_factories(settings, still_there=engine_lock.store_is_there)
    )
    listener = EngineListener(engine_lock, settings, runtime, shutdown)
    async with anyio.create_task_group() as tasks, runtime.running():
        tasks.start_soon(shut_down_on_signal, shutdown)
        tasks.start_soon(shut_down_when_idle, listener, settings.idle_minutes * 60, shutdown)
        tasks.start_soon(shut_down_when_evicted, engine_lock, shutdown)
        logger.info("engine of store=%r listens on %s", settings.store, engine_lock.endpoint)
        await listener.serve()
        tasks.cancel_scope.cancel()
    engine_lock.release()
    await listener.close()
    logger.info("the engine has stopped")


async def shut_down_when_idle(listener: EngineListener, idle_s: float, shutdown: Shutdown) -> None:
    """Request shutdown after `idle_s` seconds without clients and without work."""
    until = listener.idle_until(idle_s)
    while until > anyio.current_time():
        await anyio.sleep_until(until)
        until = listener.idle_until(idle_s)
    logger.info("the engine is idle")
    shutdown.request()
