"""Ranks a scope's notes for a question: arms, fusion, further looks, reranking, newest first."""

import logging
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import islice

import numpy as np

from zettel.storage.errors import ModelUnavailableError
from zettel.storage.notes import (
    MAY_SUPERSEDE,
    SUPERSEDES,
    Hit,
    Kind,
    Note,
    Outline,
    fold,
    order_key,
    outline_of,
)
from zettel.storage.store import NoteFilter, Vectors
from zettel.tools.changes.conflicts import NAMED_CONFIDENCE, PREFERRED_MIN_CONFIDENCE
from zettel.tools.changes.supersession import supersedes
from zettel.tools.concurrency import check_cancelled, gather2, read_in_thread, read_texts
from zettel.tools.language.facts import find_statements
from zettel.tools.language.question_words import sort_tags
from zettel.tools.language.terms import stems, terms
from zettel.tools.ranking.corpus import Corpus, Values, make_corpus
from zettel.tools.ranking.excerpt import rank_passages
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
    MultiHop,
    beside_share,
    find_bridge_entities,
    find_multi_hop,
    merge_by_place,
    merge_by_score,
    step_share,
)
from zettel.tools.ranking.question import USER, Question, find_anchor, read_question
from zettel.tools.ranking.ranked import Ranked, add_signal
from zettel.tools.ranking.signals import (
    event_times,
    exact_share,
    find_exact_terms,
)
from zettel.tools.ranking.weights import EXACT_WEIGHT, RERANKER_WEIGHT
from zettel.tools.recall_request import RecallQuery
from zettel.tools.state.memory import Memory
from zettel.tools.tracing import start_part
from zettel.tools.trust import TrustView

SMALL_ARM_HITS = 1_000
"""Hits of each arm in a scope that is read whole: all it may hold of a question's words."""
LARGE_ARM_HITS = 100
"""Hits of each arm in a large scope: few enough for the vector index."""
SESSION_HITS = 10
"""Hits of each arm whose sessions are candidates in a scope too large to be read whole."""
HIT_SESSIONS_MAX_NOTES = 4_000
"""Most notes read of these sessions."""
ASKED_FOR_MAX_NOTES = 200
"""Most notes, the newest, of a time, a subject or a kind that a question asks for."""
SEARCH_MAX_PASSES = 5
"""Times that a question is answered from the candidates so far: the first finds words to search,
each step of two names a candidate to look for, and the last finds nothing new."""
SEARCH_MAX_STEPS = 2
"""Names followed one after the other: "Ana's colleague's project's deadline" takes two."""
STEP_MAX_NOTES = 20
"""Notes of each second look that are merged by place."""
FIRST_LOOK_NOTES = 2
"""Notes of the first look merged by place as well: "My sister is a nurse" needs one step."""
RANKING_MAX_NOTES = 200
"""Most notes of a ranking: twenty pages of ten."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arms:
    """The hits of each arm."""

    text: Mapping[str, float]
    """Raw BM25 by note id, best first."""
    meaning: Mapping[str, float]
    """Cosine by note id, best first; empty while the model is loading."""
    vector: Vectors | None
    """What was searched by meaning, shape `(dim,)`; None while the model is loading."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The result of a search."""

    question: Question
    first: Ranking
    """The first look's ranking, of every note that was looked at."""
    ranked: Sequence[Ranked]
    """The best notes after all looks."""
    arms: Arms
    """Of the first look."""
    with_meaning: bool
    superseded: Mapping[str, str] = field(default_factory=dict[str, str])
    """Id of a superseded note among them -> id of the current note in its place."""


async def search(
    memory: Memory, query: str, where: NoteFilter, *, now: datetime, depth: int = RANKING_MAX_NOTES
) -> Found:
    """Rank the notes of a scope for a question, best first.

    Args:
        memory: The memory.
        query: The question.
        where: The scope.
        now: The moment that relative times mean, and at which notes must be valid.
        depth: Most notes to return.
    """
    with start_part("scope"):
        corpus = await memory.corpora.read(memory.store, where, now)
    looks = _Looks(memory, where, now, corpus)
    found = await _search(looks, query, depth)
    for _ in range(SEARCH_MAX_PASSES - 1):
        if not await looks.widen(found.question):
            break
        found = await _search(looks, query, depth)
    return found


