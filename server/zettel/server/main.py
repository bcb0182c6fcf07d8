"""The command `zettel`: without a command the server of an MCP client, otherwise the command line.

An MCP client waits for `initialize` from the moment it starts the process, so this file imports
next to nothing before it knows what is asked.
"""

import sys
from collections.abc import Sequence

from zettel.server.engine.attachment.attach import serve_client

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
        from zettel.server.engine.start import start_engine  # noqa: PLC0415  of no client

        start_engine(sys.argv[2:])
    flags = stdio_flags(sys.argv[1:])
    if flags is None:
        from zettel.server.cli.app import run  # noqa: PLC0415  typer, for people only

        run()
        return
    serve_client(flags)
