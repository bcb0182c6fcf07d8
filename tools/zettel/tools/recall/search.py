"""Ranks a scope's notes for a question: arms, fusion, further looks, reranking."""

import logging
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import islice
from typing import TypeVar

import numpy as np

from zettel.storage.errors import ModelUnavailableError
from zettel.storage.notes import (
    Hit,
    Outline,
    fold,
    outline_of,
)
from zettel.storage.store import NoteFilter, Vectors
from zettel.storage.text.utterance import without_questions
from zettel.tools.concurrency import check_cancelled, gather2, read_in_thread, read_texts
from zettel.tools.language.asked_slots import TEXT_READ_CHARACTERS, Slot, find_asked_slots
from zettel.tools.language.names import find_names
from zettel.tools.language.question_words import sort_tags
from zettel.tools.language.terms import spelled_kinds
from zettel.tools.language.times import from_wall_time, iso_day
from zettel.tools.language.user_words import own_words
from zettel.tools.ranking.corpus import Corpus, Values, make_corpus
from zettel.tools.ranking.estimate import as_told
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
    STEPPED,
    TIE_SHARE,
    MultiHop,
    beside_share,
    find_bridge_entities,
    find_multi_hop,
    merge_by_score,
    place_first_look,
    place_second_look,
    step_share,
)
from zettel.tools.ranking.question import USER, Question, find_anchor, read_question
from zettel.tools.ranking.ranked import Ranked, add_signal
from zettel.tools.ranking.signals import (
    KIND_OF_SORT,
    event_times,
    exact_share,
    find_exact_terms,
    is_code,
    spelled_anyhow,
)
from zettel.tools.ranking.weights import (
    EXACT_WEIGHT,
    RERANKER_WEIGHT,
    STATED_SIGNAL,
    STATED_WEIGHT,
    STATED_WEIGHT_IN_TALK,
)
from zettel.tools.state.memory import Memory
from zettel.tools.tracing import start_part

_T = TypeVar("_T")

QUOTATION_MARKS = ' \t\n"“”„«»'
"""Around a question that is one quotation, which is the asker's own then."""
SMALL_ARM_HITS = 1_000
"""Hits of each arm in a scope that is read whole: all it may hold of a question's words."""
LARGE_ARM_HITS = 100
"""Hits of each arm in a large scope: few enough for the vector index."""
AHEAD_MIN_NOTES = 50_000
"""Notes of a scope from which candidates are read ahead: they are on the disk, not in memory."""
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
    then: frozenset[str] = frozenset()
    """Ids of the superseded notes that stood at the end of the time asked for."""


