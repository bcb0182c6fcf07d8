"""The reranker's contract: a question and texts in, how well each answers out."""

from collections.abc import Sequence
from typing import Protocol


class Reranker(Protocol):
    """Says how well each text answers a question; safe to make before its model is loaded."""

    @property
    def ready(self) -> bool:
        """Whether the model is loaded."""
        ...

    @property
    def problem(self) -> str:
        """Why it cannot be loaded; empty unless that was tried in vain."""
        ...

    async def load(self) -> None:
        """Load the model in a thread; returns when it is ready, at once the second time.

        Raises:
            ModelUnavailableError: It cannot be found or read, or is no reranker.
        """
        ...

    async def score(self, query: str, texts: Sequence[str]) -> list[float]:
        """How well each text answers, in `[0, 1]`, in their order. Loads the model if need be.

        Raises:
            ModelUnavailableError: As `load`, or the model answered with NaN or infinity.
        """
        ...
