"""What the libraries read from the environment, put there before any of them has threads.

glibc's `setenv` moves all of the environment when a name is new, and a thread that reads it
meanwhile reads freed memory (its manual: `const:env`). LanceDB's threads read it at any time; torch
and scikit-learn, imported seconds later to load the model, add names. A server has died of it, by
SIGSEGV in LanceDB's `getenv`. A name that is there already is replaced in place.
"""

import os

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


def settle_environment() -> None:
    """Set it all: before LanceDB is imported, and before the Hugging Face libraries are.

    What keeps those offline and quiet replaces what a person has set; the rest does not.
    """
    os.environ.update(_OFFLINE | _QUIET)
    for name, value in _ADDED.items():
        os.environ.setdefault(name, value)