async def _search(looks: "_Looks", query: str, depth: int) -> Found:
    question = await looks.ask(query)
    arms, first = await looks.rank(question)
    with start_part("further looks"):
        ranking = await _beside(looks, first, question)
        ranking = await _steps(looks, ranking, question)
    return Found(
        question=question,
        first=first,
        ranked=ranking.best(depth),
        arms=arms,
        with_meaning=looks.with_meaning,
    )


class _Looks:
    """Looks at a scope for one question: each ranks the same notes.

    A large scope's notes are the candidates that the looks found so far; `widen` adds what the
    last ones found, and all are to be taken again.

    Args:
        memory: The memory.
        where: The scope.
        now: The moment that relative times mean.
        corpus: From `CorpusCache.read`.
    """

    def __init__(self, memory: Memory, where: NoteFilter, now: datetime, corpus: Corpus) -> None:
        self.now = now
        self.corpus = corpus
        self.with_meaning = memory.embedder.ready
        self._memory = memory
        self._where = where
        self._arms = dict[tuple[str, str], Arms]()
        # A small scope is never widened.
        candidates = corpus.outlines if corpus.statistics else ()
        self._outlines = {outline.note_id: outline for outline in candidates}
        self._read_ids = set[str]()
        self._sessions = {""}
        self._asked_for = set[NoteFilter]()
        self._asked = dict[str, tuple[Corpus, Question]]()

    async def ask(self, query: str) -> Question:
        """Read a question, again if the candidates bring other subjects or names."""
        if query in self._asked:
            of, question = self._asked[query]
            if reads_alike(of, self.corpus):
                return question
        with start_part("question"):
            question = await read_in_thread(ask, query, self.corpus, self.now)
        self._asked[query] = self.corpus, question
        return question

    async def rank(self, question: Question) -> tuple[Arms, Ranking]:
        """The arms' hits, and their fusion with the other signals."""

        async def signals() -> Mapping[str, Values]:
            with start_part("signals"):
                return await read_in_thread(question_values, question, self.corpus)

        arms, beforehand = await gather2(lambda: self._searched(question), signals)
        with start_part("fusion"):
            return arms, await read_in_thread(_fused, question, arms, self.corpus, beforehand)

    async def _searched(self, question: Question) -> Arms:
        key = (question.words or question.text, question.topic)
        if key not in self._arms:
            self._arms[key] = await gather_arms(
                self._memory,
                question,
                self._where,
                arm=LARGE_ARM_HITS if self.corpus.statistics else SMALL_ARM_HITS,
                with_meaning=self.with_meaning,
            )
        return self._arms[key]

    async def widen(self, question: Question) -> bool:
        """Add the notes that were found and are not candidates yet; False if there are none."""
        corpus = self.corpus
        if corpus.statistics is None:
            return False
        with start_part("candidates"):
            before = len(self._outlines), len(self._sessions)
            await self._add_hits()
            await self._add_asked_for(question)
            if before == (len(self._outlines), len(self._sessions)):
                return False
            # Of a session that was not read, two hits need not be neighbours.
            told, sessions = list(self._outlines.values()), frozenset(self._sessions)
            self.corpus = await read_in_thread(
                lambda: make_corpus(told, corpus, corpus.statistics, whole_sessions=sessions)
            )
        return self.corpus is not corpus

    async def _add_hits(self) -> None:
        """Add the arms' hits and the whole sessions of the best."""
        arms = [hits for of in self._arms.values() for hits in (of.text, of.meaning)]
        found = dict.fromkeys(note_id for hits in arms for note_id in hits)
        await self._add(note_ids=tuple(found.keys() - self._outlines.keys() - self._read_ids))
        best = {note_id for hits in arms for note_id in islice(hits, SESSION_HITS)}
        told = {self._outlines[note_id].session for note_id in best & self._outlines.keys()}
        if sessions := tuple(sorted(told - self._sessions)):
            if await self._add(sessions=sessions) < HIT_SESSIONS_MAX_NOTES:
                self._sessions.update(sessions)

    async def _add(self, **only: tuple[str, ...]) -> int:
        """Read notes of the scope, and say how many there are."""
        if not any(only.values()):
            return 0
        within = replace(self._where, **only)
        found = await self._memory.store.outlines(within, limit=HIT_SESSIONS_MAX_NOTES)
        self._outlines |= {outline.note_id: outline for outline in found}
        self._read_ids.update(only.get("note_ids", ()))
        return len(found)

    async def _add_asked_for(self, question: Question) -> None:
        """Add notes that a question asks for by time, kind or subject, whatever their words."""
        for where in _asked_for(question, self._where, self.corpus):
            if where not in self._asked_for:
                self._asked_for.add(where)
                notes = await self._memory.store.find(where, limit=ASKED_FOR_MAX_NOTES)
                self._outlines |= {note.note_id: outline_of(note) for note in notes}


