"""From what a client wants to look at to the function that shows it.

Imported after serving has begun, as the verbs are.
"""

from collections.abc import Mapping
from datetime import datetime

from zettel.server.readings import (
    CompletionReading,
    HistoryReading,
    NoteReading,
    ProfileReading,
    Reading,
    RevsReading,
    StatsReading,
    VersionReading,
)
from zettel.tools.caller import Caller
from zettel.tools.recall.completion import complete
from zettel.tools.recall.resources import read_history, read_note, read_profile, read_stats, revs_of
from zettel.tools.state.memory import Memory


async def look(
    memory: Memory, caller: Caller, reading: Reading, *, now: datetime
) -> Mapping[str, object]:
    """Carry out one reading.

    Raises:
        ZettelError: It cannot be done.
    """
    match reading:
        case NoteReading(note_id=note_id):
            return await read_note(memory, caller, now=now, note_id=note_id)
        case HistoryReading(note_id=note_id):
            return await read_history(memory, caller, now=now, note_id=note_id)
        case ProfileReading(namespace=namespace):
            return await read_profile(memory, caller, now=now, namespace=namespace)
        case StatsReading():
            return await read_stats(memory, caller, now=now)
        case CompletionReading():
            return await _complete(memory, caller, reading, now)
        case RevsReading(note_ids=note_ids):
            return await revs_of(memory, caller, now=now, note_ids=note_ids)
        case VersionReading():
            return {"version": await memory.store.version()}
        case _:
            raise TypeError(type(reading).__name__)


async def _complete(
    memory: Memory, caller: Caller, reading: CompletionReading, now: datetime
) -> Mapping[str, object]:
    found = await complete(
        memory,
        caller,
        now=now,
        name=reading.name,
        begun=reading.begun,
        namespace=reading.namespace,
    )
    return {"values": list(found.values), "total": found.total}
