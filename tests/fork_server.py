"""A process that has imported and read what every `zettel` does, and forks instead of a new start.

Run as a script by `tests/starting.py`, once for a pytest worker:

    python fork_server.py SOCKET

It opens no store of LanceDB, and no thread of its own is left, so that a forked child is what
`python -m zettel` would be after its imports and its first calls. Each connection asks for one
process. It carries the descriptors 0, 1 and 2 of that process, and gets its number back, then its
exit status. A process whose connection closes is killed, so nothing outlives the pytest worker
that asked for it.
"""

import asyncio
import gc
import importlib
import os
import runpy
import selectors
import signal
import socket
import sys
import threading
import time
import warnings
from collections.abc import Mapping, Sequence
from contextlib import suppress
from ctypes import CDLL, c_char_p, c_void_p, memmove
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

MARK = "BENCHMARK_RUN"
"""The variable by which `benchmarks/processes.py` knows the processes of one test."""

MARK_BYTES = 16
"""Length of its value."""

LENGTH_BYTES = 8
"""Of a request: how many bytes say how long it is."""

IMPORTED = (
    "zettel.storage.lance.store",
    "zettel.storage.embedding.hashing",
    "zettel.server.cli.app",
    "zettel.server.engine.engine",
    "zettel.server.engine.start",
    "zettel.server.runtime.dispatch",
    "zettel.server.runtime.factories",
    "zettel.server.commands.evolve",
    "zettel.server.commands.listing",
    "zettel.server.commands.recall",
    "zettel.server.commands.serve",
    "zettel.server.transports.stdio.server",
    "uvicorn.protocols.http.h11_impl",
    "uvicorn.lifespan.on",
)
"""Modules that bring in LanceDB, pyarrow, mcp, pydantic, starlette, uvicorn and all four tools.

No model library is among them: a process that loads a model has to show that it can.
"""

EARLY = datetime(2026, 1, 1, tzinfo=UTC)
"""When what it stores to warm up is told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One process to be started."""

    cwd: str
    executable: str
    """What `sys.executable` is to be; empty for this interpreter."""
    session: bool
    """Whether it begins a session of its own."""
    arguments: Sequence[str]
    """Those of `python`."""
    env: Mapping[str, str]

    def write(self) -> bytes:
        """As it is sent."""
        fields = [self.cwd, self.executable, "1" if self.session else ""]
        fields += [str(len(self.arguments)), *self.arguments]
        fields += [f"{name}={value}" for name, value in self.env.items()]
        return b"\0".join(map(os.fsencode, fields))

    @staticmethod
    def read(body: bytes) -> "Request":
        """Take apart what was sent."""
        cwd, executable, session, count, *rest = map(os.fsdecode, body.split(b"\0"))
        pairs = (entry.partition("=") for entry in rest[int(count) :])
        return Request(
            cwd=cwd,
            executable=executable,
            session=bool(session),
            arguments=rest[: int(count)],
            env={name: value for name, _, value in pairs},
        )


@dataclass(frozen=True, slots=True)
class Child:
    """A process that was forked, and who asked for it."""

    pid: int
    exits: int
    """A descriptor that can be read once it has ended."""
    asked: socket.socket


class Server:
    """Forks until its standard input ends."""

    def __init__(self, listening: socket.socket, mark: int | None, *, interruptible: bool) -> None:
        self._listening = listening
        self._interruptible = interruptible
        self._mark = mark
        self._waiting = selectors.DefaultSelector()
        self._children: dict[int, Child] = {}

    def serve(self) -> Request:
        """Start what is asked for; returns in the children only, each with its request."""
        self._waiting.register(0, selectors.EVENT_READ)
        self._waiting.register(self._listening, selectors.EVENT_READ)
        while True:
            ready = {key.fd for key, _ in self._waiting.select()}
            if 0 in ready:
                self._leave()
            for descriptor in ready & self._children.keys():
                # Handled together with its other descriptor, perhaps.
                if (child := self._children.get(descriptor)) is not None:
                    self._look_after(child, has_ended=descriptor == child.exits)
            # Last: a new connection may get the number of one that was closed just now.
            if self._listening.fileno() in ready and (request := self._accept()) is not None:
                return request

    def _leave(self) -> None:
        for child in {child.pid: child for child in self._children.values()}.values():
            os.kill(child.pid, signal.SIGKILL)
        os._exit(0)

    def _accept(self) -> Request | None:
        """Fork once; the request in the child, None here."""
        asking, _ = self._listening.accept()
        first, descriptors, _, _ = socket.recv_fds(asking, LENGTH_BYTES, 3)
        size, body = int.from_bytes(first, "big"), b""
        while len(body) < size and (part := asking.recv(size - len(body))):
            body += part
        if len(descriptors) < 3 or len(body) < size:
            # Killed while it asked.
            pid = None
        elif not (pid := os.fork()):
            asking.close()
            return self._become(Request.read(body), descriptors)
        for descriptor in descriptors:
            os.close(descriptor)
        if pid is None:
            asking.close()
            return None
        child = Child(pid=pid, exits=os.pidfd_open(pid), asked=asking)
        for descriptor in (child.exits, asking.fileno()):
            self._children[descriptor] = child
            self._waiting.register(descriptor, selectors.EVENT_READ)
        with suppress(OSError):
            asking.sendall(b"%d\n" % pid)
        return None

    def _look_after(self, child: Child, *, has_ended: bool) -> None:
        """Report an exit; kill the process of somebody who has gone."""
        if not has_ended:
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(child.exits, signal.SIGKILL)
        _, status = os.waitpid(child.pid, 0)
        for descriptor in (child.exits, child.asked.fileno()):
            self._waiting.unregister(descriptor)
            del self._children[descriptor]
        with suppress(OSError):
            child.asked.sendall(b"%d\n" % status)
        child.asked.close()
        os.close(child.exits)

    def _become(self, request: Request, descriptors: Sequence[int]) -> Request:
        """Be a process that knows nothing of its siblings."""
        for child in {child.pid: child for child in self._children.values()}.values():
            child.asked.close()
            os.close(child.exits)
        self._listening.close()
        self._waiting.close()
        for number, descriptor in enumerate(descriptors):
            os.dup2(descriptor, number)
            os.close(descriptor)
        if request.session:
            os.setsid()
        if self._interruptible:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        _look_like(request, self._mark)
        return request


