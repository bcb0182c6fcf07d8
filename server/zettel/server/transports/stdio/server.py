"""MCP on standard input and output, in this process: what a client spawns."""

import logging
import secrets
from pathlib import Path

import anyio

from zettel.server.config.default_namespace import new_session, project_namespace
from zettel.server.config.settings import Settings
from zettel.server.protocol.server import ClientDefaults, create_server
from zettel.server.runtime.clock import utc_now
from zettel.server.runtime.factories import installed_parts
from zettel.server.runtime.runtime import Runtime
from zettel.server.runtime.shutdown import Shutdown, ask_on, ask_on_orphaning, ask_on_signal
from zettel.server.transports.stdio.conversation import converse
from zettel.server.transports.stdio.line_reader import LineReader
from zettel.server.transports.stdio.pipes import StdioPipes

logger = logging.getLogger(__name__)


def stdio_door(settings: Settings) -> ClientDefaults:
    """The defaults of the client that spawned this process: its project, its own session."""
    namespace = settings.namespace or project_namespace(Path.cwd(), home=Path.home())
    session = settings.session or new_session(utc_now(), salt=secrets.token_hex(2))
    return ClientDefaults(transport="stdio", namespace=namespace, session=session)


async def serve_stdio(settings: Settings) -> None:
    """Serve the one client on standard input and output until it leaves or a signal comes."""
    wire = StdioPipes()
    ending = Shutdown()
    runtime = Runtime(settings.store, installed_parts(settings))
    server = create_server(runtime, stdio_door(settings), runtime.feed)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(ask_on_signal, ending)
        tasks.start_soon(ask_on_orphaning, ending)
        tasks.start_soon(ask_on, wire.broken, ending)
        async with runtime.running():
            await converse(
                server,
                LineReader(wire.receive),
                wire.send_line,
                protocol=settings.protocol,
                ending=ending,
            )
        tasks.cancel_scope.cancel()
    logger.info("the client has left")
