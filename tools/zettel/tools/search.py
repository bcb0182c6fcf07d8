"""The arms of a question and their fusion: note ids, best first."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import anyio

from zettel.storage.notes import Hit, Outline
from zettel.storage.store import NoteFilter
from zettel.tools.memory import Memory
from zettel.tools.ranking.fusion import Ranked, fuse, signal_values
from zettel.tools.ranking.question import Question, read_question

ARM = 1_000
"""Hits taken from each arm: all of a small scope, so that scaling runs over the scope."""
WHOLE_SCOPE = 4_000
"""Notes up to which the whole scope is outlined; a larger one only by the sessions of its hits."""
DEPTH = 200
"""Notes kept of a ranking: twenty pages of ten."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A ranking, and whether meaning had a part in it."""

    ranked: Sequence[Ranked]
    meaning: Mapping[str, float]
    """Cosine by note id; empty while the model is loading."""
    with_meaning: bool


async def search(memory: Memory, query: str, where: NoteFilter) -> Found:
    """Rank the notes of a scope for a question, best first, at most `DEPTH`."""
    text, outlines = list[Hit](), list[Outline]()

    async def match_text() -> None:
        text.extend(await memory.store.match_text(query, where, limit=ARM))

    async def outline_scope() -> None:
        outlines.extend(await memory.store.outlines(where, limit=WHOLE_SCOPE + 1))

    async with anyio.create_task_group() as group:
        group.start_soon(match_text)
        group.start_soon(outline_scope)
    whole = len(outlines) <= WHOLE_SCOPE
    question = await _read(memory, query, where, outlines if whole else None)
    with_meaning = memory.embedder.ready
    meaning = list[Hit]()
    if with_meaning:
        vector = await memory.embedder.embed_query(question.topic)
        meaning = await memory.store.match_vectors(vector, where, limit=ARM)
    known = outlines if whole else await _around(memory, where, [*text, *meaning])
    cosines = {hit.note_id: hit.score for hit in meaning if hit.score > 0}
    values = signal_values(question, {hit.note_id: hit.score for hit in text}, cosines, known)
    return Found(ranked=fuse(values, known)[:DEPTH], meaning=cosines, with_meaning=with_meaning)


async def _read(
    memory: Memory, query: str, where: NoteFilter, outlines: Sequence[Outline] | None
) -> Question:
    if outlines is None:
        return read_question(query, (await memory.store.facets(where)).subjects)
    return read_question(query, {o.subject for o in outlines if o.subject})


async def _around(memory: Memory, where: NoteFilter, hits: Sequence[Hit]) -> list[Outline]:
    """Outlines of the hits and of their sessions."""
    ids = tuple({hit.note_id for hit in hits})
    near = await memory.store.outlines(replace(where, note_ids=ids), limit=len(ids)) if ids else []
    sessions = tuple({o.session for o in near if o.session})
    if sessions:
        beside = await memory.store.outlines(replace(where, sessions=sessions), limit=WHOLE_SCOPE)
        near = list({o.note_id: o for o in (*beside, *near)}.values())
    return near