def reads_alike(one: Corpus, other: Corpus) -> bool:
    """Whether `ask` reads every question alike with two corpora."""
    same = one.usual is other.usual and one.users == other.users
    # In their order as well: of two subjects with one first name the first is meant.
    return same and list(one.subjects.items()) == list(other.subjects.items())


def ask(query: str, corpus: Corpus, now: datetime) -> Question:
    """Read a question with the subjects and common names of a corpus."""
    common = [name for name in map(fold, find_asked_names(query)) if corpus.is_common(name)]
    return read_question(query, corpus.subjects.values(), now, names=common, users=corpus.users)


def _asked_for(question: Question, where: NoteFilter, corpus: Corpus) -> list[NoteFilter]:
    """The notes of a scope that a question asks for by time, kind or subject."""
    found = list[NoteFilter]()
    if question.only_when or question.sort:
        for start, end in question.times:
            since, until = (datetime.fromtimestamp(at, UTC) for at in (start, end))
            found.append(
                replace(
                    where,
                    since=max(since, where.since or since),
                    until=min(until, where.until or until),
                )
            )
    if question.sort == "open" and not where.kinds:
        found.append(replace(where, kinds=(Kind.WORKING,)))
    if question.sort in ("open", "decided") and not where.tags:
        found.append(replace(where, tags=tuple(sorted(sort_tags(question.sort)))))
    if question.all_of_whom and not where.subject:
        meant = {question.subject, *((USER, *corpus.users) if question.asks_self else ())}
        subjects = (spelled for name in meant if (spelled := corpus.subjects.get(name)))
        found += [replace(where, subject=subject) for subject in sorted(subjects)]
    return found


def _fused(
    question: Question, arms: Arms, corpus: Corpus, beforehand: Mapping[str, Values]
) -> Ranking:
    return fuse(signal_values(question, arms.text, arms.meaning, corpus, beforehand), corpus)


async def _beside(looks: _Looks, first: Ranking, question: Question) -> Ranking:
    """Find the moment that a question names by an event, and rank what happened next to it."""
    anchor = await read_texts(len(question.text), lambda: find_anchor(question.text, looks.now))
    if anchor is None or question.is_passage:
        return first
    event = await looks.ask(anchor.what)
    event = replace(event, subject=question.subject, names=question.names)
    _, told = await looks.rank(event)
    when = _moment(told)
    if when is None:
        return first
    again = await looks.ask(anchor.rest)
    # The question asks for events, which are notes that mention a time.
    again = replace(again, beside=(anchor.side, when), asks_when=True)
    _, found = await looks.rank(again)
    share = min(step_share(first.corpus), TIE_SHARE)
    return merge_by_score(merge_by_score(first, found, beside_share(first.corpus)), told, share)


def _moment(ranking: Ranking) -> float | None:
    """When the best note's event happened, in seconds since 1970; None if no note matches."""
    (best,) = ranking.best(1) or (None,)
    if best is None or not speaks_for_itself(best):
        return None
    return float(event_times(ranking.corpus)[ranking.order[0]])


