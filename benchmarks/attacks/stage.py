"""One store, three callers and evolution: every attack in a namespace of its own."""

import json
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import get_args

from mcp import Client
from mcp.shared.exceptions import MCPError
from mcp.types import PromptReference, TextContent, TextResourceContents
from pydantic import JsonValue

from benchmarks.attacks.corpus import Role
from benchmarks.attacks.gullible import GullibleChat
from benchmarks.evolution.desk import Remembering
from benchmarks.retrieval.errors import ServerError
from zettel.server.protocol.schemas import Arguments
from zettel.server.protocol.server import ClientDefaults, create_server
from zettel.server.runtime.dispatch import dispatch
from zettel.storage.access import Access
from zettel.storage.embedding.embedder import Embedder
from zettel.storage.ids import new_id
from zettel.storage.lance.store import open_store
from zettel.storage.notes import Note
from zettel.storage.store import NoteFilter, Vectors
from zettel.tools.caller import LOCAL, Caller
from zettel.tools.evolve.run import UPKEEP_COMMITS, Budget, evolve
from zettel.tools.llm.llm import Llm
from zettel.tools.state.memory import Memory

BEGAN = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
EVOLVE_MAX_RUNS = 20
_MOST = 10_000


class Caching(Remembering):
    """An embedder that embeds no text twice: the same notes are told in many namespaces."""

    def __init__(self, inner: Embedder) -> None:
        super().__init__(inner)
        self._notes: dict[str, Vectors] = {}

    async def embed_notes(self, contents: Sequence[str]) -> list[Vectors]:
        """From the cache, or from the real one."""
        new = [text for text in dict.fromkeys(contents) if text not in self._notes]
        if new:
            self._notes.update(zip(new, await super().embed_notes(new), strict=True))
        return [self._notes[text] for text in contents]


@dataclass(slots=True)
class Stage:
    """Carries out the calls of whoever acts, in the namespace that is set."""

    memory: Memory
    chat: GullibleChat | None
    clients: dict[Role, Client] = field(default_factory=dict[Role, Client])
    namespace: str = "user"
    now: datetime = BEGAN
    writes: int = 0

    async def tool(
        self, who: Role, name: str, arguments: Mapping[str, JsonValue]
    ) -> Mapping[str, JsonValue] | None:
        """Call a tool; None if it refuses."""
        result = await self.clients[who].call_tool(name, dict(arguments))
        if result.is_error:
            told = " ".join(c.text for c in result.content if isinstance(c, TextContent))
            if "failed inside" in told:  # a bug is no refusal
                raise ServerError(name, told)
            return None
        await self._keep_up(name)
        return result.structured_content

    async def _keep_up(self, tool: str) -> None:
        """Compact the store as often as a server does."""
        self.writes += tool in ("remember", "update")
        if self.writes >= UPKEEP_COMMITS:
            await self.memory.admin.upkeep()
            self.writes = 0

    async def resource(self, who: Role, uri: str) -> Mapping[str, JsonValue] | None:
        """Read a resource; None if it is not there."""
        try:
            found = await self.clients[who].read_resource(uri)
        except MCPError:
            return None
        (content,) = found.contents
        assert isinstance(content, TextResourceContents)
        return json.loads(content.text)

    async def completions(self, who: Role, argument: str) -> list[str]:
        """Every value that an argument of the prompts is completed with."""
        prompt = PromptReference(type="ref/prompt", name=_PROMPT)
        found = await self.clients[who].complete(prompt, {"name": argument, "value": ""})
        return list(found.completion.values)

    async def rows(self) -> list[Note]:
        """Every current note of the namespace, in any state."""
        where = NoteFilter(namespaces=(self.namespace,), states=(), derived=None)
        return await self.memory.store.find(where, limit=_MOST)

    async def evolve(self, progress: Callable[[str], None]) -> None:
        """Evolve the whole store until nothing changes."""
        for number in range(EVOLVE_MAX_RUNS):
            self.now += timedelta(seconds=1)
            report = await evolve(
                self.memory, now=self.now, run_id=new_id(self.now), who="bench", budget=Budget()
            )
            progress(f"evolved {number + 1} times: {report.changed} notes changed")
            if not (report.changed or report.created):
                break


_PROMPT = "what-do-you-know"
"""The prompt that completes subjects and tags."""


@dataclass(frozen=True, slots=True)
class _Door:
    """The engine behind one caller's connection."""

    stage: Stage
    who: Role

    async def call(self, arguments: Arguments, caller: Caller) -> Mapping[str, object]:
        """Carry out a call, a second after the last; all but the owner reach one namespace."""
        stage, here = self.stage, frozenset({self.stage.namespace})
        stage.now += timedelta(seconds=1)
        reach = None if self.who == "owner" else Access(reads=here, writes=here)
        caller = replace(caller, namespace=stage.namespace, reach=reach)
        return await dispatch(stage.memory, caller, arguments, now=stage.now)


@asynccontextmanager
async def opened_stage(
    folder: Path, embedder: Embedder, *, with_llm: bool
) -> AsyncGenerator[Stage]:
    """A new store with three callers: its owner, and two principals that share a namespace."""
    chat = GullibleChat() if with_llm else None

    async def open_chat() -> GullibleChat:
        assert chat is not None
        return chat

    mind = Llm(open_chat=open_chat, retry_pauses_s=()) if chat else None
    opened = await open_store(str(folder), model_id=embedder.model_id, dim=embedder.dim)
    try:
        memory = Memory(store=opened, embedder=embedder, mind=mind, consolidates=True)
        stage = Stage(memory, chat)
        async with AsyncExitStack() as stack:
            for who in get_args(Role):
                principal = LOCAL if who == "owner" else who
                defaults = ClientDefaults(
                    transport="stdio" if who == "owner" else "http",
                    namespace="user",
                    principal=principal,
                )
                server = create_server(_Door(stage, who), defaults)
                client = Client(server, raise_exceptions=True)
                stage.clients[who] = await stack.enter_async_context(client)
            yield stage
    finally:
        await opened.close()
