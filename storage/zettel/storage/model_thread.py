"""One thread for a model: its work is done in turn, beside the loop."""

from collections.abc import Callable
from threading import Lock
from typing import TypeVar

from anyio import CapacityLimiter, to_thread

T = TypeVar("T")


class ModelThread:
    """Runs a model's work in threads, one at a time."""

    def __init__(self) -> None:
        self._limiter = CapacityLimiter(1)
        # A cancelled caller leaves its thread behind and gives the limiter back at once.
        self._lock = Lock()

    async def run(self, work: Callable[[], T]) -> T:
        """Do the work when it is its turn; what it raises is raised here."""

        def locked() -> T:
            with self._lock:
                return work()

        return await to_thread.run_sync(locked, limiter=self._limiter, abandon_on_cancel=True)
