"""Another process on a store: run as a module, it works until done or killed.

    python -m tests.storage.store_worker PLACE JOB [ARGUMENT ...]

Each finished step is one line of JSON on stdout, written after the store acknowledged it.
"""

import json
import os
import sys
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import anyio
import anyio.to_thread
from tests.storage.samples import DIM, MODEL, make_note, recalled, revised

from zettel.storage.lance.store import open_store
from zettel.storage.store import Change, NewNote, Store


def say(*values: str | int | bool) -> None:
    """Acknowledge a step."""
    sys.stdout.write(json.dumps(values) + "\n")
    sys.stdout.flush()


async def tell(store: Store, name: str, count: int) -> None:
    """Add notes one by one."""
    for number in range(count):
        note = make_note(f"{name} {number}", now=datetime.now(UTC))
        await store.write(new=[NewNote(note=note)])
        say(note.note_id)


async def revise(store: Store, note_id: str, wins: int) -> None:
    """Count up in a note's content, as fast as it goes, until so many changes were ours."""
    while wins:
        (now,) = await store.get([note_id])
        change = revised(now, str(int(now.content) + 1), now=datetime.now(UTC))
        # Of two equal changes told in the same moment the store takes one, and both are stored.
        mine = Change(note=replace(change.note, reason=f"by process {os.getpid()}"))
        if not (await store.write(changes=[mine])).lost:
            wins -= 1
            say("revised")


async def obey(store: Store) -> None:
    """Do one step for each line on stdin, so that two of us do it in the same moment."""
    while line := await anyio.to_thread.run_sync(sys.stdin.readline):
        match json.loads(line):
            case ["swap", str(key), expected, value]:
                say(await store.swap_meta(key, expected=expected, value=value))
            case ["revise", str(note_id), str(words)]:
                written = await store.write(
                    changes=[revised((await store.get([note_id]))[0], words)]
                )
                say(not written.lost)
            case ["use", str(note_id), int(count)]:
                await store.reinforce([recalled(note_id, recalls=count)])
                say(True)
            case unknown:
                raise ValueError(unknown)


async def tend(store: Store) -> None:
    """Tend the store without a pause, saying each time whether it was our turn."""
    while True:
        say(await store.upkeep())


async def make(place: Path, count: int) -> None:
    """Make stores at once after the start signal, each a little after the one before."""
    say("ready")
    await anyio.to_thread.run_sync(sys.stdin.readline)
    async with anyio.create_task_group() as tasks:
        for number in range(count):
            tasks.start_soon(partial(open_store, str(place / str(number)), model_id=MODEL, dim=DIM))
            await anyio.sleep(0.03)


async def work(place: str, job: str, arguments: list[str]) -> None:
    """Open the store, wait for the start signal on stdin, and do the job."""
    if job == "make":
        await make(Path(place), int(arguments[0]))
        return
    store = await open_store(place, model_id=MODEL, dim=DIM)
    say("ready")
    await anyio.to_thread.run_sync(sys.stdin.readline)
    if job == "tell":
        await tell(store, arguments[0], int(arguments[1]))
    elif job == "revise":
        await revise(store, arguments[0], int(arguments[1]))
    elif job == "tend":
        await tend(store)
    else:
        await obey(store)
    await store.close()


if __name__ == "__main__":
    anyio.run(work, sys.argv[1], sys.argv[2], sys.argv[3:])
