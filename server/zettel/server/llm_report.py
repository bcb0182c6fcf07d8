"""What an engine tells about its LLM: how it does, what it may still cost; never a text."""

from datetime import datetime

import anyio

from zettel.server.hello import Message
from zettel.server.settings import Settings
from zettel.tools.language.times import iso
from zettel.tools.llm.budget import spent_on
from zettel.tools.llm.health import ANSWERED, SPENT, read_health
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
    known = {ANSWERED: "ok", SPENT: "budget spent", "": "not asked yet"}
    return known.get(last, "failing")
