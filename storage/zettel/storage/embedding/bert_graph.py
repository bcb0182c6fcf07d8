"""Writes the graph of a BERT sentence encoder from its weights, without torch.

A model of this kind is a BERT encoder, the mean of its tokens or its first token, and perhaps a
normalization to length 1: the packaged model and most small ones. The graph is BERT's own
arithmetic (arXiv 1810.04805, section 3), so it must be compared with the reference before it is
used.
"""

# onnx is typed in part only.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from zettel.storage.embedding.exports import GRAPH, TOKENIZER, WEIGHTS, UnusableExportError
from zettel.storage.embedding.model_files import ModelFiles, as_mapping, read_mapping
from zettel.storage.embedding.onnx_encoder import INPUTS, OUTPUT

if TYPE_CHECKING:
    from onnx import NodeProto, TensorProto

OPSET = 17
"""Of ONNX: the first with an operator for layer normalization; onnxruntime reads it since 1.12."""

IR_VERSION = 8
"""Of ONNX's files: the one that came with opset 17."""

EXTERNAL_MIN_BYTES = 1024
"""Of a tensor that is kept beside the graph; smaller ones are shapes, which onnxruntime's optimizer
has to see."""

Weights = Mapping[str, NDArray[np.float32]]


_BERT: Mapping[str, object] = {
    "hidden_act": "gelu",
    "is_decoder": False,
    "layer_norm_eps": 1e-12,
    "num_attention_heads": 12,
    "num_hidden_layers": 12,
    "position_embedding_type": "absolute",
}
"""What transformers assumes where `config.json` does not say (5.23)."""
_PLAIN = {
    "model_type": "bert",
    "hidden_act": "gelu",
    "is_decoder": False,
    "position_embedding_type": "absolute",
}
_POOLING_FLAGS = {"pooling_mode_mean_tokens": "mean", "pooling_mode_cls_token": "cls"}
"""How a mode was named before sentence-transformers 6.0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BertConfig:
    """What `config.json` and the modules say of a model of this kind."""

    layers: int
    heads: int
    epsilon: float
    """Of layer normalization."""
    pooling: str
    """`mean` or `cls`."""
    normalized: bool
    """Whether the graph ends in a normalization."""


def read_bert_config(files: ModelFiles) -> BertConfig | None:
    """The configuration of a model of this kind; None for any other.

    Raises:
        ModelConfigError: A file is unusable.
    """
    kinds = [kind for kind, _ in files.config.modules]
    if kinds not in (["Transformer", "Pooling"], ["Transformer", "Pooling", "Normalize"]):
        return None
    (_, encoder), (_, pooler), *_ = files.config.modules
    bert = {**_BERT, **read_mapping(encoder / "config.json")}
    pooling = _pooling(read_mapping(pooler / "config.json"))
    # If set, the library puts a text into lower case before the tokenizer sees it.
    lowered = read_mapping(encoder / "sentence_bert_config.json").get("do_lower_case")
    one_file = [file.suffix for file in files.config.weights] == [".safetensors"]
    sizes = (bert["num_hidden_layers"], bert["num_attention_heads"], bert["layer_norm_eps"])
    layers, heads, epsilon = sizes
    if (
        any(bert.get(name) != value for name, value in _PLAIN.items())
        or lowered
        or not one_file
        or pooling not in ("mean", "cls")
        or not (isinstance(layers, int) and isinstance(heads, int) and isinstance(epsilon, float))
    ):
        return None
    return BertConfig(
        layers=layers,
        heads=heads,
        epsilon=epsilon,
        pooling=pooling,
        normalized=kinds[-1] == "Normalize",
    )


def _pooling(config: Mapping[str, object]) -> str:
    """The one mode of pooling; empty for several, and where a prompt is left out."""
    if config.get("include_prompt") is False:
        return ""
    flags = [name for name, on in config.items() if name.startswith("pooling_mode_") and on is True]
    told = config.get("pooling_mode", [_POOLING_FLAGS.get(name, "") for name in flags] or "mean")
    modes = told if isinstance(told, list) else [told]
    return str(modes[0]) if len(modes) == 1 else ""


def write_bert_graph(files: ModelFiles, config: BertConfig, folder: Path) -> None:
    """Write graph, weights and tokenizer into a folder.

    The model's weights have been checked.

    Raises:
        UnusableExportError: A tensor is missing, or is not of 32-bit floats.
    """
    import onnx  # noqa: PLC0415  only a process that exports loads it
    from onnx import TensorProto, helper  # noqa: PLC0415

    graph = _Graph()
    tokens = _encode(graph, _read_weights(files.config.weights[0]), config)
    _pool(graph, tokens, config)
    given = [
        helper.make_tensor_value_info(name, TensorProto.INT64, ["texts", "tokens"])
        for name in INPUTS
    ]
    made = helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, ["texts", files.config.dim])
    model = helper.make_model(
        helper.make_graph(graph.nodes, "sentence_encoder", given, [made], graph.constants),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
    )
    onnx.save_model(
        model,
        folder / GRAPH,
        save_as_external_data=True,
        location=WEIGHTS,
        size_threshold=EXTERNAL_MIN_BYTES,
    )
    _tokenizer(files).save(str(folder / TOKENIZER))


class _Graph:
    """Nodes and constants, each named by its place."""

    def __init__(self) -> None:
        self.nodes: list[NodeProto] = []
        self.constants: list[TensorProto] = []

    def constant(self, array: NDArray[np.float32] | NDArray[np.int64] | list[int]) -> str:
        """Add a constant; its name. Integers are of 64 bits."""
        from onnx import numpy_helper  # noqa: PLC0415  # see `write_bert_graph`

        name = f"constant_{len(self.constants)}"
        values = np.asarray(array, order="C")
        self.constants.append(numpy_helper.from_array(values, name))
        return name

    def add(self, operator: str, *inputs: str, output: str = "", **attributes: Any) -> str:
        """Add a node with one output; the output's name. Attributes are as in `make_node`."""
        from onnx import helper  # noqa: PLC0415  # see `write_bert_graph`

        name = output or f"{operator}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, inputs, [name], name=name, **attributes))
        return name

    def dense(self, given: str, weight: NDArray[np.float32], bias: NDArray[np.float32]) -> str:
        """A linear layer; `weight` has the shape `(outputs, inputs)`, as torch keeps it."""
        product = self.add("MatMul", given, self.constant(weight.T))
        return self.add("Add", product, self.constant(bias))


