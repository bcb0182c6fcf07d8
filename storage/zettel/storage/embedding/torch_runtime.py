"""The import of the model libraries."""

import logging
import os
from functools import cache


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