async def _steps(
    looks: _Looks, first: Ranking, question: Question, left: int = SEARCH_MAX_STEPS
) -> Ranking:
    """Resolve what a question names indirectly, and merge the rankings of the resolved ones."""
    corpus = first.corpus

    def read() -> tuple[str, MultiHop | None]:
        text = question.capitalised()
        return text, find_multi_hop(text)

    text, unnamed = await read_texts(len(question.text), read)
    share = step_share(corpus)
    if unnamed is None or not left or question.is_passage:
        return first

    async def asked(text: str) -> tuple[Question, Ranking]:
        again = await looks.ask(text)
        _, found = await looks.rank(again)
        return again, found

    (_, about), (_, rest) = await gather2(lambda: asked(unnamed.words), lambda: asked(unnamed.rest))
    by_places, best = unnamed.is_person and not corpus.conversation, first.scores.max(initial=0.0)
    ranking = (
        merge_by_place(first, first, first.order[:FIRST_LOOK_NOTES], 1.0, best)
        if by_places
        else first
    )
    for lead in await read_in_thread(find_bridge_entities, unnamed, about, rest):
        again, found = await asked(unnamed.named(text, lead.name))
        found = await _steps(looks, found, again, left - 1)
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
    """The hits by words and, if the model is loaded, by meaning, searched concurrently."""

    async def by_words() -> Sequence[Hit]:
        with start_part("text"):
            words = question.words or question.text
            return await memory.store.match_text(words, where, limit=arm)

    async def by_meaning() -> tuple[Sequence[Hit], Vectors | None]:
        if not with_meaning:
            return (), None
        with start_part("encoding"):
            vector = await memory.embedder.embed_query(question.topic)
        with start_part("vectors"):
            return await memory.store.match_vectors(vector, where, limit=arm), vector

    text, (meaning, vector) = await gather2(by_words, by_meaning)
    return Arms(
        text={hit.note_id: hit.score for hit in text},
        meaning={hit.note_id: hit.score for hit in meaning if hit.score > 0},
        vector=vector,
    )


logger = logging.getLogger(__name__)

RERANK_MAX_NOTES = 20
"""Most notes that a cross-encoder reads for a question: two pages of ten."""
RERANK_MAX_CHARACTERS = 1200
"""Characters of a note's best passages that a cross-encoder reads: some 300 tokens, which with the
question fit the 512 of most models."""


async def reordered(
    memory: Memory, query: str, ranked: Sequence[Ranked], outlines: Mapping[str, Outline]
) -> tuple[tuple[Ranked, ...], str]:
    """Lift notes that hold an exact term of the question, then rerank the best ones.

    Args:
        memory: The memory.
        query: The question.
        ranked: Best first.
        outlines: Outlines of all ranked notes, by id.

    Returns:
        The ranking, and why the reranker was not used; empty if it was or there is none.
    """
    if terms := await read_texts(len(query), lambda: find_exact_terms(query)):
        read = [outlines[one.note_id] for one in ranked]
        characters = sum(len(outline.content) for outline in read)
        values = await memory.read(characters, lambda: _exact_shares(terms, read))
        ranked = add_signal(ranked, "exact", values, EXACT_WEIGHT)
    if memory.reranker is None or not ranked:
        return tuple(ranked), ""
    if not memory.reranker.ready:
        return tuple(ranked), memory.reranker.problem or "reranker is loading"
    best = [outlines[one.note_id] for one in ranked[:RERANK_MAX_NOTES]]
    texts = await read_in_thread(lambda: [_told(outline, query) for outline in best])
    try:
        scores = await memory.reranker.score(query, texts)
    except ModelUnavailableError as error:
        logger.warning("served without the reranker: %s", error)
        return tuple(ranked), str(error)
    values = {o.note_id: score for o, score in zip(best, scores, strict=True)}
    return add_signal(ranked, "reranker", values, RERANKER_WEIGHT), ""


def _exact_shares(terms: Sequence[str], outlines: Sequence[Outline]) -> dict[str, float]:
    shares = dict[str, float]()
    for outline in outlines:
        # The call's time may be over: two hundred of the longest notes take a second.
        check_cancelled()
        shares[outline.note_id] = exact_share(terms, outline.content)
    return shares


