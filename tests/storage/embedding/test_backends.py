"""Which library runs a model, and which of the exports that lie about are taken."""

import json
import logging
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import anyio
import numpy as np
import pytest
from tests.storage.embedding.small_exports import (
    DIM,
    as_made,
    make_model,
    publish_export,
    sha256_of,
    write_export,
)

from zettel.storage.embedding import backends, exports, torch_runtime
from zettel.storage.embedding.backends import (
    Backend,
    check_runnable,
    make_embedder,
    make_export,
)
from zettel.storage.embedding.embedder import Encoder
from zettel.storage.embedding.exports import (
    EXPORT_MANIFEST,
    GRAPH,
    TOKENIZER,
    WEIGHTS,
    UnusableExportError,
    exports_folder,
    only_exporter,
    publish_refusal,
    read_export,
    unfinished_export,
    why_not,
)
from zettel.storage.embedding.model_files import ModelFiles, find_model
from zettel.storage.embedding.sentence_transformer import load_sentence_transformer
from zettel.storage.errors import ExtraMissingError, ModelUnavailableError
from zettel.storage.store import Vectors


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cache of each test's own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def files(tmp_path: Path) -> ModelFiles:
    """A model without an export."""
    return anyio.run(find_model, str(make_model(tmp_path / "small")))


class Reference(Encoder):
    """In the place of sentence-transformers: every vector is the first axis."""

    backend = "torch"
    concurrent = False

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        """One for each."""
        return np.eye(1, DIM, dtype=np.float32).repeat(len(texts), axis=0)

    encode_documents = encode_queries


@pytest.fixture(autouse=True)
def reference(monkeypatch: pytest.MonkeyPatch) -> list[ModelFiles]:
    """Which models sentence-transformers was asked to load."""
    asked: list[ModelFiles] = []

    def load(files: ModelFiles) -> Encoder:
        asked.append(files)
        return Reference()

    monkeypatch.setattr(backends, "load_sentence_transformer", load)
    return asked


async def test_an_export_runs_the_model_where_there_is_one(
    files: ModelFiles, reference: list[ModelFiles]
) -> None:
    publish_export(files)
    embedder = make_embedder(as_made(files), "auto")

    (tea,) = await embedder.embed_notes(["tea"])
    (tea_in_a_batch, _) = await embedder.embed_notes(["tea", "Ana keeps bees"])
    asked, told = await embedder.embed_query("tea"), (await embedder.embed_notes(["ask : tea"]))[0]

    assert (embedder.backend, reference) == ("onnx", [])
    assert tea.dtype == np.float32
    assert np.linalg.norm(tea) == pytest.approx(1)
    assert tea_in_a_batch == pytest.approx(tea, abs=1e-6)
    # A question gets its prompt, a note does not.
    assert asked == pytest.approx(told[0], abs=1e-6)
    assert asked != pytest.approx(tea[0], abs=1e-3)


def test_an_exported_model_keeps_its_id_for_its_vectors_are_the_same(files: ModelFiles) -> None:
    publish_export(files)

    assert {make_embedder(files, each).model_id for each in ("auto", "onnx", "torch")} == {
        files.model_id
    }


