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
from zettel.tools.changes.conflicts import Conflict, of_others, tellers, tells_otherwise
from zettel.tools.concurrency import gather2
from zettel.tools.language.facts import Statement, find_statements
from zettel.tools.render import shorten
from zettel.tools.state.memory import Memory

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
    written, near = await gather2(
        commit, lambda: nearest_notes(memory, namespace, vectors, now=now)
    )
    if not await _stood_still(memory, before):
        near = await nearest_notes(memory, namespace, vectors, now=now)
    return written, near


async def candidates(
    memory: Memory, note: Note, near: Sequence[Near] | None, settled: Collection[str] = ()
) -> list[Candidate]:
    """What to show beside a note that was just stored.

    First what tells the same fact of the same one otherwise, however far its words are; then what
    is alike.

    Args:
        memory: Where.
        note: As it is stored.
        near: From `committed_beside_search`; None looks for notes of the same subject that share
            most words.
        settled: Ids of notes that the same call superseded or archived.
    """
    done, told = {note.note_id, *settled}, find_statements(note)
    cosines = dict[str, float]()
    for found in near or ():
        note_id = found.outline.note_id
        cosines[note_id] = max(cosines.get(note_id, found.score), found.score)
    known = {found.outline.note_id: found.outline for found in near or ()}
    known |= {other.note_id: other for other in await _tellers(memory, note, told)}
    known = {note_id: other for note_id, other in known.items() if note_id not in done}
    rivals = {i: r for i, o in known.items() if (r := tells_otherwise(note, told, o))}
    alike = [
        other
        for note_id, other in known.items()
        if _alike(note, other, cosines.get(note_id, -1.0)) and not of_others(told, other)
    ]
    if near is None:
        alike = [o for o in await _by_words(memory, note) if o.note_id not in done]
    chosen = {o.note_id: o for o in (*(known[i] for i in rivals), *alike)}.values()

    def rank(other: Outline) -> tuple[bool, float, str]:
        note_id = other.note_id
        return (note_id not in rivals, -cosines.get(note_id, 0.0), note_id)

    return [
        _candidate(note, other, cosines.get(other.note_id), rivals.get(other.note_id))
        for other in sorted(chosen, key=rank)[:MOST]
    ]


def _alike(note: Note, other: Outline, cosine: float) -> bool:
    subject = fold(note.subject)
    same_subject = bool(subject) and fold(other.subject) == subject
    return cosine >= (NEAR_SAME_SUBJECT if same_subject else NEAR)


async def _tellers(memory: Memory, note: Note, told: Sequence[Statement]) -> list[Outline]:
    where = NoteFilter(namespaces=(note.namespace,), unexpired_at=note.known_from)
    try:
        return await tellers(memory.store, told, where)
    except StoreError:
        logger.warning("fewer candidates: the store could not be searched", exc_info=True)
        return []


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


async def _by_words(memory: Memory, note: Note) -> list[Outline]:
    try:
        return await _sharing_words(memory, note)
    except StoreError:
        logger.warning("no candidates: the store could not be searched", exc_info=True)
        return []


async def _outlined(memory: Memory, where: NoteFilter, ids: Sequence[str]) -> list[Outline]:
    if not ids:
        return []
    return await memory.store.outlines(replace(where, note_ids=tuple(ids)), limit=len(ids))


async def _sharing_words(memory: Memory, note: Note) -> list[Outline]:
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
    return chosen


def _candidate(
    note: Note, other: Outline, cosine: float | None, otherwise: Conflict | None
) -> Candidate:
    alike = (
        "shares most words" if cosine is None else f"similarity {np.floor(cosine * 100) / 100:.2f}"
    )
    if cosine is not None and cosine >= SAME:
        alike = f"nearly the same words, {alike}"
    if otherwise:
        alike = otherwise.reason if cosine is None else f"{otherwise.reason}, {alike}"
    subject = (
        f", same subject {other.subject!r}"
        if note.subject and note.subject == other.subject
        else ""
    )
    words = " ".join(other.content.split())
    return Candidate(
        note_id=other.note_id,
        content=shorten(words, SHOWN_CHARACTERS),
        why=alike + subject,
        settle=settle_call(note, other),
    )
