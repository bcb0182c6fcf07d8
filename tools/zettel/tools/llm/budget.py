"""What an LLM may still cost, in this run and today: held to the token, also through a kill.

Before a call its worst case is taken out; what it did not use is put back after it. A call whose
worst case is more than what is left is not made.
"""

import json
from dataclasses import asdict, dataclass
from datetime import datetime

from zettel.storage.store import NoteStore
from zettel.tools.llm.llm import LlmLimits

MILLION = 1_000_000
_KEY = "llm:spent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Tokens, and what they cost."""

    tokens: int = 0
    money: float = 0.0

    def plus(self, other: "Cost", sign: int = 1) -> "Cost":
        """The sum, or with `sign` -1 the difference, never below nothing."""
        tokens = max(0, self.tokens + sign * other.tokens)
        return Cost(tokens=tokens, money=max(0.0, self.money + sign * other.money))


class TokenBudget:
    """Keeps count; the day's count stands in the store's `meta`.

    Args:
        store: Whose evolution it is.
        limits: What may be spent.
        now: The run's moment; its UTC day is the day that is counted.
    """

    def __init__(self, store: NoteStore, limits: LlmLimits, now: datetime) -> None:
        self._store, self._limits = store, limits
        self.now = now
        self._day = f"{now:%Y-%m-%d}"
        self.spent = Cost()
        """In this run, what is taken out for a call in progress included."""

    def cost(self, tokens_in: int, tokens_out: int) -> Cost:
        """What so many tokens cost."""
        limits = self._limits
        money = (tokens_in * limits.price_in + tokens_out * limits.price_out) / MILLION
        return Cost(tokens=tokens_in + tokens_out, money=money)

    async def take(self, worst: Cost) -> bool:
        """Take a call's worst case out; False, and nothing is taken, if that is too much."""
        limits, after = self._limits, self.spent.plus(worst)
        if not _within(after, limits.tokens_run, limits.money_run):
            return False
        if not await self._count(worst, 1):
            return False
        self.spent = after
        return True

    async def settle(self, worst: Cost, real: Cost) -> None:
        """Put back what a call was feared to cost, and count what it did."""
        self.spent = self.spent.plus(worst, -1).plus(real)
        await self._count(worst, -1, real)

    async def _count(self, taken: Cost, sign: int, real: Cost | None = None) -> bool:
        limits = self._limits
        if limits.tokens_day is None and limits.money_day is None:
            return True
        while True:
            stands = await self._store.get_meta(_KEY)
            after = self._today(stands).plus(taken, sign).plus(real or Cost())
            if sign > 0 and not _within(after, limits.tokens_day, limits.money_day):
                return False
            value = json.dumps({"day": self._day, **asdict(after)})
            if value == stands or await self._store.swap_meta(_KEY, expected=stands, value=value):
                return True

    def _today(self, stands: str | None) -> Cost:
        return _of_day(stands, self._day)


async def spent_on(store: NoteStore, now: datetime) -> Cost:
    """What the LLM has cost on a moment's UTC day; nothing is counted where no day is bounded."""
    return _of_day(await store.get_meta(_KEY), f"{now:%Y-%m-%d}")


def _of_day(stands: str | None, day: str) -> Cost:
    if stands is None:
        return Cost()
    said = json.loads(stands)
    if said["day"] != day:
        return Cost()
    return Cost(tokens=int(said["tokens"]), money=float(said["money"]))


def _within(spent: Cost, tokens: int | None, money: float | None) -> bool:
    return (tokens is None or spent.tokens <= tokens) and (money is None or spent.money <= money)
