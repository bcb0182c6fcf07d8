"""The command of a process that does nothing but tend a store: `python -m` with its directory.

One line on standard output for every upkeep: `upkeep`, or `busy` if another process was at it; and
the ids of the newest evolution runs, each followed by a colon.
"""

import sys
from random import uniform

import anyio

from zettel.storage.embedding.hashing import HashEmbedder
from zettel.storage.lance.store import open_store

PAUSE_S = 0.5
"""Seconds between two upkeeps at most."""

NEWEST = 3
"""Runs that are looked at behind each upkeep."""


async def tend(place: str) -> None:
    """Keep a store up again and again, until killed."""
    embedder = HashEmbedder()
    store = await open_store(place, model_id=embedder.model_id, dim=embedder.dim, create=False)
    while True:
        done = await store.upkeep()
        sys.stdout.write("upkeep\n" if done else "busy\n")
        newest = await store.runs(limit=NEWEST)
        sys.stdout.writelines(f"{run.run_id}:\n" for run in newest if run.kind == "evolve")
        sys.stdout.flush()
        await anyio.sleep(uniform(0, PAUSE_S))


if __name__ == "__main__":
    anyio.run(tend, sys.argv[1])
