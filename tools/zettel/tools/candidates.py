"""Stored notes that a new one may repeat or replace: shown to the agent, never acted upon."""

import logging
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from zettel.storage.errors import StoreError
from zettel.storage.notes import Note, Outline, fold
from zettel.storage.store import NoteFilter, Vectors
from zettel.tools.answers import Candidate
from zettel.tools.memory import Memory

logger = logging.getLogger(__name__)

MOST = 5
"""Shown at most: the superseded note is among the 5 nearest for 83-87 % (HaluMem)."""
LOOKED_AT = 12
"""Nearest notes looked at; some fall to the floor, some are the note itself."""
NEAR = 0.70
NEAR_SAME_SUBJECT = 0.60
"""Exact cosine from which a note is a candidate: whoever it is about, and about the same subject.
"Caroline moved to Lyon" and "... to Paris" are at 0.63; at 0.5 every second turn of a conversation
(LoCoMo 26) would come with five."""
SAME = 0.95
"""Exact cosine from which two notes are called nearly the same in `why`."""
SHOWN_CHARACTERS = 160


def settle_call(note: Note, other: Outline) -> str:
    """The literal calls that settle a pair, the younger note always being the one that changes.

    Younger by when it happened, then by when it was told: two agents that raced choose the same
    one, and a note just updated to today's fact is not superseded by last year's.
    """
    pair = sorted([(note.happened_at, note.note_id), (other.happened_at, other.note_id)])
    (_, older), (_, younger) = pair
    return (
        f'says the same: forget(note_ids=["{younger}"]); replaced: update(note_id="{younger}",'
        f' links=[{{"to": "{older}", "relation": "supersedes"}}])'
    )


async def offered_candidates(
    memory: Memory, note: Note, vectors: Vectors | None
) -> list[Candidate]:
    """`find_candidates` for a note that is stored already: without them rather than not at all."""
    try:
        return await find_candidates(memory, note, vectors)
    except StoreError:
        logger.warning("no candidates: the store could not be searched", exc_info=True)
        return []


async def find_candidates(memory: Memory, note: Note, vectors: Vectors | None) -> list[Candidate]:
    """The nearest active notes of the note's namespace, by the cosine of their best passages.

    Without vectors (the model is still loading) notes of the same subject that share most words.
    """
    where = NoteFilter(namespaces=(note.namespace,))
    if vectors is None:
        return await _by_words(memory, note, where)
    best = dict[str, float]()
    for vector in vectors[:4]:
        for hit in await memory.store.match_vectors(vector, where, limit=LOOKED_AT):
            best[hit.note_id] = max(best.get(hit.note_id, -1.0), hit.score)
    near = [i for i in best if best[i] >= NEAR_SAME_SUBJECT and i != note.note_id]
    subject = fold(note.subject)
    chosen = [
        other
        for other in await _outlined(memory, where, near)
        if best[other.note_id] >= NEAR or (subject and fold(other.subject) == subject)
    ]
    chosen.sort(key=lambda other: -best[other.note_id])
    return [_candidate(note, other, best[other.note_id]) for other in chosen[:MOST]]


async def _outlined(memory: Memory, where: NoteFilter, ids: Sequence[str]) -> list[Outline]:
    if not ids:
        return []
    return await memory.store.outlines(replace(where, note_ids=tuple(ids)), limit=len(ids))


async def _by_words(memory: Memory, note: Note, where: NoteFilter) -> list[Candidate]:
    hits = await memory.store.match_text(note.content[:512], where, limit=LOOKED_AT)
    words = set(fold(note.content).split())
    chosen = list[Outline]()
    for other in await _outlined(
        memory, where, [h.note_id for h in hits if h.note_id != note.note_id]
    ):
        shared = words & set(fold(other.content).split())
        if fold(other.subject) == fold(note.subject) and 2 * len(shared) > len(words):
            chosen.append(other)
    return [_candidate(note, other, None) for other in chosen[:MOST]]


def _candidate(note: Note, other: Outline, cosine: float | None) -> Candidate:
    alike = (
        "shares most words" if cosine is None else f"similarity {np.floor(cosine * 100) / 100:.2f}"
    )
    if cosine is not None and cosine >= SAME:
        alike = f"nearly the same words, {alike}"
    subject = (
        f", same subject {other.subject!r}"
        if note.subject and note.subject == other.subject
        else ""
    )
    words = " ".join(other.content.split())
    return Candidate(
        note_id=other.note_id,
        content=words if len(words) <= SHOWN_CHARACTERS else words[: SHOWN_CHARACTERS - 1] + "…",
        why=alike + subject,
        settle=settle_call(note, other),
    )
