"""Work under the lease that lets only one process evolve a store, renewed meanwhile."""

import logging
import math
import os
import secrets
import socket
from collections.abc import Awaitable, Callable
from datetime import datetime
from functools import partial
from typing import TypeVar

import anyio

from zettel.server.runtime.clock import Clock, utc_now
from zettel.server.runtime.shutdown import unless_cancelled
from zettel.storage.errors import BusyEvolvingError, LeaseLostError, StoreError
from zettel.storage.store import NoteStore
from zettel.tools.evolve.lease import LEASE_KEY, Lease
from zettel.tools.language.times import iso

logger = logging.getLogger(__name__)

_T = TypeVar("_T")

RENEW_S = 10.0
"""Seconds between two renewals; well below the lease's time to expiry."""


LEASE_POLL_S = 0.5
"""Seconds between two attempts to take the lease of a run in another process."""


def new_holder() -> str:
    """A unique name of this process: host and PID namespace, PID, random suffix."""
    return f"{_here()}-{os.getpid()}-{secrets.token_hex(4)}"


def is_gone(holder: str) -> bool:
    """Whether the holder is a process of this host that has died without releasing its lease."""
    here, _, rest = holder.rpartition("-")[0].rpartition("-")
    if here != _here() or not rest.isdecimal():
        return False
    try:
        os.kill(int(rest), 0)
    except ProcessLookupError:
        return True
    except (OSError, OverflowError):
        return False
    return False


def _here() -> str:
    """Host and PID namespace, within which a PID means one process."""
    try:
        space = os.readlink("/proc/self/ns/pid")
    except OSError:
        space = ""
    return socket.gethostname() + space.removeprefix("pid:")


def new_run_id(now: datetime, *, kind: str = "run") -> str:
    """An id for one run; ids of one kind sort by time."""
    stamp = "".join(filter(str.isdecimal, iso(now)))
    return f"{kind}-{stamp}-{secrets.token_hex(3)}"


async def lead(lease: Lease, clock: Clock, work: Callable[[], Awaitable[_T]]) -> _T | None:
    """Do work under an acquired lease, then release it.

    `work` is cancelled if the lease is lost to another process.

    Returns:
        What the work returned; None if the lease was lost first.
    """
    try:
        return await unless_cancelled(partial(_renew, lease, clock), work)
    finally:
        with anyio.CancelScope(shield=True):
            await lease.release()


async def alone(
    store: NoteStore,
    work: str,
    run: Callable[[], Awaitable[_T]],
    waits: Callable[[], None],
    *,
    patience_s: float = math.inf,
    key: str = LEASE_KEY,
    report: Callable[[], Awaitable[None]] | None = None,
) -> _T:
    """Hold a lease while `run` works: that of evolution, so that no other run changes the notes.

    Args:
        store: Keeps the lease.
        work: Names the work in the message of an error.
        run: Does the work.
        waits: Called once if another run holds the lease.
        patience_s: Seconds to wait for it.
        key: Key of the lease, for work that only excludes its like.
        report: Called before each pause while another run holds it.

    Raises:
        BusyEvolvingError: It was held all the time.
        LeaseLostError: Another process took the lease meanwhile.
    """
    until = anyio.current_time() + patience_s
    lease = Lease(store, new_holder(), key=key, is_gone=is_gone)
    if not await lease.acquire(utc_now()):
        waits()
        # The other run may be in another process: no event announces its end.
        while not await lease.acquire(utc_now()):
            if anyio.current_time() >= until:
                raise BusyEvolvingError(work)
            if report is not None:
                await report()
            await anyio.sleep(LEASE_POLL_S)
    done = await lead(lease, utc_now, run)
    if done is None:
        raise LeaseLostError(work)
    return done


async def _renew(lease: Lease, clock: Clock, work: anyio.CancelScope) -> None:
    while True:
        await anyio.sleep(RENEW_S)
        # Not cancelled within its commit: the lease would outlive the run unnoticed.
        kept = False
        with anyio.CancelScope(shield=True):
            try:
                kept = await lease.renew(clock())
            except StoreError as error:
                logger.warning("the lease could not be renewed: %s", error)
        if not kept:
            logger.warning("the lease was lost to another process; this run stops")
            work.cancel()
            return
