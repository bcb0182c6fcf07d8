"""When a server exports its embedding model, and what it does without torch once it has."""

import json
import logging
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import anyio
import numpy as np
import pytest
from pydantic import JsonValue
from tests.server.processes import (
    PATIENCE_S,
    ZETTEL,
    Process,
    environment,
    run_zettel,
    shake_hands,
    tool_call,
)
from tests.storage.embedding.small_exports import DIM, make_model, publish_export

from zettel.server.runtime import export
from zettel.server.runtime.export import IDLE_S, export_when_idle
from zettel.storage.embedding import backends
from zettel.storage.embedding.backends import Backend, make_embedder
from zettel.storage.embedding.embedder import Encoder
from zettel.storage.embedding.hashing import HashEmbedder
from zettel.storage.embedding.model_embedder import ModelEmbedder
from zettel.storage.embedding.model_files import ModelFiles, find_model
from zettel.storage.errors import ModelUnavailableError
from zettel.storage.store import Vectors


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cache of each test's own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def files(tmp_path: Path) -> ModelFiles:
    """A model without an export."""
    return anyio.run(find_model, str(make_model(tmp_path / "small")))


class Torch(Encoder):
    """In the place of sentence-transformers."""

    backend = "torch"
    concurrent = False

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        """Zeros."""
        return np.zeros((len(texts), DIM), np.float32)

    encode_documents = encode_queries


def load_torch(_files: ModelFiles) -> Encoder:
    return Torch()


class Exporter:
    """In the place of the process that exports."""

    def __init__(self) -> None:
        self.done: list[str] = []
        """What happened, in its order."""
        self.fails = False

    async def make_export(self, files: ModelFiles, *, nice: bool = False) -> None:
        """Export at once."""
        self.done.append(f"exported, nice: {nice}")
        if self.fails:
            raise ModelUnavailableError(files.name, "cannot be exported", "Run it as it is.")
        publish_export(files)

    async def await_idle(self, seconds: float) -> None:
        """Be idle at once."""
        self.done.append(f"idle for {seconds:.0f} s")


@pytest.fixture
def exporter(monkeypatch: pytest.MonkeyPatch) -> Exporter:
    """One that is used here."""
    made = Exporter()
    monkeypatch.setattr(export, "make_export", made.make_export)
    monkeypatch.setattr(backends, "load_sentence_transformer", load_torch)
    return made


async def loaded(files: ModelFiles, backend: Backend) -> ModelEmbedder:
    embedder = make_embedder(files, backend)
    try:
        await embedder.load()
    except ModelUnavailableError:
        assert backend == "onnx"
    return embedder


async def test_a_model_is_exported_once_nobody_calls_and_runs_without_torch_from_then_on(
    files: ModelFiles, exporter: Exporter
) -> None:
    embedder = await loaded(files, "auto")
    assert embedder.backend == "torch"

    assert await export_when_idle(embedder, "auto", exporter.await_idle)

    assert exporter.done == [f"idle for {IDLE_S:.0f} s", "exported, nice: True"]
    assert embedder.backend == "onnx"
    assert not await export_when_idle(embedder, "auto", exporter.await_idle)
    assert len(exporter.done) == 2


async def test_who_wants_onnx_alone_does_not_wait_for_it(
    files: ModelFiles, exporter: Exporter
) -> None:
    embedder = await loaded(files, "onnx")
    assert not embedder.ready

    assert await export_when_idle(embedder, "onnx", exporter.await_idle)

    assert exporter.done == ["exported, nice: False"]
    assert embedder.ready


async def test_who_wants_torch_gets_no_export(files: ModelFiles, exporter: Exporter) -> None:
    assert not await export_when_idle(await loaded(files, "torch"), "torch", exporter.await_idle)
    assert not await export_when_idle(HashEmbedder(), "auto", exporter.await_idle)

    assert exporter.done == []


async def test_what_cannot_be_exported_goes_on_as_it_is_and_the_log_says_why(
    files: ModelFiles,
    exporter: Exporter,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    embedder, exporter.fails = await loaded(files, "auto"), True
    assert not await export_when_idle(embedder, "auto", exporter.await_idle)
    monkeypatch.setattr(backends, "has_torch", lambda: False)
    assert not await export_when_idle(embedder, "auto", exporter.await_idle)

    assert embedder.backend == "torch"
    assert len(exporter.done) == 2
    assert "cannot be exported" in caplog.text
    assert "the extra `torch` is not installed" in caplog.text


HEAVY = {"torch", "transformers", "sentence_transformers"}


def imported(log: Path) -> set[str]:
    """What an interpreter with PYTHONPROFILEIMPORTTIME says that it has imported."""
    lines = log.read_text(encoding="utf-8").splitlines()
    return {line.rpartition("|")[2].strip() for line in lines if line.startswith("import time:")}


def test_with_an_export_a_server_recalls_by_meaning_and_never_imports_torch(
    files: ModelFiles, tmp_path: Path
) -> None:
    publish_export(files)
    env = environment(
        tmp_path / "store",
        ZETTEL_MODEL=str(files.folder),
        ZETTEL_EMBED_BACKEND="auto",
        PYTHONPROFILEIMPORTTIME="1",
    )
    log = tmp_path / "log"
    with log.open("wb") as stderr:
        process = subprocess.Popen(
            [*ZETTEL, "--in-process"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
            env=env,
            cwd=tmp_path,
        )
    with process as popen:
        client = Process(popen=popen)
        shake_hands(client)
        client.say(tool_call("told", "remember", content="Ana keeps bees"))
        client.hear()
        answer = {"degraded": "not asked yet"}
        while "degraded" in answer:
            client.say(tool_call("asked", "recall", query="Who keeps bees?"))
            answer = structured(client.hear())
        client.stdin.close()
        assert popen.wait(PATIENCE_S) == 0

    seen = imported(log)
    assert "Ana keeps bees" in json.dumps(answer)
    assert "onnxruntime" in seen
    assert HEAVY.isdisjoint(seen)
    # From 1.29 on onnxruntime keeps what it sends to its makers there.
    assert [place.name for place in (tmp_path / "cache").iterdir()] == ["zettel"]


@pytest.mark.slow
def test_the_checks_of_a_model_that_has_an_export_import_no_torch(
    files: ModelFiles, tmp_path: Path
) -> None:
    publish_export(files)
    settings = {"ZETTEL_MODEL": str(files.folder), "ZETTEL_EMBED_BACKEND": "onnx"}
    env = environment(tmp_path / "store", **settings, PYTHONPROFILEIMPORTTIME="1")
    for arguments in (("list",), ("doctor",), ("serve", "--check"), ("model", "export")):
        done = run_zettel(*arguments, env=env, cwd=tmp_path, fresh=True)
        (tmp_path / "log").write_text(done.stderr, encoding="utf-8")

        assert HEAVY.isdisjoint(imported(tmp_path / "log")), arguments


def structured(message: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    """The answer of a call that went well."""
    result = message["result"]
    assert isinstance(result, dict)
    answer = result["structuredContent"]
    assert isinstance(answer, dict)
    return answer
