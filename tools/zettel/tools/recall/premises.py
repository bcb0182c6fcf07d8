"""Notes derived from others that do not stand any more: forgotten, superseded or told otherwise.

What an agent concluded need not be wrong with its premise, so nothing is hidden: the note says so,
and so does what was concluded from it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from zettel.storage.notes import DERIVED_FROM, Note, State
from zettel.storage.store import NoteFilter
from zettel.tools.recall_request import RecallQuery
from zettel.tools.state.memory import Memory

GONE = {State.FORGOTTEN: "was forgotten", State.SUPERSEDED: "was superseded"}
"""States in which a note carries no conclusion, in words."""
GONE_MAX_NOTES = 5_000
"""Newest notes of these states whose conclusions are listed."""
LINKED_AT_ONCE_NOTES = 500
"""Notes whose links are looked for in one read."""
PREMISES_MAX_SHOWN = 2
"""Most lost premises named in a note."""
PREMISES_MAX_STEPS = 4
"""Most steps from a conclusion to a premise; agents conclude from conclusions, but not for long."""
PREMISES_MAX_READ = 1_000
"""Most premises that are read of each step: those of the notes of an answer, and theirs."""


async def lost_premises(
    memory: Memory, asked: RecallQuery, notes: Sequence[Note]
) -> Mapping[str, str]:
    """Note id -> which of its premises do not stand, in words; without notes whose all stand.

    Of now alone: a look back shows what stood then.
    """
    if asked.looks_back:
        return {}
    known = await _read_premises(memory, notes)
    told = dict[str, str]()
    for note in notes:
        lost = [
            f"{to}, which {why}"
            for to, since in _premises(note).items()
            if (why := await _why_lost(memory, known, to, since, {note.note_id}))
        ]
        if lost:
            more = f" and {n} more" if (n := len(lost) - PREMISES_MAX_SHOWN) > 0 else ""
            told[note.note_id] = f"derived from {'; '.join(lost[:PREMISES_MAX_SHOWN])}{more}"
    return told


async def _read_premises(memory: Memory, notes: Sequence[Note]) -> Mapping[str, Note]:
    """The notes that these are derived from, and those that those are derived from, by id."""
    known, concluded = dict[str, Note](), notes
    for _ in range(PREMISES_MAX_STEPS):
        ids = {to for note in concluded for to in _premises(note)} - known.keys()
        if not ids:
            break
        concluded = await memory.store.get(sorted(ids)[:PREMISES_MAX_READ])
        known |= {note.note_id: note for note in concluded}
    return known


def _premises(note: Note) -> dict[str, datetime]:
    """Id of each note that an agent's note is derived from -> since when; a composed note has none.

    Evolution takes a composed note out with its source.
    """
    if note.derived:
        return {}
    standing = (k for k in note.links if k.relation == DERIVED_FROM and k.stood(None))
    return {link.to: link.made_at for link in standing}


async def _why_lost(
    memory: Memory, known: Mapping[str, Note], note_id: str, since: datetime, seen: set[str]
) -> str:
    """Why a premise does not stand, by itself or by its own; each is `seen` once."""
    if note_id in seen or (premise := known.get(note_id)) is None:
        return ""
    seen.add(note_id)
    if premise.state in GONE:
        return GONE[premise.state]
    if premise.known_from > since:
        revisions = await memory.store.revisions(note_id)
        then = next((r for r in reversed(revisions) if r.known_from <= since), None)
        if then and then.content != premise.content:
            return "has changed since"
    for to, from_then in _premises(premise).items():
        if why := await _why_lost(memory, known, to, from_then, seen):
            return f"is derived from {to}, which {why}"
    return ""


async def resting_on_gone(memory: Memory, where: NoteFilter) -> list[Note]:
    """Notes of a scope that are derived from forgotten or superseded ones, newest first.

    Or from what is derived from these, in at most `PREMISES_MAX_STEPS` steps.

    The tags of the scope are left out.
    """
    gone = await memory.store.find(
        NoteFilter(namespaces=where.namespaces, states=tuple(GONE), derived=None),
        limit=GONE_MAX_NOTES,
    )
    found, lost = set[str](), [note.note_id for note in gone]
    for _ in range(PREMISES_MAX_STEPS):
        concluded = await concluded_from(memory, lost)
        lost = sorted(concluded - found)
        found |= concluded
    if not found:
        return []
    wanted = replace(where, tags=(), note_ids=tuple(sorted(found)))
    return await memory.store.find(wanted, limit=len(found))


async def concluded_from(memory: Memory, note_ids: Sequence[str]) -> set[str]:
    """Ids of the current notes of agents that are derived from some of these."""
    found = set[str]()
    for start in range(0, len(note_ids), LINKED_AT_ONCE_NOTES):
        ids = note_ids[start : start + LINKED_AT_ONCE_NOTES]
        linking = await memory.store.linking_to(ids, relations=(DERIVED_FROM,))
        found |= {n.note_id for n in linking if not _premises(n).keys().isdisjoint(ids)}
    return found
