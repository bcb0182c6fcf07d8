"""Tells notes in order to erase them for good, while everybody else is at work."""

from dataclasses import dataclass

import anyio
from pydantic import JsonValue

from benchmarks.soak.connections import Resident
from benchmarks.soak.grounds import Ground
from benchmarks.torture.errors import RefusedError

PAUSE_S = 6.0
"""Seconds between two erasures: each rewrites the files that hold the note."""

DONE = ("erased", "erasing")


@dataclass(frozen=True, slots=True, kw_only=True)
class Eraser:
    """One client that tells, previews, confirms, and looks whether it is gone.

    Args:
        ground: Where; what is erased is no part of its account.
        caller: Who does it.
    """

    ground: Ground
    caller: Resident

    async def erase_one(self, *, pause_s: float = PAUSE_S) -> None:
        """Tell one note, and erase it."""
        key = f"x{self.ground.choices.word()}"
        # Entered before it is sent: what is not acknowledged may be there or not.
        self.ground.erased[key] = ""
        told = await self.caller.call("remember", content=f"{key} is nobody's business")
        note_id = str(told["note_id"])
        self.ground.erased[key] = note_id
        ids: list[JsonValue] = [note_id]
        preview = await self.caller.call("forget", note_ids=ids, erase=True)
        self.ground.erased[key] = ""
        done = await self.caller.call("forget", confirm=str(preview["confirm"]))
        if done["status"] not in DONE or key in str(done):
            self.ground.account.failed.append(f"erasing {key} was answered with {done}")
            return
        if done["status"] == "erasing":
            # Ordered, and out of sight soon: whoever opens the store next goes on with it.
            return
        self.ground.gone.add(key)
        await self._is_gone(key, note_id)
        await anyio.sleep(pause_s)

    async def _is_gone(self, key: str, note_id: str) -> None:
        ids: list[JsonValue] = [note_id]
        found = await self.caller.call("recall", query=key)
        if note_id in str(found):
            self.ground.account.failed_reads.append(f"{key} is erased, and yet recalled")
        try:
            read = await self.caller.call("recall", note_ids=ids)
        except RefusedError:
            return
        self.ground.account.failed_reads.append(f"{key} is erased, and yet read: {read}")
