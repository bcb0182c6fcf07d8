"""Reaches the engine of a store, starting it if necessary: one, detached from its starter.

Standard library only.
"""

import os
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress

from zettel.server.engine.ipc.connect import EngineConnection, dial
from zettel.server.engine.ipc.file_lock import try_lock
from zettel.server.engine.ipc.handshake import ENGINE_SETTINGS, Message, request
from zettel.server.engine.ipc.rendezvous import Rendezvous, UnattachableError
from zettel.server.engine.ipc.version import VERSION, is_newer

REACH_TIMEOUT_S = 60.0
"""Seconds until an attachment gives up: a cold start takes 0.6 s, a drain up to 15 s."""

SPAWN_POLL_S = 0.01
"""Seconds between two attempts to reach an engine that another process is starting."""

MAX_FAILED_STARTS = 6
"""Starts that may fail before giving up."""

EXIT_USAGE = 2
"""Exit status of a process whose settings or arguments cannot be used."""

EXIT_HELD = 3
"""Exit status of an engine that found another one's lock held."""

EXIT_DEAF = 4
"""Exit status of an engine that can neither lock nor listen."""

OWN_VARIABLES = "zettel_"
"""Of every variable that Zettel reads, in small letters."""

COMPLETION = "_ZETTEL_COMPLETE"
"""Variable with which a shell asks the command line for completions (typer, from its name)."""

LLM_KEY = "zettel_llm_key"
"""Variable that an engine is started with, and that no hello carries."""

Patience = Callable[[], None]
"""Called while waiting; exits the process if the client is gone."""


def reach_engine(
    place: Rendezvous, hello: Message, ipc: str, patience: Patience
) -> EngineConnection:
    """Connect to an engine of this version or a newer one, starting it if necessary.

    `ipc` says how a started engine listens: `unix`, `tcp`, or empty for the store's setting.

    Raises:
        RefusedError: The engine rejects this client.
        UnattachableError: No engine can be reached or started.
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
                line = _start_engine(place, hello, ipc, patience)
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
    """Request the engine, if there is one, to finish open calls and exit.

    Returns:
        A connection that closes when the engine exits; None if there is no engine.
    """
    return dial(place, request(place.store, "drain"))


def _is_outdated(line: EngineConnection) -> bool:
    """Whether this engine is to be replaced: it is older, and not part of `zettel serve`."""
    return is_newer(VERSION, str(line.answer.get("version", ""))) and not line.answer.get("url")


def _spawn_lock(place: Rendezvous) -> int | None:
    try:
        return try_lock(place.spawn_lock)
    except OSError as error:
        problem = f"{place.folder} cannot be used: {error.strerror}"
        raise UnattachableError(problem) from None


def _start_engine(
    place: Rendezvous, hello: Message, ipc: str, patience: Patience
) -> EngineConnection | None:
    """Start an engine under the spawn lock; None if it, or the running one, died."""
    line = dial(place, hello)
    if line is not None:
        if not _is_outdated(line):
            return line
        line.sock.close()
        old = request_drain(place)
        if old is not None:
            old.sock.close()
    given = hello.get("settings")
    status = _spawn(place, ipc, given if isinstance(given, dict) else {}, patience)
    if status == EXIT_HELD:
        pid = place.read_record().get("pid", "unknown")
        problem = f"another engine (process {pid}) owns the store and cannot be reached from here"
        raise UnattachableError(problem)
    if status == EXIT_DEAF:
        problem = "no engine can listen here; its log says why"
        raise UnattachableError(problem)
    return dial(place, hello)


def _spawn(place: Rendezvous, ipc: str, given: Message, patience: Patience) -> int:
    """Start an engine; returns the exit status of the process that detaches it, 0 if it listens."""
    import subprocess  # noqa: PLC0415  slow, and rarely needed

    environment = engine_environment(os.environ, given)
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
                env=environment,
                start_new_session=True,
            )
    except OSError as error:
        problem = f"no process can be started in the background: {error.strerror or error}"
        raise UnattachableError(problem) from None
    while (status := child.poll()) is None:
        patience()
        time.sleep(SPAWN_POLL_S)
    return status


def engine_environment(environment: Mapping[str, str], given: Message) -> dict[str, str]:
    """The variables of an engine: its client's, but of Zettel's only those of an engine."""
    variables = {
        name: value
        for name, value in environment.items()
        if not name.lower().startswith(OWN_VARIABLES) or name.lower() == LLM_KEY
    }
    settings = {name: given[name] for name in ENGINE_SETTINGS if name in given}
    return variables | {
        f"{OWN_VARIABLES}{name}".upper(): value
        for name, value in settings.items()
        if isinstance(value, str)
    }


def _log(place: Rendezvous) -> str:
    with suppress(OSError):
        fd = os.open(place.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.close(fd)
        return place.log
    return os.devnull
