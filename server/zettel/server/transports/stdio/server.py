"""MCP on standard input and output in this process, without an engine."""

import logging
import os
import secrets
import sys
from collections.abc import Callable
from pathlib import Path

import anyio
from anyio import CapacityLimiter, to_thread

from zettel.server.config.default_namespace import find_project, new_session
from zettel.server.config.settings import Settings
from zettel.server.engine.ipc.lines import CHUNK_BYTES
from zettel.server.protocol.server import ClientDefaults, create_server
from zettel.server.runtime.clock import utc_now
from zettel.server.runtime.factories import installed_factories
from zettel.server.runtime.runtime import Runtime
from zettel.server.runtime.shutdown import (
    Shutdown,
    shut_down_on,
    shut_down_on_signal,
    shut_down_when_orphaned,
)
from zettel.server.runtime.threads import share_among_threads
from zettel.server.transports.stdio.conversation import LineReader, converse
from zettel.tools.caller import USER_NAMESPACE

logger = logging.getLogger(__name__)


def _duplicate(fd: int) -> int:
    """A duplicate above the standard descriptors that children do not inherit."""
    if sys.platform == "win32":
        return os.dup(fd)
    import fcntl  # noqa: PLC0415  POSIX only

    return fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 3)


def _divert(fd: int, target: Callable[[], int]) -> int:
    private = _duplicate(fd)
    replacement = target()
    os.dup2(replacement, fd)
    os.close(replacement)
    return private


def _null(flags: int) -> int:
    return os.open(os.devnull, flags)


def _stderr_or_null() -> int:
    try:
        return os.dup(2)
    except OSError:
        return _null(os.O_WRONLY)


class StdioPipes:
    """Standard input and output, reserved for the protocol.

    From here on a stray `print`, also a library's or a child's, goes to standard error, and
    standard input reads as empty.
    """

    def __init__(self) -> None:
        self._in = _divert(0, lambda: _null(os.O_RDONLY))
        self._out = _divert(1, _stderr_or_null)
        # Reading blocks a thread while the client is silent: not one of the shared pool.
        self._reading = CapacityLimiter(1)
        self._writing = CapacityLimiter(1)
        self._send_lock = anyio.Lock()
        self.broken = anyio.Event()
        """Set once the client has closed its reading end."""

    async def receive(self) -> bytes:
        """The next bytes from the client; empty once it has closed its writing end."""
        try:
            return await to_thread.run_sync(
                os.read, self._in, CHUNK_BYTES, abandon_on_cancel=True, limiter=self._reading
            )
        except OSError:
            return b""

    async def send_line(self, line: bytes) -> None:
        """Write one whole line; it is dropped if the client has closed its end."""
        async with self._send_lock:
            if self.broken.is_set():
                return
            try:
                await to_thread.run_sync(
                    self._write_all, line, abandon_on_cancel=True, limiter=self._writing
                )
            except OSError:
                self.broken.set()

    def _write_all(self, line: bytes) -> None:
        rest = memoryview(line)
        while rest:
            rest = rest[os.write(self._out, rest) :]


def stdio_defaults(settings: Settings) -> ClientDefaults:
    """The defaults of the spawning client: its project's namespace and a new session."""
    project = None if settings.namespace else find_project(Path.cwd(), home=Path.home())
    session = settings.session or new_session(utc_now(), salt=secrets.token_hex(2))
    return ClientDefaults(
        transport="stdio",
        namespace=settings.namespace or USER_NAMESPACE,
        project=project,
        session=session,
    )


async def serve_stdio(settings: Settings) -> None:
    """Serve the client on standard input and output until it disconnects or a signal arrives."""
    share_among_threads()
    pipes = StdioPipes()
    shutdown = Shutdown()
    runtime = Runtime(settings.store, installed_factories(settings))
    server = create_server(runtime, stdio_defaults(settings), runtime.feed)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(shut_down_on_signal, shutdown)
        tasks.start_soon(shut_down_when_orphaned, shutdown)
        tasks.start_soon(shut_down_on, pipes.broken, shutdown)
        async with runtime.running():
            await converse(
                server,
                LineReader(pipes.receive),
                pipes.send_line,
                protocol=settings.protocol,
                shutdown=shutdown,
            )
        tasks.cancel_scope.cancel()
    logger.info("the client has disconnected")
