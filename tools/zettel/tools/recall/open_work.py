"""Too many unfinished working notes: said to the agent, with the calls that close or fold them."""

import json
from datetime import datetime

from zettel.storage.notes import SUPERSEDES, Kind, order_key
from zettel.storage.store import NoteFilter
from zettel.tools.state.memory import Memory

FOLD_NAMED_NOTES = 3
"""Oldest working notes named in the calls."""
WORKING_COUNTED_NOTES = 1_000
"""Most working notes counted."""


async def open_work_notice(memory: Memory, namespace: str, now: datetime) -> str:
    """What to do about a namespace's working notes; empty if they are not too many.

    Nothing is closed by itself: what is left open is the agent's to know.
    """
    if not memory.working_notes or not memory.may_write(namespace):
        return ""
    where = NoteFilter(namespaces=(namespace,), kinds=(Kind.WORKING,), unexpired_at=now)
    found = await memory.store.outlines(where, limit=WORKING_COUNTED_NOTES)
    if len(found) <= memory.working_notes:
        return ""
    ids = [note.note_id for note in sorted(found, key=order_key)[:FOLD_NAMED_NOTES]]
    links = json.dumps([{"to": note_id, "relation": SUPERSEDES} for note_id in ids])
    return (
        f"{len(found)} working notes are unfinished in {namespace!r}, more than"
        f' {memory.working_notes}. recall(kind="working") lists them. Close what is done, the'
        f' oldest first: update(note_id="{ids[0]}", kind="episodic"). Or fold several into what'
        f' came of them: remember(content="…", links={links}).'
    )
