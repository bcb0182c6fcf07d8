"""One server on a real port whose bounds are as small as a test wants them."""

import gc
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import anyio
import httpx2
import uvicorn
from anyio.abc import SocketStream
from mcp.server import Server
from tests.server.doors import NAMESPACE, House, Web

from zettel.server.auth.static_tokens import TokenAccess
from zettel.server.auth.token_store import add_token, revoke_token
from zettel.server.auth.tokens import make_token, revoked
from zettel.server.commands.serve import listen
from zettel.server.config.limits import Limits
from zettel.server.config.settings import Settings
from zettel.server.protocol.server import ClientDefaults, Engine, create_server
from zettel.server.protocol.subscriptions import ChangeFeed
from zettel.server.runtime.clock import utc_now
from zettel.server.runtime.runtime import Runtime
from zettel.server.transports.http.app import allowed, create_app
from zettel.server.transports.http.limits.admission import Admission
from zettel.server.transports.http.limits.connections import Connections, ServerConfig
from zettel.server.transports.http.limits.rejections import Rejections
from zettel.server.transports.http.open_requests import OpenRequests

JSON = {"accept": "application/json, text/event-stream", "content-type": "application/json"}


@dataclass(frozen=True, kw_only=True)
class Bounded:
    """What a test holds in its hands."""

    house: House
    admission: Admission
    connections: Connections
    servers: list[Server]
    """Behind HTTP, and behind SSE."""
    streams: OpenRequests
    web: uvicorn.Server
    port: int

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def counts(self) -> dict[str, int]:
        """What was refused, by reason."""
        return {str(reason): n for reason, n in self.admission.rejections.counts.items()}

    async def token(self, name: str) -> dict[str, str]:
        """The header of a new token's bearer."""
        token, text = make_token(name, [name], expires=None, now=utc_now())
        await add_token(self.house.store, token)
        return {"authorization": f"Bearer {text}"}

    async def revoke(self, name: str) -> None:
        """Revoke a token."""
        await revoke_token(self.house.store, name, lambda token: revoked(token, utc_now()))

    def http(self, *headers: dict[str, str]) -> httpx2.AsyncClient:
        """A client that presents these headers."""
        merged = JSON | {name: value for some in headers for name, value in some.items()}
        return httpx2.AsyncClient(base_url=self.url, headers=merged, timeout=20)

    async def connect(self) -> SocketStream:
        """A bare connection."""
        return await anyio.connect_tcp("127.0.0.1", self.port)


@asynccontextmanager
async def bounded(house: House | None = None, **bounds: float) -> AsyncGenerator[Bounded]:
    """Serve with these bounds."""
    house = house or House()
    runtime, streams = Runtime("nowhere", house.factories()), OpenRequests()
    keeper = TokenAccess(runtime)
    servers = list[Server]()

    def make_server(engine: Engine, door: ClientDefaults, feed: ChangeFeed) -> Server:
        servers.append(create_server(engine, door, feed))
        return servers[-1]

    admission = Admission(Limits.model_validate(bounds), Rejections())
    connections = Connections(admission.limits, admission.rejections)
    app = create_app(
        runtime,
        keeper,
        namespace=NAMESPACE,
        security=allowed(Settings()),
        streams=streams,
        admission=admission,
        make_server=make_server,
    )
    web, ended = Web(ServerConfig(app, connections)), anyio.Event()

    async def serve() -> None:
        await web.serve([listening])
        ended.set()

    with listen("127.0.0.1", 0) as listening:
        # What the kernel holds for a client that does not read is not ours to bound.
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4_096)
        async with anyio.create_task_group() as tasks, runtime.running():
            tasks.start_soon(serve)
            tasks.start_soon(keeper.watch, streams)
            await runtime.settled()
            yield Bounded(
                house=house,
                admission=admission,
                connections=connections,
                servers=servers,
                streams=streams,
                web=web,
                port=listening.getsockname()[1],
            )
            runtime.feed.end()
            streams.end()
            web.should_exit = True
            await ended.wait()
            tasks.cancel_scope.cancel()
    # Within the test that made them; see STREAMS_LEFT_OPEN.
    gc.collect()


async def read_all(stream: SocketStream) -> bytes:
    """Everything the server says until it hangs up."""
    heard = b""
    try:
        with anyio.fail_after(20):
            while True:
                heard += await stream.receive()
    except (anyio.EndOfStream, anyio.BrokenResourceError):
        return heard
