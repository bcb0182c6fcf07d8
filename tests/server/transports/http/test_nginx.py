"""A real nginx, configured by the file that is handed out, before a real `zettel serve`."""

import gc
import os
import re
import socket
import ssl
import subprocess
from collections.abc import AsyncGenerator, AsyncIterator, Generator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import anyio
import anyio.lowlevel
import httpx2
import pytest
from mcp import Client
from mcp.client.sse import sse_client
from mcp.client.streamable_http import streamable_http_client
from mcp.client.subscriptions import ResourceUpdated
from mcp.server import _streamable_http_modern as modern
from mcp.shared.exceptions import MCPDeprecationWarning
from sse_starlette.sse import EventSourceResponse
from tests.server.config.preflight.test_serving import certificate
from tests.server.doors import STREAMS_LEFT_OPEN
from tests.server.processes import INITIALIZE, PATIENCE_S, Launcher, serving
from tests.server.protocol.test_subscriptions import Heard, change, told

NGINX = os.environ.get("ZETTEL_TEST_NGINX", "")
CONF = Path(__file__).parents[4] / "deploy" / "nginx.conf"
NAME = "memory.example.org"
READ_TIMEOUT_S, PING_S = 2, 0.5
"""Of the test: as the real ones to each other, and less than anybody wants to wait."""
JSON = {"accept": "application/json, text/event-stream", "content-type": "application/json"}

pytestmark = [
    pytest.mark.slow,
    STREAMS_LEFT_OPEN,
    pytest.mark.skipif(
        not NGINX,
        reason="set ZETTEL_TEST_NGINX to an nginx (apt-get download nginx; dpkg -x)",
    ),
    pytest.mark.filterwarnings(f"ignore::{MCPDeprecationWarning.__module__}.MCPDeprecationWarning"),
]

MAIN = """
daemon off; master_process off; pid {folder}/pid; error_log {folder}/error.log info;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/zettel.conf;
}}
"""
PINGS = f"""
from mcp.server import _streamable_http_modern as modern
from sse_starlette.sse import EventSourceResponse

EventSourceResponse.DEFAULT_PING_INTERVAL = modern._SSE_PING_INTERVAL = {PING_S}
"""


def site(folder: Path, port: int, upstream: str, read_timeout_s: int) -> str:
    """The file that is handed out, with a person's changes and shorter time-outs."""
    cert, key = certificate(folder)
    text = CONF.read_text(encoding="utf-8")
    for old, new in (
        ("127.0.0.1:8377", upstream),
        ("listen 443 ssl", f"listen 127.0.0.1:{port} ssl"),
        ("/etc/ssl/certs/memory.example.org.pem", cert),
        ("/etc/ssl/private/memory.example.org.key", key),
        ("proxy_read_timeout 75s", f"proxy_read_timeout {read_timeout_s}s"),
    ):
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return text


