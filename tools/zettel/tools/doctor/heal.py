"""Repair of a store after a crash, with a record of the damage."""

import logging
from collections.abc import Mapping
from datetime import datetime

from zettel.storage.ids import new_id
from zettel.storage.notes import Run
from zettel.tools.changes.supersession import half_superseded, reconcile_superseded
from zettel.tools.doctor.checks import HALF_SUPERSEDED
from zettel.tools.erasure.orders import RELAPSE, drain, order_erasure, relapsed
from zettel.tools.evolve.lease import drop_expired
from zettel.tools.evolve.steps.construct import UNEMBEDDED_NOTES
from zettel.tools.state.memory import Memory

logger = logging.getLogger(__name__)

HEAL = "heal"
"""`Run.kind` of a repair that found damage."""
UNEMBEDDED = "unembedded"
"""Notes that wait for their vectors: not damage."""


async def heal(memory: Memory, *, now: datetime) -> Mapping[str, int]:
    """Repairs damage left by crashes or other programs; logged and recorded in `runs`.

    Returns:
        Kind of damage -> number of repairs, as named by `StoreAdmin.heal`, `expired_lease`,
        `half_superseded` and `erased_again`; `unembedded` is the number of notes that wait for
        embedding. Only positive counts.

    Raises:
        StoreUnavailableError: The store fails; repairs made by then stay.
    """
    mended = dict(await memory.admin.heal(now=now))
    if await drop_expired(memory.store, now):
        mended["expired_lease"] = 1
    if again := await relapsed(memory.admin):
        # An older file was copied back, or a writer was killed during a race.
        await order_erasure(memory, again, scope=RELAPSE, who=HEAL, now=now)
        await drain(memory, now=now)
        mended["erased_again"] = len(again)
    if half := await half_superseded(memory.admin, now=now):
        revived = await reconcile_superseded(memory, half, by=HEAL, now=now)
        mended |= {HALF_SUPERSEDED: len(revived)} if revived else {}
    if mended:
        logger.warning("mended the store: %s", _as_text(mended))
        run = Run(
            run_id=f"{HEAL}-{new_id(now).lower()}",
            kind=HEAL,
            who=HEAL,
            started_at=now,
            ended_at=now,
            counts=mended,
            outcome="done",
        )
        await memory.admin.add_run(run)
    waiting = await memory.store.count(UNEMBEDDED_NOTES)
    return mended | ({UNEMBEDDED: waiting} if waiting else {})


def _as_text(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name}={count}" for name, count in counts.items())
