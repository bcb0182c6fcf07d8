"""The command `zettel`: without a command the server of an MCP client, otherwise the command line.

An MCP client waits for `initialize` from the moment it starts the process, so this file imports
next to nothing before it knows what is asked.
"""

import os
import signal
import sys
from collections.abc import Mapping, Sequence
from types import FrameType
from typing import NoReturn

from zettel.server.attach import EXIT_USAGE, attach

STDIO_OPTIONS = ("store", "namespace", "session", "model", "protocol", "log-level")
"""Options of the stdio server; each takes a value."""

IN_PROCESS = "--in-process"
"""Serves the client from this process, without an engine."""

ENGINE = "engine"
"""What an attachment calls to start an engine; not a command for people."""


def stdio_flags(arguments: Sequence[str]) -> dict[str, str] | None:
    """The flags of a call that asks for the stdio server; None if it asks for anything else."""
    flags: dict[str, str] = {}
    rest = list(arguments)
    while rest:
        name, equals, value = rest.pop(0).partition("=")
        if name == IN_PROCESS and not equals:
            flags["in_process"] = "yes"
            continue
        if name.removeprefix("--") not in STDIO_OPTIONS or not name.startswith("--"):
            return None
        if not equals:
            if not rest:
                return None
            value = rest.pop(0)
        flags[name.removeprefix("--").replace("-", "_")] = value
    return flags


def main() -> None:
    """Run the command line of this process and leave it."""
    if sys.argv[1:2] == [ENGINE]:
        from zettel.server.engine_start import start_engine  # noqa: PLC0415  of no client

        start_engine(sys.argv[2:])
    flags = stdio_flags(sys.argv[1:])
    if flags is None:
        from zettel.server.cli import run  # noqa: PLC0415  typer, for people only

        run()
        return
    serve_client(flags)


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
    import anyio  # noqa: PLC0415  see the top of this file

    from zettel.server.logs import configure_logging  # noqa: PLC0415
    from zettel.server.settings import load_settings  # noqa: PLC0415
    from zettel.server.stdio import serve_stdio  # noqa: PLC0415
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