async def search(
    memory: Memory, query: str, where: NoteFilter, *, now: datetime, depth: int = RANKING_MAX_NOTES
) -> Found:
    """Rank the notes of a scope for a question, best first.

    Relative times mean the moment `now`, at which notes must be valid; `depth` is how many notes to
    return at most.
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
        self._ahead = dict[str, list[Outline]]()
        self._in_corpus = len(self._outlines), len(self._sessions)
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
        corpus = self.corpus

        def compute() -> Mapping[str, Values]:
            # `reordered` asks this too, when no core waits for the encoding any more.
            find_asked_slots(question.text)
            return question_values(question, corpus)

        async def signals() -> Mapping[str, Values]:
            with start_part("signals"):
                return await _of_notes(corpus, compute)

        arms, beforehand = await gather2(lambda: self._searched(question), signals)
        with start_part("fusion"):
            return arms, await _of_notes(corpus, lambda: _fused(question, arms, corpus, beforehand))

    async def _searched(self, question: Question) -> Arms:
        key = (question.words or question.text, question.topic)
        if key not in self._arms:
            large = self.corpus.statistics is not None
            ahead = large and self.corpus.size >= AHEAD_MIN_NOTES
            self._arms[key] = await gather_arms(
                self._memory,
                question,
                self._where,
                arm=LARGE_ARM_HITS if large else SMALL_ARM_HITS,
                with_meaning=self.with_meaning,
                meanwhile=self._read_ahead if ahead else None,
            )
        return self._arms[key]

    async def _read_ahead(self, hits: Sequence[Hit]) -> None:
        """Read what `widen` will ask of the hits by words, while meaning is searched."""
        note_ids = tuple(hit.note_id for hit in hits if hit.note_id not in self._outlines)
        await self._add(note_ids=note_ids)
        best = (self._outlines.get(hit.note_id) for hit in hits[:SESSION_HITS])
        told = {outline.session for outline in best if outline}
        if sessions := tuple(sorted(told - self._sessions - self._ahead.keys())):
            found = await self._read(sessions=sessions)
            if len(found) < HIT_SESSIONS_MAX_NOTES:
                ahead: dict[str, list[Outline]] = {session: [] for session in sessions}
                for outline in found:
                    ahead[outline.session].append(outline)
                self._ahead |= ahead
                if unread := self.corpus.columns.unread(found):
                    await read_in_thread(self.corpus.columns.take, unread)

    async def widen(self, question: Question) -> bool:
        """Add the notes that were found and are not candidates yet; False if there are none."""
        corpus = self.corpus
        if corpus.statistics is None:
            return False
        with start_part("candidates"):
            await self._add_hits()
            await self._add_asked_for(question)
            before, self._in_corpus = self._in_corpus, (len(self._outlines), len(self._sessions))
            if before == self._in_corpus:
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
            found = await self._of_sessions(sessions)
            self._outlines |= {outline.note_id: outline for outline in found}
            if len(found) < HIT_SESSIONS_MAX_NOTES:
                self._sessions.update(sessions)

    async def _of_sessions(self, sessions: Sequence[str]) -> list[Outline]:
        """The notes of sessions, the earliest if they are too many; some were read ahead."""
        found = [outline for session in sessions for outline in self._ahead.get(session, ())]
        if unread := tuple(session for session in sessions if session not in self._ahead):
            found += await self._read(sessions=unread)
        if len(found) < HIT_SESSIONS_MAX_NOTES or len(unread) == len(sessions):
            return found
        return await self._read(sessions=tuple(sessions))

    async def _add(self, *, note_ids: tuple[str, ...]) -> None:
        """Read notes of the scope."""
        if note_ids:
            found = await self._read(note_ids=note_ids)
            self._outlines |= {outline.note_id: outline for outline in found}
            self._read_ids.update(note_ids)

    async def _read(self, **only: tuple[str, ...]) -> list[Outline]:
        within = replace(self._where, **only)
        return await self._memory.store.outlines(within, limit=HIT_SESSIONS_MAX_NOTES)

    async def _add_asked_for(self, question: Question) -> None:
        """Add notes that a question asks for by time, kind or subject, whatever their words."""
        for where in _asked_for(question, self._where, self.corpus):
            if where not in self._asked_for:
                self._asked_for.add(where)
                notes = await self._memory.store.find(where, limit=ASKED_FOR_MAX_NOTES)
                self._outlines |= {note.note_id: outline_of(note) for note in notes}


async def _of_notes(corpus: Corpus, compute: Callable[[], _T]) -> _T:
    """Compute with the notes of a corpus in a thread; without any at once."""
    return await read_in_thread(compute) if len(corpus) else compute()


def reads_alike(one: Corpus, other: Corpus) -> bool:
    """Whether `ask` reads every question alike with two corpora."""
    same = one.usual is other.usual and one.users == other.users
    # In their order as well: of two subjects with one first name the first is meant.
    return same and list(one.subjects.items()) == list(other.subjects.items())


def ask(query: str, corpus: Corpus, now: datetime) -> Question:
    """Read a question with the subjects and common names of a corpus."""
    spelled = find_asked_names(query, corpus.mentions)
    # One in small letters may be a product's, told in many notes: taken out of the question, two
    # of 69 first places were lost in a month (November 2026).
    common = [fold(name) for name in spelled if name in query and corpus.is_common(fold(name))]
    return read_question(
        query,
        corpus.subjects.values(),
        now,
        names=common,
        users=corpus.users,
        own=own_words(query.strip(QUOTATION_MARKS)),
        self_is_subject=_is_user_subject(corpus.usual),
        spelled=spelled,
    )


def _is_user_subject(usual: Corpus) -> bool:
    """Whether at least as many notes have the user as their subject as have none.

    Notes without a subject are about the user as well otherwise, or about anything.
    """
    return usual.count_of(USER) >= int(np.count_nonzero(usual.subject_numbers < 0))


def _asked_for(question: Question, where: NoteFilter, corpus: Corpus) -> list[NoteFilter]:
    """The notes of a scope that a question asks for by time, kind or subject."""
    found = list[NoteFilter]()
    if question.only_when or question.sort:
        for start, end in question.times:
            first, last = (datetime.fromtimestamp(at, UTC) for at in (start, end))
            # Dates without a zone lie at the hours of UTC, moments at those of here.
            since = min(first, from_wall_time(first))
            until = max(last, from_wall_time(last))
            found.append(
                replace(
                    where,
                    since=max(since, where.since or since),
                    until=min(until, where.until or until),
                )
            )
    if (kind := KIND_OF_SORT.get(question.sort)) and not where.kinds:
        found.append(replace(where, kinds=(kind,)))
    if question.sort and question.sort != "changed" and not where.tags:
        found.append(replace(where, tags=tuple(sorted(sort_tags(question.sort)))))
    if question.listed and not where.tags:
        found.append(replace(where, tags=spelled_kinds(question.listed)))
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
    if anchor.is_name and anchor.side == "before" and not _tells_time(told):
        _, found = await looks.rank(await looks.ask(anchor.rest))
        return merge_by_score(first, found, beside_share(first.corpus))
    when = _moment(told)
    if when is None:
        return first
    again = await looks.ask(anchor.rest)
    # The question asks for events, which are notes that mention a time.
    again = replace(again, beside=(anchor.side, when), asks_when=True)
    _, found = await looks.rank(again)
    share = min(step_share(first.corpus), TIE_SHARE)
    return merge_by_score(merge_by_score(first, found, beside_share(first.corpus)), told, share)


def _tells_time(ranking: Ranking) -> bool:
    """Whether the best note mentions a time, as that of an event does."""
    return len(ranking.order) > 0 and bool(ranking.corpus.timed[ranking.order[0]])


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
    by_places = unnamed.is_person and not corpus.conversation
    ranking = place_first_look(first, unnamed) if by_places else first
    for lead in await read_in_thread(find_bridge_entities, unnamed, about, rest):
        again, found = await asked(unnamed.named(text, lead.name))
        found = await _steps(looks, found, again, left - 1)
        tying = replace(about, order=about.order[np.isin(about.order, lead.rows)])
        if by_places:
            ranking = place_second_look(
                ranking, found, tying, first=first, unnamed=unnamed, share=lead.share
            )
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
    meanwhile: Callable[[Sequence[Hit]], Awaitable[None]] | None = None,
) -> Arms:
    """The hits by words and, if the model is loaded, by meaning, searched concurrently.

    `arm` is the most hits of each. `meanwhile` is called with the hits by words, while meaning is
    searched, which takes longer.
    """

    async def by_words() -> Sequence[Hit]:
        with start_part("text"):
            words = question.words or question.text
            hits = await memory.store.match_text(words, where, limit=arm)
        if meanwhile:
            with start_part("candidates"):
                await meanwhile(hits)
        return hits

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

STATING_MAX_NOTES = 20
"""Most notes that are read for what a question asks for by name: two pages of ten."""
RERANK_MAX_NOTES = 20
"""Most notes that a cross-encoder reads for a question: two pages of ten."""
RERANK_MAX_CHARACTERS = 1200
"""Characters of a note's best passages that a cross-encoder reads: some 300 tokens, which with the
question fit the 512 of most models."""


async def reordered(
    memory: Memory, query: str, found: Found, outlines: Mapping[str, Outline]
) -> tuple[tuple[Ranked, ...], str]:
    """Lift notes that hold an exact term or state what is asked for, then rerank the best ones.

    There is an outline of every ranked note.

    Returns:
        The ranking, and why the reranker was not used; empty if it was or there is none.
    """
    ranked: Sequence[Ranked] = found.ranked
    if terms := await read_texts(len(query), lambda: find_exact_terms(query)):
        read = [outlines[one.note_id] for one in ranked]
        characters = sum(len(outline.content) for outline in read)
        values = await memory.read(characters, lambda: _exact_shares(terms, read))
        ranked = add_signal(ranked, "exact", values, EXACT_WEIGHT)
    ranked = await _stating_first(memory, query, found, ranked, outlines)
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


async def _stating_first(
    memory: Memory,
    query: str,
    found: Found,
    ranked: Sequence[Ranked],
    outlines: Mapping[str, Outline],
) -> Sequence[Ranked]:
    """Lift notes that state such a thing as a question asks for by name.

    Not for a passage, nor where a name was followed: the note with its owner states no such thing.
    """
    best = ranked[:STATING_MAX_NOTES]
    if found.question.is_passage or any(STEPPED in one.shares for one in best):
        return ranked
    asked = await read_texts(len(query), lambda: find_asked_slots(query))
    # "Mum" may be whom a note calls "she", and is stated by no note on what she has.
    slots = [slot for slot in asked if not slot.person]
    if not slots:
        return ranked
    named = not found.question.asks_self and any(_is_of_asked(one) for one in best)
    read = [outlines[one.note_id] for one in best]
    others = {o.note_id for o in best if not _is_of_asked(o)} if named else set[str]()
    characters = sum(len(outline.content) for outline in read)
    values = await memory.read(characters, lambda: _stated_shares(slots, read, others))
    in_talk = found.first.corpus.conversation
    weight = STATED_WEIGHT_IN_TALK if in_talk else STATED_WEIGHT
    return add_signal(ranked, STATED_SIGNAL, values, weight)


def _exact_shares(terms: Sequence[str], outlines: Sequence[Outline]) -> dict[str, float]:
    """How many of the terms each note holds: as they are, or if none does, codes spelled anyhow."""
    shares = dict[str, float]()
    for outline in outlines:
        # The call's time may be over: two hundred of the longest notes take a second.
        check_cancelled()
        shares[outline.note_id] = exact_share(terms, outline.content)
    codes = [spelled_anyhow(term, alone=False) for term in terms if is_code(term)]
    if any(shares.values()) or not codes:
        return shares
    for outline in outlines:
        check_cancelled()
        told = fold(outline.content)
        shares[outline.note_id] = sum(code.search(told) is not None for code in codes) / len(terms)
    return shares


def _is_of_asked(ranked: Ranked) -> bool:
    """Whether a note is about, or mentions, whom the question names."""
    return bool(ranked.shares.get("subject") or ranked.shares.get("mentioned"))


def _stated_shares(
    slots: Sequence[Slot], outlines: Sequence[Outline], others: Collection[str]
) -> dict[str, float]:
    """Share of what is asked for by name that each note states; who asks for it does not.

    Nor does one that names somebody else than the question.
    """
    shares = dict[str, float]()
    for outline in outlines:
        check_cancelled()
        if outline.note_id in others and find_names(outline.content[:TEXT_READ_CHARACTERS]):
            continue
        told = without_questions(as_told(outline)[:TEXT_READ_CHARACTERS])
        shares[outline.note_id] = sum(slot.is_stated(told) for slot in slots) / len(slots)
    return shares


def _told(outline: Outline, query: str) -> str:
    """Day, subject and words of a note, as the reranker reads it."""
    words = outline.content
    if len(words) > RERANK_MAX_CHARACTERS:
        words = rank_passages(words, query).cut(RERANK_MAX_CHARACTERS)
    told = f"{outline.subject}: {words}" if outline.subject else words
    return f"{iso_day(outline.happened_at)} {told}"
