"""A thread for model work, and the import of the model libraries."""

import logging
import os
from collections.abc import Callable
from functools import cache
from threading import Lock
from typing import TypeVar

from anyio import CapacityLimiter, to_thread

T = TypeVar("T")


class ModelThread:
    """Runs a model's work in threads, one at a time."""

    def __init__(self) -> None:
        self._limiter = CapacityLimiter(1)
        # A cancelled caller abandons its thread and releases the limiter at once.
        self._lock = Lock()

    async def run(self, work: Callable[[], T]) -> T:
        """Run work in a thread after earlier work; re-raises its errors."""

        def locked() -> T:
            with self._lock:
                return work()

        return await to_thread.run_sync(locked, limiter=self._limiter, abandon_on_cancel=True)


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
