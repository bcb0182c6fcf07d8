"""A client with a server process of its own, which is started again whenever it was killed."""

import random
from dataclasses import dataclass, field, replace

import anyio
from mcp import MCPError

from benchmarks.torture.arena import Arena
from benchmarks.torture.clients import Kind, connected
from benchmarks.torture.errors import TortureError
from benchmarks.torture.store.choices import Choices
from benchmarks.torture.store.deeds import Account, Card, Deed
from benchmarks.torture.store.hand import Hand
from benchmarks.torture.store.life import LIFE, Desk, Life
from benchmarks.torture.store.looks import Looks

HANDS = 3
"""Calls one client has open at once."""

WARM = 5
"""Calls a process has answered that counts as being at work."""

LOST = (TortureError, MCPError, OSError, anyio.BrokenResourceError, anyio.ClosedResourceError)
"""What a client meets whose server is gone."""


@dataclass(slots=True, kw_only=True)
class Server:
    """One of the processes that serve a client each."""

    name: str
    client: Kind
    arena: Arena
    account: Account
    chance: random.Random
    lives: int = 0
    life: Life | None = None
    kind: str = "server"
    unanswered: list[tuple[Card, Deed]] = field(default_factory=list[tuple[Card, Deed]])

    @property
    def ready(self) -> bool:
        """Whether its process has answered some calls and is still there."""
        return self.life is not None and not self.life.ended and self.life.answered >= WARM

    def kill(self) -> bool:
        """Kill the process, if it runs (kill -9)."""
        return self.life is not None and not self.life.ended and self.life.kill()

    async def live(self, over: anyio.Event) -> None:
        """Serve one life after the other until it is over."""
        while not over.is_set():
            self.lives += 1
            life = Life(name=f"{self.name}-{self.lives}", account=self.account)
            life.unanswered, self.life = self.unanswered, life
            try:
                await self._live_once(life, over)
            except* LOST as problem:
                life.lose(repr(problem.exceptions))
            finally:
                life.bury()

    async def _live_once(self, life: Life, over: anyio.Event) -> None:
        launch = self.arena.launch(**{LIFE: life.name})
        launch = replace(launch, command=(*launch.command, "--in-process"))
        async with connected(self.client, launch) as caller:
            hand = Hand(
                desk=Desk(caller=caller, life=life),
                account=self.account,
                choices=Choices(self.account, self.chance),
                looks=Looks(self.account, self.chance),
                chance=self.chance,
            )

            async def work() -> None:
                while not life.ended and not over.is_set():
                    await hand.call_one()

            async with anyio.create_task_group() as hands:
                for _ in range(HANDS):
                    hands.start_soon(work)
            life.ended = True
