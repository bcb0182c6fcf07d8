"""Being the only process that evolves a store: the lease, kept alive for as long as work lasts."""

import logging
import os
import secrets
import socket
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import TypeVar

import anyio

from zettel.server.runtime.clock import Clock
from zettel.storage.errors import StoreError
from zettel.tools.evolve.lease import Lease

logger = logging.getLogger(__name__)

T = TypeVar("T")

RENEW_S = 10.0
"""Seconds between two renewals; well below the lease's expiry."""


def new_holder() -> str:
    """A name no other process has: where it runs, process and chance."""
    return f"{_here()}-{os.getpid()}-{secrets.token_hex(4)}"


def is_gone(holder: str) -> bool:
    """Whether a process that was named so ran here, and has died: it will not release its lease."""
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
    """Where numbers mean processes: the host and, where there are several, its namespace."""
    try:
        space = os.readlink("/proc/self/ns/pid")
    except OSError:
        space = ""
    return socket.gethostname() + space.removeprefix("pid:")


def new_run_id(now: datetime, *, kind: str = "run") -> str:
    """A name for one run that sorts by time among those of its kind."""
    return f"{kind}-{now:%Y%m%d%H%M%S}-{secrets.token_hex(3)}"


async def lead(lease: Lease, clock: Clock, work: Callable[[], Awaitable[T]]) -> T | None:
    """Do some work under a lease that is held already, and release it.

    Args:
        lease: Acquired.
        clock: What time it is, for the renewals.
        work: Cancelled when the lease is lost to another process.

    Returns:
        What the work returned; None if the lease was lost first.
    """
    result: T | None = None
    failure: Exception | None = None
    try:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_renew, lease, clock, tasks.cancel_scope)
            try:
                result = await work()
            except Exception as error:
                # Raised in here, the task group would hide it in an exception group.
                failure = error
            tasks.cancel_scope.cancel()
    finally:
        with anyio.CancelScope(shield=True):
            await lease.release()
    if failure is not None:
        raise failure
    return result


async def _renew(lease: Lease, clock: Clock, work: anyio.CancelScope) -> None:
    while True:
        await anyio.sleep(RENEW_S)
        # Cut off amid its commit, the lease would be ours without our knowing, and outlive the run.
        kept = False
        with anyio.CancelScope(shield=True):
            try:
                kept = await lease.renew(clock())
            except StoreError as error:
                logger.warning("the lease could not be renewed: %s", error)
        if not kept:
            logger.warning("the lease went to another process; this run stops")
            work.cancel()
            return
