"""The command `zettel`: the stdio server of an MCP client, or the command line.

The client waits for `initialize` from the start of the process, so imports are late.
"""

import os
import sys
from collections.abc import Sequence

from zettel.server.engine.ipc.spawn import COMPLETION
from zettel.server.runtime.garbage import collect_rarely

STDIO_OPTIONS = ("store", "namespace", "session", "model", "protocol", "log-level")
"""Options of the stdio server; each takes a value."""

IN_PROCESS = "--in-process"
"""Serves the client from this process, without an engine."""

ENGINE = "engine"
"""Internal command with which an attachment starts an engine."""


def stdio_flags(arguments: Sequence[str]) -> dict[str, str] | None:
    """The flags of a call for the stdio server; None for any other call."""
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
    """Run the command of this process, then exit."""
    collect_rarely()
    if sys.argv[1:2] == [ENGINE] and len(sys.argv) > 2:
        from zettel.server.engine.start import start_engine  # noqa: PLC0415  not needed by clients

        start_engine(sys.argv[2:])
    # A shell that asks for completions passes no arguments: it is no client.
    flags = None if COMPLETION in os.environ else stdio_flags(sys.argv[1:])
    if flags is None:
        from zettel.server.cli.app import run  # noqa: PLC0415  typer, for the command line only

        run()
        return
    from zettel.server.engine.attachment.attach import serve_client  # noqa: PLC0415  as above

    serve_client(flags)
