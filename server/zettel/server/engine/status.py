"""The engine's status report: process, store, queue, and LLM use. Never a note's text."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import anyio

from zettel.server.config.settings import Settings
from zettel.server.engine.ipc.handshake import Message
from zettel.server.runtime.clock import Clock
from zettel.server.runtime.runtime import Runtime
from zettel.storage.errors import ZettelError
from zettel.storage.notes import Run
from zettel.tools.language.times import iso
from zettel.tools.llm.client import spent_on
from zettel.tools.llm.llm import ANSWERED, OVER_BUDGET, read_health
from zettel.tools.state.memory import Memory


async def llm_report(
    memory: Memory, settings: Settings, problem: str, now: datetime
) -> Message | None:
    """State, last error, last answer and the day's budget; None if no LLM is set.

    `state` is `unusable` (set, but cannot be asked at all), `paused` (it failed several times in a
    row and is left alone for a while), `budget spent` (the last question was not put), `failing`
    (the last one had no answer), `ok`, or `not asked yet`.

    Args:
        memory: The open store and the LLM.
        settings: What the engine runs with.
        problem: Why the LLM cannot be used; empty if it can.
        now: What time it is.
    """
    if not settings.llm_model:
        return None
    told = await read_health(memory.store)
    pause = memory.mind.health.pause_s(anyio.current_time()) if memory.mind else 0.0
    spent = await spent_on(memory.store, now)
    return {
        "model": settings.llm_model,
        "state": _state(told.last, unusable=bool(problem), pause=pause),
        "problem": problem or None,
        "paused_s": round(pause) or None,
        "last_error": told.error or None,
        "last_error_at": iso(told.error_at) if told.error_at else None,
        "last_answer_at": iso(told.answered_at) if told.answered_at else None,
        "tokens_today": spent.tokens,
        "tokens_day": settings.llm_tokens_day,
        "money_today": round(spent.money, 6) if settings.llm_money_day else None,
        "money_day": settings.llm_money_day,
    }


def _state(last: str, *, unusable: bool, pause: float) -> str:
    if unusable:
        return "unusable"
    if pause:
        return "paused"
    known = {ANSWERED: "ok", OVER_BUDGET: "budget spent", "": "not asked yet"}
    return known.get(last, "failing")


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
        store = memory.admin
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
