"""`zettel evolve --once`: one run now, after whoever is at it has finished."""

import json
from collections.abc import Callable
from datetime import UTC, datetime

import anyio

from zettel.server.clock import utc_now
from zettel.server.leadership import is_gone, lead, new_holder, new_run_id
from zettel.server.offline import opened
from zettel.server.settings import Settings
from zettel.storage.errors import InvalidArgumentError, LeaseLostError
from zettel.tools.evolve.lease import Lease
from zettel.tools.evolve.run import Budget, RunReport, evolve

WHO = "cli"
LEASE_POLL_S = 0.5
"""Seconds between two looks at whether the run in progress has ended."""

Progress = Callable[[str, int, int], None]


def read_now(text: str | None) -> datetime | None:
    """The moment a run takes for now; without a zone it is UTC.

    Raises:
        InvalidArgumentError: The text is no ISO 8601 time.
    """
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        problem, remedy = f"{text!r} is no ISO 8601 time", "Pass one as in 2026-11-20T09:00:00Z."
        raise InvalidArgumentError("--now", problem, remedy) from None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


async def evolve_once(
    settings: Settings, now: datetime | None, progress: Progress, waits: Callable[[], None]
) -> RunReport:
    """Run every step to the end, alone on the store.

    Args:
        settings: Which store and model.
        now: The moment the run takes for now; None for the real one.
        progress: Told before every batch: step, notes done, notes in all (0 if not known).
        waits: Told once if another process is at it.

    Raises:
        ZettelError: Store or model cannot be used.
    """
    async with opened(settings) as memory:
        await memory.embedder.load()
        lease = Lease(memory.store, new_holder(), is_gone=is_gone)
        if not await lease.acquire(utc_now()):
            waits()
            # What is waited for happens in another process: no event tells of it.
            while not await lease.acquire(utc_now()):  # noqa: ASYNC110
                await anyio.sleep(LEASE_POLL_S)
        moment = now or utc_now()

        async def run() -> RunReport:
            return await evolve(
                memory,
                now=moment,
                run_id=new_run_id(moment),
                who=WHO,
                budget=Budget(seconds=None, notes=None),
                progress=progress,
            )

        report = await lead(lease, utc_now, run)
    if report is None:
        work = "evolving the notes"
        raise LeaseLostError(work)
    return report


def as_json(report: RunReport) -> str:
    """The report as one JSON object."""
    return json.dumps(
        {
            "run_id": report.run_id,
            "changed": report.changed,
            "created": report.created,
            "steps": report.steps,
        }
    )


def as_text(report: RunReport) -> str:
    """The report for a person."""
    steps = ", ".join(f"{step} {count}" for step, count in report.steps.items())
    return f"{report.run_id}: {report.changed} changed, {report.created} created ({steps})"
