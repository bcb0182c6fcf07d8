"""Prepares the process before LanceDB starts threads: environment variables, lean imports."""

import os
import sys
from importlib.machinery import PathFinder
from types import ModuleType

_OFFLINE = {
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    # From 1.29 on onnxruntime sends events to Microsoft unless this is set before it is loaded.
    "ORT_DISABLE_TELEMETRY": "1",
}
"""Denies the model libraries the network."""
_QUIET = {
    "TOKENIZERS_PARALLELISM": "false",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "TRANSFORMERS_VERBOSITY": "error",
}
"""Keeps progress bars and load reports off stderr, which is the client's log."""
_ADDED = {
    "KMP_DUPLICATE_LIB_OK": "True",
    "KMP_INIT_AT_FORK": "FALSE",
    # Rust's log goes to stderr too: errors only (LanceDB 0.40 reads this name, not LANCE_LOG).
    "LANCEDB_LOG": "error",
}
"""Defaults for unset names, as the libraries would set them, except for LanceDB's log."""
_COMPILER_FOLDER = "TORCHINDUCTOR_CACHE_DIR"
"""Torch's name for a folder that it makes as it loads a model, and leaves empty here."""


_TEMPORARY = "TMPDIR"
"""LanceDB sorts in a folder that it makes there."""


def set_environment() -> None:
    """Set the variables; call it before LanceDB and the Hugging Face libraries are imported.

    Offline and quiet settings replace a person's own, the others do not.
    """
    os.environ.update(_OFFLINE | _QUIET)
    if not os.path.isdir(os.environ.get(_TEMPORARY, os.curdir)):
        # As of a shell that has ended: LanceDB would fail, without the variable it takes `/tmp`.
        del os.environ[_TEMPORARY]
    for name, value in _ADDED.items():
        os.environ.setdefault(name, value)
    if _COMPILER_FOLDER not in os.environ:
        os.environ[_COMPILER_FOLDER] = _compiler_folder()


def _compiler_folder() -> str:
    """A folder that can be made: where it cannot be, torch loads no model."""
    home = os.path.expanduser("~")
    folder = existing = os.path.join(home, ".cache", "torchinductor")
    while not os.path.exists(existing) and (above := os.path.dirname(existing)) != existing:
        existing = above
    if os.access(existing, os.W_OK):
        return folder
    import tempfile  # noqa: PLC0415  not for an attaching client, whose cache can be written

    return os.path.join(tempfile.gettempdir(), f"torchinductor-{os.path.basename(home)}")


LANCE_CLIENT = "lance_namespace_urllib3_client"


class _Unloaded(ModuleType):
    """A package whose submodules can be imported; its own code runs on first attribute access."""

    _runs = False
    """Set while and after it runs, when missing attributes are missing."""

    def __getattr__(self, name: str) -> object:
        spec = self.__spec__
        if name.startswith("_") or self._runs or spec is None or spec.loader is None:
            raise AttributeError(name)
        self._runs = True
        spec.loader.exec_module(self)
        return getattr(self, name)


def defer_client_import() -> None:
    """Register LanceDB's client package without running it.

    Does nothing if it is missing or already imported.
    """
    # Not `importlib.util`, which an attaching client would import for this alone.
    spec = None if LANCE_CLIENT in sys.modules else PathFinder.find_spec(LANCE_CLIENT)
    if spec is None or spec.submodule_search_locations is None:
        return
    package = _Unloaded(LANCE_CLIENT)
    package.__spec__, package.__loader__, package.__file__ = spec, spec.loader, spec.origin
    package.__package__, package.__path__ = LANCE_CLIENT, spec.submodule_search_locations
    sys.modules[LANCE_CLIENT] = package
