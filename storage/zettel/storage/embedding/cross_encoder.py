"""The reranker: a sentence-transformers cross-encoder, loaded from disk only."""

# ruff: noqa: D102 - each method is documented in the contract

# The libraries below are typed in part only.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from zettel.storage.embedding.embedder import Reranker
from zettel.storage.embedding.model_files import (
    FOREIGN_CODE_REMEDY,
    ModelConfigError,
    check_classes,
    find_folder,
)
from zettel.storage.embedding.model_thread import ModelThread
from zettel.storage.embedding.torch_runtime import check_installed, prepare_libraries
from zettel.storage.errors import ModelUnavailableError

if TYPE_CHECKING:
    from sentence_transformers import CrossEncoder

PAIR_BATCH_SIZE = 8
"""Pairs per batch; larger ones are no faster on a CPU and take more memory."""

RERANKER_SETTING = "ZETTEL_RERANKER"

logger = logging.getLogger(__name__)


class CrossEncoderReranker(Reranker):
    """Scores query and text together with a one-label cross-encoder on the CPU.

    Model work runs in threads, one call at a time; constructing the object is cheap. A failure to
    load stays until the process restarts.

    Args:
        model: A directory, or a name whose files are in this machine's Hugging Face cache.
    """

    def __init__(self, model: str) -> None:
        self._name = model
        self._thread = ModelThread(lambda: _load(model))

    @property
    def ready(self) -> bool:
        return self._thread.ready

    @property
    def problem(self) -> str:
        return self._thread.problem

    async def load(self) -> None:
        await self._thread.load()

    async def score(self, query: str, texts: Sequence[str]) -> list[float]:
        """Implement `Reranker.score`; a text beyond the model's window is truncated."""
        if not texts:
            return []
        pairs = [(query, text) for text in texts]
        return await self._thread.run(
            lambda: _probabilities(self._thread.model(), pairs, self._name)
        )


def find_reranker(name: str) -> Path:
    """The folder of a reranker that can be loaded as far as its files tell, without loading it.

    Raises:
        ModelUnavailableError: It is not on this machine, brings code of its own, or what runs it
            is not installed.
    """
    check_installed(name, what="reranker")
    folder = find_folder(name, setting=RERANKER_SETTING, what="reranker")
    try:
        check_classes(folder)
    except ModelConfigError as error:
        raise ModelUnavailableError(
            name, str(error), FOREIGN_CODE_REMEDY, what="reranker"
        ) from error
    return folder


def _load(name: str) -> "CrossEncoder":
    folder = find_reranker(name)
    try:
        prepare_libraries()
        # Imported here: it takes seconds, and most people set no reranker.
        from sentence_transformers import CrossEncoder  # noqa: PLC0415

        model = CrossEncoder(str(folder), device="cpu", local_files_only=True)
        labels = model.num_labels
        if labels == 1:
            _probabilities(model, [("warm-up", "warm-up")], name)
    # The library raises anything on a foreign model's files.
    except Exception as error:
        logger.exception("reranker failed to load")
        problem = f"cannot be loaded: {type(error).__name__}: {error}"
        remedy = (
            "Save the model again with a current sentence-transformers, or unset"
            f" {RERANKER_SETTING}."
        )
        raise ModelUnavailableError(name, problem, remedy, what="reranker") from error
    if labels != 1:
        problem = f"has {labels} labels, and a reranker has one"
        remedy = f"Set {RERANKER_SETTING} to a cross-encoder for ranking, or unset it."
        raise ModelUnavailableError(name, problem, remedy, what="reranker")
    return model


def _probabilities(
    model: "CrossEncoder", pairs: Sequence[tuple[str, str]], name: str
) -> list[float]:
    """The logits through our own sigmoid: published models differ in what they apply."""
    from torch.nn import Identity  # noqa: PLC0415  # see `_load`

    found = model.predict(
        list(pairs), batch_size=PAIR_BATCH_SIZE, show_progress_bar=False, activation_fn=Identity()
    )
    logits = np.asarray(found, dtype=np.float64).reshape(-1)
    if not np.isfinite(logits).all():
        remedy = f"Its weights are damaged: fetch them again, or set {RERANKER_SETTING} to another."
        raise ModelUnavailableError(name, "scores what is not finite", remedy, what="reranker")
    scores: list[float] = (0.5 * (1.0 + np.tanh(0.5 * logits))).tolist()
    return scores
