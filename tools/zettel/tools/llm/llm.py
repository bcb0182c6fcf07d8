"""An LLM and what it may cost: what a store's evolution is given when a person names a model."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from zettel.tools.llm.chat import Chat
from zettel.tools.llm.health import Health

RETRY_PAUSES_S = (1.0, 4.0)
"""Seconds before the second and the third try; a service that names a time is given that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LlmLimits:
    """What the LLM may use up; None is no bound."""

    tokens_run: int | None = None
    tokens_day: int | None = None
    money_run: float | None = None
    money_day: float | None = None
    """In the currency of the prices; a day is a UTC one."""
    price_in: float = 0.0
    price_out: float = 0.0
    """Of a million tokens read and written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Llm:
    """How a run comes by its LLM."""

    open_chat: Callable[[], Awaitable[Chat]]
    """Called when a run has its first question."""
    limits: LlmLimits = field(default_factory=LlmLimits)
    retry_pauses_s: tuple[float, ...] = RETRY_PAUSES_S
    health: Health = field(default_factory=Health)
    """How it has answered in this process."""