def _look_like(request: Request, mark: int | None) -> None:
    """Take on the request's working directory, environment and standard streams."""
    os.chdir(request.cwd)
    os.environ.clear()
    os.environ.update(request.env)
    time.tzset()
    if mark is not None:
        # What `/proc` shows of an environment is where the kernel once put it.
        said = request.env.get(MARK, "").encode()[:MARK_BYTES]
        memmove(mark, said.ljust(MARK_BYTES, b"\0"), MARK_BYTES)
    sys.executable = request.executable or sys.executable
    sys.stdin = sys.__stdin__ = open(0, encoding="utf-8")
    sys.stdout = sys.__stdout__ = open(1, "w", encoding="utf-8")
    sys.stderr = sys.__stderr__ = open(
        2, "w", encoding="utf-8", errors="backslashreplace", buffering=1
    )


def run(request: Request) -> None:
    """Do what `python` does with these arguments."""
    # What importing the package does first of all in a process of its own.
    from zettel.storage.startup import set_environment  # noqa: PLC0415

    set_environment()
    rest, beside = list(request.arguments), True
    while rest[0] in {"-P", "-W"}:
        if rest.pop(0) == "-P":
            beside = False
        else:
            warnings.simplefilter("ignore" if rest.pop(0) == "ignore" else "error")
    if rest[0] == "-m":
        if beside:
            sys.path.insert(0, request.cwd)
        sys.argv = rest[1:]
        runpy.run_module(rest[1], run_name="__main__", alter_sys=True)
    else:
        sys.path.insert(0, str(Path(rest[0]).parent))
        sys.argv = rest
        runpy.run_path(rest[0], run_name="__main__")


async def _call_everything() -> None:
    """Make a call of each kind to a store in memory.

    The tables of words are read when they are first needed, and their patterns compiled: most of a
    second for a recall, as much again for a run of evolution, in every process.
    """
    from tests.storage.in_memory.store import DictStore  # noqa: PLC0415

    from zettel.storage.embedding.hashing import HashEmbedder  # noqa: PLC0415
    from zettel.tools.caller import Caller  # noqa: PLC0415
    from zettel.tools.evolve.run import Budget, evolve  # noqa: PLC0415
    from zettel.tools.state.memory import Memory  # noqa: PLC0415
    from zettel.tools.verbs.recall import recall  # noqa: PLC0415
    from zettel.tools.verbs.remember import remember  # noqa: PLC0415

    memory, caller, now = Memory(store=DictStore(), embedder=HashEmbedder()), Caller(), EARLY
    # The date makes the words of times of every language be read.
    for content in ("Ana keeps two bees in Bern since 3/4.", "Ana now keeps three bees in Basel."):
        await remember(memory, caller, now=now, content=content)
    await recall(memory, caller, now=now, query="How many bees did Ana keep last week?")
    await evolve(memory, now=now, run_id="run-1", who="test", budget=Budget())


def main() -> Request:
    """Listen; returns in the children."""
    # LanceDB makes a new runtime in a child, and calls that experimental: it could hang where the
    # parent was amid an operation, and this one does none. CPython warns of any thread, from 3.12.
    warnings.filterwarnings("ignore", "lancedb fork support", RuntimeWarning)
    warnings.filterwarnings("ignore", ".*use of fork", DeprecationWarning)
    for name in IMPORTED:
        importlib.import_module(name)
    root = sys.path[0] = str(Path(__file__).parents[1])
    before = set(threading.enumerate())
    asyncio.run(_call_everything())
    for thread in set(threading.enumerate()) - before:
        thread.join()
    getenv = CDLL(None).getenv
    getenv.restype, getenv.argtypes = c_void_p, [c_char_p]
    mark: int | None = getenv(MARK.encode())
    sys.path.remove(root)
    # What is here already stays shared with the children.
    gc.collect()
    gc.freeze()
    # Ctrl-C is for pytest, whose end is the end of this process. Under a shell's `&` it is ignored.
    interruptible = signal.signal(signal.SIGINT, signal.SIG_IGN) is not signal.SIG_IGN
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(sys.argv[1])
        listening.listen(128)
        sys.stdout.write("listening\n")
        sys.stdout.flush()
        return Server(listening, mark, interruptible=interruptible).serve()


if __name__ == "__main__":
    run(main())
