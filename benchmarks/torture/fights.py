"""Fights rounds on one store, and settles the account."""

import random
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

import anyio
import anyio.to_thread

from benchmarks.processes import kill_all
from benchmarks.torture.arena import Arena
from benchmarks.torture.blows import Fight, Round
from benchmarks.torture.clients import KINDS
from benchmarks.torture.errors import NeverHappenedError
from benchmarks.torture.ledger import CALL_S

ROUND_S = 4 * CALL_S
"""Seconds after which a round counts as hung: several calls behind each other may each hang."""


@dataclass(slots=True)
class Tally:
    """What the rounds of one name came to."""

    rounds: int = 0
    blows: int = 0
    calls: int = 0
    in_flight: list[int] = field(default_factory=list[int])
    """Calls that were open, at each blow."""
    sent_again: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a whole fight came to. Every list holds what went wrong, and is to be empty."""

    tallies: Mapping[str, Tally]
    acknowledged: int
    stored: int
    lost: list[str]
    doubled: list[str]
    hung: list[str]
    unexpected: int
    """Answers on bare pipes to what was never asked, or was answered before."""
    rivals: int
    """Rounds after which two engines stayed on the store."""
    late: int
    """Blows at an evolution that was over already: no flaw, but no proof either."""

    @property
    def blows(self) -> int:
        """How often an engine was struck or replaced."""
        return sum(tally.blows for tally in self.tallies.values())

    @property
    def flawless(self) -> bool:
        """Whether nothing went wrong at all."""
        wrong = (self.lost, self.doubled, self.hung, self.unexpected, self.rivals)
        return not any(wrong) and self.acknowledged == self.stored


@asynccontextmanager
async def clients_of(arena: Arena, chance: random.Random) -> AsyncGenerator[Fight]:
    """Connect one client of each kind; nothing of the arena outlives the block."""
    try:
        async with AsyncExitStack() as stack:
            clients = [await stack.enter_async_context(arena.client(kind)) for kind in KINDS]
            yield Fight(arena=arena, clients=clients, chance=chance)
    finally:
        with anyio.CancelScope(shield=True):
            await anyio.to_thread.run_sync(kill_all, arena.mark)


async def fight_on(
    fight: Fight,
    rounds: Mapping[str, Round],
    goes_on: Callable[[Fight], bool],
    progress: Callable[[str], None],
) -> Outcome:
    """Fight rounds of random names for as long as asked, then look what the store holds.

    Args:
        fight: Clients connected.
        rounds: By name; each is fought about as often as any other.
        goes_on: Asked before every round.
        progress: Told the name of every round before it.
    """
    tallies = {name: Tally() for name in rounds}
    waiting: list[str] = []
    rivals = 0
    while goes_on(fight):
        if not waiting:
            waiting = list(rounds)
            fight.chance.shuffle(waiting)
        name = waiting.pop()
        progress(name)
        before = (fight.blows, fight.ledger.calls, fight.ledger.sent_again, len(fight.in_flight))
        with anyio.move_on_after(ROUND_S) as scope:
            await rounds[name](fight)
            # Every client lives on; and no call of the next round meets this round's blow.
            await fight.tell_all()
        if scope.cancelled_caught:
            fight.ledger.hung.append(f"the round {name!r}")
        _tally(tallies[name], fight, before)
        rivals += not await _alone(fight.arena)
    return await _settle(fight, tallies, rivals)


async def _alone(arena: Arena) -> bool:
    """Whether no two engines stay; one may still be leaving."""
    try:
        await arena.until("a single engine", lambda: len(arena.engines()) <= 1)
    except NeverHappenedError:
        return False
    return True


def _tally(tally: Tally, fight: Fight, before: tuple[int, int, int, int]) -> None:
    blows, calls, sent_again, seen = before
    tally.rounds += 1
    tally.blows += fight.blows - blows
    tally.calls += fight.ledger.calls - calls
    tally.sent_again += fight.ledger.sent_again - sent_again
    tally.in_flight += fight.in_flight[seen:]


async def _settle(fight: Fight, tallies: Mapping[str, Tally], rivals: int) -> Outcome:
    ledger = fight.ledger
    stored = await fight.arena.notes()
    return Outcome(
        tallies=tallies,
        acknowledged=len(ledger.acknowledged),
        stored=len(stored),
        lost=ledger.lost(stored),
        doubled=ledger.doubled(stored),
        hung=ledger.hung,
        unexpected=sum(client.unexpected for client in fight.clients),
        rivals=rivals,
        late=fight.late,
    )
