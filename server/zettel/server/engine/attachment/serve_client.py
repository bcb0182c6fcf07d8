"""Serves an MCP client on stdio: through the engine, or from this process."""

import os
import signal
import sys
from collections.abc import Mapping
from types import FrameType
from typing import NoReturn

from zettel.server.engine.attachment.attach import EXIT_USAGE, attach


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
