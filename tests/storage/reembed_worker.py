"""A process that embeds a store anew, and stops before one of its commits to wait for its end.

    python -m tests.storage.reembed_worker PLACE COMMITS

It says on stdout that it waits, or `done`.
"""

import sys
from collections.abc import Awaitable, Callable
from typing import TypeVar

import anyio
from lancedb import AsyncTable
from tests.storage.other_models import ShiftedEmbedder

from zettel.storage.lance import reembed
from zettel.storage.lance.store import open_as_it_is, open_store
from zettel.storage.lance.table import LanceTable
from zettel.storage.progress import no_progress

_T = TypeVar("_T")


def stop_before(commits: int) -> None:
    """Let this process make so many commits, then wait before the next one."""
    whole = LanceTable.commit
    left = [commits]

    async def commit(self: LanceTable, change: Callable[[AsyncTable], Awaitable[_T]]) -> _T:
        if not left[0]:
            say("waits")
            await anyio.sleep_forever()
        left[0] -= 1
        return await whole(self, change)

    LanceTable.commit = commit


def say(words: str) -> None:
    """One line."""
    sys.stdout.write(f"{words}\n")
    sys.stdout.flush()


async def pause() -> None:
    """Nobody else is served."""


async def work(place: str) -> None:
    """Fill, switch and clean up."""
    embedder = ShiftedEmbedder()
    reembed.COMMIT_ROWS = 2
    store = await open_as_it_is(place)
    await reembed.fill(store.tables, embedder, tell=no_progress, pause=pause)
    await store.close()
    store = await open_store(place, model_id=embedder.model_id, dim=embedder.dim)
    await reembed.clean_up(store.tables, embedder, tell=no_progress, pause=pause)
    await store.close()
    say("done")


if __name__ == "__main__":
    stop_before(int(sys.argv[2]))
    anyio.run(work, sys.argv[1])
