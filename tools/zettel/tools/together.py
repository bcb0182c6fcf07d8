"""Two things at once."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

import anyio
import anyio.lowlevel

from zettel.storage.errors import ZettelError

A = TypeVar("A")
B = TypeVar("B")


async def both(
    first: Callable[[], Awaitable[A]], second: Callable[[], Awaitable[B]]
) -> tuple[A, B]:
    """Do two things at once that do not need each other.

    Raises:
        ZettelError: One of them did, in its own words; the other one was cancelled.
    """
    done, beside = list[A](), list[B]()

    async def do_second() -> None:
        beside.append(await second())

    try:
        async with anyio.create_task_group() as group:
            group.start_soon(do_second)
            done.append(await first())
    except* ZettelError as failed:
        raise failed.exceptions[0] from None
    # Cancelled while the first was shielded, as a commit is, only the second has noticed.
    await anyio.lowlevel.checkpoint_if_cancelled()
    return done[0], beside[0]
