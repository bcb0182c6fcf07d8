"""Prepares the process before LanceDB starts threads: environment variables, lean imports."""

import os
import sys
from importlib.machinery import PathFinder
from types import ModuleType

_OFFLINE = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "HF_HUB_DISABLE_TELEMETRY": "1"}
"""Forbids the Hugging Face libraries the network."""
_QUIET = {
    "TOKENIZERS_PARALLELISM": "false",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "TRANSFORMERS_VERBOSITY": "error",
}
"""Keeps progress bars and load reports off stderr, which is the client's log."""
_ADDED = {
    "KMP_DUPLICATE_LIB_OK": "True",
    "KMP_INIT_AT_FORK": "FALSE",
    "TORCHINDUCTOR_CACHE_DIR": os.path.expanduser("~/.cache/torchinductor"),
    # Rust's log goes to stderr too: errors only (LanceDB 0.40 reads this name, not LANCE_LOG).
    "LANCEDB_LOG": "error",
}
"""What is set where nobody has: names that the libraries would add themselves. The values are
theirs but for the folder of torch's compiler, which is never used here, and LanceDB's log."""


def set_environment() -> None:
    """Set it all: before LanceDB is imported, and before the Hugging Face libraries are.

    What keeps those offline and quiet replaces what a person has set; the rest does not.
    """
    os.environ.update(_OFFLINE | _QUIET)
    for name, value in _ADDED.items():
        os.environ.setdefault(name, value)


LANCE_CLIENT = "lance_namespace_urllib3_client"


class _Unloaded(ModuleType):
    """A package that is there for its submodules; it runs when something of itself is asked for."""

    _runs = False
    """Once it does, what is not there is not there."""

    def __getattr__(self, name: str) -> object:
        spec = self.__spec__
        if name.startswith("_") or self._runs or spec is None or spec.loader is None:
            raise AttributeError(name)
        self._runs = True
        spec.loader.exec_module(self)
        return getattr(self, name)


def defer_client_import() -> None:
    """Put the client's package where LanceDB will find it, without running it.

    Does nothing where there is no such package, or where it is imported already.
    """
    # Not `importlib.util`, which a client that merely attaches has no other use for.
    spec = None if LANCE_CLIENT in sys.modules else PathFinder.find_spec(LANCE_CLIENT)
    if spec is None or spec.submodule_search_locations is None:
        return
    package = _Unloaded(LANCE_CLIENT)
    package.__spec__, package.__loader__, package.__file__ = spec, spec.loader, spec.origin
    package.__package__, package.__path__ = LANCE_CLIENT, spec.submodule_search_locations
    sys.modules[LANCE_CLIENT] = package
