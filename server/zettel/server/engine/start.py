"""Starts an engine in the background: listen, detach, then import everything heavy.

The starting client waits only until the engine listens; the engine itself is a detached child.
"""

import os
import signal
import sys
import tomllib
from collections.abc import Sequence
from types import FrameType
from typing import NoReturn

from zettel.server.engine.engine_lock import EngineLock
from zettel.server.engine.ipc.handshake import PROTOCOL
from zettel.server.engine.ipc.rendezvous import Rendezvous, UnattachableError
from zettel.server.engine.ipc.spawn import EXIT_DEAF, EXIT_HELD, EXIT_USAGE

EXIT_DIED = 1

REFUSE_TIMEOUT_S = 5.0
"""Seconds an engine that cannot start waits for its client, to send it the reason."""


def start_engine(arguments: Sequence[str]) -> NoReturn:
    """Become the engine of a store, in the background.

    Args:
        arguments: `--store PLACE`, canonical, and optionally `--ipc KIND`.
    """
    options = dict(zip(arguments[::2], arguments[1::2], strict=False))
    place = Rendezvous(options["--store"])
    try:
        place.prepare()
        engine_lock = EngineLock.take(place, options.get("--ipc") or _configured_ipc(place.store))
    except (UnattachableError, OSError) as error:
        sys.stderr.write(f"zettel: no engine can listen in {place.folder}: {error}\n")
        os._exit(EXIT_DEAF)
    if engine_lock is None:
        os._exit(EXIT_HELD)
    os.chdir("/")
    _detach(engine_lock)
    _run(engine_lock)


def _configured_ipc(store: str) -> str:
    """The setting `ipc` of the store's config.toml, unchecked; `unix` by default."""
    path = os.path.join(store, "config.toml")
    if not os.path.isfile(path):  # opening a pipe would wait
        return "unix"
    try:
        with open(path, "rb") as file:
            return str(tomllib.loads(file.read().decode("utf-8-sig")).get("ipc", "unix"))
    except (OSError, ValueError):
        return "unix"


def _detach(engine_lock: EngineLock) -> None:
    """Continue in a child; the parent exits as soon as clients can find the child."""
    ready, announced = os.pipe()
    if os.fork():
        os.close(announced)
        os._exit(0 if os.read(ready, 1) else EXIT_DIED)
    os.close(ready)

    def leave(_number: int, _frame: FrameType | None) -> NoReturn:
        engine_lock.release()
        os._exit(0)

    # Until the event loop runs, there is nothing to drain.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, leave)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    engine_lock.announce()
    os.write(announced, b".")
    os.close(announced)


def _run(engine_lock: EngineLock) -> NoReturn:
    # Clients can connect already, so the slow imports come now.
    import logging  # noqa: PLC0415

    import anyio  # noqa: PLC0415

    from zettel.server.config.preflight.checks import examine  # noqa: PLC0415
    from zettel.server.config.settings import load_settings  # noqa: PLC0415
    from zettel.server.engine.engine import serve_engine  # noqa: PLC0415
    from zettel.server.observability.logs import log_to_file  # noqa: PLC0415
    from zettel.storage.errors import ZettelError  # noqa: PLC0415

    try:
        settings = load_settings(store=engine_lock.place.store)
        examined = examine(settings)
        for refusal in examined.refusals:
            raise refusal
    except ZettelError as error:
        _refuse(engine_lock, str(error))
        engine_lock.release()
        os._exit(EXIT_USAGE)
    log_to_file(settings.log_level, engine_lock.place.log, settings.log_format)
    for warning in examined.warnings:
        logging.getLogger(__name__).warning("%s", warning)
    anyio.run(serve_engine, settings, engine_lock)
    # A thread that is importing or loading a model cannot be joined.
    os._exit(0)


def _refuse(engine_lock: EngineLock, reason: str) -> None:
    """Send the reason to the clients that are waiting now, and to no later ones."""
    import json  # noqa: PLC0415  not needed by an engine that starts

    answer = (
        json.dumps({"zettel": PROTOCOL, "pid": os.getpid(), "refused": reason}).encode() + b"\n"
    )
    engine_lock.listening.settimeout(REFUSE_TIMEOUT_S)
    try:
        while True:
            client, _ = engine_lock.listening.accept()
            with client:
                client.settimeout(REFUSE_TIMEOUT_S)
                client.recv(65_536)
                client.sendall(answer)
            # A later client may find corrected settings.
            engine_lock.listening.settimeout(0)
    except OSError:
        # Also raised when no other client waits.
        return
