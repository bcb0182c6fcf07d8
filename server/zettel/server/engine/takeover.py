"""How `zettel serve` becomes the engine of its store: in the place of one a client started."""

import logging
import os
import sys
import time

from zettel.server.engine.engine_lock import EngineLock
from zettel.server.engine.ipc.connect import RefusedError, dial
from zettel.server.engine.ipc.file_lock import is_locked, try_lock
from zettel.server.engine.ipc.handshake import request
from zettel.server.engine.ipc.rendezvous import Rendezvous, UnattachableError
from zettel.server.engine.ipc.spawn import REACH_TIMEOUT_S, SPAWN_POLL_S, request_drain
from zettel.storage.errors import EngineUnreachableError, StoreServedError

logger = logging.getLogger(__name__)


def take_over(place: Rendezvous, ipc: str, url: str) -> EngineLock | None:
    """Become the engine; clients of the one before it wait meanwhile and lose no call.

    Args:
        place: Of the store.
        ipc: How to listen to attachments: `unix` or `tcp`.
        url: Where this process listens to HTTP, for those who look for the engine.

    Returns:
        None if there can be no engine, for example because the store is a file: then HTTP tells.

    Raises:
        StoreServedError: Another `zettel serve` has the store.
        EngineUnreachableError: Its engine can be reached as little as replaced.
    """
    if sys.platform == "win32":
        # There, each client is served by a process of its own.
        return None
    try:
        place.prepare()
        alone = _stand_alone(place)
    except (UnattachableError, OSError) as error:
        logger.warning("no client can attach to this server: %s", error)
        return None
    try:
        _have_it_leave(place)
        engine_lock = EngineLock.take(place, ipc)
        if engine_lock is not None:
            engine_lock.announce(url)
    except OSError as error:
        logger.warning("no client can attach to this server: %s", error)
        return None
    finally:
        # From here on clients find this engine, and wait at its socket until it is ready.
        os.close(alone)
    if engine_lock is None:
        raise EngineUnreachableError(place.store, f"did not leave ({_owner(place)})")
    return engine_lock


def _stand_alone(place: Rendezvous) -> int:
    """Take the spawn lock: until it is released, nobody starts an engine."""
    until = time.monotonic() + REACH_TIMEOUT_S
    while (lock := try_lock(place.spawn_lock)) is None:
        if time.monotonic() > until:
            raise EngineUnreachableError(place.store, "is being started by another process")
        time.sleep(SPAWN_POLL_S)
    return lock


def _have_it_leave(place: Rendezvous) -> None:
    """Ask the engine that is there to leave, unless somebody serves with it."""
    record = place.read_record()
    if record.get("url") and is_locked(place.lock):
        raise StoreServedError(place.store, _owner(place), str(record["url"]))
    try:
        line = dial(place, request(place.store, "status"))
        if line is None:
            return
        line.sock.close()
        if line.answer.get("url"):
            raise StoreServedError(place.store, _owner(place), str(line.answer["url"]))
        leaving = request_drain(place)
    except RefusedError:
        # It leaves by itself: the store's settings cannot be used.
        return
    except UnattachableError as error:
        raise EngineUnreachableError(place.store, str(error)) from None
    if leaving is not None:
        leaving.sock.close()


def _owner(place: Rendezvous) -> str:
    return f"process {place.read_record().get('pid', 'unknown')}"
