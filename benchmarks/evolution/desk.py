"""The tools behind a real client, in memory: at any time, with any steps of evolution."""

from collections import Counter
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from mcp import Client

from benchmarks.retrieval.tools import Timed
from zettel.server.protocol.schemas import Arguments
from zettel.server.protocol.server import ClientDefaults, create_server
from zettel.server.runtime.dispatch import dispatch
from zettel.storage.embedding.embedder import Embedder
from zettel.storage.ids import new_id
from zettel.storage.lance.store import open_store
from zettel.storage.store import Vectors
from zettel.tools.caller import Caller
from zettel.tools.evolve.consolidate.feedback import GENERALIZE_STEP
from zettel.tools.evolve.consolidate.step import CONSOLIDATE_STEP
from zettel.tools.evolve.run import Budget, RunReport, evolve
from zettel.tools.evolve.steps.base import Step
from zettel.tools.llm.llm import Llm
from zettel.tools.state.memory import Memory

START = datetime(2026, 1, 1, tzinfo=UTC)
"""Where a data set has no times: any moment, so that runs are alike."""


@dataclass(frozen=True, slots=True)
class Asking:
    """An LLM that evolution asks, and what that came to over all runs."""

    llm: Llm
    counts: Counter[str] = field(default_factory=Counter[str])
    """Calls, tokens, and what was left to the rule, as `zettel runs` names them."""


class Desk:
    """Carries calls out for the server, at the time it is set to.

    Args:
        memory: What is worked with.
        asking: Counts what its LLM is asked.
    """

    def __init__(self, memory: Memory, asking: Asking | None = None) -> None:
        self.memory = memory
        self._asking = asking
        self.now = START

    async def call(self, arguments: Arguments, caller: Caller) -> Mapping[str, object]:
        """Carry out a call for the server."""
        return await dispatch(self.memory, caller, arguments, now=self.now)

    async def evolve(self, of: Sequence[Step] | None = None) -> dict[str, int]:
        """Evolve until nothing changes.

        Args:
            of: The steps to take; None takes those that are switched on.

        Returns:
            Step -> notes it changed or made, over all runs.
        """
        changed = dict[str, int]()
        report: RunReport | None = None
        while report is None or report.changed or report.created:
            report = await evolve(
                self.memory,
                now=self.now,
                run_id=new_id(self.now),
                who="bench",
                budget=Budget(),
                of=of,
            )
            if self._asking is not None:
                self._asking.counts.update(report.llm)
            for step, count in report.steps.items():
                changed[step] = changed.get(step, 0) + count
            if report.created:
                name = CONSOLIDATE_STEP.name if self.memory.consolidates else GENERALIZE_STEP.name
                changed[name] = changed.get(name, 0) + report.created
        return changed


@asynccontextmanager
async def opened_desk(
    store: Path,
    embedder: Embedder,
    *,
    consolidates: bool = False,
    asking: Asking | None = None,
) -> AsyncGenerator[tuple[Desk, Timed]]:
    """A desk over a store, made if it is not there, and a client connected to it."""
    opened = await open_store(str(store), model_id=embedder.model_id, dim=embedder.dim)
    try:
        mind = asking.llm if asking else None
        memory = Memory(store=opened, embedder=embedder, consolidates=consolidates, mind=mind)
        desk = Desk(memory, asking)
        server = create_server(desk, ClientDefaults(transport="bench", namespace="elsewhere"))
        async with Client(server, raise_exceptions=True) as client:
            yield desk, Timed(client=client, clock=lambda: 0.0)
    finally:
        await opened.close()


class Remembering:
    """An embedder that embeds no question twice.

    Args:
        inner: The real one.
    """

    def __init__(self, inner: Embedder) -> None:
        self._inner = inner
        self._questions: dict[str, Vectors] = {}

    @property
    def model_id(self) -> str:
        """As of the real one."""
        return self._inner.model_id

    @property
    def dim(self) -> int:
        """As of the real one."""
        return self._inner.dim

    @property
    def ready(self) -> bool:
        """As of the real one."""
        return self._inner.ready

    async def load(self) -> None:
        """Load the real one."""
        await self._inner.load()

    async def embed_query(self, text: str) -> Vectors:
        """From memory, or from the real one."""
        if text not in self._questions:
            self._questions[text] = await self._inner.embed_query(text)
        return self._questions[text]

    async def embed_notes(self, contents: Sequence[str]) -> list[Vectors]:
        """From the real one."""
        return await self._inner.embed_notes(contents)
