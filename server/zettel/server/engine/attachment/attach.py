"""Serves an MCP client on stdio: through the store's engine, or from this process.

Standard library only, for a fast start; a test checks `sys.modules`.
"""

import os
import signal
import sys
from collections.abc import Mapping
from types import FrameType
from typing import NoReturn

from zettel.server.engine.attachment.relay import Relay
from zettel.server.engine.ipc.connect import EngineConnection, RefusedError
from zettel.server.engine.ipc.handshake import given_settings, session_hello
from zettel.server.engine.ipc.rendezvous import Rendezvous, UnattachableError
from zettel.server.engine.ipc.spawn import EXIT_USAGE, reach_engine
from zettel.server.engine.ipc.store_path import PlaceError, chosen_store
from zettel.server.engine.ipc.version import VERSION, is_newer


class Attachment:
    """One client of one store."""

    def __init__(self, flags: Mapping[str, str], environment: Mapping[str, str]) -> None:
        self._place = Rendezvous(chosen_store(flags, environment))
        self._ipc = environment.get("ZETTEL_IPC", "")
        self._hello = session_hello(self._place.store, given_settings(flags, environment))
        self._parent = os.getppid()
        self._shown: set[str] = set()

    def reach(self) -> EngineConnection:
        """Connect to an engine.

        Raises:
            RefusedError: The client's settings are rejected.
            UnattachableError: No engine can be reached or started.
        """
        line = reach_engine(self._place, self._hello, self._ipc, self._leave_if_orphaned)
        self._warn_once(str(line.answer.get("warning", "")))
        found = str(line.answer.get("version", ""))
        if is_newer(VERSION, found):
            self._warn_once(f"zettel serve runs version {found}; end it and start {VERSION}")
        return line

    def serve(self, line: EngineConnection) -> None:
        """Relay the client's lines until it disconnects."""
        Relay(line, self.reach, self._leave_if_orphaned).run()

    def _leave_if_orphaned(self) -> None:
        if os.getppid() != self._parent:
            os._exit(0)

    def _warn_once(self, warning: str) -> None:
        if warning and warning not in self._shown:
            self._shown.add(warning)
            write_notice(warning)


def attach(flags: Mapping[str, str]) -> bool:
    """Serve the client on standard input and output through an engine, until it disconnects.

    Returns:
        False if no engine can be used here; then nothing of the client was read.
    """
    if not _is_plausible(flags, os.environ):
        return False
    attachment = Attachment(flags, os.environ)
    try:
        line = attachment.reach()
    except RefusedError as error:
        write_notice(str(error))
        sys.exit(EXIT_USAGE)
    except UnattachableError as error:
        write_notice(
            f"the store's engine cannot be used: {error}. This client is served by its own process;"
            " pass --in-process to skip the attempt."
        )
        return False
    attachment.serve(line)
    return True


def _is_plausible(flags: Mapping[str, str], environment: Mapping[str, str]) -> bool:
    """Whether the settings that an attachment reads itself are valid."""
    protocol = flags.get("protocol") or environment.get("ZETTEL_PROTOCOL")
    ipc = environment.get("ZETTEL_IPC")
    known = (protocol or "auto") in {"auto", "legacy"} and (ipc or "unix") in {"unix", "tcp"}
    try:
        chosen_store(flags, environment)
    except PlaceError:
        return False
    return known and flags.get("store") != ""


def write_notice(text: str) -> None:
    """Write to standard error, which MCP clients log."""
    try:
        sys.stderr.write("".join(f"zettel: {line}\n" for line in text.splitlines()))
        sys.stderr.flush()
    except (OSError, ValueError):
        # Standard error is closed.
        return


def _leave(_number: int, _frame: FrameType | None) -> NoReturn:
    os._exit(0)


def serve_client(flags: Mapping[str, str]) -> NoReturn:
    """Serve the client on standard input and output until it disconnects, then exit."""
    # Until an event loop runs, there is nothing to drain.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _leave)
    settings = {name: value for name, value in flags.items() if name != "in_process"}
    alone = "in_process" in flags or sys.platform == "win32"
    if alone or not attach(settings):
        serve_stdio_process(settings)
    os._exit(0)


def serve_stdio_process(flags: Mapping[str, str]) -> NoReturn:
    """Serve the client without an engine: store and model are in this process."""
    import logging  # noqa: PLC0415

    import anyio  # noqa: PLC0415  standard library only until here

    from zettel.server.config.permissions import permission_warnings  # noqa: PLC0415
    from zettel.server.config.settings import load_settings, unconfirmed  # noqa: PLC0415
    from zettel.server.observability.logs import configure_logging  # noqa: PLC0415
    from zettel.server.transports.stdio.server import serve_stdio  # noqa: PLC0415
    from zettel.storage.errors import ZettelError  # noqa: PLC0415

    try:
        settings = load_settings(**flags)
    except ZettelError as error:
        sys.stderr.write("".join(f"zettel: {line}\n" for line in str(error).splitlines()))
        sys.exit(EXIT_USAGE)
    configure_logging(settings.log_level, settings.log_format)
    for warning in (*unconfirmed(settings), *permission_warnings(settings.store)):
        logging.getLogger(__name__).warning("%s", warning)
    anyio.run(serve_stdio, settings)
    # Threads that read the client or are importing cannot be joined.
    sys.stderr.flush()
    os._exit(0)
