"""Starts processes for tests: forked from one that has imported everything, where that is alike.

A process of its own takes a second of imports, and the suite starts hundreds. Linux only: anywhere
else, and with `fresh`, it is `subprocess` and nothing more. What looks at imports, at the
interpreter or at what stands before Zettel's first line needs a fresh process.
"""

import atexit
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import AnyStr

from tests import fork_server
from tests.fork_server import LENGTH_BYTES, MARK, MARK_BYTES, Request

ADDRESS = "socket"
"""Of the fork server, in a folder of its own."""

READ_AT_START = ("PYTHON", "LD_", "MALLOC_", "OMP_", "OPENBLAS_", "ARROW_", "LANCE_", "RUST_")
"""How variables begin that an interpreter or a library reads before it is asked for anything."""

SHEBANG_MAX = 250
"""Bytes of a script's first line that Linux reads (`BINPRM_BUF_SIZE`, less some)."""

STAND_IN = """#!{python} -IS
# In the place of an interpreter: has the fork server start what this was called for, hands on
# signals, and ends as that ends.
import os, signal, sys
from _socket import AF_UNIX, SCM_RIGHTS, SOCK_STREAM, SOL_SOCKET, socket
fields = [os.fsencode(os.getcwd()), os.fsencode(__file__), b"1" * (os.getsid(0) == os.getpid())]
fields += [b"%d" % (len(sys.argv) - 1), *map(os.fsencode, sys.argv[1:])]
fields += [b"=".join(pair) for pair in os.environb.items()]
body = b"\\0".join(fields)
line = socket(AF_UNIX, SOCK_STREAM)
line.connect({address!r})
streams = b"".join(number.to_bytes(4, sys.byteorder) for number in range(3))
line.sendmsg([len(body).to_bytes({head}, "big")], [(SOL_SOCKET, SCM_RIGHTS, streams)])
line.sendall(body)
null = os.open(os.devnull, os.O_RDWR)
for number in range(3):
    os.dup2(null, number)
said = b""
while not said.endswith(b"\\n"):
    said += line.recv(1) or os._exit(1)
for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
    signal.signal(number, lambda number, _: os.kill(int(said), number))
status = os.waitstatus_to_exitcode(int(line.recv(99)))
if status < 0:
    if -status != signal.SIGKILL:
        signal.signal(-status, signal.SIG_DFL)
    os.kill(os.getpid(), -status)
os._exit(status)
"""


