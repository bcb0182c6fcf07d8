"""The arms of a question and their fusion: note ids, best first."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import anyio
from anyio import to_thread

from zettel.storage.errors import ZettelError
from zettel.storage.notes import Hit, Outline
from zettel.storage.store import NoteFilter
from zettel.tools.corpora import WHOLE_SCOPE
from zettel.tools.memory import Memory
from zettel.tools.ranking.corpus import Corpus, make_corpus
from zettel.tools.ranking.fusion import Ranked, Ranking, fuse, signal_values
from zettel.tools.ranking.question import Question, read_question

ARM = 1_000
"""Hits taken from each arm: all of a small scope, so that scaling runs over the scope."""
BEST = 30
"""Hits of each arm whose sessions are read in a large scope."""
DEPTH = 200
"""Notes kept of a ranking: twenty pages of ten."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A ranking, and whether meaning had a part in it."""

    question: Question
    ranking: Ranking
    """Of every note that was looked at."""
    ranked: Sequence[Ranked]
    """The best of it."""
    meaning: Mapping[str, float]
    """Cosine by note id; empty while the model is loading."""
    with_meaning: bool


async def search(
    memory: Memory, query: str, where: NoteFilter, *, now: datetime, depth: int = DEPTH
) -> Found:
    """Rank the notes of a scope for a question, best first, at most `depth`.

    Args:
        memory: Where to search.
        query: The question.
        where: The scope.
        now: What "last week" in the question is relative to, and what stands is shown.
        depth: Notes to return.
    """
    corpus = await memory.corpora.read(memory.store, where, now)
    if corpus:
        subjects = {outline.subject for outline in corpus.outlines if outline.subject}
    else:
        subjects = set((await memory.store.facets(where)).subjects)
    question = read_question(query, subjects, now)
    with_meaning = memory.embedder.ready
    text, meaning = await _arms(memory, question, where, with_meaning=with_meaning)
    if corpus is None:
        corpus = await to_thread.run_sync(
            make_corpus, await _around(memory, where, text, meaning)
        )
    ranking, cosines = _ranked(question, text, meaning, corpus)
    return Found(
        question=question,
        ranking=ranking,
        ranked=ranking.best(depth),
        meaning=cosines,
        with_meaning=with_meaning,
    )


def _ranked(
    question: Question, text: Sequence[Hit], meaning: Sequence[Hit], corpus: Corpus
) -> tuple[Ranking, dict[str, float]]:
    cosines = {hit.note_id: hit.score for hit in meaning if hit.score > 0}
    words = {hit.note_id: hit.score for hit in text}
    return fuse(signal_values(question, words, cosines, corpus), corpus), cosines


async def _arms(
    memory: Memory, question: Question, where: NoteFilter, *, with_meaning: bool
) -> tuple[list[Hit], list[Hit]]:
    """The hits by words and those by meaning, asked for at the same time."""
    text, meaning = list[Hit](), list[Hit]()

    async def by_words() -> None:
        text.extend(await memory.store.match_text(question.text, where, limit=ARM))

    async def by_meaning() -> None:
        vector = await memory.embedder.embed_query(question.topic)
        meaning.extend(await memory.store.match_vectors(vector, where, limit=ARM))

    try:
        async with anyio.create_task_group() as group:
            group.start_soon(by_words)
            if with_meaning:
                group.start_soon(by_meaning)
    except* ZettelError as failed:  # an error keeps its own words
        raise failed.exceptions[0] from None
    return text, meaning


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
