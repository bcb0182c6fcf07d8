"""One-at-a-time loading and use of a model."""

import gc
from collections.abc import Callable
from threading import Lock
from typing import Generic, TypeVar

from anyio import CapacityLimiter, to_thread

from zettel.storage.embedding.turns import Turns
from zettel.storage.errors import ModelUnavailableError

_T = TypeVar("_T")
_M = TypeVar("_M")


class _Lane:
    """Work in threads, one at a time."""

    def __init__(self) -> None:
        self._limiter = CapacityLimiter(1)
        self._turns = Turns()
        # A cancelled caller abandons its thread and releases the limiter at once.
        self._lock = Lock()

    async def run(self, work: Callable[[], _T], *, urgent: bool) -> _T:
        """Run work when it has its turn; re-raises its errors."""

        def locked() -> _T:
            with self._lock:
                return work()

        async with self._turns.turn(urgent=urgent):
            return await to_thread.run_sync(locked, limiter=self._limiter, abandon_on_cancel=True)


class ModelThread(Generic[_M]):
    """Loads a model on first use and runs its work in threads.

    One work at a time; of a model that two threads may use, a question's beside all other.

    Args:
        load: Called in the thread; a `ModelUnavailableError` is raised again by every later use.
        is_concurrent: Whether two threads may use the model at once.
    """

    def __init__(
        self, load: Callable[[], _M], is_concurrent: Callable[[_M], bool] = lambda _: False
    ) -> None:
        self._load = load
        self._is_concurrent = is_concurrent
        self._model: _M | None = None
        self._failure: ModelUnavailableError | None = None
        self._lane, self._urgent_lane = _Lane(), _Lane()

    @property
    def ready(self) -> bool:
        """Whether the model is loaded."""
        return self._model is not None

    @property
    def problem(self) -> str:
        """Why it cannot be loaded; empty unless loading failed."""
        return str(self._failure or "")

    async def load(self) -> None:
        """Load the model; returns at once if it is loaded."""
        if self._model is None:
            await self.run(self.model)

    def model(self) -> _M:
        """The model, loaded by the first caller; call it in `run`."""
        if self._failure is not None:
            raise self._failure.with_traceback(None)
        if self._model is None:
            try:
                self._model = self._load()
            except ModelUnavailableError as error:
                self._failure = error
                raise
            # The libraries' half a million objects stay: each full collection would walk them for
            # 0.3 s, in which nobody is answered.
            gc.freeze()
        return self._model

    async def renew(self) -> None:
        """Load the model once more and serve with that one; an earlier failure is forgotten.

        Raises:
            ModelUnavailableError: It cannot be loaded; what was loaded before stays.
        """
        self._model = await to_thread.run_sync(self._load)
        self._failure = None
        # The one before was frozen, and its cycles go in a full collection only.
        gc.unfreeze()
        await to_thread.run_sync(gc.collect)
        gc.freeze()

    async def run(self, work: Callable[[], _T], *, urgent: bool = False) -> _T:
        """Run work in a thread when it has its turn; re-raises its errors.

        Args:
            work: As short as can be: nothing else runs meanwhile.
            urgent: Somebody waits for an answer to a question.
        """
        apart = urgent and self._model is not None and self._is_concurrent(self._model)
        lane = self._urgent_lane if apart else self._lane
        return await lane.run(work, urgent=urgent)
