"""Everybody at one server at once, until it is asked to leave in the middle of it."""

import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import anyio
import anyio.to_thread
import httpx2
from mcp import Client, MCPError
from mcp.client.subscriptions import SubscriptionLost

from benchmarks.processes import kill_all
from benchmarks.soak.bridging import Bridging
from benchmarks.soak.connections import Clocks, Era, Resident, Transport, connected
from benchmarks.soak.ears import NOTIFIED
from benchmarks.soak.eraser import Eraser
from benchmarks.soak.grounds import BRIDGE, MOST_NOTES, SHARED, Ground, World, found_world
from benchmarks.soak.intruder import Intruder
from benchmarks.soak.judge import Judgement, judged
from benchmarks.soak.site import Serving, Site
from benchmarks.torture.errors import TortureError
from benchmarks.torture.ledger import CALL_S
from benchmarks.torture.store.hand import Hand
from benchmarks.torture.store.life import Desk, Life

LOST = (
    *(MCPError, SubscriptionLost, OSError, httpx2.TransportError),
    *(anyio.BrokenResourceError, TortureError),
)
"""What a client ends with when the server has left."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How much is to happen."""

    seconds: float
    """From when everybody comes until SIGTERM; twice as long if nobody was notified yet."""
    seed: int
    pause_s: float
    """Seconds that each of the clients waits between two calls, on average."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Lane:
    """One client and what it does all the time."""

    who: str
    ground: str
    transport: Transport
    era: Era
    work: str


LANES = (
    _Lane(who="ana", ground="ana", transport="http", era="auto", work="change"),
    _Lane(who="ana", ground="ana", transport="sse", era="legacy", work="change"),
    _Lane(who="ben", ground="ben", transport="http", era="legacy", work="change"),
    _Lane(who="ben", ground="ben", transport="sse", era="auto", work="change"),
    _Lane(who="ben", ground=SHARED, transport="http", era="auto", work="change"),
    _Lane(who="ana", ground=SHARED, transport="http", era="legacy", work="look"),
    _Lane(who="ana", ground="ana", transport="http", era="auto", work="intrude"),
    _Lane(who="ana", ground="ana", transport="sse", era="legacy", work="intrude"),
    _Lane(who="ben", ground="ben", transport="sse", era="auto", work="intrude"),
    _Lane(who="ben", ground="ben", transport="http", era="legacy", work="intrude"),
    _Lane(who="ana", ground="ana", transport="http", era="auto", work="erase"),
    _Lane(who=BRIDGE, ground="ana", transport="http", era="auto", work="bridge"),
    _Lane(who=BRIDGE, ground="ben", transport="sse", era="legacy", work="bridge"),
    _Lane(who=BRIDGE, ground=SHARED, transport="http", era="legacy", work="bridge"),
)
"""Each tenant in both eras over both transports; one writes to what the other may only read."""


FIRST = 3
"""Changes that are made and evolved before everybody comes."""


@dataclass(slots=True, kw_only=True)
class _Fight:
    world: World
    site: Site
    serving: Serving
    chance: random.Random
    pause_s: float
    clocks: Clocks = field(default_factory=Clocks)
    lives: list[Life] = field(default_factory=list[Life])

    async def begin(self) -> None:
        """Have notes evolved once: what the first run loads is no leak, whenever it comes."""
        lane = LANES[0]
        ground, tenant = self.world.grounds[lane.ground], self.world.tenants[lane.who]
        life = Life(name="first", account=ground.account)
        async with connected(self.serving.url, tenant, lane.transport, lane.era) as client:
            hand = self._hand(ground, Desk(caller=Resident(client, ground, self.clocks), life=life))
            for _ in range(FIRST):
                await hand.send(*ground.choices.change(anyio.current_time()))
        await self.site.evolved()

    async def live(self, lane: _Lane) -> None:
        """One client from its connection to the end."""
        ground = self.world.grounds[lane.ground]
        name = f"{lane.who} {lane.transport} {lane.era} {lane.work}"
        life = Life(name=name, account=ground.account)
        self.lives.append(life)
        tenant = self.world.tenants[lane.who]
        try:
            async with connected(self.serving.url, tenant, lane.transport, lane.era) as client:
                work = self._work(lane, ground, client, life)
                while not life.ended:
                    await work()
                    await anyio.sleep(self.chance.uniform(0, 2 * self.pause_s))
        except* LOST as problem:
            life.lose(repr(problem.exceptions))

    def _work(
        self, lane: _Lane, ground: Ground, client: Client, life: Life
    ) -> Callable[[], Awaitable[None]]:
        caller = Resident(client, ground, self.clocks)
        desk = Desk(caller=caller, life=life)
        hand = self._hand(ground, desk)
        match lane.work:
            case "look":
                return lambda: ground.looks.look(desk, CALL_S)
            case "bridge":
                beyond = [g.account for g in self.world.grounds.values() if g is not ground]
                bridging = Bridging(
                    ground.account, self.chance, ground.mark, beyond, most=MOST_NOTES
                )
                return lambda: hand.send(*bridging.told_or_changed(anyio.current_time()))
            case "erase":
                return Eraser(ground=ground, caller=caller).erase_one
            case "intrude":
                return Intruder(
                    world=self.world,
                    tenant=self.world.tenants[lane.who],
                    home=ground,
                    client=client,
                    era=lane.era,
                    chance=self.chance,
                    clocks=self.clocks,
                ).intrude
            case _:
                return hand.call_one

    def _hand(self, ground: Ground, desk: Desk) -> Hand:
        return Hand(
            desk=desk,
            account=ground.account,
            choices=ground.choices,
            looks=ground.looks,
            chance=self.chance,
        )

    async def notified(self) -> None:
        """Wait until a tenant was notified of a change."""
        ears = [tenant.ears for tenant in self.world.tenants.values()]
        while not any(one.counts[NOTIFIED] for one in ears):  # noqa: ASYNC110  heard, not told
            await anyio.sleep(1)

    async def end(self) -> bool:
        """SIGTERM while everybody is calling; whether the server left in good order."""
        for life in self.lives:
            # From here on nobody may be blamed for an end.
            life.killed = True
        for tenant in self.world.tenants.values():
            tenant.ears.leaving = True
        return await self.serving.leave()


async def hammer(command: Sequence[str], folder: Path, mark: str, plan: Plan) -> Judgement:
    """Hammer a new server in an empty folder, then judge it and read its store anew.

    Args:
        command: The `zettel` to run.
        folder: For the store and the server's log.
        mark: What tells the processes of this run.
        plan: How long, and how hard.
    """
    chance = random.Random(plan.seed)
    site = Site(command=command, folder=folder, mark=mark)
    site.prepare()
    world = await found_world(site.store, chance)
    try:
        async with site.serving() as serving:
            fight = _Fight(
                world=world, site=site, serving=serving, chance=chance, pause_s=plan.pause_s
            )
            await fight.begin()
            in_order = await _fought(fight, plan)
        return await judged(site, world, serving.resident, fight.clocks, in_order=in_order)
    finally:
        with anyio.CancelScope(shield=True):
            await anyio.to_thread.run_sync(kill_all, mark)


async def _fought(fight: _Fight, plan: Plan) -> bool:
    in_order = False
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(fight.serving.watch)
        for lane in LANES:
            tasks.start_soon(fight.live, lane)
        await anyio.sleep(plan.seconds)
        # On a busy machine there may have been none yet.
        with anyio.move_on_after(plan.seconds):
            await fight.notified()
        in_order = await fight.end()
        # Who has not noticed waits for an answer that nobody will give.
        tasks.cancel_scope.cancel()
    return in_order