def _told(outline: Outline, query: str) -> str:
    """Day, subject and words of a note, as the reranker reads it."""
    words = outline.content
    if len(words) > RERANK_MAX_CHARACTERS:
        words = rank_passages(words, query).cut(RERANK_MAX_CHARACTERS)
    told = f"{outline.subject}: {words}" if outline.subject else words
    return f"{outline.happened_at:%Y-%m-%d} {told}"


NEWEST_FIRST_NOTES = 20
"""The best notes of a ranking that are reordered: two pages of ten."""
NEWEST_SIGNAL, FORMER_SIGNAL = "newest", "former"
"""Share that raises a note's score to that of the note it may supersede, or may be superseded by;
not a signal."""
_STILL = re.compile(r"\bstill\b", re.IGNORECASE)


async def newest_first(
    memory: Memory,
    asked: RecallQuery,
    question: Question,
    ranked: Sequence[Ranked],
    outlines: Mapping[str, Outline],
) -> tuple[Ranked, ...]:
    """Move notes that plainly may supersede a note before it, the newest first.

    A note that is to supersede another later comes behind that. A note keeps its place if the
    question names it by its value or by a word that the other one lacks; all do if a past time is
    asked for that the newer note does not name. If a former value is asked for, the older note
    moves before the newer one. No note moves before one that is trusted more.

    Args:
        memory: The memory.
        asked: The request's scope and clocks.
        question: The question.
        ranked: Best first.
        outlines: Outlines of all ranked notes, by id.
    """
    best = {r.note_id: r for r in ranked[:NEWEST_FIRST_NOTES]}
    linking = await memory.store.linking_to(
        list(best), known_at=asked.known_at, relations=(MAY_SUPERSEDE, SUPERSEDES)
    )
    pairs = [pair for note in linking for pair in _pairs(note, asked) if best.keys() >= {*pair}]
    if question.is_past:
        pairs = [pair for pair in pairs if _names_time(question, outlines[pair[0]])]
    pairs = await _believed(memory, linking, pairs, both=question.asks_former) if pairs else pairs
    named = _pairs_named(linking, asked)
    ahead = dict[str, list[Ranked]]()
    if question.asks_former:
        ahead = _former_first(best, outlines, pairs)
    elif pairs:
        ahead = await read_in_thread(_ahead, question, best, outlines, pairs, named)
    if not (question.is_past or question.is_ahead) and question.order != "next":
        ahead |= _standing_first(linking, best, asked.moment)
    if not ahead:
        return tuple(ranked)
    placed = dict[str, Ranked]()

    def place(one: Ranked) -> None:
        for other in ahead.get(one.note_id, ()):
            if other.note_id not in placed:
                place(other)
        placed.setdefault(one.note_id, one)

    for one in ranked:
        place(one)
    signal = FORMER_SIGNAL if question.asks_former else NEWEST_SIGNAL
    return lifted(list(placed.values()), signal)


def _former_first(
    best: Mapping[str, Ranked], outlines: Mapping[str, Outline], pairs: Iterable[tuple[str, str]]
) -> dict[str, list[Ranked]]:
    """Note id -> the note to place before it, which it may have superseded."""
    return {
        younger: [best[older]]
        for younger, older in pairs
        if order_key(outlines[younger]) > order_key(outlines[older])
    }


def _names_time(question: Question, outline: Outline) -> bool:
    """Whether a note names every time that the question does, in its words."""
    told = set(terms(outline.content))
    return bool(question.time_words) and all(words <= told for words in question.time_words)


def _standing_first(
    linking: Iterable[Note], best: Mapping[str, Ranked], at: datetime
) -> dict[str, list[Ranked]]:
    """Note id of one that is to supersede others later -> those, which stand until then."""
    return {
        note.note_id: [best[i] for i in supersedes(note) if i in best]
        for note in linking
        if note.note_id in best and note.happened_at > at
    }


async def _believed(
    memory: Memory, newer: Iterable[Note], pairs: Sequence[tuple[str, str]], *, both: bool
) -> list[tuple[str, str]]:
    """The pairs whose newer note is trusted enough to stand before the older.

    With `both` also the other way round.
    """
    notes = {note.note_id: note for note in newer}
    older = {n.note_id: n for n in await memory.store.get(sorted({to for _, to in pairs}))}
    return [
        (note_id, to)
        for note_id, to in pairs
        if to in older
        and memory.trust.may_replace(notes[note_id], older[to])
        and (not both or memory.trust.may_replace(older[to], notes[note_id]))
    ]