async def test_without_an_export_sentence_transformers_runs_the_model_and_the_log_says_so(
    files: ModelFiles, reference: list[ModelFiles], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    embedder = make_embedder(files, "auto")

    await embedder.load()

    assert (embedder.backend, reference) == ("torch", [files])
    assert "has not been made" in caplog.text


async def test_with_an_export_torch_is_still_to_be_had(files: ModelFiles) -> None:
    publish_export(files)
    embedder = make_embedder(files, "torch")

    await embedder.load()

    assert embedder.backend == "torch"


async def test_onnx_alone_fails_without_an_export_and_names_the_command(
    files: ModelFiles, reference: list[ModelFiles]
) -> None:
    with pytest.raises(ModelUnavailableError) as refused:
        await make_embedder(files, "onnx").load()

    assert "zettel model export" in str(refused.value)
    assert reference == []


@pytest.mark.parametrize("before", ["auto", "onnx"])
async def test_an_export_that_comes_later_takes_over(files: ModelFiles, before: Backend) -> None:
    embedder = make_embedder(files, before)
    if before == "auto":
        await embedder.load()
    else:
        with pytest.raises(ModelUnavailableError):
            await embedder.load()
    publish_export(files)

    await embedder.renew()

    assert embedder.backend == "onnx"
    assert (await embedder.embed_query("tea")).shape == (DIM,)


def append(file: Path) -> None:
    file.write_bytes(file.read_bytes() + b"\0")


def flip_a_weight(folder: Path) -> None:
    content = bytearray((folder / WEIGHTS).read_bytes())
    content[17] ^= 1
    (folder / WEIGHTS).write_bytes(content)


def let_others_write(folder: Path) -> None:
    folder.chmod(0o770)


def rewrite(folder: Path, **changed: object) -> None:
    manifest = json.loads((folder / EXPORT_MANIFEST).read_text(encoding="utf-8"))
    (folder / EXPORT_MANIFEST).write_text(json.dumps(manifest | changed), encoding="utf-8")


DAMAGES: dict[str, Callable[[Path], object]] = {
    "another graph": lambda folder: append(folder / GRAPH),
    "another weight": flip_a_weight,
    "another tokenizer": lambda folder: append(folder / TOKENIZER),
    "a file is gone": lambda folder: (folder / WEIGHTS).unlink(),
    "of other weights": lambda folder: rewrite(folder, weights="0" * 64),
    "of another configuration": lambda folder: rewrite(folder, configuration="0" * 64),
    "of another format": lambda folder: rewrite(folder, format=0),
    "never compared": lambda folder: rewrite(folder, largest_difference=None),
    "no hashes": lambda folder: rewrite(folder, files=None),
    "no manifest": lambda folder: (folder / EXPORT_MANIFEST).unlink(),
    "a manifest that is none": lambda folder: (folder / EXPORT_MANIFEST).write_text("[", "utf-8"),
    "others may write": let_others_write,
}


@pytest.mark.parametrize("damage", DAMAGES)
async def test_an_export_that_is_not_what_was_checked_is_not_used(
    files: ModelFiles, damage: str
) -> None:
    folder = publish_export(files)
    DAMAGES[damage](folder)

    with pytest.raises(UnusableExportError):
        read_export(files)
    embedder = make_embedder(files, "auto")
    await embedder.load()

    assert embedder.backend == "torch"


async def test_an_export_of_what_has_changed_since_is_not_used(files: ModelFiles) -> None:
    publish_export(files)
    read_export(files)
    for name in ("model.safetensors", "1_Pooling/config.json"):
        kept = (files.folder / name).read_bytes()
        (files.folder / name).write_bytes(kept + b" ")
        changed = await find_model(str(files.folder))

        with pytest.raises(UnusableExportError):
            read_export(changed)
        (files.folder / name).write_bytes(kept)
    read_export(await find_model(str(files.folder)))


def test_an_export_that_cannot_be_run_is_not_used(files: ModelFiles) -> None:
    folder = publish_export(files)
    (folder / GRAPH).write_bytes(b"no graph")
    hashes = {name: sha256_of(folder / name) for name in (GRAPH, WEIGHTS, TOKENIZER)}
    rewrite(folder, files=hashes)
    read_export(files)

    with pytest.raises(ModelUnavailableError) as refused:
        anyio.run(make_embedder(files, "onnx").load)

    assert "cannot be run" in str(refused.value)


def test_an_export_is_for_its_owner_alone(files: ModelFiles) -> None:
    exports_folder().mkdir(parents=True)
    exports_folder().chmod(0o777)
    before = os.umask(0o022)
    try:
        folder = publish_export(files)
    finally:
        os.umask(before)

    assert {file.stat().st_mode & 0o777 for file in folder.iterdir()} == {0o600}
    assert [place.stat().st_mode & 0o777 for place in (folder, exports_folder())] == [0o700] * 2
    read_export(files)


def test_what_a_killed_export_left_is_never_found_and_goes_with_the_next(
    files: ModelFiles,
) -> None:
    folder = publish_export(files)
    left = folder.rename(folder.with_name("unfinished-1"))

    with pytest.raises(UnusableExportError):
        read_export(files)
    publish_export(files)

    assert not left.exists()
    assert read_export(files).folder == folder


def test_a_model_that_could_not_be_exported_is_not_tried_again(files: ModelFiles) -> None:
    assert why_not(files) == ""
    with only_exporter(), unfinished_export() as folder:
        (folder / GRAPH).touch()
        publish_refusal(folder, files, "its vectors differ")

    assert why_not(files) == "its vectors differ"
    with pytest.MonkeyPatch.context() as newer:
        newer.setattr(exports, "EXPORT_FORMAT", 2)
        assert why_not(files) == ""
    with pytest.raises(UnusableExportError):
        read_export(files)
    assert publish_export(files) == read_export(files).folder


@pytest.mark.parametrize(
    "kinds", [("StaticEmbedding",), ("Transformer", "WeightedLayerPooling"), ("Pooling", "Dense")]
)
def test_modules_that_a_graph_may_not_hold_are_not_tried(
    files: ModelFiles, kinds: Sequence[str]
) -> None:
    modules = tuple((kind, files.folder) for kind in kinds)
    other = replace(files, config=replace(files.config, modules=modules))

    assert kinds[-1] in why_not(other)


def test_weights_that_do_not_fit_into_a_graph_are_not_tried(
    files: ModelFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    size = files.config.weights[0].stat().st_size
    said = list[str]()
    for most in (size, size - 1):
        monkeypatch.setattr(exports, "LARGEST_WEIGHTS_BYTES", most)
        said.append(why_not(files))

    assert said == ["", f"its weights are {size} bytes, more than {size - 1}"]


@pytest.mark.parametrize("backend", ["auto", "torch"])
async def test_without_torch_a_model_that_has_no_export_names_the_extra(
    files: ModelFiles, backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backends, "has_torch", lambda: False)
    monkeypatch.setattr(torch_runtime, "has_torch", lambda: False)
    monkeypatch.setattr(backends, "load_sentence_transformer", load_sentence_transformer)
    refused = list[str]()
    for attempt in (make_embedder(files, backend).load, lambda: make_export(files)):
        with pytest.raises((ModelUnavailableError, ExtraMissingError)) as caught:
            await attempt()
        refused.append(str(caught.value))
    with pytest.raises(ModelUnavailableError) as caught:
        check_runnable(files, backend)

    assert all("zettel-mcp[torch]" in said for said in (*refused, str(caught.value)))


async def test_without_torch_a_model_that_has_an_export_runs(
    files: ModelFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backends, "has_torch", lambda: False)
    publish_export(files)
    embedder = make_embedder(files, "auto")

    check_runnable(files, "auto")
    await embedder.load()

    assert embedder.backend == "onnx"


AT_THE_DOOR = """
import sys
from zettel.storage.embedding import exports
from zettel.storage.embedding.onnx_export import main

class Lock(exports.FileLock):
    def __enter__(self):
        print("waits", flush=True)
        return super().__enter__()

exports.FileLock = Lock
sys.exit(main(sys.argv[1:]))
"""


def test_who_wants_to_export_as_well_waits_and_takes_what_the_first_has_made(
    files: ModelFiles,
) -> None:
    with only_exporter():
        second = subprocess.Popen(
            [sys.executable, "-c", AT_THE_DOOR, str(files.folder)], stdout=subprocess.PIPE
        )
        assert second.stdout is not None
        assert second.stdout.readline() == b"waits\n"
        write_export(files)

    with second:
        # By itself it could not have made one: these weights are none.
        assert second.wait() == 0
