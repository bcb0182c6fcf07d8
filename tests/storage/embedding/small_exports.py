"""A model of a few words with an export, made without torch: its weights are none."""

# onnx is typed in part only.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

import json
from collections.abc import Mapping
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace

from zettel.storage.embedding.exports import (
    GRAPH,
    TOKENIZER,
    WEIGHTS,
    only_exporter,
    publish,
    unfinished_export,
)
from zettel.storage.embedding.model_files import ModelFiles
from zettel.storage.embedding.onnx_encoder import INPUTS, OUTPUT

WORDS = ("[PAD]", "[UNK]", "ask", ":", "Ana", "Bo", "keeps", "bees", "tea", "bread", "who", "?")
DIM = 16


def as_made(files: ModelFiles) -> ModelFiles:
    """The same model with its vectors as it makes them."""
    return replace(files, centring=0)


def make_model(folder: Path, *, weights: bytes = b"no weights") -> Path:
    """A folder as sentence-transformers lays it out; other weights are another model."""
    modules = [("Transformer", ""), ("Pooling", "1_Pooling"), ("Normalize", "2_Normalize")]
    listed = [
        {"path": path, "type": f"sentence_transformers.models.{kind}"} for kind, path in modules
    ]
    files: Mapping[str, object] = {
        "modules.json": listed,
        "config.json": {"hidden_size": DIM},
        "1_Pooling/config.json": {"embedding_dimension": DIM, "pooling_mode": "mean"},
        "config_sentence_transformers.json": {"prompts": {"query": "ask : ", "document": ""}},
    }
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(json.dumps(content), encoding="utf-8")
    _tokenizer().save(str(folder / "tokenizer.json"))
    (folder / "model.safetensors").write_bytes(weights)
    return folder


def publish_export(files: ModelFiles, *, seed: int = 0) -> Path:
    """Publish an export of it, as the program that loads torch does; its folder."""
    with only_exporter():
        return write_export(files, seed=seed)


def write_export(files: ModelFiles, *, seed: int = 0) -> Path:
    """The same, by who holds the lock."""
    with unfinished_export() as folder:
        _write_graph(folder, seed)
        tokenizer = _tokenizer()
        tokenizer.enable_padding()
        tokenizer.enable_truncation(64)
        tokenizer.save(str(folder / TOKENIZER))
        return publish(folder, files, largest_difference=1e-7)


def sha256_of(file: Path) -> str:
    """Of a file's content."""
    return sha256(file.read_bytes()).hexdigest()


def _tokenizer() -> Tokenizer:
    tokenizer = Tokenizer(WordLevel({w: at for at, w in enumerate(WORDS)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = Whitespace()
    return tokenizer


def _write_graph(folder: Path, seed: int) -> None:
    """The sum of the vectors of a text's tokens."""
    table = np.random.default_rng(seed).standard_normal((len(WORDS), DIM), np.float32)
    given = [helper.make_tensor_value_info(n, TensorProto.INT64, ["n", "t"]) for n in INPUTS]
    made = helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, ["n", DIM])
    axes = {"last": 2, "tokens": 1}
    constants = [numpy_helper.from_array(np.array([n]), name) for name, n in axes.items()]
    ids, mask = INPUTS
    nodes = [
        helper.make_node("Gather", ["table", ids], ["vectors"]),
        helper.make_node("Cast", [mask], ["shares"], to=TensorProto.FLOAT),
        helper.make_node("Unsqueeze", ["shares", "last"], ["weights"]),
        helper.make_node("Mul", ["vectors", "weights"], ["counted"]),
        helper.make_node("ReduceSum", ["counted", "tokens"], [OUTPUT], keepdims=0),
    ]
    constants.append(numpy_helper.from_array(table, "table"))
    graph = helper.make_graph(nodes, "small", given, [made], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save_model(
        model, folder / GRAPH, save_as_external_data=True, location=WEIGHTS, size_threshold=256
    )
