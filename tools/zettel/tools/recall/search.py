"""Ranks the notes of a scope for a question: arms, fusion, further looks, exact terms, reranker."""

import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice

import anyio
import numpy as np
from anyio import to_thread

from zettel.storage.errors import ModelUnavailableError, ZettelError
from zettel.storage.notes import MAY_SUPERSEDE, Hit, Note, Outline, fold, order_key
from zettel.storage.store import NoteFilter
from zettel.tools.changes.conflicts import PLAIN
from zettel.tools.concurrency import gather2
from zettel.tools.language.facts import find_statements
from zettel.tools.language.terms import STEM_CHARACTERS, terms
from zettel.tools.ranking.corpus import Corpus, make_corpus
from zettel.tools.ranking.exact_match import (
    EXACT_WEIGHT,
    RERANK_MAX_NOTES,
    RERANKER_WEIGHT,
    exact_share,
    find_exact_terms,
)
from zettel.tools.ranking.excerpt import cut_excerpt
from zettel.tools.ranking.fusion import (
    Ranking,
    fuse,
    question_values,
    signal_values,
    speaks_for_itself,
)
from zettel.tools.ranking.mentions import find_asked_names
from zettel.tools.ranking.multi_hop import (
    TIE_SHARE,
    beside_share,
    find_bridge_entities,
    find_multi_hop,
    merge_by_place,
    merge_by_score,
    step_share,
)
from zettel.tools.ranking.question import Question, find_anchor, read_question
from zettel.tools.ranking.ranked import Ranked, add_signal
from zettel.tools.ranking.signals import event_times
from zettel.tools.recall_request import RecallQuery
from zettel.tools.state.memory import Memory

SMALL_ARM_HITS = 1_000
"""Hits taken from each arm: all of a small scope, so that scaling runs over the scope."""
SMALL_SCOPE_NOTES = 4_000
"""Notes up to which a scope counts as small."""
LARGE_ARM_HITS = 200
"""Hits taken from each arm of a large scope: few enough for the vector index."""
SESSION_HITS = 30
"""Hits of each arm whose sessions are read in a large scope."""
SESSIONS_MAX_NOTES = 4_000
"""Notes read of these sessions at most."""
SEARCH_MAX_STEPS = 2
"""Names a question is led on by, one after the other: "Ana's colleague's project's deadline"."""
STEP_MAX_NOTES = 20
"""Notes of each second look that get a place of their own; the rest of it is far from any."""
FIRST_LOOK_NOTES = 2
"""Notes of the first look that keep a place beside them: "My sister is a nurse" tells all that is
asked. It costs two steps 3 points of all@10 in the generator's dialogues on the seeds the rest is
set on, and nothing on two others."""
RANKING_MAX_NOTES = 200
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
    memory: Memory, query: str, where: NoteFilter, *, now: datetime, depth: int = RANKING_MAX_NOTES
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
        arms = await gather_arms(
            memory, question, where, arm=LARGE_ARM_HITS, with_meaning=with_meaning
        )
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
    common = [name for name in map(fold, find_asked_names(query)) if corpus.is_common(name)]
    return read_question(query, corpus.subjects.values(), now, names=common)


async def _ranked(
    memory: Memory, question: Question, where: NoteFilter, corpus: Corpus
) -> tuple[Arms, Ranking]:
    """What the arms say, and its fusion with all the other signals."""
    arm = SMALL_ARM_HITS if len(corpus) <= SMALL_SCOPE_NOTES else LARGE_ARM_HITS
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
    when = _moment(told)
    if when is None:
        return first
    again = ask(anchor.rest, corpus, now)
    # Events are asked for: notes that speak of a time.
    again = replace(again, beside=(anchor.side, when), asks_when=True)
    _, found = await _ranked(memory, again, where, corpus)
    return merge_by_score(
        merge_by_score(first, found, beside_share(corpus)), told, min(step_share(corpus), TIE_SHARE)
    )


def _moment(ranking: Ranking) -> float | None:
    """When what the best note tells happened, as seconds since 1970; None if no note tells it."""
    (best,) = ranking.best(1) or (None,)
    if best is None or not speaks_for_itself(best):
        return None
    return float(event_times(ranking.corpus)[ranking.order[0]])


