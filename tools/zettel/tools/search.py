"""The arms of a question and their fusion: note ids, best first."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import anyio

from zettel.storage.errors import ZettelError
from zettel.storage.notes import Hit, Outline
from zettel.storage.store import NoteFilter
from zettel.tools.memory import Memory
from zettel.tools.ranking.fusion import Ranked, fuse, signal_values
from zettel.tools.ranking.question import Question, read_question

ARM = 1_000
"""Hits taken from each arm: all of a small scope, so that scaling runs over the scope."""
WHOLE_SCOPE = 4_000
"""Notes up to which the whole scope is outlined; a larger one only by the sessions of its hits."""
BEST = 30
"""Hits of each arm whose sessions are read in a large scope."""
DEPTH = 200
"""Notes kept of a ranking: twenty pages of ten."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A ranking, and whether meaning had a part in it."""

    ranked: Sequence[Ranked]
    meaning: Mapping[str, float]
    """Cosine by note id; empty while the model is loading."""
    with_meaning: bool


async def search(memory: Memory, query: str, where: NoteFilter, *, depth: int = DEPTH) -> Found:
    """Rank the notes of a scope for a question, best first, at most `depth`."""
    small = await memory.store.count(where) <= WHOLE_SCOPE
    text, known = await _text_and_scope(memory, query, where, small=small)
    question = await _read(memory, query, where, known if small else None)
    with_meaning = memory.embedder.ready
    meaning = list[Hit]()
    if with_meaning:
        vector = await memory.embedder.embed_query(question.topic)
        meaning = await memory.store.match_vectors(vector, where, limit=ARM)
    if not small:
        known = await _around(memory, where, text, meaning)
    cosines = {hit.note_id: hit.score for hit in meaning if hit.score > 0}
    values = signal_values(question, {hit.note_id: hit.score for hit in text}, cosines, known)
    return Found(ranked=fuse(values, known)[:depth], meaning=cosines, with_meaning=with_meaning)


async def _text_and_scope(
    memory: Memory, query: str, where: NoteFilter, *, small: bool
) -> tuple[list[Hit], list[Outline]]:
    text, outlines = list[Hit](), list[Outline]()

    async def match_text() -> None:
        text.extend(await memory.store.match_text(query, where, limit=ARM))

    async def outline_scope() -> None:
        outlines.extend(await memory.store.outlines(where, limit=2 * WHOLE_SCOPE))

    try:
        async with anyio.create_task_group() as group:
            group.start_soon(match_text)
            if small:
                group.start_soon(outline_scope)
    except* ZettelError as failed:  # an error keeps its own words
        raise failed.exceptions[0] from None
    return text, outlines


async def _read(
    memory: Memory, query: str, where: NoteFilter, outlines: Sequence[Outline] | None
) -> Question:
    if outlines is None:
        return read_question(query, (await memory.store.facets(where)).subjects)
    return read_question(query, {o.subject for o in outlines if o.subject})


async def _around(
    memory: Memory, where: NoteFilter, text: Sequence[Hit], meaning: Sequence[Hit]
) -> list[Outline]:
    """Outlines of the hits, and of the whole sessions of the best of them."""
    ids = tuple({hit.note_id: None for hit in (*text, *meaning)})
    if not ids:
        return []
    hits = await memory.store.outlines(replace(where, note_ids=ids), limit=len(ids))
    best = {hit.note_id for hit in (*text[:BEST], *meaning[:BEST])}
    sessions = tuple(sorted({o.session for o in hits if o.session and o.note_id in best}))
    if not sessions:
        return hits
    beside = await memory.store.outlines(replace(where, sessions=sessions), limit=WHOLE_SCOPE)
    if len(beside) == WHOLE_SCOPE:  # cut off, so that neighbours would be the wrong ones
        return [replace(outline, session="") for outline in hits]
    whole = {o.note_id: o for o in beside}
    # Of a session that was not read, two hits need not be neighbours.
    lone = [replace(o, session="") for o in hits if o.note_id not in whole]
    return [*lone, *whole.values()]
