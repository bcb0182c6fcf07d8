"""One runtime behind every door there is, in this process: HTTP and SSE on a port, and lines."""

import gc
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field

import anyio
import pytest
import uvicorn
from anyio import create_memory_object_stream
from mcp import Client
from mcp.client.session import MessageHandlerFnT
from mcp.client.sse import sse_client
from mcp.server import Server
from mcp.shared._stream_protocols import ReadStream, WriteStream
from mcp.shared.message import SessionMessage
from mcp.types import jsonrpc_message_adapter
from tests.server.engines import (
    Bell,
    no_export,
    no_llm,
    no_other_model,
    no_reranker,
    no_vector_upkeep,
)
from tests.storage.in_memory.store import DictStore

from zettel.server.auth.static_tokens import TokenAccess
from zettel.server.commands.serve import base_url, listen
from zettel.server.config.settings import Settings
from zettel.server.protocol.server import ClientDefaults, Engine, create_server
from zettel.server.protocol.subscriptions import ChangeFeed
from zettel.server.runtime.clock import Clock
from zettel.server.runtime.dispatch import dispatch
from zettel.server.runtime.factories import Dispatch, Factories, Scheduler
from zettel.server.runtime.runtime import Runtime
from zettel.server.runtime.shutdown import Shutdown
from zettel.server.transports.http.app import allowed, create_app
from zettel.server.transports.http.open_requests import OpenRequests
from zettel.server.transports.stdio.conversation import LineReader, converse
from zettel.storage.embedding.embedder import Embedder
from zettel.storage.embedding.hashing import HashEmbedder
from zettel.storage.store import Store
from zettel.tools.state.memory import Memory

STREAMS_LEFT_OPEN = pytest.mark.filterwarnings(
    "ignore:Exception ignored in.*MemoryObject:pytest.PytestUnraisableExceptionWarning"
)
"""The SDK's SSE transport leaves two streams in memory to the collector when a client goes."""

TRANSPORTS = ("stdio", "http", "sse")
ERAS = ("auto", "legacy")
NAMESPACE = "proj"


class Web(uvicorn.Server):
    """Uvicorn that leaves signals to the tests' own process."""

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        """Capture none."""
        yield


@dataclass(kw_only=True)
class House:
    """What stands behind the doors."""

    store: Store = field(default_factory=DictStore)
    dispatch: Dispatch = dispatch
    """Carries out calls; a test may hold them up."""

    def factories(self) -> Factories:
        """As a runtime takes them."""
        return Factories(
            make_embedder=self._embedder,
            open_store=self._open,
            import_verbs=self._verbs,
            make_scheduler=self._scheduler,
            make_reranker=no_reranker,
            find_embedder=no_other_model,
            make_vector_upkeep=no_vector_upkeep,
            export_model=no_export,
            make_llm=no_llm,
        )

    async def _embedder(self) -> Embedder:
        return HashEmbedder()

    async def _open(self, _embedder: Embedder) -> Store:
        return self.store

    async def _verbs(self) -> Dispatch:
        return self.dispatch

    async def _scheduler(self, _memory: Memory, _clock: Clock) -> Scheduler:
        return Bell()


@dataclass(frozen=True, kw_only=True)
class Doors:
    """The ways in."""

    runtime: Runtime
    url: str

    def client(
        self, transport: str, mode: str, *, message_handler: MessageHandlerFnT | None = None
    ) -> Client:
        """A client that is about to come in one way."""
        if transport == "http":
            return Client(f"{self.url}/mcp", mode=mode, message_handler=message_handler)
        way = sse_client(f"{self.url}/sse") if transport == "sse" else self._lines()
        return Client(way, mode=mode, message_handler=message_handler)

    @asynccontextmanager
    async def _lines(
        self,
    ) -> AsyncGenerator[tuple[ReadStream[SessionMessage | Exception], WriteStream[SessionMessage]]]:
        door = ClientDefaults(transport="stdio", namespace=NAMESPACE)
        server = create_server(self.runtime, door, self.runtime.feed)
        there, from_client = create_memory_object_stream[bytes](100)
        to_client, back = create_memory_object_stream[SessionMessage | Exception](100)
        write, written = create_memory_object_stream[SessionMessage](0)

        async def receive() -> bytes:
            try:
                return await from_client.receive()
            except anyio.EndOfStream:
                return b""

        async def send_line(line: bytes) -> None:
            message = jsonrpc_message_adapter.validate_json(line, by_name=False)
            with suppress(anyio.BrokenResourceError):  # the client has left
                await to_client.send(SessionMessage(message))

        async def forward() -> None:
            async with there:
                async for said in written:
                    line = said.message.model_dump_json(by_alias=True, exclude_unset=True)
                    await there.send(line.encode() + b"\n")

        async def serve() -> None:
            shutdown = Shutdown()
            await converse(
                server, LineReader(receive), send_line, protocol="auto", shutdown=shutdown
            )

        with there, from_client, to_client, back, write, written:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(forward)
                tasks.start_soon(serve)
                yield back, write
                # As a client leaves: the server reads to the end, then ends by itself.
                write.close()


@asynccontextmanager
async def opened(
    house: House,
    make_server: Callable[[Engine, ClientDefaults, ChangeFeed], Server] = create_server,
) -> AsyncGenerator[Doors]:
    """Open every door of a house.

    Args:
        house: What stands behind them.
        make_server: Makes the server objects behind HTTP and SSE.
    """
    runtime, streams, settings = Runtime("nowhere", house.factories()), OpenRequests(), Settings()
    app = create_app(
        runtime,
        TokenAccess(runtime),
        namespace=NAMESPACE,
        security=allowed(settings),
        streams=streams,
        make_server=make_server,
    )
    web = Web(uvicorn.Config(app, log_config=None, access_log=False, timeout_graceful_shutdown=1))
    with listen("127.0.0.1", 0) as listening:
        async with anyio.create_task_group() as tasks, runtime.running():
            tasks.start_soon(web.serve, [listening])
            await runtime.settled()
            yield Doors(runtime=runtime, url=base_url(settings, listening))
            runtime.feed.end()
            streams.end()
            web.should_exit = True
    # Within the test that made them; see STREAMS_LEFT_OPEN.
    gc.collect()
