"""The model libraries: whether they are installed, and their import."""

import logging
import os
from functools import cache
from importlib.util import find_spec

from zettel.storage.errors import ModelUnavailableError

TORCH_EXTRA = "torch"
"""The extra with sentence-transformers, which brings torch and transformers."""


def has_torch() -> bool:
    """Whether the model libraries are installed."""
    return find_spec("sentence_transformers") is not None


def check_installed(model: str, *, what: str = "embedding model") -> None:
    """Check that the model libraries are installed.

    Raises:
        ModelUnavailableError: They are not.
    """
    if not has_torch():
        problem = "is run by sentence-transformers, which is not installed"
        remedy = f"Run pip install 'zettel-mcp[{TORCH_EXTRA}]' where zettel is installed."
        raise ModelUnavailableError(model, problem, remedy, what=what)


@cache
def prepare_libraries() -> None:
    """Import torch and transformers (4 to 20 s), quiet and on half the cores; once."""
    logging.getLogger("sentence_transformers").setLevel(logging.WARNING)
    # Late: a client waits for `initialize`.
    import torch  # noqa: PLC0415
    from transformers.utils import logging as transformers_logging  # noqa: PLC0415

    transformers_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()
    if "OMP_NUM_THREADS" not in os.environ:
        # With all cores a passage took 940 ms instead of 96 ms on a busy two-core machine.
        torch.set_num_threads(max(1, torch.get_num_threads() // 2))


def torch_has_gpu() -> bool:
    """Whether the installed torch can use a GPU of this machine; imports it."""
    prepare_libraries()
    import torch  # noqa: PLC0415  as above

    return torch.cuda.is_available()
