"""The two ends of every scale: a system that reads the truth, and one that has nothing to say."""

from collections.abc import Iterable, Sequence
from itertools import combinations

from benchmarks.generator.records import Document, Forgetting, Operation, Query, Telling
from benchmarks.generator.systems import Answer


class Oracle:
    """Answers with the truth: every figure that a system can reach must be reached.

    Args:
        documents: Everything that is ever told.
    """

    def __init__(self, documents: Iterable[Document]) -> None:
        self._texts = {document.id: document.text for document in documents}

    async def remember(self, operation: Operation) -> Sequence[str]:
        """What the telling replaces."""
        assert isinstance(operation.expect, Telling)
        return [operation.expect.replaces] if operation.expect.replaces else []

    async def update(self, operation: Operation) -> None:
        """Nothing to do."""

    async def forget(self, operation: Operation) -> Sequence[str]:
        """What is meant."""
        assert isinstance(operation.expect, Forgetting)
        return operation.expect.documents

    async def recall(self, operation: Operation) -> Answer:
        """The evidence, and certainty about whether there is any."""
        query = operation.expect
        assert isinstance(query, Query)
        return Answer(
            ranked=query.evidence,
            order=query.evidence,
            confidence=float(query.answerable),
            verdict="found" if query.answerable else "nothing_relevant",
            marked=frozenset(map(frozenset, combinations(query.evidence, 2))),
            text=" ".join(self._texts[document] for document in query.evidence),
        )


class Empty:
    """Knows nothing and never says so."""

    async def remember(self, operation: Operation) -> Sequence[str]:
        """Nothing near."""
        return []

    async def update(self, operation: Operation) -> None:
        """Nothing to do."""

    async def forget(self, operation: Operation) -> Sequence[str]:
        """Nothing meant."""
        return []

    async def recall(self, operation: Operation) -> Answer:
        """Nothing found."""
        return Answer()
