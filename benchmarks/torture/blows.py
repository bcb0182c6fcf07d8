"""The moments an engine is struck at, and the ways it is taken away."""

import random
import signal
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field

import anyio
import psutil

from benchmarks.torture.arena import Arena
from benchmarks.torture.clients import KINDS, Caller
from benchmarks.torture.ledger import Ledger

IN_FLIGHT = 8
"""Calls one client has open at once."""

ROUND_CALLS = 24
"""Calls that client makes while the engine is taken away."""

ATTACH_S = 0.08
"""Seconds within which a newcomer finds a running engine and is greeted: 25 to 60 ms measured."""

SPAWN_S = 1.5
"""Seconds within which a new engine is born and answers: 0.6 measured, more on busy cores."""

STEP_S = 0.3
"""Seconds one step of evolution takes over the notes of one round."""


@dataclass(slots=True)
class Fight:
    """One store's clients against everything that may happen to its engine."""

    arena: Arena
    clients: Sequence[Caller]
    """One of each kind; they live through all rounds."""
    chance: random.Random
    ledger: Ledger = field(default_factory=Ledger)
    blows: int = 0
    """Signals that reached an engine, and engines that were replaced."""
    in_flight: list[int] = field(default_factory=list[int])
    """Calls that were open, at each blow."""
    late: int = 0
    """Blows at an evolution that was over already."""
    told: int = 0

    def strike(self, number: signal.Signals = signal.SIGKILL) -> None:
        """Send every engine that lives a signal."""
        for engine in self.arena.engines():
            with suppress(psutil.Error):
                engine.send_signal(number)
                self.blows += 1
                self.in_flight.append(self.ledger.open)

    def replaced(self, before: Sequence[psutil.Process]) -> None:
        """Count engines that made way without a signal."""
        self.blows += sum(engine not in self.arena.engines() for engine in before)
        self.in_flight.append(self.ledger.open)

    async def tell(self, client: Caller) -> None:
        """One client tells what nobody has told before."""
        self.told += 1
        # The words differ too: notes told alike would be each other's neighbours.
        word = f"{self.chance.getrandbits(40):010x}"
        await self.ledger.remember(client, f"fact {self.told} is {word}")

    async def tell_all(self) -> None:
        """Every client tells one note."""
        async with anyio.create_task_group() as tasks:
            for client in self.clients:
                tasks.start_soon(self.tell, client)

    async def pause(self, most_s: float) -> None:
        """Let a random time pass: where exactly the blow falls is the point."""
        await anyio.sleep(self.chance.uniform(0, most_s))

    async def amid_calls(self, act: Callable[[], Awaitable[None]]) -> None:
        """Do something while one client has eight calls open and the others one each.

        Nobody stops calling before it is done.
        """
        busy = self.chance.choice(self.clients)
        after = self.ledger.answered + self.chance.randint(0, ROUND_CALLS // 2)
        done = anyio.Event()
        async with anyio.create_task_group() as tasks:
            for _ in range(IN_FLIGHT):
                tasks.start_soon(self.tell_on, busy, ROUND_CALLS // IN_FLIGHT, done)
            for client in self.clients:
                if client is not busy:
                    tasks.start_soon(self.tell_on, client, 2, done)
            await self.arena.until("an answer", lambda: self.ledger.answered >= after)
            await act()
            done.set()

    async def tell_on(self, client: Caller, times: int, until: anyio.Event | None = None) -> None:
        """One client tells so many notes one after the other, and more until an event is set."""
        for _ in range(times):
            await self.tell(client)
        while until is not None and not until.is_set():
            await self.tell(client)


Round = Callable[[Fight], Awaitable[None]]
"""Takes the engine away once or twice; every call made meanwhile is in the ledger."""


async def idle(fight: Fight) -> None:
    """Nobody asks anything."""
    fight.strike()


async def initialize(fight: Fight) -> None:
    """A newcomer is being greeted."""
    kind = fight.chance.choice(KINDS)

    async def arrive() -> None:
        async with fight.arena.client(kind) as newcomer:
            await fight.tell(newcomer)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(arrive)
        await fight.pause(ATTACH_S)
        fight.strike()
        tasks.start_soon(fight.tell_all)


async def spawn(fight: Fight) -> None:
    """The next engine is being born, with calls waiting for it."""
    before, born = fight.arena.engines(), anyio.Event()
    async with anyio.create_task_group() as tasks:
        for client in fight.clients:
            # On and on: an engine that dies with every call answered is not replaced until asked.
            tasks.start_soon(fight.tell_on, client, 1, born)
        await fight.arena.until("open calls", lambda: fight.ledger.open >= len(fight.clients))
        fight.strike()
        await fight.arena.until("another engine", lambda: _is_another(fight, before))
        await fight.pause(SPAWN_S)
        fight.strike()
        born.set()


def _is_another(fight: Fight, before: Sequence[psutil.Process]) -> bool:
    return any(engine not in before for engine in fight.arena.engines())


async def in_flight(fight: Fight) -> None:
    """Eight calls of one client are open, and some of others."""

    async def act() -> None:
        fight.strike()

    await fight.amid_calls(act)


async def evolution(fight: Fight) -> None:
    """Notes are being described and linked, and calls come in."""
    await _amid_evolution(fight, "step=")


async def optimise(fight: Fight) -> None:
    """Evolution is at its end: linked, compacted, cleaned."""
    await _amid_evolution(fight, "step=link")


async def _amid_evolution(fight: Fight, line: str) -> None:
    # Something may be evolving already; only what is logged behind the writes counts.
    await fight.tell_all()
    since = fight.arena.logged()
    await fight.tell_all()
    await fight.arena.until_logged(line, since=since)
    async with anyio.create_task_group() as tasks:
        for client in fight.clients:
            tasks.start_soon(fight.tell_on, client, 3)
        await fight.pause(STEP_S)
        fight.late += fight.arena.has_logged("run=", since=since)
        fight.strike()


async def terminated(fight: Fight) -> None:
    """The engine is asked to leave (SIGTERM) amid calls."""

    async def act() -> None:
        fight.strike(signal.SIGTERM)

    await fight.amid_calls(act)


async def handed_over(fight: Fight) -> None:
    """A client of a newer version has the engine replaced amid calls."""

    async def act() -> None:
        kind = fight.chance.choice(KINDS)
        before = fight.arena.engines()
        async with fight.arena.client(kind, **fight.arena.newer_version()) as newcomer:
            await fight.tell(newcomer)
        fight.replaced(before)

    await fight.amid_calls(act)


async def served(fight: Fight) -> None:
    """`zettel serve` takes over amid calls, and is killed or asked to leave amid calls itself."""
    before = fight.arena.engines()
    async with AsyncExitStack() as stack:

        async def take_over() -> None:
            await stack.enter_async_context(fight.arena.serving())
            fight.replaced(before)

        async def end() -> None:
            fight.strike(fight.chance.choice((signal.SIGKILL, signal.SIGTERM)))

        await fight.amid_calls(take_over)
        await fight.amid_calls(end)


KILLS: dict[str, Round] = {
    "idle": idle,
    "initialize": initialize,
    "spawn": spawn,
    "in flight": in_flight,
    "evolution": evolution,
    "optimise": optimise,
}
"""The moments of kill -9, by the name they are reported under."""

AT_WORK: dict[str, Round] = {name: KILLS[name] for name in ("evolution", "optimise")}
"""Those of them at which the engine works on its own."""

OTHER_ENDS: dict[str, Round] = {
    "SIGTERM": terminated,
    "a newer version": handed_over,
    "serve takes over": served,
}
"""The other ways an engine ends under its clients."""