def _encode(graph: _Graph, weights: Weights, config: BertConfig) -> str:
    """The encoder; a vector for each token, shape `(texts, tokens, width)`."""
    ids, mask = INPUTS
    words = graph.add("Gather", graph.constant(weights["embeddings.word_embeddings.weight"]), ids)
    # Every token is of the first type, so that its row belongs to the position.
    places = weights["embeddings.position_embeddings.weight"]
    places = places + weights["embeddings.token_type_embeddings.weight"][0]
    zero, length = graph.constant([0]), graph.add("Shape", ids, start=1, end=2)
    first = graph.add("Slice", graph.constant(places), zero, length)
    summed = graph.add("Add", words, first)
    hidden = _normalize(graph, summed, weights, "embeddings.LayerNorm", config)
    hidden_tokens = _hidden_tokens(graph, mask)
    for layer in range(config.layers):
        prefix = f"encoder.layer.{layer}"
        attended = _attend(graph, hidden, hidden_tokens, weights, prefix, config)
        added = graph.add("Add", attended, hidden)
        hidden = _normalize(graph, added, weights, f"{prefix}.attention.output.LayerNorm", config)
        inner = _gelu(graph, _linear(graph, hidden, weights, f"{prefix}.intermediate.dense"))
        outer = _linear(graph, inner, weights, f"{prefix}.output.dense")
        added = graph.add("Add", outer, hidden)
        hidden = _normalize(graph, added, weights, f"{prefix}.output.LayerNorm", config)
    return hidden


def _hidden_tokens(graph: _Graph, mask: str) -> str:
    """What is added to attention's scores: 0, or for padding the least float."""
    shares = graph.add("Cast", mask, to=1)
    absent = graph.add("Sub", graph.constant(np.array(1, np.float32)), shares)
    least = graph.constant(np.array(np.finfo(np.float32).min, np.float32))
    return graph.add("Unsqueeze", graph.add("Mul", absent, least), graph.constant([1, 2]))


