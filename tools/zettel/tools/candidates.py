"""Stored notes that a new one may repeat or replace: shown to the agent, never acted upon."""

import logging
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TypeVar

import anyio
import numpy as np
from numpy.typing import NDArray

from zettel.storage.errors import StoreError, ZettelError
from zettel.storage.notes import Near, Note, Outline, fold
from zettel.storage.store import NoteFilter, Vectors
from zettel.tools.answers import Candidate
from zettel.tools.memory import Memory
from zettel.tools.render import shortened
from zettel.tools.together import both

T = TypeVar("T")

logger = logging.getLogger(__name__)

MOST = 5
"""Shown at most: the superseded note is among the 5 nearest for 83-87 % (HaluMem)."""
LOOKED_AT = 12
"""Nearest notes looked at; some fall to the floor, some are the note itself."""
PASSAGES = 4
"""Passages of a long note that are looked for."""
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


async def committed_beside_search(
    memory: Memory,
    namespace: str,
    vectors: Vectors | None,
    commit: Callable[[], Awaitable[T]],
    *,
    now: datetime,
) -> tuple[T, Sequence[Near] | None]:
    """Commit, and look for what may say the same meanwhile.

    If anybody else has committed meanwhile, it is looked for again: of two agents that tell the
    same at once, the one whose commit came second sees the other's note.

    Args:
        memory: Where.
        namespace: Of the note that is written.
        vectors: Its passages; without them (the model is still loading) nothing is looked for.
        commit: Makes one commit, or more.
        now: What has expired by then says nothing any more.

    Returns:
        What the commit returned, and the nearest active notes, those concerned by it among them;
        None without vectors.
    """
    if vectors is None:
        return await commit(), None
    before = await memory.store.version()
    written, near = await both(commit, lambda: nearest_notes(memory, namespace, vectors, now=now))
    if not await _stood_still(memory, before):
        near = await nearest_notes(memory, namespace, vectors, now=now)
    return written, near


async def candidates(
    memory: Memory, note: Note, near: Sequence[Near] | None, settled: Collection[str] = ()
) -> list[Candidate]:
    """What of the nearest notes to show beside a note that was just stored.

    Args:
        memory: Where.
        note: As it is stored.
        near: From `committed_beside_search`; None looks for notes of the same subject that share
            most words.
        settled: Ids of notes that the same call superseded or archived.
    """
    if near is None:
        return await _by_words(memory, note)
    done, subject = {note.note_id, *settled}, fold(note.subject)
    best = dict[str, Near]()
    for found in near:
        other = found.outline
        alike = found.score >= NEAR or (
            found.score >= NEAR_SAME_SUBJECT and subject and fold(other.subject) == subject
        )
        if alike and other.note_id not in done:
            best[other.note_id] = max(best.get(other.note_id, found), found, key=_score)
    chosen = sorted(best.values(), key=lambda found: (-found.score, found.outline.note_id))
    return [_candidate(note, found.outline, found.score) for found in chosen[:MOST]]


def _score(near: Near) -> float:
    return near.score


async def nearest_notes(
    memory: Memory, namespace: str, vectors: Vectors, *, now: datetime
) -> list[Near]:
    """Active notes near any of the passages; none rather than an error: a note is stored already.

    Args:
        memory: Where.
        namespace: Whose.
        vectors: Passages.
        now: What has expired by then is left out.
    """
    try:
        where = NoteFilter(namespaces=(namespace,), unexpired_at=now)
        return await _nearest(memory, where, vectors)
    except StoreError:
        logger.warning("no candidates: the store could not be searched", exc_info=True)
        return []


async def _nearest(memory: Memory, where: NoteFilter, vectors: Vectors) -> list[Near]:
    found = list[Near]()

    async def look(vector: NDArray[np.float32]) -> None:
        found.extend(
            await memory.store.nearest(vector, where, limit=LOOKED_AT, least=NEAR_SAME_SUBJECT)
        )

    try:
        async with anyio.create_task_group() as group:
            for vector in vectors[:PASSAGES]:
                group.start_soon(look, vector)
    except* ZettelError as failed:
        raise failed.exceptions[0] from None
    return found


async def _stood_still(memory: Memory, before: int) -> bool:
    """Whether nobody has committed since but this call, once."""
    try:
        return await memory.store.version() == before + 1
    except StoreError:
        return False


async def _by_words(memory: Memory, note: Note) -> list[Candidate]:
    try:
        return await _sharing_words(memory, note)
    except StoreError:
        logger.warning("no candidates: the store could not be searched", exc_info=True)
        return []


async def _outlined(memory: Memory, where: NoteFilter, ids: Sequence[str]) -> list[Outline]:
    if not ids:
        return []
    return await memory.store.outlines(replace(where, note_ids=tuple(ids)), limit=len(ids))


async def _sharing_words(memory: Memory, note: Note) -> list[Candidate]:
    where = NoteFilter(namespaces=(note.namespace,), unexpired_at=note.known_from)
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
        content=shortened(words, SHOWN_CHARACTERS),
        why=alike + subject,
        settle=settle_call(note, other),
    )
