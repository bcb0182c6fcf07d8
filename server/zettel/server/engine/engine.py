"""The one process of a store: clients at its socket, a runtime behind them, and when it leaves."""

import logging

import anyio

from zettel.server.config.settings import Settings
from zettel.server.engine.engine_lock import EngineLock
from zettel.server.engine.listener import EngineListener
from zettel.server.engine.store_watch import shut_down_when_evicted
from zettel.server.runtime.factories import installed_factories
from zettel.server.runtime.runtime import Runtime
from zettel.server.runtime.shutdown import Shutdown, shut_down_on_signal

logger = logging.getLogger(__name__)

DRAIN_S = 5.0
"""Seconds open calls may take after the engine was asked to end; then clients ask the next one."""


async def serve_engine(settings: Settings, engine_lock: EngineLock) -> None:
    """Serve the clients of a store until nobody needs it, or somebody asks it to end."""
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
    logger.info("the engine has left")


async def shut_down_when_idle(listener: EngineListener, idle_s: float, shutdown: Shutdown) -> None:
    """Ask when there was neither a client nor work for so many seconds."""
    until = listener.idle_until(idle_s)
    while until > anyio.current_time():
        await anyio.sleep_until(until)
        until = listener.idle_until(idle_s)
    logger.info("nobody needs the engine")
    shutdown.request()