@contextmanager
def proxying(folder: Path, *upstreams: str, read_timeout_s: int = READ_TIMEOUT_S) -> Generator[int]:
    """Run nginx before servers; the port it listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = int(listening.getsockname()[1])
    text = site(folder, port, ";\n    server ".join(upstreams), read_timeout_s)
    (folder / "zettel.conf").write_text(text, encoding="utf-8")
    (folder / "main.conf").write_text(MAIN.format(folder=folder), encoding="utf-8")
    command = [NGINX, "-p", str(folder), "-c", "main.conf", "-e", str(folder / "error.log")]
    popen = subprocess.Popen([*command], stdin=subprocess.DEVNULL)
    try:
        while True:
            assert popen.poll() is None, (folder / "error.log").read_text(encoding="utf-8")
            try:
                socket.create_connection(("127.0.0.1", port)).close()
            except ConnectionRefusedError:
                continue
            break
        yield port
    finally:
        popen.terminate()
        popen.wait(PATIENCE_S)


@dataclass(frozen=True)
class Front:
    """What clients see."""

    url: str
    token: str
    trust: ssl.SSLContext
    at_first: int
    """What was answered before there was a token."""

    def http(self, **headers: str) -> httpx2.AsyncClient:
        """A client of the name people use; nginx is on this machine."""
        bearer = {"authorization": f"Bearer {self.token}"}
        return httpx2.AsyncClient(
            base_url=self.url,
            headers={"host": NAME} | bearer | headers,
            verify=self.trust,
            timeout=PATIENCE_S,
        )

    @asynccontextmanager
    async def client(
        self, transport: str, mode: str, heard: Heard | None = None
    ) -> AsyncGenerator[Client]:
        """An MCP client through nginx."""
        if transport == "http":
            async with self.http() as http:
                way = streamable_http_client(f"{self.url}/mcp", http_client=http)
                async with Client(way, mode=mode, message_handler=heard) as client:
                    yield client
            return

        def factory(
            headers: dict[str, str] | None = None,
            timeout: httpx2.Timeout | None = None,
            auth: httpx2.Auth | None = None,
        ) -> httpx2.AsyncClient:
            assert headers is None or auth is None
            del timeout
            return self.http()

        way = sse_client(f"{self.url}/sse", httpx_client_factory=factory)
        async with Client(way, mode=mode, message_handler=heard) as client:
            yield client


@pytest.fixture(scope="module")
def front(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    """One for all tests of the module."""
    folder = tmp_path_factory.mktemp("nginx")
    (folder / "sitecustomize.py").write_text(PINGS, encoding="utf-8")
    paths = os.pathsep.join((str(folder), os.environ.get("PYTHONPATH", "")))
    options = ("--allowed-host", NAME, "--allowed-origin", f"https://{NAME}")
    with ExitStack() as running:
        zettel = Launcher(store=folder / "store", running=running)
        served = running.enter_context(serving(zettel.store, *options, PYTHONPATH=paths))
        with httpx2.Client(timeout=PATIENCE_S) as http:
            at_first = http.post(f"{served.url}/mcp", json=INITIALIZE, headers=JSON).status_code
        made = zettel.run("token", "create", "--name", "ana", "--namespace", "ana")
        port = running.enter_context(proxying(folder, served.url.removeprefix("http://")))
        trust = ssl.create_default_context(cafile=str(folder / "cert.pem"))
        yield Front(f"https://localhost:{port}", made.stdout.strip(), trust, at_first)


async def lines(response: httpx2.Response) -> AsyncIterator[str]:
    """What is streamed, line by line, empty ones left out."""
    async for line in response.aiter_lines():
        if line:
            yield line


async def test_streams_live_through_silence_and_tell_at_once(front: Front) -> None:
    heard = {"http": Heard(), "sse": Heard()}
    async with (
        front.http() as raw,
        front.client("http", "auto") as ana,
        front.client("http", "legacy", heard["http"]) as older,
        front.client("sse", "legacy", heard["sse"]) as oldest,
        raw.stream("GET", "/sse") as stream,
    ):
        note_id = await told(ana, "Ana lives in Paris")
        uri = f"memory://note/{note_id}"
        for client in (older, oldest):
            await client.subscribe_resource(uri)  # pyright: ignore[reportDeprecated]
        async with ana.listen(resource_subscriptions=[uri]) as changes:
            with anyio.fail_after(PATIENCE_S):
                # Longer than nginx waits for a word.
                events = lines(stream)
                assert await anext(events) == "event: endpoint"
                for _ in range(round(2 * READ_TIMEOUT_S / PING_S)):
                    while not (await anext(events)).startswith(": ping"):
                        pass
                await change(ana, note_id, "Ana lives in Lyon")
                assert [await heard[name].next() for name in heard] == [uri, uri]
                assert await anext(changes) == ResourceUpdated(uri=uri)
    for ears in heard.values():
        ears.close()
    gc.collect()  # within the test that made them; see STREAMS_LEFT_OPEN


async def test_only_known_names_and_bearers_come_through(front: Front) -> None:
    async def status(**headers: str) -> int:
        async with front.http(**JSON, **headers) as http:
            return (await http.post("/mcp", json=INITIALIZE)).status_code

    assert await status() == 200
    assert await status(origin=f"https://{NAME}") == 200
    assert await status(host="evil.example") == 421
    assert await status(origin="https://evil.example") == 403
    assert await status(authorization="Bearer no") == 401
    assert await status(authorization="") == 401


def test_where_others_come_through_none_is_let_in_before_there_is_a_token(front: Front) -> None:
    assert front.at_first == 401


async def test_what_is_too_large_ends_at_the_proxy(front: Front) -> None:
    async with front.http(**JSON) as http:
        told = await http.post("/mcp", content=b" " * (4 * 2**20 + 1))

    assert told.status_code == 413
    assert "nginx" in told.text  # its own page


async def test_a_client_that_leaves_is_gone_behind_the_proxy_too(front: Front) -> None:
    async with front.http(**JSON) as http:
        async with http.stream("GET", "/sse") as stream:
            events = lines(stream)
            path = [await anext(events), await anext(events)][1].removeprefix("data: ")
            assert (await http.post(path, json=INITIALIZE)).status_code == 202
        with anyio.fail_after(PATIENCE_S):
            while (await http.post(path, json=INITIALIZE)).status_code != 404:
                await anyio.lowlevel.checkpoint()


def test_the_proxy_waits_longer_than_zettel_is_silent() -> None:
    text = CONF.read_text(encoding="utf-8")
    [waits] = re.findall(r"proxy_read_timeout (\d+)s;", text)
    silent = (EventSourceResponse.DEFAULT_PING_INTERVAL, vars(modern)["_SSE_PING_INTERVAL"])

    assert int(waits) >= 2 * max(silent)
