"""Makes `zettel serve` the engine of its store, replacing one that a client started."""

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
from zettel.server.engine.ipc.store_path import is_directory
from zettel.storage.errors import EngineUnreachableError, StoreServedError

logger = logging.getLogger(__name__)


def take_over(place: Rendezvous, ipc: str, url: str) -> EngineLock | None:
    """Become the engine; clients of the previous one wait and lose no call.

    `url` is of this process, for the record.

    Returns:
        None if no engine is possible here, for example because the store is a file, or if another
        server of this machine is the engine of a store that any number may serve (no directory).

    Raises:
        StoreServedError: Another `zettel serve` has the directory.
        EngineUnreachableError: The store's engine can be neither reached nor replaced.
    """
    if sys.platform == "win32":
        # On Windows each client has a process of its own.
        return None
    try:
        place.prepare()
        spawn_lock = _take_spawn_lock(place)
    except (UnattachableError, OSError) as error:
        logger.warning("no client can attach to this server: %s", error)
        return None
    try:
        _stop_engine(place)
        engine_lock = EngineLock.take(place, ipc)
        if engine_lock is not None:
            engine_lock.announce(url)
    except StoreServedError as error:
        if is_directory(place.store):
            raise
        logger.info("clients on this machine attach to its other server: %s", error)
        return None
    except OSError as error:
        logger.warning("no client can attach to this server: %s", error)
        return None
    finally:
        # From here on clients find this engine and wait at its socket.
        os.close(spawn_lock)
    if engine_lock is None:
        raise EngineUnreachableError(place.store, f"did not leave ({_owner(place)})")
    return engine_lock


def _take_spawn_lock(place: Rendezvous) -> int:
    """Take the spawn lock: until it is released, no other process starts an engine."""
    until = time.monotonic() + REACH_TIMEOUT_S
    while (lock := try_lock(place.spawn_lock)) is None:
        if time.monotonic() > until:
            raise EngineUnreachableError(place.store, "is being started by another process")
        time.sleep(SPAWN_POLL_S)
    return lock


def _stop_engine(place: Rendezvous) -> None:
    """Request a drain of the running engine, unless it belongs to another `zettel serve`."""
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
        # It exits by itself: the store's settings cannot be used.
        return
    except UnattachableError as error:
        raise EngineUnreachableError(place.store, f"cannot be used: {error}") from None
    if leaving is not None:
        leaving.sock.close()


def _owner(place: Rendezvous) -> str:
    return f"process {place.read_record().get('pid', 'unknown')}"
