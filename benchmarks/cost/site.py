"""The real side: an MCP client in memory, the server object, the verbs, a LanceDB store."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter

from mcp import Client

from benchmarks.cost.fill import NAMESPACE
from benchmarks.retrieval.errors import ServerError
from zettel.server.config.settings import Settings
from zettel.server.protocol.server import ClientDefaults, create_server
from zettel.server.runtime.clock import Clock
from zettel.server.runtime.factories import Scheduler, installed_factories
from zettel.server.runtime.runtime import Runtime
from zettel.tools.state.memory import Memory

DOOR = ClientDefaults(transport="memory", namespace=NAMESPACE, session="today")


class Nobody:
    """A scheduler that never works: upkeep comes at the same moments on both sides."""

    def wrote(self) -> None:
        """Do nothing."""

    def model_ready(self) -> None:
        """Do nothing."""

    @property
    def busy(self) -> bool:
        """Never."""
        return False

    @property
    def due_in_s(self) -> float:
        """Never."""
        return float("inf")

    async def waiting(self) -> int:
        """Nothing."""
        return 0

    async def run(self) -> None:
        """Do nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A server with a client, and the memory behind it."""

    client: Client
    memory: Memory

    async def timed(self, tool: str, **arguments: object) -> tuple[float, Mapping[str, object]]:
        """Call a tool.

        Returns:
            Milliseconds until the answer was here, and the answer.

        Raises:
            ServerError: It was refused.
        """
        began = perf_counter()
        result = await self.client.call_tool(tool, arguments)
        took = (perf_counter() - began) * 1000
        if result.is_error or result.structured_content is None:
            raise ServerError(tool, str(result.content))
        return took, result.structured_content


@asynccontextmanager
async def serving(store: Path, *, model: str) -> AsyncGenerator[Site]:
    """Serve a store until the block is left.

    Raises:
        ServerError: The model does not load.
    """
    factories = installed_factories(Settings(store=str(store), model=model))

    async def make_scheduler(_memory: Memory, _clock: Clock) -> Scheduler:
        return Nobody()

    runtime = Runtime(str(store), replace(factories, make_scheduler=make_scheduler))
    async with runtime.running():
        await runtime.settled()
        memory = await runtime.memory()
        if not runtime.model_ready:
            raise ServerError("loading the model", runtime.problem)
        async with Client(create_server(runtime, DOOR)) as client:
            yield Site(client=client, memory=memory)
