"""Which library runs the embedding model: onnxruntime from an export, or sentence-transformers."""

import logging
import subprocess
import sys
from typing import Literal

from anyio import run_process

from zettel.storage.embedding.exports import UnusableExportError, can_export
from zettel.storage.embedding.model_embedder import Encoder, ModelEmbedder
from zettel.storage.embedding.model_files import ModelFiles
from zettel.storage.embedding.onnx_encoder import load_onnx
from zettel.storage.embedding.sentence_transformer import load_sentence_transformer
from zettel.storage.errors import ExtraMissingError, ModelUnavailableError

Backend = Literal["auto", "onnx", "torch"]
"""`auto` is onnxruntime where there is an export, and sentence-transformers elsewhere."""

_EXPORT_PROGRAM = "zettel.storage.embedding.onnx_export"

_log = logging.getLogger(__name__)


def make_embedder(files: ModelFiles, backend: Backend) -> ModelEmbedder:
    """The embedder of a model, not loaded yet.

    Both libraries make the same vectors to within 1e-4 (`onnx_export.LARGEST_DIFFERENCE`), so the
    model's id is the same.
    """
    loads = {"auto": _load_any, "onnx": _load_export, "torch": load_sentence_transformer}
    return ModelEmbedder(files, loads[backend])


async def make_export(files: ModelFiles, *, nice: bool = False) -> None:
    """Export a model in a process of its own, unless there is a usable export of it.

    Args:
        files: Of the model.
        nice: Whether to leave cores and memory to others.

    Raises:
        ExtraMissingError: The libraries that export are not installed.
        ModelUnavailableError: It cannot be exported.
    """
    if not can_export():
        raise ExtraMissingError("export", "the export of an embedding model")
    isolation = "-I" if sys.flags.isolated else "-P"
    command = [sys.executable, isolation, "-m", _EXPORT_PROGRAM, str(files.folder)]
    done = await run_process(
        [*command, "--nice"] if nice else command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        check=False,
    )
    if done.returncode:
        said = done.stderr.decode(errors="replace").split("\n")
        reason = next((line for line in reversed(said) if line), f"exit status {done.returncode}")
        remedy = "ZETTEL_EMBED_BACKEND=torch runs it as it is."
        raise ModelUnavailableError(files.name, f"cannot be exported: {reason}", remedy)


def _load_export(files: ModelFiles) -> Encoder:
    try:
        return load_onnx(files)
    except UnusableExportError as error:
        problem = f"has no usable export: it {error}"
        remedy = "Run `zettel model export`, or set ZETTEL_EMBED_BACKEND=auto."
        raise ModelUnavailableError(files.name, problem, remedy) from error


def _load_any(files: ModelFiles) -> Encoder:
    try:
        return load_onnx(files)
    except UnusableExportError as error:
        _log.info("the export of the embedding model %s %s: torch runs it", files.name, error)
        return load_sentence_transformer(files)
