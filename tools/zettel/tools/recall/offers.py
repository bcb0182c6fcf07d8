"""What evolution offers for repeated feedback and facts, until somebody keeps or forgets it."""

from dataclasses import replace

from zettel.storage.notes import OFFERED_SORTS, PROPOSED_FACT, Note, State
from zettel.storage.store import NoteFilter
from zettel.tools.state.memory import Memory

OFFERED_MAX_NOTES = 20
"""Offers listed at once, the newest first."""


async def offered_rules(memory: Memory, where: NoteFilter) -> list[Note]:
    """The offered rules and facts of a scope, newest first.

    The tags of the scope are left out.
    """
    wanted = replace(where, tags=OFFERED_SORTS, derived=True)
    found = await memory.store.find(wanted, limit=OFFERED_MAX_NOTES)
    return [note for note in found if is_offered(note)]


def is_offered(note: Note) -> bool:
    """Whether a note is a rule or a fact that nobody has kept or forgotten yet."""
    offered = note.derived and note.origin.principal in OFFERED_SORTS
    return offered and note.state is State.ACTIVE


def settle_offer(note: Note) -> str:
    """The literal calls that keep what is offered, or refuse it; empty for any other note."""
    if not is_offered(note):
        return ""
    what = "fact" if note.origin.principal == PROPOSED_FACT else "rule"
    return (
        f'{note.context} Keep it as a {what}: update(note_id="{note.note_id}", tags=[]);'
        f' it is none: forget(note_ids=["{note.note_id}"])'
    )