class Forked(subprocess.Popen[AnyStr]):
    """A `Popen` whose process the fork server has forked.

    Replaces what of CPython's class starts a process and waits for its end; pipes, signals and
    `communicate` are as they are there.
    """

    _child_created: bool
    _waitpid_lock: threading.Lock
    _close_pipe_fds: Callable[..., None]

    def __init__(
        self, address: str, request: Request, streams: Sequence[int | None], encoding: str | None
    ) -> None:
        self._address, self._request = address, request
        self._line = socket.socket(socket.AF_UNIX)
        stdin, stdout, stderr = streams
        super().__init__(
            request.arguments, stdin=stdin, stdout=stdout, stderr=stderr, encoding=encoding
        )

    def _execute_child(self, *arguments: object) -> None:
        ends = [end for end in arguments[10:16] if isinstance(end, int)]
        given = (ends[0], ends[3], ends[5])
        try:
            self._line.connect(self._address)
            body = self._request.write()
            head = len(body).to_bytes(LENGTH_BYTES, "big")
            descriptors = [at if end == -1 else end for at, end in enumerate(given)]
            socket.send_fds(self._line, [head], descriptors)
            self._line.sendall(body)
            self.pid = self._read_number()
        finally:
            self._close_pipe_fds(*ends)
        self._child_created = True

    def _read_number(self) -> int:
        said = b""
        while not said.endswith(b"\n"):
            got = self._line.recv(1)
            assert got, "the fork server has gone"
            said += got
        return int(said)

    def _internal_poll(self, *_arguments: object, **_options: object) -> int | None:
        # While another thread waits, nothing is known yet.
        if self.returncode is None and self._waitpid_lock.acquire(blocking=False):
            try:
                self._look(0)
            finally:
                self._waitpid_lock.release()
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Wait until it has ended; its exit status."""
        with self._waitpid_lock:
            self._look(timeout)
        if self.returncode is None:
            raise subprocess.TimeoutExpired(self.args, timeout or 0)
        return self.returncode

    def _look(self, timeout: float | None) -> None:
        if self.returncode is not None:
            return
        self._line.settimeout(timeout)
        try:
            self.returncode = os.waitstatus_to_exitcode(self._read_number())
        except (BlockingIOError, TimeoutError):
            return
        self._line.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Server:
    """A fork server that listens."""

    folder: Path
    pid: int

    @property
    def address(self) -> str:
        """Where it listens."""
        return str(self.folder / ADDRESS)


@cache
def _server() -> _Server:
    """The one of this pytest worker, as soon as somebody asks."""
    # Not in the worker's own temporary folder: a socket's path has 107 bytes.
    folder = Path(tempfile.mkdtemp(prefix="zettel-tests-", dir="/tmp"))
    address = str(folder / ADDRESS)
    server = subprocess.Popen(
        [sys.executable, fork_server.__file__, address],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, MARK: "-" * MARK_BYTES},
    )

    def end() -> None:
        # The end of its input is its end, and that of all it has started.
        server.communicate()
        shutil.rmtree(folder, ignore_errors=True)

    atexit.register(end)
    assert server.stdout is not None
    assert server.stdout.readline(), "the fork server has not come up"
    stand_in = folder / "python"
    stand_in.write_text(
        STAND_IN.format(python=sys.executable, address=address, head=LENGTH_BYTES), "utf-8"
    )
    stand_in.chmod(0o700)
    return _Server(folder=folder, pid=server.pid)


def interpreter() -> str:
    """The path of a program that does what `python -m` does, only sooner."""
    if sys.platform != "linux" or len(sys.executable) > SHEBANG_MAX:
        return sys.executable
    return str(_server().folder / "python")


def starters() -> Sequence[int]:
    """Process ids of the parents of what is started here, besides this process."""
    return (_server().pid,) if sys.platform == "linux" else ()


def _is_plain(env: Mapping[str, str]) -> bool:
    """Whether an environment leaves alone what was read when the fork server started."""
    return all(
        env.get(name) == os.environ.get(name)
        for name in env.keys() | os.environ.keys()
        if name.startswith(READ_AT_START)
    )


def start(
    *arguments: str,
    env: Mapping[str, str] | None = None,
    cwd: str | Path | None = None,
    streams: Sequence[int | None] = (subprocess.PIPE,) * 3,
    quick: bool = False,
    fresh: bool = False,
) -> subprocess.Popen[bytes]:
    """Start `python` with `-m MODULE …` or `FILE …`.

    Args:
        arguments: Those of `python`; of its options `-P` and `-W` only.
        env: All of its environment; this process's where there is none.
        cwd: Its working directory; this process's where there is none.
        streams: What becomes of its input, output and errors, as `subprocess` takes each.
        quick: Whether what it starts with `sys.executable -m` is forked as well.
        fresh: Whether it is to be an interpreter of its own.
    """
    forked = None if fresh else _request(arguments, env, cwd, quick)
    if forked is not None:
        return Forked(_server().address, forked, streams, None)
    stdin, stdout, stderr = streams
    command = [sys.executable, *arguments]
    return subprocess.Popen(command, stdin=stdin, stdout=stdout, stderr=stderr, env=env, cwd=cwd)


def start_text(
    *arguments: str, env: Mapping[str, str] | None = None, cwd: str | Path | None = None
) -> subprocess.Popen[str]:
    """The same, its three streams being pipes that carry text."""
    streams, forked = (subprocess.PIPE,) * 3, _request(arguments, env, cwd, quick=False)
    if forked is not None:
        return Forked(_server().address, forked, streams, "utf-8")
    command, (stdin, stdout, stderr) = [sys.executable, *arguments], streams
    return subprocess.Popen(
        command, stdin=stdin, stdout=stdout, stderr=stderr, env=env, cwd=cwd, encoding="utf-8"
    )


def finish(
    *arguments: str,
    env: Mapping[str, str],
    cwd: Path,
    timeout: float,
    quick: bool = False,
    fresh: bool = False,
) -> "subprocess.CompletedProcess[str]":
    """Run one to its end, without input, as `subprocess.run` does."""
    streams = (subprocess.DEVNULL, subprocess.PIPE, subprocess.PIPE)
    with start(*arguments, env=env, cwd=cwd, streams=streams, quick=quick, fresh=fresh) as process:
        try:
            out, err = process.communicate(timeout=timeout)
        finally:
            process.kill()
    status = process.returncode
    return subprocess.CompletedProcess(arguments, status, out.decode(), err.decode())


def _request(
    arguments: Sequence[str], env: Mapping[str, str] | None, cwd: str | Path | None, quick: bool
) -> Request | None:
    """What the fork server is asked for; None where it cannot stand in."""
    given = dict(os.environ if env is None else env)
    if sys.platform != "linux" or not _is_plain(given):
        return None
    return Request(
        cwd=os.fspath(cwd or Path.cwd()),
        executable=interpreter() if quick else "",
        session=False,
        arguments=arguments,
        env=given,
    )
