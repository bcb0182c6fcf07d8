"""Runs the scheduler until it finds nothing more to do."""

from collections.abc import Callable
from dataclasses import dataclass

import anyio
from pydantic import BaseModel, ValidationError

from benchmarks.retrieval.errors import ServerError
from benchmarks.retrieval.server import Launch

MOST_RUNS = 20
"""A scheduler that is not at rest by then is reported as such, not waited for."""
_RUN_SECONDS = 3_600.0
"""Embedding ten thousand notes on two cores takes minutes; an hour means it hangs."""
_DOING = "Running zettel evolve --once --json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Evolution:
    """What the scheduler did, over all runs."""

    runs: int
    changed: int
    """Notes revised, counted once a run."""
    created: int
    """Notes that evolution made."""
    at_rest: bool
    """Whether the last run changed nothing."""


class _Run(BaseModel):
    changed: int
    created: int


async def evolve_to_rest(launch: Launch, *, progress: Callable[[str], None]) -> Evolution:
    """Call `zettel evolve --once` on the store until a run changes nothing.

    Raises:
        ServerError: A run fails, prints something else than its JSON object, or hangs.
    """
    changed = created = 0
    for number in range(1, MOST_RUNS + 1):
        run = await _evolve_once(launch)
        changed, created = changed + run.changed, created + run.created
        progress(f"evolve: run {number} changed {run.changed}, created {run.created}")
        if not run.changed and not run.created:
            return Evolution(runs=number, changed=changed, created=created, at_rest=True)
    return Evolution(runs=MOST_RUNS, changed=changed, created=created, at_rest=False)


async def _evolve_once(launch: Launch) -> _Run:
    command = [str(launch.command), "evolve", "--once", "--json"]
    try:
        with anyio.fail_after(_RUN_SECONDS), launch.open_log() as log:
            done = await anyio.run_process(command, check=False, stderr=log, env=launch.environment)
    except TimeoutError as error:
        problem = f"it did not end within {_RUN_SECONDS:.0f} seconds"
        raise ServerError(_DOING, problem, launch.log_tail()) from error
    if done.returncode != 0:
        raise ServerError(_DOING, f"it ended with code {done.returncode}", launch.log_tail())
    try:
        return _Run.model_validate_json(done.stdout)
    except ValidationError as error:
        problem = f"it printed {done.stdout[:200]!r} instead of one JSON object with its counts"
        raise ServerError(_DOING, problem, launch.log_tail()) from error
