"""Starting an engine: one, detached from whoever started it.

Part of the attachment: imports next to nothing until an engine must be started.
"""

import os
import sys
import time
from collections.abc import Callable
from contextlib import suppress

from zettel.server.engine.ipc.connect import EngineConnection, dial
from zettel.server.engine.ipc.file_lock import try_lock
from zettel.server.engine.ipc.handshake import Message, request
from zettel.server.engine.ipc.rendezvous import Rendezvous, UnattachableError
from zettel.server.engine.ipc.version import VERSION, is_newer

REACH_TIMEOUT_S = 60.0
"""Seconds until an attachment gives up: a cold start takes 0.6 s, an engine's draining up to 15."""

SPAWN_POLL_S = 0.01
"""Seconds between two looks for an engine that another process is starting."""

MAX_FAILED_STARTS = 6
"""Engines started in vain before giving up."""

EXIT_USAGE = 2
"""Exit status of a process whose settings or arguments cannot be used."""

EXIT_HELD = 3
"""Exit status of an engine that found another one's lock held."""

EXIT_DEAF = 4
"""Exit status of an engine that can neither lock nor listen."""

Patience = Callable[[], None]
"""Called while waiting; does not return if nobody waits for an answer any more."""


def reach_engine(
    place: Rendezvous, hello: Message, ipc: str, patience: Patience
) -> EngineConnection:
    """Come to an engine of this version or a newer one: there already, or started for it.

    Args:
        place: Where the store's engine is met.
        hello: Of the client.
        ipc: How an engine that is started here is to listen: `unix`, `tcp`, or empty for what
            the store's settings say.
        patience: Called again and again.

    Raises:
        RefusedError: The engine does not serve this client.
        UnattachableError: There is no engine to be had here.
    """
    until = time.monotonic() + REACH_TIMEOUT_S
    failed = 0
    while time.monotonic() < until:
        line = dial(place, hello)
        if line is not None:
            if not _is_outdated(line):
                return line
            line.sock.close()
        place.prepare()
        lock = _spawn_lock(place)
        if lock is not None:
            try:
                line = _reach_alone(place, hello, ipc, patience)
            finally:
                os.close(lock)
            if line is not None:
                return line
            failed += 1
            if failed == MAX_FAILED_STARTS:
                problem = f"its engine ended {failed} times while starting; {place.log} says why"
                raise UnattachableError(problem)
        patience()
        time.sleep(SPAWN_POLL_S)
    problem = f"no engine could be reached within {REACH_TIMEOUT_S:.0f} seconds"
    raise UnattachableError(problem)


def request_drain(place: Rendezvous) -> EngineConnection | None:
    """Ask an engine to end in good order, if there is one.

    Returns:
        A connection that ends with the engine; None if there is none.
    """
    return dial(place, request(place.store, "drain"))


def _is_outdated(line: EngineConnection) -> bool:
    """Whether this engine is to make way for one of our own version.

    Only an older one, or two versions would replace each other for ever; and none that somebody
    has started as a server of its own, for what it serves besides would be gone.
    """
    return is_newer(VERSION, str(line.answer.get("version", ""))) and not line.answer.get("url")


def _spawn_lock(place: Rendezvous) -> int | None:
    try:
        return try_lock(place.spawn_lock)
    except OSError as error:
        problem = f"{place.folder} cannot be used: {error.strerror}"
        raise UnattachableError(problem) from None


def _reach_alone(
    place: Rendezvous, hello: Message, ipc: str, patience: Patience
) -> EngineConnection | None:
    """Start an engine while nobody else does; None if it, or the one that was there, died."""
    line = dial(place, hello)
    if line is not None:
        if not _is_outdated(line):
            return line
        line.sock.close()
        old = request_drain(place)
        if old is not None:
            old.sock.close()
    status = _start(place, ipc, patience)
    if status == EXIT_HELD:
        pid = place.read_record().get("pid", "unknown")
        problem = f"another engine (process {pid}) owns the store and cannot be reached from here"
        raise UnattachableError(problem)
    if status == EXIT_DEAF:
        problem = "no engine can listen here; its log says why"
        raise UnattachableError(problem)
    return dial(place, hello)


def _start(place: Rendezvous, ipc: str, patience: Patience) -> int:
    """Start an engine; returns the status of the process that detaches it, 0 once it listens."""
    import subprocess  # noqa: PLC0415  heavy, and an engine is there most of the time

    # Neither the client's settings nor its working directory are the engine's.
    kept = {n: v for n, v in os.environ.items() if not n.lower().startswith("zettel_")}
    isolation = "-I" if sys.flags.isolated else "-P"
    command = [sys.executable, isolation, "-m", "zettel", "engine", "--store", place.store]
    if ipc:
        command += ["--ipc", ipc]
    try:
        with open(_log(place), "ab") as log:
            child = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                env=kept,
                start_new_session=True,
            )
    except OSError as error:
        problem = f"no process can be started in the background: {error.strerror or error}"
        raise UnattachableError(problem) from None
    while (status := child.poll()) is None:
        patience()
        time.sleep(SPAWN_POLL_S)
    return status


def _log(place: Rendezvous) -> str:
    with suppress(OSError):
        fd = os.open(place.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.close(fd)
        return place.log
    return os.devnull
