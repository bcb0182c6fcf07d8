"""Exports of embedding models to ONNX: where they lie, and which of them may be used.

An export is a folder of this user's cache with a graph, its weights, a tokenizer and a manifest. It
appears by one renaming, complete, and counts only for the very weights and configuration it was
made of, and while its files are what the manifest says.
"""

import json
import os
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp
from typing import cast

import platformdirs
from filelock import FileLock

from zettel.storage.embedding.model_files import ModelFiles, file_hash

GRAPH, WEIGHTS, TOKENIZER = "model.onnx", "weights.bin", "tokenizer.json"
"""Files of an export. The weights are beside the graph so that they are mapped into memory instead
of read: 96 instead of 247 MB for MiniLM."""

EXPORT_MANIFEST = "export.json"
"""What an export was made of, and the SHA-256 of its files."""

EXPORT_FORMAT = 1
"""Of an export; another one is made anew."""

MODULES = frozenset({"Transformer", "Pooling", "Dense", "LayerNorm", "Dropout", "Normalize"})
"""Modules of sentence-transformers that only compute from tensors, so that a graph can hold them
(its 6.2.0); the first is the transformer."""

LARGEST_WEIGHTS_BYTES = 1_900_000_000
"""A graph with its weights is one protobuf message, of 2 GiB at most."""

_UNFINISHED = "unfinished-"
_CONFIGURATION = ("*.json", "*.txt", "*.model")
"""What of a model's folders, beside its weights, decides what a text's vector is."""


class UnusableExportError(ValueError):
    """There is no export, or it must not be used; the text completes "The export ..."."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """An export that has been checked."""

    folder: Path
    largest_difference: float
    """Of any number in a vector from sentence-transformers' own, when it was made."""

    @property
    def size(self) -> int:
        """Bytes of its files."""
        return sum(file.stat().st_size for file in self.folder.iterdir())


def exports_folder() -> Path:
    """Where this user's exports lie: the platform's cache directory."""
    return platformdirs.user_cache_path("zettel", appauthor=False) / "exports"


def export_folder(files: ModelFiles) -> Path:
    """Where the export of a model lies; it need not exist.

    Raises:
        OSError: The model's configuration cannot be read.
    """
    return exports_folder() / f"{files.weights_sha256[:16]}-{_configuration(files)[:16]}"


def read_export(files: ModelFiles) -> Export:
    """Read the export of a model and check it, some 0.1 s for 100 MB.

    Raises:
        UnusableExportError: There is none, others may write to it, or it is not what was checked
            when it was made.
    """
    try:
        folder = export_folder(files)
        _check_owner(folder)
        manifest = _read_manifest(folder)
        if problem := manifest.get("problem"):
            problem = f"could not be made: {problem}"
            raise UnusableExportError(problem)
        _check_made_of(manifest, files)
        _check_content(folder, manifest)
        difference = manifest.get("largest_difference")
    except FileNotFoundError:
        problem = "has not been made"
        raise UnusableExportError(problem) from None
    except OSError as error:
        problem = f"cannot be read: {error}"
        raise UnusableExportError(problem) from error
    if not isinstance(difference, float):
        problem = "does not say that its vectors were compared"
        raise UnusableExportError(problem)
    return Export(folder=folder, largest_difference=difference)


def why_not(files: ModelFiles) -> str:
    """Why an export of a model is not to be tried; empty if it can be.

    Raises:
        OSError: The model's files, or what was recorded, cannot be read.
    """
    kinds = [kind for kind, _ in files.config.modules]
    if kinds[0] != "Transformer" or not MODULES.issuperset(kinds):
        return f"its modules are {', '.join(kinds)}"
    size = sum(file.stat().st_size for file in files.config.weights)
    if size > LARGEST_WEIGHTS_BYTES:
        return f"its weights are {size:,} bytes, more than {LARGEST_WEIGHTS_BYTES:,}"
    try:
        recorded = _read_manifest(export_folder(files))
    except FileNotFoundError:
        return ""
    return str(recorded.get("problem", "")) if recorded.get("format") == EXPORT_FORMAT else ""