async def _steps(
    memory: Memory,
    where: NoteFilter,
    now: datetime,
    first: Ranking,
    question: Question,
    left: int = SEARCH_MAX_STEPS,
) -> Ranking:
    """Follow what a question names without a name, and let notes count by the better place."""
    corpus, text = first.corpus, question.capitalised()
    unnamed = find_multi_hop(text)
    share = step_share(corpus)
    if unnamed is None or not left or question.is_passage:
        return first

    async def asked(text: str) -> tuple[Question, Ranking]:
        again = ask(text, corpus, now)
        _, found = await _ranked(memory, again, where, corpus)
        return again, found

    (_, about), (_, rest) = await gather2(lambda: asked(unnamed.words), lambda: asked(unnamed.rest))
    by_places, best = unnamed.is_person and not corpus.conversation, first.scores.max(initial=0.0)
    ranking = (
        merge_by_place(first, first, first.order[:FIRST_LOOK_NOTES], 1.0, best)
        if by_places
        else first
    )
    for lead in await to_thread.run_sync(find_bridge_entities, unnamed, about, rest):
        again, found = await asked(unnamed.named(text, lead.name))
        found = await _steps(memory, where, now, found, again, left - 1)
        tying = replace(about, order=about.order[np.isin(about.order, lead.rows)])
        if by_places:
            ranking = merge_by_place(ranking, found, found.order[:STEP_MAX_NOTES], lead.share, best)
            ranking = merge_by_place(ranking, tying, tying.order[:STEP_MAX_NOTES], lead.share, best)
        else:
            ranking = merge_by_score(ranking, found, share * lead.share)
            ranking = merge_by_score(ranking, tying, min(share, TIE_SHARE) * lead.share)
    return ranking


