"""The arms of a question and their fusion: note ids, best first."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice

import anyio
import numpy as np
from anyio import to_thread

from zettel.storage.errors import ZettelError
from zettel.storage.notes import Hit, Outline, fold
from zettel.storage.store import NoteFilter
from zettel.tools.concurrency import gather2
from zettel.tools.ranking.bridge_entities import find_leads
from zettel.tools.ranking.corpus import Corpus, make_corpus
from zettel.tools.ranking.event_anchors import find_anchor, moment
from zettel.tools.ranking.fusion import (
    Ranked,
    Ranking,
    fuse,
    question_values,
    signal_values,
)
from zettel.tools.ranking.mentions import asked_names
from zettel.tools.ranking.multi_hop import (
    RELATION,
    beside_share,
    either,
    find_unnamed,
    lifted,
    step_share,
)
from zettel.tools.ranking.question import Question, read_question
from zettel.tools.state.memory import Memory

ARM = 1_000
"""Hits taken from each arm: all of a small scope, so that scaling runs over the scope."""
ARM_SCOPE = 4_000
"""Notes up to which a scope counts as small."""
LARGE_ARM = 200
"""Hits taken from each arm of a large scope: few enough for the vector index."""
BEST = 30
"""Hits of each arm whose sessions are read in a large scope."""
BESIDE = 4_000
"""Notes read of these sessions at most."""
STEPS = 2
"""Names a question is led on by, one after the other: "Ana's colleague's project's deadline"."""
PLACES = 20
"""Notes of each second look that get a place of their own; the rest of it is far from any."""
KEEP = 2
"""Notes of the first look that keep a place beside them: "My sister is a nurse" tells all that is
asked. It costs two steps 3 points of all@10 in the generator's dialogues on the seeds the rest is
set on, and nothing on two others."""
DEPTH = 200
"""Notes kept of a ranking: twenty pages of ten."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arms:
    """What each arm says to a question."""

    text: Mapping[str, float]
    """Raw BM25 by note id, best first."""
    meaning: Mapping[str, float]
    """Cosine by note id, best first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A ranking, and whether meaning had a part in it."""

    question: Question
    first: Ranking
    """Of every note that was looked at, at the first look."""
    ranked: Sequence[Ranked]
    """The best of it."""
    meaning: Mapping[str, float]
    """Cosine by note id; empty while the model is loading."""
    with_meaning: bool
    whole: bool
    """Whether all notes of the scope were looked at."""


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
    with_meaning = memory.embedder.ready
    corpus = await memory.corpora.read(memory.store, where, now)
    whole = corpus is not None
    if corpus:
        question = ask(query, corpus, now)
        arms, first = await _ranked(memory, question, where, corpus)
        ranking = await _beside(memory, where, now, first, question)
        ranking = await _steps(memory, where, now, ranking, question)
    else:
        question = read_question(query, (await memory.store.facets(where)).subjects, now)
        arms = await gather_arms(memory, question, where, arm=LARGE_ARM, with_meaning=with_meaning)
        around = await to_thread.run_sync(make_corpus, await _around(memory, where, arms))
        first = fuse(signal_values(question, arms.text, arms.meaning, around), around)
        ranking = first
    return Found(
        question=question,
        first=first,
        ranked=ranking.best(depth),
        meaning=arms.meaning,
        with_meaning=with_meaning,
        whole=whole,
    )


def ask(query: str, corpus: Corpus, now: datetime) -> Question:
    """Read a question that is asked of a corpus."""
    common = [name for name in map(fold, asked_names(query)) if corpus.is_common(name)]
    return read_question(query, corpus.subjects.values(), now, names=common)


async def _ranked(
    memory: Memory, question: Question, where: NoteFilter, corpus: Corpus
) -> tuple[Arms, Ranking]:
    """What the arms say, and its fusion with all the other signals."""
    arm = ARM if len(corpus) <= ARM_SCOPE else LARGE_ARM
    arms, beforehand = await gather2(
        lambda: gather_arms(memory, question, where, arm=arm, with_meaning=memory.embedder.ready),
        lambda: to_thread.run_sync(question_values, question, corpus),
    )
    values = signal_values(question, arms.text, arms.meaning, corpus, beforehand)
    return arms, fuse(values, corpus)