def _pairs_named(notes: Iterable[Note], asked: RecallQuery) -> frozenset[tuple[str, str]]:
    """Pairs of ids: a note, and a note whose value it names as former."""
    pairs = (pair for note in notes for pair in _pairs(note, asked, least=NAMED_CONFIDENCE))
    return frozenset(pairs)


def _pairs(
    note: Note, asked: RecallQuery, *, least: float = PREFERRED_MIN_CONFIDENCE
) -> list[tuple[str, str]]:
    """Pairs of ids: a note, and a note that it may supersede, with at least this confidence."""
    at = asked.moment if asked.looks_back else None
    return [
        (note.note_id, link.to)
        for link in note.links
        if link.relation == MAY_SUPERSEDE and link.weight >= least and link.stood(at)
    ]


def _ahead(
    question: Question,
    best: Mapping[str, Ranked],
    outlines: Mapping[str, Outline],
    pairs: Sequence[tuple[str, str]],
    named: Collection[tuple[str, str]],
) -> dict[str, list[Ranked]]:
    """Note id -> the notes to place before it, the newest first.

    A note that names the older one's value as former tells what was asked of that, too.
    """
    found = dict[str, list[str]]()
    for younger, older in pairs:
        # Either may have got another date since they were linked.
        later = order_key(outlines[younger]) > order_key(outlines[older])
        tells = (younger, older) in named
        if later and (tells or not is_asked_for(question, outlines[older], outlines[younger])):
            found.setdefault(older, []).append(younger)
    return {
        older: [best[i] for i in sorted(of, key=lambda i: order_key(outlines[i]), reverse=True)]
        for older, of in found.items()
    }


def is_asked_for(question: Question, older: Outline, younger: Outline) -> bool:
    """Whether the question has a word that only the older note has, besides words of the fact.

    The older value is such a word, unless the question is whether it still holds.
    """
    told = find_statements(older)
    fact = [one.words for one in (*told, *find_statements(younger))]
    fact += [one.value for one in told if _STILL.search(question.text)]
    asked = stems(question.topic) & stems(older.content)
    return not asked <= stems(" ".join((younger.subject, younger.content, *fact)))


def lifted(ranked: Sequence[Ranked], signal: str = NEWEST_SIGNAL) -> tuple[Ranked, ...]:
    """Raise the scores of moved notes, by a share of this name, so that scores descend."""
    lifted, least = list[Ranked](), float("-inf")
    for one in reversed(ranked):
        if one.score < least:
            one = Ranked(one.note_id, least, {**one.shares, signal: least - one.score})
        lifted.append(one)
        least = one.score
    return tuple(reversed(lifted))


def placed_first(
    ranked: Sequence[Ranked],
    note_id: str,
    corpus: Corpus,
    reader: TrustView,
    *,
    signal: str,
    weight: float,
) -> tuple[Ranked, ...]:
    """The ranking with a note first, or behind the last one before it that is trusted more.

    Args:
        ranked: Best first.
        note_id: Of a note in the corpus, ranked or not.
        corpus: All notes that were looked at.
        reader: For whom.
        signal: What raises its score.
        weight: What it has more than the note that was first.
    """
    rest = [one for one in ranked if one.note_id != note_id]
    own = next((one for one in ranked if one.note_id == note_id), None)
    at, own = (ranked.index(own), own) if own else (len(rest), Ranked(note_id, 0.0, {}))

    def trust(note_id: str) -> float:
        return reader.trust(corpus.outlines[corpus.rows[note_id]])

    more = (n + 1 for n in range(at) if trust(rest[n].note_id) > trust(note_id))
    to = max(more, default=0)
    score = max([own.score, *(one.score for one in rest[to : to + 1])])
    score += weight if to == 0 else 0.0
    shares = {**own.shares, signal: score - own.score}
    return lifted([*rest[:to], Ranked(note_id, score, shares), *rest[to:]])
