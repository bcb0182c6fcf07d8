"""What an embedding model's own files say about it, read without loading the model.

The layout is the one sentence-transformers writes: `modules.json` names the modules and their
folders, each folder has a `config.json` and perhaps weights; a folder without `modules.json` is a
plain transformer, which the library reads with mean pooling.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeGuard

_LARGEST_WINDOW = 1_000_000
"""Tokens; tokenizers write 1e30 when they know no limit."""
_LARGEST_HEADER = 100_000_000
"""Bytes; what safetensors itself accepts."""
_QUERY_PROMPTS = ("query",)
_DOCUMENT_PROMPTS = ("document", "passage", "corpus")
"""Prompt names for a question and for a text to be found, in the order sentence-transformers looks
for them."""
_WEIGHTS = ("model*.safetensors", "pytorch_model*.bin")
"""Weights' file names, the first kind present counts; a large model has several files."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelConfig:
    """What has to be known of a model before it is loaded."""

    dim: int
    """Length of a vector."""
    max_tokens: int | None
    """Tokens the model reads, special tokens counted; None for no limit."""
    query_prompt: str
    """Words that go before each question; mostly empty."""
    document_prompt: str
    """Words that go before each text to be found; mostly empty."""
    tokenizer: Path
    """A `tokenizer.json`."""
    weights: tuple[Path, ...]
    """At least one file, in a fixed order."""


class ModelConfigError(ValueError):
    """The folder is not a model Zettel can use; the text completes "The model ...".

    Stays inside the storage's model files, which say it again as a `ModelUnavailableError`.
    """


def read_config(folder: Path) -> ModelConfig:
    """Read a model's files, a few kilobytes.

    Raises:
        ModelConfigError: A file is missing or says nothing usable.
    """
    modules = _modules(folder)
    folders = [folder / path for _, path in modules]
    weights = tuple(dict.fromkeys(file for place in folders for file in _weights_in(place)))
    if not weights:
        problem = f"has no weights (model.safetensors) in {str(folder)!r}"
        raise ModelConfigError(problem)
    return ModelConfig(
        dim=_dim(folder, modules),
        max_tokens=_max_tokens(folders[0]),
        query_prompt=_prompt(folder, _QUERY_PROMPTS),
        document_prompt=_prompt(folder, _DOCUMENT_PROMPTS),
        tokenizer=_tokenizer(folders[0], folder),
        weights=weights,
    )


def _is_mapping(value: object) -> TypeGuard[Mapping[str, object]]:
    return isinstance(value, dict)


def _is_list(value: object) -> TypeGuard[list[object]]:
    return isinstance(value, list)


def _read_json(file: Path) -> object:
    """Parse a file; an absent one is None."""
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        problem = f"cannot be read: {str(file)!r}: {error}"
        raise ModelConfigError(problem) from error


def _read_mapping(file: Path) -> Mapping[str, object]:
    """Parse a file that holds one object; an absent one is empty."""
    return _as_mapping(_read_json(file))


def _as_mapping(value: object) -> Mapping[str, object]:
    """The object, or an empty one for anything else."""
    return value if _is_mapping(value) else dict[str, object]()


def _number(values: Mapping[str, object], *names: str) -> int | None:
    """The first of these names that has a number."""
    for name in names:
        value = values.get(name)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return int(value)
    return None


def _modules(folder: Path) -> list[tuple[str, str]]:
    """Each module's class name and folder, in the order they run."""
    listed = _read_json(folder / "modules.json")
    if not _is_list(listed):
        return [("Transformer", "")]
    modules = [entry for entry in listed if _is_mapping(entry)]
    named = [(str(entry.get("type", "")), str(entry.get("path", ""))) for entry in modules]
    return [(kind.rsplit(".", 1)[-1], path) for kind, path in named] or [("Transformer", "")]


def _dim(folder: Path, modules: list[tuple[str, str]]) -> int:
    """Follow the vector's length through the modules; one that is not named here keeps it."""
    dim: int | None = None
    for kind, path in modules:
        config = _read_mapping(folder / path / "config.json")
        if kind == "Transformer":
            dim = _number(config, "hidden_size", "dim", "d_model")
        elif kind == "Pooling":
            dim = _pooled(config, dim)
        elif kind == "Dense":
            dim = _number(config, "out_features") or dim
        elif kind == "StaticEmbedding":
            dim = _static_dim(folder / path)
    if not dim:
        problem = f"does not say in {str(folder)!r} how long its vectors are"
        raise ModelConfigError(problem)
    return dim


def _pooled(config: Mapping[str, object], dim: int | None) -> int | None:
    """Pooling puts its modes' vectors side by side; before 6.0 each mode had a flag of its own."""
    width = _number(config, "embedding_dimension", "word_embedding_dimension") or dim
    mode = config.get("pooling_mode")
    flags = [name for name, on in config.items() if name.startswith("pooling_mode_") and on is True]
    modes = len(mode) if _is_list(mode) else 1 if mode else max(1, len(flags))
    return width and width * modes


def _static_dim(place: Path) -> int | None:
    """Width of the table in a safetensors file, from its header.

    The format: eight bytes give the header's length, little-endian, then JSON.
    """
    weights = _weights_in(place)
    if not weights or weights[0].suffix != ".safetensors":
        return None
    with weights[0].open("rb") as file:
        size = int.from_bytes(file.read(8), "little")
        try:
            header: object = json.loads(file.read(min(size, _LARGEST_HEADER)))
        except ValueError as error:
            problem = f"cannot be read: {str(weights[0])!r} is no safetensors file"
            raise ModelConfigError(problem) from error
    tables = _as_mapping(header)
    shape = _as_mapping(tables.get("embedding.weight") or tables.get("embeddings")).get("shape")
    return _number({"width": shape[-1]}, "width") if _is_list(shape) and shape else None


def _max_tokens(place: Path) -> int | None:
    told = (
        _number(_read_mapping(place / "sentence_bert_config.json"), "max_seq_length"),
        _number(_read_mapping(place / "tokenizer_config.json"), "model_max_length"),
        _number(_read_mapping(place / "config.json"), "max_position_embeddings"),
    )
    return min((n for n in told if n is not None and 0 < n < _LARGEST_WINDOW), default=None)


def _prompt(folder: Path, names: Sequence[str]) -> str:
    """The prompt of the first of these names that has one, else the default one.

    Read here, not left to sentence-transformers: since 5.0 it gives every model an empty `document`
    prompt, which hides a `passage` or default one (seen in 6.2.0).
    """
    config = _read_mapping(folder / "config_sentence_transformers.json")
    prompts = _as_mapping(config.get("prompts"))
    told = [str(prompts[name] or "") for name in names if name in prompts]
    default = str(prompts.get(str(config.get("default_prompt_name")), "") or "")
    return next((prompt for prompt in told if prompt), "" if told else default)


def _tokenizer(*places: Path) -> Path:
    for place in places:
        if (file := place / "tokenizer.json").is_file():
            return file
    problem = f"has no tokenizer.json in {str(places[-1])!r}"
    raise ModelConfigError(problem)


def _weights_in(place: Path) -> list[Path]:
    return next((found for kind in _WEIGHTS if (found := sorted(place.glob(kind)))), list[Path]())
