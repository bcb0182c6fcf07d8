"""The process's own pipes: fd 0 and fd 1 kept for the protocol, out of everybody else's reach."""

import os
import sys
from collections.abc import Callable

import anyio
from anyio import CapacityLimiter, to_thread

CHUNK = 65_536
"""Bytes read at once: the capacity of a Linux pipe."""


def _duplicate(fd: int) -> int:
    """A private duplicate above the standard descriptors, not handed to children."""
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
    """Standard input and output as the MCP client's pipes.

    From here on a stray `print`, of ours, a library's or a child's, lands on standard error, and
    whoever reads standard input finds it empty.
    """

    def __init__(self) -> None:
        self._in = _divert(0, lambda: _null(os.O_RDONLY))
        self._out = _divert(1, _stderr_or_null)
        # Reading blocks a thread for as long as the client is silent: not one of the shared ones.
        self._reading = CapacityLimiter(1)
        self._writing = CapacityLimiter(1)
        self._turn = anyio.Lock()
        self.broken = anyio.Event()
        """Set once nobody reads our answers any more."""

    async def receive(self) -> bytes:
        """The next bytes from the client; empty when it has closed its end."""
        try:
            return await to_thread.run_sync(
                os.read, self._in, CHUNK, abandon_on_cancel=True, limiter=self._reading
            )
        except OSError:
            return b""

    async def send_line(self, line: bytes) -> None:
        """Write one whole line; without a reader it is dropped."""
        async with self._turn:
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
