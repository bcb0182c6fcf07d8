"""What is measured: anything that can be told, changed and asked; and what it answers."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from benchmarks.generator.records import Forgetting, Operation, Query, Telling


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a system says to a question."""

    ranked: tuple[str, ...] = ()
    """Document ids, best first, each once; what stands for no document is left out."""
    order: tuple[str, ...] = ()
    """The same ids by when they happened, as far as the answer tells."""
    confidence: float = 0.0
    """Any unit; higher is surer that the answer is among these."""
    verdict: str = ""
    """Empty for systems that give none."""
    marked: frozenset[frozenset[str]] = frozenset()
    """Pairs of documents of which the answer says that one contradicts or replaces the other."""
    linked: frozenset[frozenset[str]] = frozenset()
    """Likewise, where only one of the two documents may have come."""
    text: str = ""
    """Everything an agent reads of it."""
    degraded: bool = False
    """Whether it says that it answered without one of its arms."""


class System(Protocol):
    """A memory. Documents stand for notes in every argument and answer."""

    async def remember(self, operation: Operation) -> Sequence[str]:
        """Take a new text; returns the documents it may repeat or replace, nearest first."""
        ...

    async def update(self, operation: Operation) -> None:
        """Take a note's new text."""
        ...

    async def forget(self, operation: Operation) -> Sequence[str]:
        """Let documents go; returns all that its arguments mean."""
        ...

    async def recall(self, operation: Operation) -> Answer:
        """Answer a question."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcomes:
    """Everything that came of the operations, in their order."""

    answers: list[tuple[Query, Answer]] = field(default_factory=list[tuple[Query, Answer]])
    tellings: list[tuple[Telling, Sequence[str]]] = field(
        default_factory=list[tuple[Telling, Sequence[str]]]
    )
    """With the candidates for replacement."""
    forgettings: list[tuple[Forgetting, Sequence[str]]] = field(
        default_factory=list[tuple[Forgetting, Sequence[str]]]
    )
    """With what was taken to be meant."""


async def replay(
    operations: Sequence[Operation],
    system: System,
    outcomes: Outcomes,
    *,
    before: Callable[[Operation], None] = lambda operation: None,
) -> None:
    """Carry operations out one after the other; a restart is the caller's to make.

    Args:
        operations: In the order of time.
        system: What is measured.
        outcomes: Added to.
        before: Called before each operation.
    """
    for operation in operations:
        before(operation)
        match operation.op, operation.expect:
            case "remember", Telling() as telling:
                outcomes.tellings.append((telling, await system.remember(operation)))
            case "update", _:
                await system.update(operation)
            case "forget", Forgetting() as forgetting:
                outcomes.forgettings.append((forgetting, await system.forget(operation)))
            case "recall", Query() as query:
                outcomes.answers.append((query, await system.recall(operation)))
            case _:
                assert operation.op == "restart"
