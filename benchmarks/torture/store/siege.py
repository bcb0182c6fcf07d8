"""Everybody on one store at once, for a while, with kill -9 falling at random."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import anyio
import anyio.to_thread

from benchmarks.processes import kill_all
from benchmarks.torture.arena import Arena
from benchmarks.torture.clients import KINDS
from benchmarks.torture.ledger import CALL_S
from benchmarks.torture.store.audit import audited
from benchmarks.torture.store.books import read_books
from benchmarks.torture.store.deeds import Account, Outcome
from benchmarks.torture.store.servers import Server
from benchmarks.torture.store.tenders import EVOLVER, Tender, evolver, keeper
from benchmarks.torture.store.verdict import Verdict
from zettel.server.runtime.clock import utc_now
from zettel.storage.embedding.hashing import HashEmbedder
from zettel.storage.lance.store import open_store
from zettel.tools.changes.supersession import half_superseded, reconcile_superseded
from zettel.tools.state.memory import Memory

AT_WORK = 0.75
"""Share of kills that fall on processes which have answered calls; the others hit anybody,
so starting, opening and healing as well."""

SERVER_WEIGHT = 4
"""A server is killed so many times as often as who tends: a run that waits its turn takes long."""

END_S = CALL_S + 30.0
"""Seconds after which nobody is waited for any longer: a call that hangs is told before."""

LATE_S = 300.0
"""Seconds it may go on beyond its time: a server takes long to start on busy cores."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How much is to happen."""

    seconds: float
    """From the first answer on."""
    processes: int
    """Servers; one that evolves and one that keeps the store up come on top."""
    seed: int
    kill_s: float
    """Seconds between two kills, on average; a server takes some five to start on busy cores."""
    least_kills: int = 0
    """It goes on until so many have fallen, even when the time is over."""
    everything: bool = False
    """Whether it also goes on until all that the audit counts has happened."""

    def is_over(self, account: Account, killed: int) -> bool:
        """Whether enough has happened, the time apart."""
        return killed >= self.least_kills and (not self.everything or _has_everything(account))


def _has_everything(account: Account) -> bool:
    evolved = account.evolved or account.kills.get(EVOLVER)
    happened = (evolved, account.reads, account.cancelled, account.count(Outcome.ACKNOWLEDGED))
    return all(happened)


async def besiege(command: Sequence[str], folder: Path, mark: str, plan: Plan) -> Verdict:
    """Torture a new store in an empty folder, then audit it.

    Args:
        command: The `zettel` to run.
        folder: For the store and everybody's log.
        mark: What tells the processes of this run.
        plan: How long and by how many.
    """
    chance = random.Random(plan.seed)
    arena, account = Arena(command, folder, mark), Account()
    servers = [
        Server(
            name=f"server-{number}",
            client=KINDS[number % len(KINDS)],
            arena=arena,
            account=account,
            chance=chance,
        )
        for number in range(plan.processes)
    ]
    tenders = [evolver(arena, account, chance), keeper(arena, account)]
    try:
        await _fight(servers, tenders, account, chance, plan)
    finally:
        with anyio.CancelScope(shield=True):
            await anyio.to_thread.run_sync(kill_all, mark)
    await _finish_supersessions(arena.store)
    return audited(account, await read_books(arena.store, account))


async def _finish_supersessions(place: Path) -> None:
    """Do for calls that were killed between two commits what the next server's start does.

    Nothing else is repaired: it is to be whole already.
    """
    embedder = HashEmbedder()
    store = await open_store(str(place), model_id=embedder.model_id, dim=embedder.dim, create=False)
    try:
        half = await half_superseded(store, now=utc_now())
        memory = Memory(store=store, embedder=embedder)
        await reconcile_superseded(memory, half, by="siege", now=utc_now())
    finally:
        await store.close()


async def _fight(
    servers: Sequence[Server],
    tenders: Sequence[Tender],
    account: Account,
    chance: random.Random,
    plan: Plan,
) -> None:
    over = anyio.Event()
    with anyio.move_on_after(plan.seconds + LATE_S) as scope:
        async with anyio.create_task_group() as tasks:
            for server in servers:
                tasks.start_soon(server.live, over)
            await servers[0].arena.until("an answer", lambda: any(s.ready for s in servers))
            for tender in tenders:
                tasks.start_soon(tender.live, over)
            await _strike((*servers, *tenders), account, chance, plan)
            over.set()
            scope.deadline = anyio.current_time() + END_S
    if scope.cancelled_caught:
        still = f"somebody was still at it {END_S:.0f} s after the end"
        account.failed.append(still if over.is_set() else f"not all came within {LATE_S:.0f} s")


async def _strike(
    fighters: Sequence[Server | Tender], account: Account, chance: random.Random, plan: Plan
) -> None:
    """Kill somebody now and then, until the time is over and enough were killed."""
    end, killed = anyio.current_time() + plan.seconds, 0
    while anyio.current_time() < end or not plan.is_over(account, killed):
        await anyio.sleep(chance.uniform(0, 2 * plan.kill_s))
        at_work = [fighter for fighter in fighters if fighter.ready]
        aims = at_work if chance.random() < AT_WORK else fighters
        # On a busy machine nobody may be at work yet: killed again, nobody ever would.
        weights = [SERVER_WEIGHT if isinstance(aim, Server) else 1 for aim in aims]
        aim = chance.choices(aims, weights)[0] if aims else None
        if aim and aim.kill():
            killed += 1
            account.kills[aim.kind] = account.kills.get(aim.kind, 0) + 1
