"""`zettel evolve --once`: one run now, after whoever is at it has finished."""

import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import TypeVar

import anyio

from zettel.server.config.settings import Settings
from zettel.server.runtime.clock import utc_now
from zettel.server.runtime.factories import opened
from zettel.server.runtime.leadership import is_gone, lead, new_holder, new_run_id
from zettel.server.runtime.llm import build_llm
from zettel.storage.errors import InvalidArgumentError, LeaseLostError, ZettelError
from zettel.storage.store import NoteStore
from zettel.tools.doctor.heal import UNEMBEDDED, heal
from zettel.tools.evolve.lease import Lease
from zettel.tools.evolve.run import Budget, RunReport, evolve
from zettel.tools.state.memory import Memory

logger = logging.getLogger(__name__)

T = TypeVar("T")

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
        ZettelError: Store, model or LLM cannot be used.
    """
    mind = build_llm(settings)
    async with opened(settings) as found:
        memory = replace(found, mind=mind)
        await memory.embedder.load()
        await mend(memory)
        return await alone(
            memory.store,
            "evolving the notes",
            lambda: run_all(memory, now or utc_now(), progress),
            waits,
        )


async def mend(memory: Memory) -> Mapping[str, int]:
    """Set the store right first: kind of damage -> how often it was mended.

    What cannot be mended is logged: it must not keep the notes from evolving.
    """
    try:
        counts = await heal(memory, now=utc_now())
    except ZettelError as error:
        logger.warning("the store was not healed: %s", error)
        return {}
    return {name: count for name, count in counts.items() if name != UNEMBEDDED}


async def alone(
    store: NoteStore, work: str, run: Callable[[], Awaitable[T]], waits: Callable[[], None]
) -> T:
    """Do something while no evolution and no undo is at work, here or elsewhere.

    Args:
        store: Whose notes.
        work: What is done, for the message of an error.
        run: Does it.
        waits: Told once if another process is at it.

    Raises:
        LeaseLostError: Another process took over.
    """
    lease = Lease(store, new_holder(), is_gone=is_gone)
    if not await lease.acquire(utc_now()):
        waits()
        # What is waited for happens in another process: no event tells of it.
        while not await lease.acquire(utc_now()):  # noqa: ASYNC110
            await anyio.sleep(LEASE_POLL_S)
    done = await lead(lease, utc_now, run)
    if done is None:
        raise LeaseLostError(work)
    return done


async def run_all(memory: Memory, now: datetime, progress: Progress) -> RunReport:
    """Run every step to the end; the caller is alone on the store."""
    return await evolve(
        memory,
        now=now,
        run_id=new_run_id(now),
        who=WHO,
        budget=Budget(seconds=None, notes=None),
        progress=progress,
    )


def as_json(report: RunReport) -> str:
    """The report as one JSON object."""
    return json.dumps(
        {
            "run_id": report.run_id,
            "changed": report.changed,
            "created": report.created,
            "steps": report.steps,
            "llm": report.llm,
            "evolve_off": list(report.evolve_off),
            "llm_off": list(report.llm_off),
        }
    )


def as_text(report: RunReport) -> str:
    """The report for a person."""
    steps = ", ".join(f"{step} {count}" for step, count in report.steps.items())
    told = f"{report.run_id}: {report.changed} changed, {report.created} created ({steps})"
    llm = ", ".join(f"{name.removeprefix('llm_')} {n}" for name, n in report.llm.items())
    return "; ".join((told, *([f"LLM: {llm}"] if llm else []), *left_alone(report)))


def left_alone(report: RunReport) -> list[str]:
    """Which namespaces a run has left alone, or not shown to the LLM; for a person."""
    off = {"not evolved": report.evolve_off, "not shown to the LLM": report.llm_off}
    return [f"{what}: {', '.join(names)}" for what, names in off.items() if names]
