"""The second look at a ranking: at the words of its notes, where the first saw their scores."""

import logging
from collections.abc import Sequence
from dataclasses import replace

from zettel.storage.errors import ModelUnavailableError
from zettel.storage.notes import Outline
from zettel.tools.ranking.exact_match import (
    EXACT_WEIGHT,
    RERANKED,
    RERANKER_WEIGHT,
    exact,
    exact_terms,
    with_signal,
)
from zettel.tools.ranking.excerpt import excerpt
from zettel.tools.ranking.fusion import Ranked
from zettel.tools.recall_request import RecallQuery
from zettel.tools.state.memory import Memory

logger = logging.getLogger(__name__)

READ_CHARACTERS = 1200
"""Characters of a note that a cross-encoder reads, its best passages: some 300 tokens, which with
the question fit into the 512 that most such models take."""


async def reordered(
    memory: Memory, asked: RecallQuery, ranked: Sequence[Ranked]
) -> tuple[tuple[Ranked, ...], str]:
    """Lift notes that hold a term of the question to the letter; then have the best ones reranked.

    Returns:
        The ranking, and why it is not as good as it could be; empty if it is.
    """
    query = asked.asking.query
    if terms := exact_terms(query):
        read = await _read(memory, asked, ranked)
        values = {o.note_id: exact(terms, o.content) for o in read}
        ranked = with_signal(ranked, "exact", values, EXACT_WEIGHT)
    if memory.reranker is None or not ranked:
        return tuple(ranked), ""
    if not memory.reranker.ready:
        return tuple(ranked), memory.reranker.problem or "reranker is loading"
    best = await _read(memory, asked, ranked[:RERANKED])
    texts = [_told(memory, outline, query) for outline in best]
    try:
        scores = await memory.reranker.score(query, texts)
    except ModelUnavailableError as error:
        logger.warning("served without the reranker: %s", error)
        return tuple(ranked), str(error)
    values = {o.note_id: score for o, score in zip(best, scores, strict=True)}
    return with_signal(ranked, "reranker", values, RERANKER_WEIGHT), ""


async def _read(memory: Memory, asked: RecallQuery, ranked: Sequence[Ranked]) -> list[Outline]:
    where = replace(asked.where, note_ids=tuple(r.note_id for r in ranked))
    return await memory.store.outlines(where, limit=len(ranked)) if ranked else []


def _told(memory: Memory, outline: Outline, query: str) -> str:
    """Who is spoken of, when, and the words: what the question may ask for."""
    words = outline.content
    if len(words) > READ_CHARACTERS:
        words = excerpt(words, memory.embedder.split(words), query, characters=READ_CHARACTERS)
    told = f"{outline.subject}: {words}" if outline.subject else words
    return f"{outline.happened_at:%Y-%m-%d} {told}"
