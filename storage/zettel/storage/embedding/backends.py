"""Which library runs the embedding model: onnxruntime from an export, or sentence-transformers."""

import logging
import subprocess
import sys
from collections.abc import Sequence
from typing import Literal

from anyio import run_process

from zettel.storage.embedding.access import cannot_load
from zettel.storage.embedding.devices import CPU, CUDA, Device, has_gpu_driver
from zettel.storage.embedding.embedder import Encoder
from zettel.storage.embedding.exports import UnusableExportError, read_export, why_not
from zettel.storage.embedding.model_embedder import SAVE_AGAIN, ModelEmbedder
from zettel.storage.embedding.model_files import ModelFiles
from zettel.storage.embedding.onnx_encoder import load_onnx, onnx_has_gpu
from zettel.storage.embedding.reference import is_recorded
from zettel.storage.embedding.sentence_transformer import load_sentence_transformer
from zettel.storage.embedding.torch_runtime import (
    TORCH_EXTRA,
    check_installed,
    has_torch,
    torch_has_gpu,
)
from zettel.storage.errors import ExtraMissingError, ModelUnavailableError

Backend = Literal["auto", "onnx", "torch"]
"""`auto` is onnxruntime where there is an export, and sentence-transformers elsewhere."""

_EXPORT_PROGRAM = "zettel.storage.embedding.onnx_export"

_log = logging.getLogger(__name__)


def make_embedder(
    files: ModelFiles, backend: Backend, *, device: Device = "auto", bulk: bool = False
) -> ModelEmbedder:
    """The embedder of a model, not loaded yet.

    Both libraries make the same vectors to within 1e-4 (`onnx_export.LARGEST_DIFFERENCE`), so the
    model's id is the same.

    With `bulk`, it is to embed many notes while nobody asks questions.
    """
    loads = {"auto": _load_any, "onnx": _load_export, "torch": load_sentence_transformer}

    def load(found: ModelFiles) -> Encoder:
        if device == CUDA or (device == "auto" and bulk and has_gpu_driver()):
            if encoder := load_on_gpu(found, backend):
                return encoder
            if device == CUDA:
                raise _no_gpu(found)
        try:
            return loads[backend](found)
        except OSError as error:
            problem = f"cannot be read: {error}"
            raise cannot_load(found.name, found.folder, problem, SAVE_AGAIN, error) from error

    return ModelEmbedder(files, load, bulk=bulk)


def load_on_gpu(files: ModelFiles, backend: Backend) -> Encoder | None:
    """Load the model into a GPU with a library that can use one; None if none can."""
    if backend != "torch" and onnx_has_gpu():
        try:
            return _load_or_export(files, device=CUDA)
        except UnusableExportError as error:
            _log.info("the export of the embedding model %s %s", files.name, error)
    if backend != "onnx" and has_torch() and torch_has_gpu():
        return load_sentence_transformer(files, device=CUDA)
    return None


def _no_gpu(files: ModelFiles) -> ModelUnavailableError:
    problem = "cannot run on a GPU here: no installed library can use one"
    remedy = "Install onnxruntime-gpu or torch for CUDA, or set ZETTEL_EMBED_DEVICE=cpu."
    return ModelUnavailableError(files.name, problem, remedy)


def check_runnable(files: ModelFiles, backend: Backend, device: Device = "auto") -> None:
    """Check that a library that can run a model is installed, without loading the model.

    Raises:
        ModelUnavailableError: None is, or `device` is a GPU and none can use one.
    """
    if device == CUDA and not (has_gpu_driver() and (onnx_has_gpu() or has_torch())):
        raise _no_gpu(files)
    if backend != "torch":
        if is_recorded(files):
            return
        try:
            read_export(files)
        except UnusableExportError:
            pass
        else:
            return
    check_installed(files.name)


def can_export(files: ModelFiles) -> bool:
    """Whether what makes an export of a model is installed."""
    return is_recorded(files) or has_torch()


async def make_export(files: ModelFiles, *, nice: bool = False) -> None:
    """Export a model in a process of its own, unless there is a usable export of it.

    `nice` leaves cores and memory to others.

    Raises:
        ExtraMissingError: The libraries that export it are not installed.
        ModelUnavailableError: It cannot be exported.
    """
    if not can_export(files):
        raise ExtraMissingError(TORCH_EXTRA, f"the export of the embedding model {files.name!r}")
    command = _export_command(files, nice=nice)
    done = await run_process(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        check=False,
    )
    _check_exported(files, done.returncode, done.stderr)


def _export_command(files: ModelFiles, *, nice: bool) -> Sequence[str]:
    isolation = "-I" if sys.flags.isolated else "-P"
    command = [sys.executable, isolation, "-m", _EXPORT_PROGRAM, str(files.folder)]
    return [*command, "--nice"] if nice else command


def _check_exported(files: ModelFiles, code: int, log: bytes) -> None:
    if code:
        said = log.decode(errors="replace").split("\n")
        reason = next((line for line in reversed(said) if line), f"exit status {code}")
        remedy = f"ZETTEL_EMBED_BACKEND=torch runs it as it is, with zettel-mcp[{TORCH_EXTRA}]."
        raise ModelUnavailableError(files.name, f"cannot be exported: {reason}", remedy)


def _load_export(files: ModelFiles) -> Encoder:
    try:
        return _load_or_export(files)
    except UnusableExportError as error:
        problem = f"has no usable export: it {error}"
        remedy = "Run `zettel model export`, or set ZETTEL_EMBED_BACKEND=auto."
        raise cannot_load(files.name, files.folder, problem, remedy, error) from error


def _load_any(files: ModelFiles) -> Encoder:
    try:
        return _load_or_export(files)
    except UnusableExportError as error:
        if not has_torch():
            problem = (
                f"has no usable export, it {error}; without one it needs sentence-transformers"
            )
            remedy = f"Run pip install 'zettel-mcp[{TORCH_EXTRA}]' where zettel is installed."
            raise cannot_load(files.name, files.folder, problem, remedy, error) from error
        _log.info("the export of the embedding model %s %s: torch runs it", files.name, error)
        return load_sentence_transformer(files)


def _load_or_export(files: ModelFiles, *, device: str = CPU) -> Encoder:
    """Load the export; where that needs no torch (3 s), make it first.

    Raises:
        UnusableExportError: There is none.
    """
    try:
        return load_onnx(files, device=device)
    except UnusableExportError:
        if not is_recorded(files) or why_not(files):
            raise
    command = _export_command(files, nice=False)
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    try:
        _check_exported(files, done.returncode, done.stderr)
    except ModelUnavailableError as error:
        raise UnusableExportError(str(error)) from error
    return load_onnx(files, device=device)
