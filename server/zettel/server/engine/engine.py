"""The one process of a store: clients at its socket, a runtime behind them, and when it leaves."""

import logging

import anyio

from zettel.server.config.settings import Settings
from zettel.server.engine.engine_lock import EngineLock
from zettel.server.engine.listener import EngineListener
from zettel.server.engine.store_watch import ask_when_evicted
from zettel.server.runtime.factories import installed_parts
from zettel.server.runtime.runtime import Runtime
from zettel.server.runtime.shutdown import Shutdown, ask_on_signal

logger = logging.getLogger(__name__)

DRAIN_S = 5.0
"""Seconds open calls may take after the engine was asked to end; then clients ask the next one."""


async def serve_engine(settings: Settings, claim: EngineLock) -> None:
    """Serve the clients of a store until nobody needs it, or somebody asks it to end."""
    ending = Shutdown(patience_s=DRAIN_S)
    runtime = Runtime(settings.store, installed_parts(settings, still_there=claim.store_is_there))
    reception = EngineListener(claim, settings, runtime, ending)
    async with anyio.create_task_group() as tasks, runtime.running():
        tasks.start_soon(ask_on_signal, ending)
        tasks.start_soon(ask_when_idle, reception, settings.idle_minutes * 60, ending)
        tasks.start_soon(ask_when_evicted, claim, ending)
        logger.info("engine of store=%r listens on %s", settings.store, claim.endpoint)
        await reception.serve()
        tasks.cancel_scope.cancel()
    claim.release()
    await reception.close()
    logger.info("the engine has left")


async def ask_when_idle(reception: EngineListener, idle_s: float, ending: Shutdown) -> None:
    """Ask when there was neither a client nor work for so many seconds."""
    until = reception.idle_until(idle_s)
    while until > anyio.current_time():
        await anyio.sleep_until(until)
        until = reception.idle_until(idle_s)
    logger.info("nobody needs the engine")
    ending.ask()