@contextmanager
def only_exporter() -> Generator[None]:
    """Wait to be the only process of this user that exports; clears up after one that was killed.

    Raises:
        OSError: The cache directory cannot be made or written.
    """
    exports = exports_folder()
    exports.mkdir(parents=True, exist_ok=True)
    exports.chmod(0o700)
    with FileLock(exports / ".lock"):
        for left in exports.glob(f"{_UNFINISHED}*"):
            rmtree(left, ignore_errors=True)
        yield


@contextmanager
def unfinished_export() -> Generator[Path]:
    """A folder to make an export in, under `only_exporter`; it goes unless it was published."""
    folder = Path(mkdtemp(prefix=_UNFINISHED, dir=exports_folder()))
    try:
        yield folder
    finally:
        rmtree(folder, ignore_errors=True)


def publish(made: Path, files: ModelFiles, *, largest_difference: float) -> Path:
    """Put a finished, checked export where it is found.

    `largest_difference` is of any number in a vector from the reference's.

    Returns:
        Its folder.
    """
    hashes = {name: file_hash(made / name) for name in (GRAPH, WEIGHTS, TOKENIZER)}
    return _publish(made, files, {"files": hashes, "largest_difference": largest_difference})


def publish_refusal(made: Path, files: ModelFiles, problem: str) -> None:
    """Record that a model cannot be exported, so that no start tries it again."""
    for file in made.iterdir():
        file.unlink()
    _publish(made, files, {"problem": problem})


def _publish(made: Path, files: ModelFiles, what: Mapping[str, object]) -> Path:
    folder = export_folder(files)
    manifest = {"format": EXPORT_FORMAT, "model": str(files.folder), **_made_of(files), **what}
    (made / EXPORT_MANIFEST).write_text(json.dumps(manifest, indent=1), encoding="utf-8")
    for file in made.iterdir():
        file.chmod(0o600)
    rmtree(folder, ignore_errors=True)
    return made.rename(folder)


def _made_of(files: ModelFiles) -> Mapping[str, str]:
    return {"weights": files.weights_sha256, "configuration": _configuration(files)}


def _check_made_of(manifest: Mapping[str, object], files: ModelFiles) -> None:
    for name, wanted in {"format": EXPORT_FORMAT, **_made_of(files)}.items():
        if manifest.get(name) != wanted:
            problem = f"is of {name} {str(manifest.get(name))[:64]!r}, not {wanted!r}"
            raise UnusableExportError(problem)


def _check_owner(folder: Path) -> None:
    """Refuse what somebody else made or may write to: it decides what is found."""
    inside = (folder / name for name in (GRAPH, WEIGHTS, TOKENIZER, EXPORT_MANIFEST))
    for place in (folder.parent, folder, *inside):
        try:
            seen = place.stat()
        except FileNotFoundError:
            continue
        if hasattr(os, "geteuid") and (seen.st_uid != os.geteuid() or seen.st_mode & 0o022):
            problem = f"belongs to another user, or others may write to it: {place}"
            raise UnusableExportError(problem)


def _read_manifest(folder: Path) -> Mapping[str, object]:
    try:
        return _as_mapping(json.loads((folder / EXPORT_MANIFEST).read_text(encoding="utf-8")))
    except ValueError:
        return {}


def _check_content(folder: Path, manifest: Mapping[str, object]) -> None:
    hashes = _as_mapping(manifest.get("files"))
    for name in (GRAPH, WEIGHTS, TOKENIZER):
        found = file_hash(folder / name)
        if found != hashes.get(name):
            problem = f"has been changed: {folder / name} has SHA-256 {found}"
            raise UnusableExportError(problem)


def _as_mapping(value: object) -> Mapping[str, object]:
    return cast("dict[str, object]", value) if isinstance(value, dict) else {}


def _configuration(files: ModelFiles) -> str:
    """SHA-256 over the names and contents of the files that configure a model."""
    places = dict.fromkeys([files.folder, *(place for _, place in files.config.modules)])
    found = {file for place in places for kind in _CONFIGURATION for file in place.glob(kind)}
    lines = (
        f"{file_hash(file)}  {file.relative_to(files.folder).as_posix()}\n"
        for file in sorted(found)
    )
    return sha256("".join(lines).encode()).hexdigest()
