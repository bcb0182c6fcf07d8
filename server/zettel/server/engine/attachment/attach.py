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
from zettel.server.engine.ipc.store_path import chosen_store
from zettel.server.engine.ipc.version import VERSION, is_newer


class Attachment:
    """One client of one store.

    Args:
        flags: What the command line said.
        environment: What the variables said.
    """

    def __init__(self, flags: Mapping[str, str], environment: Mapping[str, str]) -> None:
        self._place = Rendezvous(chosen_store(flags, environment))
        self._ipc = environment.get("ZETTEL_IPC", "")
        self._hello = session_hello(self._place.store, given_settings(flags, environment))
        self._parent = os.getppid()
        self._told: set[str] = set()

    def reach(self) -> EngineConnection:
        """Come to an engine.

        Raises:
            RefusedError: The client was started wrongly.
            UnattachableError: There is no engine to be had here.
        """
        line = reach_engine(self._place, self._hello, self._ipc, self._leave_if_orphaned)
        self._tell_once(str(line.answer.get("warning", "")))
        found = str(line.answer.get("version", ""))
        if is_newer(VERSION, found):
            self._tell_once(f"zettel serve runs version {found}; end it and start {VERSION}")
        return line

    def serve(self, line: EngineConnection) -> None:
        """Carry the client's lines until it leaves."""
        Relay(line, self.reach, self._leave_if_orphaned).run()

    def _leave_if_orphaned(self) -> None:
        if os.getppid() != self._parent:
            os._exit(0)

    def _tell_once(self, warning: str) -> None:
        if warning and warning not in self._told:
            self._told.add(warning)
            write_notice(warning)


def attach(flags: Mapping[str, str]) -> bool:
    """Serve the client on standard input and output through an engine, until it leaves.

    Returns:
        False if there is no engine to be had here, or to be started for such settings; nothing
        of the client was read then.
    """
    if not _may_be_right(flags, os.environ):
        return False
    attachment = Attachment(flags, os.environ)
    try:
        line = attachment.reach()
    except RefusedError as error:
        write_notice(str(error))
        sys.exit(EXIT_USAGE)
    except UnattachableError as error:
        write_notice(
            f"the store's engine cannot be used: {error}. This client is served by a process of its"
            " own; to have it so without trying, pass --in-process."
        )
        return False
    attachment.serve(line)
    return True


def _may_be_right(flags: Mapping[str, str], environment: Mapping[str, str]) -> bool:
    """Whether it is worth starting an engine, which checks every setting, for such a client."""
    protocol = flags.get("protocol") or environment.get("ZETTEL_PROTOCOL")
    ipc = environment.get("ZETTEL_IPC")
    known = (protocol or "auto") in {"auto", "legacy"} and (ipc or "unix") in {"unix", "tcp"}
    return known and flags.get("store") != ""


def write_notice(text: str) -> None:
    """Tell the person who looks into the client's log."""
    try:
        sys.stderr.write("".join(f"zettel: {line}\n" for line in text.splitlines()))
        sys.stderr.flush()
    except (OSError, ValueError):
        # Nobody looks.
        return


def _leave(_number: int, _frame: FrameType | None) -> NoReturn:
    os._exit(0)


def serve_client(flags: Mapping[str, str]) -> NoReturn:
    """Be the server of the client on standard input and output until it leaves."""
    # Until an event loop listens, there is nothing to drain: leaving is in good order.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _leave)
    settings = {name: value for name, value in flags.items() if name != "in_process"}
    alone = "in_process" in flags or sys.platform == "win32"
    if alone or not attach(settings):
        serve_stdio_process(settings)
    os._exit(0)


def serve_stdio_process(flags: Mapping[str, str]) -> NoReturn:
    """Be the stdio server, store and model included, until the client leaves."""
    import anyio  # noqa: PLC0415  standard library only until here

    from zettel.server.config.settings import load_settings  # noqa: PLC0415
    from zettel.server.observability.logs import configure_logging  # noqa: PLC0415
    from zettel.server.transports.stdio.server import serve_stdio  # noqa: PLC0415
    from zettel.storage.errors import ZettelError  # noqa: PLC0415

    try:
        settings = load_settings(**flags)
    except ZettelError as error:
        sys.stderr.write("".join(f"zettel: {line}\n" for line in str(error).splitlines()))
        sys.exit(EXIT_USAGE)
    configure_logging(settings.log_level, settings.log_format)
    anyio.run(serve_stdio, settings)
    # The thread that waits for the client's next byte cannot be joined, nor one amid an import.
    sys.stderr.flush()
    os._exit(0)
