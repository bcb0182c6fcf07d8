"""Notes derived from others that do not stand any more: forgotten, superseded or told otherwise.

What an agent concluded need not be wrong with its premise, so nothing is hidden: the note says so.
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


async def lost_premises(
    memory: Memory, asked: RecallQuery, notes: Sequence[Note]
) -> Mapping[str, str]:
    """Note id -> which of its premises do not stand, in words; without notes whose all stand.

    Of now alone: a look back shows what stood then.
    """
    if asked.looks_back:
        return {}
    links = {note.note_id: _premises(note) for note in notes}
    ids = sorted({to for premises in links.values() for to in premises})
    known = {note.note_id: note for note in await memory.store.get(ids)} if ids else {}
    told = dict[str, str]()
    for note_id, premises in links.items():
        lost = [
            f"{to}, which {why}"
            for to, since in premises.items()
            if to in known and (why := await _why_lost(memory, known[to], since))
        ]
        if lost:
            more = f" and {n} more" if (n := len(lost) - PREMISES_MAX_SHOWN) > 0 else ""
            told[note_id] = f"derived from {'; '.join(lost[:PREMISES_MAX_SHOWN])}{more}"
    return told


def _premises(note: Note) -> dict[str, datetime]:
    """Id of each note that an agent's note is derived from -> since when; a composed note has none.

    Evolution takes a composed note out with its source.
    """
    if note.derived:
        return {}
    standing = (k for k in note.links if k.relation == DERIVED_FROM and k.stood(None))
    return {link.to: link.made_at for link in standing}


async def _why_lost(memory: Memory, premise: Note, since: datetime) -> str:
    if premise.state in GONE:
        return GONE[premise.state]
    if premise.known_from <= since:
        return ""
    revisions = await memory.store.revisions(premise.note_id)
    then = next((r for r in reversed(revisions) if r.known_from <= since), None)
    return "has changed since" if then and then.content != premise.content else ""


async def resting_on_gone(memory: Memory, where: NoteFilter) -> list[Note]:
    """Notes of a scope that are derived from forgotten or superseded ones, newest first.

    Args:
        memory: The memory.
        where: The scope; its tags are left out.
    """
    gone = await memory.store.find(
        NoteFilter(namespaces=where.namespaces, states=tuple(GONE), derived=None),
        limit=GONE_MAX_NOTES,
    )
    found = set[str]()
    for start in range(0, len(gone), LINKED_AT_ONCE_NOTES):
        ids = [note.note_id for note in gone[start : start + LINKED_AT_ONCE_NOTES]]
        linking = await memory.store.linking_to(ids, relations=(DERIVED_FROM,))
        found |= {n.note_id for n in linking if not _premises(n).keys().isdisjoint(ids)}
    if not found:
        return []
    wanted = replace(where, tags=(), note_ids=tuple(sorted(found)))
    return await memory.store.find(wanted, limit=len(found))
