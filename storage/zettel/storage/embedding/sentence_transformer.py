"""Models run by sentence-transformers, from disk only: the reference, for any model."""

# ruff: noqa: D102 - each method is documented in the contract

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from zettel.storage.embedding.access import cannot_load
from zettel.storage.embedding.devices import CPU
from zettel.storage.embedding.embedder import Encoder
from zettel.storage.embedding.model_embedder import (
    SAVE_AGAIN,
    ModelEmbedder,
)
from zettel.storage.embedding.model_files import ModelConfig, ModelFiles, check_weights
from zettel.storage.embedding.torch_runtime import check_installed, prepare_libraries
from zettel.storage.errors import ModelUnavailableError

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

# The libraries below are typed in part only.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

_log = logging.getLogger(__name__)


class SentenceEmbedder(ModelEmbedder):
    """Embeds with a sentence-transformers model on the CPU."""

    def __init__(self, files: ModelFiles) -> None:
        super().__init__(files, load_sentence_transformer)


class SentenceEncoder(Encoder):
    """A loaded sentence-transformers model."""

    backend = "torch"
    # Its tokenizer is set anew at each call, and refuses to be while another thread uses it.
    concurrent = False

    def __init__(
        self, model: "SentenceTransformer", config: ModelConfig, *, device: str = CPU
    ) -> None:
        self.device = device
        self.model = model
        self._config = config

    def encode_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        prompt = self._config.query_prompt
        return self.model.encode_query(list(texts), prompt=prompt, show_progress_bar=False)

    def encode_documents(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return self.model.encode_document(
            list(texts),
            prompt=self._config.document_prompt,
            batch_size=len(texts),
            show_progress_bar=False,
        )


def load_sentence_transformer(files: ModelFiles, *, device: str = CPU) -> Encoder:
    """Check the weights, import the library (seconds), load the model and use it once.

    `device` is `cpu` or `cuda`.

    Raises:
        ModelUnavailableError: Anything fails.
    """
    check_installed(files.name)
    check_weights(files)
    try:
        prepare_libraries()
        model = _import_and_load(files, device)
        found = int(model.encode_query("warm-up", show_progress_bar=False).shape[0])
    # The library raises anything on a foreign model's files.
    except Exception as error:
        _log.exception("embedding model failed to load")
        problem = f"cannot be loaded: {type(error).__name__}: {error}"
        raise cannot_load(files.name, files.folder, problem, SAVE_AGAIN, error) from error
    if found != files.config.dim:
        problem = f"makes vectors of length {found}, but its files say {files.config.dim}"
        raise ModelUnavailableError(files.name, problem, SAVE_AGAIN)
    return SentenceEncoder(model, files.config, device=device)


def _import_and_load(files: ModelFiles, device: str) -> "SentenceTransformer":
    from sentence_transformers import SentenceTransformer  # noqa: PLC0415  # as below

    return SentenceTransformer(str(files.folder), device=device, local_files_only=True)
