"""Local S3 servers, moto's and ministack, and a proxy that spoils their answers.

`python -m tests.object_server` serves moto's until its standard input ends.
"""

# pyright: reportMissingTypeStubs=false, reportUnknownVariableType=false
# pyright: reportUnknownMemberType=false
# (moto ships no types for its server)

import os
import secrets
import socket
import socketserver
import subprocess
import sys
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from email.message import Message
from functools import partial
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock, Thread
from time import sleep
from typing import Literal
from urllib.parse import urlsplit
from wsgiref.types import StartResponse, WSGIEnvironment

import pytest

BUCKET = "zettel"
CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "tests",
    "AWS_SECRET_ACCESS_KEY": "secret",
    "AWS_REGION": "us-east-1",
    "AWS_ALLOW_HTTP": "true",
}
"""Both servers take any."""
MINISTACK = "ZETTEL_TEST_MINISTACK"
"""Variable with the path of a `ministack`: a second implementation, which wants another botocore
than moto does and so has an environment of its own."""
ServerName = Literal["moto", "ministack"]
ON_ONE_SERVER = pytest.mark.parametrize(
    "object_server", ["ministack" if os.environ.get(MINISTACK) else "moto"], indirect=True
)
"""A test with `object_server` runs on ministack, if it is there: of many writers moto takes eight
times as long, since its writes come one at a time."""
ON_EACH_SERVER = pytest.mark.parametrize(
    "object_server",
    [
        "moto",
        pytest.param(
            "ministack",
            marks=[
                pytest.mark.slow,
                pytest.mark.skipif(
                    not os.environ.get(MINISTACK),
                    reason=f"{MINISTACK} names no ministack (PyPI): .ci/run fetches it",
                ),
            ],
        ),
    ],
    indirect=True,
)
"""A test with `object_server` runs on each."""


@dataclass(frozen=True, kw_only=True)
class Objects:
    """A bucket, as the cloud's libraries find it."""

    endpoint: str

    @property
    def environment(self) -> dict[str, str]:
        """Variables of a process that is to use it."""
        return {**CREDENTIALS, "AWS_ENDPOINT_URL": self.endpoint}

    def new_uri(self) -> str:
        """Address of a store that is not there yet."""
        return f"s3://{BUCKET}/{secrets.token_hex(6)}"

    def put(self, path: str, content: bytes = b"") -> None:
        """Put one object; the bucket itself by its name alone."""
        self._request("PUT", path, content)

    def copy_in(self, directory: Path) -> str:
        """Put a directory store's files into the bucket; its new address."""
        uri = self.new_uri()
        for path in directory.glob("*.lance/**/*"):
            if path.is_file():
                name = path.relative_to(directory).as_posix()
                self.put(f"{uri.removeprefix('s3://')}/{name}", path.read_bytes())
        return uri

    def _request(self, method: str, path: str, content: bytes) -> None:
        connection = HTTPConnection(urlsplit(self.endpoint).netloc)
        connection.request(method, f"/{path}", content)
        status = connection.getresponse().status
        connection.close()
        assert status == 200, (path, status)


@contextmanager
def serving_objects(server: ServerName = "moto") -> Generator[Objects]:
    """Run a server on a free loopback port, with an empty bucket."""
    with _serving_moto() if server == "moto" else _serving_ministack() as objects:
        objects.put(BUCKET)
        yield objects