async def gather_arms(
    memory: Memory,
    question: Question,
    where: NoteFilter,
    *,
    with_meaning: bool,
    arm: int = SMALL_ARM_HITS,
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
    best = {*islice(arms.text, SESSION_HITS), *islice(arms.meaning, SESSION_HITS)}
    sessions = tuple(sorted({o.session for o in hits if o.session and o.note_id in best}))
    if not sessions:
        return hits
    beside = await memory.store.outlines(
        replace(where, sessions=sessions), limit=SESSIONS_MAX_NOTES
    )
    if len(beside) == SESSIONS_MAX_NOTES:  # cut off, so that neighbours would be the wrong ones
        return [replace(outline, session="") for outline in hits]
    whole = {o.note_id: o for o in beside}
    # Of a session that was not read, two hits need not be neighbours.
    lone = [replace(o, session="") for o in hits if o.note_id not in whole]
    return [*lone, *whole.values()]


logger = logging.getLogger(__name__)

RERANK_MAX_CHARACTERS = 1200
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
    if terms := find_exact_terms(query):
        read = await _read(memory, asked, ranked)
        values = {o.note_id: exact_share(terms, o.content) for o in read}
        ranked = add_signal(ranked, "exact", values, EXACT_WEIGHT)
    if memory.reranker is None or not ranked:
        return tuple(ranked), ""
    if not memory.reranker.ready:
        return tuple(ranked), memory.reranker.problem or "reranker is loading"
    best = await _read(memory, asked, ranked[:RERANK_MAX_NOTES])
    texts = [_told(memory, outline, query) for outline in best]
    try:
        scores = await memory.reranker.score(query, texts)
    except ModelUnavailableError as error:
        logger.warning("served without the reranker: %s", error)
        return tuple(ranked), str(error)
    values = {o.note_id: score for o, score in zip(best, scores, strict=True)}
    return add_signal(ranked, "reranker", values, RERANKER_WEIGHT), ""


async def _read(memory: Memory, asked: RecallQuery, ranked: Sequence[Ranked]) -> list[Outline]:
    where = replace(asked.where, note_ids=tuple(r.note_id for r in ranked))
    return await memory.store.outlines(where, limit=len(ranked)) if ranked else []


def _told(memory: Memory, outline: Outline, query: str) -> str:
    """Who is spoken of, when, and the words: what the question may ask for."""
    words = outline.content
    if len(words) > RERANK_MAX_CHARACTERS:
        words = cut_excerpt(
            words, memory.embedder.split(words), query, characters=RERANK_MAX_CHARACTERS
        )
    told = f"{outline.subject}: {words}" if outline.subject else words
    return f"{outline.happened_at:%Y-%m-%d} {told}"


NEWEST_FIRST_NOTES = 20
"""The best of a ranking that are put in order, two pages of ten."""
NEWEST_SIGNAL = "newest"
"""What a score takes on from that of the note which it may supersede, so that it comes before it.
No signal: it says of no note what is in it."""
_FORMER = re.compile(
    r"\b(?:before|used? to|former(?:ly)?|previous(?:ly)?|old|earlier|once|original(?:ly)?|back then"
    r"|away from)\b",
    re.IGNORECASE,
)
_STILL = re.compile(r"\bstill\b", re.IGNORECASE)


async def newest_first(
    memory: Memory,
    asked: RecallQuery,
    question: Question,
    ranked: Sequence[Ranked],
    outlines: Mapping[str, Outline],
) -> tuple[Ranked, ...]:
    """Put whatever may supersede a note before it, the newest first, where that is plain.

    A note keeps its place that the question names by its value, or by a word that the other one
    does not have; and all do where a former value is asked for, or a time that has passed.

    Args:
        memory: Where.
        asked: The question's scope and clocks.
        question: As read.
        ranked: Best first.
        outlines: Of all of them, by note id.
    """
    if question.order == "first" or question.is_past or _FORMER.search(question.text):
        return tuple(ranked)
    best = {r.note_id: r for r in ranked[:NEWEST_FIRST_NOTES]}
    linking = await memory.store.linking_to(list(best), known_at=asked.known_at)
    pairs = [pair for note in linking for pair in _pairs(note, asked) if best.keys() >= {*pair}]
    ahead = _ahead(question, best, outlines, pairs)
    placed = dict[str, Ranked]()

    def place(one: Ranked) -> None:
        for other in ahead.get(one.note_id, ()):
            if other.note_id not in placed:
                place(other)
        placed.setdefault(one.note_id, one)

    for one in ranked:
        place(one)
    return _lifted(list(placed.values())) if ahead else tuple(ranked)


def _pairs(note: Note, asked: RecallQuery) -> list[tuple[str, str]]:
    """Ids of a note and of each that it may supersede."""
    at = asked.moment if asked.looks_back else None
    return [
        (note.note_id, link.to)
        for link in note.links
        if link.relation == MAY_SUPERSEDE and link.weight >= PLAIN and link.stood(at)
    ]


def _ahead(
    question: Question,
    best: Mapping[str, Ranked],
    outlines: Mapping[str, Outline],
    pairs: Sequence[tuple[str, str]],
) -> dict[str, list[Ranked]]:
    """Note id -> what comes before it, the newest first."""
    found = dict[str, list[str]]()
    for younger, older in pairs:
        # Either may have been dated anew since they were linked.
        later = order_key(outlines[younger]) > order_key(outlines[older])
        if later and not _is_asked_for(question, outlines[older], outlines[younger]):
            found.setdefault(older, []).append(younger)
    return {
        older: [best[i] for i in sorted(of, key=lambda i: order_key(outlines[i]), reverse=True)]
        for older, of in found.items()
    }


def _is_asked_for(question: Question, older: Outline, younger: Outline) -> bool:
    """Whether the question has a word that only the older note has, but for words of the fact.

    Its value is such a word, except where the question is whether it still holds.
    """
    told = find_statements(older)
    fact = [one.words for one in (*told, *find_statements(younger))]
    fact += [one.value for one in told if _STILL.search(question.text)]
    asked = _stems(question.topic) & _stems(older.content)
    return not asked <= _stems(" ".join((younger.subject, younger.content, *fact)))


def _stems(text: str) -> set[str]:
    return {term[:STEM_CHARACTERS] for term in terms(text)}


def _lifted(ranked: Sequence[Ranked]) -> tuple[Ranked, ...]:
    """With scores that fall: who was put first takes on what is missing."""
    lifted, least = list[Ranked](), float("-inf")
    for one in reversed(ranked):
        if one.score < least:
            one = Ranked(one.note_id, least, {**one.shares, NEWEST_SIGNAL: least - one.score})
        lifted.append(one)
        least = one.score
    return tuple(reversed(lifted))
