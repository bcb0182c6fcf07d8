"""Evolve a store as `zettel evolve --once` does, and die by SIGKILL at a named point of it.

    python -m tests.server.evolve_worker PLACE NOW BEFORE POINT [RUN]

BEFORE is `step` (before a step, POINT its name), `commit` (POINT `before` or `after` it), or
`nothing`. With RUN, that run is undone instead, as `zettel undo` does.
"""

import os
import signal
import sys
from collections.abc import Sequence
from datetime import datetime

import anyio

from zettel.server.commands.evolve import evolve_once, undo_once
from zettel.server.config.settings import load_engine_settings
from zettel.storage.lance.store import LanceStore
from zettel.storage.store import Change, NewNote, Written


def die() -> None:
    """Without a word, as a power cut would have it."""
    os.kill(os.getpid(), signal.SIGKILL)


def main(place: str, now: str, before: str, point: str, run: str = "") -> None:
    """Evolve, or undo, until the point."""
    writing = LanceStore.write

    async def write(
        self: LanceStore, *, new: Sequence[NewNote] = (), changes: Sequence[Change] = ()
    ) -> Written:
        if (before, point) == ("commit", "before"):
            die()
        written = await writing(self, new=new, changes=changes)
        if (before, point) == ("commit", "after"):
            die()
        return written

    LanceStore.write = write

    def progress(step: str, done: int, total: int) -> None:
        if (before, point) == ("step", step):
            die()

    settings = load_engine_settings(place)
    if run:
        anyio.run(undo_once, settings, run, False, lambda: None)
        return
    anyio.run(evolve_once, settings, datetime.fromisoformat(now), progress, lambda: None)


if __name__ == "__main__":
    main(*sys.argv[1:])
