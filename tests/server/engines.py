"""Engines, and what they are made of, for tests that need no store."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from zettel.server.protocol.schemas import Arguments
from zettel.server.runtime.factories import AwaitIdle, VectorUpkeep
from zettel.storage.embedding.embedder import Embedder, Reranker
from zettel.storage.errors import OtherModelError
from zettel.tools.caller import Caller
from zettel.tools.llm.llm import Llm


async def no_reranker() -> Reranker | None:
    """No reranker."""
    return None


async def no_export(_embedder: Embedder, _await_idle: AwaitIdle) -> bool:
    """The embedding model stays as it is."""
    return False


async def no_other_model(error: OtherModelError) -> Embedder:
    """The store is not opened."""
    raise error


async def no_vector_upkeep() -> VectorUpkeep | None:
    """The store's vectors stay as they are."""
    return None


def no_llm() -> Llm | None:
    """No LLM: evolution works by its rules."""
    return None


@dataclass
class ListeningEngine:
    """Remembers what it was called with, and answers or fails as it is told."""

    answer: Mapping[str, object] = field(default_factory=dict[str, object])
    failure: Exception | None = None
    calls: list[tuple[Arguments, Caller]] = field(default_factory=list[tuple[Arguments, Caller]])

    async def call(self, arguments: Arguments, caller: Caller) -> Mapping[str, object]:
        """Note the call."""
        self.calls.append((arguments, caller))
        if self.failure is not None:
            raise self.failure
        return self.answer


@dataclass
class Bell:
    """A scheduler that only listens."""

    rung: list[str] = field(default_factory=list[str])

    def wrote(self) -> None:
        """Note a write."""
        self.rung.append("wrote")

    def model_ready(self) -> None:
        """Note the model."""
        self.rung.append("model")

    @property
    def busy(self) -> bool:
        """Never."""
        return False

    @property
    def due_in_s(self) -> float:
        """At once."""
        return 0.0

    async def waiting(self) -> int:
        """Nothing."""
        return 0

    async def run(self) -> None:
        """Do nothing."""
