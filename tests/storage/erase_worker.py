"""Another process that erases, reads or writes: run as a module, until done or killed.

    python -m tests.storage.erase_worker PLACE NOTE_ID COMMITS
    python -m tests.storage.erase_worker PLACE live

The first erases and is killed at that commit; the second reads and writes until a line comes on
stdin.
"""

import os
import signal
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import TypeVar

import anyio
import anyio.to_thread
from lancedb import AsyncTable
from tests.storage.samples import DIM, MODEL, make_note, recalled, revised

from zettel.storage.embedding.hashing import HashEmbedder
from zettel.storage.lance.store import LanceStore, open_store
from zettel.storage.lance.table import LanceTable
from zettel.storage.store import NewNote, NoteFilter
from zettel.tools.erasure.orders import drain, order_erasure
from zettel.tools.state.memory import Memory

T = TypeVar("T")


async def erase(store: LanceStore, note_id: str, commits: int) -> None:
    """Erase a note; this process does not outlive so many commits."""
    plain, done = LanceTable.commit, 0

    async def counted(self: LanceTable, change: Callable[[AsyncTable], Awaitable[T]]) -> T:
        nonlocal done
        result = await plain(self, change)
        done += 1
        if done == commits:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    LanceTable.commit = counted
    memory, now = Memory(store=store, embedder=HashEmbedder()), datetime.now(UTC)
    await order_erasure(memory, [note_id], scope="notes", who="test", now=now)
    await drain(memory, now=now)


async def live(store: LanceStore) -> None:
    """Read and write, one after the other, as fast as it goes."""
    ended = anyio.Event()

    async def wait() -> None:
        await anyio.to_thread.run_sync(sys.stdin.readline)
        ended.set()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(wait)
        rounds = 0
        while not ended.is_set():
            note = make_note(f"bee of {os.getpid()}, {rounds}", now=datetime.now(UTC))
            await store.write(new=[NewNote(note=note)])
            changed = revised(note, f"bee of {os.getpid()}, changed", now=datetime.now(UTC))
            assert not (await store.write(changes=[changed])).lost
            await store.reinforce([recalled(note.note_id)])
            assert await store.match_text("bee", NoteFilter(), limit=5)
            assert [r.rev for r in await store.revisions(note.note_id)] == [1, 2]
            assert await store.find(NoteFilter(), limit=20)
            rounds += 1
            sys.stdout.write(f"{note.note_id}\n")
            sys.stdout.flush()


async def work(place: str, what: str, commits: str) -> None:
    """Open the store and do it."""
    store = await open_store(place, model_id=MODEL, dim=DIM)
    await (live(store) if what == "live" else erase(store, what, int(commits)))
    await store.close()


if __name__ == "__main__":
    anyio.run(work, sys.argv[1], sys.argv[2], sys.argv[3])
