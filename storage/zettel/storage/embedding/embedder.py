"""The contracts of encoder, embedder and reranker."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from zettel.storage.embedding.devices import CPU
from zettel.storage.errors import ModelUnavailableError
from zettel.storage.store import Vectors


class Encoder(Protocol):
    """A loaded model. Each text gets the model's prompt and is truncated at its window."""

    backend: str
    """The library that runs it: `onnx` or `torch`."""
    concurrent: bool
    """Whether two threads may use it at once."""
    device: str = CPU
    """What it runs on, `cpu` or `cuda`."""

    def encode_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Vectors of questions, shape `(texts, dim)`, of any length."""
        ...

    def encode_documents(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Vectors of passages, shape `(texts, dim)`, of any length."""
        ...


class Embedder(Protocol):
    """Turns text into unit vectors; usable before the model is loaded."""

    @property
    def model_id(self) -> str:
        """Name and weights' fingerprint: equal ids mean comparable vectors."""
        ...

    @property
    def dim(self) -> int:
        """Length of a vector."""
        ...

    @property
    def ready(self) -> bool:
        """Whether the model is loaded."""
        ...

    async def load(self) -> None:
        """Load the model in a thread; returns at once if it is loaded.

        Raises:
            ModelUnavailableError: It cannot be found, read or trusted.
        """
        ...

    async def embed_query(self, text: str) -> Vectors:
        """One query as float32, shape `(dim,)`, unit length. Loads the model if needed."""
        ...

    async def embed_notes(self, contents: Sequence[str]) -> list[Vectors]:
        """One array `(passages, dim)` per content, float32, rows of unit length.

        A passage has at most 200 tokens; a content has at least one passage.
        """
        ...


class AbsentEmbedder(Embedder):
    """Stands for the model of a store's vectors where that is not on this machine.

    It is never ready, so notes are found by their words and stored without vectors.
    """

    def __init__(self, model_id: str, dim: int) -> None:
        self._model_id, self._dim = model_id, dim

    @property
    def model_id(self) -> str:
        """Of the store's vectors."""
        return self._model_id

    @property
    def dim(self) -> int:
        """Their length."""
        return self._dim

    @property
    def ready(self) -> bool:
        """Never."""
        return False

    async def load(self) -> None:
        """Fail.

        Raises:
            ModelUnavailableError: Always.
        """
        raise self._error()

    async def embed_query(self, text: str) -> Vectors:
        """Fail; raises as `load`."""
        raise self._error()

    async def embed_notes(self, contents: Sequence[str]) -> list[Vectors]:
        """Fail; raises as `load`."""
        raise self._error()

    def _error(self) -> ModelUnavailableError:
        remedy = "Run zettel reembed to make the store's vectors with the one that is set."
        return ModelUnavailableError(
            self._model_id, "made the store's vectors and is not found here", remedy
        )


def unit_rows(vectors: NDArray[np.floating]) -> Vectors:
    """Scale each row to length 1, so that a dot product is a cosine.

    They have the shape `(n, dim)`, and are any finite numbers.

    Returns:
        float32, the same shape. A row of zeros, as some models make of a text without a known
        token, becomes the first axis: such texts are similar to each other.
    """
    rows = vectors.astype(np.float32)
    rows[~rows.any(axis=1), 0] = 1
    # Twice: squares of very large or small numbers overflow float32.
    rows /= np.abs(rows).max(axis=1, keepdims=True)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


class Reranker(Protocol):
    """Scores how well each text answers a query; usable before its model is loaded."""

    @property
    def ready(self) -> bool:
        """Whether the model is loaded."""
        ...

    @property
    def problem(self) -> str:
        """Why it cannot be loaded; empty unless loading failed."""
        ...

    async def load(self) -> None:
        """Load the model in a thread; returns at once if it is loaded.

        Raises:
            ModelUnavailableError: It cannot be found or read, or is no reranker.
        """
        ...

    async def score(self, query: str, texts: Sequence[str]) -> list[float]:
        """Scores in `[0, 1]`, in the order of the texts. Loads the model if needed.

        Raises:
            ModelUnavailableError: As `load`, or the model returned NaN or infinity.
        """
        ...