@contextmanager
def _serving_moto() -> Generator[Objects]:
    command = [sys.executable, "-m", "tests.object_server"]
    beside = Path(__file__).parents[1]
    with subprocess.Popen(
        command,
        cwd=beside,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as popen:
        assert popen.stdin is not None
        assert popen.stdout is not None
        try:
            objects = Objects(endpoint=popen.stdout.readline().decode().strip())
            assert objects.endpoint, "the server did not start"
            yield objects
        finally:
            popen.stdin.close()
            popen.wait()


@contextmanager
def _serving_ministack() -> Generator[Objects]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    environment = {"GATEWAY_PORT": str(port), "BIND_HOST": "127.0.0.1", "SERVICES": "s3"}
    with subprocess.Popen(
        [os.environ[MINISTACK]],
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as popen:
        try:
            _await_listening(popen, port)
            yield Objects(endpoint=f"http://127.0.0.1:{port}")
        finally:
            popen.terminate()


def _await_listening(popen: "subprocess.Popen[bytes]", port: int) -> None:
    while popen.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except ConnectionRefusedError:
            sleep(0.1)
        else:
            return
    raise AssertionError("the server did not start")


@dataclass(frozen=True, kw_only=True)
class Passing:
    """A request on its way to the server."""

    method: str
    path: str
    headers: "Message[str, str]"
    forward: Callable[[], int]
    """Sends it on, with `headers` as they are then; the status of the answer, which is lost."""


Meddle = Callable[[Passing], int | None]
"""Called with each request: a status to answer with instead, or None."""


@contextmanager
def spoiling(objects: Objects, meddle: Meddle) -> Generator[Objects]:
    """A proxy before the server that changes what passes."""
    handler = partial(_Handler, objects.endpoint, meddle)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as proxy:
        proxy.daemon_threads = True
        thread = Thread(target=proxy.serve_forever, daemon=True)
        thread.start()
        try:
            yield Objects(endpoint=f"http://127.0.0.1:{proxy.server_port}")
        finally:
            proxy.shutdown()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def __init__(
        self,
        upstream: str,
        meddle: Meddle,
        request: socket.socket,
        client: tuple[str, int],
        server: socketserver.BaseServer,
    ) -> None:
        self._upstream, self._meddle = urlsplit(upstream).netloc, meddle
        super().__init__(request, client, server)

    def handle_one_request(self) -> None:
        self.raw_requestline = self.rfile.readline()
        if not self.raw_requestline or not self.parse_request():
            self.close_connection = True
            return
        body = self.rfile.read(int(self.headers.get("content-length", "0")))
        passing = Passing(
            method=self.command,
            path=self.path,
            headers=self.headers,
            forward=lambda: self._sent_on(body)[0],
        )
        status = self._meddle(passing)
        self._answer(*(self._sent_on(body) if status is None else (status, (), b"")))

    def _sent_on(self, body: bytes) -> tuple[int, Sequence[tuple[str, str]], bytes]:
        """Status, headers and body of the server's answer."""
        connection = HTTPConnection(self._upstream)
        try:
            connection.request(self.command, self.path, body, dict(self.headers.items()))
            got = connection.getresponse()
            return got.status, got.getheaders(), got.read()
        finally:
            connection.close()

    def _answer(self, status: int, headers: Sequence[tuple[str, str]], body: bytes) -> None:
        self.send_response_only(status)
        for name, value in headers:
            if name.lower() not in {"connection", "transfer-encoding", "content-length"}:
                self.send_header(name, value)
        of_head = self.command == "HEAD" and dict(headers).get("Content-Length")
        self.send_header("content-length", of_head or str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


def _serve() -> None:
    from moto.moto_server.werkzeug_app import (  # noqa: PLC0415
        DomainDispatcherApplication,
        MotoRequestHandler,
        create_backend_app,
    )
    from werkzeug.serving import make_server  # noqa: PLC0415

    application = DomainDispatcherApplication(create_backend_app)
    writing = Lock()

    def serve(environ: WSGIEnvironment, answer: StartResponse) -> Iterable[bytes]:
        # moto looks whether an object is there before it puts it: two at once both find none.
        with writing if environ["REQUEST_METHOD"] in {"PUT", "POST"} else nullcontext():
            return application(environ, answer)

    server = make_server("127.0.0.1", 0, serve, threaded=True, request_handler=MotoRequestHandler)
    sys.stdout.write(f"http://127.0.0.1:{server.port}\n")
    sys.stdout.flush()
    Thread(target=server.serve_forever, daemon=True).start()
    sys.stdin.buffer.read()
    os._exit(0)


if __name__ == "__main__":
    _serve()
