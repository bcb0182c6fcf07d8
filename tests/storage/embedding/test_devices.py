"""What the embedding model runs on, as the drivers and the libraries say; no GPU is needed."""

from collections.abc import Sequence
from pathlib import Path

import anyio
import numpy as np
import pytest
from tests.storage.embedding.small_exports import DIM, as_made, make_model, publish_export

from zettel.storage.embedding import backends, onnx_encoder
from zettel.storage.embedding.backends import make_embedder
from zettel.storage.embedding.devices import CPU, Device
from zettel.storage.embedding.embedder import Encoder
from zettel.storage.embedding.model_embedder import (
    BATCH_MAX_CHARACTERS,
    GPU_BATCH,
    ModelEmbedder,
)
from zettel.storage.embedding.model_files import ModelFiles, find_model
from zettel.storage.errors import ModelUnavailableError
from zettel.storage.store import Vectors


class OnDevice(Encoder):
    """In the place of a library: it says what it runs on, and keeps the sizes of its batches."""

    concurrent = False

    def __init__(self, backend: str, device: str) -> None:
        self.backend, self.device = backend, device
        self.batches = list[int]()

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        """The first axis for each."""
        self.batches.append(len(texts))
        return np.eye(1, DIM, dtype=np.float32).repeat(len(texts), axis=0)

    encode_documents = encode_queries


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModelFiles:
    """A model with an export."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    found = anyio.run(find_model, str(make_model(tmp_path / "small")))
    publish_export(found)
    return found


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> "Machine":
    """A machine with a driver and both libraries for GPUs."""
    return Machine(monkeypatch)


class Machine:
    """What drivers and libraries report."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.driver = self.onnx = self.torch = True
        self.loaded = list[OnDevice]()
        patch.setattr(backends, "has_gpu_driver", lambda: self.driver)
        patch.setattr(backends, "onnx_has_gpu", lambda: self.onnx)
        patch.setattr(backends, "has_torch", lambda: True)
        patch.setattr(backends, "torch_has_gpu", lambda: self.torch)
        patch.setattr(backends, "load_onnx", self._loads("onnx"))
        patch.setattr(backends, "load_sentence_transformer", self._loads("torch"))

    def _loads(self, backend: str):
        def load(_files: ModelFiles, *, device: str = CPU) -> Encoder:
            self.loaded.append(OnDevice(backend, device))
            return self.loaded[-1]

        return load


async def runs_on(embedder: ModelEmbedder) -> tuple[str, str]:
    """Library and device, once the model is loaded."""
    await embedder.load()
    return embedder.backend, embedder.device


async def test_bulk_work_takes_a_gpu_and_a_server_does_not(
    files: ModelFiles, machine: Machine
) -> None:
    assert await runs_on(make_embedder(files, "auto", bulk=True)) == ("onnx", "cuda")
    assert await runs_on(make_embedder(files, "auto")) == ("onnx", "cpu")
    assert await runs_on(make_embedder(files, "auto", device="cuda")) == ("onnx", "cuda")
    assert await runs_on(make_embedder(files, "auto", device="cpu", bulk=True)) == ("onnx", "cpu")


async def test_torch_takes_the_gpu_where_onnxruntime_cannot(
    files: ModelFiles, machine: Machine
) -> None:
    machine.onnx = False

    assert await runs_on(make_embedder(files, "auto", bulk=True)) == ("torch", "cuda")
    assert await runs_on(make_embedder(files, "onnx", bulk=True)) == ("onnx", "cpu")


@pytest.mark.parametrize("device", ["auto", "cuda"])
async def test_without_a_gpu_the_cpu_does_it_unless_a_gpu_is_demanded(
    files: ModelFiles, machine: Machine, device: Device
) -> None:
    machine.driver = machine.onnx = machine.torch = False
    embedder = make_embedder(files, "auto", device=device, bulk=True)

    if device == "auto":
        assert await runs_on(embedder) == ("onnx", "cpu")
    else:
        with pytest.raises(ModelUnavailableError, match="ZETTEL_EMBED_DEVICE=cpu"):
            await embedder.load()


async def test_without_a_driver_no_library_is_asked_for_a_gpu(
    files: ModelFiles, machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def imported() -> bool:
        raise AssertionError

    machine.driver = False
    monkeypatch.setattr(backends, "torch_has_gpu", imported)
    monkeypatch.setattr(backends, "onnx_has_gpu", imported)

    assert await runs_on(make_embedder(files, "auto", bulk=True)) == ("onnx", "cpu")


async def test_an_onnxruntime_without_gpus_refuses_one(files: ModelFiles) -> None:
    with pytest.raises(onnx_encoder.UnusableExportError, match="found no cuda"):
        onnx_encoder.load_onnx(files, device="cuda")


async def test_batches_are_as_large_as_the_device_and_those_who_wait_allow(
    files: ModelFiles, machine: Machine
) -> None:
    notes = ["tea " * 50] * 2 * GPU_BATCH.passages
    files = as_made(files)

    for embedder in (
        make_embedder(files, "auto", bulk=True),
        make_embedder(files, "auto", device="cpu", bulk=True),
        make_embedder(files, "auto", device="cpu"),
    ):
        await embedder.embed_notes(notes)

    gpu, bulk, shared = (max(encoder.batches) for encoder in machine.loaded)
    assert gpu == GPU_BATCH.passages > bulk > shared == BATCH_MAX_CHARACTERS // len(notes[0])
