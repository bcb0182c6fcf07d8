"""The reranker over sentence-transformers: a cross-encoder, from this machine's disk only."""

# The libraries below are typed in part only.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from zettel.storage.embedding.model_files import find_folder
from zettel.storage.embedding.torch_runtime import ModelThread, prepare_libraries
from zettel.storage.errors import ModelUnavailableError

if TYPE_CHECKING:
    from sentence_transformers import CrossEncoder

PAIR_BATCH_SIZE = 8
"""Pairs the model reads at once; on a CPU more are no faster and take more memory."""

SETTING = "ZETTEL_RERANKER"

logger = logging.getLogger(__name__)


class CrossEncoderReranker:
    """Reads question and text together with a cross-encoder of one label, on the CPU.

    The model is found, loaded and used in threads, one at a time; making the object is cheap.

    Args:
        model: A directory, or a name whose files are in this machine's Hugging Face cache.
    """

    def __init__(self, model: str) -> None:
        self._name = model
        self._model: CrossEncoder | None = None
        self._failure: ModelUnavailableError | None = None
        self._thread = ModelThread()

    @property
    def ready(self) -> bool:
        """Whether the model is loaded."""
        return self._model is not None

    @property
    def problem(self) -> str:
        """Why it cannot be loaded; empty unless that was tried in vain."""
        return str(self._failure or "")

    async def load(self) -> None:
        """Do what `Reranker.load` promises; a failure stays until the process is started anew."""
        if self._model is None:
            await self._thread.run(self._loaded)

    async def score(self, query: str, texts: Sequence[str]) -> list[float]:
        """Do what `Reranker.score` promises; a text past the model's window is cut off there."""
        if not texts:
            return []
        pairs = [(query, text) for text in texts]
        return await self._thread.run(lambda: _probabilities(self._loaded(), pairs, self._name))

    def _loaded(self) -> "CrossEncoder":
        """The model, loaded by the first caller; called in the model's thread."""
        if self._failure is not None:
            raise self._failure.with_traceback(None)
        if self._model is None:
            try:
                self._model = _load(self._name)
            except ModelUnavailableError as error:
                self._failure = error
                raise
        return self._model


def _load(name: str) -> "CrossEncoder":
    folder = find_folder(name, setting=SETTING, what="reranker")
    try:
        prepare_libraries()
        # Imported here: it takes seconds, and most people set no reranker.
        from sentence_transformers import CrossEncoder  # noqa: PLC0415

        model = CrossEncoder(str(folder), device="cpu", local_files_only=True)
        labels = model.num_labels
        if labels == 1:
            _probabilities(model, [("warm-up", "warm-up")], name)
    # What a foreign model's files can make the library raise is not a closed set.
    except Exception as error:
        logger.exception("reranker failed to load")
        problem = f"cannot be loaded: {type(error).__name__}: {error}"
        remedy = f"Save the model again with a current sentence-transformers, or unset {SETTING}."
        raise ModelUnavailableError(name, problem, remedy, what="reranker") from error
    if labels != 1:
        problem = f"has {labels} labels, and a reranker has one"
        remedy = f"Set {SETTING} to a cross-encoder for ranking, or unset it."
        raise ModelUnavailableError(name, problem, remedy, what="reranker")
    return model


def _probabilities(
    model: "CrossEncoder", pairs: Sequence[tuple[str, str]], name: str
) -> list[float]:
    """The logits through a sigmoid of ours: published models differ in what they apply."""
    from torch.nn import Identity  # noqa: PLC0415  # see `_load`

    found = model.predict(
        list(pairs), batch_size=PAIR_BATCH_SIZE, show_progress_bar=False, activation_fn=Identity()
    )
    logits = np.asarray(found, dtype=np.float64).reshape(-1)
    if not np.isfinite(logits).all():
        remedy = f"Its weights are damaged: fetch them again, or set {SETTING} to another."
        raise ModelUnavailableError(name, "scores what is not finite", remedy, what="reranker")
    scores: list[float] = (0.5 * (1.0 + np.tanh(0.5 * logits))).tolist()
    return scores