def _attend(
    graph: _Graph,
    given: str,
    hidden_tokens: str,
    weights: Weights,
    prefix: str,
    config: BertConfig,
) -> str:
    own = f"{prefix}.attention.self"
    names = [f"{own}.{part}" for part in ("query", "key", "value")]
    width = weights[f"{names[0]}.weight"].shape[0]
    split = graph.constant([0, 0, config.heads, width // config.heads])
    query, key, value = (
        graph.add(
            "Transpose",
            graph.add("Reshape", _linear(graph, given, weights, name), split),
            perm=order,
        )
        for name, order in zip(names, ([0, 2, 1, 3], [0, 2, 3, 1], [0, 2, 1, 3]), strict=True)
    )
    scale = graph.constant(np.array((width // config.heads) ** 0.5, np.float32))
    scores = graph.add("Div", graph.add("MatMul", query, key), scale)
    shares = graph.add("Softmax", graph.add("Add", scores, hidden_tokens), axis=-1)
    heads = graph.add("Transpose", graph.add("MatMul", shares, value), perm=[0, 2, 1, 3])
    joined = graph.add("Reshape", heads, graph.constant([0, 0, width]))
    return _linear(graph, joined, weights, f"{prefix}.attention.output.dense")


def _linear(graph: _Graph, given: str, weights: Weights, name: str) -> str:
    return graph.dense(given, weights[f"{name}.weight"], weights[f"{name}.bias"])


def _gelu(graph: _Graph, given: str) -> str:
    """x/2 · (1 + erf(x/√2))."""
    root, one, half = (
        graph.constant(np.array(number, np.float32)) for number in (2**0.5, 1.0, 0.5)
    )
    grown = graph.add("Add", graph.add("Erf", graph.add("Div", given, root)), one)
    return graph.add("Mul", graph.add("Mul", given, grown), half)


def _normalize(graph: _Graph, given: str, weights: Weights, name: str, config: BertConfig) -> str:
    scale, bias = (graph.constant(weights[f"{name}.{part}"]) for part in ("weight", "bias"))
    return graph.add("LayerNormalization", given, scale, bias, epsilon=config.epsilon)


def _pool(graph: _Graph, tokens: str, config: BertConfig) -> None:
    """From the tokens' vectors to the output."""
    last = "" if config.normalized else OUTPUT
    if config.pooling == "cls":
        zero = graph.constant(np.array(0, np.int64))
        vector = graph.add("Gather", tokens, zero, axis=1, output=last)
    else:
        shares = graph.add("Cast", INPUTS[1], to=1)
        column = graph.add("Unsqueeze", shares, graph.constant([2]))
        axis = graph.constant([1])
        total = graph.add("ReduceSum", graph.add("Mul", tokens, column), axis, keepdims=0)
        # As the reference does for a text without tokens.
        least = graph.constant(np.array(1e-9, np.float32))
        count = graph.add("Max", graph.add("ReduceSum", column, axis, keepdims=0), least)
        vector = graph.add("Div", total, count, output=last)
    if config.normalized:
        graph.add("LpNormalization", vector, axis=-1, p=2, output=OUTPUT)


def _read_weights(file: Path) -> Weights:
    from safetensors.numpy import load_file  # noqa: PLC0415  # see `write_bert_graph`

    found = load_file(file)
    return _Tensors({name.removeprefix("bert."): array for name, array in found.items()})


class _Tensors(dict[str, NDArray[np.float32]]):
    """Tensors by name, all of 32-bit floats."""

    def __getitem__(self, name: str) -> NDArray[np.float32]:
        found = self.get(name)
        if found is None or found.dtype != np.float32:
            problem = f"needs a tensor {name} of 32-bit floats"
            raise UnusableExportError(problem)
        return found


def _tokenizer(files: ModelFiles) -> Tokenizer:
    """The model's own; it truncates at the model's window and pads to the longest text."""
    tokenizer = Tokenizer.from_file(str(files.config.tokenizer))
    tokenizer.no_truncation()
    if files.config.max_tokens is not None:
        tokenizer.enable_truncation(files.config.max_tokens)
    padding = _pad_token(files.config.tokenizer.parent)
    number = tokenizer.token_to_id(padding)
    tokenizer.enable_padding(pad_token=padding, pad_id=0 if number is None else number)
    return tokenizer


def _pad_token(folder: Path) -> str:
    for name in ("tokenizer_config.json", "special_tokens_map.json"):
        told = read_mapping(folder / name).get("pad_token")
        content = as_mapping(told).get("content", told)
        if isinstance(content, str):
            return content
    return "[PAD]"
