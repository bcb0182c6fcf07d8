"""What an engine tells about itself when it is asked for its status."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from zettel.server.clock import Clock
from zettel.server.hello import Message
from zettel.server.llm_report import llm_report
from zettel.server.runtime import Runtime
from zettel.server.settings import Settings
from zettel.storage.errors import ZettelError
from zettel.storage.notes import Run

RUNS_LOOKED_AT = 20
"""Newest runs among which the last evolution is looked for."""


async def report(runtime: Runtime, settings: Settings, clock: Clock) -> Message:
    """Model, queue, evolution, LLM and size; what cannot be told yet is null.

    Args:
        runtime: What is reported on.
        settings: What it runs with.
        clock: What time it is.
    """
    told: Message = {
        "state": runtime.status,
        "problem": runtime.problem or None,
        "model": {"name": settings.model, "ready": runtime.model_ready},
        "queue": None,
        "evolution": {"last": None, "outcome": None, "next": None},
        "off": {"evolution": [*settings.evolve_off], "llm": [*settings.llm_off]},
        "llm": None,
        "size": None,
    }
    tending = runtime.tending
    if runtime.status != "ok" or tending is None:
        return told
    try:
        memory = await runtime.memory()
        store = memory.store
        stats = await store.stats()
        last = _last_evolution(await store.runs(limit=RUNS_LOOKED_AT))
        told["queue"] = await tending.waiting()
        told["llm"] = await llm_report(memory, settings, runtime.llm_problem, clock())
    except ZettelError as error:
        return told | {"problem": str(error)}
    told["size"] = {
        "notes": stats.notes,
        "revisions": stats.revisions,
        "bytes": stats.disk_bytes,
    }
    told["evolution"] = {
        "last": _iso(last.ended_at) if last else None,
        "outcome": last.outcome if last else None,
        "next": _iso(clock() + timedelta(seconds=tending.due_in_s)),
    }
    return told


def _last_evolution(runs: Sequence[Run]) -> Run | None:
    return next((run for run in runs if run.kind == "evolve"), None)


def _iso(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")