async def _beside(
    memory: Memory, where: NoteFilter, now: datetime, first: Ranking, question: Question
) -> Ranking:
    """Find the moment that a question names by an event, and let count what happened beside it."""
    corpus, anchor = first.corpus, find_anchor(question.text, now)
    if anchor is None or question.is_passage:
        return first
    event = replace(ask(anchor.what, corpus, now), subject=question.subject, names=question.names)
    _, told = await _ranked(memory, event, where, corpus)
    when = moment(told)
    if when is None:
        return first
    again = ask(anchor.rest, corpus, now)
    # Events are asked for: notes that speak of a time.
    again = replace(again, beside=(anchor.side, when), asks_when=True)
    _, found = await _ranked(memory, again, where, corpus)
    return either(
        either(first, found, beside_share(corpus)), told, min(step_share(corpus), RELATION)
    )


async def _steps(
    memory: Memory,
    where: NoteFilter,
    now: datetime,
    first: Ranking,
    question: Question,
    left: int = STEPS,
) -> Ranking:
    """Follow what a question names without a name, and let notes count by the better place."""
    corpus, text = first.corpus, question.capitalised()
    unnamed = find_unnamed(text)
    share = step_share(corpus)
    if unnamed is None or not left or question.is_passage:
        return first

    async def asked(text: str) -> tuple[Question, Ranking]:
        again = ask(text, corpus, now)
        _, found = await _ranked(memory, again, where, corpus)
        return again, found

    (_, about), (_, rest) = await gather2(lambda: asked(unnamed.words), lambda: asked(unnamed.rest))
    by_places, best = unnamed.is_person and not corpus.conversation, first.scores.max(initial=0.0)
    ranking = lifted(first, first, first.order[:KEEP], 1.0, best) if by_places else first
    for lead in await to_thread.run_sync(find_leads, unnamed, about, rest):
        again, found = await asked(unnamed.named(text, lead.name))
        found = await _steps(memory, where, now, found, again, left - 1)
        tying = replace(about, order=about.order[np.isin(about.order, lead.rows)])
        if by_places:
            ranking = lifted(ranking, found, found.order[:PLACES], lead.share, best)
            ranking = lifted(ranking, tying, tying.order[:PLACES], lead.share, best)
        else:
            ranking = either(ranking, found, share * lead.share)
            ranking = either(ranking, tying, min(share, RELATION) * lead.share)
    return ranking


async def gather_arms(
    memory: Memory, question: Question, where: NoteFilter, *, with_meaning: bool, arm: int = ARM
) -> Arms:
    """The hits by words and, if the model is loaded, by meaning, asked for at the same time."""
    text, meaning = list[Hit](), list[Hit]()

    async def by_words() -> None:
        text.extend(await memory.store.match_text(question.text, where, limit=arm))

    async def by_meaning() -> None:
        vector = await memory.embedder.embed_query(question.topic)
        meaning.extend(await memory.store.match_vectors(vector, where, limit=arm))

    try:
        async with anyio.create_task_group() as group:
            group.start_soon(by_words)
            if with_meaning:
                group.start_soon(by_meaning)
    except* ZettelError as failed:  # an error keeps its own words
        raise failed.exceptions[0] from None
    return Arms(
        text={hit.note_id: hit.score for hit in text},
        meaning={hit.note_id: hit.score for hit in meaning if hit.score > 0},
    )


async def _around(memory: Memory, where: NoteFilter, arms: Arms) -> list[Outline]:
    """Outlines of the hits, and of the whole sessions of the best of them."""
    ids = tuple(dict.fromkeys((*arms.text, *arms.meaning)))
    if not ids:
        return []
    hits = await memory.store.outlines(replace(where, note_ids=ids), limit=len(ids))
    best = {*islice(arms.text, BEST), *islice(arms.meaning, BEST)}
    sessions = tuple(sorted({o.session for o in hits if o.session and o.note_id in best}))
    if not sessions:
        return hits
    beside = await memory.store.outlines(replace(where, sessions=sessions), limit=BESIDE)
    if len(beside) == BESIDE:  # cut off, so that neighbours would be the wrong ones
        return [replace(outline, session="") for outline in hits]
    whole = {o.note_id: o for o in beside}
    # Of a session that was not read, two hits need not be neighbours.
    lone = [replace(o, session="") for o in hits if o.note_id not in whole]
    return [*lone, *whole.values()]
