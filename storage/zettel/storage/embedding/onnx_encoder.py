"""Models run by onnxruntime, from an export of their own: neither torch nor transformers."""

# ruff: noqa: D102 - each method is documented in the contract

# The library is typed in part only.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportMissingTypeStubs=false

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from zettel.storage.embedding.devices import CPU, CUDA
from zettel.storage.embedding.embedder import Encoder
from zettel.storage.embedding.exports import (
    GRAPH,
    TOKENIZER,
    UnusableExportError,
    read_export,
)
from zettel.storage.embedding.model_files import ModelConfig, ModelFiles

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

INPUTS = ("input_ids", "attention_mask")
OUTPUT = "sentence_embedding"
"""Names in the graph, as sentence-transformers calls them."""

_ERRORS_ONLY = 3
"""Severity below which onnxruntime says nothing: standard error is the client's log."""


class OnnxEncoder(Encoder):
    """A model's export.

    Args:
        session: From token ids and mask, both int64 of shape `(texts, tokens)`, to the vectors.
        tokenizer: Truncates at the model's window and pads to the longest text.
        config: The model's own, for the prompts.
        device: What the session runs on.
    """

    backend = "onnx"
    concurrent = True

    def __init__(
        self,
        session: "InferenceSession",
        tokenizer: Tokenizer,
        config: ModelConfig,
        *,
        device: str = CPU,
    ) -> None:
        self.device = device
        self._session = session
        self._tokenizer = tokenizer
        self._config = config

    def encode_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return self._encode(texts, self._config.query_prompt)

    def encode_documents(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return self._encode(texts, self._config.document_prompt)

    def _encode(self, texts: Sequence[str], prompt: str) -> NDArray[np.float32]:
        # As a batch, even of one: `encode` keeps every other thread waiting.
        encoded = self._tokenizer.encode_batch([prompt + text for text in texts])
        ids = np.array([each.ids for each in encoded], np.int64)
        mask = np.array([each.attention_mask for each in encoded], np.int64)
        (vectors,) = self._session.run([OUTPUT], dict(zip(INPUTS, (ids, mask), strict=True)))
        return cast("NDArray[np.float32]", vectors)


def onnx_has_gpu() -> bool:
    """Whether the installed onnxruntime is built for GPUs; a session tells whether there is one."""
    import onnxruntime  # noqa: PLC0415  as below

    return _PROVIDERS[CUDA] in onnxruntime.get_available_providers()


def load_onnx(files: ModelFiles, *, device: str = CPU) -> OnnxEncoder:
    """Load a model's export and use it once (0.3 s).

    Raises:
        UnusableExportError: It is missing, must not be used, or cannot be run.
    """
    return open_export(read_export(files).folder, files, device=device)


def open_export(folder: Path, files: ModelFiles, *, device: str = CPU) -> OnnxEncoder:
    """Make a session of an export's files, and use it once.

    `device` is `cpu` or `cuda`.

    Raises:
        UnusableExportError: It cannot be run.
    """
    try:
        tokenizer = Tokenizer.from_file(str(folder / TOKENIZER))
        session = _session(folder / GRAPH, device)
        encoder = OnnxEncoder(session, tokenizer, files.config, device=device)
        shape = encoder.encode_queries(["warm-up"]).shape
    # Both libraries raise anything.
    except Exception as error:
        problem = f"cannot be run: {type(error).__name__}: {error}"
        raise UnusableExportError(problem) from error
    if shape != (1, files.config.dim):
        problem = f"makes vectors of shape {shape}, but the model's have {files.config.dim}"
        raise UnusableExportError(problem)
    return encoder


_PROVIDERS = {CPU: "CPUExecutionProvider", CUDA: "CUDAExecutionProvider"}
"""What onnxruntime calls a device."""
_CUDA_OPTIONS = {"use_tf32": "0"}
"""TF32 rounds to 10 bits: its vectors differ by 1e-3 from those of the same model elsewhere."""


def _session(graph: Path, device: str) -> "InferenceSession":
    # Late: it takes 0.2 s, and not everybody has an export.
    import onnxruntime  # noqa: PLC0415

    onnxruntime.set_default_logger_severity(_ERRORS_ONLY)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = _ERRORS_ONLY
    options.intra_op_num_threads = _threads()
    options.inter_op_num_threads = 1
    # It keeps what the longest batch once took.
    options.enable_cpu_mem_arena = False
    # Waiting threads would take the cores from other processes.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    on_gpu = [(_PROVIDERS[CUDA], _CUDA_OPTIONS)] if device == CUDA and onnx_has_gpu() else []
    providers = [*on_gpu, _PROVIDERS[CPU]]
    session = onnxruntime.InferenceSession(str(graph), options, providers=providers)
    # A provider that finds no device is left out with a line in the log.
    if _PROVIDERS[device] not in session.get_providers():
        problem = f"onnxruntime found no {device}"
        raise RuntimeError(problem)
    return session


def _threads() -> int:
    """As many as torch gets (`torch_runtime.py`): half of the cores, or what the machine says."""
    told = os.environ.get("OMP_NUM_THREADS", "")
    if told.isdigit() and int(told):
        return int(told)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return max(1, (cores or 1) // 2)
