"""Reading notes as of now, or as they were valid or known at another moment."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from zettel.storage.notes import Note, State
from zettel.storage.store import NoteFilter
from zettel.tools.recall_request import RecallQuery
from zettel.tools.state.memory import Memory

READABLE_STATES = tuple(state for state in State if state is not State.FORGOTTEN)
"""States of notes that can be read by id."""


async def resolve_as_of(
    memory: Memory, asked: RecallQuery, page_known_at: datetime | None
) -> RecallQuery:
    """Resolve the moments of a request.

    On a later page, `page_known_at` is the moment that the first page saw.

    Returns:
        The request with a filter that matches exactly one revision of a note.
    """
    known_at = asked.known_at or page_known_at
    if asked.request.as_of:
        # A fixed moment makes later reads consistent while others write. The store's latest may be
        # in the future if a clock was set back, and is before a note left what may be read.
        known_at = known_at or max(asked.now, await memory.store.latest() or asked.now)
        where = replace(asked.where, known_at=known_at)
        where = replace(where, past=await memory.store.rows_true_at(where))
    else:
        where = replace(asked.where, known_at=known_at)
    return replace(asked, where=where)


async def read_ids(memory: Memory, asked: RecallQuery, note_ids: Sequence[str]) -> list[Note]:
    """The notes of these ids, in order, in any state but forgotten.

    For another moment: each as it was then, without those not known or not valid then.
    """
    if not asked.looks_back:
        found = await memory.store.get(note_ids)
        return [note for note in found if note.state is not State.FORGOTTEN]
    where = NoteFilter(
        note_ids=tuple(note_ids),
        states=READABLE_STATES,
        known_at=asked.where.known_at,
        derived=None,
    )
    if asked.request.as_of:
        where = replace(where, valid_at=asked.moment)
        where = replace(where, past=await memory.store.rows_true_at(where))
    return await _in_order(memory, asked, where)


async def read_page(memory: Memory, asked: RecallQuery, note_ids: Sequence[str]) -> list[Note]:
    """The notes of a page in its order, without those that are not active any more."""
    if not asked.looks_back:
        found = await memory.store.get(note_ids)
        return [
            note
            for note in found
            if note.state is State.ACTIVE
            and (note.valid_until is None or asked.now < note.valid_until)
        ]
    return await _in_order(memory, asked, replace(asked.where, note_ids=tuple(note_ids)))


async def _in_order(memory: Memory, asked: RecallQuery, where: NoteFilter) -> list[Note]:
    found = {n.note_id: n for n in await memory.store.find(where, limit=len(where.note_ids))}
    there = (found[i] for i in where.note_ids if i in found)
    return [await _as_seen(memory, note, asked, where.known_at) for note in there]


async def _as_seen(
    memory: Memory, note: Note, asked: RecallQuery, known_at: datetime | None
) -> Note:
    """The revision with the end that was known then, without later corrections."""
    if known_at and note.known_to and note.known_to > known_at:
        return replace(note, current=True, known_to=None, ended_at=None, corrected=False)
    if note.ended_at is None:
        return note
    revisions = await memory.store.revisions(note.note_id)
    known = [r for r in revisions if known_at is None or r.known_from <= known_at]
    end = find_end(note, known)
    return replace(note, ended_at=end if end and end > asked.moment else None)


def find_end(note: Note, known: Sequence[Note]) -> datetime | None:
    """When a revision's validity ended, by all later revisions.

    The revision that closed it may have got another date, or a later one may begin earlier.

    `known` are the note's known revisions, oldest first.
    """
    *before, last = known
    later = [r for r in before if r.rev > note.rev and r.ended_at and not r.corrected]
    later += [last] if last.rev > note.rev else []
    return min((r.valid_from for r in later), default=None)
